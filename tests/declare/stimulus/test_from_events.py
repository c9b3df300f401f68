"""Tables of events. Oracles: the table itself, written by Python's csv module and by SciPy; whole
numbers of steps by Python's own decimal arithmetic; the documented contract of refusals.
"""

import csv
from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
import pandas as pd
import pytest
from brian2 import ms, second
from hypothesis import given, settings
from hypothesis import strategies as st

import fena_sim as fs
from fena_sim.declare.canonical import canonical
from fena_sim.declare.protocol.timeline import timeline
from fena_sim.errors import FenaError, ProtocolError, StimulusError, UnknownNameError
from fena_sim.stimulus import TokenStream, one_hot


def laid_out(stream, dt=1 * ms):
    return timeline(fs.Block(name="a", stream=stream), dt)


def arrivals(line):
    """Steps from the block's start to each token, and to its end."""
    ends = np.cumsum(line.blank + line.longest)
    return ends - line.longest, ends


def write(path, rows, delimiter="\t"):
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)
    return path


@pytest.fixture
def sixty(tmp_path):
    """(path, rows that are tokens): 60 trials with pauses up to 5 s, 20 rows of responses that are
    n/a, and three label columns.
    """
    rng, time, rows, kept = np.random.default_rng(5), 0.4217, [], []
    for trial in range(60):
        shown = 0.2004 + 0.1 * (trial % 2)
        kept.append(
            [f"{time:.4f}", f"{shown:.4f}", "face" if trial % 3 else "house", f"{trial}"]
            + [
                "n/a" if trial % 7 == 0 else f"{0.3 + trial / 100:.2f}",
                "n/a" if trial == 9 else "left",
            ]
        )
        rows.append(kept[-1])
        if trial % 3 == 0:
            rows.append([f"{time + 0.1:.4f}", "0", "n/a", "n/a", "n/a", "right"])
        time += shown + rng.uniform(0, 5)
    header = ["onset", "duration", "trial_type", "trial", "response_time", "hand"]
    return write(tmp_path / "sub-01_task-faces_events.tsv", [header, *rows]), kept


@pytest.mark.parametrize("step", ["0.001", "0.0005", "0.0001"])
def test_arrivals_are_the_onsets_of_the_table(sixty, step):
    path, rows = sixty
    stream, dt = TokenStream.from_events(path), float(step) * second
    line = laid_out(stream, dt)

    def whole(time):
        return int((time / Decimal(step)).quantize(Decimal(1), ROUND_HALF_EVEN))

    onset, end = arrivals(line)
    np.testing.assert_allclose(
        onset, [whole(Decimal(r[0])) for r in rows], atol=0 if step == "0.0001" else 1
    )
    np.testing.assert_allclose(
        onset * float(dt), [float(r[0]) for r in rows], rtol=0, atol=float(dt) / 2 * (1 + 1e-6)
    )
    np.testing.assert_allclose(
        end * float(dt),
        [float(Decimal(r[0]) + Decimal(r[1])) for r in rows],
        rtol=0,
        atol=float(dt) / 2 * (1 + 1e-6),
    )
    shift = max(abs(o * float(dt) - float(r[0])) for o, r in zip(onset, rows, strict=True))
    assert float(stream.pace.largest_shift(dt)) == pytest.approx(shift, rel=1e-4, abs=1e-9)


def test_all_labels_come_back(sixty):
    path, rows = sixty
    events = TokenStream.from_events(path).events
    assert events.columns.tolist() == ["token", "symbol", "trial", "response_time", "hand"]
    assert events["symbol"].tolist() == [r[2] for r in rows]
    assert events["trial"].dtype == np.int64 and events["trial"].tolist() == list(range(60))
    assert events["response_time"].dtype == np.float64
    for value, row in zip(events["response_time"], rows, strict=True):
        assert np.isnan(value) if row[4] == "n/a" else value == float(row[4])
    assert events["hand"].tolist() == ["" if r[5] == "n/a" else r[5] for r in rows]


def test_a_table_is_one_stream_however_it_is_kept(sixty, tmp_path):
    path, rows = sixty
    expected = TokenStream.from_events(path)
    frame = pd.read_csv(path, sep="\t")  # pandas' own reading of n/a
    assert TokenStream.from_events(frame) == expected
    assert TokenStream.from_events(frame.to_dict("list")) == expected
    assert TokenStream.from_events(frame.sample(frac=1, random_state=0)) == expected
    with open(path, newline="", encoding="utf-8") as file:
        text = list(csv.reader(file, delimiter="\t"))
    for separator in ",;":
        table = write(tmp_path / "table.csv", text, separator)
        assert TokenStream.from_events(table) == expected
    table.write_bytes(b"\xef\xbb\xbf" + table.read_bytes())  # as spreadsheets write it
    assert TokenStream.from_events(table) == expected


def test_matlab(tmp_path):
    from scipy.io import savemat

    onset, kind, hand = np.array([0.5, 1.0, 2.0]), np.array([2.0, 1.0, 2.0]), ["l", "", "r"]
    columns = dict(onset=onset, duration=np.full(3, 0.2), kind=kind, hand=np.array(hand, object))
    rows = np.array(
        [tuple(c[k] for c in columns.values()) for k in range(3)],
        dtype=[(name, object) for name in columns],
    )
    for held in ({"events": columns}, {"events": rows}, {**columns, "subject": "s01"}):
        savemat(tmp_path / "events.mat", held)
        stream = TokenStream.from_events(tmp_path / "events.mat", symbol="kind")
        assert stream.events["symbol"].tolist() == ["2", "1", "2"]
        assert stream.events["hand"].tolist() == hand
        np.testing.assert_array_equal(np.asarray(stream.pace.onset), onset)


def test_every_frame_of_a_film_has_its_place():
    """60 Hz for ten minutes: no frame is lost, none lies more than dt/2 from its time."""
    n = 36_000
    film = TokenStream.from_events(
        {"onset": np.arange(n) / 60, "trial_type": np.arange(n) % 2}, duration=second / 60
    )
    line = laid_out(film)
    onset, end = arrivals(line)
    assert np.all(line.blank == 0) and set(line.longest) == {16, 17}
    assert np.abs(onset - np.arange(n) * 1000 / 60).max() <= 0.5
    assert abs(end[-1] - n * 1000 / 60) <= 0.5 and line.pause == 300


def test_milliseconds_in_a_table_of_frames():
    """Frames that a table has to a millisecond overlap by up to one: they end where the next begins."""
    onset = [round(k / 60, 3) for k in range(600)]
    table = {"onset": onset, "duration": [0.017] * 600, "trial_type": ["a", "b"] * 300}
    line = laid_out(TokenStream.from_events(table), 0.1 * ms)
    np.testing.assert_array_equal(arrivals(line)[0], np.rint(np.array(onset) * 1e4))
    assert np.all(line.blank[1:] <= 3) and np.all(line.longest <= 170)


@settings(derandomize=True, max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 4000), st.integers(1, 3000)), min_size=1, max_size=20),
    st.integers(0, 20),
    st.integers(0, 20),
)
def test_parts_follow_one_another(gaps, first, second_cut):
    """Blocks of parts present every token at the time at which the whole does. Times are whole steps."""
    ends = np.cumsum([gap + shown for gap, shown in gaps])
    onset = ends - [shown for _, shown in gaps]
    table = {"onset": onset, "duration": [s for _, s in gaps], "trial_type": ["a"] * len(gaps)}
    whole = TokenStream.from_events(table, unit=ms, vocabulary=one_hot("ab"))
    cuts = sorted({0, min(first, len(gaps)), min(second_cut, len(gaps)), len(gaps)})
    parts = [whole[a:b] for a, b in zip(cuts[:-1], cuts[1:], strict=True)]
    lines = [laid_out(part) for part in parts]
    np.testing.assert_array_equal(
        np.concatenate([line.blank for line in lines]), laid_out(whole).blank
    )
    assert [line.pause for line in lines] == [0] * (len(lines) - 1) + [300]
    joined = laid_out(TokenStream.concat([whole, whole]))
    assert joined.blank[len(gaps)] == 300 + onset[0] and joined.pause == 300


def test_a_block_takes_the_onsets_unless_it_has_a_pace():
    stream = TokenStream.from_events(
        {"onset": [1.0, 2.0], "trial_type": ["a", "b"]}, duration=50 * ms
    )
    assert fs.Block(name="a", stream=stream).pace is stream.pace
    assert fs.Block(name="a", stream=[stream]).pace is stream.pace
    other = fs.FixedPace()
    assert fs.Block(name="a", stream=stream, pace=other).pace is other
    same = [
        stream,
        TokenStream.from_events({"onset": [1.0, 2.0], "trial_type": ["b", "a"]}, duration=50 * ms),
    ]
    assert fs.Block(name="a", stream=same).pace == stream.pace
    later = TokenStream.from_events(
        {"onset": [1.0, 2.5], "trial_type": ["b", "a"]}, duration=50 * ms
    )
    with pytest.raises(ProtocolError, match="different onsets"):
        fs.Block(name="a", stream=[stream, later])


def test_units_starts_omissions_and_vocabularies():
    table = {"t": [1500, 2000, 2500], "what": [1, "gap", 2], "x": ["007", "true", "n/a"]}
    stream = TokenStream.from_events(
        table, "what", "t", 50 * ms, unit=second / 500, start=1 * second, omitted="gap",
        vocabulary=one_hot("321"),
    )  # fmt: skip
    assert stream.events["token"].tolist() == [2, -1, 1]
    assert stream.events["symbol"].tolist() == ["1", "", "2"]
    assert stream.events["x"].tolist() == ["007", "true", ""]
    np.testing.assert_allclose(np.asarray(stream.pace.onset), [2, 3, 4])


def test_labels_have_the_types_of_their_values():
    table = {
        "onset": ["1", "2"], "trial_type": ["a", "b"], "whole": ["1", "-2"], "real": ["1", "2.5e-1"],
        "gap": ["1", "n/a"], "truth": ["true", "false"], "text": ["1", "1_000"], "none": ["n/a", "n/a"],
        "number": np.array([1, 2], np.int32), "infinite": ["inf", "1"],
    }  # fmt: skip
    events = TokenStream.from_events(table, duration=50 * ms).events
    kinds = {name: events[name].dtype.kind for name in events}
    assert {name: kinds[name] for name in ("whole", "real", "gap", "truth", "number")} == dict(
        whole="i", real="f", gap="f", truth="b", number="i"
    )
    assert events["truth"].tolist() == [True, False] and events["none"].tolist() == ["", ""]
    assert events["text"].tolist() == ["1", "1_000"] and events["infinite"].tolist() == [np.inf, 1]
    chosen = TokenStream.from_events(table, duration=50 * ms, labels=["gap"])
    assert chosen.events.columns.tolist() == ["token", "symbol", "gap"]


GOOD = {"onset": [0.0, 1.0, 2.0], "duration": [0.5, 0.5, 0.5], "trial_type": ["a", "b", "c"]}


@pytest.mark.parametrize(
    "change, options, words",
    [
        (dict(duration=[0.5, 1.2, 0.5]), {}, "'c' (row 3) begins 0.2 s before 'b' (row 2) has ended"),
        (dict(onset=[0.0, 1.0, 1.0]), {}, "events overlap: 'c' (row 3)"),
        (dict(onset=[0.0, -1.0, 2.0]), {}, "'b' (row 2) begins 1 s before the block"),
        (dict(onset=[0.0, "n/a", 2.0]), {}, "the onset in row 2 is 'n/a', which is no number"),
        (dict(duration=[0.5, "long", 0.5]), {}, "the duration in row 2 is 'long'"),
        (dict(duration=[0.5, 0.0, 0.5]), {}, "the event in row 2 lasts 0 s"),
        (dict(trial_type=["n/a", "", None]), {}, "no row of the table has a 'trial_type'"),
        (dict(gate=[1, 2, 3]), {}, "a label cannot be called 'gate'"),
        ({}, dict(symbol="trail_type"), "no column 'trail_type'"),
        ({}, dict(onset="onsets"), "no column 'onsets'"),
        ({}, dict(duration="length"), "no column 'length'"),
        ({}, dict(labels=["hand"]), "no column 'hand'"),
        ({}, dict(vocabulary=one_hot("ab")), "symbol 'c' is not in the vocabulary"),
        ({}, dict(duration=3), "duration"),
        ({}, dict(unit=3), "unit"),
        ({}, dict(pause=-1 * ms), "pause must be a time >= 0"),
        ({}, dict(rounding="up"), "no rounding 'up'"),
        (dict(onset=[0.0, 1.0]), {}, "the table cannot be used"),
    ],
)  # fmt: skip
def test_refusals_name_the_event(change, options, words):
    with pytest.raises(FenaError) as caught:
        TokenStream.from_events({**GOOD, **change}, **options)
    assert words in str(caught.value) and caught.value.where and caught.value.fix


def test_files_that_cannot_be_read(tmp_path):
    (tmp_path / "a.xlsx").touch()
    (tmp_path / "a.mat").write_bytes(b"nothing")
    (tmp_path / "a.tsv").write_bytes(b"\xff\xfe\x00")
    for name in ("a.xlsx", "a.mat", "a.tsv", "none.tsv", "none.csv"):
        with pytest.raises(StimulusError) as caught:
            TokenStream.from_events(tmp_path / name)
        assert name in str(caught.value) and caught.value.fix


def test_what_only_dt_tells():
    stream = TokenStream.from_events({**GOOD, "onset": [0.0, 1.0004, 2.0]}, rounding="exact")
    with pytest.raises(ProtocolError, match="onset of token 0 = 1.0004 s is not a multiple"):
        laid_out(stream)
    laid_out(stream, 0.1 * ms)
    brief = TokenStream.from_events({**GOOD, "duration": [0.5, 0.0001, 0.5]})
    with pytest.raises(ProtocolError, match="token 1, from 1 s for 0.0001 s, is shorter than dt"):
        laid_out(brief)
    with pytest.raises(ProtocolError, match="onsets of 3 tokens, the stream has 2"):
        timeline(fs.Block(name="a", stream=brief[:2], pace=brief.pace), 1 * ms)


@pytest.mark.parametrize("seed", [0, 7])
def test_drawn_asynchronies(seed):
    """NumPy's generator, rounded to the nearest step; the names of runs without them stay."""
    pace = fs.FixedPace(onset_asynchrony=fs.Uniform(180 * ms, 260 * ms), seed=seed)
    stream = TokenStream.from_ids([0, 1] * 100, one_hot("ab"))
    line = timeline(fs.Block(name="a", stream=stream, pace=pace), 1 * ms)
    drawn = np.random.default_rng(seed).uniform(180, 260, 200)
    np.testing.assert_array_equal(line.most_steps, np.rint(drawn))
    assert set(line.longest) == {48} and ("seed" in canonical(pace)) == (seed != 0)
    assert set(canonical(fs.FixedPace())) == {"type", "duration", "blank", "onset_asynchrony"}
    with pytest.raises(ProtocolError, match="shortest onset asynchrony"):
        fs.FixedPace(onset_asynchrony=fs.Uniform(40 * ms, 260 * ms))
    with pytest.raises(UnknownNameError):
        fs.EventPace(onset=[0, 1] * second, duration=1 * ms, rounding="down")
