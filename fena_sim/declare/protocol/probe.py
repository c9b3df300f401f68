"""Probes: which variable of which population is recorded, how finely, and how much memory that
takes.
"""

from collections.abc import Iterable, Sequence
from numbers import Integral
from typing import Any

import attrs
import numpy as np
from brian2 import Quantity, ms, second
from brian2.units.fundamentalunits import Dimension, have_same_dimensions

from ...errors import ProtocolError, UnitError, UnknownNameError, clipped, nearest
from ..arguments import checked
from ..model.hierarchy import Hierarchy
from ..model.population import Population
from ..sequence import check_order, sequence
from .pace import check_time, in_steps

SPIKES = "spikes"
#: What of the pacemaker can be recorded: the rate of change by which settling is judged.
PACEMAKER = Population(name="pacemaker", size=1, equations="rate : Hz")


def _names(variables: str | Iterable[str]) -> tuple:
    if isinstance(variables, str):
        return (variables,)
    return sequence(variables, "variables", "Probe.variables", ProtocolError)


def _chosen(units: Any) -> tuple | slice | None:
    """Units as they are kept: a tuple of int or, if a mask was given, of bool; a slice; or None."""
    if isinstance(units, slice):
        given = [part for part in (units.start, units.stop, units.step) if part is not None]
        if not all(_whole(part) for part in given) or units.step == 0:
            raise ProtocolError(
                f"units are {units}", where="Probe.units", fix="give e.g. slice(0, 16, 2)"
            )
        return units
    if units is None:
        return None
    if hasattr(units, "tolist"):  # an array of any package; its elements as Python's numbers
        units = units.tolist()
    units = (units,) if _whole(units) else sequence(units, "units", "Probe.units", ProtocolError)
    truths = [isinstance(unit, (bool, np.bool_)) for unit in units]
    if not all(truths) and (any(truths) or not all(_whole(unit) for unit in units)):
        raise ProtocolError(
            f"units are {_shown(units)}, neither whole numbers nor a mask",
            where="Probe.units",
            fix="give e.g. [0, 5], a number, a slice, or a mask with a truth value for every unit",
        )
    if not all(truths) and len(set(units)) < len(units):
        twice = next(unit for unit in units if units.count(unit) > 1)
        raise ProtocolError(
            f"unit {twice} is given twice", where="Probe.units", fix="give every unit once"
        )
    return tuple(bool(unit) if all(truths) else int(unit) for unit in units)


def _whole(value):
    return isinstance(value, Integral) and not isinstance(value, (bool, np.bool_))


def _shown(values, most=8):
    return f"[{', '.join(map(repr, values[:most]))}{', ...' if len(values) > most else ''}]"


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
    units : int, sequence of int, slice or mask, optional
        Units to record, each once; all if left out. A mask has a truth value for every unit of the
        population, and a slice selects as from a list of them.
    interval : Quantity
        Sampling interval, a multiple of dt.
    window : (Quantity, Quantity), optional
        Keep only samples in this window around each token's onset, e.g. ``(-12*ms, 48*ms)``.

    Raises
    ------
    ProtocolError, UnitError
        No variable or unit, units that are neither whole numbers nor truth values, one given twice,
        or a window that is not two times. Whether the units exist is known with the model.
    """

    population: str
    variables: tuple = attrs.field(converter=_names)
    units: tuple | slice | None = attrs.field(default=None, converter=_chosen)
    interval: Quantity = 1 * ms
    window: Sequence[Quantity] | None = None

    def __attrs_post_init__(self):
        check_time(self.interval, "interval", self.where)
        # an empty list, or a mask without a True
        none = isinstance(self.units, tuple) and all(unit is False for unit in self.units)
        if not self.variables or none:
            raise ProtocolError(
                "a probe needs at least one variable and unit",
                where=self.where,
                fix="give variables='r', and leave out units to record all",
            )
        if self.window is not None:
            check_order(self.window, "the two times of a window", self.where, ProtocolError)
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
        self.recorded_units(model, where)
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

    def recorded_units(self, model: Hierarchy, where: str | None = None) -> np.ndarray:
        """Numbers of the units that are recorded, int64 (n,). ProtocolError if some do not exist."""
        size = self.source(model, where).size
        if self.units is None or isinstance(self.units, slice):
            units = np.arange(size)[self.units or slice(None)]
        elif self._masked:
            if len(self.units) != size:
                raise ProtocolError(
                    f"the mask has {len(self.units)} values for {size} units",
                    where=where or self.where,
                    fix="give one truth value for every unit of the population",
                )
            units = np.flatnonzero(self.units)
        else:
            units = np.array(self.units, dtype=np.int64)
        if not len(units) or units.min() < 0 or units.max() >= size:
            raise ProtocolError(
                f"units {_shown(units.tolist())} are not all below {size}"
                if len(units)
                else f"{self.units} selects none of {size} units",
                where=where or self.where,
                fix=f"give units 0 to {size - 1}",
            )
        return units

    def numbered(self, model: Hierarchy, where: str) -> "Probe":
        """The same probe with the numbers of its units, in the place of a slice or a mask. Raises
        ProtocolError if there are no such units.
        """
        if self.units is None or not (self._masked or isinstance(self.units, slice)):
            return self
        units = self.recorded_units(model, f"{self.where} in {where}")
        return attrs.evolve(self, units=units.tolist())

    @property
    def _masked(self):
        return isinstance(self.units, tuple) and isinstance(self.units[0], bool)

    def bytes_per_second(self, model: Hierarchy) -> float:
        """Bytes per second of simulated time before windowing and compression (float64 samples)."""
        return (
            8
            * len(self.sampled)
            * len(self.recorded_units(model))
            * model.batch
            / float(self.interval)
        )
