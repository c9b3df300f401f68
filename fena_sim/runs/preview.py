"""What a plan would need and become, before it is carried out."""

import numpy as np

from ..device.cuda.estimate import card_needs
from ..device.default import DEVICES
from ..network.initial_state import initial_state
from ..network.pacemaker import NAME as PACEMAKER
from ..network.pacemaker import table_values
from .plan import Plan


def card_device(name: str) -> object:
    """The CUDA device whose states have the precision of device `name`, whether or not a card is here."""
    return DEVICES["cuda64" if name.endswith("64") else "cuda"]


def explain(plan: Plan) -> list:
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
    block = plan.largest
    return card_needs(
        plan.model, plan.protocol.vocabulary, block.shape, block.block.probes, plan.device.dtype
    )


def block_program(plan: Plan) -> tuple:
    """(program, state, tables) with which the block with most probes begins, to be run by hand."""
    block, model = plan.largest, plan.model
    program = plan.device.build(model, plan.protocol.vocabulary, block.shape, block.block.probes)
    state = program.complete(initial_state(model, plan.seed))
    hold = {f"{PACEMAKER}.hold": np.array([float(block.timeline.hold)])}
    return program, {**state, **hold}, table_values(block.timeline, 0, block.shape)
