"""Running a protocol on a model: chunks, checkpoints, resume, provenance, progress."""

from .runner import estimate, explain, run
from .seeds import run_seeds

__all__ = ["estimate", "explain", "run", "run_seeds"]
