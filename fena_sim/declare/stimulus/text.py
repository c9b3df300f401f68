"""Real text as a token stream of single characters."""

import re
from pathlib import Path

import numpy as np

from ...errors import StimulusError, clipped
from ..arguments import checked
from ._check import whole
from .stream import TokenStream
from .vocabulary import Vocabulary, one_hot, require_vocabulary

_FOLDED = " ,.abcdefghijklmnopqrstuvwxyz"


@checked(StimulusError)
def text(
    path: str | Path | None = None,
    characters: int | None = None,
    vocabulary: Vocabulary | None = None,
    max_symbols: int = 128,
    fold: bool = True,
) -> TokenStream:
    """Token stream of the characters of a UTF-8 text.

    Parameters
    ----------
    path : path-like, optional
        Text file. Default: the English prose of the Python documentation that comes with every
        Python (`pydoc_data.topics`, in the order of the topics' keys); it differs a little between
        versions of Python.
    characters : int, optional
        Take only this many characters, counted after folding, from the start.
    vocabulary : Vocabulary, optional
        Default: one-hot. With `fold` its symbols are always the same 29, whatever the text, so that
        networks are comparable; without, those that occur, sorted.
    max_symbols : int
        The most distinct characters accepted when no vocabulary is given.
    fold : bool
        Lower case; every run of characters outside a-z, '.' and ',' becomes one space, and spaces
        at the two ends are dropped.

    Returns
    -------
    TokenStream
        With the label column `word_position`: 0-based position inside the word, -1 for a character
        that is not a letter.

    Raises
    ------
    StimulusError
        The file is missing, a directory, not readable, empty (or empty after folding), binary, not
        UTF-8, has more distinct characters than allowed, or is shorter than `characters`.
    """
    where = "the default text" if path is None else str(path)
    if characters is not None:
        whole("characters", characters, 1, "text")
    whole("max_symbols", max_symbols, 1, "text")
    prose = _python_documentation() if path is None else _read(Path(path))
    if fold:
        prose = re.sub(r"[^a-z.,]+", " ", prose.lower()).strip()
    if not prose:
        raise StimulusError(
            "the text is empty" + (" after folding" if fold else ""),
            where=where,
            fix="give a text with letters" + (", or fold=False" if fold else ""),
        )
    if characters is not None and len(prose) < characters:
        raise StimulusError(
            f"the text has {len(prose)} characters, fewer than the {characters} asked for",
            where=where,
            fix=f"ask for at most {len(prose)}, or give a longer text",
        )
    points = np.frombuffer(prose[:characters].encode("utf-32-le"), dtype=np.uint32)
    distinct, first, inverse = np.unique(points, return_index=True, return_inverse=True)
    found = [chr(point) for point in distinct]
    if vocabulary is None:
        if len(found) > max_symbols:
            late = [found[i] for i in np.argsort(first)[max_symbols:]]
            raise StimulusError(
                f"the text has {len(found)} distinct characters, more than max_symbols={max_symbols}; "
                f"the first beyond are {_show(late)}",
                where=where,
                fix="raise max_symbols" + ("" if fold else ", or use fold=True"),
            )
        vocabulary = one_hot(_FOLDED if fold else found)
    known = set(require_vocabulary(vocabulary, "text").symbols)
    unknown = [found[i] for i in np.argsort(first) if found[i] not in known]
    if unknown:
        raise StimulusError(
            f"{len(unknown)} of the text's characters are not in the vocabulary: {_show(unknown)}",
            where=where,
            fix="give a vocabulary with these symbols, or none to have one made",
        )
    tokens = np.array([vocabulary.index(character) for character in found])
    letters = np.array([character.isalpha() for character in found])
    return TokenStream.from_ids(
        tokens[inverse], vocabulary, word_position=_word_positions(letters[inverse])
    )


def _read(path):
    try:
        there = path.exists()
    except OSError as error:  # a name that is too long
        raise StimulusError(
            f"the text file cannot be read: {error.strerror}",
            where=clipped(str(path)),
            fix="check the path",
        ) from error
    if not there:
        raise StimulusError("the text file does not exist", where=str(path), fix="check the path")
    if path.is_dir():
        raise StimulusError(
            "the text file is a directory", where=str(path), fix="name a file inside it"
        )
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StimulusError(
            f"the text file cannot be read: {error.strerror}",
            where=str(path),
            fix="check its permissions",
        ) from error
    if b"\0" in data:
        raise StimulusError(
            f"the file is binary: byte {data.index(0)} is NUL",
            where=str(path),
            fix="give a plain UTF-8 text",
        )
    try:
        return data.decode("utf-8").removeprefix("\ufeff")  # a byte-order mark is not text
    except UnicodeDecodeError as error:
        raise StimulusError(
            f"the file is not UTF-8: byte {error.start} is 0x{data[error.start]:02x}",
            where=str(path),
            fix="convert it to UTF-8, for instance with iconv",
        ) from None


def _python_documentation():
    try:
        from pydoc_data.topics import topics
    except ImportError:
        raise StimulusError(
            "this Python comes without its documentation (pydoc_data)",
            where="the default text",
            fix="give the path of a text file",
        ) from None
    # Newlines keep words apart where a topic does not end with one.
    return "\n".join(topics[key] for key in sorted(topics))


def _word_positions(letter):
    at = np.arange(len(letter))
    last_break = np.maximum.accumulate(np.where(letter, -1, at))
    return at - last_break - 1  # a break is its own last break, hence -1


def _show(characters, most=5):
    return ", ".join(map(repr, characters[:most])) + (", ..." if len(characters) > most else "")
