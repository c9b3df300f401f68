"""Benchmarks: `fena bench`."""
