"""The memory and disk space that a run will take, estimated before anything is built."""

import shutil
import typing
from collections.abc import Iterable
from pathlib import Path

import psutil

from ..declare.model.hierarchy import Hierarchy
from ..declare.protocol.block import Block
from ..declare.protocol.protocol import Protocol
from ..declare.protocol.timeline import Timeline
from ..errors import ResourceError

#: Recordings of one chunk are held in memory: keep them below this.
CHUNK_BYTES = 64 * 2**20
#: Tokens in the first chunk, and in the longest, unless the recordings ask for fewer.
CHUNK_TOKENS, MOST_TOKENS = 250, 4000


class PlannedBlock(typing.Protocol):
    """What is asked of a `runs.plan.BlockPlan`."""

    @property
    def name(self) -> str: ...

    @property
    def block(self) -> Block: ...

    @property
    def timeline(self) -> Timeline: ...


class Planned(typing.Protocol):
    """What is asked of a `runs.plan.Plan`, which needs this module to be made."""

    @property
    def model(self) -> Hierarchy: ...

    @property
    def protocol(self) -> Protocol: ...

    @property
    def blocks(self) -> Iterable[PlannedBlock]: ...


def probe_bytes(model: Hierarchy, block: Block, line: Timeline) -> dict[str, int]:
    """Bytes that each probe of a block records, at most: {population: bytes}."""
    duration = float(line.most_steps.sum()) * float(model.dt)
    return {
        probe.population: int(probe.bytes_per_second(model) * duration) for probe in block.probes
    }


def recording_bytes(plan: Planned) -> dict[str, dict[str, int]]:
    """Bytes of a plan's recordings, before compression: {block: {population: bytes}}."""
    return {
        b.name: probe_bytes(plan.model, b.block, b.timeline) for b in plan.blocks if b.block.probes
    }


def check_resources(plan: Planned, out: str | Path) -> None:
    """Raise ResourceError if the recordings cannot fit the disk, or one token's cannot fit the
    memory.
    """
    needed = recording_bytes(plan)
    folder = Path(out)
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    # Chunks and final arrays exist side by side.
    total = 2 * sum(sum(by.values()) for by in needed.values())
    if total > free:
        block, by = max(needed.items(), key=lambda item: sum(item[1].values()))
        population = max(by, key=by.__getitem__)
        raise ResourceError(
            f"the recordings take up to {size_text(total)}, the disk has {size_text(free)} free",
            where=f"most of it: probe of {population!r} in block {block!r} ({size_text(by[population])})",
            fix="record fewer units or variables, a longer interval, or fewer tokens",
        )
    memory = psutil.virtual_memory().available
    for block in plan.protocol.blocks:
        for population, size in needed.get(block.name, {}).items():
            if 4 * size / len(block) > memory:
                raise ResourceError(
                    f"one token's recording of {population!r} takes {size_text(size / len(block))}, "
                    f"{size_text(memory)} of memory are free",
                    where=block.where,
                    fix="record fewer units or variables, or a longer interval",
                )


def chunk_length(
    model: Hierarchy, block: Block, line: Timeline, asked: int | None
) -> tuple[int, int]:
    """(first, most): tokens of the first chunk, and of the longest that chunks may grow to while
    they are quick.

    What was asked for stays as it is; otherwise the recordings of a chunk must fit CHUNK_BYTES.
    """
    if asked is not None:
        return asked, asked
    per_token = sum(probe_bytes(model, block, line).values()) / len(block)
    most = max(1, min(MOST_TOKENS, int(CHUNK_BYTES / per_token) if per_token else MOST_TOKENS))
    return min(CHUNK_TOKENS, most), most


def size_text(count: float) -> str:
    """A number of bytes for people."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.3g} {unit}"
        count /= 1024
    return f"{count:.3g} TiB"
