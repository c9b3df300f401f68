"""Which synapses are all-to-all, and what their code may do, read off Brian2's own description.

Synapses are lowered if they were made by one ``connect()`` without a condition and no event acts on
them. Then synapse (i, j) is number i*N_post + j, so that index arrays are not needed: loops over i and
j take their place. Everything else runs as Brian2 wrote it, with a message that says why.
"""

import attrs
from brian2.synapses.synapses import Synapses

PRE, POST = "_presynaptic_idx", "_postsynaptic_idx"


@attrs.frozen
class Dense:
    """The shape of lowered synapses: units of a stream, where the two (sub)groups begin in their groups, streams."""

    name: str
    n_pre: int
    n_post: int
    offset_pre: int
    offset_post: int
    batch: int = 1


def reason_against(synapses, template_kwds, abstract_code):
    """Why synapses that are being created cannot be lowered; None if they can."""
    kwds = template_kwds
    if synapses._pathways:
        return "spikes or other events act on them"
    if isinstance(synapses.source, Synapses) or isinstance(synapses.target, Synapses):
        return "they connect to synapses"
    if synapses.multisynaptic_index:
        return "they may be several per pair"
    everything = (kwds["iterator_func"] == "range" and kwds["if_expression"] == "True" and kwds["outer_index"] == "i"
                  and kwds["iterator_kwds"].get("low") == "0" and kwds["iterator_kwds"].get("high") == "N_post"
                  and kwds["iterator_kwds"].get("step") == "1"
                  and kwds["element"].strip() == kwds["inner_variable"]
                  and abstract_code["update"].split("_n =")[-1].strip() == "1")
    return None if everything else "they are not all-to-all: connect() was given a condition"


def shape(synapses, variables):
    batch = getattr(synapses, "_batch", 1)
    return Dense(name=synapses.name, n_pre=len(synapses.source) // batch, n_post=len(synapses.target) // batch, batch=batch,
                 offset_pre=int(variables["_source_offset"].get_value()),
                 offset_post=int(variables["_target_offset"].get_value()))


def dense_of(variables):
    """The shape of the lowered synapses among whose variables a code object works; None if there are none."""
    for variable in variables.values():
        owner = getattr(variable, "owner", None)
        try:
            found = getattr(owner, "_dense", None) if owner is not None else None
        except ReferenceError:
            found = None
        if isinstance(found, Dense):
            return found
    return None
