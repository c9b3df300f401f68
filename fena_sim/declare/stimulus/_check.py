"""Checks shared by the stimulus declarations: wrong numbers raise one clear error."""

from collections.abc import Iterable, Sequence
from numbers import Integral, Real

import numpy as np

from ...errors import StimulusError, clipped
from ..sequence import sequence

#: Tokens and units, of which no memory holds more.
MOST = 10**9


def whole(name: str, value: int, minimum: int, where: str, most: float = MOST) -> int:
    """Return `value` as an int, or raise StimulusError unless it is a whole number >= `minimum`,
    and at most `most`.
    """
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Integral) or value < minimum:
        raise StimulusError(
            f"{name} must be a whole number of at least {minimum}, but is {clipped(value)}",
            where=where,
            fix=f"give {name} >= {minimum}",
        )
    if value > most:
        raise StimulusError(
            f"{name} is {clipped(value)}, which is too many",
            where=where,
            fix=f"give {name} <= {most}",
        )
    return int(value)


def probability(name: str, value: float, where: str, ends: bool = False) -> float:
    """Return `value` as a float, or raise StimulusError unless it lies in (0, 1), or [0, 1] with
    `ends`.
    """
    number = isinstance(value, Real) and not isinstance(value, (bool, np.bool_))
    if not number or not (0 < value < 1 or (ends and value in (0, 1))):
        interval = "[0, 1]" if ends else "(0, 1)"
        raise StimulusError(
            f"{name} must be a probability in {interval}, but is {clipped(value)}",
            where=where,
            fix=f"give {name} as a number in {interval}",
        )
    return float(value)


def storable(texts: Sequence[str], what: str, where: str) -> None:
    """Raise StimulusError if a text holds half of a surrogate pair, which no file of UTF-8 can hold.
    Any other text comes back from a run as it was.
    """
    if _encodes("".join(texts)):
        return
    row = next(row for row, text in enumerate(texts) if not _encodes(text))
    raise StimulusError(
        f"{what} {texts[row]!r} (at {row}) holds half of a surrogate pair, which is no character",
        where=where,
        fix="decode the text as what it is: bytes.decode('utf-8') or 'utf-16', without surrogateescape",
    )


def _encodes(text):
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def generator(seed: int, where: str) -> np.random.Generator:
    """A numpy Generator of a whole-number seed, so that every stream can be made again."""
    return np.random.default_rng(whole("seed", seed, 0, where, most=np.inf))


def words(values: Iterable, name: str, of: str, where: str) -> tuple:
    """Return `values` as a tuple of tuples, or raise StimulusError; `of` says what each consists of."""
    return tuple(
        sequence(word, f"the {of} of one of the {name}", where, StimulusError)
        for word in sequence(values, name, where, StimulusError)
    )
