"""Faces that are drawn with a known identity and expression: the built-in data and every test's truth."""

from .drawing import PALETTE, X2_NAMES, distances, draw_landmarks
from .facemodel import ACTION_UNITS, PROPORTIONS, face_landmarks
from .synthetic import EXPRESSIONS, DrawnFaces, make_faces
