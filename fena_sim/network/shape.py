"""What of a block is baked into a build. All else are tables that are filled before every chunk."""

import attrs

from ..declare.control_signals import CONTROL_SIGNALS
from ..declare.protocol.course import Course
from ..declare.protocol.timeline import Timeline
from ..declare.stimulus.vocabulary import Vocabulary


@attrs.frozen
class SignalShape:
    """What of a signal is baked into a build.

    Attributes
    ----------
    name : str
    by_step : bool
        Whether its table has a row per step of a chunk, or else one per token.
    units : int or None
        Columns, one for each unit; None if all units share a value.
    rows : int
        Where `by_step` and `units`: rows of the table to which the one by step leads.
    poisson : bool
        Whether the table holds the mean of what the network draws.
    """

    name: str
    by_step: bool = False
    units: int | None = None
    rows: int = 0
    poisson: bool = False


@attrs.frozen
class BlockShape:
    """What of a block is baked into a build: how many tokens and steps its tables hold, what its
    signals vary with, and the vocabularies of modalities beside the first, by population.
    """

    capacity: int
    steps: int
    controls: tuple[SignalShape, ...]
    signals: tuple[SignalShape, ...] = ()
    others: tuple[tuple[str, Vocabulary], ...] = ()

    @classmethod
    def of(cls, line: Timeline, capacity: int, steps: int | None = None) -> "BlockShape":
        """Room for so many tokens, and for chunks of so many steps (left out: the whole block)."""
        most = line.steps if steps is None else steps
        controls = tuple(
            SignalShape(name, isinstance(line.controls[name], Course)) for name in CONTROL_SIGNALS
        )
        signals = []
        for name, signal in sorted(line.signals.items()):
            course, units = signal.values, signal.units
            by_step = isinstance(course, Course)
            rows = course.most_rows(most) if isinstance(course, Course) and units else 0
            signals.append(SignalShape(name, by_step, units, rows, signal.poisson))
        by_step = any(signal.by_step for signal in (*controls, *signals))
        steps = most if by_step else 0
        others = tuple((name, other.vocabulary) for name, other in line.others.items())
        return cls(capacity, steps, controls, tuple(signals), others)
