"""Figures, as a figure file imports them: one style sheet, and panels that draw measures on given Axes."""

from .show import panels, script, style, traces, waves
from .show.style import (
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
