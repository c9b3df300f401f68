"""Courses: what a signal of a block is at every step, without an array of all steps.

A course is asked for stretches of steps, one chunk at a time. What it gives depends on the step
alone, however the block is cut into stretches, so that chunks of any length and resumed runs agree.
"""

import hashlib
import zlib
from collections.abc import Callable
from functools import cached_property

import attrs
import numpy as np
from brian2 import Quantity, TimedArray, second
from brian2.units.fundamentalunits import DIMENSIONLESS, Dimension, get_dimensions
from scipy.signal import lfilter

from ...errors import FenaError, ProtocolError, UnitError
from .pace import in_steps
from .sources import OrnsteinUhlenbeck, RegularSpikes, SpikeTimes

#: Steps at a time, where a whole block is looked through.
STRETCH = 2**16
#: Noise is filtered from so many time constants before, after which nothing is left of what was
#: earlier: exp(-40) is below the rounding of a number.
FORGOTTEN = 40


class Course:
    """A signal of a block by its steps.

    Attributes
    ----------
    units : int or None
        Values of a step, one for each unit; None if all units share one.
    digest : str
        What two equal courses share, whatever they were written as.
    """

    units: int | None = None
    digest: str

    def at(self, start: int, stop: int) -> np.ndarray:
        """Values at the steps `start` to `stop`, counted from the block's start, in base units:
        float64 (steps,), or (steps, units).
        """
        row, values = self.rows(start, stop)
        return values[row]

    def rows(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """(row, values) of the same steps: the row of each, int64 (steps,), in float64 (rows, units)."""
        return np.arange(stop - start), self.at(start, stop)

    def most_rows(self, steps: int) -> int:
        """Most rows of so many steps."""
        return steps


@attrs.frozen(eq=False, slots=False)
class FunctionCourse(Course):
    """A function of the time since the block's start, looked through once when it is declared.

    Parameters
    ----------
    function : callable
        From a quantity array (n,) of times to values (n,), or to one value.
    steps : int
        Of the block.
    dt : Quantity
    dimension : Dimension
        That the values must have.
    check : callable
        Raises where values, float64 (n,), are wrong.
    what, where, fix : str
        For errors.
    """

    function: Callable
    steps: int
    dt: Quantity
    dimension: Dimension
    check: Callable[[np.ndarray], None]
    what: str
    where: str
    fix: str
    digest: str = attrs.field(init=False)

    def __attrs_post_init__(self):
        found = hashlib.sha256()
        for start in range(0, self.steps, STRETCH):
            values = self.at(start, min(start + STRETCH, self.steps))
            self.check(values)
            found.update(values.tobytes())
        object.__setattr__(self, "digest", found.hexdigest())

    def at(self, start: int, stop: int) -> np.ndarray:
        t = Quantity(np.arange(start, stop) * float(self.dt), dim=second.dim)
        try:
            value = self.function(t)
            if get_dimensions(value) != self.dimension:
                which = "units" if self.dimension == DIMENSIONLESS else "other units"
                raise UnitError(f"{self.what} has {which}", where=self.where, fix=self.fix)
            return np.broadcast_to(np.asarray(value, dtype=float), t.shape).copy()
        except FenaError:
            raise
        except Exception as error:
            raise ProtocolError(
                f"{self.what} cannot be used: {error}", where=self.where, fix=self.fix
            ) from error


class SampledCourse(Course):
    """Samples at an interval, from the block's start on. The last one stays, as with Brian2's
    TimedArray.

    Parameters
    ----------
    samples : TimedArray
        Of values (n,), or (n, units).
    dt : Quantity
    where : str
        For errors.
    """

    def __init__(self, samples: TimedArray, dt: Quantity, where: str) -> None:
        self.values = np.asarray(samples.values, dtype=float)
        self.each = int(in_steps(Quantity(samples.dt, dim=second.dim), dt, "dt", where))
        self.units = self.values.shape[1] if self.values.ndim == 2 else None

    @cached_property
    def digest(self) -> str:  # type: ignore[override]
        shape = f"{self.each} {self.values.shape}".encode()
        return hashlib.sha256(shape + np.ascontiguousarray(self.values).tobytes()).hexdigest()

    def rows(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        sample = np.minimum(np.arange(start, stop) // self.each, len(self.values) - 1)
        return sample - sample[0], self.values[sample[0] : sample[-1] + 1]

    def most_rows(self, steps: int) -> int:
        return min(len(self.values), steps // self.each + 2)


class NoiseCourse(Course):
    """Ornstein-Uhlenbeck noise, independent between units.

    It is filtered in pages, each from the beginning of the page before, which it has forgotten.

    Parameters
    ----------
    source : OrnsteinUhlenbeck
    dt : Quantity
    units : int
    name : str
        Of the signal: two signals have noise of their own.
    """

    def __init__(self, source: OrnsteinUhlenbeck, dt: Quantity, units: int, name: str) -> None:
        self.source, self.units, self._width = source, units, units
        self.key = [source.seed, zlib.crc32(name.encode())]
        self.decay = float(np.exp(-float(dt) / float(source.tau)))
        self.page = max(4096, int(np.ceil(FORGOTTEN * float(source.tau) / float(dt))))
        self._made: tuple[int, np.ndarray] | None = None
        text = f"{self.key} {float(source.sd)!r} {float(source.mean)!r} {self.decay!r} {units}"
        self.digest = hashlib.sha256(text.encode()).hexdigest()

    def at(self, start: int, stop: int) -> np.ndarray:
        pages = range(start // self.page, (stop - 1) // self.page + 1)
        values = np.concatenate([self._page(number) for number in pages])
        return values[start - pages[0] * self.page : stop - pages[0] * self.page]

    def _page(self, number):
        """float64 (page, units); the last one is kept, as the next stretch begins in it."""
        if self._made is None or self._made[0] != number:
            white = np.concatenate([self._deviates(number - 1), self._deviates(number)])
            step = np.sqrt(1 - self.decay**2)
            coloured = lfilter([step], [1, -self.decay], white, axis=0)[self.page :]
            self._made = number, float(self.source.mean) + float(self.source.sd) * coloured
        return self._made[1]

    def _deviates(self, number):
        rng = np.random.default_rng([*self.key, number + 1])
        return rng.standard_normal((self.page, self._width))


class SpikeCourse(Course):
    """Spikes that arrive at each unit: how many, at every step.

    Parameters
    ----------
    unit, step : int64 (n,)
        Of each spike, in the order of steps.
    units : int
    """

    def __init__(self, unit: np.ndarray, step: np.ndarray, units: int) -> None:
        self.unit, self.step, self.units, self._width = unit, step, units, units
        text = f"{units}".encode() + unit.tobytes() + step.tobytes()
        self.digest = hashlib.sha256(text).hexdigest()

    def rows(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        first, last = np.searchsorted(self.step, [start, stop])
        when, row = np.unique(self.step[first:last] - start, return_inverse=True)
        values = np.zeros((1 + len(when), self._width))  # row 0: no spike
        np.add.at(values, (1 + row, self.unit[first:last]), 1)
        of_step = np.zeros(stop - start, dtype=np.int64)
        of_step[when] = 1 + np.arange(len(when))
        return of_step, values

    def most_rows(self, steps: int) -> int:
        later = np.searchsorted(self.step, self.step + steps)
        return 1 + int((later - np.arange(len(self.step))).max(initial=0))


class ScaledCourse(Course):
    """A course times a number."""

    def __init__(self, course: Course, factor: float) -> None:
        self.course, self.factor = course, factor
        self.units, self.digest = course.units, f"{course.digest}*{factor!r}"

    def at(self, start: int, stop: int) -> np.ndarray:
        return self.factor * self.course.at(start, stop)


def regular(source: RegularSpikes, units: int, steps: int, dt: Quantity) -> SpikeCourse:
    """The course of regular spikes in a block of so many steps."""
    period, end = float(source.period), steps * float(dt)
    shifts = np.broadcast_to(np.asarray(source.shift, dtype=float), units)
    times = [np.arange(shift, end, period) for shift in shifts]
    unit = np.repeat(np.arange(units), [len(t) for t in times])
    unit, step = _in_order(unit, np.concatenate(times), dt)
    return SpikeCourse(unit[step < steps], step[step < steps], units)


def at_times(source: SpikeTimes, units: int, dt: Quantity, where: str) -> SpikeCourse:
    """The course of spikes at given times. Raises ProtocolError if one is of a unit that is not
    there.
    """
    unit, step = _in_order(source.units, np.asarray(source.times, dtype=float), dt)
    if len(unit) and unit.max() >= units:
        raise ProtocolError(
            f"a spike arrives at unit {unit.max()}, of units 0 to {units - 1}",
            where=where,
            fix="give numbers of units of the population",
        )
    return SpikeCourse(unit, step, units)


def _in_order(unit, seconds, dt):
    """(unit, step) of spikes, each int64, in the order of steps and then of units."""
    step = np.rint(seconds / float(dt)).astype(np.int64)
    order = np.lexsort((unit, step))
    return unit[order].astype(np.int64), step[order]
