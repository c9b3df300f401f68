"""C22: does a further level pay where the data have a further level, and do flat networks do as well?"""

from itertools import pairwise

import numpy as np
from networks import ARCHITECTURES, GRAMMARS, trained

from fena_sim.claims import Measured, Reported, Threshold
from fena_sim.measure import (
    accuracy,
    bits,
    entropy_floor,
    inside_motif,
    paired,
    share,
    summarise,
)
from fena_sim.plot import PAGE_WIDTH, colours, new_figure, sheet, style

ID = "C22"
CLAIM = "Depth pays where the data have depth, and in new combinations a flat network does not replace it."
DEFINITION = """One pass of 16,000 tokens (quick 1,500) of each of four grammars (docs/grammars.md): motifs, motifs of 8
tokens ("long motifs"), phrases of motifs ("nested"), and sentences whose first word decides the last, some 30 tokens
later ("agreement"). Networks: models/fena.py with 1, 2 and 3 hidden levels (64, 64-48, 64-48-32), each trained by
itself; models/fena_flat_memory.py with one level of as many plastic weights as the hierarchy of the grammar, which has
3 levels for "nested" and "agreement" and 2 for the others; and on long motifs the old default,
models/fena_flat_memory.py with 64-48-32. Learning is frozen in all tests. Accuracy: share of 1,500 new tokens (quick
300) whose code is the nearest to the prediction. Left out: accuracy with the level minus that of a network that was
trained without it. Knocked out: accuracy minus that on the same tokens while the predictions of this level are silenced
in the trained network. Differences are taken within a seed, which gives the same tokens. Inside novel combinations, on
1,500 tokens of held_out(): tokens after the first of a motif that follows what it never follows in training. On motifs
and long motifs that is another motif; on nested another motif, in the middle of a phrase that training never shows; on
agreement the opening of the sentence. Inside novel phrases: tokens after the first of all motifs in such phrases.
Inside novel pairs of phrases: the same in phrases that training shows, but never after the phrase before. The token
that agrees: the one that the first of the sentence, one of four, decides. A level that the data have no use for is a
control: a third one on motifs should gain nothing."""

#: Architecture of fena.py that has a level for every level of the grammar, and the flat network of
#: as many weights.
COMPARED = {
    "motifs": ("2 levels", "flat, as 2 levels"),
    "long motifs": ("2 levels", "flat, as 2 levels"),
    "nested": ("3 levels", "flat, as 3 levels"),
    "agreement": ("3 levels", "flat, as 3 levels"),
}
DEPTHS = ("1 level", "2 levels", "3 levels")
OLD = "flat, 3 levels"
LEAST_LOSS, LEAST_SHARE = 0.05, 0.9
LEAST_GAIN, LEAST_INSIDE = 0.02, 0.97
MOST_ABOVE, LEAST_WORSE = 0.005, 0.05


def architectures(grammar, quick):
    """Those that are trained on a grammar; quick: one deep and two flat ones, on motifs."""
    hierarchy, flat = COMPARED[grammar]
    if quick:
        return ("1 level", hierarchy, flat) if grammar == "motifs" else ()
    return (*DEPTHS, flat, *([OLD] if grammar == "long motifs" else []))


def experiments(seed, quick):
    return {
        f"{grammar}, {architecture}": trained(seed, quick, grammar, architecture)
        for grammar in GRAMMARS
        for architecture in architectures(grammar, quick)
    }


def measure(runs, quick):
    scores = scores_of(runs, quick)
    rows = second_level(scores["motifs"])
    if not quick:
        rows += third_level(scores["nested"])
    for grammar, of in scores.items():
        rows += against_flat(grammar, of)
    if not quick:
        long = scores["long motifs"]
        difference = paired(long["2 levels"]["accuracy"], long[OLD]["accuracy"])
        text = "long motifs: accuracy with 2 levels minus that of the old default"
        rows.append(Measured(text, difference, Threshold(">=", 0)))
    for grammar, of in scores.items():
        rows += reported(grammar, of, runs)
    return rows


def scores_of(runs, quick):
    """{grammar: {architecture: {quantity: value of each seed}}}"""
    return {
        grammar: {
            name: by_quantity([scores(run, grammar) for run in runs[f"{grammar}, {name}"]])
            for name in architectures(grammar, quick)
        }
        for grammar in GRAMMARS
        if architectures(grammar, quick)
    }


def by_quantity(found):
    return {quantity: np.array([one[quantity] for one in found]) for quantity in found[0]}


def scores(run, grammar):
    """{quantity: value} of one network."""
    intact = accuracy(run, "familiar")
    found = {"accuracy": intact, "bits per token": bits(run, "familiar")}
    events = run.events("held_out")
    for name, mask in novel_windows(events, grammar).items():
        found[f"accuracy {name}"] = accuracy(run, "held_out", mask)
    if grammar == "agreement":
        agrees = run.events("familiar")["agrees"].to_numpy()
        found["accuracy of the token that agrees"] = accuracy(run, "familiar", agrees)
    for block in run.blocks:
        if block.startswith("without_"):
            level = block.removeprefix("without_")
            found[f"accuracy lost with level {level} knocked out"] = intact - accuracy(run, block)
    return found


NOVEL = "inside novel combinations"
PHRASES, PAIRS = "inside novel phrases", "inside novel pairs of phrases"


def novel_windows(events, grammar):
    """{name: mask} of what is held out of a grammar; motifs that follow what they never follow in
    training come first.
    """
    inside = inside_motif(events, novel=True)
    if grammar == "nested":  # `novel` are whole phrases that follow one that they never follow
        phrases = inside_motif(events.assign(novel=events["novel_phrase"]), novel=True)
        second = (events["place"] == 1).to_numpy()
        return {NOVEL: phrases & second, PHRASES: phrases, PAIRS: inside & ~phrases}
    if grammar == "agreement":  # `novel` are whole sentences
        return {NOVEL: inside & (events["previous_motif"] < 0).to_numpy()}
    return {NOVEL: inside}


def second_level(of):
    """Rows of what a second level is worth on motifs."""
    deep = of["2 levels"]
    lost = deep["accuracy lost with level 2 knocked out"] >= LEAST_LOSS
    left_out = paired(deep["accuracy"], of["1 level"]["accuracy"])
    text = f"motifs: share of networks that lose {LEAST_LOSS:g} or more with level 2 knocked out"
    return [
        Measured(
            "motifs: accuracy lost with the second level left out",
            left_out,
            Threshold(">=", LEAST_LOSS),
        ),
        Measured(text, share(lost), Threshold(">=", LEAST_SHARE)),
        Reported(
            f"motifs: share of networks that lose {LEAST_LOSS:g} or more with the second level left out",
            share(deep["accuracy"] - of["1 level"]["accuracy"] >= LEAST_LOSS),
        ),
    ]


def third_level(of):
    """Rows of what a third level is worth on phrases of motifs."""
    gained = paired(of["3 levels"]["accuracy"], of["2 levels"]["accuracy"])
    inside = summarise(of["3 levels"][f"accuracy {PHRASES}"])
    return [
        Measured("nested: accuracy gained by a third level", gained, Threshold(">=", LEAST_GAIN)),
        Measured(
            "nested: accuracy inside novel phrases, 3 levels", inside, Threshold(">=", LEAST_INSIDE)
        ),
    ]


def against_flat(grammar, of):
    """Rows of the hierarchy of a grammar beside the flat network with as many weights."""
    deep, flat = (of[name] for name in COMPARED[grammar])
    inside = f"accuracy {NOVEL}"
    return [
        Measured(
            f"{grammar}: accuracy of the flat network minus that of the hierarchy",
            paired(flat["accuracy"], deep["accuracy"]),
            Threshold("<=", MOST_ABOVE),
        ),
        Measured(
            f"{grammar}: {inside}, hierarchy minus flat network",
            paired(deep[inside], flat[inside]),
            Threshold(">=", LEAST_WORSE),
        ),
    ]


def reported(grammar, of, runs):
    """What each further level gains, every quantity of every architecture, and the accuracy of the
    ideal observer.
    """
    rows = [
        Reported(
            f"{grammar}: accuracy gained from {fewer} to {more}",
            paired(of[more]["accuracy"], of[fewer]["accuracy"]),
        )
        for fewer, more in pairwise(name for name in DEPTHS if name in of)
    ]
    rows += [
        Reported(f"{grammar}: {quantity}, {shown(name)}", summarise(values))
        for quantity in dict.fromkeys(quantity for found in of.values() for quantity in found)
        for name, found in of.items()
        if (values := found.get(quantity)) is not None
    ]
    ideal = [ideal_accuracy(run, grammar) for run in runs[f"{grammar}, 1 level"]]
    return [*rows, Reported(f"{grammar}: accuracy of the ideal observer", summarise(ideal))]


def ideal_accuracy(run, grammar):
    tokens = run.events("familiar")["token"].to_numpy()
    return entropy_floor(GRAMMARS[grammar], tokens).accuracy


def shown(architecture):
    """An architecture in words."""
    sizes = "-".join(map(str, ARCHITECTURES[architecture][1]))
    return f"{'old default' if architecture == OLD else architecture} ({sizes})"


# -- figure ----------------------------------------------------------------------------------------

COLOURS = {"fena": colours.BLACK, "fena_flat_memory": colours.VERMILLION}


def figure(runs):
    """Accuracy of every architecture, above on new tokens and below inside novel combinations, by
    grammar.
    """
    quick = "nested, 1 level" not in runs
    found = scores_of(runs, quick)
    with sheet():
        fig = new_figure(PAGE_WIDTH, 92)
        axes = fig.subplots(2, len(found), sharex="col", sharey="row", squeeze=False)
        for column, (grammar, of) in zip(axes.T, found.items(), strict=True):
            for ax, quantity in zip(column, ("accuracy", f"accuracy {NOVEL}"), strict=True):
                for x, (name, values) in enumerate(of.items()):
                    colour = COLOURS[ARCHITECTURES[name][0]]
                    _networks(ax, x, values[quantity], colour)
            ideal = np.median([ideal_accuracy(run, grammar) for run in runs[f"{grammar}, 1 level"]])
            column[0].axhline(ideal, color=colours.GREY, linewidth=0.7, linestyle="--", zorder=0)
            column[0].set_title(grammar)
            column[1].set_xticks(range(len(of)), [tick(name) for name in of])
            column[1].set_xlabel("hidden levels")
            column[1].set_xlim(-0.6, len(of) - 0.4)
        axes[0, 0].set_ylabel("accuracy (dashed: ideal observer)")
        axes[1, 0].set_ylabel("accuracy inside\nnovel combinations")
        for ax, letter in zip(axes.flat, "abcdefgh", strict=False):
            style.letter(ax, letter)
    return fig


def tick(architecture):
    """An architecture at an axis of hidden levels."""
    return "old" if architecture == OLD else architecture.split(",")[0].split(" ")[0]


def _networks(ax, x, values, colour):
    """One dot per network, and a line at the median."""
    spread = np.linspace(-0.2, 0.2, len(values)) if len(values) > 1 else [0]
    ax.plot(x + np.array(spread), values, "o", color=colour, markersize=2, alpha=0.6)
    ax.plot([x - 0.3, x + 0.3], [np.median(values)] * 2, color=colour, linewidth=1)
