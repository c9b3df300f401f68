"""The static figures of a page, as SVG inside HTML."""

import io
import re
from collections.abc import Sequence
from contextlib import contextmanager

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from ...analyse.errors import error_course, error_curve, precision_curve
from ...analyse.free_energy import energy_curve
from ...analyse.settling import settling_curve
from ...declare.model.hierarchy import Hierarchy
from ...errors import FenaError
from ...runs.store.run import Run
from .. import panels
from ..structure import structure
from ..style import COLUMN_WIDTH, new_figure, sheet
from ..timeline import timeline
from .blocks import BlockRow

PANEL_HEIGHT = 56  # mm
#: Of the panels that every block has: room for the widest numbers ("0.0005") and the legend.
MARGINS = {"left": 0.15, "right": 0.97, "bottom": 0.14, "top": 0.9}
NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}
#: Verdana is as wide as DejaVu Sans, which few readers have.
FONT = ("DejaVu Sans", "'DejaVu Sans', Verdana, sans-serif")


def svg_text(figure: Figure, prefix: str) -> str:
    """A Matplotlib figure as an <svg> element that scales with the page; its ids begin with
    `prefix`, so that no two collide.
    """
    with sheet():
        return _named(_drawn(figure), prefix)


def _drawn(figure):
    """A figure as SVG whose ids are Matplotlib's own. Call inside `sheet`."""
    buffer = io.StringIO()
    # Or a figure that was laid out without an engine gets one while it is saved.
    with mpl.rc_context({"figure.constrained_layout.use": False}):
        figure.savefig(buffer, format="svg", metadata=NO_METADATA, transparent=True)
    text = buffer.getvalue()
    text = text[text.index("<svg") :].strip()
    text = re.sub(r"<metadata>.*?</metadata>", "", text, count=1, flags=re.S)
    text = re.sub(
        r"<style[^>]*>.*?</style>", "", text, flags=re.S
    )  # it would hold for the whole page
    text = text.replace(f"'{FONT[0]}'", FONT[1])
    text = re.sub(
        r'\bd="[^"]*"', lambda path: re.sub(r"(\.\d\d)\d+", r"\1", path[0]), text
    )  # hundredths of a point are enough
    return text.replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1)


def _named(text, prefix):
    """The SVG with ids that begin with `prefix`."""
    text = re.sub(r'\bid="', f'id="{prefix}-', text)
    return re.sub(r'(xlink:href="#|url\(#)', rf"\1{prefix}-", text)


def structure_svg(model: Hierarchy, prefix: str) -> tuple[str, str]:
    """(svg, description) of the structure of a model."""
    names = [p.name for p in model.populations]
    about = (
        f"{len(names)} populations on {len(model.levels)} levels ({', '.join(names)}), joined by "
        f"{len(model.projections)} projections; the tables list each."
    )
    return svg_text(structure(model), prefix), about


def timeline_svg(rows: Sequence[BlockRow], prefix: str) -> tuple[str, str] | None:
    """(svg, description) of when blocks were run on the network's clock; None if no time is known."""
    bars = [
        (row.name, row.begin, row.duration, row.plastic, row.tokens)
        for row in rows
        if row.begin is not None and row.duration is not None
    ]
    if not bars:
        return None
    about = "; ".join(
        f"{name} from {begin:.4g} s to {begin + duration:.4g} s"
        for name, begin, duration, *_ in bars
    )
    return svg_text(timeline(bars), prefix), f"Blocks on the network's clock: {about}."


def main_block(runs: Sequence[Run]) -> str | None:
    """The block that the dashboard shows: "training" if all have it, else the longest that all have
    finished.
    """
    done = [
        b["name"]
        for b in sorted(runs[0].manifest["blocks"], key=lambda b: -b["tokens"])
        if all(run.has("tokens", b["name"]) for run in runs)
    ]
    return "training" if "training" in done else done[0] if done else None


def dashboard(runs: Sequence[Run], prefix: str) -> list[tuple[str, str, str]]:
    """The settling dashboard in single panels: what one watches in place of a loss curve.

    Parameters
    ----------
    runs : list of Run
        One network (one stream) each.
    prefix : str

    Returns
    -------
    list of (title, svg, description)
    """
    block = main_block(runs)
    if block is None:
        return []
    found: list[tuple[str, str, str]] = []
    for title, draw, measure in (
        ("Settling iterations", panels.settling, settling_curve),
        ("Squared error of every level", panels.errors, error_curve),
        ("Precision of every level", panels.precision, precision_curve),
        ("Free energy", panels.energy, energy_curve),
    ):
        if measure is settling_curve and runs[0].manifest["inputs"]["model"]["settling"] is None:
            continue
        curves = _measured(lambda run, measure=measure: measure(run, block), runs)
        if curves:
            of_level_0 = curves[0].attrs.get("level_0")
            of_level_0 = f", level 0 adding {of_level_0}" if of_level_0 else ""
            drawn = _panel(draw, curves, f"{prefix}-{len(found)}", block)
            found.append((f"{title}{of_level_0}, block {block}", *drawn))
    courses = Courses()
    for traced in runs[0].blocks:
        curves = _measured(lambda run, traced=traced: error_course(run, traced), runs)
        if curves and len(curves[0]["time"]) > 1:
            drawn = courses.panel(curves, f"{prefix}-{len(found)}")
            found.append((f"Settling within a token, block {traced}", *drawn))
    return found


def _measured(measure, runs):
    """One curve per run, or nothing where the model or the block does not have it."""
    try:
        curves = [measure(run) for run in runs]
    except FenaError:  # not kept for every token, not recorded, or not yet there
        return []
    curves = xr.align(
        *curves, join="inner"
    )  # of self-paced networks each may end at a time of its own
    return curves if all(np.isfinite(curve.to_numpy()).any() for curve in curves) else []


class Courses:
    """Panels of errors within a token. To lay out and write axes takes ten times as long as to draw
    on them, and a run may have hundreds of blocks: axes with the same limits are written once, and
    of every further block the curves alone.

    The error's axis begins and ends at a number of STEPS, so that blocks that differ little have
    the same limits and can be compared by eye.
    """

    #: In each decade.
    STEPS = (1, 2, 5)

    def __init__(self) -> None:
        self._figures: dict[tuple[int, ...], Figure] = {}
        self._frames: dict[tuple, tuple[str, str]] = {}

    def panel(self, curves: Sequence[xr.DataArray], prefix: str) -> tuple[str, str]:
        """(svg, description) of the curves (time, level) of a block, one per network."""
        levels = tuple(curves[0]["level"].to_numpy().tolist())
        with sheet():
            if levels not in self._figures:
                self._figures[levels] = _course_figure(levels)
            figure = self._figures[levels]
            (ax,) = figure.axes
            for line in list(ax.lines):
                line.remove()
            panels.course(ax, curves)
            ax.set_ylim(*self._limits(curves))
            panels.number_log_axis(ax)
            for line in ax.lines:
                line.set_gid(CURVE)
            key = (levels, ax.get_xlim(), ax.get_ylim())
            if key not in self._frames:
                before, _, after = _parts(_drawn(figure))
                self._frames[key] = before, after
            before, after = self._frames[key]
            with _curves_alone(figure):
                _, lines, _ = _parts(_drawn(figure))
        return _named(before + lines + after, prefix), _in_words(curves)

    def _limits(self, curves):
        """The numbers of STEPS below and above all errors; (0.1, 1) if there is none above 0."""
        values = np.concatenate([curve.to_numpy().ravel() for curve in curves])
        values = values[np.isfinite(values) & (values > 0)]
        if not values.size:
            return 0.1, 1.0
        low, high = values.min(), values.max()
        powers = range(int(np.floor(np.log10(low))) - 1, int(np.floor(np.log10(high))) + 2)
        numbers = [float(f"{step}e{power}") for power in powers for step in self.STEPS]
        return max(n for n in numbers if n < low), min(n for n in numbers if n > high)


#: The id of every curve of a panel, by which it is found in the SVG.
CURVE = "curve"


def _parts(svg):
    """(before, curves, after) of the SVG of a panel with curves."""
    first = svg.index(f'<g id="{CURVE}">')
    last = svg.index("</g>", svg.rindex(f'<g id="{CURVE}">')) + len("</g>")
    return svg[:first], svg[first:last].replace(f'<g id="{CURVE}">', "<g>"), svg[last:]


@contextmanager
def _curves_alone(figure):
    """Draw the curves of a panel and nothing around them."""
    (ax,) = figure.axes
    hidden = [*figure.legends, figure.patch, ax.patch]
    ax.set_axis_off()
    for artist in hidden:
        artist.set_visible(False)
    try:
        yield
    finally:
        ax.set_axis_on()
        for artist in hidden:
            artist.set_visible(True)


def _course_figure(levels):
    figure = Figure(figsize=(COLUMN_WIDTH / 25.4, PANEL_HEIGHT / 25.4), layout="none")
    figure.subplots_adjust(**MARGINS)
    figure.subplots()
    panels.level_legend(figure, levels)
    return figure


def _panel(draw, curves, prefix, block):
    """(svg, description) of one panel."""
    levels = curves[0]["level"].to_numpy() if "level" in curves[0].dims else []
    with sheet():
        figure = new_figure(COLUMN_WIDTH, PANEL_HEIGHT)
        ax = figure.subplots()
        draw(ax, curves)
        ax.set_xlabel(f"tokens of {block} (thousands)")
        if len(levels):
            panels.level_legend(figure, levels)
    return svg_text(figure, prefix), _in_words(curves)


#: Names of the columns of a curve, where their numbers say little.
NAMES = {
    ("quantile", 0.25): "lower quartile",
    ("quantile", 0.5): "median",
    ("quantile", 0.75): "upper quartile",
    ("moment", "first"): "before settling",
    ("moment", "last"): "after settling",
}


def _in_words(curves):
    """First and last values of the medians over networks."""
    middle = np.median(np.stack([curve.to_numpy() for curve in curves]), axis=0)
    (column,) = curves[0].dims[1:]
    parts = []
    for place, values in enumerate(middle.T):
        value = curves[0][column].to_numpy()[place]
        first, last = values[np.isfinite(values)][[0, -1]]
        parts.append(f"{NAMES.get((column, value), f'{column} {value}')}: {first:.3g} → {last:.3g}")
    return "From first to last point, " + ", ".join(parts) + "."
