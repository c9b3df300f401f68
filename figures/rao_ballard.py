"""End-stopping by feedback: responses of error units to bars of growing length, as in Rao & Ballard
1999.

(a) Their Figure 5: the sum of |r_1 - U_2 r_2| over the error units of the middle module against the
length of a bar, relative to the largest response without feedback, with feedback and with it knocked
out: networks (thin) and their median (bold). (b) One unit of the last network: that with feedback falls
most from its largest response to that to the longest bar, of those whose response without feedback
does not fall. (c) Weights with which level 1 of the
middle module predicts its patch, of the same network; each unit is scaled by its largest weight. They
were learned from images made of bars and 1/f noise (protocols/rao_ballard.py), not from photographs.
"""

import numpy as np

from fena_sim.plot import PAGE_WIDTH, Needs, new_figure, script, sheet, style

BLOCKS = ("feedback", "no_feedback")
NEEDS = {block: Needs(name=block, readouts=["residual"]) for block in BLOCKS}
COMMAND = "fena run protocols/rao_ballard.py --seeds 5"
COLOURS = {"feedback": "#0072B2", "no_feedback": "#D55E00"}
NAMES = {"feedback": "feedback", "no_feedback": "no feedback"}
MODULES = 3


def residuals(run, block):
    """Errors of the middle module at the end of each bar, (length, unit)."""
    values = run.tokens(block)["residual"].to_numpy()
    units = values.shape[1] // MODULES
    return values[:, units : 2 * units]


def lengths(run):
    """Of the bars that were shown, in pixels."""
    return [int(symbol.removeprefix("bar_")) for symbol in run.events(BLOCKS[0])["symbol"]]


def weights(run):
    """Of the middle module, (unit, row, column); synapses are ordered by source, then target."""
    state = run.state(BLOCKS[0])
    units = len(state["state_1.r"]) // MODULES
    own = np.asarray(state["W_1.w"], dtype=float).reshape(MODULES, units, -1)[1]
    side = int(np.sqrt(own.shape[1]))
    return own.reshape(units, side, side)


def figure(runs):
    """Three panels."""
    found = {block: np.array([residuals(run, block) for run in runs]) for block in BLOCKS}
    length = lengths(runs[-1])
    with sheet():
        fig = new_figure(PAGE_WIDTH, 58)
        whole, single, fields = fig.subplots(1, 3)
        most = abs(found["no_feedback"]).sum(axis=2).max(axis=1, keepdims=True)
        unit = example(*(abs(found[block][-1]) for block in BLOCKS))
        for block, values in found.items():
            response = abs(values).sum(axis=2) / most
            colour = COLOURS[block]
            whole.plot(length, response.T, color=colour, lw=0.4, alpha=0.5)
            middle = np.median(response, axis=0)
            whole.plot(length, middle, color=colour, lw=1.5, label=NAMES[block])
            single.plot(length, abs(values[-1][:, unit]), color=colour, label=NAMES[block])
        whole.set(xlabel="length of the bar (pixels)", ylabel="summed |error|, relative")
        single.set(xlabel="length of the bar (pixels)", ylabel="|error|", title=f"unit {unit}")
        for ax in (whole, single):
            ax.set_ylim(0, 1.3 * ax.get_ylim()[1])
            ax.legend(loc="upper left", ncols=2)
        fields.imshow(mosaic(weights(runs[-1])), cmap="gray", vmin=-1, vmax=1)
        fields.spines[:].set_visible(False)
        fields.set(xticks=[], yticks=[], xlabel="learned weights of level 1")
        for ax, text in zip((whole, single, fields), "abc"):
            style.letter(ax, text)
    return fig


def example(fed, alone):
    """The unit that falls most from its largest response (length, unit) to that to the longest bar,
    of those that answer the longest bar by 0.9 of their largest response without feedback.
    """
    chosen = alone[-1] >= 0.9 * alone.max(axis=0)
    return int(np.argmax(np.where(chosen, fed.max(axis=0) - fed[-1], -1)))


def mosaic(images, columns=6):
    """Images (n, side, side), each relative to its largest value, in rows with gaps."""
    n, side, _ = images.shape
    rows = -(-n // columns)
    sheet_of = np.ones((rows * (side + 1) - 1, columns * (side + 1) - 1))
    for k, image in enumerate(images):
        row, column = divmod(k, columns)
        place = slice(row * (side + 1), row * (side + 1) + side)
        sheet_of[place, column * (side + 1) : column * (side + 1) + side] = image / max(
            abs(image).max(), 1e-12
        )
    return sheet_of


if __name__ == "__main__":
    script.main(figure, NEEDS, "rao_ballard")
