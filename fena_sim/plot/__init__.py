"""What a run shows: one style sheet, and panels that draw measures on given Axes."""

from fena_sim.plot import panels, script, style, traces, waves
from fena_sim.plot.style import (
    COLUMN_WIDTH,
    PAGE_WIDTH,
    draw,
    level_colour,
    new_figure,
    save,
    sheet,
)

__all__ = [
    "COLUMN_WIDTH",
    "PAGE_WIDTH",
    "draw",
    "level_colour",
    "new_figure",
    "panels",
    "save",
    "script",
    "sheet",
    "style",
    "traces",
    "waves",
]
