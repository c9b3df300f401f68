"""The event table of a block on disk: a TSV file, and beside it what its columns hold."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from .files import write_atomically, write_json

#: Digits of numbers in event tables.
NUMBER = "%.12g"


#: Types of columns by their kind; integers are read as such without being told.
READ_AS = {"number": float, "boolean": bool, "string": str}


def times_of(steps: np.ndarray, dt: float) -> np.ndarray:
    """Times of whole steps of `dt` seconds, float64 in s: the decimal numbers of an event table, so
    that the same step is the same time wherever it comes from.
    """
    return np.array([float(NUMBER % (step * dt)) for step in np.asarray(steps).ravel()]).reshape(
        np.shape(steps)
    )


def save_events(path: Path, table: pd.DataFrame) -> None:
    """Write an event table as TSV, and beside it (.json) what its columns hold, which the text
    alone does not tell.
    """
    kinds = {str(name): _kind(column) for name, column in table.items()}
    write_json(path.with_suffix(".json"), kinds)  # first: the block is done when its table is there
    write_atomically(path, table.to_csv(sep="\t", index=False, float_format=NUMBER).encode())


def load_events(path: Path) -> pd.DataFrame:
    """The table that `save_events` wrote: int64, float64 (NaN where empty), bool or text (empty
    where nothing was given).

    Runs of earlier versions have no kinds: the columns hold what their text looks like.
    """
    about = path.with_suffix(".json")
    kinds = json.loads(about.read_text()) if about.exists() else {"symbol": "string"}
    return pd.read_csv(
        path,
        sep="\t",
        dtype={name: READ_AS[kind] for name, kind in kinds.items() if kind in READ_AS},
        keep_default_na=False,
        na_values={name: [""] for name, kind in kinds.items() if kind == "number"},
    )


def as_text(column: pd.Series) -> list[str]:
    """The values of an event table's column as they stand in its file: list of str, "" where there
    is none.
    """
    if column.dtype.kind == "f":
        return ["" if value != value else NUMBER % value for value in column]
    return column.astype(object).where(column.notna(), "").astype(str).tolist()


def _kind(column):
    """ "integer", "number", "boolean" or "string"."""
    kind, gaps = (
        column.dtype.kind,
        column.isna().any(),
    )  # only pandas' own types have integers and truth values with gaps
    if kind in "iuf":
        return "number" if gaps or kind == "f" else "integer"
    return "boolean" if kind == "b" and not gaps else "string"
