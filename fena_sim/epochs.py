"""Recordings cut at their tokens: epochs, averages over networks, spectra."""

from .analyse.epochs.averages import average, difference, evoked, over_networks
from .analyse.epochs.cut import epochs
from .analyse.epochs.spectra import autocorrelation, spectrum

__all__ = [
    "autocorrelation",
    "average",
    "difference",
    "epochs",
    "evoked",
    "over_networks",
    "spectrum",
]
