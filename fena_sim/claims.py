"""Claims, as a claim file imports them: the experiments, the bars, and what was measured or only reported."""

from .study.claims.claim import Bar, Experiment, Measured, NotRun, Otherwise, Reported, once

__all__ = ["Bar", "Experiment", "Measured", "NotRun", "Otherwise", "Reported", "once"]
