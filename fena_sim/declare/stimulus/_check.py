"""Checks shared by the stimulus declarations: wrong numbers raise one clear error."""

from collections.abc import Iterable
from numbers import Integral, Real

import numpy as np

from ...errors import StimulusError


def whole(name: str, value: int, minimum: int, where: str) -> int:
    """Return `value` as an int, or raise StimulusError unless it is a whole number >= `minimum`."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Integral) or value < minimum:
        raise StimulusError(
            f"{name} must be a whole number of at least {minimum}, but is {value!r}",
            where=where,
            fix=f"give {name} >= {minimum}",
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
            f"{name} must be a probability in {interval}, but is {value!r}",
            where=where,
            fix=f"give {name} as a number in {interval}",
        )
    return float(value)


def generator(seed: int, where: str) -> np.random.Generator:
    """A numpy Generator of a whole-number seed, so that every stream can be made again."""
    return np.random.default_rng(whole("seed", seed, 0, where))


def words(values: Iterable, name: str, of: str, where: str) -> tuple:
    """Return `values` as a tuple of tuples, or raise StimulusError; `of` says what each consists of."""
    try:
        return tuple(tuple(word) for word in values)
    except TypeError:
        raise StimulusError(
            f"{name} must be a sequence of sequences of {of}, but is {values!r}",
            where=where,
            fix=f"give a list of lists of {of}",
        ) from None
