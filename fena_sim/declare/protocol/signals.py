"""A protocol's own signals, laid out by token or by step for the populations that declare them."""

from typing import Any

import attrs
import numpy as np
from brian2 import TimedArray, hertz
from brian2.units.fundamentalunits import DIMENSIONLESS, Dimension, get_dimensions

from ...errors import ProtocolError, UnitError, UnknownNameError, clipped, nearest
from ..model.equations import STIMULUS_NOISE
from ..model.hierarchy import Hierarchy
from ..model.own_signals import OwnSignal, own_signals
from .block import Block
from .course import (
    Course,
    FunctionCourse,
    NoiseCourse,
    SampledCourse,
    ScaledCourse,
    at_times,
    regular,
)
from .sources import OrnsteinUhlenbeck, PoissonSpikes, RegularSpikes, SpikeTimes

_BY_UNIT = (OrnsteinUhlenbeck, RegularSpikes, SpikeTimes)
_FIX = (
    "give a number or quantity, an array with one value (or one row of values, one for each unit) "
    "per token, a function of time, a TimedArray, or one of OrnsteinUhlenbeck, PoissonSpikes, "
    "RegularSpikes and SpikeTimes"
)


@attrs.frozen(eq=False)
class Presented:
    """A signal of one's own in a block.

    Attributes
    ----------
    values : float64 (tokens, 1) or (tokens, units), or a Course
        In base units. With a pause at the end there is one token more.
    dimension : Dimension
    poisson : bool
        Whether `values` are the mean number of spikes in a step, of which the network draws.
    """

    values: np.ndarray | Course
    dimension: Dimension = attrs.field(metadata={"hashed": False})  # the declaration's
    poisson: bool = False

    @property
    def units(self) -> int | None:
        """Values side by side, one for each unit; None if all units share one."""
        if isinstance(self.values, Course):
            return self.values.units
        return None if self.values.shape[1] == 1 else self.values.shape[1]


def present(model: Hierarchy, block: Block, tokens: int, steps: int) -> dict[str, Presented]:
    """The model's own signals in a block, {name: Presented}: what the block gives, or the default.

    Parameters
    ----------
    model : Hierarchy
    block : Block
    tokens : int
        Tokens, and one more for a pause at the end.
    steps : int
        Of the block, at most.

    Raises
    ------
    UnknownNameError
        The block gives a signal that no population declares.
    ProtocolError, UnitError
        A value that does not fit the signal, the tokens, or the units of a population.
    """
    declared = own_signals(model.populations)
    readers = [p for p in model.populations if p.uses("token_code")]
    if STIMULUS_NOISE in block.signals and readers:
        names, sizes = tuple(p.name for p in readers), frozenset(p.size for p in readers)
        declared[STIMULUS_NOISE] = OwnSignal(0.0, names, sizes)
    for name in block.signals:
        if name not in declared:
            raise UnknownNameError(
                f"no population of {model.name!r} declares the signal {name!r}",
                where=block.where,
                fix=nearest(name, declared) if declared else "declare Population(signals={...})",
            )
    return {
        name: _Layout(name, signal, model, block, tokens, steps).of(
            block.signals.get(name, signal.default)
        )
        for name, signal in declared.items()
    }


@attrs.frozen
class _Layout:
    """One signal of a block, and what its values must fit."""

    name: str
    signal: OwnSignal
    model: Hierarchy
    block: Block
    tokens: int
    steps: int

    def of(self, value: Any) -> Presented:
        if isinstance(value, PoissonSpikes):
            self._check_dimension(DIMENSIONLESS, "a number of spikes")
            each = value.sources * float(self.model.dt)
            return Presented(_scaled(self._rate(value.rate), each), DIMENSIONLESS, poisson=True)
        return Presented(self._values(value, self.signal.dimension), self.signal.dimension)

    def _rate(self, rate):
        found = self._values(rate, hertz.dim, lowest=0)
        if found.units if isinstance(found, Course) else found.shape[1] > 1:
            raise ProtocolError(
                f"the rate of signal {self.name!r} differs between units",
                where=self.block.where,
                fix="give one rate for all units, or populations of their own",
            )
        return found

    def _values(self, value, dimension, lowest=-np.inf):
        where, dt = self.block.where, self.model.dt
        what = f"signal {self.name!r}"

        def check(values):
            if not np.all(np.isfinite(values)) or np.any(values < lowest):
                bad = "not finite" if lowest < 0 else "negative or not finite"
                raise ProtocolError(f"{what} is {bad} somewhere", where=where, fix=_FIX)

        if isinstance(value, _BY_UNIT):
            return self._by_unit(value, dimension)
        if isinstance(value, TimedArray):
            self._check_same(value.dim, dimension)
            check(value.values)
            course = SampledCourse(value, dt, where)
            self._check_units(course.units)
            return course
        if callable(value):
            return FunctionCourse(value, self.steps, dt, dimension, check, what, where, _FIX)
        return self._table(value, dimension, check)

    def _table(self, value, dimension, check):
        try:
            values = np.asarray(value, dtype=float)
        except (TypeError, ValueError) as error:
            raise ProtocolError(
                f"signal {self.name!r} is {clipped(value)}", where=self.block.where, fix=_FIX
            ) from error
        self._check_same(get_dimensions(value), dimension)
        n = len(self.block)
        if values.ndim > 2 or (values.ndim and len(values) not in (1, n)):
            raise ProtocolError(
                f"signal {self.name!r} has the shape {values.shape}, the block {n} tokens",
                where=self.block.where,
                fix=_FIX,
            )
        values = values.reshape(len(values) if values.ndim else 1, -1)
        if values.shape[1] > 1:
            self._check_units(values.shape[1])
        check(values)
        last = np.minimum(np.arange(self.tokens), len(values) - 1)
        return values[last]

    def _by_unit(self, value, dimension):
        dt, where = self.model.dt, self.block.where
        units = self._size()
        if isinstance(value, OrnsteinUhlenbeck):
            self._check_same(get_dimensions(value.sd), dimension)
            return NoiseCourse(value, dt, units, self.name)
        self._check_dimension(DIMENSIONLESS, "a number of spikes")
        if isinstance(value, SpikeTimes):
            return at_times(value, units, dt, where)
        if np.ndim(value.shift) and len(value.shift) != units:
            raise ProtocolError(
                f"signal {self.name!r} has {len(value.shift)} shifts for {units} units",
                where=where,
                fix="give one shift, or one for each unit",
            )
        return regular(value, units, self.steps, dt)

    def _size(self):
        if len(self.signal.sizes) > 1:
            raise ProtocolError(
                f"signal {self.name!r} differs between units, and is declared by populations of "
                f"{sorted(self.signal.sizes)} units",
                where=self.block.where,
                fix="give each of them a signal of its own name",
            )
        return next(iter(self.signal.sizes))

    def _check_units(self, units):
        if units is not None and units != self._size():
            raise ProtocolError(
                f"signal {self.name!r} has {units} values side by side, "
                f"{self.signal.populations[0]!r} has {self._size()} units",
                where=self.block.where,
                fix="give a value for each unit, or one for all",
            )

    def _check_dimension(self, dimension, what):
        if self.signal.dimension != dimension:
            raise UnitError(
                f"signal {self.name!r} is declared as {self.signal.default}, not as {what}",
                where=self.block.where,
                fix=f"declare signals={{{self.name!r}: 0.0}}",
            )

    def _check_same(self, found, dimension):
        if found != dimension:
            raise UnitError(
                f"signal {self.name!r} has not the units of its default, {self.signal.default}",
                where=self.block.where,
                fix="give values in the unit of the declaration",
            )


def _scaled(values, factor):
    return ScaledCourse(values, factor) if isinstance(values, Course) else values * factor
