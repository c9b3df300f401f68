"""Distributions of initial values, drawn from a seed that does not depend on the device."""

import zlib
from typing import TypeAlias

import attrs
import numpy as np
from brian2 import Quantity
from brian2.units.fundamentalunits import Dimension, have_same_dimensions

from ...errors import DeclarationError, UnitError, clipped
from ..arguments import checked, is_array


@checked(DeclarationError)
@attrs.frozen
class Normal:
    """Gaussian initial values with mean `mean` and standard deviation `sd` (numbers or quantities)."""

    sd: float | Quantity
    mean: float | Quantity = 0.0

    def __attrs_post_init__(self):
        _check_numbers(self)

    def draw(self, rng: np.random.Generator, shape: int | tuple[int, ...]) -> np.ndarray:
        return float(self.mean) + float(self.sd) * rng.standard_normal(shape)

    def __str__(self):
        return (
            f"N({self.mean}, {float(self.sd):.4g})"
            if not isinstance(self.sd, Quantity)
            else f"N({self.mean}, {self.sd})"
        )


@checked(DeclarationError)
@attrs.frozen
class Uniform:
    """Initial values spread evenly between `low` and `high` (numbers or quantities)."""

    low: float | Quantity
    high: float | Quantity

    def __attrs_post_init__(self):
        _check_numbers(self)
        if not 0 <= float(self.high) - float(self.low) < np.inf:
            raise DeclarationError(
                f"there is no range from low = {self.low} to high = {self.high}",
                where="Uniform",
                fix="give low <= high",
            )

    def draw(self, rng: np.random.Generator, shape: int | tuple[int, ...]) -> np.ndarray:
        return rng.uniform(float(self.low), float(self.high), shape)

    def __str__(self):
        return f"U({self.low}, {self.high})"


def _check_numbers(distribution):
    """Both numbers of a distribution are finite, and of one unit unless the first is 0."""
    first, second = attrs.astuple(distribution, recurse=False)[::-1]
    where = type(distribution).__name__
    for value in (first, second):
        if np.shape(value) != () or not np.isfinite(float(value)):
            raise DeclarationError(
                f"{clipped(value)} is no finite number", where=where, fix="give e.g. 0.1 or 1*mV"
            )
    if float(first) and not have_same_dimensions(first, second):
        raise UnitError(
            f"{first} and {second} have different units", where=where, fix="give both in one unit"
        )


#: What `initial` of a declaration holds for a variable.
Initial: TypeAlias = float | Quantity | np.ndarray | Normal | Uniform


def is_initial(value: object) -> bool:
    """Whether a value can be one of `initial`: numbers without gaps, or a distribution."""
    if isinstance(value, (Normal, Uniform)):
        return True
    return is_array(value) and bool(np.isfinite(np.asarray(value, dtype=float)).all())


def draw(
    value: Initial, seed: int, owner: str, variable: str, shape: tuple[int, ...], stream: int = 0
) -> np.ndarray:
    """Initial values of `owner.variable` in base SI units, shape `shape`, float64.

    The generator is keyed by (seed, owner, variable), so that adding a population to a model
    leaves the initial values of all the others as they were; by the stream as well from stream 1
    on, so that stream 0 starts as a network without batch does.
    """
    if isinstance(value, (Normal, Uniform)):
        rng = np.random.default_rng(
            [seed, zlib.crc32(f"{owner}.{variable}".encode()), *([stream] if stream else [])]
        )
        return value.draw(rng, shape)
    return np.broadcast_to(np.asarray(value, dtype=float), shape).copy()


def check(value: Initial, shape: tuple[int, ...]) -> None:
    """Raise ValueError if `draw` could not give values of this shape."""
    if isinstance(value, (Normal, Uniform)):
        value.draw(np.random.default_rng(0), 0)
    else:
        np.broadcast_to(np.asarray(value, dtype=float), shape)


def dimensions(value: Initial) -> Dimension:
    """Physical dimensions of an initial value (of the spread, for a distribution)."""
    from brian2 import get_dimensions

    if isinstance(value, Normal):
        return get_dimensions(value.sd)
    if isinstance(value, Uniform):
        return get_dimensions(value.low)
    return get_dimensions(value)
