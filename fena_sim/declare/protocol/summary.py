"""Summaries: what a probe may keep of synapses in the place of each of them."""

import numpy as np
from brian2 import Quantity

from ...errors import ProtocolError, UnknownNameError, clipped, nearest

NORM, SOURCE_NORM, TARGET_NORM, HISTOGRAM = "norm", "source_norm", "target_norm", "histogram"
SUMMARIES = (NORM, SOURCE_NORM, TARGET_NORM, HISTOGRAM)


def check_summary(summary: str | None, bins: Quantity | np.ndarray | None, where: str) -> None:
    """Raise ProtocolError if there is no such summary, or its bins are not what it needs."""
    if summary is not None and summary not in SUMMARIES:
        raise UnknownNameError(
            f"there is no summary {summary!r}", where=where, fix=nearest(summary, SUMMARIES)
        )
    if (summary == HISTOGRAM) != (bins is not None):
        raise ProtocolError(
            "a histogram needs bins"
            if bins is None
            else "bins are of a histogram, and there is none",
            where=where,
            fix='give summary="histogram", bins=np.linspace(-1, 1, 21), or neither',
        )
    if bins is None:
        return
    edges = np.asarray(bins, dtype=float)
    if edges.ndim != 1 or len(edges) < 2 or not (np.diff(edges) > 0).all():
        raise ProtocolError(
            f"the bins {clipped(bins)} are not edges that grow",
            where=where,
            fix="give at least two numbers, e.g. np.linspace(-1, 1, 21)",
        )
