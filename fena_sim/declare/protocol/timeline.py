"""From a block to the tables that the network reads for each token, and to the event table."""

import attrs
import numpy as np
import pandas as pd
from brian2 import Quantity
from brian2.units.fundamentalunits import DIMENSIONLESS

from ...errors import ProtocolError
from ..control_signals import CONTROL_SIGNALS, sample
from ..model.hierarchy import Hierarchy
from ..stimulus.vocabulary import Vocabulary
from .block import Block
from .course import Course
from .modality import courses
from .signals import Presented, present


@attrs.frozen(eq=False)
class Timeline:
    """A block laid out in steps of dt.

    Attributes
    ----------
    token : int64 (n,), or (n, streams) if there are several
        Index in the vocabulary, -1 for an omitted token.
    blank, shortest, longest : int64 (n,)
        Steps of the blank and of the shortest and longest presentation.
    controls : dict of float64 (n, 1), or Course
        Control signals per token, or per step where they are given by time. With a pause at the end
        they have one row more, for the pause.
    signals : dict of Presented
        The model's own signals, and what the network reads of modalities beside the first.
    others : dict of Timeline
        By population, those of the modalities beside the first.
    self_paced : bool
    hold : int
        Steps below the tolerance that count as settled.
    vocabulary : Vocabulary
    stream_gate : float64 (n, streams), or (n,) of one, or None
        What the gate of each stream is multiplied by: the omission gate where its token is omitted,
        else 1. The gate of a single stream that is given by token has it in `controls`.
    pause : int
        Steps of blank after the last token.
    """

    token: np.ndarray
    blank: np.ndarray
    shortest: np.ndarray
    longest: np.ndarray
    controls: dict
    self_paced: bool
    hold: int
    vocabulary: Vocabulary
    stream_gate: np.ndarray | None = None
    pause: int = 0
    signals: dict[str, Presented] = attrs.field(factory=dict)
    others: dict[str, "Timeline"] = attrs.field(factory=dict)

    def __len__(self):
        return len(self.token)

    @property
    def least_steps(self) -> np.ndarray:
        """Fewest steps that each token can take, int64 (n,)."""
        return self.blank + self.shortest

    @property
    def most_steps(self) -> np.ndarray:
        """Most steps that each token can take, int64 (n,); exact at a fixed pace."""
        return self.blank + self.longest

    def mean_control(self, name: str) -> np.ndarray:
        """Mean of a control signal over the longest period of each token, float64 (n,)."""
        values, n = self.controls[name], len(self)
        if not isinstance(values, Course):
            return values[:n, 0]
        ends = np.cumsum(self.most_steps).tolist()
        return np.array(
            [values.at(a, b).mean() for a, b in zip([0, *ends[:-1]], ends, strict=True)]
        )

    @property
    def steps(self) -> int:
        """Most steps of the block."""
        return int(self.most_steps.sum()) + self.pause


def timeline(block: Block, dt: Quantity, model: Hierarchy | None = None) -> Timeline:
    """Lay a block out in steps of `dt`, with the own signals of `model` if it is given. Raises
    ProtocolError if a time is not a multiple of dt, or a signal does not fit.
    """
    n = len(block)
    blank, shortest, longest = block.pace.steps(n, dt, block.where)
    pause = block.pace.pause_steps(dt)
    rows, steps = n + (pause > 0), int((blank + longest).sum()) + pause
    token = np.stack(
        [stream.events["token"].to_numpy(np.int64) for stream in block.side_by_side], axis=1
    )
    shown = np.where(token < 0, block.omission_gate, 1.0)
    controls = {name: sample(block, name, rows, steps, dt) for name in CONTROL_SIGNALS}
    gate, single = controls["gate"], len(block.side_by_side) == 1
    by_token = False
    if single and not isinstance(gate, Course):
        gate[:n] *= shown
        by_token = True
    signals = {} if model is None else present(model, block, rows, steps)
    others = {name: timeline(other, dt) for name, other in block.others.items()}
    for name, line in others.items():
        if line.steps > steps and not block.pace.self_paced:
            raise ProtocolError(
                f"the stream of {name!r} ends {(line.steps - steps) * dt} after the block, which the "
                f"stream of {block.paced_by!r} paces",
                where=block.where,
                fix=f"give that stream a pause at the end, stream.paced(..., pause={(line.steps - steps) * dt})",
            )
        found = courses(name, line)
        signals |= {key: Presented(course, DIMENSIONLESS) for key, course in found.items()}
    return Timeline(
        token=token[:, 0] if single else token,
        blank=blank,
        shortest=shortest,
        longest=longest,
        controls=controls,
        self_paced=block.pace.self_paced,
        hold=block.pace.hold_steps(dt),
        stream_gate=None if by_token else shown[:, 0] if single else shown,
        pause=pause,
        signals=signals,
        others=others,
        vocabulary=block.side_by_side[0].vocabulary,
    )


def event_table(
    block: Block, line: Timeline, start: np.ndarray, steps: np.ndarray, dt: Quantity
) -> pd.DataFrame:
    """The stream's labels with times: `start` and `steps` (int64, per finished token, in steps).

    Adds ``onset`` (the token appears; where it is omitted, it would have), ``duration`` (of the
    presentation) and ``blank_onset`` (start of the blank before it), all in seconds since the block's
    start, and ``gate``, the largest of the presentation; with several streams their tables one after
    the other, and the column ``stream``. The first two columns are those of BIDS event files
    (Gorgolewski et al. 2016, Sci. Data 3:160044).
    """
    n, tables = len(start), []
    gate = _largest(line.controls["gate"], start + line.blank[:n], steps)
    for number, stream in enumerate(block.side_by_side):
        events = stream.events.iloc[:n].copy()
        events.insert(0, "onset", (start + line.blank[:n]) * float(dt))
        events.insert(1, "duration", steps * float(dt))
        events.insert(2, "blank_onset", start * float(dt))
        events["gate"] = gate
        if len(block.side_by_side) > 1:
            events.insert(0, "stream", number)
        if line.stream_gate is not None:
            events["gate"] *= line.stream_gate[:n].reshape(n, -1)[:, number]
        tables.append(events)
    return pd.concat(tables, ignore_index=True) if len(tables) > 1 else tables[0]


def other_event_tables(
    block: Block, line: Timeline, steps: int, dt: Quantity
) -> dict[str, pd.DataFrame]:
    """The tables of the modalities beside the first, {population: table}: their tokens that appeared
    within the `steps` that the block took, as by `event_table`.
    """
    found = {}
    for name, other in block.others.items():
        of = line.others[name]
        end = np.cumsum(of.most_steps)
        start = end - of.most_steps
        n = int(np.searchsorted(start + of.blank, steps))
        shown = np.minimum(end[:n], steps) - start[:n] - of.blank[:n]
        found[name] = event_table(other, of, start[:n], shown, dt)
    return found


def _largest(gate, shown, steps):
    """The largest value in the presentation of every token, which begins at step `shown`: (n,)."""
    if not isinstance(gate, Course):
        return gate[: len(shown), 0]
    ends = zip(shown.tolist(), (shown + steps).tolist(), strict=True)
    return np.array([gate.at(begin, end).max() for begin, end in ends])
