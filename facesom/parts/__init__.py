"""A drawing, its six parts, and their measures in the frame of the eyes."""

from .meanface import mean_face, mean_faces, shows_parts
from .shape import FEATURES, PARTS, feature_names, find_parts, shape_features
