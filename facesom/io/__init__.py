"""Open, check, convert and save: every file and array comes in and goes out through here."""

from .convert import REC_601, to_grayscale
from .dataset import DatasetError, FaceDataset, as_faces, is_colour, load, save
from .gates import check_n_groups, count_groups, per_person
from .images import is_hidden, read_gray
