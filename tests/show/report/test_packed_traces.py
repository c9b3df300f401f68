"""Oracle: brute force. What a page decodes is the recording, to half a step of its codes; bins keep
lowest and highest.
"""

import base64

import numpy as np
import pytest
import xarray as xr

from fena_sim.show.report import traces


def series(values, share=1.0):
    data = xr.DataArray(
        values,
        dims=("time", "error_1_unit"),
        name="error_1.error",
        attrs={"units": "1"},
        coords={
            "time": np.arange(len(values)) / 1000,
            "error_1_unit": np.arange(values.shape[1]) + 7,
        },
    )
    return traces._series(data, {}, share)


def decoded(found, name, kind, top):
    codes = np.frombuffer(base64.b64decode(found[name]), kind).astype(float)
    codes[codes == top + 1] = np.nan
    return found["low"] + codes / top * (found["high"] - found["low"])


@pytest.fixture
def values():
    return np.random.default_rng(3).normal(size=(900, 6)).cumsum(axis=0)


def test_a_short_recording_is_kept_in_every_sample(values):
    found = series(values)
    step = (found["high"] - found["low"]) / 254
    units = decoded(found, "traces", "u1", 254).reshape(6, -1).T
    assert np.abs(units - values).max() <= step / 2 * 1.001
    rms = np.sqrt((values**2).mean(axis=1))
    assert np.abs(decoded(found, "curve", "<u2", 65534) - rms).max() <= step / 254
    np.testing.assert_allclose(
        np.frombuffer(base64.b64decode(found["time"]), "<f4"), np.arange(900), rtol=1e-6
    )
    assert found["units"] == [7, 8, 9, 10, 11, 12] and found["all"] == 6 and found["level"] == 1


@pytest.mark.parametrize("read", [1, 700, 10**9])
def test_a_long_recording_keeps_lowest_and_highest_of_every_bin_however_it_is_read(
    values, monkeypatch, read
):
    monkeypatch.setattr(traces, "READ", read)
    monkeypatch.setattr(traces, "FEWEST", 10)
    monkeypatch.setattr(traces, "CURVE_POINTS", 100)
    found = series(values, share=300 / values.size)
    units = decoded(found, "traces", "u1", 254).reshape(6, -1).T
    assert units.shape == (50, 6)
    edges = np.linspace(0, 900, 26).round().astype(int)
    step = (found["high"] - found["low"]) / 254
    for k, (a, b) in enumerate(zip(edges[:-1], edges[1:])):
        assert np.abs(units[2 * k] - values[a:b].min(axis=0)).max() <= step
        assert np.abs(units[2 * k + 1] - values[a:b].max(axis=0)).max() <= step
    rms = np.sqrt((values**2).mean(axis=1)).reshape(50, 18)
    curve = decoded(found, "curve", "<u2", 65534).reshape(50, 2)
    assert np.abs(curve - np.stack([rms.min(axis=1), rms.max(axis=1)], axis=1)).max() <= step


def test_many_units_in_little_room_are_fewer_units_not_none(monkeypatch):
    monkeypatch.setattr(traces, "FEWEST", 50)
    found = series(np.random.default_rng(0).normal(size=(1000, 400)), share=0.001)
    assert (
        found["units"][0] == 7
        and found["units"][-1] == 406
        and len(found["units"]) == 8
        and found["all"] == 400
    )
    assert len(base64.b64decode(found["traces"])) <= 8 * 50


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_finite_are_gaps(bad):
    values = np.arange(12.0).reshape(6, 2)
    values[2, 1] = bad
    found = series(values)
    units = decoded(found, "traces", "u1", 254).reshape(2, -1).T
    assert np.isnan(units[2, 1]) and np.isfinite(np.delete(units.ravel(), 5)).all()
    assert np.isnan(decoded(found, "curve", "<u2", 65534)[2])


def test_units_are_those_of_the_trade():
    voltage = "metre ** 2 * kilogram * second ** -3 * amp ** -1"
    assert [traces._unit(text) for text in ("1", voltage, "second ** -1")] == ["1", "V", "Hz"]


def test_constant_and_empty_recordings():
    assert decoded(series(np.full((5, 2), 3.0)), "traces", "u1", 254).tolist() == [3.0] * 10
    assert series(np.full((5, 2), np.nan))["low"] == 0.0


def test_what_a_run_recorded_is_what_its_page_holds(uninterrupted):
    blocks = traces.pack_traces(uninterrupted, {})
    assert [block["name"] for block in blocks] == uninterrupted.blocks
    for block in blocks:
        sampled = [np.frombuffer(base64.b64decode(coded), "<f4") for coded in block["times"]]
        data, events = uninterrupted.traces(block["name"]), uninterrupted.events(block["name"])
        assert (
            block["tokens"]["iterations"]
            == uninterrupted.tokens(block["name"])["iterations"].to_numpy().tolist()
        )
        assert [s is None for s in block["tokens"]["symbol"]] == (events["token"] < 0).tolist()
        for name, column in (
            ("blank", "blank_onset"),
            ("onset", "onset"),
            ("duration", "duration"),
        ):
            assert block["tokens"][name] == pytest.approx(1000 * events[column], abs=1e-3)
        for found in block["series"]:
            recorded = data[found["name"]].to_numpy()
            time = data[data[found["name"]].dims[0]].to_numpy() * 1000
            assert (
                sampled[found["time"]]
                == pytest.approx(time, abs=1e-2)
                == sampled[found["curve_time"]]
            )
            units = decoded(found, "traces", "u1", 254).reshape(recorded.shape[1], -1).T
            assert np.abs(units - recorded).max() <= (found["high"] - found["low"]) / 254
