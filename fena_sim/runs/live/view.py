"""The live view of a run: a block of sparklines for a terminal, a line of text for a log."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

import numpy as np
from rich.console import Group
from rich.table import Table
from rich.text import Text

from .readings import Readings

#: Characters of a sparkline: each stands for an equal share of the block's tokens. Two fit side by
#: side on 80 columns.
CELLS = 18
BARS = "▁▂▃▄▅▆▇█"
#: Quantities whose steps matter as ratios.
LOGARITHMIC = ("error", "precision")
#: Characters of the bar that shows how much of the run is done.
RUN_BAR = 8


class History:
    """One quantity over the tokens of a block: medians of settling iterations, means of anything
    else.

    Parameters
    ----------
    quantity : str
    total : int
        Tokens of the block.
    scale : list of float
        Values of earlier blocks, which the sparkline's scale includes.
    """

    def __init__(self, quantity: str, total: int, scale: Iterable[float] = ()) -> None:
        self.logarithmic = quantity in LOGARITHMIC
        self.typical = np.median if quantity == "iterations" else np.mean
        self.total, self.scale, self.latest = total, list(scale), np.nan
        self.values = np.full(min(CELLS, total), np.nan)
        self.counts = np.zeros(len(self.values))

    def add(self, values: np.ndarray, first: int) -> None:
        """Take the values (token,) of a chunk whose first token is token `first` of the block."""
        self.latest = float(self.typical(values))
        cells = np.arange(first, first + len(values)) * len(self.values) // self.total
        for cell in np.unique(cells):
            part = values[cells == cell]
            before = self.counts[cell] * self.values[cell] if self.counts[cell] else 0.0
            self.counts[cell] += len(part)
            self.values[cell] = (before + len(part) * self.typical(part)) / self.counts[cell]

    def range(self) -> list[float]:
        """Lowest and highest finite value of this and earlier blocks; empty if there is none."""
        known = np.array([*self.values, *self.scale])
        known = known[np.isfinite(known)]
        return [known.min(), known.max()] if len(known) else []

    def sparkline(self) -> str:
        """The block so far, on the scale of the run so far."""
        return sparkline(self.values, self.scale, self.logarithmic)


def sparkline(
    values: np.ndarray | Sequence[float], scale: Sequence[float] = (), logarithmic: bool = False
) -> str:
    """One character per value: ▁ for the lowest of `values` and `scale`, █ for the highest, a space
    where there is none.

    Differences below one percent are drawn flat.
    """
    known = np.array([*values, *scale], dtype=float)
    if logarithmic:
        known = np.log(known, out=np.full_like(known, np.nan), where=known > 0)
    finite = known[np.isfinite(known)]
    if not len(finite):
        return " " * len(values)
    low, high = finite.min(), finite.max()
    if high - low < 0.01 * (1 if logarithmic else max(abs(low), abs(high), 1e-300)):
        low, high = low - 1, low + 1
    steps = (known - low) / (high - low) * len(BARS)
    return "".join(
        BARS[min(int(step), len(BARS) - 1)] if np.isfinite(step) else " "
        for step in steps[: len(values)]
    )


class RunView:
    """What is known of one run: where it is, how fast, and the histories of the block that it is
    in.

    Parameters
    ----------
    label : str
    blocks : dict
        {block: tokens}, in their order.
    batch : int
        Streams of tokens side by side.
    """

    def __init__(self, label: str, blocks: dict[str, int], batch: int = 1) -> None:
        self.label, self.blocks, self.batch = label, blocks, batch
        self.block, self.done = next(iter(blocks)), 0
        self.rate: float | None = None
        self.histories: dict[tuple[str, int | None], History] = {}
        self.building = False

    def build(self, block: str) -> None:
        """The network of a block is being built."""
        self._enter(block)
        self.building = True

    def add(self, block: str, done: int, readings: Readings, rate: float | None) -> None:
        """A chunk is finished: `done` tokens of the block, `readings` of `live.readings`, `rate` in
        tokens/s of all streams.
        """
        self._enter(block)
        self.building, self.done, self.rate = False, done, rate
        for key, values in readings.items():
            if len(values):
                history = self.histories.setdefault(key, History(key[0], self.blocks[block]))
                history.add(values, done - len(values))

    def _enter(self, block):
        if block != self.block:
            self.block, self.done = block, 0
            self.histories = {
                key: History(key[0], self.blocks[block], history.range())
                for key, history in self.histories.items()
            }

    @property
    def rows(self) -> int:
        """Lines that `table` takes on a screen."""
        return 1 + len(self._pairs())

    def line(self) -> str:
        """Everything but the histories, in one line of plain text."""
        pace = f", {self._share():.0%} of the run, {self._pace()}" if self.rate else ""
        parts = [f"{self.label}: {self._place()}{pace}"]
        for quantity, unit in (
            ("iterations", ""),
            ("free energy", " nat"),
            ("error", ""),
            ("precision", ""),
        ):
            values = [
                number(history.latest)
                for (name, _), history in self.histories.items()
                if name == quantity and np.isfinite(history.values).any()
            ]
            if values:
                parts.append(f"{quantity} {' '.join(values)}{unit}")
        return "; ".join(parts)

    def table(self) -> Text | Group:
        """The block on a terminal: place and pace, then two columns of quantities, each with value
        and history.
        """
        full = round(RUN_BAR * self._share())
        head = (
            Text(no_wrap=True, overflow="crop")
            .append(self.label, "bold")
            .append(f"  {self._place()}  ")
        )
        head.append("━" * full, "cyan").append("━" * (RUN_BAR - full), "dim").append(
            f" {self._share():.0%}"
        )
        if self.rate:
            head.append(f"  {self._pace()}")
        body = Table.grid(padding=(0, 1))
        for _ in range(2):
            body.add_column(style="dim", no_wrap=True)
            body.add_column(style="bold", no_wrap=True, justify="right", min_width=7)
            body.add_column(style="cyan", no_wrap=True, min_width=CELLS)
        for pair in self._pairs():
            body.add_row(*[cell for key in pair for cell in self._cells(key)])
        return Group(head, body) if self.histories else head

    def _pairs(self):
        """Keys of the histories that stand in one row: what is of the network, then of each level."""
        levels = sorted({level for _, level in self.histories if level is not None})
        pairs = [
            (("iterations", None), ("free energy", None)),
            *((("error", n), ("precision", n)) for n in levels),
        ]
        return [pair for pair in pairs if any(key in self.histories for key in pair)]

    def _cells(self, key):
        if key not in self.histories:
            return "", "", ""
        quantity, level = key
        history = self.histories[key]
        return (
            quantity if level is None else f"{quantity} {level}",
            number(history.latest),
            history.sparkline(),
        )

    def _finished(self):
        """Tokens of the run; blocks follow each other in their order."""
        names = list(self.blocks)
        return sum(self.blocks[name] for name in names[: names.index(self.block)]) + self.done

    def _share(self):
        return self._finished() / sum(self.blocks.values())

    def _place(self):
        if self.building:
            return f"{self.block}, building the network"
        return f"{self.block} {self.done:,}/{self.blocks[self.block]:,}"

    def _pace(self):
        left = (sum(self.blocks.values()) - self._finished()) * self.batch / self.rate
        return f"{number(self.rate)} tokens/s, {timedelta(seconds=round(left))} left"


def number(value: float) -> str:
    """Three digits, or all digits before the point; "-" where there is no value."""
    if not np.isfinite(value):
        return "-"
    if value and abs(value) < 0.001:
        return f"{value:.1e}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
