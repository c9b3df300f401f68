"""Oracle: the labels that a stream was given, and the contract of the file: text, and a kind per
column that is the same for the same table.
"""

import json

import numpy as np
import pandas as pd
import pytest

from fena_sim.analyse.epochs.conditions import conditions_of
from fena_sim.runs.store.events import as_text, load_events, save_events

GAP = float("nan")
#: Label: (what was given, its kind, what comes back).
LABELS = {
    "integer": ([1, 2, 30], "integer", [1, 2, 30]),
    "small": (np.array([1, 2, 255], dtype="uint8"), "integer", [1, 2, 255]),
    "number": ([0.1, 1.0, -2.5], "number", [0.1, 1.0, -2.5]),
    "whole": ([1.0, 2.0, 3.0], "number", [1.0, 2.0, 3.0]),
    "gap": ([1.0, GAP, 3.0], "number", [1.0, GAP, 3.0]),
    "infinite": ([1.0, GAP, np.inf], "number", [1.0, GAP, np.inf]),
    "nullable": (pd.array([1, None, 3], "Int64"), "number", [1.0, GAP, 3.0]),
    "truth": ([True, False, True], "boolean", [True, False, True]),
    "padded": (["01", "02", "10"], "string", ["01", "02", "10"]),
    "word": (["a", "", "NaN"], "string", ["a", "", "NaN"]),
    "said": (["True", "False", "True"], "string", ["True", "False", "True"]),
    "unknown": (["1", None, "x"], "string", ["1", "", "x"]),
    "unsure": ([True, None, False], "string", ["True", "", "False"]),
    "quoted": (["a\tb", '"', "c\nd"], "string", ["a\tb", '"', "c\nd"]),
}
DTYPE = {"integer": "i", "number": "f", "boolean": "b", "string": "O"}


def table(**labels):
    return pd.DataFrame(
        {"onset": [0.0, 1.0, 2.0], "token": [0, 1, -1], "symbol": ["7", "8", ""], **labels}
    )


@pytest.mark.parametrize("name", LABELS)
def test_a_label_comes_back_as_it_was(name, tmp_path):
    given, kind, expected = LABELS[name]
    save_events(tmp_path / "b.tsv", table(label=given))
    found = load_events(tmp_path / "b.tsv")
    assert found["label"].dtype.kind == DTYPE[kind]
    pd.testing.assert_series_equal(
        found["label"], pd.Series(expected, name="label"), check_exact=True
    )
    assert (
        found["symbol"].tolist() == ["7", "8", ""]
        and found["onset"].tolist() == [0, 1, 2]
        and found["token"].tolist() == [0, 1, -1]
    )
    assert json.loads((tmp_path / "b.json").read_text()) == {
        "onset": "number",
        "token": "integer",
        "symbol": "string",
        "label": kind,
    }
    # What is shown of it is what the file says.
    raw = pd.read_csv(tmp_path / "b.tsv", sep="\t", dtype=str, keep_default_na=False)
    assert as_text(found["label"]) == raw["label"].tolist()


def test_the_same_table_makes_the_same_bytes(tmp_path):
    for folder in ("one", "two"):
        save_events(
            tmp_path / folder / "b.tsv",
            table(**{name: given for name, (given, _, _) in LABELS.items()}),
        )
    for name in ("b.tsv", "b.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_table_of_an_earlier_version_opens_as_it_did(tmp_path):
    save_events(
        tmp_path / "b.tsv",
        table(gap=[1.0, GAP, 3.0], padded=["01", "02", "10"], truth=[True, False, True]),
    )
    (tmp_path / "b.json").unlink()
    found = load_events(tmp_path / "b.tsv")
    assert (
        found["gap"].tolist() == ["1", "", "3"]
        and found["padded"].tolist() == [1, 2, 10]
        and found["truth"].tolist() == [True, False, True]
    )
    assert found["symbol"].tolist() == ["7", "8", ""]


def test_tokens_without_a_number_are_in_no_condition():
    events = pd.DataFrame({"token": [0, 1, 2, -1], "position": [1.0, GAP, 2.5, GAP]})
    labels, order = conditions_of(events, "position", "here")
    assert labels.tolist() == ["1", None, "2.5", None] and order == ["1", "2.5"]


def test_a_table_of_earlier_versions_is_read_by_todays_names(tmp_path):
    """Once "onset" was the start of the blank, and "arrival" the token's onset; a label may be called so."""
    earlier = pd.DataFrame({"onset": [0.0, 0.06], "arrival": [0.012, 0.072], "token": [0, 1]})
    save_events(tmp_path / "b.tsv", earlier)
    found = load_events(tmp_path / "b.tsv")
    assert found["blank_onset"].tolist() == [0, 0.06] and found["onset"].tolist() == [0.012, 0.072]
    save_events(tmp_path / "b.tsv", found.assign(arrival=["late", "soon"]))
    pd.testing.assert_frame_equal(
        load_events(tmp_path / "b.tsv"), found.assign(arrival=["late", "soon"])
    )
