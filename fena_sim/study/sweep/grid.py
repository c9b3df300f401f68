"""`--grid key=value,value,...`: the axes of a sweep."""

import itertools
from collections.abc import Iterable

import attrs
import numpy as np
from brian2 import Quantity, have_same_dimensions

from ...declare.canonical import canonical
from ...errors import DeclarationError
from ...load.set_option import parse_value

#: Owners of keys that go to a file's function, whose options may also be words.
FILES = ("protocol", "model")
#: Larger integers are floats in the result: netCDF 3 has none of more than 32 bits.
LARGEST = np.iinfo(np.int32).max


@attrs.frozen
class Axis:
    """One key of the grid.

    Attributes
    ----------
    key : str
        As for `fena run --set`.
    texts : tuple of str
        The values as they were written.
    values : tuple
        The values: numbers, quantities, tuples, truth values or words.
    """

    key: str
    texts: tuple
    values: tuple

    @property
    def settings(self) -> tuple[str, ...]:
        """One `--set` text per value."""
        return tuple(f"{self.key}={text}" for text in self.texts)

    def coordinate(self) -> tuple[np.ndarray, str | None]:
        """(values, units): numbers in one unit ("1" for none), or the texts as they were written
        and None.
        """
        if not all(
            isinstance(v, (int, float, Quantity)) and not isinstance(v, bool) and np.ndim(v) == 0
            for v in self.values
        ):
            return np.array(self.texts), None
        if all(isinstance(v, int) and abs(v) <= LARGEST for v in self.values):
            return np.array(self.values), "1"
        if have_same_dimensions(self.values[0], 1):
            return np.array([float(v) for v in self.values]), "1"
        unit = self.values[0].get_best_unit()
        # 14*ms divided by ms is 14.000000000000002 for some such pairs
        return np.array([float(f"{float(v / unit):.14g}") for v in self.values]), str(unit)


def parse_grid(texts: Iterable[str], fixed: Iterable[str] = ()) -> list[Axis]:
    """The axes of `--grid` texts "key=value,value,...".

    Parameters
    ----------
    texts : sequence of str
    fixed : sequence of str
        The `--set` texts of the same command: a key is either fixed or varied.

    Returns
    -------
    list of Axis

    Raises
    ------
    DeclarationError
        No axis, no value, the same key or value twice, values of different units, or a parameter
        that is no number.
    """
    if not texts:
        raise DeclarationError(
            "the grid is empty: nothing is varied",
            where="--grid",
            fix="give e.g. --grid level.1.tau=10*ms,14*ms, or use fena run --seeds N",
        )
    axes = [_axis(text) for text in texts]
    keys = [axis.key for axis in axes]
    for key in keys:
        if keys.count(key) > 1:
            raise DeclarationError(
                f"the key {key!r} is given twice",
                where=f"--grid {key}",
                fix="give all its values in one --grid, separated by commas",
            )
        if key in [text.partition("=")[0].strip() for text in fixed]:
            raise DeclarationError(
                f"the key {key!r} is both varied and fixed",
                where=f"--grid {key}",
                fix=f"leave out --grid {key} or --set {key}",
            )
    return axes


def combinations(axes: Iterable[Axis]) -> list[tuple[str, ...]]:
    """The `--set` texts of every point of the grid, the last axis fastest: list of tuple of str."""
    return list(itertools.product(*(axis.settings for axis in axes)))


def _axis(text):
    key, equals, values = text.partition("=")
    key = key.strip()
    if not equals or not key:
        raise DeclarationError(
            f"--grid {text!r} is not key=value,value,...",
            where=f"--grid {text}",
            fix="write e.g. --grid level.1.tau=10*ms,14*ms,20*ms",
        )
    where = f"--grid {key}"
    texts = tuple(part.strip() for part in _split(values, where))
    if "" in texts:
        what = "no values" if texts == ("",) else f"an empty value in {values!r}"
        raise DeclarationError(
            f"{what}: the grid is empty there",
            where=where,
            fix="write e.g. level.1.tau=10*ms,14*ms",
        )
    parsed = tuple(parse_value(part, where) for part in texts)
    if key.partition(".")[0] not in FILES:
        for part, value in zip(texts, parsed, strict=True):
            if isinstance(value, (str, bool, tuple)):
                raise DeclarationError(
                    f"{part!r} is not a number or a quantity", where=where, fix="write e.g. 20*ms"
                )
    seen = {}
    for part, value in zip(texts, parsed, strict=True):
        same = seen.setdefault(repr(canonical(_number(value, where))), part)
        if same is not part:
            raise DeclarationError(
                f"the values {same!r} and {part!r} are the same",
                where=where,
                fix="give each value once",
            )
    quantities = [
        v for v in parsed if isinstance(v, (int, float, Quantity)) and not isinstance(v, bool)
    ]
    for value in quantities[1:]:
        if not have_same_dimensions(quantities[0], value):
            raise DeclarationError(
                f"the values {quantities[0]} and {value} have different units",
                where=where,
                fix="give all values of a key in the same unit",
            )
    axis = Axis(key=key, texts=texts, values=parsed)
    axis.coordinate()  # what the result cannot hold is found here, not when all runs are finished
    return axis


def _number(value, where):
    """1 and 1.0 are the same value."""
    try:
        return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
    except OverflowError:
        raise DeclarationError(
            "the value is too large for a number", where=where, fix="give less than 1e308"
        ) from None


def _split(text, where):
    """Split at the commas that are inside no bracket and no quotation: "(8,6),(16,12)" has two
    values.
    """
    parts, depth, quote = [""], 0, None
    for character in text:
        if quote:
            quote = None if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in "([":
            depth += 1
        elif character in ")]":
            depth -= 1
        if character == "," and not depth and not quote:
            parts.append("")
        else:
            parts[-1] += character
    if depth or quote:
        raise DeclarationError(
            f"a bracket or quotation of {text!r} is not closed",
            where=where,
            fix="write e.g. model.sizes=(32,16),(64,32)",
        )
    return parts
