"""What a hierarchy learns from nothing, in four panels.

(a) Settling iterations per token over training; the band spans the quartiles over tokens. (b) Share
of tokens that were predicted while the network learned: inside motifs, where level 1 needs no help,
and at junctions, the first tokens of motifs, which follow from the two motifs before. At the right
end, after training and with learning frozen: junctions with level 2's predictions knocked out. Dashed:
what the ideal observer of the grammar gets right at junctions. (c) Mean event of level 1, which ends its memory and
ticks level 2: at junctions and inside motifs, nobody tells the network which is which. (d)
Probability given to the coming token, by its place in the motif, learning frozen: after
pairs of motifs that training showed, and after pairs that it never showed. Thin lines are networks,
bold lines their median.
"""

import numpy as np

from fena_sim.analyse.select import event_bins
from fena_sim.measure import IdealObserver, accuracy, scored, settling_curve, token_scores
from fena_sim.plot import PAGE_WIDTH, Needs, level_colour, new_figure, panels, script, sheet, style
from fena_sim.plot import colours as named
from fena_sim.stimulus import MotifGrammar

# Only this protocol's names tell which pairs of motifs a network was trained on.
NEEDS = {
    "training": Needs(
        name="training", labels={"position": ()}, readouts=["events"], settling=True, learning=True
    ),
    "familiar": Needs(
        name="familiar", labels={"position": (), "novel": ()}, readouts=["onset_probability"]
    ),
    "held_out": Needs(
        name="held_out", labels={"position": (), "novel": ()}, readouts=["onset_probability"]
    ),
    "without_2": Needs(name="without_2", labels={"position": ()}),
}
COMMAND = "fena run protocols/first_contact.py --seeds 10"
BINS = 40
#: Places in a motif that enough motifs have.
PLACES = range(4)


def figure(runs):
    """Four panels at page width, from one run per network."""
    with sheet():
        fig = new_figure(PAGE_WIDTH, 52)
        axes = fig.subplots(1, 4)
        panels.settling(axes[0], [settling_curve(run) for run in runs])
        _coming_into_use(axes[1], runs)
        _events(axes[2], runs)
        _novel(axes[3], runs)
        for ax, text in zip(axes, "abcd", strict=True):
            style.letter(ax, text)
    return fig


def over_training(run, values, mask):
    """Mean of `values` (event,) over the events of a mask in each of BINS bins of the training
    block: (tokens, means).
    """
    bins, centres = event_bins(len(run.events("training")), BINS)
    return centres, np.array([values[part][mask[part]].mean() for part in bins])


def places(run, block):
    """(inside motifs, junctions): masks of the tokens that can be scored."""
    events = run.events(block)
    first = (events["position"] == 0).to_numpy()
    return scored(events) & ~first, scored(events) & first


def _coming_into_use(ax, runs):
    curves = {1: [], 2: []}
    for run in runs:
        correct = token_scores(run, "training")["correct"].to_numpy()
        for level, mask in zip(curves, places(run, "training"), strict=True):
            curves[level].append(over_training(run, correct, mask))
    for level, of in curves.items():
        _networks(ax, of[0][0] / 1000, [values for _, values in of], level_colour(level))
    end = len(runs[0].events("training")) / 1000
    without = [accuracy(run, "without_2", places(run, "without_2")[1]) for run in runs]
    ax.plot(np.full(len(runs), 1.07 * end), without, "o", color=level_colour(1), markersize=2)
    stream = MotifGrammar().training(4000, seed=0)
    junctions = (stream.events["position"] == 0).to_numpy()
    ideal = IdealObserver(MotifGrammar()).accuracy(stream.events["token"].to_numpy(), junctions)
    ax.axhline(ideal, color=named.GREY, linewidth=0.7, linestyle=(0, (4, 2)), zorder=0)
    ax.set(xlim=(0, 1.14 * end), ylim=(0, 1.02))
    ax.set_xlabel("training tokens (thousands)")
    ax.set_ylabel("share predicted")
    ax.text(0.5 * end, 0.93, "inside motifs", color=level_colour(1), fontsize=6, ha="center")
    ax.text(0.5 * end, 0.4, "at junctions", color=level_colour(2), fontsize=6, ha="center")
    name = "at junctions,\nlevel 2\nknocked out"
    ax.text(1.1 * end, 0.08, name, color=level_colour(1), fontsize=6, ha="right")


def _events(ax, runs):
    for mask, colour, name, height in (
        (1, named.BLACK, "at junctions", 0.28),
        (0, named.GREY, "inside motifs", 0.1),
    ):
        of = [
            over_training(
                run,
                run.tokens("training")["events"].to_numpy()[:, 0],
                places(run, "training")[mask],
            )
            for run in runs
        ]
        _networks(ax, of[0][0] / 1000, [values for _, values in of], colour)
        ax.text(0.97, height, name, color=colour, fontsize=6, ha="right", transform=ax.transAxes)
    ax.set(xlim=(0, None), ylim=(-0.02, 1.02))
    ax.set_xlabel("training tokens (thousands)")
    ax.set_ylabel("event of level 1")


def _novel(ax, runs):
    for block, novel, colour, name in (
        ("familiar", False, named.SKY, "familiar pairs"),
        ("held_out", True, named.ORANGE, "novel pairs"),
    ):
        curves = []
        for run in runs:
            events = run.events(block)
            kept = scored(events) & (events["novel"].to_numpy().astype(bool) == novel)
            given = run.tokens(block)["onset_probability"].to_numpy()
            given = given[np.arange(len(events)), events["token"].to_numpy()]
            position = events["position"].to_numpy()
            curves.append([given[kept & (position == place)].mean() for place in PLACES])
        _networks(ax, PLACES, curves, colour)
        ax.plot([], [], color=colour, label=name)
    ax.set(ylim=(0, 1.02), xticks=PLACES)
    ax.set_xticklabels([f"{place + 1}" for place in PLACES])
    ax.set_xlabel("token of the motif")
    ax.set_ylabel("probability of the coming token")
    ax.legend(loc="lower right")


def _networks(ax, x, curves, colour):
    """A thin line per network and their median."""
    for curve in curves:
        ax.plot(x, curve, color=colour, linewidth=0.4, alpha=0.5)
    ax.plot(x, np.median(curves, axis=0), color=colour, linewidth=1.3)


if __name__ == "__main__":
    script.main(figure, NEEDS, "story")
