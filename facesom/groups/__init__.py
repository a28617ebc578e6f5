"""Groups of nodes: how many, what they say in words, persons' profiles, and tests."""

from .by_column import FOUND, ColumnEffects, column_effects
from .classify import classify_labels
from .how_many import choose_n_groups
from .node_groups import NodeGroups, transitions
from .profiles import compare_labels, person_profiles, similar_order
from .resampling import person_values
from .words import describe_groups, group_distances
