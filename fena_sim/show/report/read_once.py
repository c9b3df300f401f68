"""Runs of which a page reads each table once, however many measures ask for it."""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

import pandas as pd
import xarray as xr

from ...runs.store.run import Run

#: Tokens of the longest block whose tables are kept, and the most tables. Of a short block the time
#: goes into opening them, and a run may have hundreds; long ones would fill the memory.
KEPT_TOKENS, KEPT_TABLES = 2000, 512
#: Bytes of the longest traces that are kept in memory: 128 MiB for KEPT_TABLES of them.
SMALL = 2**18


def read_once(runs: Iterable[Run]) -> list[Run]:
    """The same runs, which keep the tables of short blocks that they have read (list of Run).

    What they give is the caller's own, as of any run. Traces stay on the disk unless they are SMALL.
    """
    kept = lru_cache(KEPT_TABLES)(lambda read, block: read(block))
    return [_ReadOnce(run, kept) for run in runs]


class _ReadOnce(Run):
    def __init__(self, run, kept):
        self.folder, self.manifest, self._files = run.folder, run.manifest, run._files
        self._kept = kept
        self._short = {b["name"] for b in self.manifest["blocks"] if b["tokens"] <= KEPT_TOKENS}

    def events(self, block: str, population: str | None = None) -> pd.DataFrame:
        if population is not None:
            return super().events(block, population)
        return self._once(super().events, block)

    def tokens(self, block: str) -> xr.Dataset:
        return self._once(super().tokens, block)

    def traces(self, block: str) -> xr.Dataset:
        return self._once(self._small_in_memory, block)

    def _small_in_memory(self, block):
        traces = super().traces(block)
        return traces.load() if traces.nbytes <= SMALL else traces

    def _once(self, read: Callable, block: str) -> Any:
        return self._kept(read, block).copy() if block in self._short else read(block)
