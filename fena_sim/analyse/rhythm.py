"""Levels with unlike speeds (claim C09): rhythms within a token, between levels, and across tokens.

Halve the time step before calling anything found here a rhythm: fast levels ring with the
integrator.
"""

from collections.abc import Sequence
from typing import cast

import attrs
import numpy as np
import pandas as pd
import scipy
import xarray as xr
from brian2 import Quantity

from ..declare.arguments import checked
from ..errors import DeclarationError, StimulusError
from ..runs.store.run import Run
from .errors import level_errors
from .select import narrow, presented

#: Tokens, or samples of a trace, per segment of Welch's method.
SEGMENT = 256
#: Cycles per token: slower ones are drift of learning, and more than 1/2 there is not.
BAND = (1 / 64, 1 / 2)
#: Surrogates, and their seed: fixed, so that the same series always gets the same answer.
SURROGATES, SEED = 99, 20240101


@checked(DeclarationError)
def reversals(
    trace: xr.DataArray, events: pd.DataFrame, tolerance: float = 0.05, floor: float = 1e-4
) -> float:
    """How often the free energy, on its way down within a token, turns up again (claim C09).

    Formula: the number of times that, within one presentation, F has fallen by more than h and then
    rises by more than h, h being ``tolerance`` times the range of F in that presentation, but at
    least ``floor``; the median over tokens. The rise at the token's onset follows no fall and
    does not count, so settling without oscillation has 0.

    Window: every presented token, all steps of its presentation. Sensitivity: ``tolerance``.

    Parameters
    ----------
    trace : xarray.DataArray, shape (time,)
        From :func:`fena_sim.measure.free_energy_trace`; its first coordinate is time in s since the
        block's start.
    events : pandas.DataFrame
        The event table of the same block.
    tolerance : float
        Share of a token's range that a turn must exceed.
    floor : float
        In nats: what a turn must exceed at least. Rounding in single precision stays below 1e-4.

    Returns
    -------
    float
        Reversals per token.

    Raises
    ------
    StimulusError
        If no token was presented, or a presentation holds fewer than 3 samples.
    """
    keep = narrow(presented(events), None, "event table")
    time, values = trace[trace.dims[0]].to_numpy(), trace.to_numpy()
    onset, duration = events["onset"].to_numpy()[keep], events["duration"].to_numpy()[keep]
    # A sample holds what the step before it left, so the presentation's are those after the
    # onset, up to its end.
    first, last = (np.searchsorted(time, edge + 1e-9) for edge in (onset, onset + duration))
    if (last - first).min() < 3:
        raise StimulusError(
            "a presentation holds fewer than 3 samples of the free energy",
            where=f"token with its onset at {onset[(last - first).argmin()]:g} s",
            fix="probe the whole block, every millisecond",
        )
    return float(
        np.median([_turns(values[a:b], tolerance, floor) for a, b in zip(first, last, strict=True)])
    )


def _turns(values, tolerance, floor):
    """Turns from falling to rising, each by more than the hysteresis."""
    by = max(tolerance * np.ptp(values), floor)
    turns, falling, extreme = 0, False, values[0]
    for value in values:
        if falling:
            extreme = min(extreme, value)
            if value > extreme + by:
                turns, falling, extreme = turns + 1, False, value
        else:
            extreme = max(extreme, value)
            if value < extreme - by:
                falling, extreme = True, value
    return turns


@attrs.frozen
class PhaseLag:
    """`phase` (rad, > 0 where the second signal lags) at the dominant `frequency` (Hz), and the
    `coherence` there.
    """

    frequency: float
    phase: float
    coherence: float


@checked(DeclarationError)
def phase_lag(
    a: np.ndarray | xr.DataArray,
    b: np.ndarray | xr.DataArray,
    dt: float | Quantity,
    band: tuple[float, float] | None = None,
    segment: int = SEGMENT,
) -> PhaseLag:
    """By how much of a cycle signal b lags behind signal a, for instance the errors of two levels
    (claim C09).

    Formula: Welch's cross-spectrum P_ab (Hann windows; scipy.signal.csd); at the frequency f > 0 of
    largest |P_ab|, ``phase = -arg P_ab(f)`` in (-pi, pi] and ``coherence = |P_ab|^2/(P_aa P_bb)``.
    Half a cycle: the two levels argue. Where tokens come at a fixed pace, that pace is the
    strongest rhythm; ``band`` leaves it out.

    Parameters
    ----------
    a, b : array, shape (time,)
        Of the same times, in any unit.
    dt : float or Quantity
        Sampling interval in s.
    band : (float, float), optional
        Frequencies in Hz among which the dominant one is sought; all if left out.
    segment : int
        Samples per segment: the sensitivity of this measure.

    Returns
    -------
    PhaseLag

    Raises
    ------
    DeclarationError
        If shapes differ, there are fewer than two segments, a signal is not finite or does not
        vary, or no frequency lies in the band.
    """
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if (
        a.ndim != 1
        or a.shape != b.shape
        or len(a) < 2 * segment
        or not np.isfinite(a + b).all()
        or not a.std()
        or not b.std()
    ):
        raise DeclarationError(
            f"signals of shapes {a.shape} and {b.shape} have no phase in segments of {segment} samples",
            where="phase_lag(a, b, dt)",
            fix="give two finite signals that vary, of the same times, at least two segments long",
        )
    options = dict(fs=1 / float(dt), nperseg=segment)
    frequency, cross = scipy.signal.csd(a, b, **options)
    low, high = (0, np.inf) if band is None else band
    inside = np.flatnonzero((frequency > 0) & (frequency >= low) & (frequency <= high))
    if not len(inside):
        raise DeclarationError(
            f"no frequency lies between {low:g} and {high:g} Hz",
            where="phase_lag(a, b, dt, band)",
            fix=f"frequencies are {frequency[1]:g} Hz apart up to {frequency[-1]:g} Hz; use longer segments or another band",
        )
    k = inside[np.abs(cross[inside]).argmax()]
    _, coherence = scipy.signal.coherence(a, b, **options)
    return PhaseLag(float(frequency[k]), float(-np.angle(cross[k])), float(coherence[k]))


@checked(DeclarationError)
def error_series(
    run: Run, block: str = "training", given: Sequence[str] = ("motif", "position")
) -> xr.DataArray:
    """Log error of every level, token by token, without what the tokens themselves bring about
    (claim C09).

    Formula: ``ln`` of :func:`fena_sim.measure.level_errors`, minus its mean over the tokens of the
    block that agree in all columns ``given`` of the event table. Tokens are surprising at junctions
    and not inside motifs, so that the errors of any network follow the rhythm of the motifs; what
    is left is the network's own. Omitted tokens are interpolated.

    Returns
    -------
    xarray.DataArray
        Dimensions ``event`` and ``level``, dimensionless.

    Raises
    ------
    StimulusError
        If a column is missing, or the block presents no token.
    """
    events = run.events(block)
    missing = set(given) - set(events.columns)
    if missing:
        raise StimulusError(
            f"the events have no column {', '.join(sorted(missing))}",
            where=f"event table with columns {', '.join(map(str, events.columns))}",
            fix='choose other labels, for instance given=("token",)',
        )
    keep = narrow(presented(events), None, f"block {block!r}")
    series = cast(xr.DataArray, np.log(level_errors(run, block)))
    values = cast(pd.DataFrame, series.to_pandas())
    values = (
        values - values.groupby([events[column].to_numpy() for column in given]).transform("mean")
        if len(given)
        else values
    )
    place = np.arange(len(keep))
    data = np.stack(
        [np.interp(place, place[keep], column[keep]) for column in values.to_numpy().T], axis=1
    )
    return series.copy(data=data).rename("log error").assign_attrs(units="1")


@checked(DeclarationError)
def across_token_spectrum(
    run: Run, block: str = "training", given: Sequence[str] = ("motif", "position")
) -> xr.DataArray:
    """Power spectrum of every level's error across tokens, while it learns (claim C09).

    Formula: Welch's method on :func:`error_series` in segments of 256 tokens, each linearly
    detrended (scipy.signal.welch). Window: the whole block.

    Returns
    -------
    xarray.DataArray
        Dimensions ``frequency`` (cycles per token) and ``level``; power per cycle per token.

    Raises
    ------
    StimulusError
        As :func:`error_series`; also if the block has fewer than 256 tokens.
    """
    series = error_series(run, block, given)
    frequency, power = _welch(series.to_numpy().T)
    return xr.DataArray(
        power.T,
        dims=("frequency", "level"),
        coords={"frequency": frequency, "level": series["level"]},
        name="power",
        attrs={"units": "tokens", "block": block},
    )


@attrs.frozen
class Oscillation:
    """Share of the variance within the strongest narrow peak (`index`), the share that red noise
    reaches in one series of twenty (`threshold`), the peak's `frequency` in cycles per token, and
    whether the series `oscillates`.
    """

    index: float
    threshold: float
    frequency: float
    oscillates: bool


@checked(DeclarationError)
def oscillation_index(series: np.ndarray | xr.DataArray, least: float = 0.2) -> Oscillation:
    """How strongly a series across tokens, for instance the log error of a level, oscillates (claim
    C09).

    Formula: with P the Welch spectrum in segments of 256 tokens, each linearly detrended, ``index``
    is the power in the largest bin and its two neighbours (3/256 cycles per token: the width of a
    sinusoid under a Hann window), divided by all power from 1/64 to 1/2 cycles per token.
    ``threshold`` is the 95 % quantile of the same index over 99 surrogates: Gaussian first-order
    autoregressive series (red noise, which drifts but has no rhythm) of the same length and lag-one
    autocorrelation, the latter corrected for what detrending a segment takes from it, about (2 + 4
    rho)/256. The series oscillates if ``index > threshold`` and ``index >= least``: in thousands of
    tokens the faintest departure from red noise is significant, and only a strong one is a rhythm.

    Phase-randomised surrogates would not do, for they have the very spectrum of the series.
    Sensitivity: ``least``.

    Parameters
    ----------
    series : array, shape (event,)
        One value per token; from :func:`error_series`.
    least : float

    Returns
    -------
    Oscillation

    Raises
    ------
    StimulusError
        If the series is shorter than 256 tokens, is not finite, or does not vary.
    """
    series = _long_enough(np.asarray(series, dtype=float))
    # Detrended as the spectrum is, so that the drift of learning does not pass for memory.
    flat = scipy.signal.detrend(series, bp=np.arange(SEGMENT, len(series) - 1, SEGMENT))
    if flat.std() <= 1e-12 * np.abs(series).max():
        raise StimulusError(
            "the series does not vary",
            where="oscillation_index",
            fix="give the errors of a level that errs",
        )
    index, frequency = _peak(series)
    memory = (flat[1:] * flat[:-1]).sum() / (flat**2).sum()
    memory = float(np.clip((memory + 2 / SEGMENT) / (1 - 4 / SEGMENT), -0.999, 0.999))
    noise = np.random.default_rng(SEED).standard_normal((SURROGATES, SEGMENT + len(series)))
    red = scipy.signal.lfilter([1], [1, -memory], noise)[:, SEGMENT:]  # stationary by then
    threshold = float(np.quantile(_peak(red)[0], 0.95))
    return Oscillation(
        float(index), threshold, float(frequency), bool(index > threshold and index >= least)
    )


def _long_enough(values):
    if values.shape[-1] < SEGMENT or not np.isfinite(values).all():
        raise StimulusError(
            f"a series of {values.shape[-1]} tokens, finite: {bool(np.isfinite(values).all())}, has no spectrum",
            where="spectrum across tokens",
            fix=f"give at least {SEGMENT} finite values, one per token",
        )
    return values


def _welch(values):
    return scipy.signal.welch(_long_enough(values), nperseg=SEGMENT, detrend="linear")


def _peak(values):
    """(share of the band's power in the largest peak, its frequency) along the last axis."""
    frequency, power = _welch(values)
    inside = (frequency >= BAND[0]) & (frequency <= BAND[1])
    frequency, power = frequency[inside], power[..., inside]
    largest = power.argmax(axis=-1)[..., None]
    around = largest + np.arange(-1, 2)
    within = (around >= 0) & (around < len(frequency))
    beside = within * np.take_along_axis(power, np.clip(around, 0, len(frequency) - 1), axis=-1)
    return beside.sum(axis=-1) / power.sum(axis=-1), frequency[largest[..., 0]]
