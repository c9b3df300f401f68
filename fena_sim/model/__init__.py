"""Declarations: what is simulated. Plain data with units; nothing here builds a Brian2 object."""

from .hierarchy import Hierarchy, Readout, Settling
from .initial import Normal, Uniform
from .plasticity import Plasticity
from .population import Population
from .projection import Projection

__all__ = [
    "Hierarchy",
    "Normal",
    "Plasticity",
    "Population",
    "Projection",
    "Readout",
    "Settling",
    "Uniform",
]
