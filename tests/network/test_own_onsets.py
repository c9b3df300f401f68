"""Tokens at onsets of their own. Oracle: a leaky integrator that follows its input, integrated in NumPy
with the forward Euler method; the onsets of the table.
"""

import numpy as np
import pytest
from brian2 import ms

import fena_sim as fs
from fena_sim.epochs import epochs
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
