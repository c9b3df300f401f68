"""Turning a block into what the network reads: per-token tables and the event table."""

import attrs
import numpy as np
from brian2 import Quantity, second
from brian2.units.fundamentalunits import have_same_dimensions

from ..errors import FenaError, ProtocolError, UnitError
from ..model.equations import CONTROL_SIGNALS
from .block import DEFAULTS


@attrs.frozen(eq=False)
class Timeline:
    """A block laid out in steps of dt.

    Attributes
    ----------
    token : int64 (n,)
        Index in the vocabulary, -1 for an omitted token.
    blank, shortest, longest : int64 (n,)
        Steps of the blank and of the shortest and longest presentation.
    controls : dict of float64 (n, 1) or (n, steps)
        Control signals per token, and per step of the token's period where they vary within it.
    self_paced : bool
    hold : int
        Steps below the tolerance that count as settled.
    """

    token: np.ndarray
    blank: np.ndarray
    shortest: np.ndarray
    longest: np.ndarray
    controls: dict
    self_paced: bool
    hold: int

    def __len__(self):
        return len(self.token)

    @property
    def least_steps(self):
        """Fewest steps that each token can take, int64 (n,)."""
        return self.blank + self.shortest

    @property
    def most_steps(self):
        """Most steps that each token can take, int64 (n,); exact at a fixed pace."""
        return self.blank + self.longest


def timeline(block, dt):
    """Lay a block out in steps of `dt`. Raises ProtocolError if a time is not a multiple of dt."""
    n = len(block.stream)
    blank, shortest, longest = block.pace.steps(n, dt, block.where)
    onset = np.concatenate([[0], np.cumsum(blank + longest)[:-1]])
    token = block.stream.events["token"].to_numpy(np.int64)
    controls = {}
    for name in CONTROL_SIGNALS:
        controls[name] = _sample(block, name, onset, int((blank + longest).max()), dt)
    controls["gate"] = np.where((token < 0)[:, None], block.omission_gate * controls["gate"], controls["gate"])
    return Timeline(token=token, blank=blank, shortest=shortest, longest=longest, controls=controls,
                    self_paced=block.pace.self_paced, hold=block.pace.hold_steps(dt))


def _sample(block, name, onset, steps, dt):
    value = block.controls.get(name, DEFAULTS[name])
    shape = (len(onset), 1)
    fix = "control signals are gains, a gate and a temperature: give plain numbers >= 0"
    try:
        if callable(value):
            t = Quantity((onset[:, None] + np.arange(steps)[None, :]) * float(dt), dim=second.dim)
            value, shape = value(t), t.shape
        if not have_same_dimensions(value, 1):
            raise UnitError(f"control {name!r} has units", where=block.where, fix=fix)
        values = np.asarray(value, dtype=float)
        table = np.broadcast_to(values.reshape(-1, 1) if shape[1] == 1 else values, shape).copy()
    except FenaError:
        raise
    except Exception as error:
        raise ProtocolError(f"control {name!r} cannot be used: {error}", where=block.where, fix=fix) from error
    if not np.all(np.isfinite(table)) or np.any(table < 0):
        raise ProtocolError(f"control {name!r} is negative or not finite somewhere", where=block.where, fix=fix)
    return table


def event_table(block, line, start, steps, dt):
    """The stream's labels with times: `start` and `steps` (int64, per finished token, in steps).

    Adds ``onset`` (start of the blank), ``arrival`` (the token appears), ``duration`` (of the
    presentation), all in seconds since the block's start, and ``gate``.
    """
    n = len(start)
    events = block.stream.events.iloc[:n].copy()
    events.insert(0, "onset", start * float(dt))
    events.insert(1, "arrival", (start + line.blank[:n]) * float(dt))
    events.insert(2, "duration", steps * float(dt))
    events["gate"] = line.controls["gate"][:n].max(axis=1)
    return events
