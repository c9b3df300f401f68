"""What brian2cuda leaves out without a word, or does wrong: refused, with the reason (docs/cuda.md has the cases)."""

import numpy as np
from brian2.core.operations import NetworkOperation
from brian2.input.poissoninput import PoissonInput
from brian2.synapses.synapses import SynapticPathway

#: Steps. With a longest delay above this, one warp no longer prepares all queues (docs/cuda.md).
LONGEST_DELAY = 31


def reason_against(thing):
    """Why an object of a network cannot run on CUDA; None if it can."""
    if isinstance(thing, NetworkOperation):
        return "it is a Python function, which brian2cuda would leave out silently; write it as equations or run_regularly"
    if isinstance(thing, PoissonInput):
        return "brian2cuda draws its binomial numbers from generators without a documented seed; use a PoissonGroup"
    if isinstance(thing, SynapticPathway):
        return _of_delays(thing)
    return None


def _of_delays(pathway):
    delay = pathway.variables["delay"]
    if delay.scalar:
        return None
    try:
        longest = np.max(delay.get_value(), initial=0.0) / float(pathway.clock.dt)
    except NotImplementedError:  # set by an expression, which the program computes
        return None
    if longest > LONGEST_DELAY + 0.5:
        return (f"its delays differ and reach {longest:.0f} steps; above {LONGEST_DELAY} brian2cuda prepares its spike queues in "
                "several warps that do not wait for each other: use one delay, or a larger dt")
    return None
