"""Progress of a run: what the hierarchy does while it learns (claim C19), for a terminal or for nobody."""

import sys
import threading
import time

import attrs
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from .resources import estimate, size_text


@attrs.frozen
class ChunkSummary:
    """Medians and means over the tokens of a chunk: iterations, and error and precision per level."""

    iterations: float
    errors: tuple
    precisions: tuple


def summarise(model, recordings):
    """ChunkSummary of a chunk's recordings; empty tuples where the model has no such readouts."""
    pace = recordings["departure_pacemaker"].values
    by_name = {}
    for readout in model.readouts:
        if readout.name in ("error", "precision"):
            paths = [path.partition(".") for path in readout.variables]
            kind = "mean_" if readout.when == "mean" else ""
            values = [recordings[f"departure_{owner}"].values[f"{kind}{variable}"] for owner, _, variable in paths]
            if readout.when == "mean":
                values = [v / np.repeat(pace["steps"], model.batch) for v in values]
            by_name[readout.name] = tuple(float(np.mean(v)) if len(v) else np.nan for v in values)
    iterations = float(np.median(pace["iterations"])) if len(pace["iterations"]) else np.nan
    return ChunkSummary(iterations, by_name.get("error", ()), by_name.get("precision", ()))


class Silent:
    """Keeps the rate, shows nothing. Also the interface of every other progress."""

    def __init__(self):
        self._tokens = self._seconds = 0

    def begin(self, runner):
        """A run starts."""

    def building(self, block):
        """The network of a block is being built."""

    def chunk(self, block, done, total, tokens, seconds, summary):
        self._tokens += tokens
        self._seconds += seconds

    def note(self, text):
        """A line of the log."""

    def end(self, runner):
        """The run is finished."""

    def rate(self):
        """Tokens per second, over all chunks."""
        return round(self._tokens / self._seconds, 3) if self._seconds else None


class Display:
    """Shows one line per run of a `fena run`, on a terminal; plain lines now and then elsewhere."""

    def __init__(self, quiet=False):
        self.console = Console(stderr=True, quiet=quiet, highlight=False)
        self.live = sys.stderr.isatty() and not quiet
        self.bars = Progress(TextColumn("{task.description}"), BarColumn(bar_width=20),
                             TextColumn("{task.percentage:>3.0f}%"), TimeRemainingColumn(compact=True),
                             TextColumn("{task.fields[detail]}"), console=self.console, disable=not self.live)
        self.lock = threading.Lock()

    def __enter__(self):
        self.bars.start()
        return self

    def __exit__(self, *exception):
        self.bars.stop()

    def for_run(self):
        return _Shown(self)


class _Shown(Silent):
    def __init__(self, display):
        super().__init__()
        self.display, self.task, self.last = display, None, 0.0

    def begin(self, runner):
        total = sum(len(line) for line in runner.lines.values())
        self.label = f"{runner.protocol.name} seed {runner.seed}"
        self.task = self.display.bars.add_task(self.label, total=total, detail="")
        self.blocks = {}
        self.display.console.print(f"{self.label}: {total} tokens on {runner.device.name}, {runner.folder}")
        recorded = sum(sum(by.values()) for by in estimate(runner.model, runner.protocol).values())
        if recorded:
            self.display.console.print(f"{self.label}: probes record up to {size_text(recorded)} before compression")

    def building(self, block):
        self._show(f"{block}: building the network")

    def chunk(self, block, done, total, tokens, seconds, summary):
        super().chunk(block, done, total, tokens, seconds, summary)
        self.blocks[block] = done
        errors = " ".join(f"{e:.3f}" for e in summary.errors)
        precisions = " ".join(f"{p:.2f}" for p in summary.precisions)
        self._show(f"{block} {done}/{total}, {self.rate():.0f} tokens/s, {summary.iterations:.0f} iterations, "
                   f"error {errors or '-'}, precision {precisions or '-'}")
        self.display.bars.update(self.task, completed=sum(self.blocks.values()))

    def note(self, text):
        self.display.console.print(f"{self.label}: {text}")

    def end(self, runner):
        self.display.bars.remove_task(self.task)

    def _show(self, detail):
        self.display.bars.update(self.task, detail=detail)
        with self.display.lock:
            if not self.display.live and time.monotonic() - self.last > 10:
                self.last = time.monotonic()
                self.display.console.print(f"{self.label}: {detail}")
