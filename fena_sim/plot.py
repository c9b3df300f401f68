"""Figures: one style sheet, and panels that draw measures on given Axes."""

from .show import colours, panels, script, style, traces, waves
from .show.colours import level_colour
from .show.needs import Needs
from .show.style import COLUMN_WIDTH, PAGE_WIDTH, draw, new_figure, save, sheet

__all__ = [
    "COLUMN_WIDTH",
    "PAGE_WIDTH",
    "Needs",
    "colours",
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
