"""The pace of an experiment that was done already: every token at an onset of its own."""

import attrs
import numpy as np
from brian2 import Quantity, ms, second
from brian2.units.fundamentalunits import have_same_dimensions

from ...errors import ProtocolError, UnitError, UnknownNameError, clipped, nearest
from ..arguments import checked
from .pace import check_time, in_steps

#: Seconds. Tables are often written to a millisecond: up to here an event that ends after the next
#: one has begun is one whose times were rounded, and it ends where the next begins.
OVERLAP = 1e-3
#: The pause after the last token: the part of a default epoch that comes after its onset.
PAUSE = 300 * ms
ROUNDINGS = ("nearest", "exact")


def first_overlap(onset: np.ndarray, duration: np.ndarray) -> tuple[int, float] | None:
    """(token, seconds): the first token that begins before the one before it has ended, and by how
    much; None if there is none. Both arrays in s.
    """
    ahead = onset[:-1] + duration[:-1] - onset[1:]
    # Sums of decimals are not exact: a microsecond is far below any dt.
    late = np.flatnonzero(ahead > OVERLAP + 1e-6)
    return (int(late[0]) + 1, float(ahead[late[0]])) if len(late) else None


def _times(values: Quantity) -> Quantity:
    """A copy that nobody changes, of at least one dimension."""
    if not have_same_dimensions(values, second):
        return values  # for the check, whose error says which
    seconds = np.array(values, dtype=float, ndmin=1)
    seconds.setflags(write=False)
    return Quantity(seconds, dim=second.dim)


def _equal(a: object, b: object) -> bool:
    return np.array_equal(np.asarray(a), np.asarray(b))


@checked(ProtocolError)
@attrs.frozen(kw_only=True)
class EventPace:
    """Every token at an onset of its own, as in a table of events.

    Between the end of a token and the onset of the next is a blank (the sensory gate is closed). It
    may be nothing, as in a film: then the next token appears in the step after the last one.

    Parameters
    ----------
    onset : Quantity, shape (n_tokens,)
        When each token appears, since the block's start: >= 0, in increasing order.
    duration : Quantity, shape () or (n_tokens,)
        Of the presentations, > 0.
    pause : Quantity
        After the last token, >= 0, so that its epoch is whole. Nothing is presented.
    rounding : str
        "nearest": every onset, and every end (onset + duration), goes to the nearest step of the
        model's dt (of two equally near, to the even one). Each is rounded on its own, so shifts are
        at most dt/2 and do not add up; `largest_shift` tells the largest. "exact": a time that is
        not a multiple of dt is refused.

    Raises
    ------
    ProtocolError, UnitError
        For times that are negative, not finite or not in order, and for tokens that overlap by more
        than 1 ms. (Less is taken for rounding in the table: the token ends where the next begins.)
    """

    onset: Quantity = attrs.field(converter=_times, eq=attrs.cmp_using(eq=_equal), hash=False)
    duration: Quantity = attrs.field(converter=_times, eq=attrs.cmp_using(eq=_equal), hash=False)
    pause: Quantity = PAUSE
    rounding: str = "nearest"

    self_paced = False
    hold_steps = staticmethod(lambda dt: 0)

    def __attrs_post_init__(self):
        where = "EventPace"
        for name in ("onset", "pause"):
            self._check(name, where)
        check_time(self.duration, "duration", where, single=False)
        onset, duration = np.asarray(self.onset), np.asarray(self.duration)
        if onset.ndim != 1 or not len(onset) or duration.shape not in ((1,), onset.shape):
            raise ProtocolError(
                f"onsets of shape {onset.shape}, durations of {duration.shape}",
                where=where,
                fix="give one onset for every token, and one duration, or one for every token",
            )
        object.__setattr__(
            self, "duration", Quantity(np.broadcast_to(duration, onset.shape), dim=second.dim)
        )
        if np.any(np.diff(onset) <= 0):
            token = int(np.argmax(np.diff(onset) <= 0)) + 1
            raise ProtocolError(
                f"token {token} does not begin after token {token - 1}",
                where=where,
                fix="give onsets in increasing order",
            )
        late = first_overlap(onset, np.asarray(self.duration))
        if late:
            raise ProtocolError(
                f"token {late[0]} begins {late[1]:g} s before token {late[0] - 1} has ended",
                where=where,
                fix="make the duration shorter, or leave one of the two out",
            )
        if self.rounding not in ROUNDINGS:
            raise UnknownNameError(
                f"there is no rounding {self.rounding!r}",
                where=where,
                fix=nearest(self.rounding, ROUNDINGS),
            )

    def _check(self, name, where):
        """A time that may be 0, or several."""
        value = getattr(self, name)
        if not have_same_dimensions(value, second):
            raise UnitError(
                f"{name} must be a time, not {clipped(value)}",
                where=where,
                fix=f"give {name}=1*second",
            )
        times = np.asarray(value, dtype=float).ravel()
        wrong = ~(np.isfinite(times) & (times >= 0))
        if wrong.any() or (name == "pause" and np.ndim(value)):
            which = f"{name} of token {int(np.argmax(wrong))}" if np.ndim(value) else name
            raise ProtocolError(
                f"{which} must be a time >= 0, not {times[np.argmax(wrong)]:g} s",
                where=where,
                fix=f"give {name}s since the block's start" if name == "onset" else "give 300*ms",
            )

    def __len__(self):
        return len(self.onset)

    def steps(
        self, n_tokens: int, dt: Quantity, where: str
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(blank, shortest, longest) presentation steps of every token, each int64 (n_tokens,)."""
        if n_tokens != len(self):
            raise ProtocolError(
                f"the pace has onsets of {len(self)} tokens, the stream has {n_tokens}",
                where=where,
                fix="take both from one table, or cut them to one length",
            )
        if self.rounding == "exact":
            later = self.onset[np.asarray(self.onset) > 0]
            for name, times in (("onset", later), ("duration", self.duration)):
                if len(times):
                    in_steps(times, dt, name, where)
        onset, end = self._in_steps(dt)
        end[:-1] = np.minimum(end[:-1], onset[1:])
        short = np.flatnonzero(end <= onset)
        if len(short):
            token = int(short[0])
            raise ProtocolError(
                f"token {token}, from {float(self.onset[token]):g} s for "
                f"{float(self.duration[token]):g} s, is shorter than dt = {dt}",
                where=where,
                fix="make dt shorter, or the token longer: duration=48*ms gives all tokens one",
            )
        blank = onset - np.concatenate([[0], end[:-1]])
        return blank, end - onset, end - onset

    def _in_steps(self, dt):
        onset, end = (
            np.asarray(times, dtype=float) / float(dt)
            for times in (self.onset, self.onset + self.duration)
        )
        return np.rint(onset).astype(np.int64), np.rint(end).astype(np.int64)

    def pause_steps(self, dt: Quantity) -> int:
        """Steps after the last token: the pause, and no less."""
        return int(np.ceil(float(self.pause) / float(dt) - 1e-6))

    def largest_shift(self, dt: Quantity) -> Quantity:
        """How far the farthest onset lies from that which was given, with steps of `dt`; a time, at
        most dt/2.
        """
        onset, _ = self._in_steps(dt)
        shift = np.abs(onset * float(dt) - np.asarray(self.onset)).max()
        return Quantity(float(f"{shift:.6g}"), dim=second.dim)  # times in s have no more digits

    def part(self, which: slice) -> "EventPace":
        """The pace of the tokens in a slice (of step 1): its time begins where the token before them
        ended, and the pause is that of the whole if it holds the last token, else none.
        """
        first, last, _ = which.indices(len(self))
        ended = float(self.onset[first - 1] + self.duration[first - 1]) if first else 0.0
        # The end may lie behind the next onset by what `OVERLAP` allows.
        ended = min(ended, float(self.onset[first]))
        return attrs.evolve(
            self,
            onset=Quantity(np.asarray(self.onset[first:last]) - ended, dim=second.dim),
            duration=self.duration[first:last],
            pause=self.pause if last == len(self) else 0 * second,
        )

    def then(self, other: "EventPace") -> "EventPace":
        """The tokens of another pace after this one and its pause."""
        ended = float(self.onset[-1] + self.duration[-1] + self.pause)
        onset = np.concatenate([np.asarray(self.onset), np.asarray(other.onset) + ended])
        duration = np.concatenate([np.asarray(p.duration) for p in (self, other)])
        return attrs.evolve(
            other,
            onset=Quantity(onset, dim=second.dim),
            duration=Quantity(duration, dim=second.dim),
        )
