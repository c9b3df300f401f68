"""Oracles: Philox4x32-10 pair by pair in plain Python integers, with the key and counter that
`network.wiring` documents; NumPy's products with the matrices that were given; Brian2's own Synapses
with delays of their own; the closed form of the binomial distribution.
"""

import zlib

import attrs
import brian2
import numpy as np
import pytest
import tiny
from brian2 import NeuronGroup, Synapses, ms, umetre
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse, stats

import fena_sim as fs
from fena_sim.declare.canonical import canonical
from fena_sim.declare.model.connectivity import ALL, Pairs
from fena_sim.errors import CheckpointError, DeclarationError, RunFolderError
from fena_sim.network import wiring
from fena_sim.network.initial_state import initial_state
from fena_sim.network.projection import synapse_count
from fena_sim.runs.plan import Plan
from fena_sim.runs.preview import explain
from fena_sim.runs.store.declared import declared_model

N, M = 7, 6


def model(n=N, m=M, **options):
    """A vector-matrix product by a projection `w`."""
    populations = [
        fs.Population(
            name="source", size=n, equations="x : 1", initial=dict(x=np.arange(1.0, n + 1))
        ),
        fs.Population(name="target", size=m, equations="there : 1"),
    ]
    options = {"initial": dict(w=1.0), **options}
    synapses = fs.Projection(
        name="w",
        source="source",
        target="target",
        equations="w : 1\nthere_post = w*x_pre : 1 (summed)",
        **options,
    )
    return fs.Hierarchy(name="wired", populations=populations, projections=[synapses])


def wired(hierarchy, seed=0):
    return wiring.wire(hierarchy, seed).projections[0]


def joined(hierarchy, seed=0):
    """A boolean matrix of the pairs that a seed joins."""
    sizes = [p.size for p in hierarchy.populations]
    chosen = np.zeros(sizes, dtype=bool)
    i, j = wiring.decided_pairs(wired(hierarchy, seed), *sizes, seed)
    assert np.array_equal(np.lexsort((j, i)), np.arange(len(i)))
    chosen[i, j] = True
    assert chosen.sum() == len(i)
    return chosen


def word(seed, name, i, j):
    """The random number of one pair: Philox4x32-10 in Python's integers."""
    counter = [i, j // 4, zlib.crc32(name.encode()), 0]
    key = [zlib.crc32(f"connect {seed}".encode()), 0x57495245]
    for _ in range(10):
        first, second = 0xD2511F53 * counter[0], 0xCD9E8D57 * counter[2]
        counter = [
            (second >> 32) ^ counter[1] ^ key[0],
            second % 2**32,
            (first >> 32) ^ counter[3] ^ key[1],
            first % 2**32,
        ]
        key = [(key[0] + 0x9E3779B9) % 2**32, (key[1] + 0xBB67AE85) % 2**32]
    return counter[j % 4]


def words(seed, n, m):
    return np.array([[word(seed, "w", i, j) for j in range(m)] for i in range(n)])


@given(
    n=st.integers(1, 9),
    m=st.integers(1, 9),
    p=st.floats(0.2, 1),
    seed=st.integers(0, 2**64 - 1),
    at_once=st.sampled_from([1, 13, 2**20]),
)
@settings(max_examples=25, deadline=None, derandomize=True)
def test_a_pair_is_joined_by_its_own_number(n, m, p, seed, at_once):
    expected = words(seed, n, m) < p * 2**32
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wiring, "PAIRS_AT_ONCE", at_once)
        if expected.any():
            np.testing.assert_array_equal(joined(model(n, m, connect=p), seed), expected)
        else:
            with pytest.raises(DeclarationError, match="joins no pair"):
                joined(model(n, m, connect=p), seed)
        k = max(1, n // 2)
        of_degree = joined(model(n, m, connect=fs.FixedInDegree(k)), seed)
    order = np.argsort(words(seed, n, m), axis=0, kind="stable")
    np.testing.assert_array_equal(
        np.argwhere(of_degree.T)[:, 1].reshape(m, k), np.sort(order[:k].T)
    )


def test_conditions_leave_out_pairs_and_change_no_other():
    free = joined(model(6, 6, connect=0.5), seed=3)
    given = fs.Probability(0.5, condition="i != j")
    np.testing.assert_array_equal(
        joined(model(6, 6, connect=given), seed=3), free & ~np.eye(6, dtype=bool)
    )
    degree = joined(model(6, 6, connect=fs.FixedInDegree(5, condition="i != j")), seed=3)
    np.testing.assert_array_equal(degree, ~np.eye(6, dtype=bool))
    with pytest.raises(DeclarationError, match="unit 0 of the target can have 5 synapses, not 6"):
        joined(model(6, 6, connect=fs.FixedInDegree(6, condition="i != j")))


def test_growing_a_population_keeps_the_pairs():
    small, large = (joined(model(n, m, connect=0.3), seed=1) for n, m in ((20, 11), (25, 30)))
    np.testing.assert_array_equal(large[:20, :11], small)


def test_counts_are_binomial_and_seeds_differ():
    """The number of synapses of 20 seeds lies within the central 1 - 1e-6 of Binomial(n*m, p)."""
    low, high = stats.binom.interval(1 - 1e-6, 200 * 300, 0.1)
    counts = [len(wired(model(200, 300, connect=0.1), seed).connect) for seed in range(20)]
    assert low <= min(counts) < max(counts) <= high and len(set(counts)) > 10
    assert synapse_count(model(200, 300, connect=0.1).projections[0], 200, 300) == 6000


def test_probability_follows_distance():
    at = np.array([[0, 0], [30, 40], [0, 500]]) * umetre
    near = fs.DistanceDependent("d < width", at, at, condition="i != j")
    expected = np.zeros((3, 3), dtype=bool)
    expected[0, 1] = expected[1, 0] = True  # 50 um; all others are more than 400 um apart
    options = dict(connect=near, parameters=dict(width=100 * umetre))
    np.testing.assert_array_equal(joined(model(3, 3, **options)), expected)
    line = np.linspace(0, 1, 9)
    falling = model(9, 9, connect=fs.DistanceDependent("exp(-d/0.5)", line, line))
    chance = np.exp(-np.abs(line[:, None] - line) / 0.5)
    np.testing.assert_array_equal(joined(falling, 4), words(4, 9, 9) < chance * 2**32)
    assert synapse_count(falling.projections[0], 9, 9) == round(chance.sum())
    with pytest.raises(DeclarationError, match="from 1 to 2, which is no probability"):
        joined(model(9, 9, connect=fs.DistanceDependent("1 + d", line, line)))


PAIRS = np.array([4, 0, 3, 0]), np.array([1, 5, 3, 2])
WEIGHTS = np.array([1.5, -2.0, 3.0, 4.0])


def test_pairs_and_matrices_are_one_network():
    """However they are given, weights of pairs stay with their pairs."""
    matrix = np.zeros((N, M))
    matrix[PAIRS] = WEIGHTS
    rows = matrix[matrix != 0]
    same = [
        dict(connect=PAIRS, initial=dict(w=WEIGHTS)),
        dict(connect=[list(index) for index in PAIRS], initial=dict(w=list(WEIGHTS))),
        dict(connect=PAIRS, initial=dict(w=matrix)),
        dict(connect=matrix != 0, initial=dict(w=rows)),
        dict(connect=sparse.coo_array(matrix), initial=dict(w=rows)),
        dict(connect=sparse.csr_matrix(matrix), initial=dict(w=matrix)),
    ]
    for options in same:
        found = wired(model(**options))
        np.testing.assert_array_equal(found.connect.i, np.nonzero(matrix)[0])
        np.testing.assert_array_equal(found.connect.j, np.nonzero(matrix)[1])
        np.testing.assert_array_equal(initial_state(model(**options), 0)["w.w"], rows)


def test_what_joins_all_pairs_is_all_to_all():
    """Then kernels are dense; the numbers are those of the matrix."""
    i, j = (index.ravel()[::-1] for index in np.indices((N, M)))
    weights = np.random.default_rng(0).normal(size=(N, M))
    for connect, w in (
        (1.0, weights),
        (np.ones((N, M), dtype=bool), weights),
        ((i, j), weights.ravel()[::-1]),
        (fs.FixedInDegree(N), weights),
    ):
        given = model(connect=connect, initial=dict(w=w))
        assert wired(given).connect == ALL
        np.testing.assert_array_equal(initial_state(given, 0)["w.w"], weights.ravel())


def test_wiring_twice_changes_nothing():
    for connect in (0.4, PAIRS, fs.FixedInDegree(2), "all"):
        once = wiring.wire(model(connect=connect, delay=fs.Uniform(0 * ms, 9 * ms)), 5)
        assert wiring.wire(once, 6) is once
    untouched = model()
    assert wiring.wire(untouched, 0) is untouched


def test_delays_are_whole_steps_of_at_least_one():
    delays = [0.0, 1.49, 2.51, 700.0] * ms
    found = wired(model(connect=PAIRS, delay=delays))  # dt is 1 ms; sorted: pairs 3, 1, 2, 0
    np.testing.assert_allclose(found.delay / ms, [700, 1, 3, 1])
    assert wired(model(connect=PAIRS, delay=[3.2, 3, 2.9, 3] * ms)).delay == 3 * ms
    with pytest.raises(DeclarationError, match="delays drawn from .* are below 0"):
        wired(model(delay=fs.Normal(5 * ms, 1 * ms)))


WRONG = {
    "p above 1": (dict(connect=1.5), "1.5 is no probability"),
    "p of 0": (dict(connect=0.0), "0.0 is no probability"),
    "lengths": (dict(connect=([0, 1], [2])), "2 source units and 1 target units"),
    "fractions": (dict(connect=([0.5], [1.0])), "of shape .* and type float64"),
    "negative": (dict(connect=([0, -1], [1, 1])), "no unit -1"),
    "beyond the source": (dict(connect=([7], [1])), "unit 7 of the source, which has 7 units"),
    "beyond the target": (dict(connect=([1], [6])), "unit 6 of the target, which has 6 units"),
    "twice": (dict(connect=([1, 0, 1], [2, 0, 2])), "pair i = 1, j = 2 is given 2 times"),
    "nothing": (dict(connect=np.zeros((N, M), dtype=bool)), "joins no pair"),
    "transposed": (dict(connect=np.ones((M, N), dtype=bool)), r"shape \(6, 7\)"),
    "transposed sparse": (dict(connect=sparse.eye(M, N)), r"shape \(6, 7\)"),
    "numbers": (dict(connect=np.ones((N, M))), "type float64"),
    "in-degree": (dict(connect=fs.FixedInDegree(8)), "in-degree of 8 from 7 units"),
    "weights": (
        dict(connect=PAIRS, initial=dict(w=np.ones(3))),
        r"initial 'w' has shape \(3,\)",
    ),
    "weights without pairs": (
        dict(connect=0.5, initial=dict(w=np.ones(9))),
        r"initial 'w' has shape \(9,\)",
    ),
    "condition": (dict(connect=fs.Probability(0.5, condition="i != k")), "'k' is not known"),
    "negative delay": (dict(delay=fs.Uniform(-1 * ms, 1 * ms)), "cannot arrive before"),
    "negative delays": (dict(connect=PAIRS, delay=[1, 2, -1, 1] * ms), "cannot arrive before"),
    "delays without unit": (dict(connect=PAIRS, delay=np.ones(4)), "must be times"),
    "delays of other shape": (dict(connect=PAIRS, delay=[1, 2] * ms), r"delay has shape \(2,\)"),
    "positions": (
        dict(connect=fs.DistanceDependent("d < 1", np.zeros(3), np.zeros(M))),
        "3 positions of the source, which has 7 units",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_connections_are_refused_when_declared(name):
    options, message = WRONG[name]
    with pytest.raises(DeclarationError, match=message) as caught:
        model(**options)
    assert "'w' (source -> target)" in caught.value.where and caught.value.fix


def final(hierarchy, device, out, seed=2):
    protocol = tiny.one_block(2, probes=(), controls={})
    return fs.run(hierarchy, protocol, seed=seed, device=device, out=out)


@pytest.mark.compile
@pytest.mark.parametrize("device", ["runtime", "cpp", "dense64"])
def test_devices_sum_over_the_same_pairs(device, tmp_path):
    given = model(connect=fs.Probability(0.4), initial=dict(w=fs.Normal(1.0)))
    run = final(given, device, tmp_path)
    chosen = words(2, N, M) < 0.4 * 2**32
    weights = np.zeros((N, M))
    weights[chosen] = run.state("learning")["w.w"]
    expected = np.arange(1.0, N + 1) @ weights
    np.testing.assert_allclose(run.state("learning")["target.there"], expected, rtol=1e-12)
    if device == "dense64":
        plan = Plan.of(given, tiny.one_block(2, probes=(), controls={}), seed=2, device=device)
        (said,) = [e for e in explain(plan) if e.synapses == "w"]
        assert said.done == "stock" and "given pairs" in said.why


def test_probes_record_the_drawn_synapses(tmp_path):
    given = model(connect=fs.Probability(0.4), initial=dict(w=fs.Normal(1.0)))
    some = fs.Probe("w", "w", every=1, source=[0, 2], name="some")
    protocol = tiny.one_block(2, probes=(fs.Probe("w", "w", every=1), some), controls={})
    run = fs.run(given, protocol, seed=2, device="runtime", out=tmp_path)
    traces, values = run.traces("learning"), run.state("learning")["w.w"]
    i, j = np.nonzero(words(2, N, M) < 0.4 * 2**32)
    for name, kept in (("w", i >= 0), ("some", np.isin(i, [0, 2]))):
        assert traces[f"{name}_synapse"].values.tolist() == np.flatnonzero(kept).tolist()
        assert traces[f"{name}_source"].values.tolist() == i[kept].tolist()
        assert traces[f"{name}_target"].values.tolist() == j[kept].tolist()
        assert traces[f"{name}.w"].values[-1].tolist() == values[kept].tolist()


@pytest.mark.parametrize(
    "connect", [0.4, fs.FixedInDegree(3), fs.Probability(0.3, condition="i != j"), "i != j"]
)
def test_stored_runs_declare_their_connections(connect):
    given = model(connect=connect)
    plan = Plan.of(given, tiny.one_block(2, probes=(), controls={}), device="runtime")
    found, _ = declared_model({"inputs": plan.inputs})
    assert canonical(found.projections[0].connect) == canonical(given.projections[0].connect)


def test_given_pairs_cannot_be_declared_from_their_hashes():
    given = model(connect=([0, 1], [1, 2]))
    plan = Plan.of(given, tiny.one_block(2, probes=(), controls={}), device="runtime")
    with pytest.raises(RunFolderError, match="a manifest has only hashes"):
        declared_model({"inputs": plan.inputs})


def spikes(delay, connect=PAIRS):
    """Units that all spike at every third step, and targets that count what arrives."""
    source = fs.Population(
        name="source",
        size=N,
        equations="dv/dt = 1/(3*ms) : 1\nx : 1",
        threshold="v > 0.99",
        reset="v = 0; x += i + 1",
    )
    target = fs.Population(name="target", size=M, equations="got : 1\nthere : 1")
    common = dict(source="source", target="target", connect=connect, delay=delay)
    return fs.Hierarchy(
        name="spikes",
        populations=[source, target],
        projections=[
            fs.Projection(
                name="s",
                equations="w : 1",
                initial=dict(w=WEIGHTS if connect is PAIRS else fs.Normal(2.0)),
                on_pre="got_post += w",
                **common,
            ),
            fs.Projection(name="r", equations="there_post = x_pre : 1 (summed)", **common),
        ],
    )


DELAYS = np.array([5, 1, 2, 9])


def test_delays_act_as_in_brian2(tmp_path):
    """Each synapse after its own delay; spikes as by Brian2's queues, rates as shifted by hand."""
    run = final(spikes(DELAYS * ms), "runtime", tmp_path)
    state, steps = run.state("learning"), run.end_step("learning")
    brian2.set_device("runtime")
    source = NeuronGroup(
        N, "dv/dt = 1/(3*ms) : 1", threshold="v > 0.99", reset="v = 0", method="euler", dt=1 * ms
    )
    target = NeuronGroup(M, "got : 1", dt=1 * ms)
    synapses = Synapses(source, target, "w : 1", on_pre="got_post += w", dt=1 * ms)
    synapses.connect(i=PAIRS[0], j=PAIRS[1])
    synapses.w, synapses.delay = WEIGHTS, DELAYS * ms
    brian2.Network(source, target, synapses).run(steps * ms)
    np.testing.assert_allclose(state["target.got"], target.got[:], rtol=1e-12)
    assert len(set(np.abs(target.got[:]))) > 3
    expected = np.zeros(M)
    for i, j, delay in zip(*PAIRS, DELAYS, strict=True):
        seen = steps - 1 - delay  # the step whose value is read in the last one
        expected[j] += (i + 1) * max(0, seen // 3)
    np.testing.assert_allclose(state["target.there"], expected, rtol=1e-12)


def test_chunks_leave_no_trace_in_delays(tmp_path):
    """What is under way at the end of a chunk arrives in the next."""
    drawn = spikes(fs.Uniform(1 * ms, 40 * ms), connect=fs.FixedInDegree(3))
    protocol = tiny.one_block(4, probes=(), controls={})
    first, other = (
        fs.run(drawn, protocol, device="runtime", out=tmp_path / str(k), chunk_tokens=k)
        for k in (1, 4)
    )
    states = first.state("learning"), other.state("learning")
    assert np.ptp(states[0]["target.got"]) > 1
    for name in states[0]:
        np.testing.assert_array_equal(states[0][name], states[1][name], err_msg=name)


@pytest.mark.slow
@pytest.mark.compile
@pytest.mark.parametrize("device", ["cpp", "dense64", "cuda_host64"])
def test_devices_agree_on_delays(device, tmp_path):
    drawn = spikes(fs.Uniform(1 * ms, 6 * ms))
    first, other = (final(drawn, name, tmp_path).state("learning") for name in ("runtime", device))
    for name in first:
        np.testing.assert_allclose(other[name], first[name], rtol=1e-12, err_msg=name)


def test_a_run_with_one_delay_can_be_started_from(tmp_path):
    delayed = model(delay=3 * ms)
    start = (final(delayed, "runtime", tmp_path), "learning")
    protocol = tiny.one_block(3, probes=(), controls={})
    run = fs.run(delayed, protocol, seed=3, device="runtime", out=tmp_path, start=start)
    expected = np.full(M, N * (N + 1) / 2)
    np.testing.assert_array_equal(run.state("learning")["target.there"], expected)


def test_a_run_starts_from_its_own_connections_alone(tmp_path):
    drawn = model(connect=fs.FixedInDegree(3), delay=fs.Uniform(1 * ms, 4 * ms))
    origin = final(drawn, "runtime", tmp_path)
    protocol = tiny.one_block(3, probes=(), controls={})
    start = (origin, "learning")
    fs.run(drawn, protocol, seed=2, device="runtime", out=tmp_path, start=start)
    with pytest.raises(CheckpointError, match="'w' is connected by the seed, 2 in the run"):
        Plan.of(drawn, protocol, seed=3, device="runtime", start=start)


def test_a_run_is_named_by_what_was_declared():
    """The probability, not the pairs; equal pairs have equal names."""
    protocol = tiny.one_block(2, probes=(), controls={})

    def name(connect, seed=0):
        return Plan.of(model(connect=connect), protocol, seed=seed, device="runtime").hash

    assert name(0.4) == name(fs.Probability(0.4)) != name(0.5)
    matrix = np.zeros((N, M), dtype=bool)
    matrix[[0, 1], [1, 2]] = True
    assert name(([0, 1], [1, 2])) == name(matrix) == name(sparse.csr_array(matrix))
    assert name(([0, 1], [1, 2])) != name(([0, 1], [1, 3]))


def test_evolving_keeps_a_connection():
    given = model(connect=PAIRS).projections[0]
    assert isinstance(given.connect, Pairs)
    assert attrs.evolve(given, initial=dict(w=2.0)).connect is given.connect
