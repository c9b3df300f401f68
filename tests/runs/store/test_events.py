"""Oracle: the labels that a stream was given, and the contract of the file: text, and a kind per
column that is the same for the same table.
"""

import csv
import io
import json

import numpy as np
import pandas as pd
import pytest
import texts
from hypothesis import example, given

from fena_sim.analyse.epochs.conditions import conditions_of
from fena_sim.errors import RunFolderError
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
    "windows": (["a\r\n", "\r", "\n\r"], "string", ["a\r\n", "\r", "\n\r"]),
    "nul": (["\0", "a\0b", "c\0"], "string", ["\0", "a\0b", "c\0"]),
    "third": ([1 / 3, 1e-300, 2.0**60], "number", [1 / 3, 1e-300, 2.0**60]),
    "single": (np.float32([0.1, 0.2, 3]), "number", np.float32([0.1, 0.2, 3]).astype(float)),
    "huge": (np.array([1, 2, 2**64 - 1], dtype="uint64"), "integer", np.uint64([1, 2, 2**64 - 1])),
}
DTYPE = {"integer": "iu", "number": "f", "boolean": "b", "string": "O"}


def table(**labels):
    return pd.DataFrame(
        {"onset": [0.0, 1.0, 2.0], "token": [0, 1, -1], "symbol": ["7", "8", ""], **labels}
    )


@pytest.mark.parametrize("name", LABELS)
def test_a_label_comes_back_as_it_was(name, tmp_path):
    given, kind, expected = LABELS[name]
    save_events(tmp_path / "b.tsv", table(label=given))
    found = load_events(tmp_path / "b.tsv")
    assert found["label"].dtype.kind in DTYPE[kind]
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
    names, *rows = read_rows((tmp_path / "b.tsv").read_bytes().decode())
    assert as_text(found["label"]) == [row[names.index("label")] for row in rows]


def read_rows(text):
    """As Python's csv module reads them, told that a row ends in a line feed (which it cannot be
    told).
    """
    return [
        [field.replace("␍", "\r") for field in row]
        for row in csv.reader(io.StringIO(text.replace("\r", "␍")), delimiter="\t", strict=True)
    ]


@given(texts.SYMBOLS, texts.LABELS)
@example(["a\r\n", "\r", "\n"], {"role\r\n": ["x\r", "\r\n", '"\r"']})
def test_any_text_comes_back_as_it_was(tmp_path_factory, symbols, labels):
    """In a symbol, a label, or a label's name."""
    path = tmp_path_factory.mktemp("t") / "b.tsv"
    table = texts.table(symbols, labels)
    save_events(path, table)
    found = load_events(path)
    assert list(found.columns) == list(table.columns) and len(found) == len(table)
    assert found["symbol"].tolist() == symbols
    for name, column in labels.items():
        assert all(map(texts.same, found[name].tolist(), column)), name
    for name in ("onset", "token", "gate"):
        assert found[name].tolist() == table[name].tolist()


@given(texts.SYMBOLS, texts.LABELS)
def test_fields_with_line_breaks_and_tabs_are_quoted(tmp_path_factory, symbols, labels):
    """So that other programs read rows and columns as they are; RFC 4180."""
    path = tmp_path_factory.mktemp("t") / "b.tsv"
    save_events(path, texts.table(symbols, labels))
    text = path.read_bytes().decode()
    quoted = text.split('"')[1::2]  # every other piece stands in quotes
    bare = "".join(text.split('"')[::2])
    assert text.count('"') % 2 == 0 and "\r" not in bare
    assert bare.count("\n") == len(symbols) + 1
    assert bare.count("\t") == (len(symbols) + 1) * (5 + len(labels))
    assert all(isinstance(piece, str) for piece in quoted)


def test_a_table_in_which_an_earlier_version_did_not_quote_line_breaks(tmp_path):
    """As version 0.1.0 wrote it on Python 3.11: rows end in a line feed, "\\r" stands as it is."""
    path = tmp_path / "b.tsv"
    path.write_bytes(b'onset\ttoken\tsymbol\tlabel\n0\t0\t\r\tx\r\n0.1\t1\t"\n"\t\n')
    for kinds in (True, False):
        if kinds:
            path.with_suffix(".json").write_text(
                '{"onset": "number", "token": "integer", "symbol": "string", "label": "string"}'
            )
        else:
            path.with_suffix(".json").unlink()
        found = load_events(path)
        assert found["symbol"].tolist() == ["\r", "\n"] and found["label"].tolist() == ["x\r", ""]
        assert found["onset"].tolist() == [0, 0.1] and found["token"].tolist() == [0, 1]


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: len(data) * 2 // 3],
        lambda data: data.replace(b"\t1\t8", b"\tx\t8"),
        lambda data: data.replace(b"True", b"Tree"),
        lambda data: data.replace(b"token", b"taken"),
        lambda data: data + b'"',
        lambda data: data.replace(b"onset", b"\xff"),
        lambda data: b"",
    ],
)
def test_a_damaged_table_is_one_clear_error(tmp_path, damage):
    path = tmp_path / "run" / "events" / "b.tsv"
    save_events(path, table(truth=[True, False, True], word=["a long text", "another", "last"]))
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(RunFolderError, match="damaged") as caught:
        load_events(path)
    assert caught.value.where == str(tmp_path / "run") and caught.value.fix


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
