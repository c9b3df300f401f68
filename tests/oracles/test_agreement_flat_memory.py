"""Oracle: independent plain-NumPy integrations of the equations of FENA with flat memories
(`fena_flat_memory_numpy.py`) and of that with a Gaussian level 0 (`fena_gaussian_numpy.py`).

200 tokens with learning on, some of them omitted, on every device: states, weights and what was
kept for every token agree to 1e-9 relative in float64. So do 3 streams side by side, which learn
the same weights.
"""

import functools

import numpy as np
import pytest
from brian2 import ms

import fena_sim as fs
from fena_sim.errors import CheckpointError
from fena_sim.network.initial_state import initial_state
from fena_sim.stimulus import MotifGrammar, omissions

from .fena_flat_memory_numpy import FenaFlatMemoryNumpy
from .fena_gaussian_numpy import FenaGaussianNumpy
from .periods import run_together

RELATIVE = 1e-9
SIZES = (16, 24, 16, 12)


def relative(a, b):
    """Largest difference, relative to the largest magnitude of the variable."""
    return np.max(np.abs(np.asarray(a) - np.asarray(b)), initial=0) / max(
        np.max(np.abs(b), initial=0), 1e-12
    )


def gaussian(ascending):
    """FenaGaussianNumpy, given an initial state of the engine."""

    def make(start):
        given = {
            k: v
            for k, v in start.items()
            if k.split(".")[1] in ("w", "w_recent", "w_older", "r", "log_precision")
        }
        return FenaGaussianNumpy(given, sizes=SIZES, ascending_traces=ascending)

    return make


def categorical(feedback_synapses, share):
    """FenaFlatMemoryNumpy, given of an initial state of the engine what was drawn at random."""

    def make(start):
        given = {
            k: v for k, v in start.items() if k.split(".")[1] in ("w", "w_recent", "w_older", "r")
        }
        return FenaFlatMemoryNumpy(
            given, sizes=SIZES, feedback_synapses=feedback_synapses, share=share
        )

    return make


#: Model, its oracle, and some variables that must be compared.
MODELS = {
    "fena_flat_memory": (
        categorical(False, share=0.1),
        ("prediction_0.bias", "prior_1.spent", "precision_0.seen", "W_1.spent"),
    ),
    "fena_learned_feedback": (categorical(True, share=1.0), ("F_1.w", "F_3.w", "F_2.spent")),
    "fena_gaussian": (gaussian(True), ("A_1_below.w_recent",)),
    "fena_errors_only": (gaussian(False), ()),
}
EVERYWHERE = {
    "W_1.w",
    "A_3_own.w_older",
    "state_3.r",
    "error_0.error",
    "prior_2.bias",
    "precision_0.log_precision",
}


def assert_agreement(run, oracle, expected, named=()):
    """State after the block "learning", and what was kept of every token."""
    state, tokens, values = run.state("learning"), run.tokens("learning"), oracle.values
    compared = [name for name in values if name in state]
    assert EVERYWHERE | set(named) <= set(compared)
    for variable in compared:
        assert relative(state[variable], values[variable]) < RELATIVE, variable
    for kept in set(expected) - {"iterations"}:
        assert relative(tokens[kept], expected[kept]) < RELATIVE, kept
    np.testing.assert_array_equal(tokens["iterations"], expected["iterations"])


STREAM = omissions(MotifGrammar().training(200, seed=3), p=0.05, seed=4)


@functools.cache  # once for all devices
def by_numpy(name, path):
    """(state at the start, oracle after STREAM, what it kept of every token) of a shipped model."""
    start = initial_state(fs.load_model(path, 16, sizes=SIZES[1:]), seed=5)
    oracle = MODELS[name][0](start)
    return start, oracle, oracle.run(STREAM.events["token"].to_numpy())


@pytest.mark.slow
@pytest.mark.usefixtures("release_flags")
@pytest.mark.parametrize("device", ["dense64", "cpp", "runtime"])
@pytest.mark.parametrize("name", MODELS)
def test_device_agrees_with_numpy(device, name, tmp_path, models):
    model = fs.load_model(models / f"{name}.py", 16, sizes=SIZES[1:])
    block = fs.Block(
        name="learning", stream=STREAM, pace=fs.FixedPace(duration=48 * ms, blank=12 * ms)
    )
    run = fs.run(
        model, fs.Protocol(name="agreement", blocks=[block]), seed=5, device=device, out=tmp_path
    )

    start, oracle, kept = by_numpy(name, models / f"{name}.py")
    assert_agreement(run, oracle, kept, MODELS[name][1])
    moved = relative(run.state("learning")["W_1.w"], start["W_1.w"])
    assert moved > 1e-3, (
        "learning must have changed the weights for the comparison to mean anything"
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_streams_side_by_side_agree_with_numpy(name, tmp_path, models):
    model = fs.load_model(models / f"{name}.py", 16, sizes=SIZES[1:]).with_parameter("batch", 3)
    streams = [omissions(MotifGrammar().training(50, seed=s), p=0.05, seed=4) for s in range(3)]
    block = fs.Block(
        name="learning", stream=streams, pace=fs.FixedPace(duration=48 * ms, blank=12 * ms)
    )
    run = fs.run(
        model, fs.Protocol(name="agreement", blocks=[block]), seed=5, device="dense64", out=tmp_path
    )

    start, make = initial_state(model, seed=5), MODELS[name][0]
    shared = {k: v for k, v in start.items() if k[0] in "WAF"}
    own = {
        k: v.reshape(3, -1) for k, v in start.items() if k.split(".")[1] in ("r", "log_precision")
    }
    assert not np.array_equal(*own["state_1.r"][:2]), "streams start from states of their own"
    oracles = [make({**shared, **{k: v[b] for k, v in own.items()}}) for b in range(3)]
    expected = run_together(oracles, np.stack([s.events["token"] for s in streams], axis=1))
    for stream, oracle, kept in zip(run.streams, oracles, expected):
        assert_agreement(stream, oracle, kept)
    assert relative(run.state("learning")["W_1.w"], start["W_1.w"]) > 1e-3


@pytest.mark.slow
def test_frozen_streams_are_networks_of_their_own(tmp_path, models):
    """Without learning, each stream goes on as an unbatched network does that starts where the
    stream stood, or it there.
    """
    model = fs.load_model(models / "fena_flat_memory.py", 16, sizes=SIZES[1:])
    streams = [MotifGrammar().training(20, seed=s) for s in range(3)]
    pace = fs.FixedPace(duration=48 * ms, blank=12 * ms)
    frozen = dict(controls=dict(plasticity_gain=0.0), pace=pace)
    together = fs.run(
        model.with_parameter("batch", 3),
        fs.Protocol(
            name="side_by_side",
            blocks=[
                fs.Block(name="learning", stream=streams, pace=pace),
                fs.Block(name="frozen", stream=streams[::-1], **frozen),
            ],
        ),
        device="dense64",
        out=tmp_path,
    )
    for one, stream in zip(together.streams, streams[::-1]):
        alone = fs.run(
            model,
            fs.Protocol(name="alone", blocks=[fs.Block(name="frozen", stream=stream, **frozen)]),
            device="dense64",
            out=tmp_path,
            start=(one, "learning"),
        )
        ours, theirs = one.state("frozen"), alone.state("frozen")
        for name in ours:
            if not name.startswith("pacemaker.") and not name.endswith(
                ".noise"
            ):  # of all streams; of each its own, unused
                assert relative(ours[name], theirs[name]) < RELATIVE, name
        for name, values in alone.tokens("frozen").items():
            assert relative(one.tokens("frozen")[name], values.values) < RELATIVE, name

    trained = fs.run(
        model,
        fs.Protocol(name="alone", blocks=[fs.Block(name="learning", stream=streams[0], pace=pace)]),
        device="dense64",
        out=tmp_path,
    )
    sweep, alone = (
        fs.run(
            model.with_parameter("batch", len(shown)),
            fs.Protocol(name="sweep", blocks=[fs.Block(name="frozen", stream=shown, **frozen)]),
            device="dense64",
            out=tmp_path,
            start=(trained, "learning"),
        )
        for shown in (streams, streams[2:])
    )
    for name, values in alone.tokens("frozen").items():
        assert relative(sweep.streams[2].tokens("frozen")[name], values.values) < RELATIVE, name
    with pytest.raises(
        CheckpointError, match="3 streams were presented side by side, the model asks for 1"
    ) as caught:
        fs.run(
            model,
            fs.Protocol(
                name="alone", blocks=[fs.Block(name="frozen", stream=streams[0], **frozen)]
            ),
            device="dense64",
            out=tmp_path,
            start=(together, "learning"),
        )
    assert "run.streams" in caught.value.fix
