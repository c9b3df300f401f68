"""C21: what is not finite stops the run and is named."""

import re

import numpy as np
from networks import MODELS, PROTOCOLS

from fena_sim import Block, Protocol, load_model, load_protocol
from fena_sim.claims import Experiment, Measured, Reported, Threshold
from fena_sim.measure import share
from fena_sim.runs.health import not_finite
from fena_sim.runs.store.files import load_arrays
from fena_sim.stimulus import MotifGrammar
from fena_sim.study.certify.certificate import cut

ID = "C21"
CLAIM = "A state that stops being finite stops the run, says where, and leaves the last good state."
DEFINITION = """Every protocol in protocols/ on its own model, each block cut to its first tokens (40, quick 12), and random
constants: 10 draws per network of all parameters of models/fena.py with hidden sizes (8, 6), each multiplied by 30^u, u uniform
in [-1, 1], on two blocks of 30 tokens. A run ends well if it finishes with finite states and readouts, or stops and names an
existing population or projection with its level, the token, the block and the step, while every state that it kept is finite."""
FACTOR, DRAWS, LENGTH = 30.0, 10, 30
TOKENS, QUICK_TOKENS = 40, 12
SIZES = (8, 6)
STOPPED = re.compile(
    r"stopped: (\w+)\.\w+ is no longer finite \((?:population|projection) (\w+), level (\d+|none), element .*\) "
    r"at token (\d+) \(.*\) of block '(\w+)', step (\d+)$"
)


def experiments(seed, quick):
    found = {}
    for path in sorted(PROTOCOLS.glob("*.py")):
        file = load_protocol(path)
        found[path.stem] = Experiment(
            model=file.model,
            seed=seed,
            may_stop=True,
            protocol=shortened(file.protocol, QUICK_TOKENS if quick else TOKENS),
        )
    for draw in range(DRAWS):
        found[f"draw {draw}"] = fuzzed(seed, draw)
    return found


def shortened(protocol, tokens):
    """The protocol with the first tokens of every block."""
    return cut(protocol, tokens * len(protocol.blocks))


def fuzzed(seed, draw):
    """A small network with random constants."""
    stream = MotifGrammar().training(LENGTH, seed=seed)
    blocks = [Block(name="first", stream=stream), Block(name="second", stream=stream)]
    model, random = MODELS / "fena.py", np.random.default_rng([seed, draw])
    constants = load_model(model, stream.vocabulary.size, sizes=SIZES).parameters()
    return Experiment(
        model=model,
        seed=seed,
        options=dict(sizes=SIZES),
        may_stop=True,
        parameters={
            key: value * FACTOR ** random.uniform(-1, 1) for key, value in constants.items()
        },
        protocol=Protocol(name="fuzzed", blocks=blocks),
    )


def measure(runs, quick):
    shipped = [run for name, of in runs.items() for run in of if not name.startswith("draw ")]
    drawn = [run for name, of in runs.items() for run in of if name.startswith("draw ")]
    return [
        Measured(
            "share of shipped protocols that end well",
            share([ends_well(run) for run in shipped]),
            Threshold(">=", 1),
        ),
        Measured(
            "share of random constants that end well",
            share([ends_well(run) for run in drawn]),
            Threshold(">=", 1),
        ),
        Reported(
            "share of shipped protocols that stop", share([not run.finished for run in shipped])
        ),
        Reported("share of random constants that stop", share([not run.finished for run in drawn])),
    ]


def ends_well(run):
    """Whether a run finished finite, or stopped as the definition asks."""
    kept = [
        path for kind in ("states", "checkpoints") for path in (run.folder / kind).rglob("*.npz")
    ]
    if any(not_finite(load_arrays(path)[0]) for path in kept):
        return False
    if run.finished:
        readouts = [
            values for block in run.blocks for values in run.tokens(block).data_vars.values()
        ]
        return all(np.isfinite(values.to_numpy()).all() for values in readouts)
    named = STOPPED.match(run.manifest["status"])
    if named is None:
        return False
    owner, population, _, token, block, _ = named.groups()
    declared = run.manifest["inputs"]["model"]
    names = [member["name"] for kind in ("populations", "projections") for member in declared[kind]]
    lengths = {b["name"]: b["tokens"] for b in run.manifest["blocks"]}
    return owner == population and owner in names and int(token) < lengths.get(block, 0)
