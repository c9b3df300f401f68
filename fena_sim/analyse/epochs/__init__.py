"""Recordings cut at their tokens: epochs, averages over networks, spectra. Read from disk piece by piece."""
