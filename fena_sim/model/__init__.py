"""Declarations: what is simulated. Plain data with units; nothing here builds a Brian2 object."""

from .hierarchy import Hierarchy, Readout, Settling
from .initial import Normal, Uniform
from .load import load_model
from .parameter import Parameter
from .plasticity import Plasticity
from .population import Population
from .projection import Projection

__all__ = [
    "Hierarchy",
    "Normal",
    "Parameter",
    "Plasticity",
    "Population",
    "Projection",
    "Readout",
    "Settling",
    "Uniform",
    "load_model",
]
