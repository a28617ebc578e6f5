"""Labelled faces, action units, splits, classifiers, scores, and the shipped network."""

from .action_units import read_action_units
from .calibration import calibration_bins, calibration_error
from .classify import classifiers, compare_classifiers, cross_validate_classifiers
from .copies import find_copies, image_hashes
from .fer2013 import read_fer2013, write_fer2013
from .folders import read_emotion_folder, write_emotion_folder
from .labelled import EMOTIONS, SYNONYMS, UNLABELLED, ActionUnits, EmotionFaces
from .model import emotion_features, onnx_model, predict_emotions
from .network import emotion_network, epochs_within
from .scores import MEASURES, ClassificationScores, classification_scores
from .splits import balanced, check_disjoint, split_by_person, split_train_test
