"""The event table of a block on disk: a TSV file, and beside it what its columns hold."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ...declare.stimulus.stream import TAKEN
from ...errors import RunFolderError
from .files import write_atomically, write_json

#: Digits of times in event tables.
NUMBER = "%.12g"
#: How a value is read, by the kind of its column.
READ_AS = {
    "integer": int,
    "number": lambda text: float(text or "nan"),
    "boolean": {"True": True, "False": False}.__getitem__,
    "string": str,
}


def times_of(steps: ArrayLike, dt: float) -> np.ndarray:
    """Times of whole steps of `dt` seconds, float64 in s: the decimal numbers of an event table, so
    that the same step is the same time wherever it comes from.
    """
    return np.array([float(NUMBER % (step * dt)) for step in np.asarray(steps).ravel()]).reshape(
        np.shape(steps)
    )


def save_events(path: Path, table: pd.DataFrame) -> None:
    """Write an event table as TSV, and beside it (.json) what its columns hold, which the text
    alone does not tell.

    A field with a tab, a quote or a line break stands in quotes, and a quote inside is doubled
    (RFC 4180). Numbers of labels are written so that reading gives the same ones; times have 12
    digits. Texts are those that UTF-8 can hold.
    """
    kinds = {str(name): _kind(column) for name, column in table.items()}
    write_json(path.with_suffix(".json"), kinds)  # first: the block is done when its table is there
    columns = [as_text(column) for _, column in table.items()]
    rows = [list(kinds), *zip(*columns, strict=True)]
    text = "".join("\t".join(map(_quoted, row)) + "\n" for row in rows)
    write_atomically(path, text.encode())


def load_events(path: Path) -> pd.DataFrame:
    """The table that `save_events` wrote: int64, float64 (NaN where empty), bool or text (empty
    where nothing was given).

    Tables of earlier versions may have no kinds (the columns hold what their text looks like), and
    call the start of the blank "onset" and the token's onset "arrival". Raises RunFolderError if
    the file is no such table.
    """
    about = path.with_suffix(".json")
    try:
        text = path.read_bytes().decode()
        # Rows end in "\n" alone, and earlier versions did not quote "\r": it is hidden from the
        # readers, which would take it for the end of a row.
        hidden = next(mark for mark in map(chr, range(0xE000, 0x110000)) if mark not in text)
        text = text.replace("\r", hidden)
        if about.exists():
            table = _read(text, json.loads(about.read_text()), hidden)
        else:
            table = _shown_again(
                pd.read_csv(
                    io.StringIO(text), sep="\t", dtype={"symbol": str}, keep_default_na=False
                ),
                hidden,
            )
    except (ValueError, TypeError, KeyError, AttributeError, csv.Error) as error:
        raise RunFolderError(
            f"the event table {path.name} is damaged: {error}",
            where=str(path.parent.parent),
            fix="copy the run folder again, or move it away and start the command that made it",
        ) from error
    if "arrival" in table and "blank_onset" not in table:
        table = table.rename(columns={"onset": "blank_onset", "arrival": "onset"})
    return table


def as_text(column: pd.Series) -> list[str]:
    """The values of an event table's column as they stand in its file: list of str, "" where there
    is none.
    """
    if column.dtype.kind == "f":
        values, time = column.to_numpy(dtype=float, na_value=np.nan), column.name in TAKEN
        return ["" if value != value else _digits(value, time) for value in values.tolist()]
    return [str(value) for value in column.astype(object).where(column.notna(), "")]


def _digits(value, time):
    short = NUMBER % value
    return short if time or float(short) == value else repr(value)


def _quoted(text):
    return '"' + text.replace('"', '""') + '"' if any(c in text for c in '\t\n\r"') else text


def _read(text, kinds, hidden):
    csv.field_size_limit(max(csv.field_size_limit(), len(text)))
    names, *rows = csv.reader(io.StringIO(text, newline="\n"), delimiter="\t", strict=True)
    names = [name.replace(hidden, "\r") for name in names]
    wrong = next((k for k, row in enumerate(rows, 2) if len(row) != len(names)), None)
    if wrong or set(names) != set(kinds):
        raise ValueError(f"row {wrong} is cut" if wrong else "its columns are not those it had")
    columns = zip(*rows, strict=True) if rows else [()] * len(names)
    return pd.DataFrame(
        {
            name: [READ_AS[kinds[name]](value.replace(hidden, "\r")) for value in column]
            for name, column in zip(names, columns, strict=True)
        }
    )


def _shown_again(table, hidden):
    """Line breaks that were hidden, in a table whose columns have found their types."""
    return table.rename(columns=lambda name: name.replace(hidden, "\r")).apply(
        lambda column: (
            column.str.replace(hidden, "\r", regex=False)
            if pd.api.types.is_string_dtype(column)
            else column
        )
    )


def _kind(column):
    """ "integer", "number", "boolean" or "string"."""
    kind, gaps = (
        column.dtype.kind,
        column.isna().any(),
    )  # only pandas' own types have integers and truth values with gaps
    if kind in "iuf":
        return "number" if gaps or kind == "f" else "integer"
    return "boolean" if kind == "b" and not gaps else "string"
