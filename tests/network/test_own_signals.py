"""Oracle: signals laid out by hand in NumPy, and leaky integrators of them in NumPy; stationary
moments of Ornstein-Uhlenbeck noise in closed form; the documented contract for Poisson counts, whose
distribution has tests of its own. Chunks of any length give the same bytes.
"""

import attrs
import numpy as np
import pytest
import tiny
from brian2 import Hz, TimedArray, amp, ms, nA, second

import fena_sim as fs
from fena_sim.declare.canonical import canonical
from fena_sim.declare.protocol.course import NoiseCourse
from fena_sim.errors import DeclarationError, FenaError, ProtocolError, UnitError, UnknownNameError
from fena_sim.runs.plan import Plan
from fena_sim.runs.resources import table_bytes
from fena_sim.show.report.blocks import block_rows
from fena_sim.stimulus import TokenStream, one_hot

UNITS, TOKENS = 3, 5
VOCABULARY = one_hot(["a", "b"])
PACE = fs.FixedPace(duration=7 * ms, blank=3 * ms)
STEPS = TOKENS * 10
T = np.arange(STEPS) * 1e-3


def model(batch=1, **signals):
    """A population that records what it gets, and one that integrates it through synapses."""
    signals = signals or {"drive": 0.5}
    seen = "\n".join(
        f"seen_{name} = {name} : {'1' if not hasattr(v, 'dim') else 'amp'} (constant over dt)"
        for name, v in signals.items()
    )
    source = fs.Population(
        name="source", size=UNITS, equations=f"dx/dt = (1 - x)/(5*ms) : 1\n{seen}", signals=signals
    )
    return fs.Hierarchy(name="m", populations=[source], batch=batch)


def stream(n=TOKENS):
    return TokenStream.from_ids(np.arange(n) % 2, VOCABULARY)


def protocol(pace=PACE, tokens=TOKENS, block=None, **options):
    names = [f"seen_{name}" for name in options.get("signals") or block or {"drive": 0}]
    chosen = fs.Block(
        name="b",
        stream=stream(tokens),
        pace=pace,
        probes=[fs.Probe("source", names, interval=1 * ms)],
        signals=block or {},
    )
    return fs.Protocol(name="p", blocks=[chosen], **options)


def seen(declared, given, out, name="drive", device="runtime", **options):
    """What the source saw at each step: (steps, units)."""
    run = fs.run(declared, given, device=device, out=out, **options)
    return run.traces("b")[f"source.seen_{name}"].values


def row(n):
    """Token number of each step."""
    return np.repeat(np.arange(n), 10)


FRAMES = np.arange(12.0).reshape(4, UNITS)
SOUND = np.array([1.0, -2.0, 5.0])
BY_TOKEN = np.array([0.5, 1.0, -1.0, 2.0, 3.0])
GIVEN = {
    "default": (None, np.full((STEPS, UNITS), 0.5)),
    "number": (2.0, np.full((STEPS, UNITS), 2.0)),
    "by token": (BY_TOKEN, np.tile(BY_TOKEN[row(TOKENS)][:, None], UNITS)),
    "by token and unit": (
        np.outer(BY_TOKEN, [1, 2, 3]),
        np.outer(BY_TOKEN, [1, 2, 3])[row(TOKENS)],
    ),
    "by unit": (np.array([[1.0, 2.0, 3.0]]), np.tile([1.0, 2.0, 3.0], (STEPS, 1))),
    "function": (
        lambda t: np.sin(t / (3 * ms)),
        np.tile(np.sin(T / 3e-3)[:, None], UNITS),
    ),
    "constant function": (lambda t: 4.0, np.full((STEPS, UNITS), 4.0)),
    "sound": (
        TimedArray(SOUND, dt=7 * ms),
        np.tile(SOUND[np.minimum(np.arange(STEPS) // 7, 2)][:, None], UNITS),
    ),
    "movie": (TimedArray(FRAMES, dt=11 * ms), FRAMES[np.minimum(np.arange(STEPS) // 11, 3)]),
}


@pytest.mark.parametrize("given", GIVEN)
def test_populations_see_what_the_protocol_gives(given, tmp_path):
    value, expected = GIVEN[given]
    signals = {} if value is None else {"drive": value}
    found = seen(model(), protocol(signals=signals), tmp_path)
    np.testing.assert_allclose(found, expected, rtol=1e-14)


@pytest.mark.compile
@pytest.mark.parametrize("device", ["dense64", "cpp", "dense"])
def test_devices_see_the_same(device, tmp_path):
    """All kinds in one network."""
    names = {"of_" + given.replace(" ", "_"): pair for given, pair in GIVEN.items()}
    signals = {name: value for name, (value, _) in names.items() if value is not None}
    declared = model(**dict.fromkeys(names, 0.5))
    run = fs.run(declared, protocol(signals=signals), device=device, out=tmp_path, chunk_tokens=2)
    for name, (value, expected) in names.items():
        if value is not None:
            found = run.traces("b")[f"source.seen_{name}"].values
            np.testing.assert_allclose(found, expected, rtol=1e-6 if device == "dense" else 1e-14)


def test_a_function_is_not_asked_for_what_comes_after_the_block(tmp_path):
    """Nor before it: e.g. one that interpolates, and refuses to extrapolate."""
    asked = []

    def course(t):
        asked.append(np.asarray(t))
        assert t.min() >= 0 * ms and t.max() <= (STEPS - 1) * ms
        return np.interp(np.asarray(t), T, T)

    for chunk in (2, TOKENS):
        found = seen(
            model(), protocol(signals={"drive": course}), tmp_path / str(chunk), chunk_tokens=chunk
        )
        np.testing.assert_allclose(found[:, 0], T, atol=1e-15)
    assert asked


def test_a_block_gives_its_own(tmp_path):
    given = protocol(signals={"drive": 3.0}, block={"drive": 4.0})
    assert (seen(model(), given, tmp_path) == 4.0).all()


def test_blocks_may_give_signals_of_different_kinds(tmp_path):
    """The state goes on from one to the next: x = 1 - exp(-t/5 ms), by Euler steps."""
    kinds = [fs.PoissonSpikes(100 * Hz), TimedArray(FRAMES, dt=3 * ms), 2.0, None]
    blocks = [
        fs.Block(
            name=f"b{number}",
            stream=stream(1),
            pace=PACE,
            probes=[fs.Probe("source", ["x", "seen_drive"])],
            signals={} if given is None else {"drive": given},
        )
        for number, given in enumerate(kinds)
    ]
    run = fs.run(model(), fs.Protocol(name="p", blocks=blocks), device="runtime", out=tmp_path)
    traces = [run.traces(block.name) for block in blocks]
    x = np.concatenate([part["source.x"].values for part in traces])
    expected = 1 - 0.8 ** np.arange(10 * len(kinds))
    np.testing.assert_allclose(x, np.repeat(expected[:, None], UNITS, axis=1), atol=1e-12)
    spikes, frames, number, default = (part["source.seen_drive"].values for part in traces)
    np.testing.assert_array_equal(spikes, np.rint(spikes))
    np.testing.assert_array_equal(frames, FRAMES[np.arange(10) // 3])
    np.testing.assert_array_equal(number, 2.0)
    np.testing.assert_array_equal(default, 0.5)


def test_signals_have_units(tmp_path):
    declared = model(current=1 * nA)
    given = protocol(signals={"current": lambda t: t / second * amp})
    np.testing.assert_allclose(seen(declared, given, tmp_path, "current")[:, 0], T, atol=1e-15)


def test_time_is_that_of_the_block_at_any_pace(tmp_path):
    """Two blocks, of which the second is self-paced: the time of the function and of the samples is
    that since its own start, whatever the tokens take.
    """
    pace = fs.SelfPaced(blank=3 * ms, shortest=2 * ms, longest=20 * ms)
    settling = fs.Settling(populations=["source"], variable="rate", tolerance=0.05 / ms)
    source = fs.Population(
        name="source",
        size=UNITS,
        equations="""dx/dt = rate : 1
                     rate = (presenting - x)/(5*ms) : hertz
                     seen_drive = drive : 1 (constant over dt)""",
        signals={"drive": 0.0, "movie": 0.0},
    )
    declared = fs.Hierarchy(name="m", populations=[source], settling=settling)
    given = protocol(pace, 9, signals={"drive": lambda t: t / second})
    first = attrs.evolve(given.blocks[0], name="first", pace=PACE)
    given = attrs.evolve(given, blocks=[first, *given.blocks])
    for chunk in (2, 9):
        run = fs.run(declared, given, device="runtime", out=tmp_path, chunk_tokens=chunk)
        found = run.traces("b")
        t = found["time"].values
        assert len(t) != 9 * 23, "the comparison needs tokens that leave early"
        np.testing.assert_allclose(found["source.seen_drive"].values[:, 0], t, atol=1e-12)


@pytest.mark.parametrize("chunk", [1, 2, 50])
def test_chunks_leave_no_trace(chunk, tmp_path):
    noise = fs.OrnsteinUhlenbeck(sd=0.3, tau=4 * ms, seed=5)
    signals = {
        "wander": noise,
        "spikes": fs.PoissonSpikes(100 * Hz, sources=7),
        "regular": fs.RegularSpikes(period=9 * ms, shift=[0, 1, 2] * ms),
        "movie": TimedArray(FRAMES, dt=11 * ms),
    }
    declared = model(**dict.fromkeys(signals, 0.0))
    whole, cut = (
        fs.run(
            declared, protocol(signals=signals), device="runtime", out=tmp_path / name, **options
        ).traces("b")
        for name, options in (("whole", {}), ("cut", {"chunk_tokens": chunk}))
    )
    for name in signals:
        values = whole[f"source.seen_{name}"].values
        np.testing.assert_array_equal(values, cut[f"source.seen_{name}"].values)
        assert len(np.unique(values)) > 1


def test_noise_has_its_moments():
    """Of 200,000 steps: mean, standard deviation, and autocorrelation exp(-lag/tau)."""
    source = fs.OrnsteinUhlenbeck(sd=2.0, tau=20 * ms, mean=1.0, seed=3)
    values = NoiseCourse(source, 1 * ms, 2, "drive").at(0, 200_000)
    np.testing.assert_allclose(values.mean(axis=0), 1.0, atol=0.15)
    np.testing.assert_allclose(values.std(axis=0), 2.0, rtol=0.04)
    for lag in (1, 20, 60):
        found = [np.corrcoef(v[:-lag], v[lag:])[0, 1] for v in values.T]
        np.testing.assert_allclose(found, np.exp(-lag / 20), atol=0.04)
    assert abs(np.corrcoef(values.T)[0, 1]) < 0.05, "units are independent"
    other = NoiseCourse(source, 1 * ms, 2, "other").at(0, 200_000)
    assert abs(np.corrcoef(values[:, 0], other[:, 0])[0, 1]) < 0.05, "and so are signals"


def test_noise_of_any_stretch_is_the_same():
    course = NoiseCourse(fs.OrnsteinUhlenbeck(sd=1.0, tau=300 * ms), 1 * ms, 1, "drive")
    whole = course.at(0, 30_000)
    for start, stop in ((0, 1), (11_999, 12_001), (5, 25_000), (29_000, 30_000)):
        np.testing.assert_array_equal(course.at(start, stop), whole[start:stop])
    # Pages join: no step is larger than those of the process, whose deviation is sqrt(1 - decay^2).
    longer, decay = course.at(0, 150_000)[:, 0], np.exp(-1 / 300)
    steps = (longer[1:] - decay * longer[:-1]) / np.sqrt(1 - decay**2)
    assert np.abs(steps).max() < 6 and abs(steps.std() - 1) < 0.02


def test_spikes_arrive_when_they_should(tmp_path):
    signals = {
        "regular": fs.RegularSpikes(period=9 * ms, shift=[0, 1, 2] * ms),
        "times": fs.SpikeTimes([2, 0, 2, 2], [3, 7, 3.4, 900] * ms),
    }
    declared = model(**dict.fromkeys(signals, 0.0))
    given = protocol(signals=signals)
    run = fs.run(declared, given, device="runtime", out=tmp_path, chunk_tokens=2)
    expected = np.zeros((STEPS, UNITS))
    for unit in range(UNITS):
        expected[unit::9, unit] = 1
    np.testing.assert_array_equal(run.traces("b")["source.seen_regular"], expected)
    expected = np.zeros((STEPS, UNITS))
    expected[3, 2], expected[7, 0] = 2, 1
    np.testing.assert_array_equal(run.traces("b")["source.seen_times"], expected)


def test_poisson_rates_follow_what_is_given(tmp_path):
    """4 tokens of 1 s, 20 sources at rates by token: counts within four standard deviations."""
    rates = np.array([0.0, 10.0, 30.0, 90.0])
    pace = fs.FixedPace(duration=990 * ms, blank=10 * ms)
    given = protocol(pace, 4, signals={"drive": fs.PoissonSpikes(rates * Hz, sources=20)})
    found = seen(model(drive=0.0), given, tmp_path).reshape(4, 1000, UNITS).sum(axis=1)
    expected = np.tile(20 * rates[:, None], UNITS)
    assert (np.abs(found - expected) <= 4 * np.sqrt(expected)).all()
    assert len(set(found[3])) > 1, "each unit has its own"
    again = seen(model(drive=0.0), given, tmp_path / "other", seed=1)
    assert (again.reshape(4, 1000, UNITS).sum(axis=1)[3] != found[3]).any(), "each run has its own"


def test_spikes_drive_synapses(tmp_path):
    """A population that spikes where spikes arrive, and one that sums them."""
    source = fs.Population(
        name="retina",
        size=2,
        equations="x : 1",
        threshold="arrivals > 0.5",
        signals=dict(arrivals=0.0),
    )
    target = fs.Population(name="target", size=1, equations="v : 1")
    synapses = fs.Projection(
        name="w",
        source="retina",
        target="target",
        equations="w : 1",
        initial=dict(w=np.array([[1.0], [10.0]])),
        on_pre="v_post += w",
    )
    declared = fs.Hierarchy(name="m", populations=[source, target], projections=[synapses])
    spikes = fs.SpikeTimes([0, 1, 1], [2, 2, 30] * ms)
    given = fs.Protocol(
        name="p",
        blocks=[fs.Block(name="b", stream=stream(), pace=PACE, probes=[fs.Probe("target", "v")])],
        signals=dict(arrivals=spikes),
    )
    v = fs.run(declared, given, device="runtime", out=tmp_path).traces("b")["target.v"].values[:, 0]
    assert v[2] == 0 and v[3] == 11 and v[30] == 11 and v[31] == 21


def test_stimulus_noise_is_added_to_the_code(tmp_path):
    """Of any model: level 0 of FENA sees the code plus the noise."""
    noise = TimedArray(np.random.default_rng(0).normal(size=(60, 2)), dt=1 * ms)
    source = fs.Population(
        name="source", size=2, equations="seen_drive = token_code : 1 (constant over dt)\nx : 1"
    )
    declared = fs.Hierarchy(name="m", populations=[source])
    found = seen(declared, protocol(signals={}, block=None), tmp_path / "without")
    noisy = seen(
        declared,
        attrs.evolve(protocol(), signals={"stimulus_noise": noise}),
        tmp_path,
    )
    np.testing.assert_allclose(noisy, found + noise.values[:STEPS], atol=1e-14)


@pytest.mark.compile
def test_streams_share_signals(tmp_path):
    declared = model(batch=2, drive=0.0, shared=0.0)
    given = protocol(signals={"drive": TimedArray(FRAMES, dt=11 * ms), "shared": BY_TOKEN})
    block = attrs.evolve(given.blocks[0], stream=[stream(), stream()])
    run = fs.run(declared, attrs.evolve(given, blocks=[block]), device="dense64", out=tmp_path)
    for lane in run.streams:
        found = lane.traces("b")["source.seen_drive"].values
        np.testing.assert_allclose(found, FRAMES[np.minimum(np.arange(STEPS) // 11, 3)])
        assert (lane.traces("b")["source.seen_shared"].values[:, 0] == BY_TOKEN[row(TOKENS)]).all()


WRONG = {
    "unknown": (dict(dirve=1.0), UnknownNameError, "drive"),
    "units": (dict(drive=1 * nA), UnitError, "not the units"),
    "units of samples": (dict(drive=TimedArray([1.0] * nA, dt=1 * ms)), UnitError, "not the units"),
    "units of a function": (dict(drive=lambda t: t), UnitError, "has units"),
    "shape": (dict(drive=np.zeros(4)), ProtocolError, "5 tokens"),
    "columns": (dict(drive=np.zeros((5, 2))), ProtocolError, "3 units"),
    "frames": (dict(drive=TimedArray(np.zeros((4, 2)), dt=1 * ms)), ProtocolError, "3 units"),
    "interval": (dict(drive=TimedArray([1.0], dt=0.7 * ms)), ProtocolError, "dt"),
    "nan": (dict(drive=np.nan), ProtocolError, "not finite"),
    "nan later": (
        dict(drive=lambda t: np.where(t > 30 * ms, np.nan, 1)),
        ProtocolError,
        "not finite",
    ),
    "a text": (dict(drive="loud"), ProtocolError, "'loud'"),
    "negative rate": (dict(drive=fs.PoissonSpikes(-1 * Hz)), ProtocolError, "negative"),
    "unit that is not there": (
        dict(drive=fs.SpikeTimes([3], [1] * ms)),
        ProtocolError,
        "units 0 to 2",
    ),
    "shifts": (
        dict(drive=fs.RegularSpikes(period=5 * ms, shift=[0, 1] * ms)),
        ProtocolError,
        "3 units",
    ),
    "function that fails": (dict(drive=lambda t: 1 / 0), ProtocolError, "division"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_signal_is_refused_before_anything_is_built(case, tmp_path):
    signals, error, words = WRONG[case]
    with pytest.raises(error, match=words) as caught:
        Plan.of(model(), protocol(block=signals), device="runtime")
    assert caught.value.fix and caught.value.where


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: fs.OrnsteinUhlenbeck(sd=-1, tau=5 * ms), "deviation"),
        (lambda: fs.OrnsteinUhlenbeck(sd=1, tau=0 * ms), "positive"),
        (lambda: fs.OrnsteinUhlenbeck(sd=1 * nA, tau=5 * ms, mean=1.0), "mean"),
        (lambda: fs.PoissonSpikes(3), "rate"),
        (lambda: fs.PoissonSpikes(3 * Hz, sources=0), "sources"),
        (lambda: fs.RegularSpikes(period=-1 * ms), "positive"),
        (lambda: fs.RegularSpikes(period=1 * ms, shift=-1 * ms), "negative"),
        (lambda: fs.SpikeTimes([0, 1], [1] * ms), "shape"),
        (lambda: fs.SpikeTimes([0.5], [1] * ms), "units"),
        (lambda: fs.SpikeTimes([0], [-1] * ms), "negative"),
        (
            lambda: fs.Population(name="a", size=1, equations="x : 1", signals=dict(gate=1.0)),
            "gate",
        ),
        (lambda: fs.Population(name="a", size=1, equations="x : 1", signals=dict(x=1.0)), "twice"),
    ],
)
def test_a_wrong_declaration_is_refused(make, words):
    with pytest.raises(FenaError, match=words) as caught:
        make()
    assert caught.value.fix


def test_one_name_has_one_default():
    populations = [
        fs.Population(name=name, size=1, equations="x = drive : 1", signals=dict(drive=value))
        for name, value in (("a", 1.0), ("b", 2.0))
    ]
    with pytest.raises(DeclarationError, match="drive"):
        fs.Hierarchy(name="m", populations=populations)


def test_signals_are_part_of_a_runs_name():
    def name(**signals):
        return Plan.of(model(), protocol(signals=signals), device="runtime").name

    assert name() == name() != name(drive=2.0)
    assert name(drive=lambda t: 1.0) != name(drive=lambda t: 2.0)
    assert name(drive=lambda t: 1 + 0 * t / second) == name(drive=lambda t: 1.0)
    noise = dict(sd=0.1, tau=3 * ms)
    assert name(drive=fs.OrnsteinUhlenbeck(**noise)) != name(
        drive=fs.OrnsteinUhlenbeck(seed=1, **noise)
    )


def test_what_has_no_signals_keeps_its_name():
    """The hash of what was declared before there were signals."""
    declared = fs.Population(name="a", size=1, equations="x : 1")
    assert "signals" not in canonical(declared)
    assert "signals" not in canonical(tiny.block())


def test_a_pause_of_minutes_takes_little_memory():
    """A function of time beside a pause of 5 minutes: the tables have a row for each step, not for
    each token as many as the longest has.
    """
    pace = fs.FixedPace(duration=48 * ms, blank=np.r_[np.full(199, 12), 300_000] * ms)
    given = protocol(pace, 200, block={"drive": lambda t: np.exp(-t / second)})
    plan = Plan.of(model(), given, device="runtime")
    assert table_bytes(plan.blocks[0].shape, 1) < 5 * 2**20


def test_a_report_names_what_was_given(tmp_path):
    signals = {
        "number": 2.0,
        "current": 3 * nA,
        "by_token": BY_TOKEN,
        "course": lambda t: 1.0,
        "movie": TimedArray(FRAMES, dt=11 * ms),
        "spikes": fs.PoissonSpikes(5 * Hz),
    }
    declared = model(**{name: 0 * nA if name == "current" else 0.0 for name in signals})
    run = fs.run(declared, protocol(signals=signals), device="runtime", out=tmp_path)
    (about,) = block_rows(run)
    assert {name: text for name, text, _ in about.controls} == {
        "number": "2",
        "current": "3 nA",
        "by_token": "a value per token",
        "course": "function",
        "movie": "samples every 11 ms",
        "spikes": "Poisson spikes",
    }
