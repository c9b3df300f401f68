"""Panels: draw measures on given Axes. Lists hold one entry per network.

With one network a curve shows that network; with several, thin lines are the networks and the bold
line their median. Call inside
:func:`fena_sim.show.style.sheet`, on a figure from :func:`fena_sim.show.style.new_figure`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from ..analyse.statistics import summarise
from .colours import BLACK, GREY, ORANGE, SKY, level_colour


def settling(ax: Axes, curves: Sequence[xr.DataArray]) -> None:
    """Settling iterations per token over training; the band spans their quartiles (medians over
    networks).

    Parameters
    ----------
    curves : list of DataArray (tokens, quantile)
        From :func:`fena_sim.measure.settling_curve`.
    """
    low, high = (_median([curve.sel(quantile=q) for curve in curves]) for q in (0.25, 0.75))
    ax.fill_between(curves[0]["tokens"], low, high, color=BLACK, alpha=0.12, linewidth=0)
    networks(ax, curves[0]["tokens"], [curve.sel(quantile=0.5) for curve in curves], BLACK)
    ax.set_ylim(bottom=0)
    ax.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    _training_axis(ax)
    ax.set_ylabel("settling iterations per token")


def errors(ax: Axes, curves: Sequence[xr.DataArray]) -> None:
    """Squared error of every level over training, on a log axis.

    Parameters
    ----------
    curves : list of DataArray (tokens, level)
        From :func:`fena_sim.measure.error_curve`.
    """
    levels(ax, curves[0]["tokens"], curves)
    _training_axis(ax)
    ax.set_ylabel("squared error per unit")


def precision(ax: Axes, curves: Sequence[xr.DataArray]) -> None:
    """Learned precision of every level over training, on a log axis.

    Precision is the weight of a level's errors; what it follows is the model's (docs/model.md). Only a
    level that learns it from its errors alone has 1 / squared error.

    Parameters
    ----------
    curves : list of DataArray (tokens, level)
        From :func:`fena_sim.measure.precision_curve`.
    """
    levels(ax, curves[0]["tokens"], curves)
    _training_axis(ax)
    ax.set_ylabel("learned precision")


def energy(ax: Axes, curves: Sequence[xr.DataArray]) -> None:
    """Free energy over training, before (dashed) and after settling.

    Parameters
    ----------
    curves : list of DataArray (tokens, moment)
        From :func:`fena_sim.measure.energy_curve`.
    """
    styles: dict[str, tuple[str, Any]] = {
        "first": ("before settling", (0, (3, 1.5))),
        "last": ("after settling", "-"),
    }
    for moment, (_, dashes) in styles.items():
        of_moment = [curve.sel(moment=moment) for curve in curves]
        networks(ax, curves[0]["tokens"], of_moment, BLACK, linestyle=dashes)
    handles = [
        Line2D([], [], color=BLACK, linestyle=dashes, label=name)
        for name, dashes in styles.values()
    ]
    ax.legend(handles=handles, loc="upper right", handlelength=2.2, borderaxespad=0)
    _training_axis(ax)
    ax.set_ylabel("free energy per token (nat)")


def course(ax: Axes, curves: Sequence[xr.DataArray]) -> None:
    """Squared error of every level over a token's presentation, on a log axis; nothing where it is
    0.

    Parameters
    ----------
    curves : list of DataArray (time, level)
        From :func:`fena_sim.measure.error_course`.
    """
    time = curves[0]["time"] * 1000
    levels(
        ax, time, [curve.where(curve > 0) for curve in curves]
    )  # errors at rest until the token has acted
    ax.set_xlim(0, float(time.max()))
    ax.xaxis.set_major_locator(MaxNLocator(5))
    ax.set_xlabel("time from the token's onset (ms)")
    ax.set_ylabel("squared error per unit")


def level_legend(figure: Figure, levels: Iterable[int]) -> None:
    """One row above the figure that names the colour of every level."""
    handles = [swatch(level_colour(level), f"level {level}") for level in levels]
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles))


def comparison(
    ax: Axes,
    values: pd.DataFrame,
    labels: Mapping[str, str],
    ylabel: str,
    bar: tuple[float, str] | None = None,
) -> None:
    """Per condition a bar (median over networks), its 95 % interval and one dot per network.

    Grey lines join the dots of one network.

    Parameters
    ----------
    values : pandas.DataFrame (network, condition)
    labels : dict
        Condition (column of ``values``) to the text under its bar.
    bar : (float, str), optional
        Value that a claim asks for, drawn as a dashed line, and the claim's name.
    """
    ax.plot(
        [x + _places(len(values)) for x in range(len(labels))],
        values[list(labels)].to_numpy().T,
        color=GREY,
        linewidth=0.4,
    )
    for x, (condition, colour) in enumerate(zip(labels, (SKY, ORANGE), strict=False)):
        _bar(ax, x, values[condition].to_numpy(), colour)
    if bar is not None:
        _reference(ax, *bar)
    ax.set_xticks(range(len(labels)), labels.values())
    ax.set_xlim(-0.6, len(labels) - 0.4)
    ax.set_ylim(bottom=0)
    ax.tick_params(axis="x", length=0)
    ax.set_ylabel(ylabel)


def against_ngrams(
    ax: Axes, accuracies: Sequence[float] | np.ndarray, table: pd.DataFrame, chance: float
) -> None:
    """Next-token accuracy of the networks beside that of n-gram tables on the same tokens.

    Parameters
    ----------
    accuracies : sequence of float
        One per network.
    table : pandas.DataFrame
        Column ``accuracy``; one row per table, from :func:`fena_sim.measure.ngram_table`.
    chance : float
        Accuracy of a guess, drawn as a dotted line.
    """
    ax.bar(range(len(table)), table["accuracy"], width=0.62, color=GREY, alpha=0.5)
    x = len(table)
    _bar(ax, x, np.asarray(accuracies), ORANGE)
    _reference(ax, chance, "chance")
    slanted: dict[str, Any] = {"rotation": 35, "ha": "right", "rotation_mode": "anchor"}
    ax.set_xticks(range(x + 1), [*table.index, "FENA"], **slanted)
    ax.set_ylim(0, 1)
    ax.tick_params(axis="x", length=0)
    ax.set_ylabel("next-token accuracy")


def networks(
    ax: Axes,
    x: np.ndarray | xr.DataArray,
    curves: Sequence[np.ndarray] | Sequence[xr.DataArray],
    colour: str,
    **style: Any,
) -> None:
    """One curve per network (thin) and their median (bold); with one network, its curve.

    Parameters
    ----------
    x : array (point,)
    curves : list of array (point,)
    colour : str
    style : dict
        Of every line, as `Axes.plot` takes it.
    """
    thin: dict[str, Any] = {"linewidth": 0.5, "alpha": 0.5} if len(curves) > 1 else {}
    for curve in curves:
        ax.plot(x, curve, color=colour, **style, **thin)
    if thin:
        ax.plot(x, _median(curves), color=colour, linewidth=1.2, **style)


def _median(curves):
    """Median over networks."""
    return np.median(np.stack([np.asarray(curve) for curve in curves]), axis=0)


def levels(ax: Axes, x: np.ndarray | xr.DataArray, curves: Sequence[xr.DataArray]) -> None:
    """The curves of every level in its colour, on a log axis.

    Parameters
    ----------
    x : array (point,)
    curves : list of DataArray (point, level)
        One per network.
    """
    for level in curves[0]["level"].to_numpy():
        networks(ax, x, [curve.sel(level=level) for curve in curves], level_colour(level))
    ax.set_yscale("log")
    number_log_axis(ax)


def number_log_axis(ax: Axes) -> None:
    """Numbers on a log axis, by the limits that it has."""
    low, high = ax.get_ylim()
    # Powers of ten alone leave a range below about two decades without numbers.
    ax.yaxis.set_major_locator(LogLocator(subs=(1,) if high / low > 50 else (1, 2, 3, 5)))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.yaxis.set_minor_formatter(NullFormatter())


def _training_axis(ax):
    token_axis(ax)
    ax.xaxis.set_major_locator(MaxNLocator(5))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / 1000:g}"))
    ax.set_xlabel("training tokens (thousands)")


def token_axis(ax: Axes) -> None:
    """Let the horizontal axis count the tokens of a block."""
    ax.set_xlim(left=0)
    ax.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    ax.set_xlabel("tokens since the block's start")


def _bar(ax, x, values, colour):
    """Median, 95 % interval (where there are several networks) and one dot per network."""
    summary = summarise(values)
    ax.bar(x, summary.median, width=0.62, color=colour, alpha=0.35)
    if len(values) > 1:
        ax.plot([x, x], [summary.low, summary.high], color=BLACK, linewidth=0.8)
    dots = {"color": colour, "markeredgecolor": "white", "markeredgewidth": 0.4}
    ax.plot(x + _places(len(values)), values, "o", clip_on=False, zorder=3, **dots)


def _places(n):
    """Where the dots of n networks stand, from the middle of their bar: shape ``(n,)``."""
    return (np.arange(n) - (n - 1) / 2) * min(0.12, 0.5 / n)


def _reference(ax, value, name):
    """A dashed line over the whole width, named in the right margin."""
    ax.axhline(value, color=GREY, linewidth=0.7, linestyle=(0, (4, 2)), zorder=0)
    place = {"transform": ax.get_yaxis_transform(), "ha": "left", "va": "center"}
    ax.text(1.01, value, name, fontsize=6, color="#5A5A5A", **place)


def swatch(colour: str, label: str) -> Line2D:
    """A line for a legend."""
    return Line2D([], [], color=colour, label=label, linewidth=1.5)
