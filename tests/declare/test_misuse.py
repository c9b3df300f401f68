"""Arguments of a wrong type or value, in Python. Oracle: the contract that every argument of the public
constructors and functions is taken or refused with a FenaError that has what, where and fix; no other
exception, and no hang. What is taken can be hashed and printed. Hypothesis puts odd values in the place
of each argument.
"""

from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import handmade
import numpy as np
import pandas as pd
import pytest
import tiny
import xarray as xr
from brian2 import Hz, Quantity, ms, mV, second
from hypothesis import given
from hypothesis import strategies as st
from misuse import ended_if_it_hangs, examples

import fena_sim as fs
from fena_sim import epochs, measure, stimulus
from fena_sim.declare.canonical import canonical, digest
from fena_sim.declare.protocol.timeline import timeline
from fena_sim.errors import FenaError
from fena_sim.runs.plan import Plan

#: What a run's name is a hash of.
HASHED = (
    fs.Population,
    fs.Projection,
    fs.Hierarchy,
    fs.Settling,
    fs.Readout,
    fs.Normal,
    fs.Uniform,
)
HASHED += (fs.Block, fs.EventPace, fs.FixedPace, fs.SelfPaced, fs.Probe, fs.Protocol)
ABC = stimulus.one_hot("abcd")
STREAM = stimulus.TokenStream.from_list("abcabc", ABC)
GRAMMAR = stimulus.MotifGrammar()


def population(**given):
    equations = "dv/dt = (y - v)/tau : 1\ny : 1\nrate : Hz"
    return fs.Population(**{"name": "a", "size": 4, "equations": equations, **given})


def projection(**given):
    given = {"name": "aa", "source": "a", "target": "a", "equations": "w : 1", **given}
    return fs.Projection(**given)


def model(**given):
    given = {"name": "m", "populations": [population(parameters={"tau": 5 * ms})], **given}
    return fs.Hierarchy(**given)


def laid_out(**given):
    """A block, and its timeline."""
    block = fs.Block(**{"name": "b", "stream": STREAM, **given})
    timeline(block, 1 * ms)
    return block


def paced(kind, **given):
    pace = kind(**given)
    laid_out(pace=pace)
    return pace


def probed(**given):
    probe = fs.Probe(**given)
    probe.check(model(projections=[projection()]), "here")
    return probe


#: Everything that a declaration is made with: {name: (function, valid arguments)}.
DECLARED = {
    "Population": (
        population,
        dict(
            name="p",
            size=3,
            equations="dv/dt = (y - v)/tau : 1\ny : 1",
            parameters={"tau": 5 * ms},
            initial={"v": 1.0},
            links={"z": "q.y"},
            on={},
            threshold="v > 1",
            reset="v = 0",
            refractory=2 * ms,
            method="euler",
            clock=2 * ms,
            order=1,
            level=1,
            role="state",
            meanings={"tau": "time constant"},
        ),
    ),
    "Projection": (
        projection,
        dict(
            name="pq",
            source="p",
            target="q",
            equations="w : 1",
            plasticity=None,
            on_pre="v_post += w",
            on_post="w += 1",
            connect="all",
            delay=2 * ms,
            initial={"w": 0.5},
            parameters={"eta": 1.0},
            meanings={},
        ),
    ),
    "Plasticity": (
        fs.Plasticity,
        dict(
            equations="dw/dt = eta*v_post : 1",
            on_pre="w += 1",
            on_post=None,
            clock=4 * ms,
            parameters={"eta": 1 / ms},
            meanings={},
        ),
    ),
    "Hierarchy": (
        model,
        dict(
            name="m",
            populations=[population(parameters={"tau": 5 * ms})],
            projections=[projection()],
            dt=1 * ms,
            settling=None,
            readouts=[fs.Readout(name="v", variables=["a.v"], when="last")],
            likelihood=fs.Gaussian(),
            batch=1,
            description="",
            reference="",
        ),
    ),
    "Settling": (
        fs.Settling,
        dict(populations=["a"], variable="v", tolerance=1 * Hz),
    ),
    "Hierarchy(settling)": (
        lambda **given: model(settling=fs.Settling(**given)),
        dict(populations=["a"], variable="rate", tolerance=1 * Hz),
    ),
    "Readout": (
        fs.Readout,
        dict(name="v", variables=["a.v"], when="last", scale=2.0, meaning="something"),
    ),
    "Parameter": (fs.Parameter, dict(value=3 * ms, meaning="time constant")),
    "Normal": (fs.Normal, dict(sd=1.0, mean=0.0)),
    "Uniform": (fs.Uniform, dict(low=0.0, high=1.0)),
    "with_parameter": (model().with_parameter, dict(key="tau", value=3 * ms)),
    "FixedPace(blank)": (
        lambda **given: paced(fs.FixedPace, **given),
        dict(duration=40 * ms, blank=12 * ms),
    ),
    "FixedPace(onset_asynchrony)": (
        lambda **given: paced(fs.FixedPace, **given),
        dict(duration=np.full(6, 40) * ms, onset_asynchrony=60 * ms),
    ),
    "FixedPace(drawn)": (
        lambda **given: paced(fs.FixedPace, **given),
        dict(duration=40 * ms, onset_asynchrony=fs.Uniform(50 * ms, 70 * ms), seed=1),
    ),
    "EventPace": (
        lambda **given: paced(fs.EventPace, **given),
        dict(
            onset=np.arange(6) * 100 * ms,
            duration=np.full(6, 40) * ms,
            pause=20 * ms,
            rounding="nearest",
        ),
    ),
    "SelfPaced": (
        lambda **given: paced(fs.SelfPaced, **given),
        dict(blank=12 * ms, longest=40 * ms, shortest=4 * ms, hold=2 * ms),
    ),
    "Block": (
        laid_out,
        dict(
            name="b",
            stream=STREAM,
            pace=fs.FixedPace(),
            controls={"gate": 1.0},
            probes=[fs.Probe("a", "v")],
            start_from=None,
            omission_gate=0.5,
        ),
    ),
    "Block(controls)": (
        lambda **given: laid_out(controls=given),
        dict(gate=1.0, temperature=0.1, plasticity_gain=np.ones(6), precision_gain=2),
    ),
    "Probe": (
        probed,
        dict(population="a", variables="v", interval=1 * ms, window=(-1 * ms, 2 * ms)),
    ),
    "Probe of synapses": (
        probed,
        dict(
            population="aa",
            variables="w",
            every=3,
            units=[0, 1],
            source=[0, 1],
            target=[0],
            summary="histogram",
            bins=np.linspace(-1, 1, 3),
            name="spread",
        ),
    ),
    "Signal": (
        lambda **given: fs.Protocol(
            name="p",
            blocks=[fs.Block(name="b", stream=STREAM)],
            measured={"s": fs.Signal(**given)},
        ),
        dict(
            population=["a"],
            variable="v",
            part="positive",
            threshold=0.1,
            weight="a.v",
            norm="rms",
            window=(0 * ms, 9 * ms),
            baseline=(-5 * ms, 0 * ms),
            lowpass=5 * ms,
        ),
    ),
    "Signal in a plan": (
        lambda **given: Plan.of(
            model(),
            fs.Protocol(
                name="p",
                blocks=[fs.Block(name="b", stream=STREAM)],
                measured={"s": fs.Signal(**given)},
            ),
            device="runtime",
        ),
        dict(population="a", variable="v", threshold=0.1, weight="a.v", lowpass=5 * ms),
    ),
    "Protocol": (
        fs.Protocol,
        dict(
            name="p",
            blocks=[fs.Block(name="b", stream=STREAM)],
            measured_signal="v",
            measured={"s": fs.Signal("a", "v")},
            description="",
            options={"n": 3},
        ),
    ),
    "Vocabulary": (stimulus.Vocabulary, dict(symbols="ab", codes=np.eye(2), kind="one_hot")),
    "one_hot": (stimulus.one_hot, dict(symbols="ab")),
    "dense_random": (stimulus.dense_random, dict(symbols="ab", units=3, seed=0)),
    "graded": (stimulus.graded, dict(symbols="ab", units=3, sd=1.0)),
    "TokenStream": (stimulus.TokenStream, dict(vocabulary=ABC, events=STREAM.events)),
    "from_list": (
        stimulus.TokenStream.from_list,
        dict(tokens=["a", None], vocabulary=ABC, role=["x", "y"]),
    ),
    "from_ids": (
        stimulus.TokenStream.from_ids,
        dict(tokens=[0, -1], vocabulary=ABC, role=np.array([1, 2])),
    ),
    "from_events": (
        lambda **given: laid_out(stream=stimulus.TokenStream.from_events(**given)),
        dict(
            table={"t": [0.5, 1.0], "s": ["a", "b"], "d": [0.2, 0.2], "role": ["x", "y"]},
            symbol="s",
            onset="t",
            duration="d",
            vocabulary=ABC,
            omitted="b",
            labels=["role"],
            unit=second,
            start=0 * second,
            pause=10 * ms,
            rounding="nearest",
        ),
    ),
    "concat": (stimulus.TokenStream.concat, dict(streams=[STREAM, STREAM])),
    "a slice": (lambda part: STREAM[part], dict(part=slice(2))),
    "text": (
        stimulus.text,
        dict(path=None, characters=20, vocabulary=None, max_symbols=30, fold=True),
    ),
    "MotifGrammar": (
        stimulus.MotifGrammar,
        dict(
            vocabulary=ABC,
            motifs=["ab", "cd", "bc"],
            held_out_pairs=[(0, 1)],
            p_class=0.9,
            p_index=0.8,
        ),
    ),
    "training": (GRAMMAR.training, dict(n=20, seed=0)),
    "held_out": (GRAMMAR.held_out, dict(n=20, seed=0)),
    "transitions": (GRAMMAR.transitions, dict(held_out=True)),
    **{
        name: (
            getattr(stimulus, name),
            dict(
                standard="a",
                deviant="b",
                n=20,
                p_deviant=0.1,
                seed=0,
                vocabulary=ABC,
                min_standards=2,
            ),
        )
        for name in ("oddball", "flip_flop")
    },
    "many_standards": (
        stimulus.many_standards,
        dict(tokens="abc", n=20, seed=0, vocabulary=ABC),
    ),
    "cascade": (stimulus.cascade, dict(tokens="abc", n=20, vocabulary=ABC, descending=True)),
    "omissions": (stimulus.omissions, dict(stream=STREAM, p=0.1, seed=0, min_gap=1)),
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run with everything that measures and epochs read, of 30 tokens."""
    n, level = 30, ("event", "level")
    rng = np.random.default_rng(0)
    onsets, tokens = 0.05 * np.arange(n), np.arange(n) % 4
    events = handmade.events(onsets, tokens, role="standard", position=tokens, motif=0, novel=False)
    recorded = handmade.traces(1e-3, state_1__r=rng.normal(size=(1500, 2)))
    levels = {name: (level, rng.uniform(1, 2, (n, 2))) for name in ("error", "onset_error")}
    levels |= {name: (level, rng.uniform(1, 2, (n, 2))) for name in ("precision", "settled_error")}
    kept = xr.Dataset(
        {
            **levels,
            "prediction": (("event", "unit"), rng.normal(size=(n, 4))),
            "iterations": ("event", rng.integers(1, 40, n)),
            "steps": ("event", np.full(n, 40)),
        },
        attrs={"level_sizes": [4, 3]},
    )
    names = ("training", "familiar", "untrained", "held_out")
    blocks = {name: (events, recorded, kept) for name in names}
    return handmade.write(tmp_path_factory.mktemp("run") / "r", blocks)


@pytest.fixture(scope="module")
def measured(run):
    """{name: (function, valid arguments)} of what is measured of a run."""
    cut = epochs.epochs(run, "training", "state_1.r", (-5 * ms, 20 * ms))
    one, binned = dict(run=run, block="training"), dict(run=run, block="training", bins=5)
    wave = dict(run=run, block="training", variable="state_1.r")
    window, baseline = (-5 * ms, 20 * ms), (-5 * ms, 0 * ms)
    of_run = {
        name: (getattr(measure, name), one)
        for name in ("level_errors", "error_course", "settling_iterations", "share_at_cap")
        + ("token_scores", "free_energy", "free_energy_trace", "trapped")
    }
    of_bins = {
        name: (getattr(measure, name), binned)
        for name in ("error_curve", "precision_curve", "halfway_token", "settling_curve")
        + ("energy_curve",)
    }
    return {
        **of_run,
        **of_bins,
        "mean_errors": (measure.mean_errors, dict(one, mask=np.ones(30, dtype=bool))),
        "accuracy": (measure.accuracy, dict(one, mask=np.ones(30, dtype=bool))),
        "bits": (measure.bits, dict(one, mask=None, training="training")),
        "surprisal": (measure.surprisal, dict(one, training="training")),
        "error_ratio": (measure.error_ratio, dict(run=run, trained="familiar")),
        "generalisation": (measure.generalisation, dict(run=run, held_out="held_out")),
        "collapsed_levels": (measure.collapsed_levels, dict(one, share=0.1, window=5)),
        "token_states": (measure.token_states, dict(one, level=1)),
        "mismatch": (measure.mismatch, dict(run=run, oddball="training", flip_flop="familiar")),
        "error_response": (
            measure.error_response,
            dict(one, window=window, baseline=baseline, weighted=False, mask=None),
        ),
        "response": (measure.response, dict(one, signal="s", by="role")),
        "depression": (
            measure.depression,
            dict(one, recovery=1 * second, use=0.5, overlap=1.0),
        ),
        "error_series": (measure.error_series, dict(one, given=["motif"])),
        "across_token_spectrum": (measure.across_token_spectrum, dict(one, given=["motif"])),
        "settling_at": (measure.settling_at, dict(one, tolerances=[1 * Hz])),
        "summarise": (measure.summarise, dict(values=[1.0, 2.0])),
        "paired": (measure.paired, dict(a=[1.0, 2.0], b=[2.0, 2.0])),
        "share": (measure.share, dict(successes=[True, False])),
        "presented": (measure.presented, dict(events=run.events("training"))),
        "inside_motif": (measure.inside_motif, dict(events=run.events("training"), novel=True)),
        "epochs": (
            epochs.epochs,
            dict(wave, window=window, baseline=baseline, by="role", lock="onset"),
        ),
        "average": (epochs.average, dict(cut=cut, signal="mean", baseline=baseline)),
        "evoked": (
            epochs.evoked,
            dict(runs=[run], block="training", variable="state_1.r", window=window, signal="mean"),
        ),
        "spectrum": (epochs.spectrum, dict(wave, segment=64 * ms)),
        "autocorrelation": (epochs.autocorrelation, dict(wave, longest=50 * ms)),
        "open_run": (fs.open_run, dict(folder=run.folder)),
        "plan": (
            Plan.of,
            dict(
                model=model(),
                protocol=fs.Protocol(name="p", blocks=[fs.Block(name="b", stream=STREAM)]),
                seed=1,
                device="runtime",
                start=None,
                chunk_tokens=2,
            ),
        ),
        "load_model": (lambda path, **given: fs.load_model(path, **given), dict(path=tiny.MODEL)),
    }


#: What the run does not hold. They are refused, after what is given.
OF_OTHER_RUNS = (
    "error_course",
    "free_energy",
    "free_energy_trace",
    "energy_curve",
    "generalisation",
)
OF_OTHER_RUNS += (
    "token_states",
    "mismatch",
    "error_response",
    "response",
    "across_token_spectrum",
    "settling_at",
)


class Unprintable:
    def __repr__(self):
        raise RuntimeError("no repr")


class NoArray:
    def __array__(self, *args, **kwargs):
        raise RuntimeError("no array")

    def __iter__(self):
        raise RuntimeError("no iterator")


#: Functions, because iterators serve once.
ODD = [
    *map(lambda v: lambda: v, [None, True, 0, -1, 1, 3, 2.5, -0.0, np.nan, np.inf, -np.inf]),
    *map(lambda v: lambda: v, [10**30, -(10**30), 10**400, 2**63, 1e308, 5e-324, 1j, np.int8(3)]),
    *map(
        lambda v: lambda: v, ["", " ", "a", "48 ms", "\0", "\udc80", "a.b.c", "x" * 500, "é", b"a"]
    ),
    *map(lambda v: lambda: v, [[], (), {}, [1], ["a"], [None], [[1, 2], [3]], {"a": 1}, {3: 4}]),
    *map(lambda v: lambda: v, [{"tau": 3}, {"v": "x"}, {"v": None}, {"gate": [1, "a"]}, [b"a"]]),
    *map(lambda v: lambda: v, [1 * ms, 0 * ms, -1 * ms, np.inf * ms, 1e300 * second, 3 * mV]),
    *map(lambda v: lambda: v, [[1, 2] * ms, [] * ms, np.full(6, 7) * ms, Quantity(2.0), [1 * ms]]),
    *map(lambda v: lambda: v, [(1 * ms, 2 * mV), (2 * ms, 1 * ms), [1 * ms] * 3, (1, 2), (-5, 5)]),
    *map(lambda v: lambda: v, [np.array(3), np.array("a"), np.array([]), np.eye(3), np.ones(6)]),
    *map(
        lambda v: lambda: v, [np.array([1j]), np.array([None]), np.array(["a"]), np.zeros((2, 0))]
    ),
    *map(
        lambda v: lambda: v, [np.float32(0.5), np.bool_(True), np.datetime64("2020"), np.str_("a")]
    ),
    *map(lambda v: lambda: v, [np.full(6, np.nan), np.arange(6), np.array([True] * 6)]),
    *map(lambda v: lambda: v, [Fraction(1, 3), Decimal("0.5"), Path("nowhere"), slice(None), ...]),
    *map(lambda v: lambda: v, [len, int, object(), Exception("x"), fs, np.nan * mV, range(3)]),
    *map(
        lambda v: lambda: v, [STREAM, ABC, fs.Gaussian(), fs.FixedPace(), fs.Normal(1.0), [STREAM]]
    ),
    *map(lambda v: lambda: v, [Unprintable(), [Unprintable()], NoArray(), [NoArray()]]),
    *map(lambda v: lambda: v, [SimpleNamespace(), SimpleNamespace(events=3), {"a": Unprintable()}]),
    *map(
        lambda v: lambda: v, [pd.DataFrame(), pd.Series([1.0]), xr.DataArray([1.0]), pd.NA, {1, 2}]
    ),
    lambda: iter([1]),
    lambda: (letter for letter in "ab"),
    lambda: lambda t: t,
    lambda: lambda t: 1,
]
odd = st.one_of(
    st.sampled_from(ODD).map(lambda make: make()),
    st.recursive(
        st.sampled_from(ODD).map(lambda make: make()) | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.tuples(inner, inner)
            | st.dictionaries(st.text(max_size=3), inner, max_size=2)
        ),
        max_leaves=4,
    ),
)


def taken_or_refused(function, given):
    with ended_if_it_hangs(), np.errstate(all="ignore"):
        try:
            made = function(**given)
            if isinstance(made, HASHED):
                digest(canonical(made))
                repr(made), str(made)
        except FenaError as error:
            assert error.what and error.where and error.fix, error
            assert len(str(error)) < 2000
            repr(str(error).encode("utf-8", "surrogatepass"))


def misuse(table, draw):
    """A function with one or two of its arguments replaced."""
    function, valid = table[draw(st.sampled_from(sorted(table)))]
    wrong = draw(st.lists(st.sampled_from(sorted(valid)), min_size=1, max_size=2, unique=True))
    return function, {**valid, **{name: draw(odd) for name in wrong}}


@examples(120)
@given(data=st.data())
def test_declarations(data):
    taken_or_refused(*misuse(DECLARED, data.draw))


@examples(60)
@given(data=st.data())
def test_measures_and_runs(measured, data):
    taken_or_refused(*misuse(measured, data.draw))


@pytest.mark.slow
@examples(1400)
@given(data=st.data())
def test_many_declarations(data):
    taken_or_refused(*misuse(DECLARED, data.draw))


@pytest.mark.slow
@examples(600)
@given(data=st.data())
def test_many_measures_and_runs(measured, data):
    taken_or_refused(*misuse(measured, data.draw))


@pytest.mark.parametrize("name", DECLARED)
def test_what_they_are_made_with_is_valid(name):
    function, valid = DECLARED[name]
    if name != "Projection":  # its parts are valid, though not all at once
        function(**valid)


def test_what_is_measured_is_valid(measured):
    for name, (function, valid) in measured.items():
        if name in OF_OTHER_RUNS:
            with pytest.raises(FenaError):
                function(**valid)
        else:
            function(**valid)
