"""The parts of a claim file: experiments, bars, and values that are measured or only reported."""

from .study.claims.claim import Bar, Experiment, Measured, NotRun, Otherwise, Reported, once

__all__ = ["Bar", "Experiment", "Measured", "NotRun", "Otherwise", "Reported", "once"]
