"""Spikes of every population that was recorded: a raster, and rates around the token's onset."""

from collections.abc import Iterator, Sequence

import attrs
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from ...analyse.select import presented
from ...errors import StimulusError
from ...runs.store.run import Run
from .. import panels
from ..colours import BLACK, GREY, condition_colours
from ..export.contents import contents
from ..style import PAGE_WIDTH, letter, new_figure, sheet
from ..traces import PRESENTED
from .drawn import HEAD, ROW, Drawn, named, of_networks, plain
from .evoked import FEW, span_of

#: Tokens whose spikes a raster shows at most, and the populations that a page has room for.
TOKENS, POPULATIONS = 10, 5
#: Bins of the time around an onset, and the narrowest in s.
BINS, NARROWEST = 40, 1e-3


@attrs.frozen(eq=False)
class _Spikes:
    """Of one population of one network: times in s since the block's start, unit numbers, and the
    units that were recorded.
    """

    times: np.ndarray
    units: np.ndarray
    recorded: np.ndarray


def spike_figure(runs: Sequence[Run], block: str) -> Iterator[Drawn]:
    """A raster of the first network, and the rates of all, for every population with spikes.

    Raises
    ------
    StimulusError
        If the block presents no token whose epoch is whole.
    """
    tables = [run.events(block) for run in runs]
    spikes = [_spikes(run, block) for run in runs]
    names = list(spikes[0])[:POPULATIONS]
    before, after = span_of(tables)
    width = max(NARROWEST, round((after - before) / BINS / NARROWEST) * NARROWEST)
    edges = width * np.arange(np.ceil(before / width - 1e-6), np.floor(after / width + 1e-6) + 1)
    ends = [table_end(table) for table in tables]
    kinds = _symbols(tables)
    with sheet():
        figure = new_figure(PAGE_WIDTH, HEAD + ROW * len(names))
        axes = figure.subplots(len(names), 2, squeeze=False, width_ratios=(2, 1))
        for row, name in zip(axes, names, strict=True):
            raster(row[0], spikes[0][name], tables[0])
            row[0].set_title(plain(name))
            row[0].set_ylabel("unit")
            of = [
                [rates(one[name], onsets, edges, end) for onsets in _onsets(table, kinds)]
                for one, table, end in zip(spikes, tables, ends, strict=True)
            ]
            _rates(row[1], np.array(of), edges, len(kinds))
        axes[-1, 0].set_xlabel("time since the block's start (s)")
        axes[-1, 1].set_xlabel("time from the token's onset (ms)")
        for ax, text in zip(axes.ravel(), "abcdefghijkl", strict=False):
            letter(ax, text)
        if len(kinds) > 1:
            handles = [
                panels.swatch(colour, plain(kind))
                for colour, kind in zip(condition_colours(len(kinds)), kinds, strict=True)
            ]
            figure.legend(handles=handles, loc="outside upper center", ncols=len(kinds))
    yield Drawn(
        named("spikes", block), figure, " ".join(_caption(runs, block, spikes, kinds, width))
    )


def _spikes(run, block):
    (recording,) = contents(run, [block])
    return {name: _Spikes(*of) for name, of in recording.spikes.items()}


def table_end(events: pd.DataFrame) -> float:
    """When the last token ends, in s since the block's start."""
    return float((events["onset"] + events["duration"]).max())


def raster(ax: Axes, spikes: _Spikes, events: pd.DataFrame) -> None:
    """The spikes during the first tokens of a block; grey spans are presentations."""
    first = events.iloc[:TOKENS]
    start, stop = float(first["blank_onset"].min()), table_end(first)
    shown = (spikes.times >= start) & (spikes.times < stop)
    place = np.searchsorted(spikes.recorded, spikes.units[shown])
    ax.plot(spikes.times[shown], place, "|", color=BLACK, markersize=2.5, markeredgewidth=0.6)
    for onset, duration, token in zip(
        first["onset"], first["duration"], first["token"], strict=True
    ):
        if token >= 0:
            ax.axvspan(onset, onset + duration, zorder=0, **PRESENTED)
    ax.set_xlim(start, stop)
    count = len(spikes.recorded)
    ax.set_ylim(-0.7, count - 0.3)
    ticks = [
        int(k) for k in MaxNLocator(5, integer=True).tick_values(0, count - 1) if 0 <= k < count
    ]
    ax.set_yticks(ticks, [str(spikes.recorded[k]) for k in ticks])


def rates(spikes: _Spikes, onsets: np.ndarray, edges: np.ndarray, end: float) -> np.ndarray:
    """Mean rate per unit around onsets, in Hz.

    Formula: spikes of all recorded units in a bin, over the onsets whose bins are whole (between 0 and
    `end`), divided by the number of these onsets, of units, and by the bin's width.

    Parameters
    ----------
    spikes : _Spikes
    onsets : float64 (token,)
        In s since the block's start.
    edges : float64 (bin + 1,)
        Edges of the bins in s from the onset.
    end : float
        Of the recording, in s.

    Returns
    -------
    float64 (bin,)
        NaN if there is no whole onset.
    """
    slack = 1e-6
    whole = onsets[(onsets + edges[0] >= -slack) & (onsets + edges[-1] <= end + slack)]
    times = np.sort(spikes.times)
    # A spike on an edge belongs to the bin that begins there, whatever the rounding of times.
    counts = np.diff(np.searchsorted(times, whole[:, None] + edges - slack), axis=1).sum(axis=0)
    scale = len(whole) * len(spikes.recorded)
    return counts / scale / np.diff(edges) if scale else np.full(len(counts), np.nan)


def _symbols(tables):
    """The symbols of presented tokens, if all networks have the same few; else all together."""
    kinds = [sorted({*table["symbol"][presented(table)].astype(str)}) for table in tables]
    few = 1 < len(kinds[0]) <= FEW and all(of == kinds[0] for of in kinds)
    return kinds[0] if few else ["all presented tokens"]


def _onsets(table, kinds):
    shown, onset = presented(table), table["onset"].to_numpy()
    if len(kinds) == 1:
        return [onset[shown]]
    symbol = table["symbol"].astype(str).to_numpy()
    return [onset[shown & (symbol == kind)] for kind in kinds]


def _rates(ax, values, edges, kinds):
    """values: (network, kind, bin)."""
    if not np.isfinite(values).all():
        raise StimulusError(
            "there is no token whose time around the onset was recorded whole",
            where="rates",
            fix="present more tokens",
        )
    ax.axvline(0, color=GREY, linewidth=0.5)
    for colour, of in zip(condition_colours(kinds), np.moveaxis(values, 1, 0), strict=True):
        steps = [np.append(one, one[-1]) for one in of]
        panels.networks(ax, 1000 * edges, steps, colour, drawstyle="steps-post")
    ax.set_xlim(1000 * edges[0], 1000 * edges[-1])
    ax.set_ylim(bottom=0)
    ax.set_ylabel("rate per unit (Hz)")


def _caption(runs, block, spikes, kinds, width):
    yield f"Spikes in block {block!r}."
    first = f"the first {min(TOKENS, len(runs[0].events(block)))} tokens"
    network = f" of the network of seed {runs[0].seed}" * (len(runs) > 1)
    yield f"Left: every spike{network} during {first}."
    yield "Grey: a token is presented."
    what = "tokens of every symbol" if len(kinds) > 1 else "presented tokens"
    yield (
        f"Right: mean rate per unit around the onset of {what}, in bins of {1000 * width:g} ms. "
        f"{of_networks(runs)}"
    )
    rest = list(spikes[0])[POPULATIONS:]
    if rest:
        yield f"Not shown, for want of room: {', '.join(rest)}."
