"""Oracle: recordings whose value is a known function of time and unit, so that every epoch is known
in closed form.
"""

import subprocess
import sys
import textwrap
from pathlib import Path

import handmade
import numpy as np
import pytest
from brian2 import ms

from fena_sim.epochs import average, epochs
from fena_sim.errors import (
    DeclarationError,
    FenaWarning,
    StimulusError,
    UnitError,
    UnknownNameError,
)

N = 500
TIME = np.arange(N) * 1e-3


def ramp(units=3):
    """Value = 10*t/ms + unit: names its own sample."""
    return 10.0 * np.arange(N)[:, None] + np.arange(units)


@pytest.fixture
def run(tmp_path):
    table = handmade.events(
        [0, 0.06, 0.12, 0.3, 0.47], [0, 1, -1, 1, 2], role=["s", "d", "s", "d", "x"]
    )
    return handmade.write(
        tmp_path / "run", {"b": (table, handmade.traces(1e-3, state_1__r=ramp()), None)}
    )


def test_an_epoch_is_the_recording_around_its_token(run):
    cut = epochs(run, "b", "state_1.r", (-5 * ms, 10 * ms))
    assert cut.dims == ("token", "time", "unit") and cut.attrs["units"] == "1"
    # The first token has no 5 ms before it, the others have; the window is half open.
    assert cut["token"].values.tolist() == [1, 2, 3, 4] and cut.attrs["dropped"] == 1
    np.testing.assert_allclose(cut["time"], np.arange(-5, 10) * 1e-3, atol=1e-12)
    onset = np.array([60, 120, 300, 470])
    expected = 10.0 * (onset[:, None, None] + np.arange(-5, 10)[:, None]) + np.arange(3)
    np.testing.assert_array_equal(cut.values, expected)
    # What is said of the tokens is said of those that were kept.
    assert cut["role"].values.tolist() == ["d", "s", "d", "x"]
    assert cut["condition"].values.tolist() == ["presented", "omitted", "presented", "presented"]
    assert cut["presented"].values.tolist() == [True, False, True, True]


def test_epochs_over_the_end_are_dropped_and_those_that_just_fit_are_not(run):
    assert epochs(run, "b", "state_1.r", (0 * ms, 30 * ms)).attrs["dropped"] == 0
    assert epochs(run, "b", "state_1.r", (0 * ms, 31 * ms))["token"].values.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(("lock", "shift"), [("onset", 0), ("offset", 40), ("blank_onset", -10)])
def test_locks(run, lock, shift):
    cut = epochs(
        run,
        "b",
        "state_1.r",
        (0 * ms, 1 * ms),
        lock=lock,
        by=lambda table: [1 if 0 < k < 4 else None for k in range(5)],
    )
    np.testing.assert_array_equal(cut[:, 0, 0], 10 * (np.array([60, 120, 300]) + shift))


@pytest.mark.parametrize(
    "key",
    [
        (slice(1, 3),),
        (2,),
        ([3, 0, 3], slice(None), 1),
        (slice(None), -1),
        (1, 2, 0),
        (slice(None, None, -1), slice(2, 9, 3), [2, 0]),
    ],
)
def test_any_part_is_read_as_of_the_whole(run, key):
    cut = epochs(run, "b", "state_1.r", (-5 * ms, 10 * ms), baseline=(-5 * ms, 0 * ms))
    whole = cut.values
    part = cut.isel(dict(zip(cut.dims, key, strict=False)))
    expected = whole[
        np.ix_(
            *[
                np.atleast_1d(np.arange(n)[k])
                for n, k in zip(whole.shape, (*key, slice(None), slice(None)))
            ]
        )
    ]
    np.testing.assert_array_equal(part.values, expected.reshape(part.shape))


def test_baseline_is_the_mean_before(run):
    """Of a ramp of 10 per ms the mean over [-4, 0) ms lies at -2.5 ms."""
    cut = epochs(run, "b", "state_1.r", (-5 * ms, 10 * ms), baseline=(-4 * ms, 0 * ms))
    np.testing.assert_allclose(
        cut.values, np.broadcast_to(10 * (np.arange(-5, 10) + 2.5)[:, None], cut.shape)
    )


def test_labels_of_the_event_table_travel_along(run):
    cut = epochs(run, "b", "state_1.r", (0 * ms, 10 * ms), by=["role", "presented"])
    assert cut["token_id"].values.tolist() == [0, 1, -1, 1, 2] and cut[
        "symbol"
    ].values.tolist() == ["a", "b", "", "b", "c"]
    assert cut["condition"].values.tolist()[1:3] == [
        "role=d, presented=True",
        "role=s, presented=False",
    ]
    assert cut["presented"].values.tolist() == [True, True, False, True, True]


def test_omitted_tokens_are_a_condition_of_their_own(run):
    cut = epochs(run, "b", "state_1.r", (0 * ms, 10 * ms))
    assert cut.attrs["conditions"] == ["presented", "omitted"]
    mean = average(cut)
    assert mean["tokens"].values.tolist() == [4, 1]
    np.testing.assert_allclose(mean.sel(condition="omitted"), 10 * (120 + np.arange(10)) + 1)
    np.testing.assert_allclose(
        mean.sel(condition="presented"), 10 * ((0 + 60 + 300 + 470) / 4 + np.arange(10)) + 1
    )
    with pytest.raises(DeclarationError, match="'s' holds presented and omitted") as caught:
        epochs(run, "b", "state_1.r", (0 * ms, 10 * ms), by="role")
    assert "by=['role', 'presented']" in caught.value.fix


def test_a_slower_probe_takes_the_nearest_sample(tmp_path):
    """Every 4 ms from 1 ms on; tokens at 20, 43 and 67 ms lie 1 ms before, 2 ms and 2 ms from a
    sample (the earlier one counts).
    """
    recorded = handmade.traces(4e-3, 1e-3, state_1__r=np.arange(100.0)[:, None])
    run = handmade.write(
        tmp_path / "run", {"b": (handmade.events([0.020, 0.043, 0.067], [0, 1, 2]), recorded, None)}
    )
    cut = epochs(run, "b", "state_1.r", (-8 * ms, 8 * ms))
    np.testing.assert_allclose(cut["time"], np.array([-2, -1, 0, 1]) * 4e-3)
    np.testing.assert_array_equal(cut[:, 2, 0], [5, 10, 16])
    assert cut.attrs["misalignment_s"] == pytest.approx(2e-3) and cut.attrs[
        "interval_s"
    ] == pytest.approx(4e-3)


def test_windows_of_a_probe(tmp_path):
    """Kept: -3 to 7 ms around onsets. Inside that window epochs are whole, beyond it there are
    none.
    """
    table = handmade.events([0.01, 0.07, 0.13], [0, 1, 2])
    kept = np.concatenate([a + np.arange(-3, 7) for a in (10, 70, 130)])
    recorded = handmade.traces(1e-3, state_1__r=ramp()).isel(time=kept)
    run = handmade.write(tmp_path / "run", {"b": (table, recorded, None)})
    cut = epochs(run, "b", "state_1.r", (-3 * ms, 7 * ms))
    np.testing.assert_array_equal(
        cut[:, :, 0], 10.0 * (np.array([10, 70, 130])[:, None] + np.arange(-3, 7))
    )
    with pytest.raises(StimulusError, match="windows of 3 of 3 tokens of condition 'presented'"):
        epochs(run, "b", "state_1.r", (-3 * ms, 8 * ms))


def test_dropped_tokens_are_said_and_refused_past_a_quarter(tmp_path):
    """Jittered blanks: with a probe's window around the onset, a window that begins in the blank keeps
    those tokens alone whose blank was short. One of four may be missing, two may not.
    """
    table = handmade.events([0.01, 0.06, 0.12, 0.18], [0, 1, 2, 0])
    recorded = handmade.traces(1e-3, state_1__r=ramp())
    for missing, dropped in ((4, 1), (70, 2)):
        some = recorded.isel(time=slice(missing, None))
        run = handmade.write(tmp_path / f"run{missing}", {"b": (table, some, None)})
        if dropped == 1:
            with pytest.warns(FenaWarning, match="1 of 4 'presented'") as said:
                cut = epochs(run, "b", "state_1.r", (-8 * ms, 8 * ms))
            assert cut.attrs["dropped"] == 1 and len(said) == 1
        else:
            with pytest.raises(StimulusError, match="2 of 4 tokens of condition 'presented'"):
                epochs(run, "b", "state_1.r", (-8 * ms, 8 * ms))


def test_jittered_blanks_do_not_smear_the_response(tmp_path):
    """A pulse at every onset, after blanks of 10 to 40 ms: the average is the pulse, and locked to the
    blanks' starts it is a quarter as high.
    """
    blanks = np.array([10, 20, 30, 40])
    onsets = np.cumsum(blanks + 40) - 40 + 10
    table = handmade.events(onsets * 1e-3, [0, 1, 2, 0])
    table["blank_onset"] = (onsets - blanks) * 1e-3
    pulse = np.isin(np.arange(N), onsets).astype(float)[:, None]
    run = handmade.write(
        tmp_path / "run", {"b": (table, handmade.traces(1e-3, state_1__r=pulse), None)}
    )
    locked = average(epochs(run, "b", "state_1.r", (0 * ms, 45 * ms)))
    assert locked.values[0].tolist() == [1.0, *[0.0] * 44]
    smeared = average(epochs(run, "b", "state_1.r", (0 * ms, 45 * ms), lock="blank_onset"))
    assert smeared.max() == 0.25


def test_streams_side_by_side(tmp_path):
    """Value = 1000*stream + sample; the second stream's tokens are read from the second stream."""
    table = handmade.events([0, 0.1, 0, 0.1], [0, 1, 2, 3])
    table.insert(0, "stream", [0, 0, 1, 1])
    values = np.arange(N)[:, None, None] + 1000.0 * np.arange(2)[:, None] + np.zeros((1, 1, 3))
    run = handmade.write(
        tmp_path / "run", {"b": (table, handmade.traces(1e-3, state_1__r=values), None)}, batch=2
    )
    cut = epochs(run, "b", "state_1.r", (0 * ms, 5 * ms), by="stream")
    np.testing.assert_array_equal(cut[:, 0, 0], [0, 100, 1000, 1100])
    alone = epochs(run.streams[1], "b", "state_1.r", (0 * ms, 5 * ms))
    np.testing.assert_array_equal(alone.values, cut.values[2:])


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        (dict(window=(0, 1)), UnitError, "not two times"),
        (dict(window=(0 * ms, np.inf * ms)), DeclarationError, "does not end"),
        (dict(window=(5 * ms, 5 * ms)), DeclarationError, "holds no sample"),
        (dict(baseline=(-100 * ms, 0 * ms)), DeclarationError, "beyond the window"),
        (dict(lock="onst"), UnknownNameError, "locked to 'onst'"),
        (dict(by="rolle"), UnknownNameError, "no column 'rolle'"),
        (dict(by=lambda table: [1]), DeclarationError, "1 labels for 5 tokens"),
        (dict(by=lambda table: [None] * 5), StimulusError, "no token to cut at"),
        (
            dict(by=["role", "presented"], window=(0 * ms, 31 * ms)),
            StimulusError,
            "1 of 1 tokens of condition 'role=x, presented=True'",
        ),
    ],
)
def test_what_cannot_be_cut(run, options, error, match):
    with pytest.raises(error, match=match):
        epochs(run, "b", "state_1.r", **{"window": (-5 * ms, 10 * ms), **options})


def test_unknown_variable(run):
    with pytest.raises(UnknownNameError, match="no samples of 'state_1.s'") as caught:
        epochs(run, "b", "state_1.s")
    assert "did you mean 'state_1.r'" in caught.value.fix


def test_self_paced_tokens_of_a_real_run(uninterrupted):
    """Recorded every 2 ms in a block that began in the middle of them: the sample nearest to the
    token's own end.
    """
    recorded, events = uninterrupted.traces("paced")["error_0.error"], uninterrupted.events("paced")
    assert events["duration"].nunique() > 1
    time = recorded[recorded.dims[0]].values
    cut = epochs(uninterrupted, "paced", "error_0.error", (-4 * ms, 0 * ms), lock="offset")
    assert cut["token"].values.tolist() == list(range(6)) and cut["unit"].values.tolist() == [0, 3]
    for row, end in zip(cut.values, events["onset"] + events["duration"], strict=True):
        first = np.abs(time - (end - 4e-3) + 1e-6).argmin()  # the earlier of two
        np.testing.assert_array_equal(row, recorded.values[first : first + 2])


@pytest.mark.slow
def test_averaging_never_holds_the_recording(tmp_path):
    """A recording of 120 s of 128 units (123 MB as float64): its average takes a fifth of that in a
    process of its own.
    """
    script = textwrap.dedent("""
        import sys, tracemalloc
        from pathlib import Path
        import numpy as np
        from brian2 import ms
        import handmade
        from fena_sim.epochs import average, epochs

        n, units = 120_000, 128
        onsets = np.arange(0, 119.9, 0.06)
        run = handmade.write(Path(sys.argv[1]), {"b": (handmade.events(onsets, np.arange(len(onsets)) % 4), None, None)}, [handmade.population("state_1", 1, "r", units)])
        path = run.folder / "traces" / "b.zarr"
        for start in range(0, n, 8192):
            rows = np.arange(start, min(n, start + 8192))
            part = handmade.traces(1e-3, start * 1e-3, state_1__r=(rows[:, None] % 60 + np.arange(units)).astype(float))
            part = part if start == 0 else part.drop_vars("state_1_unit")
            options = dict(append_dim="time") if start else dict(encoding={"state_1.r": {"chunks": (4096, units)}})
            part.to_zarr(path, mode="a" if start else "w", consolidated=False, **options)
        tracemalloc.start()
        mean = average(epochs(run, "b", "state_1.r", (0*ms, 60*ms), by="symbol"), "units")
        assert (mean.values == np.arange(60)[:, None] + np.arange(units)).all()
        print(tracemalloc.get_traced_memory()[1] / (8 * n * units))
        """)
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "long")],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": f"{root.parent}:{root}", "PATH": ""},
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 0.2, done.stdout
