"""Modalities: streams beside the one that paces a block, as courses by step.

The network reads of each, at every step, the row of its codes (0: silence), its gate, and where in a
token's period the step is.
"""

import hashlib
from typing import Protocol

import numpy as np

from .course import Course

#: Where in a token's period a step is: in the blank, in the first step of the presentation, later in it.
#: To the first step of a period, FIRST is added.
BLANK, ARRIVING, SHOWN, FIRST = 0.0, 1.0, 2.0, 3.0


class _Line(Protocol):
    """What is read of a Timeline, which imports this module."""

    @property
    def token(self) -> np.ndarray: ...

    @property
    def blank(self) -> np.ndarray: ...

    @property
    def longest(self) -> np.ndarray: ...

    @property
    def controls(self) -> dict: ...

    @property
    def stream_gate(self) -> np.ndarray | None: ...


class _Steps(Course):
    """The periods of one modality's tokens. After the last token nothing is presented."""

    def __init__(self, line: _Line) -> None:
        self.line = line
        self.ends = np.cumsum(line.blank + line.longest)
        found = hashlib.sha256()
        for values in (line.token, line.blank, line.longest):
            found.update(values.tobytes())
        self.digest = found.hexdigest()

    def tokens(self, start, stop):
        """(step, token, whether there is one, steps since its period began), each (steps,)."""
        step = np.arange(start, stop)
        token = np.searchsorted(self.ends, step, side="right")
        there = token < len(self.ends)
        token = np.minimum(token, len(self.ends) - 1)
        begins = self.ends[token] - self.line.blank[token] - self.line.longest[token]
        return step, token, there, step - begins


class RowCourse(_Steps):
    """Rows of the table of codes: 0 in silence, else a token's number and 1."""

    def at(self, start: int, stop: int) -> np.ndarray:
        _, token, there, _ = self.tokens(start, stop)
        return np.where(there, self.line.token[token] + 1.0, 0.0)


class PhaseCourse(_Steps):
    """BLANK, ARRIVING or SHOWN, and FIRST besides."""

    def at(self, start: int, stop: int) -> np.ndarray:
        _, token, there, within = self.tokens(start, stop)
        shown = within - self.line.blank[token]
        phase = np.where(shown < 0, BLANK, np.where(shown == 0, ARRIVING, SHOWN))
        return np.where(there, phase + FIRST * (within == 0), BLANK)


class GateCourse(_Steps):
    """The gate: 0 outside of presentations."""

    def __init__(self, line: _Line) -> None:
        super().__init__(line)
        gate = line.controls["gate"]
        own = gate.digest if isinstance(gate, Course) else gate.tobytes().hex()
        self.digest = hashlib.sha256((self.digest + own).encode()).hexdigest()

    def at(self, start: int, stop: int) -> np.ndarray:
        _, token, there, within = self.tokens(start, stop)
        gate = self.line.controls["gate"]
        if isinstance(gate, Course):
            assert self.line.stream_gate is not None  # that of a single stream
            values = gate.at(start, stop) * self.line.stream_gate[token]
        else:
            values = gate[token, 0]
        return values * (there & (within >= self.line.blank[token]))


def courses(population: str, line: _Line) -> dict[str, Course]:
    """What the network reads of the stream of a population, {name: Course}."""
    return {
        f"token_row_of_{population}": RowCourse(line),
        f"phase_of_{population}": PhaseCourse(line),
        f"gate_of_{population}": GateCourse(line),
    }
