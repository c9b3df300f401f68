"""Tables of events as laboratories keep them: BIDS and other TSV, CSV, MATLAB, pandas."""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from ...errors import StimulusError, UnknownNameError, clipped, nearest

#: How a table says that there is no value: BIDS writes "n/a".
NOT_AVAILABLE = frozenset(["n/a", "N/A", "NA", "NaN", "nan", "NAN", ""])
#: A number as people write them. With a zero in front, "007", it is a name.
_NUMBER = re.compile(r"[+-]?((0|[1-9]\d*)(\.\d*)?|\.\d+)([eE][+-]?\d+)?|[+-]?inf")
_WHOLE = re.compile(r"[+-]?(0|[1-9]\d{0,17})")
_TRUTH = {"true": True, "True": True, "false": False, "False": False}


def read_table(table: pd.DataFrame | Mapping | str | Path, where: str) -> pd.DataFrame:
    """A table of events, as columns of text where a file holds text.

    Parameters
    ----------
    table : DataFrame, mapping of columns, or path
        A file's name ends in .tsv, .csv (UTF-8, separated by commas or semicolons), or .mat (up to
        MATLAB's format 7: one struct, one array of structs, or variables of equal lengths).
    where : str
        What an error names.

    Raises
    ------
    StimulusError
        If the file is missing or of another kind, or the columns differ in length.
    """
    if isinstance(table, (str, Path)):
        path = Path(table)
        readers = {".tsv": _read_tsv, ".csv": _read_csv, ".mat": _read_mat}
        reader = readers.get(path.suffix.lower())
        if reader is None:
            raise StimulusError(
                f"{path.name} is no table of events that can be read",
                where=where,
                fix="give a .tsv, .csv or .mat file, or a pandas.DataFrame",
            )
        try:
            found = reader(path)
        except StimulusError:
            raise
        except OSError as error:
            raise StimulusError(
                f"{path} cannot be opened: {error.strerror or error}",
                where=where,
                fix="give the path of a file, from the folder that the command runs in",
            ) from error
        except Exception as error:  # whatever a damaged file makes a reader raise
            raise StimulusError(
                f"{path} cannot be read: {error}",
                where=where,
                fix="open it in another program and save it as .tsv or .csv, in UTF-8",
            ) from error
    else:
        try:
            found = pd.DataFrame(table).copy()
        except Exception as error:  # whatever an object's own conversion raises
            raise StimulusError(
                f"the table cannot be used: {error}",
                where=where,
                fix="give a pandas.DataFrame, or a dict of columns of equal lengths",
            ) from error
    twice = found.columns[found.columns.duplicated()]
    if len(twice):
        raise StimulusError(
            f"two columns are called {twice[0]!r}", where=where, fix="rename one of them"
        )
    return found.reset_index(drop=True)


def _read_tsv(path):
    return _read_text(path, "\t")


def _read_csv(path):
    with open(path, encoding="utf-8-sig") as file:
        header = file.readline()
    return _read_text(path, ";" if header.count(";") > header.count(",") else ",")


def _read_text(path, separator):
    return pd.read_csv(
        path, sep=separator, dtype=str, keep_default_na=False, encoding="utf-8-sig", index_col=False
    ).rename(columns=str.strip)


def _read_mat(path):
    from scipy.io import loadmat

    try:
        held = loadmat(path, simplify_cells=True)
    except NotImplementedError as error:  # format 7.3 is HDF5
        raise StimulusError(
            f"{path.name} is in MATLAB's format 7.3",
            where=str(path),
            fix="save it with save(..., '-v7'), or with writetable as .csv",
        ) from error
    columns = {name: value for name, value in held.items() if not name.startswith("__")}
    structs = [value for value in columns.values() if _is_struct(value)]
    if len(structs) == 1:
        (columns,) = structs
    if isinstance(columns, dict):
        columns = {name: np.atleast_1d(value) for name, value in columns.items()}
        rows = max((len(value) for value in columns.values()), default=0)
        # What describes the table, as the name of a subject, is no column.
        columns = {
            name: value for name, value in columns.items() if value.ndim == 1 and len(value) == rows
        }
    if not len(columns):
        raise StimulusError(
            f"{path.name} holds no variables of equal lengths",
            where=str(path),
            fix="save a struct of vectors: events = table2struct(t, 'ToScalar', true)",
        )
    return pd.DataFrame(list(columns) if isinstance(columns, list) else columns)


def _is_struct(value):
    if isinstance(value, np.ndarray):
        value = value.tolist()
    return isinstance(value, dict) or (
        isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)
    )


def column(table: pd.DataFrame, name: str, argument: str, where: str) -> pd.Series:
    """The column of a table. UnknownNameError if there is none."""
    if name not in table.columns:
        raise UnknownNameError(
            f"the table has no column {name!r}",
            where=f"{where}, {argument}={name!r}",
            fix=nearest(name, map(str, table.columns)),
        )
    return table[name]


def missing(values: pd.Series) -> np.ndarray:
    """Where a column holds no value, bool (n,): None, NaN, one of NOT_AVAILABLE, or MATLAB's []."""
    empty = [
        v.strip() in NOT_AVAILABLE
        if isinstance(v, str)
        else isinstance(v, np.ndarray) and not v.size
        for v in values
    ]
    return np.array(empty, dtype=bool) | values.isna().to_numpy()


def as_names(values: pd.Series) -> list[str]:
    """The values as symbols. A whole number is written as one, although MATLAB has it as 1.0."""
    return [
        str(int(v))
        if isinstance(v, (float, np.floating)) and float(v).is_integer()
        else str(v).strip()
        for v in values
    ]


def as_numbers(values: pd.Series, argument: str, where: str) -> np.ndarray:
    """The values as float64 (n,); StimulusError, with its row (the index), for one that is no number."""
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float)
    wrong = ~np.isfinite(numbers)
    if wrong.any():
        at = int(np.argmax(wrong))
        raise StimulusError(
            f"the {argument} in row {values.index[at]} is {clipped(values.iloc[at])}, which is no number",
            where=where,
            fix="correct it, or leave the row out"
            + (", or give all tokens one duration: duration=48*ms" * (argument == "duration")),
        )
    return numbers


def as_label(values: pd.Series, whole: pd.Series) -> np.ndarray | list[str]:
    """A column as a label: whole numbers as int64, other numbers as float64, true and false as bool,
    anything else as text. What is not available is NaN among numbers and "" among texts.

    `values` are those of the tokens in `whole`, the column of the table.
    """
    gaps = missing(values)
    known = values[~gaps]
    if values.dtype.kind == "f" and not gaps.any() and whole.isna().any():
        # pandas has whole numbers as float64 where another row holds none
        numbers = values.to_numpy(dtype=float)
        return numbers.astype(np.int64) if np.all(numbers == np.rint(numbers)) else numbers
    if known.dtype.kind in "iufb" and values.dtype.kind != "O":
        return (
            values.to_numpy() if not gaps.any() else values.to_numpy(dtype=float, na_value=np.nan)
        )
    texts = [str(v).strip() for v in known]
    if texts and all(map(_NUMBER.fullmatch, texts)):
        if not gaps.any() and all(map(_WHOLE.fullmatch, texts)):
            return np.array(texts, dtype=np.int64)
        numbers = np.full(len(values), np.nan)
        numbers[~gaps] = [float(text) for text in texts]
        return numbers
    if texts and not gaps.any() and set(texts) <= set(_TRUTH):
        return np.array([_TRUTH[text] for text in texts])
    return ["" if gap else str(v) for gap, v in zip(gaps, values, strict=True)]
