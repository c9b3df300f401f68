"""Running a protocol on a model: chunks, checkpoints, resume, provenance, progress."""

from .runner import run
from .seeds import run_seeds

__all__ = ["run", "run_seeds"]
