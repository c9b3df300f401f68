"""Recordings cut at their tokens: epochs, averages over networks, spectra. Read from disk piece by
piece.
"""

from .averages import average, difference, evoked, over_networks
from .cut import epochs
from .spectra import autocorrelation, spectrum

__all__ = [
    "autocorrelation",
    "average",
    "difference",
    "epochs",
    "evoked",
    "over_networks",
    "spectrum",
]
