"""Self-organising maps of drawn faces: the same expression found across people.

>>> import facesom
>>> data = facesom.load("faces.pickle")  # doctest: +SKIP
>>> gray = facesom.to_grayscale(data)  # doctest: +SKIP
>>> som = facesom.FaceSOM(rows=10, cols=10, seed=42).fit(gray.X1[0])  # doctest: +SKIP
>>> facesom.plots.plot_grid(som)  # doctest: +SKIP
"""

from importlib import import_module

__version__ = "0.1.0"

_ROOMS = {
    "dataset": ("DatasetError", "FaceDataset", "as_faces", "load", "save"),
    "convert": ("to_grayscale",),
    "synthetic": ("make_faces",),
    "parts": ("feature_names", "find_parts", "shape_features"),
    "features": (),
    "embeddings": (),
    "scoreboard": ("score_clustering",),
    "som": ("FaceSOM", "fit_soms"),
    "quality": ("map_quality",),
    "choose": ("choose_parameters",),
    "words": ("describe_groups", "group_table"),
    "groups": ("NodeGroups",),
    "how_many": ("choose_n_groups",),
    "align": ("IdentityAligner",),
    "across": ("assign_new_person", "group_across_persons", "place_new_person"),
    "stability": ("group_stability",),
    "by_column": ("column_effects",),
    "profiles": ("classify_labels", "compare_labels", "person_profiles"),
    "scores": ("ClassificationScores", "classification_scores"),
    "plots": (),
    "score_plots": (),
    "feature_plots": (),
    "network_plots": (),
    "emotions": (
        "EMOTIONS",
        "ActionUnits",
        "EmotionFaces",
        "balanced",
        "check_disjoint",
        "read_action_units",
        "read_emotion_folder",
        "read_fer2013",
        "split_by_person",
        "split_train_test",
        "write_emotion_folder",
    ),
    "emotion_classifiers": ("classifiers", "compare_classifiers"),
    "cards": (),
    "figure_set": ("figures",),
    "photos": ("find_faces", "read_photo"),
    "group_photos": ("analyze_group", "analyze_groups"),
    "photo_labels": ("evaluate_groups", "read_labels", "write_label_sheet"),
    "photo_plots": (),
    "video": ("read_frames", "track_faces"),
    "emotion_tracks": ("video_emotions",),
    "landmarks": ("find_landmarks",),
    "from_photos": ("draw_from_photos",),
    "networks": ("fine_tune", "three_block_cnn", "train_network"),
    "emotion_model": ("onnx_model", "predict_emotions"),
    "emotion_network": (),
    "explorer": ("show_explorer", "write_explorer"),
    "notebook": ("find_data", "find_emotion_folder"),
}
_HOME = {name: room for room, names in _ROOMS.items() for name in names}

__all__ = sorted([*_HOME, *_ROOMS])


def __getattr__(name):
    # loaded when first used: OpenCV, scikit-learn and Matplotlib together take seconds to import
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    if name in _ROOMS:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return [*__all__, "__version__"]
