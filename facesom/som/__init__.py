"""Self-organizing maps: training, quality, choice of parameters, the map's file."""

from .choose import choose_parameters
from .grid import ADJACENT, node_positions, walk_order
from .map import FaceSOM
from .persons import fit_soms
from .quality import FOLDED, map_quality, quantization_error, topographic_error, trustworthiness
