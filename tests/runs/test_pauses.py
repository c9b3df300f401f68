"""Oracles: states at the end of blocks that end where a probe reads (no pause is in them); Brian2's
monitors, for populations; NumPy's selections, norms and histograms; the documented moments, counted
one by one; and the contract that a wrong probe is refused with a fix before anything is built.

Pauses leave no trace: the same bytes in chunks of any length.
"""

import numpy as np
import pandas as pd
import pytest
import tiny
from brian2 import ms, mV, second
from hypothesis import given, settings
from hypothesis import strategies as st

import fena_sim as fs
from fena_sim.declare.canonical import canonical
from fena_sim.declare.protocol.block import INITIAL
from fena_sim.errors import FenaError, ResourceError
from fena_sim.runs.live.progress import Silent
from fena_sim.runs.pauses import Pauses
from fena_sim.runs.plan import BlockPlan, Plan
from fena_sim.runs.resources import probe_bytes
from fena_sim.show.export.csv import write_csv

SOURCES, TARGETS, TOKENS, CUTS = 3, 5, 7, (2, 3, 4, 6)
BINS = np.linspace(-1, 1, 9)
PACES = {
    "fixed": fs.FixedPace(duration=10 * ms, blank=3 * ms),
    "self-paced": fs.SelfPaced(blank=3 * ms, shortest=5 * ms, longest=30 * ms),
}
#: Every second token, of all; of some synapses of a sparse projection; of a population.
PROBES = (
    fs.Probe("W", ["w", "slow"], every=2),
    fs.Probe("V", "v", every=3, source=[0, 4], name="some"),
    fs.Probe("W", "w", interval=13 * ms, target=2, name="onto_2"),
    fs.Probe("W", "w", every=2, summary="norm", name="whole"),
    fs.Probe("W", "w", every=2, summary="source_norm", name="by"),
    fs.Probe("W", "w", every=2, summary="target_norm", name="by_target"),
    fs.Probe("V", "v", every=2, summary="target_norm", source=slice(0, 3), name="sparse"),
    fs.Probe("W", "w", every=2, summary="histogram", bins=BINS, name="spread"),
    fs.Probe("t", "q", every=1, units=[3, 1], name="between"),
    fs.Probe("t", "q"),
    fs.Probe("s", "r", interval=2 * ms),
)


class Interrupted(Exception):
    pass


class Stop(Silent):
    """A progress that interrupts a run after its first chunk, which is kept."""

    def chunk(self, *about):
        raise Interrupted


def model(batch=1):
    """Two populations that drive each other, over plastic all-to-all synapses and sparse ones."""
    drive = "dr/dt = (cos(5*t/(7*ms)) + fed - r)/(7*ms) : 1\nfed : 1\nchange = abs(fed - r)/(7*ms) : hertz"
    s = fs.Population(name="s", size=SOURCES, equations=drive)
    t = fs.Population(
        name="t", size=TARGETS, equations="dq/dt = (sum - q)/(9*ms) : 1\nsum : 1\ntwice = 2*q : 1"
    )
    rule = fs.Plasticity(
        equations="dw/dt = eta*(r_pre*(q_post + 0.3) - w/9) : 1\ndslow/dt = (w - slow)*eta : 1",
        clock=4 * ms,
        parameters=dict(eta=20 / second),
    )
    projections = [
        fs.Projection(
            name="W",
            source="s",
            target="t",
            equations="sum_post = w*r_pre : 1 (summed)",
            plasticity=rule,
            initial=dict(w=fs.Uniform(-1, 1)),
        )
    ]
    if batch == 1:
        projections.append(
            fs.Projection(
                name="V",
                source="t",
                target="s",
                equations="v : 1\ngone = 2*v : 1\nfed_post = v*q_pre : 1 (summed)",
                connect="(i + j) % 2 == 0",
                initial=dict(v=fs.Uniform(-1, 1)),
            )
        )
    settling = fs.Settling(populations=["s"], variable="change", tolerance=0.15 / ms)
    return fs.Hierarchy(
        name="m", populations=[s, t], projections=projections, batch=batch, settling=settling
    )


def protocol(pace, cuts=CUTS, probes=PROBES):
    """A block that is recorded, and blocks from the same beginning that end after so many tokens."""
    blocks = [fs.Block(name="b", stream=tiny.stream(TOKENS), pace=PACES[pace], probes=probes)]
    blocks += [
        fs.Block(
            name=f"cut_{n}", stream=tiny.stream(TOKENS)[:n], pace=PACES[pace], start_from=INITIAL
        )
        for n in cuts
    ]
    return fs.Protocol(name="p", blocks=blocks)


def made(pace, out, device="runtime", cuts=CUTS, **options):
    return fs.run(model(), protocol(pace, cuts), device=device, out=out, **options)


@pytest.fixture(scope="module", params=PACES)
def recorded(request, tmp_path_factory):
    return made(request.param, tmp_path_factory.mktemp("recorded"))


def matrix(run, tokens, name="W.w"):
    """The weights after so many tokens: the state of a block that ends there."""
    return run.state(f"cut_{tokens}" if tokens < TOKENS else "b")[name]


def check_states(run):
    """The samples of a run are the states where its blocks end."""
    traces = run.traces("b")
    for variable in ("w", "slow"):
        values = traces[f"W.{variable}"]
        assert values.dims == ("time_W", "W_synapse") and values.shape == (4, SOURCES * TARGETS)
        assert traces["time_W_tokens"].values.tolist() == [0, 2, 4, 6]
        for row, tokens in zip(values.values[1:], (2, 4, 6), strict=True):
            np.testing.assert_array_equal(row, matrix(run, tokens, f"W.{variable}"))
        assert (np.diff(values.values, axis=0) != 0).all(), "the comparison needs learning"
    i, j = np.divmod(np.arange(SOURCES * TARGETS), TARGETS)
    assert traces["W_source"].values.tolist() == i.tolist()
    assert traces["W_target"].values.tolist() == j.tolist()
    events = run.events("b")
    ends = (events["onset"] + events["duration"]).to_numpy()
    np.testing.assert_allclose(traces["time_W"], [0, *ends[[1, 3, 5]]], atol=1e-12)


def test_weights_are_the_states_between_tokens(recorded):
    check_states(recorded)


def test_a_subset_is_part_of_the_whole(recorded):
    traces = recorded.traces("b")
    pairs = [(i, j) for i in range(TARGETS) for j in range(SOURCES) if (i + j) % 2 == 0]
    numbers = [k for k, (i, _) in enumerate(pairs) if i in (0, 4)]
    assert traces["some_synapse"].values.tolist() == numbers
    found = zip(traces["some_source"].values, traces["some_target"].values, strict=True)
    assert [tuple(map(int, pair)) for pair in found] == [pairs[k] for k in numbers]
    for row, tokens in zip(traces["some.v"].values[1:], (3, 6), strict=True):
        np.testing.assert_array_equal(row, matrix(recorded, tokens, "V.v")[numbers])


def test_an_interval_is_counted_from_the_beginning(recorded):
    """At the fixed pace a token takes 13 ms, so that every sample is between tokens."""
    traces = recorded.traces("b")
    steps = np.rint(traces["time_onto_2"].values / 1e-3).astype(int)
    last = recorded.events("b")[["onset", "duration"]].iloc[-1].sum()
    assert steps.tolist() == list(range(0, round(last / 1e-3) + 1, 13))
    if not recorded.manifest["blocks"][0]["self_paced"]:
        assert traces["time_onto_2_tokens"].values.tolist() == list(range(TOKENS + 1))
        for tokens in (*CUTS, TOKENS):
            row = traces["onto_2.w"].values[tokens]
            np.testing.assert_array_equal(row, matrix(recorded, tokens)[2::TARGETS])


def test_populations_agree_with_their_monitors(recorded):
    """What a monitor samples is the value before a step, which is the state after the one before."""
    traces = recorded.traces("b")
    monitored = traces["t.q"]
    steps = np.rint(traces["time_between"].values / 1e-3).astype(int)
    assert len(steps) == TOKENS + 1 and traces["between_unit"].values.tolist() == [3, 1]
    for row, step in zip(traces["between.q"].values[:-1], steps[:-1], strict=True):
        np.testing.assert_array_equal(row, monitored.values[step, [3, 1]])
    assert traces["s.r"].shape[0] == -(-monitored.shape[0] // 2)


def test_summaries_are_numpys(recorded):
    traces = recorded.traces("b")
    whole = traces["W.w"].values.reshape(-1, SOURCES, TARGETS)
    np.testing.assert_allclose(
        traces["whole.w_norm"].values[:, 0], np.linalg.norm(whole, axis=(1, 2)), rtol=1e-12
    )
    np.testing.assert_allclose(
        traces["by.w_source_norm"], np.linalg.norm(whole, axis=2), rtol=1e-12
    )
    np.testing.assert_allclose(
        traces["by_target.w_target_norm"], np.linalg.norm(whole, axis=1), rtol=1e-12
    )
    counts = [np.histogram(sample, BINS)[0] for sample in whole]
    assert traces["spread.w_histogram"].values.tolist() == np.array(counts).tolist()
    assert traces["spread_bin"].values.tolist() == BINS[:-1].tolist()
    assert traces["spread_bin_stop"].values.tolist() == BINS[1:].tolist()
    dense = np.zeros((TARGETS, SOURCES))
    pairs = [(i, j) for i in range(TARGETS) for j in range(SOURCES) if (i + j) % 2 == 0]
    for pair, value in zip(pairs, recorded.state("b")["V.v"], strict=True):
        dense[pair] = value
    expected = np.linalg.norm(dense[:3], axis=0)
    np.testing.assert_allclose(traces["sparse.v_target_norm"].values[-1], expected, rtol=1e-12)
    assert traces["sparse_target"].values.tolist() == list(range(SOURCES))


def test_weights_are_exported(recorded, tmp_path):
    """A row for every synapse and sample, with the synapse's number."""
    write_csv(recorded, tmp_path / "tables")
    table = pd.read_csv(tmp_path / "tables" / "b_traces.csv")
    rows = table[table["variable"] == "W.w"]
    traces = recorded.traces("b")
    values = rows.pivot(index="time", columns="unit", values="value")
    np.testing.assert_allclose(values, traces["W.w"], rtol=1e-12)
    np.testing.assert_allclose(values.index, traces["time_W"], atol=1e-12)
    counts = table[table["variable"] == "spread.w_histogram"]
    assert counts["value"].sum() == traces["spread.w_histogram"].values.sum()


def test_chunks_leave_no_trace(recorded, fingerprint, tmp_path):
    """Nor does an interruption: the block alone, in chunks of two tokens, is the same bytes."""
    pace = "self-paced" if recorded.manifest["blocks"][0]["self_paced"] else "fixed"
    options = dict(out=tmp_path, chunk_tokens=2, cuts=())
    with pytest.raises(Interrupted):
        made(pace, progress=Stop(), **options)
    found, whole = fingerprint(made(pace, **options).folder), fingerprint(recorded.folder)
    assert found and found == {name: whole[name] for name in whole if "cut_" not in name}


@pytest.mark.compile
@pytest.mark.parametrize("device", ["dense", "cpp"])
def test_compiled_devices_pause_as_well(device, tmp_path):
    for pace in PACES:
        check_states(made(pace, tmp_path, device))


@pytest.mark.compile
def test_streams_share_their_synapses(tmp_path):
    streams = [tiny.stream(3, 0), tiny.stream(3, 1)]
    probes = [fs.Probe("W", "w", every=3), fs.Probe("t", "q", every=3, units=[4, 0])]
    block = fs.Block(name="b", stream=streams, pace=PACES["fixed"], probes=probes)
    run = fs.run(
        model(batch=2), fs.Protocol(name="p", blocks=[block]), device="dense64", out=tmp_path
    )
    traces, state = run.traces("b"), run.state("b")
    assert traces["W.w"].dims == ("time", "W_synapse")
    np.testing.assert_array_equal(traces["W.w"].values[-1], state["W.w"])
    assert traces["t.q"].dims == ("time", "stream", "t_unit")
    np.testing.assert_array_equal(
        traces["t.q"].values[-1], state["t.q"].reshape(2, TARGETS)[:, [4, 0]]
    )
    assert run.streams[1].traces("b")["W.w"].dims == ("time", "W_synapse")


def plan(*probes, tokens=TOKENS, pace="fixed"):
    block = fs.Block(name="b", stream=tiny.stream(tokens), pace=PACES[pace], probes=probes)
    return Plan.of(model(), fs.Protocol(name="p", blocks=[block]), device="runtime")


@given(
    st.integers(1, 9),
    st.integers(1, 40),
    st.integers(0, 50),
    st.lists(st.integers(1, 12), min_size=1, max_size=12),
    st.data(),
)
@settings(max_examples=60, derandomize=True)
def test_moments_do_not_depend_on_chunks(every, interval, origin, lengths, data):
    """Counted one by one: after every so many tokens, and at every so many steps."""
    probes = [
        fs.Probe("W", "w", every=every),
        fs.Probe("W", "w", interval=interval * ms, name="timed"),
    ]
    pauses = Pauses(model(), probes)
    ends = origin + np.cumsum(lengths)
    cut = data.draw(st.lists(st.integers(int(origin) + 1, int(ends[-1])), max_size=4))
    found = {"W": [], "timed": []}
    edges = [origin, *sorted({*cut, int(ends[-1])})]
    for start, stop in zip(edges[:-1], edges[1:], strict=True):
        done = int((ends <= start).sum())
        inside = ends[(ends > start) & (ends <= stop)]
        for step, readers in pauses.due(done, origin, start, stop, inside).items():
            for reader in readers:
                found[reader.probe.key].append(step)
    assert found["W"] == [origin, *ends[every - 1 :: every]]
    assert found["timed"] == list(range(origin, int(ends[-1]) + 1, interval))


def test_the_estimate_is_what_is_recorded(recorded):
    """Exactly, of samples between tokens; at a fixed pace of the others as well."""
    paced = recorded.manifest["blocks"][0]["self_paced"]
    laid = plan(*PROBES, pace="self-paced" if paced else "fixed").blocks[0]
    found, traces = probe_bytes(model(), laid.block, laid.timeline), recorded.traces("b")
    for probe in PROBES[:-2]:
        arrays = [traces[v] for v in traces.data_vars if v.partition(".")[0] == probe.key]
        size = sum(array.nbytes for array in arrays)
        assert found[probe.key] == size or (
            paced and probe.every is None and found[probe.key] > size
        )


def test_large_samples_make_short_chunks():
    """Of 64 MiB, which hold one sample per token of 2000 x 2000 synapses of 8 bytes twice."""
    units = [fs.Population(name=name, size=2000, equations="x : 1") for name in "st"]
    synapses = fs.Projection(name="W", source="s", target="t", equations="w : 1")
    large = fs.Hierarchy(name="large", populations=units, projections=[synapses])

    def chunk(**often):
        block = fs.Block(name="b", stream=tiny.stream(9000), probes=[fs.Probe("W", "w", **often)])
        return BlockPlan.of(large, block).most_tokens

    assert chunk(every=1) == 2 and chunk(every=100) == 207 and chunk(every=9000) == 4000
    assert chunk(every=1, summary="norm") == 4000


def test_what_does_not_fit_the_disk_is_refused(monkeypatch, tmp_path):
    import shutil
    from types import SimpleNamespace

    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=1000))
    block = fs.Block(name="b", stream=tiny.stream(9), probes=[fs.Probe("W", "w", every=1)])
    with pytest.raises(ResourceError, match="recordings take up to") as caught:
        fs.run(model(), fs.Protocol(name="p", blocks=[block]), device="runtime", out=tmp_path)
    assert "'W'" in caught.value.where and not list(tmp_path.iterdir())


def test_earlier_runs_keep_their_names():
    """What a probe of before is hashed as, and what is added only where it is given."""
    before = {"type", "population", "variables", "units", "interval", "window"}
    assert set(canonical(fs.Probe("a", "x"))) == before
    assert canonical(fs.Probe("a", "x")) == canonical(fs.Probe("a", "x", interval=1 * ms))
    added = set(canonical(fs.Probe("W", "w", every=3, name="k"))) - before
    assert added == {"every", "name"}


def test_a_selection_is_numbered():
    numbered = plan(
        fs.Probe("W", "w", every=1, units=slice(None, None, 7), source=[True, False, True])
    )
    (probe,) = numbered.blocks[0].block.probes
    assert probe.units == (0, 7, 14) and probe.source == (0, 2)


def test_reading_the_state_needs_no_other_build():
    keys = {plan(*probes).blocks[0].program_key for probes in ((), (fs.Probe("W", "w", every=1),))}
    assert len(keys) == 1


WRONG = {
    "nothing said": (dict(), "how often"),
    "both": (dict(every=2, interval=3 * ms), "interval"),
    "window": (dict(every=2, window=(0 * ms, 5 * ms)), "window"),
    "window of synapses": (dict(interval=5 * ms, window=(0 * ms, 5 * ms)), "not in windows"),
    "never": (dict(every=0), "every 0"),
    "half a token": (dict(every=1.5), "every"),
    "not a step": (dict(interval=1.5 * ms), "interval"),
    "no variable": (dict(every=1, variables="x"), "no variable 'x'"),
    "computed": (dict(every=1, population="V", variables="gone"), "computed from"),
    "computed of a population": (dict(every=1, population="t", variables="twice"), "computed from"),
    "spikes": (dict(every=1, population="t", variables="spikes"), "spikes every"),
    "source of a population": (dict(population="t", variables="q", source=1), "of synapses"),
    "no source": (dict(every=1, source=SOURCES), "not all below"),
    "no synapse": (dict(every=1, units=[15]), "not all below 15"),
    "none left": (dict(every=1, units=[0], source=[1]), "no synapse joins"),
    "no summary": (dict(every=1, summary="mean"), "no summary 'mean'"),
    "no bins": (dict(every=1, summary="histogram"), "needs bins"),
    "bins of nothing": (dict(every=1, bins=[0, 1]), "bins are of a histogram"),
    "falling bins": (dict(every=1, summary="histogram", bins=[1, 0]), "edges that grow"),
    "bins of volts": (dict(every=1, summary="histogram", bins=[0, 1] * mV), "other units"),
    "the name of another": (dict(every=1, name="t"), "something else"),
    "no name": (dict(every=1, name="a b"), "identifier"),
    "the pacemaker": (dict(every=1, population="pacemaker", variables="rate"), "within tokens"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_refused_before_anything_is_built(case):
    given, message = WRONG[case]
    with pytest.raises(FenaError, match=message) as caught:
        plan(fs.Probe(**{"population": "W", "variables": "w", **given}))
    assert caught.value.where and caught.value.fix


def test_two_probes_of_one_population_need_a_name():
    with pytest.raises(FenaError, match="two probes of 'W'") as caught:
        plan(fs.Probe("W", "w", every=1), fs.Probe("W", "w", every=2))
    assert "name=" in caught.value.fix
