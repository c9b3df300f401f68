"""From a block to the tables that the network reads for each token, and to the event table."""

import attrs
import numpy as np
import pandas as pd
from brian2 import Quantity

from ..control_signals import CONTROL_SIGNALS, sample
from .block import Block


@attrs.frozen(eq=False)
class Timeline:
    """A block laid out in steps of dt.

    Attributes
    ----------
    token : int64 (n,), or (n, streams) if there are several
        Index in the vocabulary, -1 for an omitted token.
    blank, shortest, longest : int64 (n,)
        Steps of the blank and of the shortest and longest presentation.
    controls : dict of float64 (n, 1) or (n, steps)
        Control signals per token, and per step of the token's period where they vary within it. With
        a pause at the end they have one row more, for the pause.
    self_paced : bool
    hold : int
        Steps below the tolerance that count as settled.
    stream_gate : float64 (n, streams), or None
        With several streams, what the gate of each is multiplied by (the omission gate where its
        token is omitted, else 1); the gate of a single stream has it in `controls`.
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
    stream_gate: np.ndarray | None = None
    pause: int = 0

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


def timeline(block: Block, dt: Quantity) -> Timeline:
    """Lay a block out in steps of `dt`. Raises ProtocolError if a time is not a multiple of dt."""
    n = len(block)
    blank, shortest, longest = block.pace.steps(n, dt, block.where)
    pause = block.pace.pause_steps(dt)
    start = np.concatenate([[0], np.cumsum(blank + longest)])[: n + (pause > 0)]
    token = np.stack(
        [stream.events["token"].to_numpy(np.int64) for stream in block.streams], axis=1
    )
    stream_gate: np.ndarray | None = np.where(token < 0, block.omission_gate, 1.0)
    controls = {}
    for name in CONTROL_SIGNALS:
        controls[name] = sample(block, name, start, int((blank + longest).max(initial=pause)), dt)
    if len(block.streams) == 1:
        controls["gate"][:n] *= stream_gate
        token, stream_gate = token[:, 0], None
    return Timeline(
        token=token,
        blank=blank,
        shortest=shortest,
        longest=longest,
        controls=controls,
        self_paced=block.pace.self_paced,
        hold=block.pace.hold_steps(dt),
        stream_gate=stream_gate,
        pause=pause,
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
    gate = _largest(line.controls["gate"][:n], line.blank[:n], steps)
    for number, stream in enumerate(block.streams):
        events = stream.events.iloc[:n].copy()
        events.insert(0, "onset", (start + line.blank[:n]) * float(dt))
        events.insert(1, "duration", steps * float(dt))
        events.insert(2, "blank_onset", start * float(dt))
        events["gate"] = gate
        if line.stream_gate is not None:
            events.insert(0, "stream", number)
            events["gate"] *= line.stream_gate[:n, number]
        tables.append(events)
    return pd.concat(tables, ignore_index=True) if len(tables) > 1 else tables[0]


def _largest(values, blank, steps):
    """The largest value in the presentation of every token (n,), of a table (n, 1) or (n, steps)."""
    if values.shape[1] == 1:
        return values[:, 0]
    step = np.arange(values.shape[1])
    shown = (step >= blank[:, None]) & (step < (blank + steps)[:, None])
    return np.where(shown, values, 0).max(axis=1)
