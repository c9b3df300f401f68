"""The blocks of a protocol on the time axis of the network."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from .colours import GREY, ORANGE
from .style import PAGE_WIDTH, new_figure, sheet

#: Share of the axis that a block takes at least, however short it is.
SHORTEST = 0.004


def timeline(blocks: Sequence[tuple[str, float, float, float, int]]) -> Figure:
    """Draw when every block ran: blocks that start from copies of one state begin at the same
    moment.

    Parameters
    ----------
    blocks : sequence of (name, begin, duration, plasticity, tokens)
        In the protocol's order; begin and duration in s, plasticity the mean gain of the block.

    Returns
    -------
    matplotlib.figure.Figure
        Page width, one row per block.
    """
    end = max(begin + duration for _, begin, duration, _, _ in blocks)
    with sheet():
        figure = new_figure(PAGE_WIDTH, 14 + 5 * len(blocks))
        ax = figure.subplots()
        for row, (_, begin, duration, plasticity, tokens) in enumerate(blocks):
            colour = ORANGE if plasticity > 0 else GREY
            ax.barh(
                row,
                max(duration, SHORTEST * end),
                left=begin,
                height=0.62,
                color=colour,
                linewidth=0,
            )
            text = f"{tokens:,} tokens, {duration:.4g} s"
            if duration > 0.3 * end:
                ax.text(begin + duration / 2, row, text, fontsize=6, va="center", ha="center")
                continue
            side = 1 if begin + duration < 0.7 * end else -1
            ax.annotate(
                text,
                (begin + duration if side > 0 else begin, row),
                xytext=(3 * side, 0),
                textcoords="offset points",
                fontsize=6,
                va="center",
                ha="left" if side > 0 else "right",
            )
        ax.set_yticks(range(len(blocks)), [name.replace("$", r"\$") for name, *_ in blocks])
        ax.set_ylim(len(blocks) - 0.5, -0.5)
        ax.set_xlim(0, end * 1.02)
        ax.tick_params(axis="y", length=0)
        ax.xaxis.set_major_locator(MaxNLocator(8))
        ax.set_xlabel("time of the network since its initial state (s)")
        kinds = {ORANGE: "plastic", GREY: "frozen"}
        used = [
            c
            for c in kinds
            if any((plasticity > 0) == (c == ORANGE) for *_, plasticity, _ in blocks)
        ]
        figure.legend(
            handles=[Patch(color=c, label=kinds[c]) for c in used],
            loc="outside upper right",
            ncols=2,
        )
    return figure
