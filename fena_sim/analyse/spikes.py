"""Rate, irregularity and synchrony of spiking populations."""

import attrs
import numpy as np
from brian2 import Quantity, ms
from scipy.signal import welch

from ..declare.arguments import checked
from ..declare.protocol.pace import check_time
from ..errors import StimulusError, UnknownNameError, nearest
from ..runs.store.run import Run

#: Spikes of a neuron from which its intervals are judged.
FEWEST = 4
#: Hz: slower fluctuations are not taken for oscillations.
LOWEST = 10.0
#: s: segments of Welch's method.
SEGMENT = 0.2


@attrs.frozen
class Spiking:
    """What neurons do together.

    Attributes
    ----------
    rate : float
        Hz, mean over neurons.
    cv : float
        Coefficient of variation of the intervals between spikes, mean over neurons of four spikes or
        more: 0 of a clock, 1 of a Poisson process; NaN without such neurons.
    fluctuation : float
        Standard deviation of the number of spikes in a bin beyond that of Poisson counts, relative to
        its mean: sqrt(max(variance - mean, 0))/mean. 0 of independent Poisson neurons.
    frequency : float
        Hz, above 10: where the spectrum of that number peaks.
    periodicity : float
        Its largest autocorrelation between 3/4 and 5/4 of a period of that frequency later: near 0
        without an oscillation, near 1 if it is regular.
    """

    rate: float
    cv: float
    fluctuation: float
    frequency: float
    periodicity: float


@checked(StimulusError)
def spiking(
    run: Run,
    block: str,
    populations: list[str] | None = None,
    first: Quantity = 0 * ms,
    bin: Quantity = 0.5 * ms,
) -> Spiking:
    """Rate, irregularity and synchrony of spiking populations, taken together.

    With these Brunel (2000, doi 10.1023/A:1008925309027) tells synchronous from asynchronous and
    regular from irregular states.

    Parameters
    ----------
    run : Run
        With spikes of all units of the populations.
    block : str
    populations : list of str, optional
        All whose spikes were recorded, if left out.
    first : Quantity
        Time from the block's start that is not counted.
    bin : Quantity
        In which spikes are counted together.

    Returns
    -------
    Spiking

    Raises
    ------
    UnknownNameError
        If the spikes of a population were not recorded.
    StimulusError
        If no whole bin is left after `first`.
    UnitError, ProtocolError
        If a time is none.
    """
    where = f"block {block!r} of {run.id}"
    check_time(bin, "bin", where)
    if float(first) != 0:
        check_time(first, "first", where)
    recorded, sizes = run.traces(block), _sizes(run)
    kept = [name for name in sizes if f"{name}.spike_time" in recorded]
    chosen = kept if populations is None else populations
    for name in chosen or [None]:
        if name not in kept:
            raise UnknownNameError(
                f"spikes of {name!r} were not recorded" if name else "no spikes were recorded",
                where=where,
                fix=nearest(name, kept) if name and kept else "give Probe(population, 'spikes')",
            )
    before = np.cumsum([0, *(sizes[name] for name in chosen)])
    time = np.concatenate([recorded[f"{name}.spike_time"].to_numpy() for name in chosen])
    unit = np.concatenate(
        [recorded[f"{name}.spike_unit"].to_numpy() + k for name, k in zip(chosen, before)]
    )
    events = run.events(block)
    last = events.iloc[-1]
    bins = int((float(last["onset"] + last["duration"]) - float(first)) / float(bin) + 1e-6)
    if bins < 1:
        raise StimulusError(
            f"nothing is left after {first}", where=where, fix="count from earlier on"
        )
    edges = float(first) + float(bin) * np.arange(bins + 1)
    counted = (time >= edges[0]) & (time < edges[-1])
    return _spiking(time[counted], unit[counted], int(before[-1]), edges)


def _sizes(run):
    return {p["name"]: p["size"] for p in run.manifest["inputs"]["model"]["populations"]}


def _spiking(time, unit, neurons, edges):
    count = np.histogram(time, edges)[0].astype(float)
    mean, width = count.mean(), edges[1] - edges[0]
    beyond = np.sqrt(max(count.var() - mean, 0))
    frequency, periodicity = _oscillation(count, width)
    return Spiking(
        rate=len(time) / neurons / (edges[-1] - edges[0]),
        cv=_irregularity(time, unit),
        fluctuation=float(beyond / mean) if mean else 0.0,
        frequency=frequency,
        periodicity=periodicity,
    )


def _irregularity(time, unit):
    order = np.lexsort((time, unit))
    trains = np.split(time[order], np.flatnonzero(np.diff(unit[order])) + 1)
    intervals = [np.diff(train) for train in trains if len(train) >= FEWEST]
    return float(np.mean([i.std() / i.mean() for i in intervals])) if intervals else np.nan


def _oscillation(count, width):
    """(Hz, autocorrelation one period later) of numbers of spikes in bins of `width` s."""
    signal = count - count.mean()
    frequency, power = welch(signal, 1 / width, nperseg=min(round(SEGMENT / width), len(signal)))
    fast = frequency >= LOWEST
    if not signal.any() or not fast.any():
        return 0.0, 0.0
    peak = float(frequency[fast][power[fast].argmax()])
    period = 1 / peak / width
    lags = range(max(1, round(0.75 * period)), round(1.25 * period) + 1)
    later = [(signal[:-lag] * signal[lag:]).sum() for lag in lags if lag < len(signal)]
    return peak, float(max(later, default=0.0) / (signal**2).sum())
