"""The figure of a sweep: lines over one key, heat maps over two, small multiples over more."""

import itertools

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from ...analyse.statistics import summarise
from ...show.colours import BLACK, LEVEL_COLOURS
from ...show.style import COLUMN_WIDTH, PAGE_WIDTH, new_figure, sheet
from .work import ABOUT_RUNS

#: Millimetres of a row of panels, and of the line above them.
ROW, HEAD = 50.0, 6.0
#: Panels side by side on a page.
COLUMNS = 3
#: Values of a key that lie further apart than this factor are drawn on a logarithmic axis.
WIDE = 50


def numbers(dataset: xr.Dataset) -> list[str]:
    """Names of the variables of which at least one point has a number."""
    return [
        str(name)
        for name in dataset.data_vars
        if name not in ABOUT_RUNS and np.isfinite(dataset[name]).any()
    ]


def draw(dataset: xr.Dataset) -> Figure:
    """Draw the dataset of `collect`.

    Over one key: the median over networks (seeds) with its interval (`measure.summarise`: 95 %
    bootstrap, of fewer than three networks their range). Over two keys: the median as a heat map,
    grey where no network finished. Over more: a heat map of the first two keys for each combination
    of the others.

    Parameters
    ----------
    dataset : xarray.Dataset
        With at least one of `numbers`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    names = numbers(dataset)
    keys = list(dataset["run_folder"].dims[:-1])
    with sheet():
        return _lines(dataset, keys[0], names) if len(keys) == 1 else _maps(dataset, keys, names)


def _lines(dataset, key, names):
    fig, axes = _panels(len(names))
    x, ticks = _position(dataset[key])
    for ax, name in zip(axes, names, strict=True):
        values = dataset[name]
        item = f"{name}_item"
        parts = (
            [(None, values)]
            if item not in values.dims
            else [(i, values.sel({item: i})) for i in values[item].values]
        )
        for colour, (label, part) in zip(_colours(len(parts)), parts, strict=True):
            _line(ax, x, part.transpose(key, "seed").values, colour, label)
        if item in values.dims:
            ax.legend(ncols=2 if len(parts) > 4 else 1)
        ax.set_ylabel(_words(name))
        ax.set_xlabel(_label(dataset[key]))
        if ticks is None and x.min() > 0 and x.max() > WIDE * x.min():
            ax.set_xscale("log")
        if ticks is not None:
            ax.set_xticks(x, ticks)
    n = dataset.sizes["seed"]
    band = "95 % interval" if n > 2 else "range"
    _head(fig, f"median of {n} networks, {band}" if n > 1 else "one network")
    return fig


def _line(ax, x, values, colour, label):
    """Median and interval of values (x, network); a position where no network finished is left out."""
    finite = [v[np.isfinite(v)] for v in values]
    known = [k for k, v in enumerate(finite) if len(v)]
    summaries = [summarise(finite[k]) for k in known]
    ax.plot(x[known], [s.median for s in summaries], "o-", color=colour, label=label)
    ax.fill_between(
        x[known],
        [s.low for s in summaries],
        [s.high for s in summaries],
        color=colour,
        alpha=0.2,
        linewidth=0,
    )


def _maps(dataset, keys, names):
    rows_of = [(name, item) for name in names for item in _items(dataset, name)]
    others = list(itertools.product(*(range(dataset.sizes[key]) for key in keys[2:])))
    if len(keys) == 2:
        fig, axes = _panels(len(rows_of))
        axes = [[ax] for ax in axes]
    else:
        fig = new_figure(PAGE_WIDTH, ROW * len(rows_of) + HEAD)
        axes = fig.subplots(len(rows_of), len(others), squeeze=False, sharex=True, sharey=True)
    for row, (name, item) in zip(axes, rows_of, strict=True):
        values = dataset[name] if item is None else dataset[name].sel({f"{name}_item": item})
        median = values.median("seed").transpose(*keys)  # networks that failed are left out
        low, high = float(median.min()), float(median.max())
        for ax, other in zip(row, others, strict=True):
            part = median.isel(dict(zip(keys[2:], other, strict=True)))
            image = ax.imshow(
                part.T, origin="lower", aspect="auto", cmap=_map(), vmin=low, vmax=high
            )
            for axis, key in ((ax.xaxis, keys[0]), (ax.yaxis, keys[1])):
                axis.set_ticks(range(dataset.sizes[key]), _texts(dataset[key]))
                axis.set_label_text(_label(dataset[key]))
            if len(keys) > 2:
                ax.label_outer()
                ax.set_title(
                    "\n".join(
                        f"{_label(dataset[k])}: {_texts(dataset[k])[n]}"
                        for k, n in zip(keys[2:], other, strict=True)
                    )
                )
        bar = fig.colorbar(image, ax=row)
        shown = _words(name) if item is None else f"{_words(name)}, {item}"
        if len(keys) == 2:
            row[0].set_title(shown)
        else:
            bar.set_label(shown)
        bar.outline.set_linewidth(0.5)
    n = dataset.sizes["seed"]
    _head(fig, f"median of {n} networks" if n > 1 else "one network")
    return fig


def _panels(count):
    columns = min(count, COLUMNS)
    rows = -(-count // columns)
    fig = new_figure(COLUMN_WIDTH if count == 1 else PAGE_WIDTH, ROW * rows + HEAD)
    axes = fig.subplots(rows, columns, squeeze=False).ravel()
    for ax in axes[count:]:
        ax.remove()
    return fig, axes[:count]


def _items(dataset, name):
    item = f"{name}_item"
    return [None] if item not in dataset[name].dims else list(dataset[item].values)


def _position(coordinate):
    """Places on the axis: the numbers, or 0, 1, ... with the words as ticks."""
    if coordinate.dtype.kind in "if":
        return coordinate.values.astype(float), None
    return np.arange(coordinate.size, dtype=float), _texts(coordinate)


def _texts(coordinate):
    return [f"{v:.4g}" if isinstance(v, float) else str(v) for v in coordinate.values.tolist()]


def _label(coordinate):
    units = coordinate.attrs.get("units", "1")
    return coordinate.name if units == "1" else f"{coordinate.name} ({units})"


def _words(name):
    return name.replace("_", " ")


def _colours(count):
    if count == 1:
        return [BLACK]
    return (
        LEVEL_COLOURS[:count]
        if count <= len(LEVEL_COLOURS)
        else mpl.colormaps["viridis"](np.linspace(0, 0.95, count))
    )


def _map():
    return mpl.colormaps["viridis"].with_extremes(bad="#D0D0D0")


def _head(fig, text):
    fig.suptitle(text, fontsize=6)
