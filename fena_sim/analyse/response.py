"""Responses of measured signals, and of error units, to tokens, against the time before them."""

import numpy as np
import xarray as xr
from brian2 import Quantity, ms, second

from ..declare.arguments import checked
from ..declare.measured.attach import VALUE
from ..errors import DeclarationError, UnknownNameError, nearest
from ..runs.store.run import Run
from .epochs.conditions import By
from .epochs.cut import epochs, steps, within
from .epochs.samples import samples
from .select import narrow, presented

#: Samples of all units that are held in memory at once.
AT_ONCE = 2**20


@checked(DeclarationError)
def response(run: Run, block: str, signal: str, by: By = None) -> xr.DataArray:
    """Response of a measured signal to every token.

    With s(t) the signal, and t from the token's onset (where it is omitted, from the time at which it
    would have appeared)::

        response = mean of s(t) over the window - its mean over the baseline

    Window and baseline are those of the signal's declaration (`fena_sim.Signal`), which is stored in
    the run's manifest; without a baseline nothing is taken off.

    Parameters
    ----------
    run : Run
        Of a protocol that measures the signal, ``Protocol(measured={...})``.
    block : str
    signal : str
        Its name.
    by : None, str, sequence of str, or callable
        What makes a condition, as in :func:`fena_sim.epochs.epochs`.

    Returns
    -------
    xarray.DataArray, dims (event,)
        In the units of the signal. Coordinates: ``event``, the token's row in ``run.events(block)``;
        ``condition``, ``presented`` and the columns of the event table as
        :func:`fena_sim.epochs.epochs` has them. ``response(...).groupby("condition").mean()`` are
        means over trials.

    Warns
    -----
    FenaWarning
        If the window or baseline of tokens reaches beyond what was recorded: they are left out.

    Raises
    ------
    UnknownNameError
        If the protocol measures no such signal, or it was not recorded in the block.
    DeclarationError
        If it is declared without a window.
    StimulusError
        As :func:`fena_sim.epochs.epochs`.
    """
    declared = run.measured
    if signal not in declared:
        raise UnknownNameError(
            f"the protocol measures no signal {signal!r}",
            where=f"block {block!r} of {run.id}",
            fix=nearest(signal, declared),
        )
    window, baseline = declared[signal].window, declared[signal].baseline
    if window is None:
        raise DeclarationError(
            f"signal {signal!r} is declared without a window, in which it would respond",
            where=f"block {block!r} of {run.id}",
            fix="give its Signal a window and run again, or use fena_sim.epochs.epochs",
        )
    given = [edges for edges in (window, baseline) if edges is not None]
    span = (min(low for low, _ in given), max(high for _, high in given))
    cut = epochs(run, block, f"{signal}.{VALUE}", span, by=by)
    interval, where = cut.attrs["interval_s"], f"signal {signal!r} in block {block!r} of {run.id}"
    first, last = steps(span, interval, "window", where)
    inside = [within((low, high), first, last, interval, where) for low, high in given]
    found, at_once = np.zeros(cut.sizes["token"]), max(1, AT_ONCE // cut.sizes["time"])
    for start in range(0, len(found), at_once):
        part = slice(start, start + at_once)
        values = cut[part].to_numpy()[:, :, 0]
        means = [values[:, times].mean(axis=1, dtype=float) for times in inside]
        found[part] = means[0] - means[1] if baseline is not None else means[0]
    labels = {name: ("event", c.values) for name, c in cut.coords.items() if c.dims == ("token",)}
    return xr.DataArray(
        found,
        dims="event",
        coords={"event": labels.pop("token"), **labels},
        name=signal,
        attrs={key: cut.attrs[key] for key in ("units", "block", "run", "dropped", "conditions")},
    )


@checked(DeclarationError)
def error_response(
    run: Run,
    block: str,
    window: tuple[Quantity, Quantity] = (0 * ms, 250 * ms),
    baseline: tuple[Quantity, Quantity] = (-50 * ms, 0 * ms),
    weighted: bool = True,
    mask: np.ndarray | None = None,
) -> xr.DataArray:
    """Response of every level's error units to tokens.

    With e_lk the error of unit k of level l, P_l the level's precision, and times t from the token's
    onset::

        activity_l(t) = P_l(t) * sum_k |e_lk(t)|
        response_l = mean of activity_l over the window - its mean over the baseline

    The sum over units of either sign stands for the activity of units for positive and for negative
    errors (Rao & Ballard 1999, doi 10.1038/4580); with the precision, as it is sent upwards.

    Parameters
    ----------
    run : Run
        With samples of ``error_l.error`` and, if `weighted`, of ``precision_l.precision`` for levels
        l = 0, 1, ..., of one interval.
    block : str
    window, baseline : (Quantity, Quantity)
        First time and end from the onset.
    weighted : bool
        False: P_l = 1.
    mask : ndarray of bool, shape (event,), optional
        Which tokens; all presented ones if left out.

    Returns
    -------
    xarray.DataArray, dims (event, level)
        Coordinate ``event``: the token's number in the block. Tokens whose window or baseline
        reaches beyond the recording are left out.

    Raises
    ------
    UnknownNameError
        If level 0 was not recorded, or a precision is missing.
    StimulusError
        If no token is left.
    DeclarationError, UnitError
        If a window is not two times in order, or intervals differ.
    """
    recorded = samples(run, block, "error_0.error")
    edges = [
        steps(times, recorded.interval, name, recorded.where)
        for name, times in (("window", window), ("baseline", baseline))
    ]
    first, last = min(low for low, _ in edges), max(high for _, high in edges)
    events, half = run.events(block), recorded.interval / 2
    onset, start, end = (
        events["onset"].to_numpy(),
        recorded.time[0] - half,
        recorded.time[-1] + recorded.interval + half,
    )
    span = (first * recorded.interval, last * recorded.interval)
    whole = (onset + span[0] > start) & (onset + span[1] < end)
    chosen = narrow(presented(events) & whole, mask, recorded.where)

    def of(variable):
        return epochs(
            run,
            block,
            variable,
            (span[0] * second, span[1] * second),
            by=lambda _: np.where(chosen, "chosen", None),
        )

    inside = [slice(low - first, high - first) for low, high in edges]
    levels: list[np.ndarray] = []
    while not levels or f"error_{len(levels)}.error" in run.traces(block):
        level = len(levels)
        error = of(f"error_{level}.error")
        precision = of(f"precision_{level}.precision") if weighted else error[:, :, :1]
        if error.shape[1] != last - first or precision.shape[:2] != error.shape[:2]:
            raise DeclarationError(
                f"samples of level {level} have another interval than those of level 0's errors",
                where=recorded.where,
                fix="record the errors and precisions of all levels with one interval",
            )
        levels.append(_response(error, precision if weighted else None, inside))
    return xr.DataArray(
        np.stack(levels, axis=1),
        dims=("event", "level"),
        coords={"event": error["token"].to_numpy(), "level": np.arange(len(levels))},
    )


def _response(error, precision, inside):
    found, step = np.zeros(error.sizes["token"]), max(1, AT_ONCE // int(np.prod(error.shape[1:])))
    for start in range(0, len(found), step):
        part = slice(start, start + step)
        activity = np.abs(error[part].to_numpy()).sum(axis=2, dtype=float)
        if precision is not None:
            activity *= precision[part].to_numpy()[:, :, 0]
        response, before = (activity[:, times].mean(axis=1) for times in inside)
        found[part] = response - before
    return found
