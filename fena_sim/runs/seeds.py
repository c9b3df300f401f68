"""The same protocol on several independently seeded networks."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ..declare.arguments import checked
from ..declare.model.hierarchy import Hierarchy
from ..declare.protocol.protocol import Protocol
from ..device.default import Device, choose_device
from ..errors import ProtocolError
from .execute import run
from .live.progress import Display
from .store.run import Run


@checked(ProtocolError)
def run_seeds(
    model: Hierarchy | Callable[[int], Hierarchy],
    protocol: Protocol | Callable[[int], Protocol],
    seeds: Iterable[int],
    device: str | Device = "auto",
    out: str | Path = "runs",
    start: tuple[Run, str] | Callable[[int], tuple[Run, str] | None] | None = None,
    chunk_tokens: int | None = None,
    quiet: bool = True,
) -> list[Run]:
    """One run per seed; returns them in the order of `seeds`.

    `model`, `protocol` and `start` are those of `run`, or functions of the seed that return them
    (so that every network sees tokens of its own). Compiled networks run side by side, one per
    core; runtime ones after each other, since Brian2's runtime holds one network per process.
    """
    seeds = list(seeds)
    workers = (
        1 if choose_device(device)[0].name == "runtime" else min(len(seeds), os.cpu_count() or 1)
    )

    with Display(quiet=quiet) as display, ThreadPoolExecutor(workers) as pool:

        def one(seed):
            given = [
                thing(seed) if callable(thing) else thing for thing in (model, protocol, start)
            ]
            return run(
                given[0],
                given[1],
                seed=seed,
                device=device,
                out=out,
                start=given[2],
                chunk_tokens=chunk_tokens,
                progress=display.for_run(),
            )

        return list(pool.map(one, seeds))
