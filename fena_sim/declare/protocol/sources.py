"""What a signal may be besides numbers, functions of time and samples: noise and spikes."""

from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np
from brian2 import Quantity, TimedArray, hertz, ms, second
from brian2.units.fundamentalunits import get_dimensions, have_same_dimensions

from ...errors import ProtocolError, UnitError, clipped
from ..arguments import checked
from .pace import check_time


@checked(ProtocolError)
@attrs.frozen(kw_only=True)
class OrnsteinUhlenbeck:
    """Noise of a correlation time: a stationary Gaussian process with the autocorrelation
    sd**2*exp(-lag/tau), for each unit and each signal its own (Uhlenbeck & Ornstein 1930, Phys. Rev. 36:823).

    Its steps are exact, whatever dt is. Two blocks with the same seed have the same noise.

    Parameters
    ----------
    sd : float or Quantity
        Standard deviation.
    tau : Quantity
        Correlation time.
    mean : float or Quantity
        In the unit of `sd`.
    seed : int

    Raises
    ------
    ProtocolError, UnitError
        If `sd` is negative, `tau` no positive time, or `mean` has another unit.
    """

    sd: float | Quantity
    tau: Quantity
    mean: float | Quantity = attrs.Factory(lambda self: 0 * self.sd, takes_self=True)
    seed: int = 0

    def __attrs_post_init__(self):
        where = "OrnsteinUhlenbeck"
        check_time(self.tau, "tau", where)
        if not have_same_dimensions(self.sd, self.mean):
            raise UnitError(
                f"sd is {self.sd}, the mean {self.mean}", where=where, fix="give both in one unit"
            )
        if not 0 <= float(self.sd) < np.inf or not np.isfinite(float(self.mean)):
            raise ProtocolError(
                f"the standard deviation is {self.sd}, the mean {self.mean}",
                where=where,
                fix="give e.g. sd=0.1, not negative",
            )
        if self.seed < 0:
            raise ProtocolError(f"the seed is {self.seed}", where=where, fix="give seed >= 0")


@checked(ProtocolError)
@attrs.frozen(eq=False)
class PoissonSpikes:
    """Spikes of independent Poisson processes: how many arrive at each unit in a step, drawn for
    each unit by itself from the run's seed, the unit and the step, on every device the same.

    Parameters
    ----------
    rate : Quantity, function, TimedArray, or array of Quantity with one value per token
        Spikes per time of one source. It is shared by all units.
    sources : int
        Sources of every unit, which have the same rate.

    Raises
    ------
    ProtocolError, UnitError
        If `rate` is no rate, is negative, or there is no source.
    """

    rate: Any
    sources: int = 1

    def __attrs_post_init__(self):
        where = "PoissonSpikes"
        if self.sources < 1:
            raise ProtocolError(
                f"there are {self.sources} sources", where=where, fix="give sources=1 or more"
            )
        sampled = isinstance(self.rate, TimedArray)
        dimension = self.rate.dim if sampled else get_dimensions(self.rate)
        if (sampled or not callable(self.rate)) and dimension != hertz.dim:
            raise UnitError(
                f"the rate is {clipped(self.rate)}", where=where, fix="give e.g. rate=10*Hz"
            )


@checked(ProtocolError)
@attrs.frozen(kw_only=True, eq=False)
class RegularSpikes:
    """A spike at every unit each `period`, from the block's start on.

    Parameters
    ----------
    period : Quantity
    shift : Quantity
        When the first one arrives: a time, or one for each unit. Every spike arrives in the step
        that is nearest to its time.

    Raises
    ------
    ProtocolError, UnitError
        For a period or shift that is no time, or is negative.
    """

    period: Quantity
    shift: Quantity = 0 * ms

    def __attrs_post_init__(self):
        check_time(self.period, "period", "RegularSpikes")
        _check_times(self.shift, "shift", "RegularSpikes")


@checked(ProtocolError)
@attrs.frozen(eq=False)
class SpikeTimes:
    """Spikes at given times.

    Parameters
    ----------
    units : sequence of int, (n,)
        The unit at which each spike arrives.
    times : Quantity, (n,)
        Since the block's start. Every spike arrives in the step that is nearest to its time; those
        after the block's end never do, as with Brian2's SpikeGeneratorGroup.

    Raises
    ------
    ProtocolError, UnitError
        If there are not as many units as times, or one is negative.
    """

    units: np.ndarray
    times: Quantity

    def __attrs_post_init__(self):
        where = "SpikeTimes"
        units, times = np.asarray(self.units), np.asarray(self.times)
        if units.ndim != 1 or units.shape != times.shape:
            raise ProtocolError(
                f"units of shape {units.shape}, times of shape {times.shape}",
                where=where,
                fix="give a unit for every time",
            )
        if len(units) and (units.dtype.kind not in "iu" or units.min() < 0):
            raise ProtocolError(
                f"the units are {clipped(self.units)}", where=where, fix="give numbers from 0 on"
            )
        _check_times(self.times, "times", where)
        object.__setattr__(self, "units", units.astype(np.int64))


def check_names(signals: Mapping[str, Any], where: str) -> None:
    """Raise ProtocolError unless the names of signals are identifiers."""
    for name in signals:
        if not isinstance(name, str) or not name.isidentifier():
            raise ProtocolError(
                f"the name of a signal is {clipped(name)}",
                where=where,
                fix="use letters and underscores, e.g. 'attention'",
            )


def _check_times(times, what, where):
    if not have_same_dimensions(times, second):
        raise UnitError(f"{what} is {clipped(times)}", where=where, fix="give e.g. 10*ms")
    seconds = np.asarray(times, dtype=float)
    if not np.all(np.isfinite(seconds)) or np.any(seconds < 0):
        raise ProtocolError(
            f"{what} is negative or not finite: {clipped(times)}",
            where=where,
            fix="give times >= 0",
        )
