"""Probes: which variable of which population or projection is recorded, how finely, and how much
memory that takes.
"""

from collections.abc import Iterable, Sequence
from typing import Any, cast

import attrs
import numpy as np
from brian2 import Quantity, ms, second
from brian2.equations.equations import SUBEXPRESSION
from brian2.units.fundamentalunits import Dimension, have_same_dimensions

from ...errors import ProtocolError, UnitError, UnknownNameError, clipped, nearest
from ..arguments import checked
from ..model.hierarchy import Hierarchy
from ..model.population import Population
from ..model.projection import Projection
from ..sequence import check_order, sequence
from .pace import check_time, in_steps
from .selection import chosen, masked, numbers_of
from .summary import check_summary

SPIKES = "spikes"
#: What of the pacemaker can be recorded: the rate of change by which settling is judged.
PACEMAKER = Population(name="pacemaker", size=1, equations="rate : Hz")
#: What a run of earlier versions has not: no part of its identity unless it is given.
_LATER: Any = {"hashed": "if given"}


def _names(variables: str | Iterable[str]) -> tuple:
    if isinstance(variables, str):
        return (variables,)
    return sequence(variables, "variables", "Probe.variables", ProtocolError)


def _sources(units: Any) -> tuple | slice | None:
    return chosen(units, "source")


def _targets(units: Any) -> tuple | slice | None:
    return chosen(units, "target")


@checked(ProtocolError)
@attrs.frozen(eq=False)
class Probe:
    """A recording from one population, or from the synapses of one projection.

    Weights and other variables of synapses are read where the network pauses, every so many tokens
    or at an interval, and so is what a population has every so many tokens.

    Parameters
    ----------
    population : str
        A population, or a projection. Or "pacemaker", whose `rate` is the root mean square rate of
        change by which settling is judged. A sample of it belongs to the step from its time on; all
        others are values before that step.
    variables : str or sequence of str
        Variables to record, or "spikes". Of synapses, variables that change or are given; one that
        is integrated between spikes has its value at the last of them.
    units : int, sequence of int, slice or mask, optional
        Units to record, each once; all if left out. A mask has a truth value for every unit of the
        population, and a slice selects as from a list of them. Of a projection these are synapses,
        which are numbered by their source and then by their target.
    interval : Quantity, optional
        Sampling interval, a multiple of dt; 1 ms for populations if neither this nor `every` is
        given. Synapses are sampled from the block's beginning on, so often.
    window : (Quantity, Quantity), optional
        Keep only samples in this window around each token's onset, e.g. ``(-12*ms, 48*ms)``.
    every : int, optional
        Record at the block's beginning and after every so many tokens, in the place of `interval`.
    source, target : int, sequence of int, slice or mask, optional
        Of a projection: only synapses from these units of its source, and onto these of its target.
    summary : str, optional
        Of a projection, in the place of single synapses: their Euclidean ``"norm"``; that of the
        synapses of each unit (``"source_norm"``, ``"target_norm"``); or how many have values within
        each of the `bins` (``"histogram"``). It is of the synapses that are selected.
    bins : array of numbers or Quantity, optional
        Edges of a histogram, growing; the last bin includes its upper edge, as numpy.histogram has it.
    name : str, optional
        What the recordings are called in `Run.traces`; the population's or projection's name if left
        out. With names, a block may have several probes of one population.

    Raises
    ------
    ProtocolError, UnitError
        No variable or unit, units that are neither whole numbers nor truth values, one given twice,
        a window that is not two times, both `every` and an interval or a window, or a summary without
        what it needs. Whether the units exist is known with the model.
    """

    population: str
    variables: tuple = attrs.field(converter=_names)
    units: tuple | slice | None = attrs.field(default=None, converter=chosen)
    interval: Quantity | None = attrs.field(default=None, metadata={"none": 1 * ms})
    window: Sequence[Quantity] | None = None
    every: int | None = attrs.field(default=None, kw_only=True, metadata=_LATER)
    source: tuple | slice | None = attrs.field(
        default=None, converter=_sources, kw_only=True, metadata=_LATER
    )
    target: tuple | slice | None = attrs.field(
        default=None, converter=_targets, kw_only=True, metadata=_LATER
    )
    summary: str | None = attrs.field(default=None, kw_only=True, metadata=_LATER)
    bins: Quantity | np.ndarray | None = attrs.field(default=None, kw_only=True, metadata=_LATER)
    name: str | None = attrs.field(default=None, kw_only=True, metadata=_LATER)

    def __attrs_post_init__(self):
        if self.interval is not None:
            check_time(self.interval, "interval", self.where)
        # an empty list, or a mask without a True
        none = any(
            isinstance(units, tuple) and all(unit is False for unit in units)
            for units in (self.units, self.source, self.target)
        )
        if not self.variables or none:
            raise ProtocolError(
                "a probe needs at least one variable and unit",
                where=self.where,
                fix="give variables='r', and leave out units to record all",
            )
        if self.name is not None and not self.name.isidentifier():
            raise ProtocolError(
                f"the name {clipped(self.name)} is not an identifier",
                where=self.where,
                fix="use letters and underscores",
            )
        self._check_window()
        self._check_every()
        check_summary(self.summary, self.bins, self.where)

    def _check_window(self):
        if self.window is None:
            return
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

    def _check_every(self):
        if self.every is None:
            return
        if self.every < 1:
            raise ProtocolError(
                f"every {self.every} tokens",
                where=self.where,
                fix="give a whole number of tokens, at least 1",
            )
        for what, given in (("interval", self.interval), ("window", self.window)):
            if given is not None:
                raise ProtocolError(
                    f"every {self.every} tokens and {what} {clipped(given)}",
                    where=self.where,
                    fix=f"leave out {what} to record between tokens, or every to record within them",
                )
        if SPIKES in self.variables:
            raise ProtocolError(
                f"spikes every {self.every} tokens",
                where=self.where,
                fix="record spikes with a probe of their own, without every: they are always complete",
            )

    @property
    def where(self) -> str:
        return f"Probe of {self.population!r}"

    @property
    def key(self) -> str:
        """What the recordings are called: `name`, or the population's or projection's."""
        return self.name or self.population

    @property
    def period(self) -> Quantity | None:
        """The sampling interval, 1 ms if none is given; None where it is given in tokens."""
        if self.every is not None:
            return None
        return 1 * ms if self.interval is None else self.interval

    @property
    def sampled(self) -> tuple[str, ...]:
        """The variables recorded as samples (all but spikes)."""
        return tuple(v for v in self.variables if v != SPIKES)

    def check(self, model: Hierarchy, where: str) -> None:
        """The population or projection, variables, units and interval exist in `model`. Raises
        ProtocolError.
        """
        where = f"{self.where} in {where}"
        if self.population == PACEMAKER.name and model.settling is None:
            raise ProtocolError(
                f"model {model.name!r} does not say when it has settled",
                where=where,
                fix="give its Hierarchy a Settling, or leave out the probe of the pacemaker",
            )
        if self.name in {p.name for p in (*model.populations, *model.projections)} - {
            self.population
        } | {PACEMAKER.name}:
            raise ProtocolError(
                f"the probe is called {self.name!r}, as something else of the model is",
                where=where,
                fix="choose another name",
            )
        projection = self.projection(model)
        if projection is not None:
            self._check_synapses(model, projection, where)
        else:
            self._check_units(model, where)
        if self.period is not None:
            in_steps(self.period, model.dt, "interval", where)

    def _check_units(self, model, where):
        population = self.owner(model, where)
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
        for option in ("source", "target", "summary"):
            if getattr(self, option) is not None:
                raise ProtocolError(
                    f"{option} is of synapses, and {self.population!r} is a population",
                    where=where,
                    fix="record a projection, or leave it out",
                )
        if self.every is not None:
            if self.population == PACEMAKER.name:
                raise ProtocolError(
                    "the rate of the pacemaker is judged within tokens",
                    where=where,
                    fix="give an interval in the place of every",
                )
            self._check_kept(_computed(population.parsed) | set(population.links), where)
        self.recorded_units(model, where)

    def _check_synapses(self, model, projection, where):
        for variable in self.variables:
            if variable not in projection.own_variables:
                raise UnknownNameError(
                    f"projection {self.population!r} has no variable {variable!r}",
                    where=where,
                    fix=nearest(variable, projection.own_variables),
                )
        rule = projection.plasticity
        computed = _computed(projection.parsed) | (_computed(rule.parsed) if rule else set())
        self._check_kept(computed, where)
        if self.window is not None:
            raise ProtocolError(
                "synapses are read at an interval or between tokens, not in windows",
                where=where,
                fix="leave out window, and give e.g. every=1",
            )
        if self.every is None and self.interval is None:
            raise ProtocolError(
                "it is not said how often synapses are recorded",
                where=where,
                fix="give a number of tokens, e.g. every=100, or an interval, e.g. interval=1*second",
            )
        for variable in self.variables if self.bins is not None else ():
            if not have_same_dimensions(
                self.bins, Quantity(1, dim=self.dimensions(model, variable))
            ):
                raise UnitError(
                    f"the bins {clipped(self.bins)} have other units than {variable!r}",
                    where=where,
                    fix="give the edges with the units of the variable",
                )
        for units, population in (
            (self.source, projection.source),
            (self.target, projection.target),
        ):
            numbers_of(units, model.population(population).size, "units", where)

    def _check_kept(self, computed, where):
        for variable in self.sampled:
            if variable in computed:
                raise ProtocolError(
                    f"{variable!r} is computed from other variables and not kept between steps",
                    where=where,
                    fix="record the variables that it is computed from"
                    + ("" if self.every is None else ", or, of a population, give an interval"),
                )

    def projection(self, model: Hierarchy) -> Projection | None:
        """The projection whose synapses are recorded; None if it is of a population."""
        return next((p for p in model.projections if p.name == self.population), None)

    def paused(self, model: Hierarchy) -> bool:
        """Whether it is read where the network pauses, and not by a monitor within it."""
        return self.every is not None or self.projection(model) is not None

    def owner(self, model: Hierarchy, where: str | None = None) -> Population:
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
        projection = self.projection(model)
        if projection is not None:
            return projection.own_variables[variable]
        return model.dimensions_of(f"{self.population}.{variable}", self.where)

    def recorded_units(self, model: Hierarchy, where: str | None = None) -> np.ndarray:
        """Numbers of the units that are recorded, int64 (n,). ProtocolError if some do not exist."""
        size = self.owner(model, where).size
        return numbers_of(self.units, size, "units", where or self.where)

    def recorded_synapses(self, model: Hierarchy, i: np.ndarray, j: np.ndarray) -> np.ndarray:
        """Numbers of the synapses that are recorded, int64 (n,), of all synapses from units `i` to
        units `j`. ProtocolError if some do not exist, or none is left.
        """
        projection = cast(Projection, self.projection(model))
        numbers = numbers_of(self.units, len(i), "synapses", self.where)
        for units, ends, population in (
            (self.source, i, projection.source),
            (self.target, j, projection.target),
        ):
            if units is not None:
                size = model.population(population).size
                wanted = numbers_of(units, size, "units", self.where)
                numbers = numbers[np.isin(ends[numbers], wanted)]
        if not len(numbers):
            raise ProtocolError(
                "no synapse joins the units that are given",
                where=self.where,
                fix="give other units, or leave out source or target",
            )
        return numbers

    def numbered(self, model: Hierarchy, where: str, synapses: int | None = None) -> "Probe":
        """The same probe with numbers in the place of a slice or a mask; `synapses`: how many its
        projection has. Raises ProtocolError if there are no such units.
        """
        where = f"{self.where} in {where}"
        projection, found = self.projection(model), {}
        for option in ("units", "source", "target"):
            units = getattr(self, option)
            if not (masked(units) or isinstance(units, slice)):
                continue
            of = "synapses" if projection and option == "units" else "units"
            if of == "synapses":
                size = cast(int, synapses)
            elif projection:
                size = model.population(getattr(projection, option)).size
            else:
                size = self.owner(model, where).size
            found[option] = numbers_of(units, size, of, where).tolist()
        return attrs.evolve(self, **found) if found else self

    def bytes_per_second(self, model: Hierarchy) -> float:
        """Bytes per second of simulated time before windowing and compression (float64 samples), of
        what a monitor records.
        """
        return (
            8
            * len(self.sampled)
            * len(self.recorded_units(model))
            * model.batch
            / float(cast(Quantity, self.period))
        )


def _computed(equations):
    return {e.varname for e in equations.values() if e.type == SUBEXPRESSION}
