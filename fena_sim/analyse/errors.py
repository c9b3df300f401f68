"""Prediction errors and precisions of every level, in blocks and over training.

The error of a level is defined once, as claim C06 asks: for level 0 the mean over units of e^2 on
the first presentation step (what reached the hierarchy unpredicted), for the hidden levels the
mean over units and presentation steps (they only hear of the token while it is presented).
Omitted tokens are left out.
"""

import numpy as np
import pandas as pd
import xarray as xr

from ..declare.arguments import checked
from ..declare.model.likelihood import squared_errors
from ..errors import DeclarationError
from ..runs.store.run import Run
from .select import event_bins, narrow, presented, readout

#: Seconds. Times of samples and events are equal if they differ by less; far below any time step.
SLACK = 1e-6


@checked(DeclarationError)
def level_errors(run: Run, block: str) -> xr.DataArray:
    """Mean squared error of every level for every event (claim C06).

    Formula: ``<e_0^2>`` over units on the first presentation step for level 0; ``<e_l^2>`` over
    units and presentation steps for l >= 1. Omitted tokens are NaN.

    Returns
    -------
    xarray.DataArray
        Dimensions ``event`` and ``level``; in squared units of the error population.

    Raises
    ------
    UnknownNameError
        If the model does not read out "onset_error" and "error".
    """
    errors = squared_errors(
        *(readout(run, block, name).to_numpy() for name in ("onset_error", "error"))
    )
    errors[~presented(run.events(block))] = np.nan
    return _by_level(errors, "event", name="squared error", units="squared error", block=block)


@checked(DeclarationError)
def mean_errors(run: Run, block: str, mask: np.ndarray | None = None) -> xr.DataArray:
    """Mean over events of :func:`level_errors`.

    Parameters
    ----------
    mask : array of bool, shape (event,), optional
        Events to keep, for example from :func:`fena_sim.measure.inside_motif`.

    Returns
    -------
    xarray.DataArray
        Dimension ``level``.

    Raises
    ------
    StimulusError
        If no presented token is left.
    """
    keep = narrow(presented(run.events(block)), mask, f"block {block!r}")
    return level_errors(run, block).isel(event=keep).mean("event")


@checked(DeclarationError)
def error_ratio(run: Run, untrained: str = "untrained", trained: str = "familiar") -> xr.DataArray:
    """How many times smaller learning made the error of each level, level 0 first (claim C06).

    Formula: mean over events of :func:`level_errors` in the untrained block, divided by the same
    in the trained block. Window: every presented token of the two blocks.

    Returns
    -------
    xarray.DataArray
        Dimension ``level``; a ratio, > 1 when learning reduced the error.
    """
    ratio = mean_errors(run, untrained) / mean_errors(run, trained)
    return ratio.rename("error ratio").assign_attrs(units="1", untrained=untrained, trained=trained)


@checked(DeclarationError)
def error_curve(run: Run, block: str = "training", bins: int = 40) -> xr.DataArray:
    """Mean of :func:`level_errors` in consecutive bins over training.

    Window: the whole block in ``bins`` bins of equal width; a bin without presented tokens is NaN.

    Returns
    -------
    xarray.DataArray
        Dimensions ``tokens`` (bin centre, tokens since the start of the block) and ``level``.
    """
    return _binned(level_errors(run, block), bins)


@checked(DeclarationError)
def precision_curve(run: Run, block: str = "training", bins: int = 40) -> xr.DataArray:
    """Mean precision of every level in consecutive bins over training.

    Formula: mean over the bin's events of ``Pi_l`` at the end of the presentation, omitted tokens
    included (precision is a state of the level, not an answer to the token).

    Returns
    -------
    xarray.DataArray
        Dimensions ``tokens`` (bin centre, tokens since the start of the block) and ``level``.
    """
    precision = readout(run, block, "precision").to_numpy()
    units = "1 / squared error"
    return _binned(_by_level(precision, "event", name="precision", units=units, block=block), bins)


@checked(DeclarationError)
def error_course(run: Run, block: str) -> xr.DataArray:
    """Mean squared error of every level over the presentation of a token, from recorded traces.

    Formula: ``<e_l(t)^2>`` over the recorded units and over the presented tokens, t since the
    token's onset. Window: up to the end of the shortest presentation, at every time that was
    sampled of all levels in it.

    Parameters
    ----------
    block : str
        A block with probes of "error" in populations named error_0, error_1, ...

    Returns
    -------
    xarray.DataArray
        Dimensions ``time`` (s since the onset) and ``level`` (those recorded); in squared units of
        the error population.

    Raises
    ------
    DeclarationError
        If no errors were recorded, or those of all levels at no moment of a presentation.
    StimulusError
        If the block presents no token.
    """
    events, probes = run.events(block), run.traces(block)
    keep = narrow(presented(events), None, f"block {block!r}")
    names = {
        int(name[len("error_") : -len(".error")]): name
        for name in map(str, probes)
        if name.startswith("error_") and name.endswith(".error")
    }
    if not names:
        raise DeclarationError(
            "the errors of no level were recorded",
            where=f"block {block!r} of {run.id}",
            fix='give the block Probe("error_0", "error"), and the same of other levels',
        )
    onset, shown = events["onset"].to_numpy(), events["duration"].to_numpy()[keep].min()
    levels = []
    for level in sorted(names):
        errors = probes[names[level]]
        # "time_2ms" etc. where probes differ in interval
        time = errors[errors.dims[0]].to_numpy()
        token = np.searchsorted(onset - SLACK, time, side="right") - 1
        since = time - onset[np.maximum(token, 0)]
        inside = (token >= 0) & keep[token] & (since < shown - SLACK)
        moments, row = np.unique(np.round(since[inside], 6), return_inverse=True)
        squares = (errors.to_numpy()[inside].astype(float) ** 2).mean(axis=1)
        means = np.bincount(row, weights=squares) / np.bincount(row)
        levels.append(xr.DataArray(means, dims="time", coords={"time": moments}))
    course = xr.concat(levels, pd.Index(sorted(names), name="level"), join="inner")
    if not course.sizes["time"]:
        raise DeclarationError(
            "no moment of a presentation was sampled of all levels",
            where=f"block {block!r} of {run.id}",
            fix="record the errors of all levels with one interval",
        )
    attrs = {"units": "squared error", "block": block}
    return course.transpose("time", "level").rename("squared error").assign_attrs(attrs)


@checked(DeclarationError)
def halfway_token(run: Run, block: str = "training", bins: int = 40) -> xr.DataArray:
    """When the error of each level had fallen halfway, on a log scale (claim C04).

    Formula: centre of the first bin of :func:`error_curve` whose error is at or below
    ``sqrt(first bin * last bin)``; NaN for a level whose error did not fall.

    Returns
    -------
    xarray.DataArray
        Dimension ``level``; in tokens since the start of the block.
    """
    curve = error_curve(run, block, bins).dropna("tokens")
    first, last = curve.isel(tokens=0), curve.isel(tokens=-1)
    reached = (curve <= np.sqrt(first * last)) & (last < first)
    return (
        curve["tokens"]
        .where(reached)
        .min("tokens")
        .rename("halfway token")
        .assign_attrs(units="tokens", block=block)
    )


def _binned(values, bins):
    """Mean of ``values`` (event, level) in bins, leaving out NaN."""
    data = values.to_numpy()
    slices, centres = event_bins(len(data), bins)
    curve = np.full((len(slices), data.shape[1]), np.nan)
    for row, part in zip(curve, slices, strict=True):
        known = data[part][~np.isnan(data[part]).any(axis=1)]
        if len(known):
            row[:] = known.mean(axis=0)
    curve = _by_level(curve, "tokens", name=values.name, **values.attrs)
    return curve.assign_coords(tokens=centres)


def _by_level(data, first, name, **attrs):
    coords = {"level": np.arange(data.shape[1])}
    return xr.DataArray(data, dims=(first, "level"), coords=coords, name=name, attrs=attrs)
