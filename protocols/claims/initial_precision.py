"""What C03, C05 and C06 show of untrained networks that begin with other hidden precisions."""

import attrs
import numpy as np
from brian2 import ms
from networks import first_contact

from fena_sim import Probe
from fena_sim.claims import Reported
from fena_sim.measure import summarise
from fena_sim.show.colours import GREY

PRECISIONS = (0.1, 0.3, 1.0, 3.0, 10.0)
#: Of models/fena.py.
OWN = 0.3
#: Presentation of a token in first_contact.
SHOWN = 48 * ms
#: For the definitions of these claims.
SAYS = """What an untrained network does follows from the hidden precision with which it begins: it sets how fast states
move, and how strongly a level's prior holds them. No learning fixes it. The model begins at .3, and the thresholds hold for it
as it is. Untrained networks are therefore also shown for initial hidden precisions of .1 to 10 (option hidden_precision of
models/fena.py; the same seeds, weights and 300 tokens)."""


def name(precision):
    """How the experiment of an initial precision is called."""
    return f"untrained, initial precision {precision:g}"


def untrained(seed, quick):
    """{name: Experiment}: the block "untrained" of first_contact from every initial precision, with
    the rate of change of the states in every presentation step.
    """
    network = first_contact(seed, quick)
    block = next(block for block in network.protocol.blocks if block.name == "untrained")
    rate = Probe("pacemaker", "rate", interval=1 * ms, window=(0 * ms, SHOWN))
    protocol = attrs.evolve(
        network.protocol, name="untrained", blocks=[attrs.evolve(block, probes=[rate])]
    )
    return {
        name(precision): attrs.evolve(
            network, protocol=protocol, options=dict(hidden_precision=precision)
        )
        for precision in PRECISIONS
    }


def reported(what, runs, value):
    """A Reported of `value(run)` for every initial precision; `runs` has one run per network."""
    return [
        Reported(f"{what}, {of}", summarise([value(run) for run in runs[of]]))
        for of in map(name, PRECISIONS)
    ]


def draw(ax, runs, values, colours, labels):
    """`values(run)`, one per colour, over the initial precisions: every network, and the median."""
    found = np.array([[values(run) for run in runs[name(p)]] for p in PRECISIONS])
    for column, (colour, label) in enumerate(zip(colours, labels, strict=True)):
        ax.plot(PRECISIONS, found[:, :, column], color=colour, linewidth=0.4, alpha=0.6)
        ax.plot(
            PRECISIONS,
            np.median(found[:, :, column], axis=1),
            "o-",
            color=colour,
            markersize=2.5,
            label=label,
        )
    ax.axvline(OWN, color=GREY, linewidth=0.7, linestyle=(0, (1, 1.5)), zorder=0)
    ax.set_xscale("log")
    ax.set_xticks(PRECISIONS, [f"{p:g}" for p in PRECISIONS])
    ax.minorticks_off()
    ax.set_xlabel("initial hidden precision\n(dotted: the model's)")
