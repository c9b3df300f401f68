"""What was recorded: the run folder, written once and read lazily."""

from .run import Run, open_run

__all__ = ["Run", "open_run"]
