"""Pictures of maps and faces: `grid_image` makes an array, the ``plot_`` functions draw on an `Axes`.

Every ``plot_`` function takes ``ax=None`` (a new figure), returns the `Axes`, and neither shows nor closes
anything. Groups and persons differ in colour (Okabe and Ito, 2008) *and* in number or shape. Here they are
all together; they live in rooms of their own by what they show.
"""

from .canvas import COLOURS, MARKERS, PERSON_COLOURS, new_axes
from .cards import group_faces, plot_group_cards, plot_group_tree
from .choices import plot_choice, plot_group_curve, plot_n_groups, plot_training
from .faces import plot_eye_frame, plot_faces, plot_members, plot_typical
from .features import plot_scoreboard, plot_thumbnails
from .figure_set import figures
from .groups import plot_column_effects, plot_effects, plot_permutations, plot_profiles, plot_stability
from .maps import plot_components, plot_grid, plot_groups, plot_hits, plot_nodes, plot_persons, plot_u_matrix
from .networks import plot_calibration, plot_history
from .photos import plot_people, plot_people_bars
from .scores import plot_accuracies, plot_comparison, plot_confusion, plot_predictions
from .tiles import drawn_box, grid_image, unit_faces, wall_heights
from .tracks import plot_actions, plot_emotions_over_time
