"""Exports of a run: as CSV tables, its events in BIDS, or in the formats of NWB, Neo and MNE."""

from .show.export.bids import write_bids
from .show.export.csv import write_csv
from .show.export.mne import write_mne
from .show.export.mne_epochs import mne_epochs
from .show.export.neo import write_neo
from .show.export.nwb import write_nwb

__all__ = ["mne_epochs", "write_bids", "write_csv", "write_mne", "write_neo", "write_nwb"]
