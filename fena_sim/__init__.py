"""fena_sim: predictive-coding hierarchies as differential equations, driven by token protocols."""

from .errors import FenaError
from .model import (Hierarchy, Normal, Plasticity, Population, Projection, Readout, Settling, Uniform, load_model)

__version__ = "0.1.0"
