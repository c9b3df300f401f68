"""Tokens at onsets of their own. Oracle: a leaky integrator that follows its input, integrated in NumPy
with the forward Euler method; the onsets of the table.
"""

import attrs
import numpy as np
import pandas as pd
import pytest
from brian2 import ms

import fena_sim as fs
from fena_sim.declare.protocol.timeline import timeline
from fena_sim.epochs import epochs
from fena_sim.export import write_bids
from fena_sim.network.pacemaker import table_values
from fena_sim.network.shape import BlockShape
from fena_sim.show.export.contents import contents
from fena_sim.show.report.blocks import block_rows
from fena_sim.stimulus import TokenStream, one_hot

ABC = one_hot("abc")
TAU = 5.0  # ms


def model():
    cell = fs.Population(
        name="cell",
        size=3,
        equations="dv/dt = (gate*token_code - v)/tau : 1\ny = v : 1",
        parameters={"tau": TAU * ms},
        on={"blank_onset": "v += 0.25"},
    )
    readouts = [
        fs.Readout(name="mean", variables=["cell.v"], when="mean"),
        fs.Readout(name="before", variables=["cell.v"], when="before_onset"),
        fs.Readout(name="last", variables=["cell.v"], when="last"),
    ]
    return fs.Hierarchy(name="leaky", populations=[cell], readouts=readouts, dt=1 * ms)


#: Onsets and durations in ms: a film of five frames, a blank, the first again, omissions, a single step.
ONSET = [0, 17, 33, 50, 67, 130, 150, 151, 400]
SHOWN = [17, 16, 17, 17, 17, 20, 1, 40, 25]
SYMBOLS = ["a", "b", "a", "c", "b", "a", "gap", "c", "a"]
PAUSE = 60


def stream():
    table = {"onset": ONSET, "duration": SHOWN, "trial_type": SYMBOLS, "trial": range(len(ONSET))}
    return TokenStream.from_events(table, unit=ms, vocabulary=ABC, omitted="gap", pause=PAUSE * ms)


def integrated(start):
    """(v before every step, v after the last) from `start`; the readouts of every token."""
    v, trace, before, means, last = np.array(start, dtype=float), [], [], [], []
    ends = [o + s for o, s in zip(ONSET, SHOWN, strict=True)]
    blanks = [0, *ends]  # the pause is a blank as well
    for step in range(ends[-1] + PAUSE):
        shown = [k for k in range(len(ONSET)) if ONSET[k] <= step < ends[k]]
        code = np.zeros(3)
        if shown and SYMBOLS[shown[0]] != "gap":
            code["abc".index(SYMBOLS[shown[0]])] = 1
        trace.append(v.copy())
        if step in ONSET:
            before.append(v.copy())
        if step in blanks:
            v = v + 0.25
        v = v + (code - v) / TAU
        if shown:
            if step == ONSET[shown[0]]:
                means.append([])
            means[-1].append(v.copy())
            if step == ends[shown[0]] - 1:
                last.append(v.copy())
    return (
        np.array(trace),
        v,
        np.array(before),
        np.array([np.mean(m, 0) for m in means]),
        np.array(last),
    )


def protocol():
    probes = [fs.Probe("cell", "v")]
    blocks = [fs.Block(name=name, stream=stream(), probes=probes) for name in ("one", "two")]
    return fs.Protocol(name="own_onsets", blocks=blocks)


@pytest.mark.parametrize("device", ["runtime", pytest.param("dense64", marks=pytest.mark.compile)])
@pytest.mark.parametrize("chunk", [None, 4])
def test_a_network_follows_the_table(device, chunk, tmp_path):
    run = fs.run(model(), protocol(), device=device, out=tmp_path, chunk_tokens=chunk)
    state = np.zeros(3)
    for block in run.blocks:
        trace, state, before, means, last = integrated(state)
        events, tokens = run.events(block), run.tokens(block)
        np.testing.assert_allclose(events["onset"], np.array(ONSET) / 1e3, rtol=1e-12)
        np.testing.assert_allclose(events["duration"], np.array(SHOWN) / 1e3, rtol=1e-12)
        assert events["trial"].tolist() == list(range(len(ONSET)))
        assert events["symbol"].tolist() == [s.replace("gap", "") for s in SYMBOLS]
        np.testing.assert_allclose(run.traces(block)["cell.v"], trace, rtol=1e-9, atol=1e-12)
        for name, expected in (("before", before), ("mean", means), ("last", last)):
            np.testing.assert_allclose(tokens[name], expected, rtol=1e-9, atol=1e-12)
    whole = epochs(run, "two", "cell.v", window=(0 * ms, (25 + PAUSE) * ms))
    assert whole["token"].to_numpy().tolist() == list(range(len(ONSET)))  # the last is whole
    assert "at most 0. s from those of the table" in (run.folder / "log.txt").read_text()


def test_controls_go_on_in_the_pause():
    """A function of time is asked for the pause as for any token; a value per token keeps the last."""
    t = np.arange(ONSET[-1] + SHOWN[-1] + PAUSE)
    block = fs.Block(
        name="a",
        stream=stream(),
        controls={
            "temperature": lambda t: t / (1 * ms),
            "plasticity_gain": np.arange(len(ONSET), dtype=float),
        },
    )
    line = timeline(block, 1 * ms)
    tables = table_values(line, 0, BlockShape.of(line, 16), step=0)
    row = np.searchsorted([o + s for o, s in zip(ONSET, SHOWN, strict=True)], t, side="right")
    np.testing.assert_allclose(tables["temperature_control"][t], t, atol=1e-9)
    np.testing.assert_array_equal(
        tables["plasticity_gain_control"][row], np.minimum(row, len(ONSET) - 1)
    )
    assert tables["blank_steps"][len(ONSET)] > PAUSE  # no token comes on in it


@pytest.mark.compile
def test_a_bids_table_of_60_trials(tmp_path):
    """The network's own arrivals: pauses up to 5 s, rows that are no tokens, three labels."""
    rng, onset = np.random.default_rng(3), np.cumsum(np.random.default_rng(3).uniform(0.3, 5.2, 60))
    table = pd.DataFrame(
        {
            "onset": [f"{time:.4f}" for time in onset],
            "duration": "0.25",
            "trial_type": rng.choice(["a", "b", "c", "n/a"], 60),
            "trial": np.arange(60),
            "response_time": [f"{rt:.3f}" if rt > 0.4 else "n/a" for rt in rng.uniform(0.2, 1, 60)],
            "hand": rng.choice(["left", "right", "n/a"], 60),
        }
    )
    table.to_csv(tmp_path / "events.tsv", sep="\t", index=False)
    block = fs.Block(
        name="trials", stream=TokenStream.from_events(tmp_path / "events.tsv", vocabulary=ABC)
    )
    run = fs.run(
        model(), fs.Protocol(name="trials", blocks=[block]), device="dense64", out=tmp_path / "runs"
    )
    events, kept = run.events("trials"), table[table["trial_type"] != "n/a"]
    shift = events["onset"].to_numpy() - kept["onset"].astype(float).to_numpy()
    assert len(events) == len(kept) and np.abs(shift).max() <= 0.5e-3 + 1e-9
    assert events["symbol"].tolist() == kept["trial_type"].tolist()
    assert events["trial"].tolist() == kept["trial"].tolist()
    assert events["hand"].tolist() == kept["hand"].replace("n/a", "").tolist()
    np.testing.assert_array_equal(
        events["response_time"], kept["response_time"].replace("n/a", "nan").astype(float)
    )
    write_bids(run, tmp_path / "bids")
    (path,) = tmp_path.glob("bids/sub-*/beh/*_events.tsv")
    again = TokenStream.from_events(path, vocabulary=ABC, labels=["trial", "response_time", "hand"])
    assert again == attrs.evolve(block.stream, pace=again.pace)
    np.testing.assert_array_equal(
        timeline(attrs.evolve(block, stream=again, pace=again.pace), 1 * ms).blank,
        timeline(block, 1 * ms).blank,
    )


def test_the_pause_is_part_of_the_block(tmp_path):
    """In exports, reports and where the next block begins."""
    run = fs.run(model(), protocol(), device="runtime", out=tmp_path)
    length = ONSET[-1] + SHOWN[-1] + PAUSE
    one, two = contents(run)
    assert (one.steps, two.first_step) == (length, length)
    first, second = block_rows(run, None)
    assert first.duration == pytest.approx(length / 1e3) and second.begin == first.duration
    assert first.pace == "onsets of a table of events, then a pause of 60 ms"
    pace = fs.FixedPace(onset_asynchrony=fs.Uniform(80 * ms, 100 * ms), seed=2)
    block = fs.Block(name="drawn", stream=stream()[:3], pace=pace)
    drawn = fs.run(
        model(), fs.Protocol(name="drawn", blocks=[block]), device="runtime", out=tmp_path
    )
    assert block_rows(drawn, None)[0].pace == "48 ms presented, an onset every 80 ms to 100 ms"
