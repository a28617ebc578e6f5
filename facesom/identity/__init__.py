"""The same expression across people: freed of identity, one shared map, new persons, stability."""

from .across import NewPerson, SharedGroups, assign_new_person, group_across_persons, place_new_person
from .actions import AT_REST, action_matrix, read_actions
from .align import IdentityAligner
from .choose import GroupCurve, choose_groups
from .explained import explained_movement, leak
from .stability import STABLE, UNSTABLE, GroupStability, group_stability, match_groups
