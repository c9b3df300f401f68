"""Running a protocol on a model: chunks, checkpoints, resume, provenance, progress."""

from .runner import explain, run
from .seeds import run_seeds

__all__ = ["explain", "run", "run_seeds"]
