"""What a hierarchy must be so that several streams of tokens can share its synapses."""

from collections.abc import Iterable

from ...errors import DeclarationError
from .population import Population
from .projection import ALL, Projection


def check_streams(
    populations: Iterable[Population], projections: Iterable[Projection], batch: int
) -> None:
    """Raise DeclarationError unless `batch` streams can be presented side by side."""
    if batch == 1:
        return
    projections = list(projections)
    barred: list[tuple[Population | Projection, str]] = []
    barred += [(p, "is not all-to-all") for p in projections if p.connect != ALL]
    barred += [(p, "has a delay") for p in projections if p.delay is not None]
    barred += [(p, "acts at spikes") for p in projections if p.spiking]
    barred += [(p, "spikes") for p in populations if p.spiking]
    for member, what in barred:
        raise DeclarationError(
            f"{member.name!r} {what}, so its units cannot be shared out to {batch} streams",
            where=member.where,
            fix="declare the hierarchy with batch=1",
        )
