"""Progress over all points of a sweep: a bar on a terminal, a line now and then elsewhere, nothing
if quiet.
"""

import sys
import time
from collections.abc import Callable
from datetime import timedelta
from typing import TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from .points import Point
from .work import Outcome

#: Seconds between two lines in a log.
REPORT = 10.0


class SweepDisplay:
    """Shows how far the points are.

    Parameters
    ----------
    total : int
        Points of the sweep.
    quiet : bool
    stream : file, optional
        Standard error if left out.
    clock : callable
        Gives seconds.
    """

    def __init__(
        self,
        total: int,
        quiet: bool = False,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        stream = sys.stderr if stream is None else stream
        terminal = stream.isatty()
        self.console = Console(
            file=stream, force_terminal=terminal, highlight=False, markup=False, emoji=False
        )
        self.total, self.quiet, self.clock = total, quiet, clock
        self.done = self.found = self.failed = 0
        self.shares: dict[int, float] = {}
        self.began = self.reported = clock()
        self.bar = None
        if terminal and not quiet and not self.console.is_dumb_terminal:
            self.bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                TaskProgressColumn(),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
                console=self.console,
                redirect_stdout=False,
            )
            self.task = self.bar.add_task(self._text(), total=total)

    def __enter__(self):
        if self.bar:
            self.bar.start()
        return self

    def __exit__(self, *exception):
        if self.bar:
            self.bar.stop()

    def share(self, point: Point, share: float) -> None:
        """A share of the tokens of a point is done."""
        self.shares[point.number] = share
        self._show()

    def outcome(self, point: Point, outcome: Outcome) -> None:
        """A point is finished, was found finished, or failed."""
        self.shares.pop(point.number, None)
        self.done += 1
        self.found += outcome.found
        if outcome.error:
            self.failed += 1
            self.log(f"{point.label}: {outcome.error['what']}")
        self._show(last=self.done == self.total)

    def log(self, text: str) -> None:
        """A line that stays."""
        if not self.quiet:
            self.console.print(text, soft_wrap=True)

    def _text(self):
        more = [
            f"{number} {what}"
            for number, what in ((self.found, "finished before"), (self.failed, "failed"))
            if number
        ]
        return f"{self.done} of {self.total} points" + (f" ({', '.join(more)})" if more else "")

    def _show(self, last=False):
        finished = self.done + sum(self.shares.values())
        if self.bar:
            self.bar.update(self.task, completed=finished, description=self._text())
            return
        now = self.clock()
        if last or now - self.reported >= REPORT:
            self.reported = now
            fresh = finished - self.found
            left = f", {self._left(now, fresh)} left" if fresh and not last else ""
            self.log(f"{self._text()}{left}")

    def _left(self, now, fresh):
        return timedelta(
            seconds=round((now - self.began) / fresh * (self.total - self.found - fresh))
        )
