"""What was kept of every token, over the tokens of a block: errors, precisions, settling."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from ...analyse.errors import error_course, error_curve, precision_curve
from ...analyse.free_energy import energy_curve
from ...analyse.select import event_bins, presented, readout
from ...analyse.settling import settling_curve
from ...errors import FenaError, RunFolderError, StimulusError, UnknownNameError, nearest
from ...runs.store.run import Run
from ...runs.store.units import token_units
from .. import panels
from ..colours import BLACK
from ..style import sheet
from .drawn import MOST, Drawn, grid, named, of_networks, plain, scaled

#: Points of a curve at most, and the tokens that each is taken over at least.
BINS, TOKENS = 40, 5
#: Readouts that measures know, and which are shown as such or are no quantity of their own.
KNOWN = (
    "onset_error",
    "error",
    "settled_error",
    "precision",
    "prediction",
    "probability",
    "presented",
    "onset_probability",
    "settled_probability",
)


def over_tokens_figure(runs: Sequence[Run], block: str) -> Iterator[Drawn]:
    """Errors, precisions, free energy, and readouts of the model's own, over the tokens of a block.

    Raises
    ------
    FenaError
        If there is nothing that can be shown.
    """
    panels_of: list[tuple[Callable[[Axes, list[xr.DataArray]], None], list[xr.DataArray]]] = []
    shown = []
    for words, measure, draw in (
        ("squared error of every level", _errors, _of_levels("squared error per unit")),
        ("precision of every level", _precision, _of_levels("precision")),
        ("free energy before (dashed) and after settling", _energy, panels.energy),
    ):
        curves = _measured(runs, block, measure)
        if curves:
            panels_of.append((draw, curves))
            shown.append(words)
    for name in _own(runs[0]):
        curves = _measured(runs, block, _mean_of(name))
        if curves:
            panels_of.append((_one(name, runs[0]), curves))
            shown.append(f"{name}, a mean over units")
    if not panels_of:
        raise StimulusError(
            "of no token a quantity was kept that can be drawn",
            where=f"block {block!r} of {runs[0].id}",
            fix='give the model e.g. Readout(name="error", variables=[...], when="mean")',
        )
    of_levels = [curves[0]["level"] for _, curves in panels_of if "level" in curves[0].dims]
    with sheet():
        figure, axes = grid(min(len(panels_of), MOST))
        for ax, (draw, curves) in zip(axes, panels_of):
            draw(ax, curves)
            panels.token_axis(ax)
        if of_levels:
            panels.level_legend(figure, np.unique(np.concatenate(of_levels)))
    caption = (
        f"What was kept of every token in block {block!r}: {'; '.join(shown[:MOST])}. Each point is a "
        f"mean over a bin of consecutive tokens ({_width(runs, block)}). {of_networks(runs)}"
    )
    if shown[MOST:]:
        caption += f" Not shown, for want of room: {'; '.join(shown[MOST:])}."
    yield Drawn(named("over_tokens", block), figure, caption)


def settling_figure(runs: Sequence[Run], block: str) -> Iterator[Drawn]:
    """Settling iterations over the tokens of a block, the share of tokens that had settled after so
    many, and the errors within a presentation where they were sampled.

    Raises
    ------
    FenaError
        If the block presents no token.
    """
    curves = [settling_curve(run, block, _bins(run, block)) for run in runs]
    iterations = [_iterations(run, block) for run in runs]
    if not all(len(of) for of in iterations):
        raise StimulusError(
            "the block presents no token",
            where=f"block {block!r}",
            fix="choose another block",
        )
    sampled = all(run.has("traces", block) for run in runs)
    courses = _measured(runs, block, error_course) if sampled else []
    with sheet():
        figure, axes = grid(2 + bool(courses))
        panels.settling(axes[0], curves)
        panels.token_axis(axes[0])
        share_settled(axes[1], iterations)
        if courses:
            panels.course(axes[2], courses)
            panels.level_legend(figure, courses[0]["level"].to_numpy())
    caption = (
        f"Settling in block {block!r}. (a) Iterations per presented token, median over bins of "
        f"consecutive tokens ({_width(runs, block)}); the band spans the quartiles over tokens. "
        "(b) Share of presented tokens that had settled after so many iterations. "
    )
    if courses:
        caption += (
            "(c) Squared error of every level that was sampled, from the onset of a token, "
            "averaged over presented tokens. "
        )
    yield Drawn(named("settling", block), figure, caption + of_networks(runs))


def share_settled(ax: Axes, iterations: Sequence[np.ndarray]) -> None:
    """Share of tokens whose settling iterations are at most n, over n.

    Parameters
    ----------
    iterations : list of array (token,)
        One per network.
    """
    number = np.arange(1 + max(int(of.max()) for of in iterations))
    shares = [np.searchsorted(np.sort(of), number, side="right") / len(of) for of in iterations]
    panels.networks(ax, number, shares, BLACK, drawstyle="steps-post")
    ax.set(ylim=(0, 1.02), xlim=(0, max(1, number[-1])))
    ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    ax.set_xlabel("iterations")
    ax.set_ylabel("share of tokens settled")


def _iterations(run, block):
    return readout(run, block, "iterations").to_numpy()[presented(run.events(block))]


def _measured(runs, block, measure):
    """One curve per network over the points that all have; none where it is not defined."""
    try:
        curves = [measure(run, block) for run in runs]
    except RunFolderError:
        raise
    except FenaError:  # not kept of tokens, or not of levels
        return []
    if not all(np.isfinite(curve.to_numpy()).any() for curve in curves):
        return []
    return list(xr.align(*curves, join="inner"))


def _errors(run, block):
    """The error of every level as claims define it, or else as the model reads it out."""
    try:
        return error_curve(run, block, _bins(run, block))
    except RunFolderError:
        raise
    except FenaError:
        return _mean_of("error")(run, block)


def _precision(run, block):
    return precision_curve(run, block, _bins(run, block))


def _energy(run, block):
    return energy_curve(run, block, _bins(run, block))


def _mean_of(name):
    """A measure: a readout's mean over units in bins of tokens, (tokens[, level])."""

    def measure(run, block):
        kept = run.tokens(block)
        if name not in kept:
            raise UnknownNameError(
                f"the run does not hold {name!r} of every token",
                where=f"block {block!r} of {run.id}",
                fix=nearest(name, map(str, kept.data_vars)),
            )
        tokens = kept[name]
        values = tokens.to_numpy().astype(float).reshape(len(tokens), -1)
        by_level = values.shape[1] > 1 and str(tokens.dims[-1]).endswith("level")
        numbers = np.arange(values.shape[1]) if by_level else np.zeros(values.shape[1], int)
        if by_level and "level" in tokens.coords:
            numbers = tokens["level"].to_numpy()
        # Of several populations of one level, the mean.
        numbers, of = np.unique(numbers, return_inverse=True)
        values = np.stack([values[:, of == k].mean(axis=1) for k in range(len(numbers))], axis=1)
        keep = presented(run.events(block)) & np.isfinite(values).all(axis=1)
        bins, centres = event_bins(len(values), _bins(run, block))
        curve = np.full((len(bins), values.shape[1]), np.nan)
        for row, part in zip(curve, bins, strict=True):
            if keep[part].any():
                row[:] = values[part][keep[part]].mean(axis=0)
        coords = {"tokens": centres, **({"level": numbers} if by_level else {})}
        dims = ("tokens", "level") if by_level else ("tokens",)
        return xr.DataArray(curve if by_level else curve[:, 0], dims=dims, coords=coords)

    return measure


def _own(run):
    """Names of the readouts that only this model has."""
    names = [readout["name"] for readout in run.manifest["inputs"]["model"]["readouts"]]
    return [name for name in names if name not in KNOWN and not _is_state(name)]


def _is_state(name):
    return name.startswith("state_") and name.removeprefix("state_").isdigit()


def _of_levels(label):
    def draw(ax, curves):
        if "level" in curves[0].dims:
            positive = [curve.where(curve > 0) for curve in curves]  # the axis is logarithmic
            panels.levels(ax, curves[0]["tokens"], positive)
        else:
            panels.networks(ax, curves[0]["tokens"], curves, BLACK)
        ax.set_ylabel(label)

    return draw


def _one(name, run):
    units = token_units(run.manifest["inputs"]["model"])[name]

    def draw(ax, curves):
        factor, unit = scaled(units, [curve.to_numpy() for curve in curves])
        if "level" in curves[0].dims:
            for k in range(curves[0].sizes["level"]):
                of = [factor * curve.isel(level=k) for curve in curves]
                panels.networks(
                    ax, curves[0]["tokens"], of, panels.level_colour(int(of[0]["level"]))
                )
        else:
            panels.networks(ax, curves[0]["tokens"], [factor * curve for curve in curves], BLACK)
        ax.set_ylabel(plain(name) + unit)

    return draw


def _bins(run, block):
    return max(1, min(BINS, _count(run, block) // TOKENS))


def _count(run, block):
    return next(b["tokens"] for b in run.manifest["blocks"] if b["name"] == block)


def _width(runs, block):
    """How many tokens a bin holds, in words."""
    bins, _ = event_bins(_count(runs[0], block), _bins(runs[0], block))
    widths = [part.stop - part.start for part in bins]
    low, high = min(widths), max(widths)
    return f"{low} tokens" if low == high else f"{low} to {high} tokens"
