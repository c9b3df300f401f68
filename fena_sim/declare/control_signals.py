"""Control signals: the gains, the gate, the temperature and the knock-out that a protocol may set."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from brian2 import Quantity, TimedArray
from brian2.units.fundamentalunits import DIMENSIONLESS, have_same_dimensions

from ..errors import FenaError, ProtocolError, UnitError
from .protocol.course import Course, FunctionCourse, SampledCourse

#: Signals that the protocol drives. Any population may use them by name; all are dimensionless.
KNOCKED_OUT = "knocked_out"
CONTROL_SIGNALS = ("gate", "temperature", "plasticity_gain", "precision_gain", KNOCKED_OUT)
#: What a block presents where it does not say otherwise.
DEFAULTS = {
    "gate": 1.0,
    "temperature": 0.0,
    "plasticity_gain": 1.0,
    "precision_gain": 1.0,
    KNOCKED_OUT: 0.0,
}
_FIX = "control signals are gains, a gate and a temperature: give plain numbers >= 0"


class _Controlled(Protocol):
    """What is read of a Block, which imports this module."""

    @property
    def controls(self) -> Mapping: ...

    @property
    def paced_by(self) -> str | None: ...

    @property
    def where(self) -> str: ...


def sample(
    block: _Controlled, name: str, tokens: int, steps: int, dt: Quantity
) -> np.ndarray | Course:
    """A control signal of a block, laid out by token, or by step if it is given by time.

    Parameters
    ----------
    block : Block
    name : str
        One of CONTROL_SIGNALS.
    tokens : int
        Rows: tokens, and one more for a pause at the end, which keeps the last token's value.
    steps : int
        Of the block, at most.
    dt : Quantity

    Returns
    -------
    float64 (tokens, 1), or a Course where it is a function of time or a TimedArray

    Raises
    ------
    ProtocolError, UnitError
        Unless it is dimensionless, finite and not negative, and a knock-out the number of a level.
    """
    value = block.controls.get(name, DEFAULTS[name])
    if isinstance(value, Mapping):  # of several modalities
        value = value.get(block.paced_by, DEFAULTS[name])
    what = f"control {name!r}"

    def check(values):
        if not np.all(np.isfinite(values)) or np.any(values < 0):
            raise ProtocolError(
                f"{what} is negative or not finite somewhere", where=block.where, fix=_FIX
            )
        if name == KNOCKED_OUT and np.any(values != np.rint(values)):
            raise ProtocolError(
                f"{what} is not a whole number everywhere",
                where=block.where,
                fix="give the number of a level, or 0 for none",
            )

    if isinstance(value, TimedArray):
        if value.dim != DIMENSIONLESS or np.ndim(value.values) != 1:
            raise UnitError(f"{what} has units", where=block.where, fix=_FIX)
        check(value.values)
        return SampledCourse(value, dt, block.where)
    if callable(value):
        return FunctionCourse(value, steps, dt, DIMENSIONLESS, check, what, block.where, _FIX)
    try:
        if not have_same_dimensions(value, 1):
            raise UnitError(f"{what} has units", where=block.where, fix=_FIX)
        values = np.asarray(value, dtype=float)
        if values.ndim and len(values) == tokens - 1:
            values = np.append(values, values[-1])
        table = np.broadcast_to(values.reshape(-1, 1), (tokens, 1)).copy()
    except FenaError:
        raise
    except Exception as error:
        raise ProtocolError(
            f"{what} cannot be used: {error}", where=block.where, fix=_FIX
        ) from error
    check(table)
    return table
