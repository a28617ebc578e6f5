# Where each public name lives, for editors and type checkers; tests/test_package.py holds it to __init__.py.

from . import drawn as drawn
from . import emotions as emotions
from . import explorer as explorer
from . import features as features
from . import groups as groups
from . import identity as identity
from . import io as io
from . import notebook as notebook
from . import parts as parts
from . import photos as photos
from . import plots as plots
from . import som as som
from .drawn import make_faces as make_faces
from .emotions import EMOTIONS as EMOTIONS
from .emotions import predict_emotions as predict_emotions
from .explorer import show_explorer as show_explorer
from .explorer import write_explorer as write_explorer
from .groups import NodeGroups as NodeGroups
from .groups import choose_n_groups as choose_n_groups
from .groups import column_effects as column_effects
from .groups import describe_groups as describe_groups
from .groups import person_profiles as person_profiles
from .identity import IdentityAligner as IdentityAligner
from .identity import assign_new_person as assign_new_person
from .identity import group_across_persons as group_across_persons
from .identity import group_stability as group_stability
from .identity import place_new_person as place_new_person
from .io import DatasetError as DatasetError
from .io import FaceDataset as FaceDataset
from .io import load as load
from .io import save as save
from .io import to_grayscale as to_grayscale
from .notebook import find_data as find_data
from .parts import feature_names as feature_names
from .parts import find_parts as find_parts
from .parts import shape_features as shape_features
from .photos import find_faces as find_faces
from .photos import read_photo as read_photo
from .plots import figures as figures
from .som import FaceSOM as FaceSOM
from .som import choose_parameters as choose_parameters
from .som import fit_soms as fit_soms

__version__: str
