"""Open, check, convert and save: every file and array comes in and goes out through here."""

from .convert import to_grayscale
from .dataset import DatasetError, FaceDataset, load, save
from .files import atomic_folder, atomic_write, open_regular
from .gates import as_array, as_faces, as_numbers, brief, is_colour, like, per_person
from .images import REC_601, as_bytes, is_hidden, on_ground, read_image
from .npz import read_npz
from .numbers import check_n_groups, check_whole, count_groups
from .onnx import OnnxNetwork, read_onnx
from .tables import read_table, to_number, to_whole
from .threads import in_threads, one_thread
