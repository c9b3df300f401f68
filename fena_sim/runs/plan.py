"""A plan: a protocol on a model, checked and laid out. Nothing is built, run or written."""

import attrs
import numpy as np

from ..declare.arguments import checked
from ..declare.canonical import canonical, digest
from ..declare.control_signals import KNOCKED_OUT
from ..declare.measured.attach import attached, recorded
from ..declare.model.connectivity import RANDOM
from ..declare.model.divisors import check_divisors
from ..declare.model.equations import PREDICTING
from ..declare.model.hierarchy import Hierarchy
from ..declare.model.initial import Normal, Uniform
from ..declare.protocol.block import Block
from ..declare.protocol.course import STRETCH, Course
from ..declare.protocol.protocol import Protocol
from ..declare.protocol.timeline import Timeline, timeline
from ..device.default import BATCHING, Device, choose_device
from ..errors import CheckpointError, DeviceError, ProtocolError, clipped
from ..network.initial_state import check_initial_state
from ..network.shape import BlockShape
from ..network.wiring import wire
from .memory import check_connections
from .modalities import check_modalities
from .name import inputs_of, run_name
from .pauses import Reader, synapses_of
from .resources import block_shape, chunk_length
from .start import check_start
from .store.run import Run

#: The largest seed.
SEEDS = 2**64 - 1


@attrs.frozen(eq=False)
class BlockPlan:
    """A block laid out in time.

    Attributes
    ----------
    block : Block
    timeline : Timeline
    shape : BlockShape
        What of the block a build depends on.
    chunk_tokens, most_tokens : int
        Tokens of the first chunk, and of the longest that chunks may grow to.
    program_key : str
        Blocks of equal keys run in the same build.
    """

    block: Block
    timeline: Timeline
    shape: BlockShape
    chunk_tokens: int
    most_tokens: int
    program_key: str

    @classmethod
    def of(cls, model: Hierarchy, block: Block, chunk_tokens: int | None = None) -> "BlockPlan":
        """Lay a block out. Raises ProtocolError if a time is not a multiple of the model's dt."""
        line = timeline(block, model.dt, model)
        chunk, most = chunk_length(model, block, line, chunk_tokens)
        shape = block_shape(line, most)
        monitored = [probe for probe in block.probes if not probe.paused(model)]
        key = digest([canonical(shape), canonical(monitored)])
        return cls(block, line, shape, chunk, most, key)

    @property
    def name(self) -> str:
        return self.block.name


@attrs.frozen(eq=False)
class Plan:
    """What a run will do.

    Attributes
    ----------
    model : Hierarchy
        With the connections and delays that the seed decides (see `network.wiring.wire`), and with
        the populations of measured signals (see `declare.measured.attach`).
    protocol : Protocol
        With the probes that record its measured signals.
    seed : int
    device : Device
        One of `device.default.DEVICES`.
    start : (Run, str) or None
    blocks : tuple of BlockPlan
    inputs : dict
        Everything that decides the numbers; see `runs.name`.
    hash, name : str
        Of the inputs, and of the run folder.
    warning : str or None
        What the user should know of the choice of the device.
    """

    model: Hierarchy
    protocol: Protocol
    seed: int
    device: Device
    start: tuple[Run, str] | None
    blocks: tuple[BlockPlan, ...]
    inputs: dict
    hash: str
    name: str
    warning: str | None

    @classmethod
    @checked(ProtocolError)
    def of(
        cls,
        model: Hierarchy,
        protocol: Protocol,
        seed: int = 0,
        device: str | Device = "auto",
        start: tuple[Run, str] | None = None,
        chunk_tokens: int | None = None,
    ) -> "Plan":
        """Check the parameters of `run` and lay the blocks out; they are those of `runs.execute.run`.

        Raises
        ------
        FenaError
            If something is declared wrongly, does not fit together, or the device is not available.
        """
        _check_numbers(seed, chunk_tokens, start)
        chosen, warning = choose_device(device)
        check_connections(model)
        wired = attached(wire(model, int(seed)), protocol.measured)
        protocol = _numbered(recorded(protocol, model.dt), wired)
        blocks = tuple(BlockPlan.of(wired, block, chunk_tokens) for block in protocol.blocks)
        _check_fit(wired, protocol, chosen, blocks)
        check_divisors(model)
        check_initial_state(wired)
        if start is not None:
            _check_same_connections(model, seed, *start)
            check_start(wired, *start, protocol.measured)
        inputs = inputs_of(
            model, protocol, seed, chosen.name, start, {b.name: b.timeline for b in blocks}
        )
        return cls(
            model=wired,
            protocol=protocol,
            seed=int(seed),
            device=chosen,
            start=start,
            blocks=blocks,
            inputs=inputs,
            hash=digest(inputs),
            name=run_name(inputs, protocol, model),
            warning=warning,
        )

    @property
    def tokens(self) -> int:
        """Tokens of one stream, over all blocks."""
        return sum(len(plan.block) for plan in self.blocks)

    @property
    def largest(self) -> BlockPlan:
        """The block with most probes: its build holds whatever the others' hold."""
        return max(self.blocks, key=lambda plan: len(plan.block.probes))

    def __repr__(self):
        return f"<Plan {self.name}: {self.protocol!r} on {self.device.name}>"


def _check_numbers(seed, chunk_tokens, start):
    if not 0 <= seed <= SEEDS:
        raise ProtocolError(
            f"the seed {clipped(seed)} is not from 0 to {SEEDS}",
            where="run(seed=...)",
            fix="give e.g. seed=0",
        )
    if chunk_tokens is not None and chunk_tokens < 1:
        raise ProtocolError(
            f"a chunk of {chunk_tokens} tokens",
            where="run(chunk_tokens=...)",
            fix="give a whole number, at least 1",
        )
    if start is not None and len(start) != 2:
        raise ProtocolError(
            f"start holds {len(start)} things",
            where="run(start=...)",
            fix="give (run, block): a finished run and the name of a block",
        )


def _check_same_connections(model, seed, origin, block):
    """Weights of another seed's connections would be those of other pairs of units."""
    drawn = [
        p
        for p in model.projections
        if isinstance(p.connect, RANDOM) or isinstance(p.delay, (Normal, Uniform))
    ]
    if drawn and origin.seed != seed:
        raise CheckpointError(
            f"{drawn[0].name!r} is connected by the seed, {origin.seed} in the run to start from and "
            f"{seed} here",
            where=f"{model.where}, starting from block {block!r} of {origin.id}",
            fix=f"give seed={origin.seed}",
        )


def _numbered(protocol, model):
    """The protocol with the numbers of the units where a probe has a slice or a mask of them: a run
    is named by what is recorded.
    """
    numbered = [
        tuple(
            probe.numbered(model, block.where, synapses_of(model, probe)) for probe in block.probes
        )
        for block in protocol.blocks
    ]
    if numbered == [block.probes for block in protocol.blocks]:
        return protocol
    return attrs.evolve(
        protocol,
        blocks=[
            attrs.evolve(block, probes=probes)
            for block, probes in zip(protocol.blocks, numbered, strict=True)
        ],
    )


def _check_fit(model, protocol, device, blocks):
    """The protocol fits the model, and the device can run it."""
    for block in protocol.blocks:
        check_modalities(model, block)
    readers = [p for p in model.populations if p.uses("token_code")]
    for block, population in ((block, p) for block in protocol.blocks for p in readers):
        if population.name in block.others or population.size == protocol.vocabulary.size:
            continue
        elsewhere = any(population.name in other.streams for other in protocol.blocks)
        raise ProtocolError(
            f"the vocabulary's codes have {protocol.vocabulary.size} units, the model's "
            f"input population {population.name!r} {population.size}",
            where=block.where if elsewhere else protocol.where,
            fix=f"give {population.name!r} a stream of its own in this block too; omitted tokens are silence"
            if elsewhere
            else f"declare the model with input_size={protocol.vocabulary.size}",
        )
    if model.batch > 1 and device.name not in BATCHING:
        raise DeviceError(
            f"device {device.name!r} presents one stream of tokens at a time, the model asks for "
            f"{model.batch}",
            where=model.where,
            fix="use --device dense (or dense64)",
        )
    for plan in blocks:
        _check_block(model, plan.block, plan.timeline)


def _distinct(values, steps):
    """The values that a control has in a block."""
    if not isinstance(values, Course):
        return np.unique(values)
    starts = range(0, steps, STRETCH)
    return sorted({v for s in starts for v in np.unique(values.at(s, min(s + STRETCH, steps)))})


def _check_block(model, block, line):
    if len(block.side_by_side) != model.batch:
        raise ProtocolError(
            f"the block has {len(block.side_by_side)} stream{'s' * (len(block.side_by_side) > 1)}, the model "
            f"asks for {model.batch} side by side",
            where=block.where,
            fix=f"give a list of {model.batch} streams, or --set batch={len(block.side_by_side)}",
        )
    if line.self_paced and model.settling is None:
        raise ProtocolError(
            f"model {model.name!r} does not say when it has settled",
            where=block.where,
            fix="give its Hierarchy a Settling, or the block a FixedPace",
        )
    known = {population.level for population in model.readers(PREDICTING)}
    for level in _distinct(line.controls[KNOCKED_OUT], line.steps):
        if level and level not in known:
            raise ProtocolError(
                f"model {model.name!r} has no predictions of a level {level:g} to knock out",
                where=block.where,
                fix=f"knock out one of {sorted(known)}" if known else "leave the control out",
            )
    recorded = [probe.key for probe in block.probes]
    for probe in block.probes:
        probe.check(model, block.where)
        if probe.paused(model):
            Reader(model, probe)
        if recorded.count(probe.key) > 1:
            raise ProtocolError(
                f"two probes of {probe.key!r}",
                where=block.where,
                fix="record all its variables with one probe, or give one of them a name, e.g. "
                f'name="{probe.key}_slow"',
            )
