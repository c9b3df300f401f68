"""C11: do the levels come to hold different things, from tokens below to context above?"""

import numpy as np
from contents import MEMORY, USE, contents, in_words
from networks import trained, untrained

from fena_sim.claims import Measured, Reported, Threshold
from fena_sim.measure import summarise
from fena_sim.plot import PAGE_WIDTH, colours, new_figure, sheet, style

ID = "C11"
CLAIM = "Levels specialise by themselves: tokens are held below, motifs and what came before them above."
DEFINITION = """models/fena.py with two hidden levels after one pass of the motif grammar, and with three after one pass
of NestedGrammar, whose motifs form phrases. States f(r) at the end of each presentation of "familiar" (1,500 new
tokens, learning frozen, quick 300). Variance explained by a label alone: cross-validated share of the variance of a
level's states, ridge regression on one-hot labels (measure.variance_explained), for the token, the motif, the motif
before and, in NestedGrammar, the phrase. Decoded: how often a cross-validated linear classifier finds the label
(measure.decode). Memory: lag in tokens at which the mean autocorrelation of the states has fallen to 1/e
(measure.autocorrelation_time), at most half of the block. Use: accuracy lost on the same tokens while the predictions
of this level are knocked out. A step is the value of a level minus that of the level below it; for the token, the level
below minus the level. In every network the smallest step counts, so that each level must go beyond the one below.
More than in a control: each step minus the same step of the control with the same seed, and again the smallest. A
threshold on a step asks for the whole 95 % interval of its median. Controls: the network untrained; trained on the same tokens
one by one in random order; a network with one level, and a flat network (models/fena_flat_memory.py with one level) of
as many weights as the hierarchy, both trained on the grammar. What a control shows as well is no evidence of
specialisation; a network of one level shows what one level holds when it has to hold everything. Sensitivity: folds
(5), guard (20 tokens) and penalty (1)."""

CONTROLS = ("untrained", "shuffled")
#: Networks with one level, whose values stand beside those of level 1.
SINGLE = ("one level", "flat")
#: Grammar: architecture, the flat network with as many weights, and labels.
CASES = {
    "motifs": ("2 levels", "flat, as 2 levels", ("token", "motif", "previous_motif")),
    "nested": ("3 levels", "flat, as 3 levels", ("token", "motif", "previous_motif", "phrase")),
}
#: Variable: whether it should rise or fall from level to level, and the controls that it must exceed.
DIRECTIONS = {
    "token": (-1, CONTROLS),
    "motif": (1, ("untrained",)),
    "previous motif": (1, CONTROLS),
    MEMORY: (1, CONTROLS),
}
BEYOND = Threshold(">", 0, interval=True)


def experiments(seed, quick):
    found = {}
    for grammar, (architecture, flat, _) in CASES.items():
        if quick and grammar != "motifs":
            continue
        networks = {
            "trained": trained(seed, quick, grammar, architecture),
            "untrained": untrained(seed, quick, grammar, architecture),
            "shuffled": trained(seed, quick, grammar, architecture, shuffled=True),
        }
        if not quick:
            networks["one level"] = trained(seed, quick, grammar, "1 level")
            networks["flat"] = trained(seed, quick, grammar, flat)
        found |= {f"{grammar}, {name}": experiment for name, experiment in networks.items()}
    return found


def measure(runs, quick):
    measured, reported = [], []
    for grammar, held in of_cases(runs).items():
        measured += gradients(grammar, held)
        reported += by_level(grammar, held)
    return measured + reported


def of_cases(runs):
    """{grammar: {network: {variable: array (seed, level)}}} of the networks that were run."""
    found = {}
    for grammar, (_, _, labels) in CASES.items():
        held = {
            name: [contents(run.folder, labels) for run in runs[f"{grammar}, {name}"]]
            for name in ("trained", *CONTROLS, *SINGLE)
            if f"{grammar}, {name}" in runs
        }
        if held:
            found[grammar] = {
                name: {variable: np.array([v[variable] for v in values]) for variable in values[0]}
                for name, values in held.items()
            }
    return found


def steps(values, direction):
    """What each level has more (direction 1) or less (-1) than the one below: (seed, step)."""
    return direction * np.diff(values, axis=1)


def gradients(grammar, held):
    """Rows of what has to rise or fall from level to level."""
    rows = []
    for variable, (direction, controls) in DIRECTIONS.items():
        own = steps(held["trained"][variable], direction)
        falls = "falls" if direction < 0 else "rises"
        text = f"{grammar}: {variable} {falls} from level to level"
        rows.append(Measured(text, summarise(own.min(axis=1)), BEYOND))
        for control in controls:
            beyond = own - steps(held[control][variable], direction)
            text = f"{grammar}: {variable} {falls} more than in networks {control}"
            rows.append(Measured(text, summarise(beyond.min(axis=1)), BEYOND))
    return rows


def by_level(grammar, held):
    """Rows of every variable at every level, with the medians of all controls as details."""
    rows = []
    for variable, values in held["trained"].items():
        for level in range(1, values.shape[1] + 1):
            medians = {
                name: float(np.median(of[variable][:, level - 1]))
                for name, of in held.items()
                if level <= of[variable].shape[1]
            }
            note = "; ".join(
                f"{name} {value:.3g}" for name, value in medians.items() if name != "trained"
            )
            details = dict(grammar=grammar, level=level, variable=variable)
            details |= {name.replace(" ", "_"): value for name, value in medians.items()}
            rows.append(
                Reported(
                    f"{grammar}, level {level}: {meaning(variable)}",
                    summarise(values[:, level - 1]),
                    note=note,
                    details=details,
                )
            )
    return rows


def meaning(variable):
    """What the values of a variable are."""
    if variable == MEMORY:
        return "memory (tokens)"
    if variable == USE:
        return "accuracy lost when knocked out"
    return variable if variable.startswith("decoded ") else f"variance explained by {variable}"


# -- figure ----------------------------------------------------------------------------------------

LINES = {
    "trained": ("-", colours.BLACK),
    "untrained": (":", colours.GREY),
    "shuffled": ("--", colours.ORANGE),
}
MARKERS = {"one level": ("s", colours.SKY), "flat": ("^", colours.VERMILLION)}
LABELS = {MEMORY: "memory (tokens)", USE: "accuracy lost\nwhen knocked out"}


def figure(runs):
    """What each level holds and how much it is used, by grammar; networks with one level beside
    level 1.
    """
    cases = of_cases(runs)
    *shared, phrase = map(in_words, CASES["nested"][2])
    columns = [*shared, MEMORY, USE, phrase]
    with sheet():
        fig = new_figure(PAGE_WIDTH, 15 + 42 * len(cases))
        axes = fig.subplots(len(cases), len(columns), squeeze=False)
        for row, (grammar, held) in zip(axes, cases.items(), strict=True):
            for ax, variable in zip(row, columns, strict=True):
                if variable in held["trained"]:
                    _panel(ax, variable, held)
                else:
                    ax.set_axis_off()
            row[0].set_title(grammar)
        drawn = [ax for ax in axes.flat if ax.axison]
        for ax, letter in zip(drawn, "abcdefghijkl", strict=False):
            style.letter(ax, letter)
        handles, texts = drawn[0].get_legend_handles_labels()
        fig.legend(handles, texts, loc="outside lower center", ncols=len(texts))
    return fig


def _panel(ax, variable, held):
    n_levels = held["trained"][variable].shape[1]
    at = np.arange(1, n_levels + 1)
    for name, (line, colour) in LINES.items():
        values = held[name][variable]
        ax.plot(at, values.T, line, color=colour, alpha=0.35, linewidth=0.5)
        median = np.median(values, axis=0)
        ax.plot(at, median, line, color=colour, linewidth=1.5, label=name)
    for k, (name, (marker, colour)) in enumerate(MARKERS.items(), 1):
        if name in held:
            values = held[name][variable][:, 0]
            place = np.full(len(values), 1 - 0.18 * k)
            ax.plot(place, values, marker, color=colour, markersize=2.5, label=name)
    label = LABELS.get(variable, f"variance by\n{variable}")
    ax.set(xticks=at, xlabel="level", ylabel=label, xlim=(0.5, n_levels + 0.2))
