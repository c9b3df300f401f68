"""Oracle: an independent plain-NumPy integration of the equations of models/fena.py
(`fena_numpy.py`).

Some tens of tokens with learning on, some of them omitted, at a fixed pace whose periods are
multiples of the slow clock and at a pace of the network's own: every variable and every readout
agree to 1e-9 relative in float64. So do 2 streams side by side, which learn the same weights.
"""

import attrs
import numpy as np
import pytest
import tiny
from brian2 import ms

import fena_sim as fs
from fena_sim.declare.model.equations import NOISE, SIGNALS
from fena_sim.network.initial_state import initial_state

from .fena_numpy import FenaNumpy
from .periods import run_together
from .test_agreement_flat_memory import RELATIVE, relative

#: Here the events of small untrained networks are neither certain nor impossible.
USUAL = {"event_1": 0.4, "event_2": 0.003}
PACED = dict(blank=10 * ms, longest=45 * ms, shortest=5 * ms, hold=3 * ms)


def network(sizes, **options):
    """FENA with 16 inputs, whose events surprise it about half of the time."""
    model = fs.load_model(tiny.MODEL, 16, sizes=sizes)
    populations = [
        attrs.evolve(p, initial={**p.initial, "usual": USUAL[p.name]}) if p.name in USUAL else p
        for p in model.populations
    ]
    return attrs.evolve(model, populations=populations, **options)


def drawn(model, seed):
    """Of the initial state, what was drawn at random, and the usual surprise as in `network`."""
    names = ("w", "w_recent", "w_older", "r")
    start = initial_state(model, seed)
    return {
        k: v
        for k, v in start.items()
        if k.split(".")[1] in names or (k.startswith("event") and k.endswith(".usual"))
    }


def protocol(n_fixed, n_paced, levels):
    """A block at either pace; plasticity, gate, precisions and the level that is knocked out change
    from token to token.
    """
    controls = dict(
        plasticity_gain=np.linspace(1, 0.3, n_fixed),
        gate=np.linspace(0.6, 1, n_fixed),
        precision_gain=np.linspace(1, 1.3, n_fixed),
        knocked_out=np.arange(n_fixed) // 3 % (levels + 1),
    )
    fixed = fs.FixedPace(duration=48 * ms, blank=12 * ms)
    options = dict(probes=())
    return fs.Protocol(
        name="agreement",
        blocks=[
            tiny.block("fixed", n_fixed, pace=fixed, controls=controls, **options),
            tiny.block("paced", n_paced, pace=fs.SelfPaced(**PACED), controls={}, **options),
        ],
    )


def by_numpy(model, declared, seed=0):
    """{block: (values at its end, what was kept of every token)} of the oracle."""
    fixed, paced = declared.blocks
    oracle = FenaNumpy(drawn(model, seed), sizes=(16, *sizes_of(model)))
    tokens = [block.side_by_side[0].events["token"].to_numpy() for block in declared.blocks]
    kept = oracle.run(tokens[0], **fixed.controls)
    found = {"fixed": (oracle.values, kept)}
    kept = oracle.run(tokens[1], 10, 45, shortest_steps=5, hold_steps=3)
    return found | {"paced": (oracle.values, kept)}


def sizes_of(model):
    return [p.size for p in model.populations if p.role == "state"]


def not_integrated(model, state):
    """Names in a state of what a network does not integrate: parameters, signals and other links,
    what is kept for readouts, and the noise, which is not let in.
    """
    declared = {
        p.name: {*p.parameters, *p.links, *SIGNALS, NOISE, "noise_seed", "settling_rate"}
        for p in model.populations
    }
    declared |= {p.name: set(p.all_parameters) for p in model.projections}
    return {
        name
        for name in state
        for owner, _, variable in [name.partition(".")]
        if owner in ("pacemaker", "streams")
        or variable in declared[owner]
        or variable.startswith(("first_", "mean_mean_"))
    }


def assert_agreement(model, run, expected, block):
    state, tokens, (values, kept) = run.state(block), run.tokens(block), expected
    assert set(values) - set(state) == set()
    assert set(state) - set(values) <= not_integrated(model, state), "all else is compared"
    assert set(tokens) == set(kept)
    distances = {name: relative(state[name], value) for name, value in values.items()}
    distances |= {name: relative(tokens[name], value) for name, value in kept.items()}
    assert {name: d for name, d in distances.items() if not d < RELATIVE} == {}


def assert_meaningful(model, run, expected):
    """The comparison is of networks that learn, have events, and set their own pace."""
    moved = run.state("fixed")
    for name in ("W_1.w", "A_1_below.w_recent", "V_1.v", "prediction_0.bias", "precision_1.trust"):
        assert relative(moved[name], initial_state(model, 0).get(name, 0 * moved[name])) > 1e-3
    events = np.concatenate([kept["events"] for _, kept in expected.values()])
    assert (np.ptp(events, axis=0) > 0.5).all()
    assert len(set(expected["paced"][1]["steps"])) > 3


@pytest.mark.slow
@pytest.mark.parametrize("sizes", [(8,), (8, 6)], ids=len)
def test_runtime_agrees_with_numpy(sizes, tmp_path):
    model, declared = network(sizes), protocol(14, 8, len(sizes))
    run = fs.run(model, declared, device="runtime", out=tmp_path)
    expected = by_numpy(model, declared)
    for block in expected:
        assert_agreement(model, run, expected[block], block)
    assert_meaningful(model, run, expected)


@pytest.mark.slow
def test_three_levels_agree_with_numpy_in_chunks_of_any_length(fingerprint, tmp_path):
    model, declared = network((8, 6, 5)), protocol(50, 30, 3)
    expected = by_numpy(model, declared)
    runs = [
        fs.run(model, declared, device="dense64", out=tmp_path / str(chunk), chunk_tokens=chunk)
        for chunk in (7, 100)
    ]
    for block in expected:
        assert_agreement(model, runs[0], expected[block], block)
    assert_meaningful(model, runs[0], expected)
    assert fingerprint(runs[0].folder) == fingerprint(runs[1].folder)


@pytest.mark.slow
def test_streams_side_by_side_agree_with_numpy(tmp_path):
    model = network((8, 6), batch=2)
    streams = [tiny.stream(12, seed) for seed in range(2)]
    pace = fs.FixedPace(duration=48 * ms, blank=12 * ms)
    block = tiny.block("fixed", stream=streams, pace=pace, controls={}, probes=())
    run = fs.run(model, fs.Protocol(name="two", blocks=[block]), device="dense64", out=tmp_path)

    start = drawn(model, 0)
    own = {k: v.reshape(2, -1) for k, v in start.items() if k.split(".")[1] in ("r", "usual")}
    assert not np.array_equal(*own["state_1.r"]), "streams start from states of their own"
    oracles = [
        FenaNumpy({**start, **{k: v[b] for k, v in own.items()}}, sizes=(16, 8, 6))
        for b in range(2)
    ]
    kept = run_together(oracles, np.stack([s.events["token"] for s in streams], axis=1))
    for stream, oracle, tokens in zip(run.streams, oracles, kept):
        tokens.pop("steps")  # of the pacemaker, not of a stream
        state, recorded = stream.state("fixed"), stream.tokens("fixed")
        for name, value in oracle.values.items():
            assert relative(state[name], value) < RELATIVE, name
        for name, value in tokens.items():
            assert relative(recorded[name], value) < RELATIVE, name
    assert np.abs(run.state("fixed")["V_1.v"]).max() > 0.1
