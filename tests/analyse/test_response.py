"""Responses of error units, of measured signals, and of synaptic depression. Oracle: recordings whose
response is known by hand; the closed form of a depressed synapse at rest.
"""

import numpy as np
import pytest
from brian2 import ms, mV, second

from fena_sim import Signal, measure
from fena_sim.errors import (
    DeclarationError,
    FenaError,
    FenaWarning,
    StimulusError,
    UnknownNameError,
)

STEP = 10  # ms between samples
ONSETS = np.array([100, 300, 500])  # ms
ROLES = ["standard", "omission", "deviant"]


def recorded(*levels, precision):
    """Traces of every level: errors (time, unit), precision (time,), a sample every 10 ms."""
    time = np.arange(len(precision)) * STEP / 1000
    traces = {}
    for level, errors in enumerate(levels):
        for name, values in (
            (f"error_{level}.error", errors),
            (f"precision_{level}.precision", precision[:, None]),
        ):
            dims = (f"time_{level}", f"{name.partition('.')[0]}_unit")
            traces[name] = (dims, values, {"units": "1"})
            traces[dims[0]] = (dims[0], time)
            traces[dims[1]] = (dims[1], np.arange(values.shape[1]))
    return traces


@pytest.fixture
def run(make_run):
    """Two units of level 0 err by 1 and -2 from 20 to 50 ms after an onset, and by 0 and .5 in the
    20 ms before it; level 1 errs by twice that. Precision is 3 before 300 ms, then 5.
    """
    time = np.arange(60) * STEP
    errors = np.zeros((60, 2))
    for onset in ONSETS:
        errors[(time >= onset + 20) & (time < onset + 50)] = 1, -2
        errors[(time >= onset - 20) & (time < onset)] = 0, 0.5
    precision = np.where(time < 300, 3.0, 5.0)
    traces = recorded(errors, 2 * errors, precision=precision)
    return make_run(block=dict(tokens=[0, -1, 1], onset=ONSETS / 1000, traces=traces))


@pytest.mark.parametrize("weighted", [True, False])
def test_the_window_minus_the_baseline_of_what_is_presented(run, weighted):
    found = measure.error_response(run, "block", (0 * ms, 100 * ms), (-50 * ms, 0 * ms), weighted)
    assert found.dims == ("event", "level")
    assert found["event"].values.tolist() == [0, 2] and found["level"].values.tolist() == [0, 1]
    # three samples of ten at |1| + |-2|, two of five at .5
    unweighted = 3 / 10 * 3 - 2 / 5 * 0.5
    expected = unweighted * np.outer([3, 5] if weighted else [1, 1], [1, 2])
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_precision_weighs_every_sample(run):
    found = measure.error_response(
        run, "block", (-80 * ms, 50 * ms), (190 * ms, 200 * ms), mask=[True, False, False]
    )
    assert found["event"].values.tolist() == [0]
    # The baseline, 290 to 300 ms, errs by .5 with precision 3.
    assert float(found[0, 0]) == pytest.approx(3 * (3 * 3 + 2 * 0.5) / 13 - 3 * 0.5)


def test_windows_beyond_the_recording_are_left_out_without_a_warning(run, recwarn):
    found = measure.error_response(run, "block", (0 * ms, 110 * ms), (-100 * ms, 0 * ms))
    assert found["event"].values.tolist() == [0]
    assert not recwarn
    with pytest.raises(StimulusError, match="no event is left"):
        measure.error_response(run, "block", (0 * ms, 600 * ms))


def test_other_intervals_and_wrong_windows_are_refused(make_run):
    time = np.arange(40) * STEP / 1000
    traces = recorded(np.ones((40, 1)), precision=np.ones(40))
    traces["precision_0.precision"] = (
        ("time_slow", "precision_0_unit"),
        np.ones((20, 1)),
        {"units": "1"},
    )
    traces["time_slow"] = ("time_slow", time[::2])
    run = make_run(block=dict(tokens=[0], onset=[0.1], traces=traces))
    with pytest.raises(DeclarationError, match="another interval"):
        measure.error_response(run, "block")
    found = measure.error_response(run, "block", weighted=False)
    assert float(found[0, 0]) == 0  # constant activity is no response
    for wrong in ((1 * ms, 2 * mV), (2 * ms, 1 * ms), (0 * ms, np.inf * ms)):
        with pytest.raises(FenaError):
            measure.error_response(run, "block", wrong)


def test_what_was_not_recorded_is_named(make_run):
    traces = {"error_1.error": (("time", "unit"), np.zeros((3, 1)), {"units": "1"})}
    run = make_run(block=dict(tokens=[0], onset=[0.0], traces=traces | {"time": [0.0, 0.01, 0.02]}))
    with pytest.raises(UnknownNameError, match=r"error_0\.error"):
        measure.error_response(run, "block")


def measured(make_run, step=10, onsets=ONSETS, last=600, tokens=None, **times):
    """A signal "s" that ramps from the onset of token k on, (k + 1) for each ms, and is 7 k before it."""
    time = np.arange(0, last, step)
    values = np.zeros(len(time))
    for k, onset in enumerate(onsets):
        values[(time >= onset - 60) & (time < onset)] = 7 * k
        later = (time >= onset) & (time < onset + 120)
        values[later] = (k + 1) * (time[later] - onset)
    traces = {
        "s.value": (("time", "s_unit"), values[:, None], {"units": "1"}),
        "time": ("time", time / 1000),
        "s_unit": ("s_unit", [0]),
    }
    return make_run(
        measured={"s": Signal("error_0", "error", **times)},
        block=dict(
            tokens=tokens or [0] * len(onsets),
            role=[ROLES[k % 3] for k in range(len(onsets))],
            onset=np.array(onsets) / 1000,
            traces=traces,
        ),
    )


@pytest.mark.parametrize("step", [1, 10])
@pytest.mark.parametrize(
    "window, baseline", [((0, 100), (-50, 0)), ((20, 80), (-20, -10)), ((-10, 10), None)]
)
def test_a_measured_signal_responds_in_the_window_of_its_declaration(
    make_run, step, window, baseline
):
    times = {
        name: None if edges is None else (edges[0] * ms, edges[1] * ms)
        for name, edges in (("window", window), ("baseline", baseline))
    }
    run = measured(make_run, step, tokens=[0, -1, 1], **times)
    found = measure.response(run, "block", "s", by="role")
    inside = np.arange(*window, step)
    for k in range(3):
        before = 7.0 * k
        mean = np.where(inside < 0, before, (k + 1) * inside).mean()
        expected = mean - (before if baseline else 0)
        assert float(found[k]) == pytest.approx(expected, rel=1e-12)
    assert found.dims == ("event",) and found["event"].values.tolist() == [0, 1, 2]
    assert found["condition"].values.tolist() == ROLES
    assert found["presented"].values.tolist() == [True, False, True]


def test_trials_of_a_condition_are_averaged_by_its_label(make_run):
    run = measured(make_run, tokens=[0, -1, 1], window=(0 * ms, 20 * ms), baseline=None)
    means = measure.response(run, "block", "s").groupby("condition").mean()
    # samples at 0 and 10 ms; tokens 0 and 2 are presented, token 1 is omitted
    assert means.sel(condition="presented").item() == pytest.approx((5 + 15) / 2)
    assert means.sel(condition="omitted").item() == pytest.approx(10)


def test_tokens_at_the_ends_of_a_recording_are_left_out_with_a_warning(make_run):
    run = measured(make_run, onsets=range(20, 1000, 200), last=1000, window=(0 * ms, 90 * ms))
    with pytest.warns(FenaWarning, match="1 of 5 'presented'"):
        found = measure.response(run, "block", "s")
    assert found["event"].values.tolist() == [1, 2, 3, 4]
    run = measured(make_run, onsets=range(20, 600, 200), last=600, window=(0 * ms, 90 * ms))
    with pytest.raises(StimulusError, match="1 of 3"):
        measure.response(run, "block", "s")


def test_what_has_no_response_is_refused(make_run):
    run = measured(make_run, window=None)
    with pytest.raises(DeclarationError, match="without a window"):
        measure.response(run, "block", "s")
    with pytest.raises(UnknownNameError, match="no signal 'mmn'"):
        measure.response(run, "block", "mmn")
    run.measured["mmn"] = Signal("error_0", "error")
    with pytest.raises(UnknownNameError, match=r"mmn\.value"):
        measure.response(run, "block", "mmn")


def presenting(make_run, tokens, onsets, symbols=4):
    return make_run(
        codes=np.eye(symbols), block=dict(tokens=tokens, onset=np.asarray(onsets, dtype=float))
    )


def test_a_repeated_token_comes_to_rest_where_recovery_makes_up_for_use(make_run):
    """Tsodyks & Markram 1997: x = (1 - q)/(1 - (1 - u) q), q = exp(-period/recovery)."""
    run = presenting(make_run, [1] * 200, 0.3 * np.arange(200))
    found = measure.depression(run, "block", recovery=0.8 * second, use=0.4, overlap=0.01)
    q = np.exp(-0.3 / 0.8)
    assert found.dims == ("event", "level")
    assert float(found[0, 0]) == 1
    assert float(found[1, 0]) == pytest.approx(1 - 0.4 * q)
    assert float(found[-1, 0]) == pytest.approx((1 - q) / (1 - (1 - 0.4) * q))


def test_neighbours_share_synapses(make_run):
    run = presenting(make_run, [1, 2, -1, 0], [0, 0, 5, 1e4])
    found = measure.depression(run, "block", use=0.5).to_numpy()[:, 0]
    drive = np.exp(-(np.subtract.outer(range(4), range(4)) ** 2) / 2)
    assert found[0] == pytest.approx(drive[1].sum())
    assert found[1] == pytest.approx((drive[2] * (1 - 0.5 * drive[1])).sum())
    assert found[2] == 0  # omitted
    assert found[3] == pytest.approx(drive[0].sum())  # recovered


@pytest.mark.parametrize(
    "wrong",
    [dict(use=0.0), dict(use=1.5), dict(recovery=3.0), dict(recovery=-1 * ms), dict(overlap=0)],
)
def test_wrong_constants(make_run, wrong):
    with pytest.raises(FenaError):
        measure.depression(presenting(make_run, [0], [0]), "block", **wrong)
