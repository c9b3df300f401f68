"""Sweeps: a protocol over a grid of settings and seeds, with one labelled result."""

from .study.sweep.grid import Axis, parse_grid
from .study.sweep.local import run_locally
from .study.sweep.points import Point, Sweep, plan
from .study.sweep.progress import SweepDisplay
from .study.sweep.result import collect, save_sweep
from .study.sweep.work import Outcome, do_point

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
