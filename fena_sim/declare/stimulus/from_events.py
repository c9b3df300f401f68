"""From a table of events to tokens: the symbol, the onset and the labels of every row that is one."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from brian2 import Quantity, second
from brian2.units.fundamentalunits import have_same_dimensions

from ...errors import StimulusError, UnitError, clipped
from ..protocol.event_pace import EventPace, first_overlap
from .event_table import as_label, as_names, as_numbers, column, missing, read_table


def laid_out(
    table: pd.DataFrame | Mapping | str | Path,
    symbol: str,
    onset: str,
    duration: str | Quantity,
    *,
    labels: Sequence[str] | None,
    unit: Quantity,
    start: Quantity,
    pause: Quantity,
    rounding: str,
) -> tuple[np.ndarray, list[str], EventPace, dict]:
    """(row, symbol, pace, labels) of the tokens in a table, in the order of their onsets; parameters
    as of TokenStream.from_events. Rows are counted from 1, without the header.
    """
    where = (
        f"from_events({clipped(str(table))})" if isinstance(table, (str, Path)) else "from_events"
    )
    for name, value in (("unit", unit), ("start", start)):
        if not have_same_dimensions(value, second) or np.ndim(value) or not np.isfinite(value):
            raise UnitError(
                f"{name} must be a time, not {clipped(value)}", where=where, fix=f"give {name}=1*ms"
            )
    read = read_table(table, where)
    read.index += 1
    events = read[~missing(column(read, symbol, "symbol", where))]
    if not len(events):
        raise StimulusError(
            f"no row of the table has a {symbol!r}",
            where=where,
            fix="give symbol=..., the column that says what was presented",
        )
    times = as_numbers(column(events, onset, "onset", where), "onset", where)
    order = np.argsort(times, kind="stable")
    events, times = events.iloc[order], times[order] * float(unit) - float(start)
    names = as_names(events[symbol])
    shown = _durations(events, duration, unit, where)
    _check_order(events.index, names, times, shown, where)
    pace = EventPace(
        onset=Quantity(times, dim=second.dim),
        duration=Quantity(shown, dim=second.dim),
        pause=pause,
        rounding=rounding,
    )
    used = {symbol, onset, duration if isinstance(duration, str) else None}
    chosen = [c for c in events.columns if c not in used] if labels is None else labels
    kept = {name: as_label(column(events, name, "labels", where), read[name]) for name in chosen}
    return events.index.to_numpy(), names, pace, kept


def _durations(events, duration, unit, where):
    """Seconds of every event, float64 (n,)."""
    if isinstance(duration, str):
        values = column(events, duration, "duration", where)
        shown = as_numbers(values, "duration", where) * float(unit)
    else:
        if not have_same_dimensions(duration, second) or np.ndim(duration):
            raise UnitError(
                f"duration must be a column or a time, not {clipped(duration)}",
                where=where,
                fix="give duration=48*ms",
            )
        shown = np.full(len(events), float(duration))
    if not np.all(shown > 0):
        at = int(np.argmax(~(shown > 0)))
        raise StimulusError(
            f"the event in row {events.index[at]} lasts {shown[at]:g} s",
            where=where,
            fix="a token is presented for some time: give all one duration, duration=48*ms",
        )
    return shown


def _check_order(rows, names, times, shown, where):
    """Events follow one another from the block's start on; what does not is named."""
    if times[0] < 0:
        raise StimulusError(
            f"{names[0]!r} (row {rows[0]}) begins {-times[0]:g} s before the block",
            where=where,
            fix=f"give start={times[0]:g}*second or earlier, on the table's clock",
        )
    late = first_overlap(times, shown)
    same = np.flatnonzero(np.diff(times) <= 0)
    if late or len(same):
        at, by = late or (int(same[0]) + 1, float(shown[same[0]]))
        raise StimulusError(
            f"events overlap: {names[at]!r} (row {rows[at]}) begins {by:g} s before "
            f"{names[at - 1]!r} (row {rows[at - 1]}) has ended",
            where=where,
            fix="leave one of the two out, e.g. by a symbol column that is n/a there, or give a shorter "
            "duration=...",
        )
