"""Measured signals. Oracle: their definition in NumPy, on traces of all units that probes recorded
beside them; SciPy's filter for the low-pass; the same network without them, to the bit.
"""

import attrs
import numpy as np
import pytest
import tiny
from brian2 import Hz, ms, mV, volt
from scipy.signal import lfilter

import fena_sim as fs
from fena_sim import Signal
from fena_sim.declare.canonical import canonical
from fena_sim.errors import CheckpointError, FenaError
from fena_sim.runs.plan import Plan
from fena_sim.stimulus import TokenStream, one_hot

VOCABULARY = one_hot(["a", "b", "c"])
PACE = fs.FixedPace(duration=6 * ms, blank=4 * ms)
CELLS, SLOW, TOKENS = 5, 3, 6
TAU = 7 * ms


def model(batch=1, **changed):
    """Noisy cells that drive each other, and slow ones that link what others have."""
    populations = dict(
        senses=dict(
            size=3, level=0, role="input", equations="x : 1", on=dict(onset="x = token_code")
        ),
        cells=dict(
            size=CELLS,
            level=1,
            role="state",
            equations="""dv/dt = (drive + 0.3*recurrent - v)/(5*ms) + 4*mV*noise*sqrt(2/(5*ms)) : volt
            drive : volt
            recurrent : volt""",
            initial=dict(v=np.linspace(-3, 3, CELLS) * mV),
        ),
        slow=dict(
            size=SLOW,
            level=1,
            role="error",
            equations="""dv/dt = (below - v)/(9*ms) : volt
            below : volt
            ratio = v/(1*mV) - shared : 1""",
            links=dict(shared="gain.g", known="memory.kept"),
        ),
        memory=dict(size=SLOW, level=1, role="prior", equations="kept : volt"),
        gain=dict(size=1, level=1, equations="g = 1.5 + sin(t/(8*ms)) : 1 (constant over dt)"),
        gains=dict(
            size=CELLS, equations="dg/dt = -g/(40*ms) : Hz", initial=dict(g=np.arange(5.0) * Hz)
        ),
    )
    joined = dict(
        W=("senses", "cells", "drive_post = w*x_pre : volt (summed)", 9 * mV),
        R=("cells", "cells", "recurrent_post = u*v_pre : volt (summed)", 1.0),
        D=("cells", "slow", "below_post = u*v_pre : volt (summed)", 1.0),
        M=("cells", "memory", "kept_post = u*v_pre : volt (summed)", 0.5),
    )
    projections = [
        fs.Projection(
            name=name,
            source=source,
            target=target,
            equations=f"{'w : volt' if name == 'W' else 'u : 1'}\n{sums}",
            initial={"w" if name == "W" else "u": fs.Normal(sd=sd)},
        )
        for name, (source, target, sums, sd) in joined.items()
    ]
    return fs.Hierarchy(
        name="m",
        populations=[
            fs.Population(name=n, **p, **changed.get(n, {})) for n, p in populations.items()
        ],
        projections=projections,
        readouts=[fs.Readout(name="v", variables=["cells.v"], when="mean")],
        batch=batch,
    )


EVERYTHING = (
    fs.Probe("cells", ["v", "drive", "recurrent"]),
    fs.Probe("slow", ["v", "below", "ratio"]),
    fs.Probe("memory", "kept"),
    fs.Probe("gain", "g"),
    fs.Probe("gains", "g"),
)


def stream(seed=0):
    return TokenStream.from_ids(np.random.default_rng(seed).integers(0, 3, TOKENS), VOCABULARY)


def block(name="b", batch=1, probes=EVERYTHING, **options):
    streams = [stream(seed) for seed in range(batch)]
    return fs.Block(name=name, stream=streams, pace=PACE, probes=probes, **options)


def protocol(measured=(), blocks=None, **options):
    return fs.Protocol(name="p", blocks=blocks or [block(**options)], measured=dict(measured))


def rectified(x, low=0.0):
    return np.maximum(x - low, 0)


def low_passed(s, tau=TAU, before=0.0):
    kept = np.exp(-1 / float(tau / ms))
    return lfilter([1 - kept], [1, -kept], s, zi=[kept * before])[0]


#: {name: (Signal, the same from traces: a function of get(path) -> (time, unit))}
SIGNALS = {
    "positive": (
        Signal("cells", "v", part="positive"),
        lambda get: rectified(get("cells.v")).sum(1),
    ),
    "negative": (
        Signal("cells", "v", part="negative", threshold=1 * mV),
        lambda get: rectified(-get("cells.v"), 1e-3).sum(1),
    ),
    "both": (
        Signal("cells", "v", part="both", threshold=0.5 * mV),
        lambda get: rectified(np.abs(get("cells.v")), 0.5e-3).sum(1),
    ),
    "signed": (Signal("cells", "v", part="signed"), lambda get: get("cells.v").sum(1)),
    "rms": (
        Signal("cells", "v", part="positive", norm="rms"),
        lambda get: np.sqrt((rectified(get("cells.v")) ** 2).mean(1)),
    ),
    "squared": (
        Signal("cells", "v", part="signed", norm="mean square"),
        lambda get: (get("cells.v") ** 2).mean(1),
    ),
    "weighted": (
        Signal("cells", "v", weight="gain.g"),
        lambda get: np.abs(get("cells.v")).sum(1) * get("gain.g")[:, 0],
    ),
    "weighted_apart": (
        Signal("cells", "v", weight="gains.g", norm="rms"),
        lambda get: np.sqrt(((get("gains.g") * get("cells.v")) ** 2).mean(1)),
    ),
    "several": (
        Signal(["cells", "slow"], "v", norm="mean square"),
        lambda get: (np.hstack([get("cells.v"), get("slow.v")]) ** 2).mean(1),
    ),
    "of_level": (
        Signal(1, "v"),
        lambda get: np.abs(np.hstack([get("cells.v"), get("slow.v")])).sum(1),
    ),
    "computed": (
        Signal("slow", "ratio", part="negative"),
        lambda get: rectified(-get("slow.ratio")).sum(1),
    ),
    "linked": (
        Signal("slow", "known", part="signed"),
        lambda get: get("memory.kept").sum(1),
    ),
    "lfp": (
        Signal.lfp_like(1),
        lambda get: sum(
            np.abs(get(path)).sum(1)
            for path in ("cells.drive", "cells.recurrent", "slow.below", "memory.kept")
        ),
    ),
    "lfp_of_cells": (
        Signal.lfp_like("cells"),
        lambda get: (np.abs(get("cells.drive")) + np.abs(get("cells.recurrent"))).sum(1),
    ),
    "filtered": (
        Signal("cells", "v", norm="rms", lowpass=TAU),
        lambda get: low_passed(np.sqrt((get("cells.v") ** 2).mean(1))),
    ),
    "faster_than_a_step": (
        Signal("cells", "v", lowpass=0.1 * ms),
        lambda get: low_passed(np.abs(get("cells.v")).sum(1), 0.1 * ms),
    ),
    "spikes": (
        Signal.spike_like("cells", "v", threshold=1 * mV),
        lambda get: low_passed(rectified(get("cells.v"), 1e-3).sum(1), 10 * ms),
    ),
}
MEASURED = {name: signal for name, (signal, _) in SIGNALS.items()}


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def bare(out):
    """The network that nothing is measured of."""
    return fs.run(model(), protocol(), seed=2, device="runtime", out=out)


@pytest.fixture(scope="module")
def measured(out):
    return fs.run(model(), protocol(MEASURED), seed=2, device="runtime", out=out)


def getter(traces):
    return lambda path: traces[path].values


@pytest.mark.parametrize("name", SIGNALS)
def test_a_signal_is_what_its_definition_makes_of_the_units(name, measured):
    traces = measured.traces("b")
    found, expected = traces[f"{name}.value"].values[:, 0], SIGNALS[name][1](getter(traces))
    assert len(found) == 10 * TOKENS and np.abs(expected).max() > 0
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12 * np.abs(expected).max())


def test_signals_have_units(measured):
    traces = measured.traces("b")
    assert traces["rms.value"].attrs["units"] == traces["cells.v"].attrs["units"] == repr(volt.dim)
    assert traces["squared.value"].attrs["units"] == repr((volt**2).dim)
    assert traces["weighted_apart.value"].attrs["units"] == repr((volt * Hz).dim)
    assert traces["computed.value"].attrs["units"] == "1"


def same(without, with_signals, block):
    """Everything that a network has is the same to the bit where it is measured as well."""
    states = without.state(block), with_signals.state(block)
    assert set(states[0]) < set(states[1])
    assert [n for n, v in states[0].items() if v.tobytes() != states[1][n].tobytes()] == []
    for kind in ("tokens", "traces"):
        ours, theirs = getattr(without, kind)(block), getattr(with_signals, kind)(block)
        for name in ours.data_vars:
            assert ours[name].values.tobytes() == theirs[name].values.tobytes(), name


def test_a_network_does_not_notice_that_it_is_measured(bare, measured):
    same(bare, measured, "b")


@pytest.mark.slow
@pytest.mark.compile
@pytest.mark.parametrize("device", ["dense", "dense64"])
def test_nor_does_fena_on_the_dense_device(device, tmp_path):
    """With noise, plasticity and self-paced tokens; in single precision as well."""
    probes = [fs.Probe("error_0", "error"), fs.Probe("precision_0", "precision")]
    signals = {
        "mmn": Signal("error_0", "error", weight="precision_0.precision"),
        "seen": Signal("state_1", "f", part="positive", norm="rms", lowpass=20 * ms),
        "lfp": Signal.lfp_like(1),
    }
    runs = [
        fs.run(
            tiny.model(sizes=(5,)),
            fs.Protocol(
                name="p",
                blocks=[tiny.block(n=5, probes=probes, pace=fs.SelfPaced(blank=10 * ms))],
                measured=given,
            ),
            device=device,
            out=tmp_path,
        )
        for given in ({}, signals)
    ]
    same(*runs, "learning")
    get = getter(runs[1].traces("learning"))
    expected = (
        np.abs(get("error_0.error").astype(float)).sum(1) * get("precision_0.precision")[:, 0]
    )
    tolerance = 1e-12 if device == "dense64" else 1e-5
    found = get("mmn.value")[:, 0]
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance * expected.max())


@pytest.mark.compile
def test_streams_side_by_side_have_signals_of_their_own(tmp_path):
    names = ("positive", "weighted", "weighted_apart", "of_level", "lfp", "filtered")
    given = protocol({name: MEASURED[name] for name in names}, batch=3)
    run = fs.run(model(batch=3), given, device="dense64", out=tmp_path)
    for one in run.streams:
        traces = one.traces("b")
        for name in names:
            expected = SIGNALS[name][1](getter(traces))
            np.testing.assert_allclose(
                traces[f"{name}.value"].values[:, 0],
                expected,
                rtol=1e-12,
                atol=1e-12 * np.abs(expected).max(),
            )


def test_a_low_pass_goes_on_through_chunks_and_blocks(out):
    blocks = [block("one"), block("two"), block("again", start_from="one")]
    given = protocol({"filtered": MEASURED["filtered"]}, blocks)
    run = fs.run(model(), given, device="runtime", out=out, chunk_tokens=4)
    before = {"one": 0.0}
    for name in ("one", "two", "again"):
        get = getter(run.traces(name))
        rms = np.sqrt((get("cells.v") ** 2).mean(1))
        expected = low_passed(rms, before=before.get(name, before.get("two")))
        np.testing.assert_allclose(get("filtered.value")[:, 0], expected, rtol=1e-12)
        if name == "one":
            before["two"] = before["again"] = expected[-1]


def test_what_no_probe_records_is_recorded_everywhere():
    blocks = [block("one"), block("two", probes=[fs.Probe("filtered", "value", interval=5 * ms)])]
    plan = Plan.of(
        model(), protocol({n: MEASURED[n] for n in ("filtered", "lfp")}, blocks), device="runtime"
    )
    probed = [[p.key for p in b.block.probes if p.key in MEASURED] for b in plan.blocks]
    assert probed == [["lfp"], ["filtered", "lfp"]]


@pytest.mark.parametrize("dt, interval", [(0.5, 1), (1, 1), (0.3, 0.3), (2, 2)])
def test_it_is_recorded_every_millisecond_where_steps_allow_that(dt, interval):
    declared = attrs.evolve(model(), dt=dt * ms)
    pace = fs.FixedPace(duration=12 * ms, blank=6 * ms)
    chosen = fs.Block(name="b", stream=stream(), pace=pace)
    plan = Plan.of(declared, protocol({"lfp": MEASURED["lfp"]}, [chosen]), device="runtime")
    (probe,) = plan.blocks[0].block.probes
    assert float(probe.interval / ms) == pytest.approx(interval)


# -- starting from runs with other signals ---------------------------------------------------------


def again(start, out, **signals):
    given = protocol(signals, [block("later")])
    return fs.run(model(), given, seed=2, device="runtime", out=out, start=(start, "b"))


def test_a_network_that_was_not_measured_is_measured_later(bare, measured, out):
    signals = {name: MEASURED[name] for name in ("filtered", "weighted", "negative")}
    plain = again(bare, out)
    for start in (bare, measured):
        same(plain, again(start, out, **signals), "later")
    get = getter(again(bare, out, **signals).traces("later"))
    for name in signals:  # the low-pass from its initial value on
        expected = SIGNALS[name][1](get)
        np.testing.assert_allclose(get(f"{name}.value")[:, 0], expected, rtol=1e-12)


def test_a_measured_network_goes_on_without_signals(bare, measured, out):
    ours, theirs = (again(start, out).state("later") for start in (bare, measured))
    assert {n: v.tobytes() for n, v in ours.items()} == {n: v.tobytes() for n, v in theirs.items()}


@pytest.mark.parametrize("alike", [True, False])
def test_a_signal_declared_alike_goes_on_and_another_starts_anew(alike, measured, out):
    signal = MEASURED["filtered"] if alike else attrs.evolve(MEASURED["filtered"], window=None)
    run = again(measured, out, filtered=signal)
    get = getter(run.traces("later"))
    before = float(measured.state("b")["filtered.value"][0]) if alike else 0.0
    assert before > 0 or not alike
    expected = low_passed(np.sqrt((get("cells.v") ** 2).mean(1)), before=before)
    np.testing.assert_allclose(get("filtered.value")[:, 0], expected, rtol=1e-12)


def test_a_state_of_another_model_stays_refused(tmp_path):
    given = protocol({"filtered": MEASURED["filtered"]}, [block(probes=())])
    run = fs.run(model(), given, device="runtime", out=tmp_path)
    extra = fs.Population(name="extra", size=1, equations="y : 1", initial=dict(y=1.0))
    fewer = [p for p in model().projections if p.name != "M"]
    for other, words in (
        (attrs.evolve(model(), populations=[*model().populations, extra]), "no 'extra"),
        (attrs.evolve(model(), projections=fewer), "has no 'M'"),
    ):
        for signals in ({}, {"filtered": MEASURED["filtered"]}, {"lfp": MEASURED["lfp_of_cells"]}):
            with pytest.raises(CheckpointError, match=words):
                Plan.of(other, protocol(signals), device="runtime", start=(run, "b"))


def test_a_population_of_the_model_is_no_signal(tmp_path):
    """A state with a population that a protocol has as a signal is of another model."""
    extra = fs.Population(name="extra", size=1, equations="y : 1", initial=dict(y=1.0))
    larger = attrs.evolve(model(), populations=[*model().populations, extra])
    run = fs.run(larger, protocol(probes=()), device="runtime", out=tmp_path)
    with pytest.raises(CheckpointError, match="no 'extra'"):
        Plan.of(model(), protocol({"extra": MEASURED["lfp"]}), device="runtime", start=(run, "b"))


# -- identity, manifest ----------------------------------------------------------------------------


def test_signals_are_part_of_a_runs_name():
    def name(**options):
        signal = Signal("cells", "v", **options) if options else None
        given = {} if signal is None else {"s": signal}
        # recorded alike, so that only the declaration differs
        return Plan.of(model(), protocol(given, probes=()), device="runtime").name

    options = [
        {},
        dict(part="both"),
        dict(part="signed"),
        dict(threshold=1 * mV),
        dict(weight="gain.g"),
        dict(norm="rms"),
        dict(window=(0 * ms, 100 * ms)),
        dict(baseline=(-20 * ms, 0 * ms)),
        dict(baseline=None),
        dict(lowpass=5 * ms),
    ]
    names = [name(**each) for each in options]
    assert len(set(names)) == len(names) and names[1] == name(part="both")


def test_what_measures_nothing_keeps_its_name():
    """The hash of what was declared before there were signals."""
    assert "measured" not in canonical(protocol())
    plain = protocol()
    assert Plan.of(model(), plain, device="runtime").protocol is plain


def test_a_run_tells_what_it_measured(measured, bare):
    assert bare.measured == {} and "measured" not in bare.manifest["protocol"]
    assert canonical(measured.measured) == canonical(MEASURED)
    words = measured.manifest["protocol"]["measured"]
    assert words["weighted"] == (
        "sum of the absolute value of cells.v, times gain.g; response: 0 to 250 ms against -50 to 0 ms"
    )
    assert "cells.drive, cells.recurrent, slow.below, memory.kept" in words["lfp"]
    assert not [key for key in measured.manifest["model"]["parameters"] if key.startswith("filter")]
    assert canonical(model()) == measured.manifest["inputs"]["model"]


# -- mistakes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: Signal("cells", "v", part="positve"), "did you mean 'positive'"),
        (lambda: Signal("cells", "v", norm="mean"), "mean square"),
        (lambda: Signal([], "v"), "at least one population"),
        (lambda: Signal({"cells", "slow"}, "v"), "order"),
        (lambda: Signal(1.5, "v"), "population is 1.5"),
        (lambda: Signal("cells", "v", threshold=-1 * mV), "threshold"),
        (lambda: Signal("cells", "v", threshold=np.nan), "threshold"),
        (lambda: Signal("cells", "v", threshold=1 * mV, part="signed"), "no threshold"),
        (lambda: Signal("cells", "v", weight="gain"), "weight"),
        (lambda: Signal("cells", "v", weight="a.b.c"), "weight"),
        (lambda: Signal("cells", "v", window=(1 * ms, 0 * ms)), "window"),
        (lambda: Signal("cells", "v", window=(0, 1)), "not two times"),
        (lambda: Signal("cells", "v", baseline=(0 * ms,)), "baseline"),
        (lambda: Signal("cells", "v", baseline=(-np.inf * ms, 0 * ms)), "does not end"),
        (lambda: Signal("cells", "v", lowpass=0 * ms), "positive"),
        (lambda: Signal("cells", "v", lowpass=3.0), "time"),
        (lambda: protocol({"a b": Signal("cells", "v")}), "identifier"),
        (lambda: protocol({"s": "cells.v"}), "Signal"),
    ],
)
def test_a_wrong_declaration_is_refused(make, words):
    with pytest.raises(FenaError, match=words) as caught:
        make()
    assert caught.value.where and caught.value.fix


@pytest.mark.parametrize(
    "name, signal, words",
    [
        ("s", Signal("cels", "v"), "did you mean 'cells'"),
        ("s", Signal("cells", "u"), "no variable 'u'"),
        ("s", Signal(7, "v"), "no level 7"),
        ("s", Signal(0, "v"), "level 0 declares 'v'"),
        ("s", Signal("cells", "v", threshold=1.0), "other units"),
        ("s", Signal("cells", "v", weight="gain.h"), "no variable 'h'"),
        ("s", Signal("cells", "v", weight="senses.x"), "has 3 units, 'cells' has 5"),
        ("s", Signal(["cells", "gains"], "v"), "no variable 'v'"),
        ("s", Signal(["slow", "senses"], "synaptic inputs", weight="gains.g"), "5 units"),
        ("s", Signal("gain", "synaptic inputs"), "no projection sums"),
        ("s", Signal.lfp_like(0), "role state or error"),
        ("cells", Signal("cells", "v"), "taken"),
        ("W", Signal("cells", "v"), "taken"),
        ("streams", Signal("cells", "v"), "taken"),
        ("pacemaker", Signal("cells", "v"), "taken"),
    ],
)
def test_what_a_model_has_not_is_refused_before_anything_is_built(name, signal, words):
    with pytest.raises(FenaError, match=words) as caught:
        Plan.of(model(), protocol({name: signal}), device="runtime")
    assert repr(name) in caught.value.where and caught.value.fix


def test_inputs_of_different_units_are_refused():
    other = fs.Population(name="other", size=3, level=2, role="error", equations="x : 1\ny : volt")
    sums = [
        fs.Projection(
            name="A", source="senses", target="other", equations="x_post = x_pre : 1 (summed)"
        ),
        fs.Projection(
            name="B", source="slow", target="other", equations="y_post = v_pre : volt (summed)"
        ),
    ]
    declared = model()
    declared = attrs.evolve(
        declared,
        populations=[*declared.populations, other],
        projections=[*declared.projections, *sums],
    )
    with pytest.raises(FenaError, match="different units"):
        Plan.of(declared, protocol({"s": Signal.lfp_like(2)}), device="runtime")


def test_signals_cannot_have_the_names_of_parts_of_each_other():
    with pytest.raises(FenaError, match="taken by 's_units_of_cells_v'"):
        given = protocol({"s": Signal("cells", "v"), "s_units_of_cells_v": Signal("slow", "v")})
        Plan.of(model(), given, device="runtime")


def test_a_notebook_shows_them():
    shown = protocol({"mmn": Signal(["cells", "slow"], "v", weight="gain.g")})._repr_html_()
    assert all(word in shown for word in ("Measured signals", "mmn", "cells", "gain.g"))
    assert "Measured" not in protocol()._repr_html_()


def test_a_probe_of_something_else_cannot_have_a_signals_name():
    probes = [fs.Probe("cells", "v", name="s")]
    with pytest.raises(FenaError, match="'s'"):
        Plan.of(model(), protocol({"s": Signal("cells", "v")}, probes=probes), device="runtime")
