"""A protocol over a grid of settings and seeds: many ordinary runs, one labelled result."""

from .grid import Axis, parse_grid
from .local import run_locally
from .points import Point, Sweep, plan
from .progress import SweepDisplay
from .result import collect, save_sweep
from .work import Outcome, do_point

__all__ = [
    "Axis",
    "Outcome",
    "Point",
    "Sweep",
    "SweepDisplay",
    "collect",
    "do_point",
    "parse_grid",
    "plan",
    "run_locally",
    "save_sweep",
]
