"""Oracles: what was written into the run by hand, read back by Python's csv module and pandas; RFC
4180.
"""

import csv
import json

import handmade
import numpy as np
import pandas as pd
import pytest
import texts
from hypothesis import given, settings

from fena_sim.show.export.csv import write_csv


@pytest.fixture(scope="module")
def folder(made, tmp_path_factory):
    folder = tmp_path_factory.mktemp("csv") / "tables"
    write_csv(made.run, folder)
    return folder


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.reader(file, strict=True))


def test_every_file_is_described_and_described_rightly(folder):
    package = json.loads((folder / "datapackage.json").read_text())
    assert {entry["path"] for entry in package["resources"]} == {
        path.name for path in folder.glob("*.csv")
    }
    for entry in package["resources"]:
        assert [field["name"] for field in entry["schema"]["fields"]] == rows(
            folder / entry["path"]
        )[0]
    traces = next(entry for entry in package["resources"] if entry["path"] == "first_traces.csv")
    assert (
        traces["units"] == {"rate.r": "1", "cell.v": "V"}
        and traces["schema"]["fields"][0]["unit"] == "s"
    )
    assert package["parameters"] == {"state_1.tau": "14. ms"} and package["run"]["seed"] == "0"


def test_rfc_4180(folder):
    """Records end in CR LF and have equally many fields; quotes, commas and line breaks are inside
    quotes.
    """
    for path in folder.glob("*.csv"):
        records = rows(path)
        assert len({len(record) for record in records}) == 1, path
        data = path.read_bytes()
        assert data.endswith(b"\r\n") and data.count(b"\r\n") == len(records)
    assert rows(folder / "second_events.csv")[2][5] == 'a "quoted",\nlabel'
    assert b'"a ""quoted"",\nlabel"' in (folder / "second_events.csv").read_bytes()


#: A value as it stands in a field, by its type.
READ = {
    str: str,
    bool: {"True": True, "False": False}.get,
    int: int,
    float: lambda field: float(field or "nan"),
}


@settings(max_examples=40)
@given(texts.SYMBOLS, texts.LABELS)
def test_any_text_comes_back_as_it_was(tmp_path_factory, symbols, labels):
    """In a symbol, a label, or a label's name; numbers and truth values too."""
    folder = tmp_path_factory.mktemp("any")
    run = handmade.write(folder / "run", {"b": (texts.table(symbols, labels), None, None)})
    write_csv(run, folder / "tables")
    names, *found = rows(folder / "tables" / "b_events.csv")
    columns = dict(zip(names, zip(*found, strict=True), strict=True))
    assert len(names) == len(columns) == 6 + len(labels)
    assert columns["symbol"] == tuple(symbols)
    for name, values in labels.items():
        read = [READ[type(v)](field) for v, field in zip(values, columns[name], strict=True)]
        assert all(map(texts.same, read, values)), name
    (entry,) = json.loads((folder / "tables" / "datapackage.json").read_text())["resources"]
    assert [field["name"] for field in entry["schema"]["fields"]] == names


def test_events(made, folder):
    for name in made.run.blocks:
        read, table = (
            pd.read_csv(folder / f"{name}_events.csv", keep_default_na=False),
            made.run.events(name),
        )
        pd.testing.assert_frame_equal(read, table, check_exact=True)


def test_samples(made, folder):
    read = pd.read_csv(folder / "first_traces.csv", float_precision="round_trip")
    rates = read[read["variable"] == "rate.r"].pivot(index="time", columns="unit", values="value")
    np.testing.assert_array_equal(rates.to_numpy().astype("float32"), made.rates)
    volts = read[read["variable"] == "cell.v"].pivot(index="time", columns="unit", values="value")
    np.testing.assert_array_equal(volts, made.volts)
    np.testing.assert_array_equal(volts.index, np.arange(300) * 1e-3)


def test_spikes(made, folder):
    read = pd.read_csv(folder / "first_spikes.csv", float_precision="round_trip")
    assert (
        read["time"].tolist() == made.times.tolist()
        and read["unit"].tolist() == made.units.tolist()
    )
    assert not (folder / "silent_spikes.csv").exists()


def test_what_was_kept_per_token(made, folder):
    read = pd.read_csv(folder / "silent_tokens.csv", float_precision="round_trip")
    for name in ("error", "state"):
        values = (
            read[read["variable"] == name]
            .pivot(index="event", columns="index", values="value")
            .to_numpy()
        )
        np.testing.assert_array_equal(
            values.astype(made.tokens["silent"][name].dtype), made.tokens["silent"][name]
        )
    iterations = read[read["variable"] == "iterations"]
    assert (
        iterations["value"].tolist() == made.tokens["silent"]["iterations"].values.tolist()
        and iterations["index"].isna().all()
    )


def test_units_keep_their_numbers(tmp_path):
    """Of a probe of units 2, 5 and 7."""
    values = np.arange(60.0).reshape(20, 3)
    recorded = handmade.traces(1e-3, rate__r=values).assign_coords(rate_unit=[2, 5, 7])
    run = handmade.write(tmp_path / "run", {"b": (handmade.events([0], [0]), recorded, None)})
    write_csv(run, tmp_path / "tables")
    read = pd.read_csv(tmp_path / "tables" / "b_traces.csv", float_precision="round_trip")
    table = read.pivot(index="time", columns="unit", values="value")
    assert table.columns.tolist() == [2, 5, 7]
    np.testing.assert_array_equal(table, values)


def test_streams_side_by_side(two_streams, tmp_path):
    write_csv(two_streams.run, tmp_path / "b")
    read = pd.read_csv(tmp_path / "b" / "b_traces.csv", float_precision="round_trip")
    values = read[read["stream"] == 1].pivot(index="time", columns="unit", values="value")
    np.testing.assert_array_equal(values, two_streams.values[:, 1])
    read = pd.read_csv(tmp_path / "b" / "b_tokens.csv", float_precision="round_trip")
    state = read[(read["variable"] == "state") & (read["stream"] == 1)].pivot(
        index="event", columns="index", values="value"
    )
    np.testing.assert_array_equal(state, two_streams.tokens["state"].values[:, 1])


def test_tables_of_modalities_and_blocks_stay_apart(awkward, tmp_path):
    write_csv(awkward.run, tmp_path / "csv")
    files = {"b": "b", "b_sound": "b_sound", "sound": "b.sound", "s_ound": "b.s_ound"}
    for name, stem in files.items():
        table = pd.read_csv(tmp_path / "csv" / f"{stem}_events.csv", keep_default_na=False)
        assert table["symbol"].tolist() == awkward.tables[name]["symbol"].tolist()
    about = json.loads((tmp_path / "csv" / "datapackage.json").read_text("utf-8"))
    assert len({entry["name"] for entry in about["resources"]}) == len(about["resources"]) == 4
