"""Texts and labels for property tests: whatever UTF-8 can hold, and what files are known to stumble
over.
"""

import handmade
import numpy as np
from hypothesis import strategies as st

AWKWARD = [
    "",
    " ",
    " before and after ",
    "\r",
    "\r\n",
    "\n",
    "\t",
    "\0",
    "a\0b\0",
    '"',
    '""',
    "'",
    ",",
    ";",
    "\\",
    "\\0",
    "\\r",
    "NA",
    "nan",
    "None",
    "null",
    "inf",
    "True",
    "1",
    "01",
    "1.0",
    "-1",
    "1e3",
    "=1+1",
    "#",
    "\ufeff",
    "\u2028",
    "\x85",
    "\x1c",
    "\x7f",
    "\ue000",
    "é",
    "e\u0301",
    "🧠",
    "</script>",
    "{{ 7*7 }}",
    "__proto__",
    "/",
    ".",
    "..",
    ":",
    "a/b",
]
#: Names that the tables of a run or of a format use themselves.
USED = [
    "id",
    "tags",
    "timeseries",
    "timeseries_index",
    "start_time",
    "stop_time",
    "block",
    "block_id",
    "id_id",
    "readout_error",
    "readout_iterations",
    "arrival",
    "role",
    "role_index",
    "columns",
    "colnames",
    "name",
    "description",
    "fields",
    "parent",
    "data",
    "object_id",
    "labels",
    "times",
    "durations",
    "units",
    "unit",
    "index",
    "event",
    "symbol_",
    "Symbol",
    "level_0",
    "self",
    "args",
]
TEXT = st.one_of(st.sampled_from(AWKWARD), st.text(st.characters(exclude_categories=["Cs"])))
RESERVED = {
    "token",
    "symbol",
    "stream",
    "onset",
    "blank_onset",
    "duration",
    "gate",
}
NAME = st.one_of(st.sampled_from(USED), TEXT).filter(lambda name: name and name not in RESERVED)
ROWS = 3


def values(texts=TEXT, rows=ROWS):
    """One value per row, as a label may hold them: text, integers, numbers with gaps or truth
    values.
    """
    kinds = (
        texts,
        st.integers(-(2**63), 2**63 - 1),
        st.one_of(st.floats(allow_nan=False), st.just(float("nan"))),
        st.booleans(),
    )
    return st.one_of([st.lists(kind, min_size=rows, max_size=rows) for kind in kinds])


#: {name: values} of up to four labels.
LABELS = st.dictionaries(NAME, values(), max_size=4)
SYMBOLS = st.lists(TEXT.filter(bool), min_size=ROWS, max_size=ROWS, unique=True)


def table(symbols, labels):
    """The event table of a block that shows the symbols one after another."""
    given = handmade.events(np.arange(len(symbols)) * 0.05, list(range(len(symbols))))
    given["symbol"] = symbols
    for name, column in labels.items():
        given[name] = column
    return given


def same(found, given):
    """Whether a value came back: the same value of the same kind."""
    if isinstance(given, float):
        return isinstance(found, (float, np.floating)) and (
            found == given or (found != found and given != given)
        )
    if isinstance(given, bool):
        return isinstance(found, (bool, np.bool_)) and found == given
    if isinstance(given, int):
        return isinstance(found, (int, np.integer)) and found == given
    return isinstance(found, str) and found == given
