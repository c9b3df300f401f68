"""Token-locked epochs, read from disk only where they are looked at."""

import warnings

import numpy as np
import pandas as pd
import xarray as xr
from brian2 import Quantity, ms, second
from brian2.units.fundamentalunits import have_same_dimensions
from xarray.backends import BackendArray
from xarray.core import indexing

from ...declare.arguments import checked
from ...errors import (
    DeclarationError,
    FenaWarning,
    StimulusError,
    UnitError,
    UnknownNameError,
    nearest,
)
from ...runs.store.run import Run
from ..select import presented
from .conditions import By, conditions_of
from .samples import samples

LOCKS = ("onset", "offset", "blank_onset")
#: Columns of an event table whose names an epoch's own labels take; they get the suffix "_id".
TAKEN = ("token", "time", "unit", "condition", "presented")
#: Most samples that are read from disk at once, where an epoch is not longer.
SPAN = 8192
#: Share of the sampling interval by which times that are equal may differ: single precision, and
#: decimals in a table.
SLACK = 1e-2
#: Largest share of a condition's tokens that may be dropped. Which tokens lack samples depends on
#: their times, so that an average over few of those that were presented is one over a selection.
MOST_DROPPED = 0.25


@checked(DeclarationError)
def epochs(
    run: Run,
    block: str,
    variable: str,
    window: tuple[Quantity, Quantity] = (-50 * ms, 300 * ms),
    baseline: tuple[Quantity, Quantity] | None = None,
    by: By = None,
    lock: str = "onset",
    tokens_of: str | None = None,
) -> xr.DataArray:
    """A recording cut at every token.

    Formula: with L the time that tokens are locked to, epoch = x(L + t) for window[0] <= t <
    window[1], at multiples t of the sampling interval h; with a baseline, minus the unit's mean
    over baseline[0] <= t < baseline[1] of the same epoch. Where tokens are not multiples of h (a
    probe slower than dt), the sample nearest to L + t is taken, so that epochs are shifted against
    each other by up to h/2; ``attrs["misalignment_s"]`` is the largest shift found.

    Nothing is read before it is asked for: ``epochs(...)[10:20]`` reads ten epochs.
    :func:`fena_sim.epochs.average` goes through them piece by piece; ``.mean("token")`` or
    ``.values`` would hold all of them in memory.

    Parameters
    ----------
    run : Run
        With streams side by side, the tokens of all streams one after the other, as in
        ``run.events``.
    block : str
    variable : str
        A recorded variable, e.g. "error_0.error".
    window, baseline : (Quantity, Quantity)
        Times relative to the lock; the baseline lies within the window.
    by : None, str, sequence of str, or callable
        What makes a condition: columns of the event table ("role", or ["role", "presented"];
        "presented" is true where the token is not omitted; tokens without a number in a column of
        numbers are left out), or a function of the event table that returns a label per token and
        None for tokens to leave out. If left out, conditions are "presented" and "omitted".
    lock : str
        "onset" (the token appears; where it is omitted, it would have), "offset" (end of the
        presentation; in a self-paced block, when the hierarchy has settled), or "blank_onset" (start
        of the blank before the token).
    tokens_of : str, optional
        With several modalities, the input population at whose tokens the recording is cut; if left
        out, the one that paces the block.

    Returns
    -------
    xarray.DataArray, dims (token, time, unit)
        In the variable's units (``attrs["units"]``); time in s from the lock. Along token: its
        number in the event table, the table's columns (token as "token_id"), "presented",
        "condition". Epochs that reach over the block's ends, or for which the probe's own window
        kept no samples, are dropped: ``attrs["dropped"]`` counts them.

    Warns
    -----
    FenaWarning
        If tokens were dropped: how many of each condition.

    Raises
    ------
    UnknownNameError
        For a block, variable, lock or column that is not there.
    UnitError, DeclarationError
        If a window is not two times in order, the baseline is not within the window, or a condition
        mixes presented and omitted tokens.
    StimulusError
        If more than a quarter of a condition's tokens are dropped, or no token is left.
    """
    recorded = samples(run, block, variable)
    where = recorded.where
    first, last = steps(window, recorded.interval, "window", where)
    before = None if baseline is None else within(baseline, first, last, recorded.interval, where)
    events = run.events(block, tokens_of)
    labels, order = conditions_of(events, by, where)
    chosen = np.flatnonzero([label is not None for label in labels])
    start, shift = _starts(recorded, locked(events, lock, where)[chosen], first, last - first)
    kept = chosen[start >= 0]
    _check_dropped(labels, kept, order, where)
    if not len(kept):
        raise StimulusError(
            "there is no token to cut at",
            where=where,
            fix="give a label to some tokens of the block",
        )
    streams = events["stream"].to_numpy()[kept] if "stream" in recorded.values.dims else None
    array = _Epochs(recorded.values, start[start >= 0], last - first, streams, before)
    data = xr.Variable(
        ("token", "time", "unit"),
        indexing.LazilyIndexedArray(array),
        {
            "units": recorded.units,
            "block": block,
            "run": run.id,
            "lock": lock,
            "dropped": int((start < 0).sum()),
            "interval_s": recorded.interval,
            "misalignment_s": float(np.abs(shift[start >= 0]).max()),
            "conditions": order,
            "baseline": "none"
            if baseline is None
            else f"{float(baseline[0]):g} to {float(baseline[1]):g} s",
        },
    )
    return xr.Dataset(
        {variable: data}, _labels(events, labels, kept, recorded, np.arange(first, last))
    )[variable]


def _check_dropped(labels, kept, order, where):
    """Say which tokens are dropped; raise StimulusError if they are too many of a condition."""
    fix = "choose a narrower window (a probe's own window is around the onset), or a longer block"
    lost = {}
    for label in order:
        tokens = int((labels == label).sum())
        lost[label] = tokens - int((labels[kept] == label).sum()), tokens
        if lost[label][0] > MOST_DROPPED * tokens:
            raise StimulusError(
                f"the windows of {lost[label][0]} of {tokens} tokens of condition {label!r} reach "
                f"beyond what was recorded; at most {MOST_DROPPED:.0%} may be dropped",
                where=where,
                fix=fix,
            )
    if any(dropped for dropped, _ in lost.values()):
        counts = ", ".join(
            f"{dropped} of {tokens} {label!r}"
            for label, (dropped, tokens) in lost.items()
            if dropped
        )
        warnings.warn(
            FenaWarning(
                f"tokens were dropped, because their windows reach beyond what was recorded: {counts}",
                where=where,
                fix=fix,
            ),
            stacklevel=4,
        )


def _labels(events, labels, kept, recorded, steps):
    columns = {
        f"{name}_id" if name in TAKEN else name: ("token", events[name].to_numpy()[kept])
        for name in events.columns
    }
    return {
        "token": kept,
        "time": ("time", steps * recorded.interval, {"units": "s"}),
        "unit": recorded.unit_numbers,
        **columns,
        "presented": ("token", presented(events)[kept]),
        "condition": ("token", labels[kept].astype(str)),
    }


def steps(
    edges: tuple[Quantity, Quantity], interval: float, name: str, where: str
) -> tuple[int, int]:
    """(first, one after the last) multiples of the interval between two times. Raises UnitError or
    DeclarationError if they are no two finite times in order.
    """
    if len(edges) != 2 or not all(have_same_dimensions(edge, second) for edge in edges):
        raise UnitError(
            f"the {name} {edges} is not two times", where=where, fix="give e.g. (-50*ms, 300*ms)"
        )
    if not np.isfinite([float(edge) for edge in edges]).all():
        raise DeclarationError(
            f"the {name} {edges} does not end", where=where, fix="give e.g. (-50*ms, 300*ms)"
        )
    first, last = (int(np.ceil(float(edge) / interval - SLACK)) for edge in edges)
    if first >= last:
        raise DeclarationError(
            f"the {name} {edges} holds no sample",
            where=where,
            fix=f"give (start, stop), at least the sampling interval of {interval:g} s apart",
        )
    return first, last


def within(
    baseline: tuple[Quantity, Quantity], first: int, last: int, interval: float, where: str
) -> slice:
    """Where the samples of a baseline lie in an epoch of the multiples `first` to `last` of the
    interval: a slice.
    """
    low, high = steps(baseline, interval, "baseline", where)
    if low < first or high > last:
        raise DeclarationError(
            f"the baseline {baseline} reaches beyond the window",
            where=where,
            fix="widen the window, or choose a baseline inside it",
        )
    return slice(low - first, high - first)


def locked(events: pd.DataFrame, lock: str, where: str) -> np.ndarray:
    """When each token of an event table is at time 0, float64 (token,), in s since the block's start.
    UnknownNameError if `lock` is none of LOCKS.
    """
    if lock not in LOCKS:
        raise UnknownNameError(
            f"tokens cannot be locked to {lock!r}", where=where, fix=nearest(lock, LOCKS)
        )
    if lock == "offset":
        return (events["onset"] + events["duration"]).to_numpy()
    return events[lock].to_numpy()


def _starts(recorded, locks, first, width):
    """Index of every epoch's first sample, -1 where samples are missing, and how far it is from the
    wanted time (s).
    """
    time, interval = recorded.time, recorded.interval
    wanted = locks + first * interval
    # Of two samples equally near the earlier, whatever the rounding.
    middle = np.searchsorted(time, wanted + (0.5 - SLACK) * interval, side="right") - 1
    start = np.maximum(middle, 0)
    shift = time[start] - wanted
    end = start + width - 1
    inside = (middle >= 0) & (end < len(time))
    # Where a probe kept only windows, neighbours in the array may be far apart in time.
    span = time[np.where(inside, end, 0)] - time[start]
    whole = (
        inside
        & (np.abs(shift) <= (0.5 + SLACK) * interval)
        & (np.abs(span - (width - 1) * interval) < 0.5 * interval)
    )
    return np.where(whole, start, -1), shift


class _Epochs(BackendArray):
    """(token, time, unit), read from the recording when indexed."""

    def __init__(self, values, start, width, streams, baseline):
        self.values, self.start, self.width, self.streams, self.baseline = (
            values,
            start,
            width,
            streams,
            baseline,
        )
        self.shape = (len(start), width, values.shape[-1])
        self.dtype = values.dtype

    def __getitem__(self, key):
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.OUTER, self._read
        )

    def _read(self, key):
        tokens, times, units = key
        rows = np.atleast_1d(np.arange(self.shape[0])[tokens])
        cut = np.empty((len(rows), *self.shape[1:]), self.dtype)
        for some in self._neighbours(rows):
            low = self.start[rows[some]].min()
            slab = self.values[low : self.start[rows[some]].max() + self.width].to_numpy()
            index = self.start[rows[some]][:, None] - low + np.arange(self.width)
            cut[some] = (
                slab[index]
                if self.streams is None
                else slab[index, self.streams[rows[some]][:, None]]
            )
        if self.baseline is not None:
            cut = (cut - cut[:, self.baseline].mean(axis=1, keepdims=True, dtype=float)).astype(
                self.dtype
            )
        cut = cut[:, :, units][:, times]
        return cut[0] if np.ndim(tokens) == 0 and not isinstance(tokens, slice) else cut

    def _neighbours(self, rows):
        """Positions in `rows` that are read together: close to each other, and not too many
        samples.
        """
        order, group = np.argsort(self.start[rows], kind="stable"), []
        for position in order:
            start = self.start[rows[position]]
            if group and start + self.width - self.start[rows[group[0]]] > max(SPAN, self.width):
                yield group
                group = []
            group.append(position)
        if group:
            yield group
