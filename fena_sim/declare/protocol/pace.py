"""The pace of a block: when one token ends and the next begins."""

import attrs
import numpy as np
from brian2 import Quantity, ms, second
from brian2.units.fundamentalunits import have_same_dimensions

from ...errors import ProtocolError, UnitError


def check_time(value: Quantity, name: str, where: str) -> None:
    """A positive time, or an array of positive times (one per token)."""
    if not have_same_dimensions(value, second):
        raise UnitError(
            f"{name} must be a time, not {value}", where=where, fix=f"give e.g. {name}=48*ms"
        )
    if not np.all(np.isfinite(np.asarray(value, dtype=float))) or np.any(
        np.asarray(value, dtype=float) <= 0
    ):
        raise ProtocolError(
            f"{name} must be positive, not {value}", where=where, fix=f"give e.g. {name}=48*ms"
        )


def in_steps(value: Quantity, dt: Quantity, name: str, where: str) -> np.ndarray | np.int64:
    """`value` in whole steps of dt; ProtocolError if it is shorter than dt or no multiple of it."""
    steps = np.asarray(value, dtype=float) / float(dt)
    whole = np.rint(steps)
    if np.any(whole < 1):
        raise ProtocolError(
            f"{name} = {value} is shorter than dt = {dt}", where=where, fix=f"make it at least {dt}"
        )
    if np.any(np.abs(steps - whole) > 1e-6):
        raise ProtocolError(
            f"{name} = {value} is not a multiple of dt = {dt}",
            where=where,
            fix=f"choose multiples of {dt}",
        )
    return whole.astype(np.int64)


@attrs.frozen(kw_only=True, eq=False)
class FixedPace:
    """A token every `onset_asynchrony`, as in an experiment.

    Every token's period is a blank (the sensory gate is closed) followed by a presentation of
    `duration`. Give `duration` and either `blank` or `onset_asynchrony` (their sum). Each is a time
    or an array with one time per token.

    Raises
    ------
    ProtocolError, UnitError
        For zero or negative times, or both `blank` and `onset_asynchrony`.
    """

    duration: object = 48 * ms
    blank: object = None
    onset_asynchrony: object = None

    def __attrs_post_init__(self):
        where = "FixedPace"
        check_time(self.duration, "duration", where)
        if (self.blank is None) == (self.onset_asynchrony is None):
            raise ProtocolError(
                "the pace needs the blank or the onset asynchrony, not both",
                where=where,
                fix="give FixedPace(duration=48*ms, blank=12*ms)",
            )
        if self.blank is None:
            check_time(self.onset_asynchrony, "onset_asynchrony", where)
            blank = self.onset_asynchrony - self.duration
            if np.any(np.asarray(blank, dtype=float) <= 0):
                raise ProtocolError(
                    f"onset asynchrony {self.onset_asynchrony} leaves no blank after a duration of "
                    f"{self.duration}",
                    where=where,
                    fix="make the onset asynchrony longer",
                )
            object.__setattr__(self, "blank", blank)
        check_time(self.blank, "blank", where)

    def steps(
        self, n_tokens: int, dt: Quantity, where: str
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(blank, shortest, longest) presentation steps of every token, each int64 (n_tokens,)."""
        blank = _per_token(in_steps(self.blank, dt, "blank", where), n_tokens, "blank", where)
        shown = _per_token(
            in_steps(self.duration, dt, "duration", where), n_tokens, "duration", where
        )
        return blank, shown, shown

    hold_steps = staticmethod(lambda dt: 0)
    self_paced = False


@attrs.frozen(kw_only=True, eq=False)
class SelfPaced:
    """The next token comes when the hierarchy has settled, at the latest after `longest`.

    Settled means that the change of all states has stayed below the model's tolerance for `hold`.
    The decision is taken in the network itself, so it is the same on every device.
    """

    blank: object = 12 * ms
    longest: object = 48 * ms
    shortest: object = 4 * ms
    hold: object = 2 * ms

    def __attrs_post_init__(self):
        for name in ("blank", "longest", "shortest", "hold"):
            check_time(getattr(self, name), name, "SelfPaced")
        if float(self.shortest) > float(self.longest):
            raise ProtocolError(
                f"shortest = {self.shortest} exceeds longest = {self.longest}",
                where="SelfPaced",
                fix="swap them",
            )

    def steps(
        self, n_tokens: int, dt: Quantity, where: str
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(blank, shortest, longest) presentation steps of every token, each int64 (n_tokens,)."""
        blank, shortest, longest = (
            np.full(n_tokens, int(in_steps(getattr(self, name), dt, name, where)))
            for name in ("blank", "shortest", "longest")
        )
        return blank, shortest, longest

    def hold_steps(self, dt: Quantity) -> int:
        return int(in_steps(self.hold, dt, "hold", "SelfPaced"))

    self_paced = True


def _per_token(steps, n_tokens, name, where):
    if steps.ndim and steps.shape != (n_tokens,):
        raise ProtocolError(
            f"{name} has {steps.size} values for {n_tokens} tokens",
            where=where,
            fix="give one time, or one for every token",
        )
    return np.broadcast_to(steps, n_tokens).astype(np.int64)
