"""Choices of units or synapses, as a number, numbers, a slice or a mask."""

from numbers import Integral
from typing import Any

import numpy as np

from ...errors import ProtocolError
from ..sequence import sequence


def chosen(units: Any, what: str = "units") -> tuple | slice | None:
    """Units as they are kept: a tuple of int or, if a mask was given, of bool; a slice; or None."""
    if isinstance(units, slice):
        given = [part for part in (units.start, units.stop, units.step) if part is not None]
        if not all(_whole(part) for part in given) or units.step == 0:
            raise ProtocolError(
                f"{what} are {units}", where=f"Probe.{what}", fix="give e.g. slice(0, 16, 2)"
            )
        return units
    if units is None:
        return None
    if hasattr(units, "tolist"):  # an array of any package; its elements as Python's numbers
        units = units.tolist()
    units = (units,) if _whole(units) else sequence(units, what, f"Probe.{what}", ProtocolError)
    truths = [isinstance(unit, (bool, np.bool_)) for unit in units]
    if not all(truths) and (any(truths) or not all(_whole(unit) for unit in units)):
        raise ProtocolError(
            f"{what} are {_shown(units)}, neither whole numbers nor a mask",
            where=f"Probe.{what}",
            fix="give e.g. [0, 5], a number, a slice, or a mask with a truth value for every unit",
        )
    if not all(truths) and len(set(units)) < len(units):
        twice = next(unit for unit in units if units.count(unit) > 1)
        raise ProtocolError(
            f"unit {twice} is given twice", where=f"Probe.{what}", fix="give every unit once"
        )
    return tuple(bool(unit) if all(truths) else int(unit) for unit in units)


def masked(units: tuple | slice | None) -> bool:
    """Whether a choice is a mask."""
    return isinstance(units, tuple) and bool(units) and isinstance(units[0], bool)


def numbers_of(units: tuple | slice | None, size: int, of: str, where: str) -> np.ndarray:
    """Numbers that a choice selects from `size` units or synapses (`of`, in the plural), int64 (n,).
    ProtocolError if some do not exist.
    """
    if units is None or isinstance(units, slice):
        numbers = np.arange(size)[units or slice(None)]
    elif masked(units):
        if len(units) != size:
            raise ProtocolError(
                f"the mask has {len(units)} values for {size} {of}",
                where=where,
                fix=f"give one truth value for each of the {size} {of}",
            )
        numbers = np.flatnonzero(units)
    else:
        numbers = np.array(units, dtype=np.int64)
    if not len(numbers) or numbers.min() < 0 or numbers.max() >= size:
        raise ProtocolError(
            f"{of} {_shown(numbers.tolist())} are not all below {size}"
            if len(numbers)
            else f"{units} selects none of {size} {of}",
            where=where,
            fix=f"give {of} 0 to {size - 1}",
        )
    return numbers


def _whole(value):
    return isinstance(value, Integral) and not isinstance(value, (bool, np.bool_))


def _shown(values, most=8):
    return f"[{', '.join(map(repr, values[:most]))}{', ...' if len(values) > most else ''}]"
