"""Settling, energy and level errors. Oracle: arrays small enough to work out by hand."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from fena_sim import measure
from fena_sim.analyse.select import event_bins
from fena_sim.errors import DeclarationError, StimulusError


def test_settling_counts_presented_tokens_only(make_run):
    run = make_run(
        free={"tokens": [0, -1, 1, 0], "iterations": [8, 0, 2, 48], "steps": [48, 48, 48, 48]}
    )
    assert measure.settling_iterations(run, "free") == 8
    assert measure.share_at_cap(run, "free") == pytest.approx(1 / 3)


def test_settling_of_a_silent_block_is_an_error(make_run):
    run = make_run(silent={"tokens": [-1, -1], "iterations": [0, 0]})
    with pytest.raises(StimulusError, match="silent"):
        measure.settling_iterations(run, "silent")


def test_settling_curve_has_quartiles_per_bin(make_run):
    run = make_run(
        training={
            "tokens": [0, 1, 0, 1, 0, -1, 0, 1, 1, 1],
            "iterations": [10, 20, 30, 40, 50, 0, 4, 4, 8, 8],
        }
    )
    curve = measure.settling_curve(run, bins=2)
    assert curve.dims == ("tokens", "quantile")
    np.testing.assert_allclose(curve["tokens"], [2.5, 7.5])
    np.testing.assert_allclose(curve, [[20, 30, 40], [4, 6, 8]])


def test_a_bin_without_tokens_is_unknown(make_run):
    run = make_run(training={"tokens": [-1, -1, 0, 1], "iterations": [0, 0, 3, 5]})
    curve = measure.settling_curve(run, bins=2).sel(quantile=0.5)
    assert np.isnan(curve[0]) and curve[1] == 4


@pytest.mark.parametrize(("n_events", "bins"), [(10, 3), (7, 7), (3, 40), (16000, 40)])
def test_bins_hold_every_event_once(n_events, bins):
    slices, centres = event_bins(n_events, bins)
    seen = np.concatenate([np.arange(n_events)[part] for part in slices])
    assert seen.tolist() == list(range(n_events))
    widths = [part.stop - part.start for part in slices]
    assert max(widths) - min(widths) <= 1 and len(centres) == min(bins, n_events)


def test_free_energy(make_run):
    run = make_run(
        level_sizes=[2, 4],
        block={
            "tokens": [0],
            "onset_error": [[3.0, 0.5]],
            "settled_error": [[1.0, 0.25]],
            "precision": [[1.0, np.e]],
        },
    )
    energy = measure.free_energy(run, "block")
    # 2/2*(1*3 - 0) + 4/2*(e*.5 - 1), and the same with the settled errors
    assert energy.sel(moment="first").item() == pytest.approx(3 + np.e - 2)
    assert energy.sel(moment="last").item() == pytest.approx(1 + np.e / 2 - 2)


def test_energy_curve_is_the_mean_over_presented_tokens(make_run):
    """One level of 2 units with precision 1: the free energy is the squared error."""
    onset = np.array([[4.0], [2.0], [77.0], [5.0], [1.0], [3.0]])
    run = make_run(
        level_sizes=[2],
        training={
            "tokens": [0, 1, -1, 0, 1, 1],
            "onset_error": onset,
            "settled_error": onset / 2,
            "precision": np.ones((6, 1)),
        },
    )
    curve = measure.energy_curve(run, bins=2)
    assert curve.dims == ("tokens", "moment") and curve["tokens"].values.tolist() == [1.5, 4.5]
    np.testing.assert_allclose(curve, [[3, 1.5], [3, 1.5]])
    silent = make_run(
        level_sizes=[2],
        training={
            "tokens": [-1, 1],
            **{name: np.ones((2, 1)) for name in ("onset_error", "settled_error", "precision")},
        },
    )
    assert np.isnan(measure.energy_curve(silent, bins=2)[0]).all()


def traced(tokens, duration, courses, step=0.002, blank=0.004):
    """A run whose only block "traces" holds, for each token, errors (time, unit) of the levels from
    its onset on.

    The blank before each token, and what follows the courses, hold 100.
    """
    before, period = round(blank / step), round((blank + max(duration)) / step)
    onset = blank + np.arange(len(tokens)) * period * step
    events = pd.DataFrame({"token": tokens, "onset": onset, "duration": duration})
    data = {}
    for level, of_tokens in courses.items():
        values = np.full((period * len(tokens), len(of_tokens[0][0])), 100.0)
        for k, course in enumerate(of_tokens):
            start = k * period + before
            values[start : start + len(course)] = course
        data[f"error_{level}.error"] = (("time", f"error_{level}_unit"), values)
    probes = xr.Dataset(data, coords={"time": np.arange(period * len(tokens)) * step})
    return SimpleNamespace(events=lambda name: events, traces=lambda name: probes)


def test_error_course_is_the_mean_over_units_and_presented_tokens():
    """Three presented tokens and an omitted one; the second is shown for 2 samples of 2 ms only."""
    low = [
        [[1.0, 1], [2, 4], [0, 0]],
        [[3.0, 5], [1, 1]],
        [[9.0, 9]] * 3,
        [[0.0, 0], [0, 0], [7, 7]],
    ]
    high = [[[2.0]] * 3, [[4.0]] * 2, [[9.0]] * 3, [[0.0]] * 3]
    run = traced([0, 1, -1, 2], [0.006, 0.004, 0.006, 0.006], {0: low, 2: high})
    course = measure.error_course(run, "traces")
    assert course.dims == ("time", "level") and course["level"].values.tolist() == [0, 2]
    np.testing.assert_allclose(course["time"], [0, 0.002])
    np.testing.assert_allclose(
        course, [[(1 + 17 + 0) / 3, (4 + 16) / 3], [(10 + 1 + 0) / 3, (4 + 16) / 3]]
    )


def test_levels_sampled_at_other_moments_share_those_of_all():
    """Level 1 is sampled every 4 ms, in two tokens of 6 ms and blanks of 4 ms."""
    run = traced([0, 1], [0.006] * 2, {0: [[[1.0], [2], [3]], [[3.0], [4], [5]]]})
    time = 0.004 * np.arange(5)
    values = (10 * (1 + np.arange(5.0)))[:, None]  # at 4 and 8 ms, 0 and 4 ms from the first onset
    probes = run.traces("traces").rename(time="time_error_0")
    probes["error_1.error"] = (("time_error_1", "error_1_unit"), values)
    probes = probes.assign_coords(time_error_1=time)
    run.traces, run.id = lambda name: probes, "two clocks"
    course = measure.error_course(run, "traces")
    # Onsets at 4 and 14 ms: of level 1, 0 and 4 ms after the first, and 2 ms after the second.
    np.testing.assert_allclose(course["time"], [0, 0.002, 0.004])
    np.testing.assert_allclose(course.sel(level=0), [(1 + 9) / 2, (4 + 16) / 2, (9 + 25) / 2])
    np.testing.assert_allclose(course.sel(level=1), [20.0**2, 50.0**2, 30.0**2])
    slow = probes.isel(time_error_1=[0])  # in the blank alone
    run.traces = lambda name: slow
    with pytest.raises(DeclarationError, match="no moment"):
        measure.error_course(run, "traces")


def test_levels_with_gaps_of_their_own_show_what_all_have():
    run = traced([0], [0.006], {0: [[[1.0], [2], [3]]], 1: [[[1.0], [1], [1]]]})
    probes = run.traces("traces")
    upper = probes["error_1.error"].isel(time=slice(0, None, 2)).rename(time="time_error_1")
    lower = probes.drop_vars("error_1.error").rename(time="time_error_0")
    both = lower.assign({"error_1.error": upper})
    run.traces = lambda name: both
    course = measure.error_course(run, "traces")
    np.testing.assert_allclose(course["time"], [0, 0.004])
    np.testing.assert_allclose(course, [[1, 1], [9, 1]])


def test_error_course_of_omissions_alone_is_an_error():
    run = traced([-1], [0.006], {0: [[[1.0]] * 3]})
    with pytest.raises(StimulusError, match="traces"):
        measure.error_course(run, "traces")


def test_free_energy_is_least_at_matched_precision(make_run):
    """dF/dPi = 0 at Pi = 1/s."""
    precision = np.linspace(0.5, 8, 151)
    error = np.full((151, 1), 0.4)
    run = make_run(
        level_sizes=[5],
        block={
            "tokens": np.zeros(151, int),
            "onset_error": error,
            "settled_error": error,
            "precision": precision[:, None],
        },
    )
    best = measure.free_energy(run, "block").sel(moment="last").argmin("event").item()
    assert precision[best] == pytest.approx(2.5)


ERRORS = {
    "untrained": {
        "tokens": [0, 1, -1],
        "onset_error": [[6.0, 99.0], [10.0, 99.0], [77.0, 77.0]],
        "error": [[99.0, 1.0], [99.0, 3.0], [77.0, 77.0]],
    },
    "familiar": {
        "tokens": [0, 1],
        "onset_error": [[1.0, 99.0], [3.0, 99.0]],
        "error": [[99.0, 0.05], [99.0, 0.15]],
    },
}


def test_error_ratio_reads_onset_below_and_presentation_above(make_run):
    ratio = measure.error_ratio(make_run(**ERRORS))
    assert ratio["level"].to_numpy().tolist() == [0, 1]
    np.testing.assert_allclose(ratio, [8 / 2, 2 / 0.1])


def test_mean_errors_take_a_mask(make_run):
    run = make_run(**ERRORS)
    masked = measure.mean_errors(run, "untrained", np.array([False, True, True]))
    np.testing.assert_allclose(masked, [10, 3])
    with pytest.raises(StimulusError, match="shape"):
        measure.mean_errors(run, "untrained", np.array([True]))
    with pytest.raises(StimulusError, match="no event is left"):
        measure.mean_errors(run, "untrained", np.array([False, False, True]))


def test_curves_are_means_per_bin(make_run):
    run = make_run(
        training={
            "tokens": [0, -1, 1, 0],
            "onset_error": [[4.0, 0], [50.0, 0], [1.0, 0], [3.0, 0]],
            "error": [[0, 0.4], [0, 50.0], [0, 0.1], [0, 0.1]],
            "precision": [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]],
        }
    )
    np.testing.assert_allclose(measure.error_curve(run, bins=2), [[4, 0.4], [2, 0.1]])
    np.testing.assert_allclose(measure.precision_curve(run, bins=2), [[2, 3], [6, 7]])


def test_halfway_is_the_geometric_mean(make_run):
    """Level 0 falls by a decade per event from 1 to 1e-4: 1e-2 is reached at the third event."""
    falling = 10.0 ** -np.arange(5)
    rising = np.arange(1.0, 6.0)
    errors = np.stack([falling, rising], axis=1)
    run = make_run(training={"tokens": [0, 1, 0, 1, 0], "onset_error": errors, "error": errors})
    halfway = measure.halfway_token(run, bins=5)
    assert halfway.sel(level=0) == 2.5
    assert np.isnan(halfway.sel(level=1))
