"""Networks that several claims share: asked for in the same way, they are trained once."""

from pathlib import Path

import numpy as np
from brian2 import ms

from fena_sim import Block, FixedPace, Probe, Protocol, load_protocol
from fena_sim.claims import Experiment
from fena_sim.stimulus import MotifGrammar

PROTOCOLS = Path(__file__).resolve().parents[1]
MODELS = PROTOCOLS.parent / "models"
#: Of the pass of `short`.
SHORT_TOKENS = 6000


def first_contact(seed, quick, model="fena_flat_memory", levels=3, **options):
    """A network of so many hidden `levels` on protocols/first_contact.py (quick: a pass of 1,500
    tokens); `options` are the protocol's.
    """
    short = dict(tokens=1500, test_tokens=300) if quick else {}
    protocol = load_protocol(
        PROTOCOLS / "first_contact.py", seed=seed, levels=levels, **{**short, **options}
    ).protocol
    return Experiment(model=MODELS / f"{model}.py", protocol=protocol, seed=seed)


def short(
    seed,
    quick,
    temperature=None,
    parameters=None,
    options=None,
    may_stop=False,
    tokens=SHORT_TOKENS,
):
    """A network after one short pass; that without parameters and options is the healthy one of C07
    to C10 and C18.

    Blocks: "training", plasticity falling linearly to a tenth; "familiar", new streams of the same
    grammar, frozen; "trace", 40 tokens of them with every level's mean squared error and precision
    and the probabilities of level 0 every millisecond, frozen. `temperature` is its value at the first token of training, from where
    it falls linearly to 0 over three quarters of the pass.
    """
    tokens, test = (1000, 300) if quick else (tokens, 800)
    grammar, pace, frozen = (
        MotifGrammar(),
        FixedPace(duration=48 * ms, blank=12 * ms),
        dict(plasticity_gain=0.0),
    )
    share = np.arange(tokens) / tokens
    controls = dict(plasticity_gain=1 - 0.9 * share)
    if temperature:
        controls["temperature"] = temperature * np.clip(1 - share / 0.75, 0, 1)
    familiar = grammar.training(test, seed=10_000 + seed)
    probes = [Probe(f"precision_{level}", ["precision", "mean_square"]) for level in range(4)]
    probes.append(Probe("error_0", "probability"))  # what the free energy of level 0 follows from
    protocol = Protocol(
        name="short",
        measured_signal="mean square of error_l: population activity of error units",
        description="Motif grammar, one short pass, then familiar tokens with learning frozen",
        blocks=[
            Block(
                name="training",
                stream=grammar.training(tokens, seed=1 + seed),
                pace=pace,
                controls=controls,
            ),
            Block(
                name="familiar", stream=familiar, pace=pace, controls=frozen, start_from="training"
            ),
            Block(
                name="trace",
                stream=familiar[:40],
                pace=pace,
                controls=frozen,
                probes=probes,
                start_from="training",
            ),
        ],
    )
    return Experiment(
        model=MODELS / "fena_flat_memory.py",
        protocol=protocol,
        seed=seed,
        parameters=parameters or {},
        options=options or {},
        may_stop=may_stop,
    )
