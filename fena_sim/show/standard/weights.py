"""Synapses over time: what probes of projections recorded between tokens or at an interval."""

from collections.abc import Iterator, Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from ...declare.protocol.summary import HISTOGRAM
from ...errors import StimulusError
from ...runs.store.run import Run
from .. import panels
from ..colours import BLACK, GREY
from ..needs import Recorded
from ..style import sheet
from .drawn import MOST, Drawn, grid, named, of_networks, plain, scaled

#: Single synapses or units that a panel shows at most.
LINES = 30


def weight_figure(runs: Sequence[Run], block: str) -> Iterator[Drawn]:
    """Every recorded variable of synapses over a block: single synapses of the first network, and the
    root mean square over synapses of every network; of summaries, what they are.

    Raises
    ------
    StimulusError
        If nothing was recorded but at one moment.
    """
    names = _variables(runs[0], block)
    recorded = {name: [run.traces(block)[name] for run in runs] for name in names}
    recorded = {name: of for name, of in recorded.items() if all(len(one) > 1 for one in of)}
    if not recorded:
        raise StimulusError(
            "synapses were recorded at one moment alone",
            where=f"block {block!r} of {runs[0].id}",
            fix="record them more often: Probe(projection, variable, every=...)",
        )
    drawn, words = [], []
    for name, of in recorded.items():
        of = [_over(one, run.traces(block)) for one, run in zip(of, runs, strict=True)]
        for draw, about in _panels(name, of):
            drawn.append((draw, name, of))
            words.append(about)
    with sheet():
        figure, axes = grid(min(len(drawn), MOST), head=2)
        for ax, (draw, name, of) in zip(axes, drawn):
            draw(ax, of)
            ax.set_title(plain(name))
            ax.xaxis.set_major_locator(MaxNLocator(4))
            ax.set_xlabel(of[0].attrs["axis"])
    letters = [f"({chr(ord('a') + k)}) {about}" for k, about in enumerate(words[:MOST])]
    caption = f"Synapses over block {block!r}. {' '.join(letters)}"
    if len(runs) > 1:
        caption += f" Single lines are of the network of seed {runs[0].seed}."
    if words[MOST:]:
        caption += f" {len(words) - MOST} more panels are not shown, for want of room."
    yield Drawn(named("weights", block), figure, caption)


def _variables(run, block):
    keys = set(Recorded.of(run, block).synapses)
    found = [str(name) for name in run.traces(block).data_vars]
    return [name for name in found if name.partition(".")[0] in keys]


def _over(values, traces):
    """A recording along tokens if it was made between them, else along seconds."""
    time = str(values.dims[0])
    tokens = traces[f"{time}_tokens"].to_numpy()
    between = len(np.unique(tokens)) == len(tokens)
    along = tokens if between else traces[time].to_numpy()
    text = "tokens since the block's start" if between else "time since the block's start (s)"
    values = values.load().assign_attrs(axis=text)
    return values.assign_coords({time: along})


def _panels(name, of):
    """[(function that draws, what it draws in words)]."""
    first = of[0]
    last = str(first.dims[-1])
    several = of_networks(of)
    if name.endswith(f"_{HISTOGRAM}"):
        return [(_histogram, f"{name}: how many synapses have a value in each bin.")]
    if first.shape[1] == 1:
        return [(_mean_square, f"{name}. {several}")]
    what = "synapses" if last.endswith("_synapse") else "units"
    count = first.shape[1]
    shown = f"{LINES} of {count} {what}" if count > LINES else f"{count} {what}"
    return [
        (_single, f"{name} of {shown} (grey) and their median (black)."),
        (_mean_square, f"Root mean square of {name} over {what}. {several}"),
    ]


def _single(ax: Axes, of: Sequence[xr.DataArray]) -> None:
    values = of[0]
    factor, units = scaled(values.attrs["units"], [values.to_numpy()])
    chosen = np.unique(np.linspace(0, values.shape[1] - 1, LINES).round().astype(int))
    time, data = values[values.dims[0]].to_numpy(), factor * values.to_numpy()
    ax.plot(time, data[:, chosen], color=GREY, linewidth=0.4, alpha=0.7)
    ax.plot(time, np.median(data, axis=1), color=BLACK, linewidth=1.2)
    ax.set_xlim(time[0], time[-1])
    ax.set_ylabel(f"value{units}")


def _mean_square(ax: Axes, of: Sequence[xr.DataArray]) -> None:
    length = min(len(values) for values in of)
    curves = [root_mean_square(values[:length]) for values in of]
    factor, units = scaled(of[0].attrs["units"], curves)
    time = of[0][of[0].dims[0]].to_numpy()[:length]
    panels.networks(ax, time, [factor * curve for curve in curves], BLACK)
    ax.set_xlim(time[0], time[-1])
    alone = of[0].shape[1] == 1
    ax.set_ylabel(f"{'value' if alone else 'root mean square'}{units}")


def root_mean_square(values: xr.DataArray) -> np.ndarray:
    """Over the second dimension: (time,). Of a single column its value."""
    data = values.to_numpy().astype(float)
    return data[:, 0] if data.shape[1] == 1 else np.sqrt((data**2).mean(axis=1))


def _histogram(ax: Axes, of: Sequence[xr.DataArray]) -> None:
    values = of[0]
    time, bins = (str(dim) for dim in values.dims)
    lower = values[bins].to_numpy()
    upper = values[f"{bins}_stop"].to_numpy()
    along = values[time].to_numpy()
    mesh = ax.pcolormesh(
        along,
        np.append(lower, upper[-1]),
        values.to_numpy()[:-1].T,  # what was counted at the beginning of each interval
        rasterized=True,
    )
    bar = ax.figure.colorbar(mesh, ax=ax, pad=0.02)
    bar.set_label("synapses")
    bar.outline.set_linewidth(0.5)
    units = scaled(values[bins].attrs.get("units", "1"), [lower])[1] if len(lower) else ""
    ax.set_ylabel(f"value{units}")
