"""Text in locales that do not have every character. On a terminal, or in a file, others take their
place, where Python would stop with a UnicodeEncodeError.
"""

import codecs
import io
import os
import sys
from contextlib import suppress

HANDLER = "fena_plain"
#: Of sparklines, bars and dashes; any other character becomes a question mark.
PLAIN = {**dict(zip("▁▂▃▄▅▆▇█", "_.-=+*%#", strict=True)), "━": "=", "…": "~", "—": "-", "–": "-"}


def write_plainly() -> None:
    """Let standard output and standard error replace what their encoding does not have."""
    codecs.register_error(HANDLER, _replace)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            with suppress(OSError):  # what was a file when Python started is a pipe now
                stream.reconfigure(errors=HANDLER)


def readable(argument: str) -> str:
    """An argument of the command line as text, also where the locale could not read its bytes, which
    Python then keeps as surrogates.
    """
    try:
        return os.fsencode(argument).decode("utf-8", "replace")
    except UnicodeEncodeError:
        return argument


def _replace(error: UnicodeError) -> tuple[bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    characters = error.object[error.start : error.end]
    return b"".join(_plain(character) for character in characters), error.end


def _plain(character):
    try:  # of the name of a file whose bytes are no text in this locale: the byte again
        return character.encode("ascii", "surrogateescape")
    except UnicodeEncodeError:
        return PLAIN.get(character, "?").encode("ascii")
