"""The vocabulary of a run: its symbols in the manifest, its codes in a file beside it."""

from pathlib import Path

import numpy as np

from ...declare.stimulus.vocabulary import Vocabulary
from .files import load_arrays, save_arrays

#: Written for codes that are not one-hot; the manifest has this name in their place.
CODES = "vocabulary.npz"
#: Stands in the manifest for codes with a 1 at the symbol's own unit, which need no file.
IDENTITY = "identity"


def vocabulary_entry(vocabulary: Vocabulary) -> dict:
    """What a manifest says of a vocabulary."""
    return {
        "symbols": list(vocabulary.symbols),
        "codes": IDENTITY if _one_hot(vocabulary) else CODES,
        "kind": vocabulary.kind,
    }


def save_codes(folder: Path, vocabulary: Vocabulary) -> None:
    """Write the codes into a run folder, unless its manifest says it all."""
    if not _one_hot(vocabulary):
        save_arrays(folder / CODES, {"codes": vocabulary.codes})


def load_vocabulary(folder: Path, entry: dict) -> Vocabulary:
    """The vocabulary of a run folder, by the entry in its manifest. Earlier versions have the codes
    themselves there. Raises CheckpointError if the file of the codes is missing or altered.
    """
    codes = entry["codes"]
    if codes == IDENTITY:
        codes = np.eye(len(entry["symbols"]))
    elif codes == CODES:
        codes = load_arrays(folder / CODES)[0]["codes"]
    return Vocabulary(symbols=tuple(entry["symbols"]), codes=codes, kind=entry["kind"])


def _one_hot(vocabulary):
    return np.array_equal(vocabulary.codes, np.eye(*vocabulary.codes.shape)) and (
        vocabulary.size == len(vocabulary)
    )
