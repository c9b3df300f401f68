"""Spectra and autocorrelations of recordings, computed piece by piece by scipy.signal."""

import numpy as np
import scipy
import xarray as xr
from brian2 import Quantity, get_or_create_dimension, ms, second
from brian2.units.fundamentalunits import have_same_dimensions

from ...declare.arguments import checked
from ...errors import DeclarationError, UnitError, clipped
from ...runs.store.run import Run
from ...runs.store.units import exponents, unit_name
from .samples import samples

#: Samples that are read at once, where a segment is not longer.
AT_ONCE = 4096


@checked(DeclarationError)
def spectrum(run: Run, block: str, variable: str, segment: Quantity = 256 * ms) -> xr.DataArray:
    """Power spectral density of every unit.

    Formula: Welch's method (Welch 1967, IEEE Trans. Audio Electroacoust. 15:70;
    scipy.signal.welch): periodograms of half-overlapping segments under a Hann window, each minus
    its mean, averaged; one-sided, so that its integral over frequency is the variance.

    Parameters
    ----------
    run : Run
    block, variable : str
    segment : Quantity
        Length of a segment; frequencies are 1/segment apart.

    Returns
    -------
    xarray.DataArray, dims (frequency, [stream,] unit)
        In squared units of the variable per Hz; frequency in Hz.

    Raises
    ------
    UnknownNameError
        For a block or variable that is not there.
    UnitError, DeclarationError
        If the segment is no time, longer than the recording or shorter than two samples; if the
        recording has gaps.
    """
    recorded = samples(run, block, variable).whole()
    n = _count(segment, "segment", recorded)
    if not 2 <= n <= len(recorded.time):
        raise DeclarationError(
            f"a segment of {n} samples does not fit {len(recorded.time)} samples",
            where=recorded.where,
            fix=f"choose a segment of 2 to {len(recorded.time)} times {recorded.interval:g} s",
        )
    hop = n - n // 2
    segments = (len(recorded.time) - n) // hop + 1
    together = max(1, (AT_ONCE - n) // hop + 1)
    total = 0.0
    for first in range(0, segments, together):
        count = min(together, segments - first)
        part = (
            recorded.values[first * hop : first * hop + (count - 1) * hop + n]
            .to_numpy()
            .astype(float)
        )
        frequency, power = scipy.signal.welch(part, fs=1 / recorded.interval, nperseg=n, axis=0)
        total = total + count * power
    units = unit_name(get_or_create_dimension(exponents(recorded.units)) ** 2 * second.dim)
    return _labelled(total / segments, "frequency", frequency, "Hz", recorded, units, run, block)


@checked(DeclarationError)
def autocorrelation(
    run: Run, block: str, variable: str, longest: Quantity = 500 * ms
) -> xr.DataArray:
    """Autocorrelation of every unit.

    Formula: r(k) = sum_t (x(t) - m)(x(t + k) - m) / sum_t (x(t) - m)^2, m the mean over the block,
    sums over all t for which both times are in it (the biased estimate; scipy.signal.correlate).
    NaN for a unit that does not vary.

    Parameters
    ----------
    run : Run
    block, variable : str
    longest : Quantity
        The longest lag.

    Returns
    -------
    xarray.DataArray, dims (lag, [stream,] unit)
        Dimensionless; lag in s, from 0.

    Raises
    ------
    UnknownNameError
        For a block or variable that is not there.
    UnitError, DeclarationError
        If the longest lag is no time, or not shorter than the recording; if the recording has gaps.
    """
    recorded = samples(run, block, variable).whole()
    lags, length = _count(longest, "longest lag", recorded), len(recorded.time)
    if not 0 <= lags < length:
        raise DeclarationError(
            f"a lag of {lags} samples does not fit {length} samples",
            where=recorded.where,
            fix=f"choose a lag below {length} times {recorded.interval:g} s",
        )
    pieces = range(0, length, AT_ONCE)
    mean = (
        sum(recorded.values[a : a + AT_ONCE].to_numpy().sum(axis=0, dtype=float) for a in pieces)
        / length
    )
    products = np.zeros(())
    for start in pieces:
        piece = recorded.values[start : start + AT_ONCE + lags].to_numpy() - mean
        now = piece[:AT_ONCE]
        missing = len(now) + lags - len(piece)  # beyond the end of the block
        later = np.concatenate([piece, np.zeros((missing, *piece.shape[1:]))])
        flat = (later.reshape(len(later), -1).T, now.reshape(len(now), -1).T)
        found = np.stack(
            [
                scipy.signal.correlate(b, a, mode="valid", method="fft")
                for b, a in zip(*flat, strict=True)
            ],
            axis=1,
        )
        products = products + found.reshape(-1, *piece.shape[1:])
    with np.errstate(invalid="ignore"):
        # Of a constant, rounding leaves 1e-16 of it at most; single precision cannot vary by less
        # than 1e-7.
        varies = products[0] > 1e-20 * length * np.maximum(mean**2, np.finfo(float).tiny)
        result = np.where(varies, products / products[0], np.nan)
    return _labelled(
        result, "lag", np.arange(lags + 1) * recorded.interval, "s", recorded, "1", run, block
    )


def _count(time, name, recorded):
    if not have_same_dimensions(time, second) or np.ndim(time):
        raise UnitError(
            f"the {name} {clipped(time)} is not a time",
            where=recorded.where,
            fix="give e.g. 256*ms",
        )
    if not np.isfinite(float(time)):
        raise DeclarationError(
            f"the {name} is {time}", where=recorded.where, fix="give a time within the recording"
        )
    return int(round(float(time) / recorded.interval))


def _labelled(values, dim, along, units_along, recorded, units, run, block):
    dims = (dim, *("stream",) * (values.ndim == 3), "unit")
    return xr.DataArray(
        values,
        dims=dims,
        coords={dim: (dim, along, {"units": units_along}), "unit": recorded.unit_numbers},
        name=str(recorded.values.name),
        attrs={"units": units, "block": block, "run": run.id},
    )
