"""Control signals: the gains, the gate, the temperature and the knock-out that a protocol may set."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from brian2 import Quantity, second
from brian2.units.fundamentalunits import have_same_dimensions

from ..errors import FenaError, ProtocolError, UnitError

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


class _Controlled(Protocol):
    """What is read of a Block, which imports this module."""

    @property
    def controls(self) -> Mapping: ...

    @property
    def where(self) -> str: ...


def sample(
    block: _Controlled, name: str, start: np.ndarray, steps: int, dt: Quantity
) -> np.ndarray:
    """A control signal of a block, laid out by token.

    Parameters
    ----------
    block : Block
    name : str
        One of CONTROL_SIGNALS.
    start : int64 (n,)
        Steps from the block's start to each token's period; with one more, of the pause at the end,
        a value per token keeps the last one there.
    steps : int
        Of the longest period.
    dt : Quantity

    Returns
    -------
    float64 (n, 1), or (n, steps) where it varies within a token

    Raises
    ------
    ProtocolError, UnitError
        Unless it is dimensionless, finite and not negative, and a knock-out the number of a level.
    """
    value = block.controls.get(name, DEFAULTS[name])
    shape = (len(start), 1)
    fix = "control signals are gains, a gate and a temperature: give plain numbers >= 0"
    try:
        if callable(value):
            t = Quantity((start[:, None] + np.arange(steps)[None, :]) * float(dt), dim=second.dim)
            value, shape = value(t), t.shape
        if not have_same_dimensions(value, 1):
            raise UnitError(f"control {name!r} has units", where=block.where, fix=fix)
        values = np.asarray(value, dtype=float)
        if shape[1] == 1 and values.ndim and len(values) == len(start) - 1:
            values = np.append(values, values[-1])
        table = np.broadcast_to(values.reshape(-1, 1) if shape[1] == 1 else values, shape).copy()
    except FenaError:
        raise
    except Exception as error:
        raise ProtocolError(
            f"control {name!r} cannot be used: {error}", where=block.where, fix=fix
        ) from error
    if not np.all(np.isfinite(table)) or np.any(table < 0):
        raise ProtocolError(
            f"control {name!r} is negative or not finite somewhere", where=block.where, fix=fix
        )
    if name == KNOCKED_OUT and np.any(table != np.rint(table)):
        raise ProtocolError(
            f"control {name!r} is not a whole number everywhere",
            where=block.where,
            fix="give the number of a level, or 0 for none",
        )
    return table
