"""Probes: which variable of which population is recorded, how finely, and how much memory that
takes.
"""

from collections.abc import Iterable, Sequence

import attrs
import numpy as np
from brian2 import Quantity, ms, second
from brian2.units.fundamentalunits import Dimension, have_same_dimensions

from ...errors import ProtocolError, UnitError, UnknownNameError, clipped, nearest
from ..arguments import checked
from ..model.hierarchy import Hierarchy
from ..model.population import Population
from .pace import check_time, in_steps

SPIKES = "spikes"
#: What of the pacemaker can be recorded: the rate of change by which settling is judged.
PACEMAKER = Population(name="pacemaker", size=1, equations="rate : Hz")


def _names(variables: str | Iterable[str]) -> tuple:
    return (variables,) if isinstance(variables, str) else tuple(variables)


def _indices(units: Iterable | None) -> tuple | None:
    return None if units is None else tuple(int(unit) for unit in units)


@checked(ProtocolError)
@attrs.frozen(eq=False)
class Probe:
    """A recording from one population.

    Parameters
    ----------
    population : str
        Or "pacemaker", whose `rate` is the root mean square rate of change by which settling is
        judged. A sample of it belongs to the step from its time on; those of populations are their
        values before that step.
    variables : str or sequence of str
        Variables to record, or "spikes".
    units : sequence of int, optional
        Units to record; all if left out.
    interval : Quantity
        Sampling interval, a multiple of dt.
    window : (Quantity, Quantity), optional
        Keep only samples in this window around each token's arrival, e.g. ``(-12*ms, 48*ms)``.
    """

    population: str
    variables: tuple = attrs.field(converter=_names)
    units: tuple = attrs.field(default=None, converter=_indices)
    interval: Quantity = 1 * ms
    window: Sequence[Quantity] | None = None

    def __attrs_post_init__(self):
        check_time(self.interval, "interval", self.where)
        if not self.variables or self.units == ():
            raise ProtocolError(
                "a probe needs at least one variable and unit",
                where=self.where,
                fix="give variables='r', and leave out units to record all",
            )
        if self.window is not None:
            if len(self.window) != 2 or not all(
                have_same_dimensions(edge, second) for edge in self.window
            ):
                raise UnitError(
                    f"the window {clipped(self.window)} is not two times",
                    where=self.where,
                    fix="give e.g. (-12*ms, 48*ms)",
                )
            if not float(self.window[0]) < float(self.window[1]):
                raise ProtocolError(
                    f"the window {clipped(self.window)} is empty",
                    where=self.where,
                    fix="give (start, stop)",
                )

    @property
    def where(self) -> str:
        return f"Probe of {self.population!r}"

    @property
    def sampled(self) -> tuple[str, ...]:
        """The variables recorded as samples (all but spikes)."""
        return tuple(v for v in self.variables if v != SPIKES)

    def check(self, model: Hierarchy, where: str) -> None:
        """The population, variables, units and interval exist in `model`. Raises ProtocolError."""
        where = f"{self.where} in {where}"
        if self.population == PACEMAKER.name and model.settling is None:
            raise ProtocolError(
                f"model {model.name!r} does not say when it has settled",
                where=where,
                fix="give its Hierarchy a Settling, or leave out the probe of the pacemaker",
            )
        population = self.source(model, where)
        readable = set(population.variables) | set(population.links)
        for variable in self.sampled:
            if variable not in readable:
                raise UnknownNameError(
                    f"population {self.population!r} has no variable {variable!r}",
                    where=where,
                    fix=nearest(variable, readable | ({SPIKES} if population.spiking else set())),
                )
        if SPIKES in self.variables and not population.spiking:
            raise ProtocolError(
                f"population {self.population!r} does not spike",
                where=where,
                fix="declare a threshold, or record one of its variables",
            )
        if self.units is not None and not all(0 <= u < population.size for u in self.units):
            raise ProtocolError(
                f"units {self.units} are not all below {population.size}",
                where=where,
                fix=f"give units 0 to {population.size - 1}",
            )
        in_steps(self.interval, model.dt, "interval", where)

    def source(self, model: Hierarchy, where: str | None = None) -> Population:
        """The population that is recorded. UnknownNameError if there is none."""
        return (
            PACEMAKER
            if self.population == PACEMAKER.name
            else model.population(self.population, where)
        )

    def dimensions(self, model: Hierarchy, variable: str) -> Dimension:
        """Physical dimensions of a recorded variable."""
        if self.population == PACEMAKER.name:
            return PACEMAKER.variables[variable]
        return model.dimensions_of(f"{self.population}.{variable}", self.where)

    def recorded_units(self, model: Hierarchy) -> np.ndarray:
        return np.arange(self.source(model).size) if self.units is None else np.array(self.units)

    def bytes_per_second(self, model: Hierarchy) -> float:
        """Bytes per second of simulated time before windowing and compression (float64 samples)."""
        return (
            8
            * len(self.sampled)
            * len(self.recorded_units(model))
            * model.batch
            / float(self.interval)
        )
