"""fena_sim: predictive-coding hierarchies as differential equations, driven by token protocols."""

__version__ = "0.1.0"

from .errors import FenaError
from .model import Hierarchy, Normal, Plasticity, Population, Projection, Readout, Settling, Uniform, load_model
from .protocol import Block, FixedPace, Probe, Protocol, SelfPaced, load_protocol
from .record import Run, open_run
from .run import run, run_seeds
