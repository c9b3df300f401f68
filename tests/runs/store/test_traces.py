"""Oracles: the protocol's own arithmetic (which samples a window keeps), and a run that records
everything.

A probe of some units, with a window or at a longer interval, is a part of the probe that has it
all.
"""

import numpy as np
import pytest
import tiny

import fena_sim as fs
from fena_sim.errors import RunFolderError, UnknownNameError

pytestmark = pytest.mark.compile


@pytest.fixture(scope="module")
def part(tiny_fena, tmp_path_factory):
    return fs.run(tiny_fena, tiny.one_block(6), device="cpp", out=tmp_path_factory.mktemp("part"))


@pytest.fixture(scope="module")
def whole(tiny_fena, tmp_path_factory):
    probes = [
        fs.Probe("state_1", "r"),
        fs.Probe("error_0", ["error", "prediction", "probability", "x", "pooled"]),
    ]
    return fs.run(
        tiny_fena,
        tiny.one_block(6, probes=probes),
        device="cpp",
        out=tmp_path_factory.mktemp("whole"),
    )


def time_of(traces, name):
    return traces[traces[name].dims[0]].values


def test_recording_changes_nothing(part, whole):
    a, b = part.state("learning"), whole.state("learning")
    assert set(a) == set(b)
    for name in a:
        np.testing.assert_array_equal(a[name], b[name], name)


def test_every_step_is_recorded(whole):
    np.testing.assert_allclose(
        time_of(whole.traces("learning"), "state_1.r"), np.arange(6 * 60) * 1e-3, atol=1e-9
    )


def test_window_keeps_its_samples(part, whole):
    kept, full = (run.traces("learning")["state_1.r"].values for run in (part, whole))
    onset = np.arange(6) * 60 + 12
    steps = (onset[:, None] + np.arange(-3, 7)).ravel()
    np.testing.assert_allclose(
        time_of(part.traces("learning"), "state_1.r"), steps * 1e-3, atol=1e-9
    )
    np.testing.assert_array_equal(kept, full[steps])


def test_units_and_interval(part, whole):
    for name in ("error_0.error", "error_0.prediction"):
        kept, full = (run.traces("learning")[name].values for run in (part, whole))
        np.testing.assert_array_equal(kept, full[::2, [0, 3]])


def test_linked_variables_are_recorded_for_every_unit(whole):
    traces = whole.traces("learning")
    assert traces["error_0.pooled"].shape == (360, 16)
    assert (traces["error_0.pooled"].values == traces["error_0.pooled"].values[:, :1]).all()
    shown = traces["error_0.x"].values[12 + 30]  # in the middle of the first presentation
    token = tiny.stream(6).events["token"].iloc[0]
    assert np.flatnonzero(shown).tolist() == [token]


def test_readouts_are_the_recorded_values(whole):
    """Probability: on the last step before the token appears."""
    recorded = whole.traces("learning")["error_0.probability"].values
    kept = whole.tokens("learning")["probability"].values
    np.testing.assert_allclose(kept, recorded[np.arange(6) * 60 + 12], rtol=1e-12, atol=1e-15)


def test_events(whole):
    events, stream = whole.events("learning"), tiny.stream(6).events
    np.testing.assert_allclose(events["blank_onset"], np.arange(6) * 0.060)
    np.testing.assert_allclose(events["onset"], np.arange(6) * 0.060 + 0.012)
    np.testing.assert_allclose(events["duration"], 0.048)
    assert events["token"].tolist() == stream["token"].tolist()
    assert events["symbol"].tolist() == stream["symbol"].tolist()
    assert events["gate"].tolist() == [0.0 if t < 0 else 1.0 for t in stream["token"]]


def test_asking_for_what_is_not_there(whole, tiny_fena, tmp_path):
    with pytest.raises(UnknownNameError, match="learn") as caught:
        whole.tokens("lerning")
    assert "did you mean 'learning'" in caught.value.fix
    bare = fs.run(tiny_fena, tiny.one_block(2, probes=()), device="runtime", out=tmp_path)
    with pytest.raises(RunFolderError, match="no traces"):
        bare.traces("learning")
