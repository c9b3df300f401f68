"""Objects that brian2cuda silently leaves out, or runs wrongly. They are refused with a reason
(docs/cuda.md has the cases).
"""

from collections.abc import Mapping

from brian2.core.base import BrianObject
from brian2.core.operations import NetworkOperation
from brian2.core.variables import ArrayVariable
from brian2.synapses.synapses import SynapticPathway

#: Steps. With a longest delay above this, one warp no longer prepares all queues (docs/cuda.md).
LONGEST_DELAY = 31


def reason_against(thing: BrianObject, delays: Mapping[ArrayVariable, float]) -> str | None:
    """Why an object of a network cannot run on CUDA; None if it can.

    `delays`: the longest delay (s) by variable, of those that were set by numbers; expressions only
    the program can compute.
    """
    if isinstance(thing, NetworkOperation):
        return "it is a Python function, which brian2cuda would leave out silently; write it as equations or run_regularly"
    if isinstance(thing, SynapticPathway) and not thing.variables["delay"].scalar:
        longest = delays.get(thing.variables["delay"], 0.0) / float(thing.clock.dt)
        if longest > LONGEST_DELAY + 0.5:
            return (
                f"its delays differ and reach {longest:.0f} steps; above {LONGEST_DELAY} brian2cuda prepares its spike "
                "queues in several warps that do not wait for each other: use one delay, or a larger dt"
            )
    return None
