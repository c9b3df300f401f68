"""Oracle: two leaky integrators in NumPy, each of its own stream laid out by hand; the documented
contract of refusals.
"""

import attrs
import numpy as np
import pandas as pd
import pytest
from brian2 import ms

import fena_sim as fs
from fena_sim.declare.protocol.modality import RowCourse
from fena_sim.declare.protocol.timeline import timeline
from fena_sim.epochs import epochs
from fena_sim.errors import FenaError
from fena_sim.runs.plan import Plan
from fena_sim.show.export.bids import write_bids
from fena_sim.show.export.csv import write_csv
from fena_sim.stimulus import TokenStream, one_hot
from fena_sim.study.certify.certificate import cut

PICTURES, SOUNDS = one_hot(["face", "house", "car", "tree"]), one_hot(list("abcdef"))
PACE = fs.FixedPace(duration=150 * ms, onset_asynchrony=400 * ms)
TAU = 20.0


def model(**options):
    """Two input populations, and one that sums both."""
    leaky = "dr/dt = (gate*token_code - r)/(20*ms) : 1\ncount : 1\nseen = presenting : 1 (constant over dt)"
    populations = [
        fs.Population(name=name, size=size, equations=leaky, on={"onset": "count += 1"})
        for name, size in (("picture", 4), ("sound", 6))
    ]
    both = fs.Population(name="both", size=1, equations="x = a + b : 1\na : 1\nb : 1")
    projections = [
        fs.Projection(
            name=f"from_{source}",
            source=source,
            target="both",
            equations=f"{variable}_post = r_pre : 1 (summed)",
        )
        for source, variable in (("picture", "a"), ("sound", "b"))
    ]
    return fs.Hierarchy(
        name="two", populations=[*populations, both], projections=projections, **options
    )


def protocol(**options):
    """Sound leads by 100 ms; the second sound and the last picture are omitted."""
    pictures = TokenStream.from_list(["face", "car", None], PICTURES)
    sounds = TokenStream.from_list(["a", None, "f"], SOUNDS)
    streams = {
        "picture": pictures.paced(PACE, start=100 * ms, pause=50 * ms),
        "sound": sounds.paced(PACE),
    }
    probes = [fs.Probe(name, ["r", "count", "seen"]) for name in streams] + [fs.Probe("both", "x")]
    block = fs.Block(**{"name": "b", "streams": streams, "probes": probes, **options})
    return fs.Protocol(name="p", blocks=[block])


STEPS = 100 + 3 * 400 + 50
SHOWN = {"picture": [(0, 350, 500), (2, 750, 900)], "sound": [(0, 250, 400), (5, 1050, 1200)]}
ARRIVE = {"picture": [350, 750, 1150], "sound": [250, 650, 1050]}


def integrated(name, size, gate=1.0):
    """Values before each step."""
    drive = np.zeros((STEPS, size))
    for token, begin, end in SHOWN[name]:
        drive[begin:end, token] = gate
    r = np.zeros((STEPS + 1, size))
    for step in range(STEPS):
        r[step + 1] = r[step] + (drive[step] - r[step]) / TAU
    return r[:-1]


@pytest.mark.parametrize(
    "device, chunk",
    [
        ("runtime", 1),
        ("runtime", 3),
        pytest.param("dense64", 2, marks=pytest.mark.compile),
        pytest.param("cpp", 2, marks=pytest.mark.compile),
    ],
)
def test_each_population_follows_its_own_stream(device, chunk, tmp_path):
    run = fs.run(model(), protocol(), device=device, out=tmp_path, chunk_tokens=chunk)
    traces = run.traces("b")
    expected = {name: integrated(name, size) for name, size in (("picture", 4), ("sound", 6))}
    for name, values in expected.items():
        np.testing.assert_allclose(traces[f"{name}.r"], values, atol=1e-12)
        arrived = np.searchsorted(ARRIVE[name], np.arange(STEPS), side="left")
        np.testing.assert_array_equal(traces[f"{name}.count"].values[:, 0], arrived)
        shown = np.zeros(STEPS)
        for begin in ARRIVE[name]:
            shown[begin : begin + 150] = 1
        np.testing.assert_array_equal(traces[f"{name}.seen"].values[:, 0], shown)
    both = sum(values.sum(axis=1) for values in expected.values())
    np.testing.assert_allclose(traces["both.x"].values[1:, 0], both[:-1], atol=1e-12)


def test_a_block_with_one_stream_goes_on_from_several_and_back(tmp_path):
    """Both populations have four units, and see the one stream."""
    small = model()
    small = attrs.evolve(
        small, populations=[attrs.evolve(p, size=min(p.size, 4)) for p in small.populations]
    )
    sounds = TokenStream.from_list(["a", None, "d"], one_hot("abcd"))
    streams = {**protocol().blocks[0].streams, "sound": sounds.paced(PACE)}
    (both,) = protocol(streams=streams).blocks
    faces = TokenStream.from_list(["face"], PICTURES)
    one = fs.Block(name="one", stream=faces, pace=PACE, probes=both.probes[:1])
    blocks = [both, one, attrs.evolve(both, name="again")]
    run = fs.run(small, fs.Protocol(name="p", blocks=blocks), device="runtime", out=tmp_path)
    r, expected = integrated("picture", 4)[-1], []
    r = r - r / TAU  # the last step of the block
    for step in range(400):
        expected.append(r)
        r = r + (np.eye(4)[0] * (step >= 250) - r) / TAU
    np.testing.assert_allclose(run.traces("one")["picture.r"], expected, atol=1e-12)
    count = run.traces("again")["sound.count"].values[:, 0]
    assert (count[0], count[-1]) == (4, 7)
    alone = fs.Protocol(name="q", blocks=[one])
    other = fs.run(small, alone, start=(run, "b"), device="runtime", out=tmp_path)
    np.testing.assert_array_equal(other.traces("one")["picture.r"], run.traces("one")["picture.r"])


def test_a_population_may_not_lose_its_stream_between_blocks():
    both = protocol().blocks[0]
    one = fs.Block(name="one", stream=TokenStream.from_list(["face"], PICTURES), pace=PACE)
    with pytest.raises(FenaError, match="'sound' 6") as caught:
        Plan.of(model(), fs.Protocol(name="p", blocks=[both, one]), device="runtime")
    assert "silence" in caught.value.fix and "one" in caught.value.where


def test_each_has_its_own_events(tmp_path):
    run = fs.run(model(), protocol(), device="runtime", out=tmp_path)
    assert run.modalities("b") == ("picture", "sound")
    pictures, sounds = run.events("b"), run.events("b", "sound")
    assert run.events("b", "picture").equals(pictures)
    for table, symbols, name in (
        (pictures, ["face", "car", ""], "picture"),
        (sounds, ["a", "", "f"], "sound"),
    ):
        assert table["symbol"].tolist() == symbols
        np.testing.assert_allclose(table["onset"], np.array(ARRIVE[name]) / 1e3, atol=1e-12)
        np.testing.assert_allclose(table["duration"], 0.15, atol=1e-12)
        assert table["gate"].tolist() == [float(symbol != "") for symbol in symbols]
    damage = run.damage()
    assert not (damage.missing or damage.altered or damage.extra)
    with pytest.raises(FenaError, match="'smell'") as caught:
        run.events("b", "smell")
    assert caught.value.fix


def test_each_has_its_own_gate(tmp_path):
    gates = {"picture": 0.5, "sound": lambda t: np.where(t < 500 * ms, 1.0, 0.25)}
    run = fs.run(model(), protocol(controls={"gate": gates}), device="runtime", out=tmp_path)
    np.testing.assert_allclose(
        run.traces("b")["picture.r"], integrated("picture", 4, 0.5), atol=1e-12
    )
    r = run.traces("b")["sound.r"].values
    np.testing.assert_allclose(r[1199, 5], 0.25 * (1 - (1 - 1 / TAU) ** 149), atol=1e-12)
    assert run.events("b", "sound")["gate"].tolist() == [1.0, 0.0, 0.25]


def test_the_other_may_pace(tmp_path):
    given = protocol(paced_by="sound")
    with pytest.raises(FenaError, match="'picture' ends 150. ms after the block") as caught:
        Plan.of(model(), given, device="runtime")
    assert "pause" in caught.value.fix


@pytest.mark.compile
def test_a_self_paced_block_beside_a_stream_with_onsets(tmp_path):
    """Sounds come by the clock, pictures as the network settles."""
    settling = fs.Settling(populations=["picture"], variable="change", tolerance=0.001 / ms)
    populations = [
        attrs.evolve(p, equations=p.equations + "\nchange = (gate*token_code - r)/(20*ms) : hertz")
        if p.name == "picture"
        else p
        for p in model().populations
    ]
    declared = attrs.evolve(model(), populations=populations, settling=settling)
    for chunk, blank, sounds_heard in ((1, 180, 1), (3, 180, 1), (2, 20, 0)):
        pace = fs.SelfPaced(blank=blank * ms, shortest=5 * ms, longest=300 * ms)
        run = fs.run(
            declared, protocol(pace=pace), device="dense64", out=tmp_path, chunk_tokens=chunk
        )
        events, sounds = run.events("b"), run.events("b", "sound")
        last = events[["onset", "duration"]].iloc[-1].sum()
        assert events["duration"].max() < 0.3 and len(sounds) >= sounds_heard
        assert sounds["onset"].tolist() == [t / 1e3 for t in ARRIVE["sound"] if t / 1e3 < last]
        found = run.traces("b")["sound.r"].values
        np.testing.assert_allclose(found, integrated("sound", 6)[: len(found)], atol=1e-12)


WRONG = {
    "unknown population": (lambda s: dict(streams={**s, "smell": s["sound"]}), "smell"),
    "no input": (lambda s: dict(streams={**s, "both": s["sound"]}), "reads no tokens"),
    "sizes": (
        lambda s: dict(streams={"picture": s["picture"], "sound": s["picture"]}),
        "4 units, the population 6",
    ),
    "a stream besides": (lambda s: dict(streams=s, stream=s["sound"]), "besides"),
    "no stream": (lambda s: dict(streams={**s, "sound": "abc"}), "'abc'"),
    "nobody paces": (lambda s: dict(streams=s, paced_by="smell"), "smell"),
    "gate of nobody": (lambda s: dict(streams=s, controls={"gate": {"smell": 1.0}}), "gate"),
    "temperatures": (
        lambda s: dict(streams=s, controls={"temperature": {"sound": 1.0}}),
        "temperature",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_does_not_fit_is_refused_before_anything_is_built(case):
    change, words = WRONG[case]
    streams = dict(protocol().blocks[0].streams)
    with pytest.raises(FenaError, match=words) as caught:
        Plan.of(model(), protocol(**change(streams)), device="runtime")
    assert caught.value.where and caught.value.fix


def test_a_readout_of_the_modality_that_does_not_pace_is_refused():
    readouts = [fs.Readout(name="rate", variables=["sound.r"], when="last")]
    with pytest.raises(FenaError, match="'rate'") as caught:
        Plan.of(model(readouts=readouts), protocol(), device="runtime")
    assert "Probe" in caught.value.fix
    Plan.of(model(readouts=readouts[:0]), protocol(), device="runtime")


def test_streams_are_part_of_a_runs_name():
    def name(**options):
        return Plan.of(model(), protocol(**options), device="runtime").name

    streams = dict(protocol().blocks[0].streams)
    later = {**streams, "sound": streams["sound"].paced(PACE, start=50 * ms)}
    assert name() == name() != name(streams=later)


def test_exports_have_the_events_of_each(tmp_path):
    run = fs.run(model(), protocol(), device="runtime", out=tmp_path / "runs")
    write_csv(run, tmp_path / "csv")
    table = pd.read_csv(tmp_path / "csv" / "b.sound_events.csv", keep_default_na=False)
    assert table["symbol"].tolist() == run.events("b", "sound")["symbol"].tolist()
    assert "b.sound_events.csv" in (tmp_path / "csv" / "datapackage.json").read_text()
    write_bids(run, tmp_path / "bids")
    (path,) = (tmp_path / "bids").rglob("*_acq-sound_events.tsv")
    again = TokenStream.from_events(path, omitted="omission", vocabulary=SOUNDS)
    assert again.events["symbol"].tolist() == ["a", "", "f"]
    np.testing.assert_allclose(np.asarray(again.pace.onset), np.array(ARRIVE["sound"]) / 1e3)


def test_epochs_are_cut_at_the_tokens_of_either(tmp_path):
    run = fs.run(model(), protocol(), device="runtime", out=tmp_path)
    window = (-20 * ms, 100 * ms)
    for name, size in (("picture", 4), ("sound", 6)):
        cut = epochs(run, "b", f"{name}.r", window, tokens_of=name)
        values = integrated(name, size)
        expected = [values[t - 20 : t + 100] for t in ARRIVE[name] if t + 100 <= STEPS]
        np.testing.assert_allclose(cut.values, expected, atol=1e-12)
    assert epochs(run, "b", "sound.r", window)["symbol"].values.tolist()[:2] == ["face", "car"]


def test_rows_are_silent_after_the_last_token():
    block = protocol().blocks[0].others["sound"]
    row = RowCourse(timeline(block, 1 * ms)).at(0, 1300)
    assert row[1199] == 6 and (row[1200:] == 0).all() and row[250] == 1 and row[650] == 0


@pytest.mark.parametrize("tokens, sounds", [(1, 1), (2, 2)])
def test_the_first_tokens_of_each(tokens, sounds):
    """A cut protocol holds the sounds that end before the last picture does."""
    (block,) = cut(protocol(), tokens).blocks
    assert len(block) == tokens and len(block.streams["sound"]) == sounds
    Plan.of(model(), cut(protocol(), tokens), device="runtime")
