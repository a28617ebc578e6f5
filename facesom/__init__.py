"""Self-organizing maps of drawn faces: the same expression found across people.

>>> import facesom
>>> data = facesom.load("faces.pickle")  # doctest: +SKIP
>>> gray = facesom.to_grayscale(data)  # doctest: +SKIP
>>> som = facesom.FaceSOM(rows=10, cols=10, seed=42).fit(gray.X1[0])  # doctest: +SKIP
>>> facesom.plots.plot_grid(som)  # doctest: +SKIP
"""

from importlib import import_module
from types import ModuleType

__version__ = "0.1.0"

_ROOMS = {
    "io": ("DatasetError", "FaceDataset", "load", "save", "to_grayscale"),
    "drawn": ("make_faces",),
    "parts": ("feature_names", "find_parts", "shape_features"),
    "som": ("FaceSOM", "choose_parameters", "fit_soms"),
    "identity": (
        "IdentityAligner",
        "assign_new_person",
        "group_across_persons",
        "group_stability",
        "place_new_person",
    ),
    "groups": ("NodeGroups", "choose_n_groups", "column_effects", "describe_groups", "person_profiles"),
    "features": (),
    "emotions": ("EMOTIONS", "predict_emotions"),
    "photos": ("find_faces", "read_photo"),
    "plots": ("figures",),
    "explorer": ("show_explorer", "write_explorer"),
    "notebook": ("find_data",),
}
_HOME = {name: room for room, names in _ROOMS.items() for name in names}

__all__ = sorted([*_HOME, *_ROOMS])


def __getattr__(name):
    # loaded when first used: OpenCV, scikit-learn and Matplotlib together take seconds to import
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    if name in _ROOMS:
        return import_module(f"{__name__}.{name}")
    if not name.startswith("_"):  # scripts of before the rooms ask here for what a room offers
        for room in (import_module(f"{__name__}.{room}") for room in _ROOMS):
            if not isinstance(found := getattr(room, name, None), ModuleType | None):
                return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return [*__all__, "__version__"]
