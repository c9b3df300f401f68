"""The parts of a claim file: experiments, thresholds, and values that are measured or only reported."""

from .study.claims.claim import Experiment, Measured, NotRun, Otherwise, Reported, Threshold, once

__all__ = ["Threshold", "Experiment", "Measured", "NotRun", "Otherwise", "Reported", "once"]
