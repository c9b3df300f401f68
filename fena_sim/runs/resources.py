"""The memory and disk space that a run will take, estimated before anything is built."""

import shutil
import typing
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..declare.model.hierarchy import Hierarchy
from ..declare.protocol.block import Block
from ..declare.protocol.course import Course
from ..declare.protocol.protocol import Protocol
from ..declare.protocol.timeline import Timeline
from ..device.default import Device
from ..errors import ResourceError
from ..network.pacemaker import BY_STREAM
from ..network.shape import BlockShape
from .memory import (
    NUMBER,
    RECORDING_COPIES,
    TABLE_COPIES,
    Need,
    check_memory,
    size_text,
    state_needs,
)
from .pauses import Reader, most_samples

#: Recordings of one chunk are held in memory: keep them below this.
CHUNK_BYTES = 64 * 2**20
#: Tokens in the first chunk, and in the longest, unless the recordings ask for fewer.
CHUNK_TOKENS, MOST_TOKENS = 250, 4000
#: Rows of the tables by token in a build, unless they are long; chunks up to this length share one.
TABLE_ROWS = 4096


class PlannedBlock(typing.Protocol):
    """What is asked of a `runs.plan.BlockPlan`."""

    @property
    def name(self) -> str: ...

    @property
    def block(self) -> Block: ...

    @property
    def timeline(self) -> Timeline: ...

    @property
    def shape(self) -> BlockShape: ...

    @property
    def chunk_tokens(self) -> int: ...


class Planned(typing.Protocol):
    """What is asked of a `runs.plan.Plan`, which needs this module to be made."""

    @property
    def model(self) -> Hierarchy: ...

    @property
    def protocol(self) -> Protocol: ...

    @property
    def device(self) -> Device: ...

    @property
    def blocks(self) -> Iterable[PlannedBlock]: ...


def probe_bytes(model: Hierarchy, block: Block, line: Timeline) -> dict[str, int]:
    """Bytes that each probe of a block records, at most: {name of the probe: bytes}."""
    duration = float(line.most_steps.sum() + line.pause) * float(model.dt)
    return {
        probe.key: most_samples(model, probe, line) * Reader(model, probe).bytes
        if probe.paused(model)
        else int(probe.bytes_per_second(model) * duration)
        for probe in block.probes
    }


def _held_bytes(model, block, line, tokens):
    """Bytes that each probe of a block records in so many tokens, at most: {name: bytes}."""
    found = {
        name: size * tokens / len(block) for name, size in probe_bytes(model, block, line).items()
    }
    for probe in block.probes:
        if probe.paused(model):  # a sample is held whole, however few tokens there are
            found[probe.key] += Reader(model, probe).bytes
    return found


def recording_bytes(plan: Planned) -> dict[str, dict[str, int]]:
    """Bytes of a plan's recordings, before compression: {block: {name of the probe: bytes}}."""
    return {
        b.name: probe_bytes(plan.model, b.block, b.timeline) for b in plan.blocks if b.block.probes
    }


def check_resources(plan: Planned, out: str | Path) -> None:
    """Raise ResourceError if the recordings cannot fit the disk, or the run cannot fit the memory."""
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
    check_memory(memory_needs(plan), plan.model.where)


def memory_needs(plan: Planned) -> list[Need]:
    """What a run holds in memory at its fullest moment: its state, and what its largest block needs
    beside it.
    """
    dtype = getattr(plan.device, "dtype", np.float64)
    return state_needs(plan.model, plan.device.name, dtype) + max(
        (_block_needs(plan.model, block) for block in plan.blocks),
        key=lambda needs: sum(need.bytes for need in needs),
    )


def _block_needs(model, plan):
    """What a block needs beside the state: recordings of a chunk, tables, and what is kept of every
    token.
    """
    block, shape = plan.block, plan.shape
    chunk = min(plan.chunk_tokens, len(block))
    needs = [
        Need(
            f"the probe of {population!r} in block {plan.name!r}, {chunk:,} tokens at a time",
            int(RECORDING_COPIES * size),
            "record fewer units or variables, a longer interval, or give fewer --chunk-tokens",
        )
        for population, size in _held_bytes(model, block, plan.timeline, chunk).items()
    ]
    fewer = "give fewer --chunk-tokens, or present tokens with long times in a block of their own"
    tables = TABLE_COPIES * table_bytes(shape, model.batch)
    needs.append(Need(f"the tables of block {plan.name!r}", tables, fewer))
    kept = sum(
        model.population(path.partition(".")[0]).size * model.batch
        for readout in model.readouts
        for path in readout.variables
    )
    needs.append(
        Need(
            f"the readouts of the {len(block):,} tokens of block {plan.name!r}",
            NUMBER * kept * len(block),
            "divide the block into shorter ones",
        )
    )
    return needs


def table_bytes(shape: BlockShape, batch: int) -> int:
    """Bytes of the tables of a build."""
    numbers = shape.capacity * (3 + len(BY_STREAM) * batch)
    for signal in (*shape.controls, *shape.signals):
        columns = signal.units or 1
        if not signal.by_step:
            numbers += shape.capacity * columns
        elif signal.units is None:
            numbers += shape.steps
        else:
            numbers += shape.steps + signal.rows * columns
    return NUMBER * numbers


def most_steps(line: Timeline, tokens: int) -> int:
    """Steps of a chunk of so many tokens, at most."""
    ends = np.concatenate([[0], np.cumsum(line.most_steps)])
    tokens = min(tokens, len(line))
    return int((ends[tokens:] - ends[:-tokens]).max()) + line.pause


def block_shape(line: Timeline, tokens: int) -> BlockShape:
    """The tables with which chunks of so many tokens can be run. Blocks mostly share them."""
    units = sum(s.units or 0 for s in line.signals.values() if not isinstance(s.values, Course))
    few = tokens < TABLE_ROWS and TABLE_ROWS * units * NUMBER <= CHUNK_BYTES
    rows = TABLE_ROWS if few else 1 << (tokens + 1).bit_length()
    return BlockShape.of(line, rows, 1 << (most_steps(line, tokens) - 1).bit_length())


def chunk_length(
    model: Hierarchy, block: Block, line: Timeline, asked: int | None
) -> tuple[int, int]:
    """(first, most): tokens of the first chunk, and of the longest that chunks may grow to while
    they are quick.

    What was asked for stays as it is; otherwise the recordings of a chunk must fit CHUNK_BYTES, and
    so must its tables.
    """
    if asked is not None:
        return asked, asked
    recorded = sum(probe_bytes(model, block, line).values()) / len(block)
    most = max(1, min(MOST_TOKENS, int(CHUNK_BYTES / recorded) if recorded else MOST_TOKENS))
    while most > 1 and table_bytes(block_shape(line, most), model.batch) > CHUNK_BYTES:
        most //= 2
    return min(CHUNK_TOKENS, most), most
