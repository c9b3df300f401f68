"""Colours of the picture of a model's structure: of boxes by role, of arrows by direction."""

from matplotlib.colors import to_rgb

from ..declare.model.hierarchy import Hierarchy
from ..declare.model.projection import Projection
from .colours import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILLION

ROLES = {
    "state": SKY,
    "error": ORANGE,
    "prior": GREEN,
    "precision": PURPLE,
    "input": BLACK,
    "population": GREY,
}
# With Okabe & Ito's yellow, which a fill can use, and wine and olive of Tol's muted colours.
_OTHER_ROLES = (BLUE, VERMILLION, "#F0E442", "#882255", "#999933")
DESCENDING, ASCENDING, WITHIN, OUTSIDE = (
    "descending",
    "ascending",
    "within a level",
    "outside the levels",
)
DIRECTIONS = {DESCENDING: BLUE, ASCENDING: VERMILLION, WITHIN: BLACK, OUTSIDE: BLACK}
OPPOSITE = {DESCENDING: ASCENDING, ASCENDING: DESCENDING}


def direction_of(projection: Projection, model: Hierarchy) -> str:
    """DESCENDING, ASCENDING, WITHIN a level, or OUTSIDE where an end has no level."""
    source, target = (
        model.population(name).level for name in (projection.source, projection.target)
    )
    if source is None or target is None:
        return OUTSIDE
    return WITHIN if source == target else DESCENDING if source > target else ASCENDING


def role_colours(model: Hierarchy) -> dict[str, str]:
    """A colour for each role of the populations; roles without one in ROLES take others in turn."""
    others = iter(_OTHER_ROLES * len(model.populations))
    found: dict[str, str] = {}
    for population in model.populations:
        if population.role not in found:
            found[population.role] = ROLES.get(population.role) or next(others)
    return found


def tint(colour: str) -> tuple[float, ...]:
    """`colour` mixed with white, light enough for black text."""
    return tuple(1 - (0.08 if colour == BLACK else 0.28) * (1 - c) for c in to_rgb(colour))
