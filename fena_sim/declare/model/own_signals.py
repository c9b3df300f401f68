"""Signals of one's own: what populations ask of the protocol by name."""

from collections.abc import Iterable

import attrs
from brian2 import Quantity
from brian2.units.fundamentalunits import Dimension, get_dimensions

from ...errors import DeclarationError
from .population import Population


@attrs.frozen
class OwnSignal:
    """A signal that some populations declare.

    Attributes
    ----------
    default : float or Quantity
        Its value where a protocol does not say; it has the signal's unit.
    populations : tuple of str
    sizes : frozenset of int
        Of these populations.
    """

    default: float | Quantity
    populations: tuple[str, ...]
    sizes: frozenset[int]

    @property
    def dimension(self) -> Dimension:
        return get_dimensions(self.default)


def own_signals(populations: Iterable[Population]) -> dict[str, OwnSignal]:
    """The signals that populations declare, {name: OwnSignal}. Raises DeclarationError if two declare
    one name with different defaults.
    """
    found: dict[str, OwnSignal] = {}
    for population in populations:
        for name, default in population.signals.items():
            known = found.get(name, OwnSignal(default, (), frozenset()))
            same = get_dimensions(default) == known.dimension
            if not same or float(default) != float(known.default):
                raise DeclarationError(
                    f"signal {name!r} is {default} in {population.name!r}, and {known.default} in "
                    f"{known.populations[0]!r}",
                    where=population.where,
                    fix="declare it with one default, or give the two signals names of their own",
                )
            found[name] = attrs.evolve(
                known,
                populations=(*known.populations, population.name),
                sizes=known.sizes | {population.size},
            )
    return found
