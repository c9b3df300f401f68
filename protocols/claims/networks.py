"""Networks that several claims share: asked for in the same way, they are trained once."""

from pathlib import Path

import numpy as np
from brian2 import ms

from fena_sim import INITIAL, Block, FixedPace, Probe, Protocol, load_protocol
from fena_sim.claims import Experiment
from fena_sim.stimulus import (
    LONG_MOTIFS,
    AgreementGrammar,
    MotifGrammar,
    NestedGrammar,
    TokenStream,
)

PROTOCOLS = Path(__file__).resolve().parents[1]
MODELS = PROTOCOLS.parent / "models"
PACE = FixedPace(duration=48 * ms, blank=12 * ms)
FROZEN = dict(plasticity_gain=0.0)
#: Data in which depth may pay, from the shortest rule to the longest.
GRAMMARS = {
    "motifs": MotifGrammar(),
    "long motifs": MotifGrammar(motifs=LONG_MOTIFS),
    "nested": NestedGrammar(),
    "agreement": AgreementGrammar(),
}
#: Architectures: model and sizes of its hidden levels. The flat networks never end their memory at
#: an event; they have as many weights as the hierarchy that is named.
ARCHITECTURES = {
    "1 level": ("fena", (64,)),
    "2 levels": ("fena", (64, 48)),
    "3 levels": ("fena", (64, 48, 32)),
    "flat, as 2 levels": ("fena_flat_memory", (103,)),
    "flat, as 3 levels": ("fena_flat_memory", (117,)),
    "flat, 3 levels": ("fena_flat_memory", (64, 48, 32)),  # the default of version 0.1
}
#: Of the pass of `short`.
SHORT_TOKENS = 6000


def first_contact(seed, quick, levels=2, **options):
    """A network of so many hidden `levels` on protocols/first_contact.py (quick: a pass of 1,500
    tokens); `options` are the protocol's.
    """
    short = dict(tokens=1500, test_tokens=300) if quick else {}
    protocol = load_protocol(
        PROTOCOLS / "first_contact.py", seed=seed, levels=levels, **{**short, **options}
    ).protocol
    return Experiment(model=MODELS / "fena.py", protocol=protocol, seed=seed)


def trained(seed, quick, grammar="motifs", architecture="2 levels", shuffled=False):
    """A network after one pass over a grammar of GRAMMARS, with the tokens, the pace and the falling
    plasticity of first_contact.

    Blocks: "untrained"; "training", in random order if `shuffled`; "familiar" and "held_out", frozen;
    "without_1", ...: "familiar" again, with the predictions of this level knocked out.
    """
    model, sizes = ARCHITECTURES[architecture]
    if (grammar, architecture, shuffled) == ("motifs", "2 levels", False):
        return first_contact(seed, quick)
    tokens, test = (1500, 300) if quick else (16_000, 1500)
    rules = GRAMMARS[grammar]
    learned = rules.training(tokens, seed=1 + seed)
    if shuffled:
        learned = in_random_order(learned, seed)
    familiar = rules.training(test, seed=10_000 + seed)
    blocks = [
        _frozen("untrained", familiar[:300], INITIAL),
        Block(
            name="training",
            stream=learned,
            pace=PACE,
            controls=dict(plasticity_gain=1 - 0.9 * np.arange(tokens) / tokens),
            start_from=INITIAL,
        ),
        *_tests(rules, test, seed, len(sizes)),
    ]
    protocol = Protocol(
        name=f"trained_{'shuffled_' if shuffled else ''}{grammar.replace(' ', '_')}",
        measured_signal="mean square of error_l: population activity of error units",
        blocks=blocks,
    )
    return Experiment(
        model=MODELS / f"{model}.py", protocol=protocol, seed=seed, options=dict(sizes=sizes)
    )


def untrained(seed, quick, grammar="motifs", architecture="2 levels"):
    """The network of `trained` before it learns anything, on the same tests as it is after: blocks
    "familiar", "held_out", "without_1", ...
    """
    model, sizes = ARCHITECTURES[architecture]
    protocol = Protocol(
        name=f"untrained_{grammar.replace(' ', '_')}",
        measured_signal="mean square of error_l: population activity of error units",
        blocks=_tests(GRAMMARS[grammar], 300 if quick else 1500, seed, len(sizes), INITIAL),
    )
    return Experiment(
        model=MODELS / f"{model}.py", protocol=protocol, seed=seed, options=dict(sizes=sizes)
    )


def _tests(rules, n, seed, levels, start="training"):
    familiar = rules.training(n, seed=10_000 + seed)
    return [
        _frozen("familiar", familiar, start),
        _frozen("held_out", rules.held_out(n, seed=20_000 + seed), start),
        *(
            _frozen(f"without_{level}", familiar, start, knocked_out=level)
            for level in range(1, 1 + levels)
        ),
    ]


def _frozen(name, stream, start, **controls):
    return Block(name=name, stream=stream, pace=PACE, controls=FROZEN | controls, start_from=start)


def in_random_order(stream, seed):
    """The same tokens, one by one in random order."""
    order = np.random.default_rng([seed, 11]).permutation(len(stream))
    symbols = np.array(stream.vocabulary.symbols)[stream.events["token"].to_numpy()[order]]
    return TokenStream.from_list(symbols.tolist(), stream.vocabulary)


def respelled(grammar, rng):
    """The grammar with every token of its motifs replaced by another, by a permutation of tokens."""
    symbols = np.array(grammar.vocabulary.symbols)
    spelling = dict(zip(symbols, rng.permutation(symbols)))
    return MotifGrammar(motifs=["".join(spelling[s] for s in motif) for motif in grammar.motifs])


def spoiled(stream, part, rng):
    """The stream with a share `part` of its tokens, drawn at random, replaced by random tokens.

    `rng` is used alike whatever the share: with generators of one seed, the larger of two shares
    also replaces what the smaller one does.
    """
    symbols, n = np.array(stream.vocabulary.symbols), len(stream)
    chance, others = rng.random(n), rng.choice(symbols, n)
    tokens = np.where(chance < part, others, symbols[stream.events["token"].to_numpy()])
    labels = stream.events[["motif", "position"]]
    return TokenStream.from_list(tokens.tolist(), stream.vocabulary, **labels)


def short(
    seed,
    quick,
    temperature=None,
    parameters=None,
    options=None,
    may_stop=False,
    tokens=SHORT_TOKENS,
    model="fena",
    levels=2,
):
    """A network after one short pass; that without parameters and options is the healthy one of C07
    to C10 and C18.

    Blocks: "training", plasticity falling linearly to a tenth; "familiar", new streams of the same
    grammar, frozen; "trace", 40 tokens of them with every level's mean squared error and precision
    and the probabilities of level 0 every millisecond, frozen. `temperature` is its value at the first token of training, from where
    it falls linearly to 0 over three quarters of the pass.
    """
    tokens, test = (400, 100) if quick else (tokens, 800)
    grammar = MotifGrammar()
    share = np.arange(tokens) / tokens
    controls = dict(plasticity_gain=1 - 0.9 * share)
    if temperature:
        controls["temperature"] = temperature * np.clip(1 - share / 0.75, 0, 1)
    familiar = grammar.training(test, seed=10_000 + seed)
    probes = [
        Probe(f"precision_{level}", ["precision", "mean_square"]) for level in range(levels + 1)
    ]
    probes.append(Probe("error_0", "probability"))  # what the free energy of level 0 follows from
    protocol = Protocol(
        name="short",
        measured_signal="mean square of error_l: population activity of error units",
        description="Motif grammar, one short pass, then familiar tokens with learning frozen",
        blocks=[
            Block(
                name="training",
                stream=grammar.training(tokens, seed=1 + seed),
                pace=PACE,
                controls=controls,
            ),
            Block(
                name="familiar", stream=familiar, pace=PACE, controls=FROZEN, start_from="training"
            ),
            Block(
                name="trace",
                stream=familiar[:40],
                pace=PACE,
                controls=FROZEN,
                probes=probes,
                start_from="training",
            ),
        ],
    )
    return Experiment(
        model=MODELS / f"{model}.py",
        protocol=protocol,
        seed=seed,
        parameters=parameters or {},
        options=options or {},
        may_stop=may_stop,
    )
