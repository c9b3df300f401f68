"""Progress of a run: what the hierarchy does while it learns (claim C19), for a terminal or a
log file, or not at all.
"""

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from ..memory import size_text
from ..plan import Plan
from ..resources import recording_bytes
from .notebook import NotebookLive, in_notebook
from .readings import Readings
from .view import RunView

#: Seconds between two pictures on a terminal (one takes some 7 ms), and between two lines of a run
#: in a log.
REDRAW, REPORT = 0.5, 10.0


class Silent:
    """Keeps the rate, shows nothing. Also the interface of every other progress."""

    STAND_IN = "chunk"

    def __init__(self) -> None:
        self._tokens, self._seconds = 0, 0.0

    def begin(self, plan: Plan, folder: Path) -> None:
        """A run starts: its plan, and the folder that it is written to."""

    def building(self, block: str) -> None:
        """The network of a block is being built."""

    def chunk(
        self, block: str, done: int, total: int, tokens: int, seconds: float, readings: Readings
    ) -> None:
        """A chunk is finished: `tokens` of all streams in `seconds`, `readings` of `live.readings`."""
        self._tokens += tokens
        self._seconds += seconds

    def log(self, text: str) -> None:
        """A line of the log."""

    def end(self) -> None:
        """The run is finished."""

    def stop(self) -> None:
        """The run was stopped by an error, and others go on."""

    def rate(self) -> float | None:
        """Tokens per second, over all chunks."""
        return round(self._tokens / self._seconds, 3) if self._seconds else None


class Display:
    """Shows the runs of a `fena run`: live on a terminal and in a notebook, plain lines now and then
    elsewhere, nothing if `quiet`.

    Runs may report from threads of their own. Nothing is drawn between their chunks, so that
    watching takes no time from the networks.

    Parameters
    ----------
    quiet : bool
    stream : file, optional
        Where to write; standard error, or the output of a notebook's cell, if left out.
    clock : callable
        Gives seconds, to limit how often something is written.
    """

    def __init__(
        self,
        quiet: bool = False,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        notebook = stream is None and in_notebook()
        if stream is None:  # a notebook shows what goes to stderr as an error
            stream = sys.stdout if notebook else sys.stderr
        terminal = stream.isatty()  # rich would also take an environment variable's word for it
        self.console = Console(
            file=stream,
            force_terminal=terminal,
            force_jupyter=False,  # or Rich makes an output of every line
            highlight=False,
            markup=False,
            emoji=False,
        )
        self.quiet, self.clock = quiet, clock
        self.views: list[RunView] = []
        self.drawn, self.lock = -REDRAW, threading.RLock()
        self.live: Live | NotebookLive | None = None
        if notebook and not quiet:
            self.live = NotebookLive()
        elif terminal and not quiet and not self.console.is_dumb_terminal:
            self.live = Live(console=self.console, auto_refresh=False, redirect_stdout=False)

    def __enter__(self) -> "Display":
        if self.live:
            self.live.start()
        return self

    def __exit__(self, kind, *exception):
        if self.live:
            self.live.transient = kind is None  # after a failure the last picture stays
            self.live.stop()

    def for_run(self) -> Silent:
        """The progress of one run."""
        return Silent() if self.quiet else _Shown(self)

    def write(self, text: str) -> None:
        """A line that stays, above the picture if there is one."""
        with self.lock:  # rich reckons where the picture is before it writes
            self.console.print(text, soft_wrap=True)

    def draw(self, now: bool = False) -> None:
        """Draw the picture again, if the last one is old enough or `now`."""
        if self.live and (now or self.clock() - self.drawn >= REDRAW):
            self.drawn = self.clock()
            self.live.update(self.picture(), refresh=True)

    def picture(self) -> Group:
        """All runs that are going on, as blocks if they fit the screen and as lines otherwise."""
        if sum(view.rows for view in self.views) < self.console.height:
            return Group(*[view.table() for view in self.views])
        return Group(*[Text(view.line(), no_wrap=True, overflow="ellipsis") for view in self.views])


class _Shown(Silent):
    def __init__(self, display):
        super().__init__()
        self.display, self.reported, self.view = display, None, None

    def begin(self, plan, folder):
        blocks = {b.name: len(b.timeline) for b in plan.blocks}
        self.label = f"{plan.protocol.name} seed {plan.seed}"
        self.view = RunView(self.label, blocks, plan.model.batch)
        self.display.write(
            f"{self.label}: {sum(blocks.values()):,} tokens on {plan.device.name}, {folder}"
        )
        recorded = sum(sum(by.values()) for by in recording_bytes(plan).values())
        if recorded:
            self.display.write(
                f"{self.label}: probes record up to {size_text(recorded)} before compression"
            )
        with self.display.lock:
            self.display.views.append(self.view)

    def building(self, block):
        with self.display.lock:
            self.view.build(block)
            self.display.draw(now=True)
            if not self.display.live:
                self.display.write(self.view.line())

    def chunk(self, block, done, total, tokens, seconds, readings):
        super().chunk(block, done, total, tokens, seconds, readings)
        with self.display.lock:
            self.view.add(block, done, readings, self.rate())
            self.display.draw(now=done == total)  # however short, every block is seen finished
            self._report()

    def log(self, text):
        self.display.write(f"{self.label}: {text}")

    def end(self):
        with self.display.lock:
            self.display.views.remove(self.view)
            self.display.draw(now=True)

    def stop(self):
        with self.display.lock:
            if self.view in self.display.views:
                self.display.views.remove(self.view)
                self.display.draw(now=True)

    def _report(self):
        """A line for a log, if the last one is old enough."""
        now = self.display.clock()
        if not self.display.live and (self.reported is None or now - self.reported >= REPORT):
            self.reported = now
            self.display.write(self.view.line())
