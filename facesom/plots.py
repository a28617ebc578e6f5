"""Pictures of maps and faces: `grid_image` makes an array, the ``plot_`` functions draw on an `Axes`.

Every ``plot_`` function takes ``ax=None`` (a new figure), returns the `Axes`, and neither shows nor closes
anything. Groups and persons differ in colour (Okabe and Ito, 2008) *and* in number or shape. Here they are
all together; they live in rooms of their own by what they show.
"""

from .canvas import COLOURS, MARKERS, PERSON_COLOURS
from .cards import plot_group_cards, plot_group_tree
from .choice_plots import plot_choice, plot_n_groups, plot_training
from .face_plots import plot_faces, plot_members
from .group_plots import (
    plot_column_effects,
    plot_effects,
    plot_permutations,
    plot_profiles,
    plot_stability,
)
from .map_plots import (
    plot_components,
    plot_grid,
    plot_groups,
    plot_hits,
    plot_nodes,
    plot_persons,
    plot_u_matrix,
)
from .tiles import grid_image

__all__ = [
    "COLOURS",
    "MARKERS",
    "PERSON_COLOURS",
    "grid_image",
    "plot_choice",
    "plot_column_effects",
    "plot_components",
    "plot_effects",
    "plot_faces",
    "plot_grid",
    "plot_group_cards",
    "plot_group_tree",
    "plot_groups",
    "plot_hits",
    "plot_members",
    "plot_n_groups",
    "plot_nodes",
    "plot_permutations",
    "plot_persons",
    "plot_profiles",
    "plot_stability",
    "plot_training",
    "plot_u_matrix",
]
