"""Oracles: what was written into the run by hand, read back by plain pynwb; the findings of
nwbinspector.
"""

import json

import handmade
import numpy as np
import pytest
import texts
from hypothesis import given, settings

pynwb = pytest.importorskip("pynwb", reason="needs the extra nwb")

from fena_sim.show.export.nwb import write_nwb  # noqa: E402  (after the skip)


@pytest.fixture(scope="module")
def path(made, tmp_path_factory):
    path = tmp_path_factory.mktemp("nwb") / "run.nwb"
    write_nwb(made.run, path)
    return path


@pytest.fixture(scope="module")
def file(path):
    with pynwb.NWBHDF5IO(str(path), "r") as io:
        yield io.read()


def assert_not_critical(path):
    inspector = pytest.importorskip("nwbinspector", reason="needs the package nwbinspector")
    findings = list(inspector.inspect_nwbfile(nwbfile_path=str(path)))
    assert not [
        f
        for f in findings
        if f.importance.name in ("CRITICAL", "BEST_PRACTICE_VIOLATION", "ERROR", "PYNWB_VALIDATION")
    ], findings
    assert findings  # that of the missing institution: the inspector did look


def test_nothing_critical(path):
    assert_not_critical(path)


def test_traces_are_the_same_numbers(made, file):
    assert set(file.acquisition) == {"first.rate.r", "first.cell.v", "second.rate.r"}
    rates, volts = file.acquisition["first.rate.r"], file.acquisition["first.cell.v"]
    assert (
        rates.data.dtype == np.float32
        and rates.unit == "1"
        and volts.unit == "V"
        and rates.rate == 1000
    )
    np.testing.assert_array_equal(rates.data[:], made.rates)
    np.testing.assert_array_equal(volts.data[:], made.volts)
    windowed = file.acquisition["second.rate.r"]
    np.testing.assert_array_equal(windowed.data[:], made.windowed["rate.r"])
    # Blocks follow one another: 6 and 4 tokens of 50 ms came before.
    np.testing.assert_allclose(windowed.timestamps[:], made.windowed["time"] + 0.5, atol=1e-12)


def test_trials_have_every_column(made, file):
    trials = file.trials.to_dataframe()
    assert (
        len(trials) == 12
        and trials["block"].tolist() == ["first"] * 6 + ["silent"] * 4 + ["second"] * 2
    )
    for name, offset in (("first", 0), ("silent", 0.3), ("second", 0.5)):
        part, table = trials[trials["block"] == name], made.run.events(name)
        for column in table:
            assert part[column].tolist() == table[column].tolist(), column
        np.testing.assert_allclose(part["start_time"], table["blank_onset"] + offset)
        np.testing.assert_allclose(part["stop_time"], table["onset"] + table["duration"] + offset)
        for readout, values in made.tokens[name].data_vars.items():
            np.testing.assert_array_equal(np.stack(part[f"readout_{readout}"]), values)
    assert np.isnan(trials["position"][:6]).all() and trials["role"][6] == ""


@pytest.mark.parametrize("rounding", [np.float64, np.float32])
def test_trials_adjoin_exactly(tmp_path, rounding):
    """Also those of an earlier version, whose durations were in single precision."""
    shown = np.asarray(rounding(0.1) * np.ones(7, rounding), dtype=float)
    onsets = 0.007 + np.arange(7) * 0.107
    table = handmade.events(onsets, np.arange(7) % 4, blank=0.007, shown=shown)
    run = handmade.write(
        tmp_path / "run", {name: (table, None, None) for name in ("one", "two", "three")}
    )
    write_nwb(run, tmp_path / "run.nwb")
    with pynwb.NWBHDF5IO(str(tmp_path / "run.nwb"), "r") as io:
        file = io.read()
        trials, epochs = file.trials.to_dataframe(), file.epochs.to_dataframe()
    assert trials["start_time"][1:].tolist() == trials["stop_time"][:-1].tolist()
    assert trials["start_time"].tolist() == [float(f"{k * 0.107:.12g}") for k in range(21)]
    assert epochs["start_time"][1:].tolist() == epochs["stop_time"][:-1].tolist()
    assert epochs["stop_time"].tolist() == [0.749, 1.498, 2.247]


def test_labels_with_gaps_in_some_blocks(tmp_path):
    """A column is numbers if it is in every block that has it, else text; gaps are NaN or empty."""
    rows = np.arange(2) * 0.05
    tables = {
        "whole": handmade.events(
            rows, [0, 1], position=[1, 2], sure=[True, False], code=[1, 2], padded=["01", "02"]
        ),
        "gaps": handmade.events(
            rows,
            [2, 3],
            position=[np.nan, 4.0],
            sure=[None, True],
            code=["x", None],
            padded=["", "03"],
        ),
        "none": handmade.events(rows, [0, 1]),
    }
    run = handmade.write(
        tmp_path / "run", {name: (table, None, None) for name, table in tables.items()}
    )
    write_nwb(run, tmp_path / "run.nwb")
    with pynwb.NWBHDF5IO(str(tmp_path / "run.nwb"), "r") as io:
        trials = io.read().trials.to_dataframe()
        np.testing.assert_array_equal(trials["position"], [1, 2, np.nan, 4, np.nan, np.nan])
        assert trials["sure"].tolist() == ["True", "False", "", "True", "", ""]
        assert trials["code"].tolist() == ["1", "2", "x", "", "", ""]
        assert trials["padded"].tolist() == ["01", "02", "", "03", "", ""]


def label_of(trials, label):
    """The values of a label, from the column whose description names it."""
    (column,) = [c for c in trials.columns if c.description.startswith(f"label {label!r} of the")]
    values = column.data[:].tolist()
    return [json.loads(value) for value in values] if "as JSON" in column.description else values


def assert_labels_come_back(folder, symbols, labels):
    table = texts.table(symbols, labels)
    run = handmade.write(folder / "run", {"b": (table, None, handmade.kept(len(table)))})
    write_nwb(run, folder / "run.nwb")
    with pynwb.NWBHDF5IO(str(folder / "run.nwb"), "r") as io:
        trials = io.read().trials
        for name, values in labels.items():
            assert all(map(texts.same, label_of(trials, name), values)), name
        (column,) = [c for c in trials.columns if c.name == "symbol"]
        found = column.data[:].tolist()
        json_ = "as JSON" in column.description
        assert [json.loads(text) for text in found] if json_ else found == symbols
        assert json_ == any("\0" in symbol for symbol in symbols)
        # Whatever their names, labels are beside the readouts and the file's own columns.
        own = {"start_time", "stop_time", "block", "readout_error", "readout_iterations"}
        assert own <= set(trials.colnames)
        assert len(set(trials.colnames)) == 3 + 6 + len(labels) + 3
        np.testing.assert_allclose(trials["start_time"][:], table["blank_onset"], atol=1e-12)


@pytest.mark.slow
@settings(max_examples=15)
@given(texts.SYMBOLS, texts.LABELS)
def test_any_text_comes_back_as_it_was(tmp_path_factory, symbols, labels):
    """In a symbol, a label, or a label's name."""
    assert_labels_come_back(tmp_path_factory.mktemp("any"), symbols, labels)


def test_any_name_of_a_label(tmp_path):
    """All at once, with those that pynwb's tables use for themselves."""
    own = [name for name in dir(pynwb.epoch.TimeIntervals) if not name.startswith("__")]
    names = {*texts.USED, *filter(None, texts.AWKWARD), *own} - texts.RESERVED
    labels = {name: [f"{name} {row}" for row in range(3)] for name in sorted(names)}
    assert_labels_come_back(tmp_path, list("abc"), labels)


def test_a_name_that_nwb_can_use_stays(tmp_path):
    """Of two labels whose names would be one, that which has it keeps it."""
    labels = {"a/b": ["1", "2", "3"], "a_b": ["4", "5", "6"], "readout_error": ["x", "y", "z"]}
    table = texts.table(list("abc"), labels)
    run = handmade.write(tmp_path / "run", {"b": (table, None, handmade.kept(3))})
    write_nwb(run, tmp_path / "run.nwb")
    with pynwb.NWBHDF5IO(str(tmp_path / "run.nwb"), "r") as io:
        trials = io.read().trials.to_dataframe()
    assert trials["a_b"].tolist() == ["4", "5", "6"]
    assert trials["a_b_label"].tolist() == ["1", "2", "3"]
    assert trials["readout_error_label"].tolist() == ["x", "y", "z"]
    np.testing.assert_array_equal(np.stack(trials["readout_error"]), handmade.kept(3)["error"])


def test_large_integers_that_some_blocks_lack(tmp_path):
    """They do not become floats, of which there is not one for each."""
    tables = {
        "with": handmade.events([0, 0.05], [0, 1], serial=[2**60 + 1, 2], small=[1, 2]),
        "without": handmade.events([0, 0.05], [0, 1]),
    }
    run = handmade.write(tmp_path / "run", {n: (t, None, None) for n, t in tables.items()})
    write_nwb(run, tmp_path / "run.nwb")
    with pynwb.NWBHDF5IO(str(tmp_path / "run.nwb"), "r") as io:
        trials = io.read().trials.to_dataframe()
    assert trials["serial"].tolist() == [str(2**60 + 1), "2", "", ""]
    np.testing.assert_array_equal(trials["small"], [1, 2, np.nan, np.nan])


@pytest.mark.parametrize(
    "fired", [[], [0], [1, 1], [2]], ids=["none", "the first", "the second", "the last"]
)
def test_silent_neurons(tmp_path, fired):
    """Nothing critical, and every neuron that was recorded is there."""
    traces = handmade.traces(1e-3, cell__v=np.random.default_rng(0).normal(size=(300, 3)))
    traces = traces.assign(
        {
            "cell.spike_time": ("cell_spike", 0.01 * np.arange(1, len(fired) + 1), {"units": "s"}),
            "cell.spike_unit": ("cell_spike", np.array(fired, dtype="int32")),
        }
    )
    table = handmade.events(np.arange(6) * 0.05, [0, 1, 2, 3, 0, 1])
    cell = handmade.population("cell", 0, "v", 3, "volt")
    run = handmade.write(tmp_path / "run", {"b": (table, traces, None)}, [cell])
    write_nwb(run, tmp_path / "run.nwb")
    assert_not_critical(tmp_path / "run.nwb")
    with pynwb.NWBHDF5IO(str(tmp_path / "run.nwb"), "r") as io:
        file = io.read()
        listed = file.units if fired else file.analysis["silent_units"]
        assert listed["unit"].data[:].tolist() == [0, 1, 2]
        assert listed["population"].data[:].tolist() == ["cell"] * 3
        if fired:
            counts = [len(times) for times in file.units.to_dataframe()["spike_times"]]
            assert counts == [fired.count(unit) for unit in range(3)]
        else:
            assert file.units is None


def test_spikes_are_the_units(made, file):
    units = file.units.to_dataframe()
    assert units["population"].tolist() == ["cell"] * 3 and units["unit"].tolist() == [0, 1, 2]
    for unit, times in zip(units["unit"], units["spike_times"], strict=True):
        later = [0.07 + 0.5] if unit == 2 else []  # in the last block
        np.testing.assert_allclose(times, [*made.times[made.units == unit], *later], rtol=1e-15)
    np.testing.assert_allclose(units["obs_intervals"][0], [[0, 0.3], [0.5, 0.59 + 0.01]])


def test_the_model_and_where_the_run_comes_from(made, file):
    parameters = file.analysis["model_parameters"].to_dataframe()
    assert (
        parameters.set_index("parameter")["value"].to_dict()
        == made.run.manifest["model"]["parameters"]
    )
    provenance = file.analysis["provenance"].to_dataframe().set_index("title")["value"]
    assert (
        provenance["seed"] == "0"
        and provenance["device"] == "dense64"
        and provenance["version of zarr"]
    )
    assert json.loads(file.notes) == made.run.manifest["inputs"]["model"]
    assert file.analysis["model_populations"]["equations"].data[:].tolist() == ["r : 1", "v : volt"]
    assert (
        file.identifier == made.run.id
        and file.session_start_time.isoformat() == "2026-11-23T10:00:00+00:00"
    )
    assert file.epochs["tags"][:] == [["first"], ["silent"], ["second"]]


def test_streams_side_by_side(two_streams, tmp_path):
    write_nwb(two_streams.run, tmp_path / "b.nwb")
    assert_not_critical(tmp_path / "b.nwb")
    with pynwb.NWBHDF5IO(str(tmp_path / "b.nwb"), "r") as io:
        file = io.read()
        np.testing.assert_array_equal(file.acquisition["b.rate.r"].data[:], two_streams.values)
        trials = file.trials.to_dataframe()
        assert trials["stream"].tolist() == [0, 1, 0, 1] and trials["token"].tolist() == [
            0,
            2,
            1,
            3,
        ]
        state = two_streams.tokens["state"].values  # (event, stream, unit)
        np.testing.assert_array_equal(np.stack(trials["readout_state"]), state.reshape(4, 3))


def test_a_long_recording_is_written_in_pieces(made, tmp_path, monkeypatch):
    """Never more than 64 samples are asked for at once, and the numbers are the same."""
    monkeypatch.setattr("fena_sim.show.export.contents.AT_ONCE", 64)
    asked = []
    import xarray as xr

    original = xr.DataArray.to_numpy
    monkeypatch.setattr(
        xr.DataArray, "to_numpy", lambda self: (asked.append(self.shape), original(self))[1]
    )
    write_nwb(made.run, tmp_path / "long.nwb", ["first"])
    assert max(shape[0] for shape in asked if len(shape) == 2 and shape[1] == 5) == 64
    with pynwb.NWBHDF5IO(str(tmp_path / "long.nwb"), "r") as io:
        np.testing.assert_array_equal(io.read().acquisition["first.rate.r"].data[:], made.rates)
