"""Real text as a token stream of single characters."""

import re
import unicodedata
import warnings
from pathlib import Path

import numpy as np

from ...errors import StimulusError, StimulusWarning, clipped
from ..arguments import checked
from ._check import whole
from .stream import TokenStream
from .vocabulary import Vocabulary, one_hot, require_vocabulary

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_FOLDED = f" ,.{_LETTERS}"
#: Latin letters whose name in Unicode does not tell the base letter, and the soft hyphen.
_SPELLED = {
    "ß": "ss",
    "æ": "ae",
    "œ": "oe",
    "þ": "th",
    "ð": "d",
    "ŋ": "ng",
    "ĸ": "k",
    "ə": "e",
    "\xad": "",
}
_NAMED = re.compile(r"LATIN SMALL LETTER (?:DOTLESS |OPEN )?([A-Z])(?: WITH .*)?")
#: Stands for a lost letter while a text is folded; no text file has one.
_LOST = "\0"
#: Share of its letters beyond which a text that loses them is refused.
_MOST_LOST = 0.03


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
        Lower case. Latin letters become their base letter: without accents and strokes, ß as ss, æ
        as ae, œ as oe, þ as th. Then every run of characters outside a-z, '.' and ',' becomes one
        space, and spaces at the two ends are dropped.

    Returns
    -------
    TokenStream
        With the label column `word_position`: 0-based position inside the word, -1 for a character
        that is not a letter.

    Raises
    ------
    StimulusError
        The file is missing, a directory, not readable, empty (or empty after folding), binary, not
        UTF-8, has more distinct characters than allowed, or is shorter than `characters`; or more
        than 3 % of its letters (of the part that is taken) would become spaces.

    Warns
    -----
    StimulusWarning
        Where fewer letters become spaces; it says how many.
    """
    where = "the default text" if path is None else str(path)
    if characters is not None:
        whole("characters", characters, 1, "text")
    whole("max_symbols", max_symbols, 1, "text")
    prose = _python_documentation() if path is None else _read(Path(path))
    if fold:
        prose = _folded(prose, characters, where)
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


def _folded(prose, characters, where):
    """The text in the characters of _FOLDED. Warns of lost letters, or refuses them."""
    prose = prose.lower()
    plain = {ord(c): _base(c) for c in set(prose) if not c.isascii()}
    if _LOST in plain.values():
        _say_what_is_lost(prose, plain, characters, where)
    return re.sub(r"[^a-z.,]+", " ", prose.translate(plain)).strip()


def _base(character):
    """What a lower-case character that is not ASCII becomes: base letters, nothing for an accent
    that follows its letter, _LOST for a letter of another script, a space for anything else.
    """
    if character in _SPELLED:
        return _SPELLED[character]
    if unicodedata.category(character).startswith("M"):
        return ""
    if not character.isalpha():
        return " "
    named = _NAMED.fullmatch(unicodedata.name(character, ""))
    if named:
        return named[1].lower()
    parts = unicodedata.normalize("NFKD", character).lower()
    if parts == character:
        return _LOST
    found = "".join(c if c in _LETTERS else "" if c.isascii() else _base(c) for c in parts)
    return re.sub("[^a-z]", "", found) or _LOST


def _say_what_is_lost(prose, plain, characters, where):
    taken = prose if characters is None else prose[: _source_length(prose, plain, characters)]
    lost = [c for c in taken if plain.get(ord(c)) == _LOST]
    if not lost:
        return
    share = len(lost) / sum(c.isalpha() for c in taken)
    what = (
        f"{100 * share:.2g} % of the text's letters have no Latin base letter and become spaces: "
        f"{_show(list(dict.fromkeys(lost)))}"
    )
    if share > _MOST_LOST:
        raise StimulusError(
            what, where=where, fix="use fold=False, which keeps every character as it is"
        )
    warning = StimulusWarning(what, where=where, fix="fold=False keeps them, if they matter")
    warnings.warn(warning, stacklevel=5)  # the line that called `text`


def _source_length(prose, plain, characters):
    """Characters of the text that make the first `characters` of the folded one."""
    count, gap = 0, True  # spaces at the start are dropped
    for i, character in enumerate(prose):
        for folded in plain.get(ord(character), character):
            kept = folded in _LETTERS or folded in ".,"
            count += kept or not gap
            gap = not kept
        if count >= characters:
            return i + 1
    return len(prose)


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
