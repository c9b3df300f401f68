"""What HDF5, in which NWB and NIX files are written, cannot hold, and what stands in its place."""

import json
import re
from collections.abc import Collection, Iterable

#: How the name of a label ends whose own name cannot be that of a column.
SUFFIX = "_label"


def column_names(labels: Iterable[str], taken: Collection[str]) -> dict[str, str]:
    """{label: name of its column}, each name once.

    A name stays as it is unless the format cannot use it. Then "/", ":" and NUL become "_", and
    SUFFIX is put behind a name that the format, another label or a readout has.

    Parameters
    ----------
    labels : sequence of str
    taken : set of str
        Names that columns of labels must not have.
    """
    labels = list(labels)
    names = {label: label for label in labels if _plain(label) == label and label not in taken}
    for label in labels:
        if label not in names:
            name = _plain(label)
            while name in taken or name in names.values():
                name += SUFFIX
            names[label] = name
    return {label: names[label] for label in labels}


def without_nul(texts: list[str]) -> tuple[list[str], bool]:
    """(texts, whether each is now JSON): NUL ends a text in HDF5, so a column in which a text holds
    one has every text as a JSON string, in which it is an escape (``json.loads`` gives the text).
    """
    if any("\0" in text for text in texts):
        return [json.dumps(text, ensure_ascii=False) for text in texts], True
    return texts, False


def _plain(name):
    return "_" if name == "." else re.sub("[/:\0]", "_", name)
