"""What a plan would need and become, before it is carried out."""

from typing import cast

import numpy as np

from brian2_dense.lowering_device import Explanation

from ..device.cuda.devices import CudaDevice
from ..device.cuda.estimate import card_needs
from ..device.default import DEVICES
from ..device.program import Program
from ..network.initial_state import initial_state
from ..network.pacemaker import NAME as PACEMAKER
from ..network.pacemaker import table_values
from .checkpoints import State
from .plan import Plan


def card_device(name: str) -> CudaDevice:
    """The CUDA device whose states have the precision of device `name`, whether or not a card is here."""
    return cast(CudaDevice, DEVICES["cuda64" if name.endswith("64") else "cuda"])


def explain(plan: Plan) -> list[Explanation]:
    """What becomes of each of the synapses in the builds of a plan; nothing is compiled or run.

    Returns
    -------
    list of Explanation (synapses, done, why)
        First every Synapses, "dense" or "stock", then every pass, and with which it was fused or why
        not. Empty on devices other than dense and dense64, where all synapses are Brian2's own.
    """
    builds = {block.program_key: block for block in plan.blocks}
    found = [
        e
        for block in builds.values()
        for e in plan.device.explain(
            plan.model, plan.protocol.vocabulary, block.shape, block.block.probes
        )
    ]
    return list(dict.fromkeys(found))


def estimate(plan: Plan) -> dict:
    """What the largest build of a plan would need on a graphics card; see `device.cuda.estimate`.

    The plan's device is one of `card_device`.
    """
    block, device = plan.largest, cast(CudaDevice, plan.device)
    return card_needs(
        plan.model, plan.protocol.vocabulary, block.shape, block.block.probes, device.dtype
    )


def block_program(plan: Plan) -> tuple[Program, State, dict[str, np.ndarray]]:
    """(program, state, tables) with which the block with most probes begins, to be run by hand."""
    block, model = plan.largest, plan.model
    program = plan.device.build(model, plan.protocol.vocabulary, block.shape, block.block.probes)
    state = program.complete(initial_state(model, plan.seed))
    hold = {f"{PACEMAKER}.hold": np.array([float(block.timeline.hold)])}
    return program, {**state, **hold}, table_values(block.timeline, 0, block.shape)
