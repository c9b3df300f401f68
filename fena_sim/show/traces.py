"""Panels for recorded traces: single tokens, as a recording shows them."""

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from ..errors import StimulusError
from .colours import BLACK, GREY, level_colour

PRESENTED: dict[str, Any] = {"facecolor": GREY, "alpha": 0.16, "linewidth": 0}
OMITTED: dict[str, Any] = {
    "fill": False,
    "edgecolor": GREY,
    "linewidth": 0.5,
    "linestyle": (0, (3, 2)),
}


def omission(events: pd.DataFrame) -> pd.DataFrame:
    """The first omitted event that follows a presented one, with a neighbour on either side.

    Returns
    -------
    pandas.DataFrame
        Two or three rows of ``events``: the presented token, the omission and, if there is one,
        the event after it.

    Raises
    ------
    StimulusError
        If no omission follows a presented token.
    """
    absent = events["token"].to_numpy() < 0
    found = np.flatnonzero(absent[1:] & ~absent[:-1])
    if not len(found):
        raise StimulusError(
            "no omitted token follows a presented one",
            where=f"event table of {len(events)} events",
            fix="put OMITTED after a token in the block that records traces",
        )
    return events.iloc[found[0] : found[0] + 3]


def trace(ax: Axes, values: xr.DataArray, events: pd.DataFrame, level: int) -> None:
    """Every unit of one population (thin) and its root mean square over units (bold).

    Time is in ms from the onset of the first event given. Grey spans are presentations; dashed
    outlines are the spans in which the omitted token would have been presented.

    Parameters
    ----------
    values : DataArray (time, unit)
        A probe of a run; its first coordinate is time in s on the clock of the event table.
    events : pandas.DataFrame
        The rows to show, with ``onset``, ``duration`` and ``blank_onset`` in s.
    level : int
        Decides the colour.

    Raises
    ------
    StimulusError
        If the probe has no sample in the window of these events.
    """
    start = events["blank_onset"].iloc[0]
    stop = (events["onset"] + events["duration"]).iloc[-1]
    # Half a sample of slack: the clock's times are not exact in binary.
    time = values[values.dims[0]].to_numpy()  # "time_2ms" etc. where probes differ in interval
    slack = np.diff(time).min() / 2 if len(time) > 1 else 0.0
    inside = (time >= start - slack) & (time < stop + slack)
    if not inside.any():
        raise StimulusError(
            f"the probe has no sample between {start:g} s and {stop:g} s",
            where=f"probe {values.name!r}",
            fix="record the block that holds these events",
        )
    zero = events["onset"].iloc[0]
    data = values.to_numpy()[inside]
    shifted = (time[inside] - zero) * 1000
    colour = level_colour(level)
    ax.plot(shifted, data, color=colour, linewidth=0.3, alpha=0.3)
    ax.plot(shifted, np.sqrt((data**2).mean(axis=1)), color=colour, linewidth=1.2)
    ax.set_xlim((start - zero) * 1000, (stop - zero) * 1000)
    event: Any
    for event in events.itertuples():
        begin = (event.onset - zero) * 1000
        style = PRESENTED if event.token >= 0 else OMITTED
        ax.axvspan(begin, begin + event.duration * 1000, zorder=0, **style)


def token_names(ax: Axes, events: pd.DataFrame) -> None:
    """Write each token's symbol, or "omitted", above its span on the topmost trace."""
    zero = events["onset"].iloc[0]
    event: Any
    for event in events.itertuples():
        middle = (event.onset + event.duration / 2 - zero) * 1000
        name = f"token {event.symbol}" if event.token >= 0 else "omitted"
        place: dict[str, Any] = {
            "transform": ax.get_xaxis_transform(),
            "ha": "center",
            "va": "bottom",
        }
        ax.text(middle, 1.04, name, fontsize=6, **place)


def trace_legend(figure: Figure) -> None:
    """One row under the figure that explains lines and spans."""
    handles = [
        Line2D([], [], color=BLACK, linewidth=0.3, label="units"),
        Line2D([], [], color=BLACK, linewidth=1.2, label="root mean square over units"),
        Patch(label="token presented", **PRESENTED),
        Patch(label="token omitted", **OMITTED),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
