"""The pace of a block: when one token ends and the next begins."""

import attrs
import numpy as np
from brian2 import Quantity, ms, second
from brian2.units.fundamentalunits import have_same_dimensions

from ...errors import ProtocolError, UnitError, clipped
from ..arguments import checked
from ..model.initial import Uniform

#: The blank before a token where nothing else is declared.
BLANK = 12 * ms
#: Steps that a time may have: up to here float64 holds every whole number.
LONGEST = 2**53


def check_time(value: Quantity, name: str, where: str, single: bool = True) -> None:
    """A positive time; if not `single`, it may be an array of positive times (one per token)."""
    fix = f"give e.g. {name}=48*ms"
    if not have_same_dimensions(value, second):
        raise UnitError(f"{name} must be a time, not {clipped(value)}", where=where, fix=fix)
    times = np.asarray(value, dtype=float)
    if single and times.ndim:
        raise ProtocolError(f"{name} must be one time, not {times.size}", where=where, fix=fix)
    which, first = _first(~(np.isfinite(times) & (times > 0)), value, name)
    if first is not None:
        raise ProtocolError(f"{which} must be positive, not {first}", where=where, fix=fix)


def in_steps(value: Quantity, dt: Quantity, name: str, where: str) -> np.ndarray | np.int64:
    """`value` in whole steps of dt; ProtocolError if it is shorter than dt or no multiple of it."""
    steps = np.asarray(value, dtype=float) / float(dt)
    whole = np.rint(steps)
    which, first = _first(whole < 1, value, name)
    if first is not None:
        raise ProtocolError(
            f"{which} = {first} is shorter than dt = {dt}",
            where=where,
            fix=f"make it at least {dt}",
        )
    which, first = _first(whole > LONGEST, value, name)
    if first is not None:
        raise ProtocolError(
            f"{which} = {first} is longer than {LONGEST} steps of dt = {dt}",
            where=where,
            fix="make it shorter",
        )
    which, first = _first(np.abs(steps - whole) > 1e-6, value, name)
    if first is not None:
        step = f"({float(dt) * 1e3:.12g}*ms)"
        raise ProtocolError(
            f"{which} = {first} is not a multiple of dt = {dt}",
            where=where,
            fix=f"round it to steps of dt: np.round({name}/{step})*{step}, which gives "
            f"{np.rint(float(first) / float(dt)) * dt} here",
        )
    return whole.astype(np.int64)


def _first(wrong, value, name):
    """(name, value) of the first time that is wrong, by its token where there are several; the
    value None where there is none.
    """
    if not np.any(wrong):
        return name, None
    if not np.ndim(wrong):
        return name, value
    token = int(np.argmax(wrong))
    return f"{name} of token {token}", np.ravel(value)[token]


@checked(ProtocolError)
@attrs.frozen(kw_only=True, eq=False)
class FixedPace:
    """A token every `onset_asynchrony`, as in an experiment.

    Every token's period is a blank (the sensory gate is closed) followed by a presentation of
    `duration`. Give `blank` or `onset_asynchrony`, which is the whole period, blank + duration; if
    both are left out, the blank is 12 ms. Each is a time or an array with one time per token.

    ``onset_asynchrony=Uniform(180*ms, 260*ms)`` draws one for every token, from
    ``numpy.random.default_rng(seed)``, and rounds it to the nearest step of the model's dt. Two
    blocks with the same seed have the same asynchronies.

    All other times are multiples of the model's dt. Those of a screen of 60 Hz are rounded to it by
    hand: ``np.round(blank/dt)*dt``.

    Raises
    ------
    ProtocolError, UnitError
        For zero or negative times, arrays of different lengths, or both `blank` and
        `onset_asynchrony`.
    """

    duration: Quantity = 48 * ms
    blank: Quantity | None = None
    onset_asynchrony: Quantity | Uniform | None = None
    seed: int = attrs.field(default=0, metadata={"hashed": "if given"})

    def __attrs_post_init__(self):
        where = "FixedPace"
        check_time(self.duration, "duration", where, single=False)
        if self.seed < 0:
            raise ProtocolError(f"the seed is {self.seed}", where=where, fix="give seed >= 0")
        if self.blank is not None and self.onset_asynchrony is not None:
            raise ProtocolError(
                "the pace takes the blank or the onset asynchrony, not both",
                where=where,
                fix="give FixedPace(duration=48*ms, blank=12*ms)",
            )
        if isinstance(self.onset_asynchrony, Uniform):
            self._check_drawn()
            return
        if self.onset_asynchrony is not None:
            object.__setattr__(self, "blank", self._rest())
        elif self.blank is None:
            object.__setattr__(self, "blank", BLANK)
        check_time(self.blank, "blank", where, single=False)

    def _rest(self):
        """What the presentation leaves of the onset asynchrony."""
        where = "FixedPace"
        check_time(self.onset_asynchrony, "onset_asynchrony", where, single=False)
        shapes = np.shape(self.onset_asynchrony), np.shape(self.duration)
        if () not in shapes and shapes[0] != shapes[1]:
            raise ProtocolError(
                f"onset asynchronies of shape {shapes[0]}, durations of {shapes[1]}",
                where=where,
                fix="give one time, or one for every token",
            )
        blank = self.onset_asynchrony - self.duration
        which, left = _first(np.asarray(blank, dtype=float) <= 0, blank, "blank")
        if left is not None:
            raise ProtocolError(
                f"the onset asynchrony leaves no {which}: {left} after the duration",
                where=where,
                fix="make the onset asynchrony longer",
            )
        return blank

    def _check_drawn(self):
        """The shortest asynchrony that may be drawn is a time, and leaves a blank."""
        where, drawn = "FixedPace", self.onset_asynchrony
        # Both ends have one unit, unless the lower is 0, which leaves no blank.
        check_time(drawn.high, "onset_asynchrony", where)
        longest = np.max(np.asarray(self.duration, dtype=float))
        if float(drawn.low) <= longest:
            raise ProtocolError(
                f"the shortest onset asynchrony, {drawn.low}, leaves no blank after the duration",
                where=where,
                fix=f"draw from more than {longest * second}, e.g. Uniform(180*ms, 260*ms)",
            )

    def _drawn_steps(self, n_tokens, dt, where):
        """Steps of presentation, and steps of the blanks that drawn asynchronies leave."""
        shown = _per_token(
            in_steps(self.duration, dt, "duration", where), n_tokens, "duration", where
        )
        period = np.rint(self.drawn(n_tokens) / float(dt)).astype(np.int64)
        return np.maximum(period - shown, 1), shown

    def drawn(self, n_tokens: int) -> np.ndarray:
        """The onset asynchronies that a Uniform gives, in s and not yet rounded, float64
        (n_tokens,). The first tokens have the same ones, however many there are.
        """
        assert isinstance(self.onset_asynchrony, Uniform)
        return self.onset_asynchrony.draw(np.random.default_rng(self.seed), n_tokens)

    def steps(
        self, n_tokens: int, dt: Quantity, where: str
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(blank, shortest, longest) presentation steps of every token, each int64 (n_tokens,)."""
        if isinstance(self.onset_asynchrony, Uniform):
            blank, shown = self._drawn_steps(n_tokens, dt, where)
            return blank, shown, shown
        if self.onset_asynchrony is not None:
            in_steps(self.onset_asynchrony, dt, "onset_asynchrony", where)
        blank = _per_token(in_steps(self.blank, dt, "blank", where), n_tokens, "blank", where)
        shown = _per_token(
            in_steps(self.duration, dt, "duration", where), n_tokens, "duration", where
        )
        return blank, shown, shown

    def times(self, n_tokens: int) -> tuple[np.ndarray, np.ndarray]:
        """(onset, duration) of every token in s, each float64 (n_tokens,), not rounded to steps."""
        shown = np.broadcast_to(np.asarray(self.duration, dtype=float), n_tokens)
        if isinstance(self.onset_asynchrony, Uniform):
            period = self.drawn(n_tokens)
        else:
            period = shown + np.broadcast_to(np.asarray(self.blank, dtype=float), n_tokens)
        return np.cumsum(period) - shown, shown

    hold_steps = pause_steps = staticmethod(lambda dt: 0)
    self_paced = False


@checked(ProtocolError)
@attrs.frozen(kw_only=True, eq=False)
class SelfPaced:
    """The next token comes when the hierarchy has settled, at the latest after `longest`.

    Settled means that the change of all states has stayed below the model's tolerance for `hold`.
    The decision is taken in the network itself, so it is the same on every device.
    """

    blank: Quantity = BLANK
    longest: Quantity = 48 * ms
    shortest: Quantity = 4 * ms
    hold: Quantity = 2 * ms

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

    pause_steps = staticmethod(lambda dt: 0)
    self_paced = True


def _per_token(steps, n_tokens, name, where):
    if steps.ndim and steps.shape != (n_tokens,):
        raise ProtocolError(
            f"{name} has {steps.size} values for {n_tokens} tokens",
            where=where,
            fix="give one time, or one for every token",
        )
    return np.broadcast_to(steps, n_tokens).astype(np.int64)
