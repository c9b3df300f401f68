"""C12: motifs and phrases in combinations that were never trained."""

import numpy as np
from comparisons import (
    best,
    compared,
    hierarchy,
    marker,
    ngrams,
    reference_legend,
    reference_networks,
)
from matplotlib.lines import Line2D
from networks import GRAMMARS

from fena_sim import FenaError
from fena_sim.claims import Measured, NotRun, Reported, Threshold, once
from fena_sim.measure import (
    IdealObserver,
    accuracy,
    generalisation,
    inside_motif,
    mean_errors,
    scored,
    summarise,
)
from fena_sim.plot import PAGE_WIDTH, new_figure, sheet, style
from fena_sim.show.colours import BLACK, GREY, VERMILLION
from fena_sim.study.claims.references import REGIMES

ID = "C12"
CLAIM = "Familiar motifs are predicted as well in combinations that were never trained."
DEFINITION = """After one pass of 16,000 tokens (quick 1,500), plasticity off: the motif grammar with 2 hidden levels and the
nested grammar with 3. Inside: tokens after the first of a motif. Familiar: those of block "familiar" (1,500 tokens, quick 300).
Novel, in block "held_out" (as long): pairs of motifs, motifs that were entered through a pair of motifs that training never
shows; phrases, motifs of a phrase of motifs that training never shows; pairs of phrases, motifs of a phrase that was entered
through a pair of phrases that training never shows. Accuracy = share of tokens whose code is the nearest to the prediction;
error = mean over tokens and units of e^2 at onset, level 0; ratio = error novel / familiar (fena_sim.analyse.generalisation),
beside which the errors themselves stand. Junction: first tokens of motifs (motif grammar), in "held_out" those that follow
through a pair that training never shows: no network can know these. Next motif: first tokens of the second and third motif of
phrases that training shows (nested grammar), which follow from the phrase; novel: after a pair of phrases that training never
shows. Untrained: all 300 tokens of block "untrained". References: networks of as many weights trained by backpropagation (as in
C13; on the nested grammar beside every fourth network) and the best of the n-gram tables of 1 to 5 tokens, trained and tested on
the same tokens; ideal: the Bayes-optimal observer of the grammar."""
LEAST_ACCURACY, MOST_RATIO = 0.99, 1.25
#: Kinds of novel combinations in each grammar, and the label column that tells them.
NOVEL = {
    "motifs": {"pairs of motifs": "novel"},
    "nested": {"phrases": "novel_phrase", "pairs of phrases": "novel"},
}
#: Rows of `generalisation`.
KNOWN_NEW = ("familiar", "novel")
SLANTED = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"}


def experiments(seed, quick):
    return {grammar: hierarchy(seed, quick, grammar) for grammar in NOVEL}


def measure(runs, quick):
    rows = [
        row
        for grammar, kinds in NOVEL.items()
        for novel, label in kinds.items()
        for row in _combinations(runs[grammar], grammar, novel, label)
    ]
    for grammar, of in runs.items():
        rows += [
            Reported(f"{grammar}, {name}: accuracy", summarise(values))
            for name, values in starts(grammar, of).items()
        ]
        rows += [Reported(f"{grammar}: chance", once(1 / len(of[0].vocabulary)))]
        rows += _references(grammar, of)
    return rows


def _combinations(of, grammar, novel, label):
    tables = [generalisation(run, label=label) for run in of]
    known, new = ({c: [t.loc[row, c] for t in tables] for c in tables[0]} for row in KNOWN_NEW)
    untrained = [float(mean_errors(run, "untrained").sel(level=0)) for run in of]
    inside = f"{grammar}, inside novel {novel}"
    rows = [
        Measured(
            f"{inside}: accuracy", summarise(new["accuracy"]), Threshold(">=", LEAST_ACCURACY)
        ),
        Measured(
            f"{inside}: error novel / familiar",
            summarise(new["relative_error"]),
            Threshold("<=", MOST_RATIO),
            note=f"errors: {np.median(new['error']):.2g} novel, {np.median(known['error']):.2g} familiar, {np.median(untrained):.2g} untrained",
        ),
        Reported(f"{inside}: error", summarise(new["error"])),
        Reported(
            f"{inside}: error novel / untrained",
            summarise(np.array(new["error"]) / np.array(untrained)),
        ),
        Reported(f"{inside}: accuracy of the best n-gram table", summarise(tables_of(of, label))),
    ]
    if label == "novel":  # the same familiar tokens for every kind
        rows += [
            Reported(f"{grammar}, inside familiar combinations: {name}", summarise(known[name]))
            for name in ("accuracy", "error")
        ]
    return rows


def tables_of(of, label):
    """Accuracy of the best n-gram table inside novel combinations, of each network's tokens."""
    inside = [inside_motif(run.events("held_out"), novel=True, label=label) for run in of]
    tables = [ngrams(run, "held_out", mask) for run, mask in zip(of, inside, strict=True)]
    return best(tables, "accuracy")


def starts(grammar, of):
    """Accuracy at first tokens of motifs: {name: value of each network}."""
    window, place = (
        (junction, "junction") if grammar == "motifs" else (next_motif, "next motif of a phrase")
    )
    found = {
        f"{side} {place}": [accuracy(run, block, window(run.events(block))) for run in of]
        for side, block in (("familiar", "familiar"), ("novel", "held_out"))
    }
    found[f"familiar {place}, ideal"] = [
        IdealObserver(GRAMMARS[grammar]).accuracy(
            run.events("familiar")["token"].to_numpy(), window(run.events("familiar"))
        )
        for run in of
    ]
    return found


def junction(events):
    """First tokens of motifs; of those of "held_out", the ones that a held-out pair leads to."""
    novel = events["novel"].to_numpy().astype(bool)
    return scored(events) & (events["position"] == 0).to_numpy() & (novel == novel.any())


def next_motif(events):
    """First tokens of the later motifs of familiar phrases; in "held_out" of those that a held-out
    pair leads to.
    """
    novel = events["novel"].to_numpy().astype(bool)
    later = ((events["position"] == 0) & (events["place"] > 0)).to_numpy()
    familiar = ~events["novel_phrase"].to_numpy().astype(bool)
    return scored(events) & later & familiar & (novel == novel.any())


def references(grammar, of):
    """Scores of the references: {(network, regime): {"familiar" or label: [scores of each seed]}}.

    Raises FenaError without PyTorch.
    """
    found = {}
    for name, networks in reference_networks(compared(of, grammar), grammar).items():
        for regime in REGIMES:
            tests = [network[regime]["tests"] for network in networks]
            found[name, regime] = {
                "familiar": [test["familiar"]["inside familiar"] for test in tests]
            } | {
                label: [test["held_out"][f"inside {label}"] for test in tests]
                for label in NOVEL[grammar].values()
            }
    return found


def _references(grammar, of):
    try:
        found = references(grammar, of)
    except FenaError as error:
        return [NotRun(f"{grammar}: networks trained by backpropagation", error)]
    rows = []
    for (name, regime), windows in found.items():
        for novel, label in NOVEL[grammar].items():
            accuracies, errors = (
                [window[quantity] for window in windows[label]]
                for quantity in ("accuracy", "error")
            )
            familiar = [window["error"] for window in windows["familiar"]]
            where = f"{grammar}, inside novel {novel}: {name}, {regime}"
            rows += [
                Reported(f"{where}: accuracy", summarise(accuracies)),
                Reported(f"{where}: error", summarise(errors)),
                Reported(
                    f"{where}: error novel / familiar",
                    summarise(np.array(errors) / np.array(familiar)),
                ),
            ]
    return rows


def figure(runs):
    """Accuracy in familiar and novel combinations and at first tokens of motifs, for each grammar,
    and the errors inside, with those of the references.
    """
    with sheet():
        fig = new_figure(PAGE_WIDTH, 80)
        axes = fig.subplots(1, 3, width_ratios=(4, 5, 4.6))
        at = 0
        for ax, grammar in zip(axes, NOVEL, strict=False):
            drawn = _draw_grammar(ax, axes[2], at, grammar, runs[grammar])
            at += 1.4 + len(NOVEL[grammar])
        axes[0].set_ylabel("next-token accuracy")
        _finish_errors(axes[2], runs)
        for ax, text in zip(axes, "abc", strict=True):
            style.letter(ax, text)
        fena = Line2D([], [], linestyle="", marker="D", color=VERMILLION, label="FENA, one pass")
        reference_legend(fig, drawn, fena, Line2D([], [], color=GREY, label="best n-gram table"))
    return fig


def _draw_grammar(ax, errors_ax, at, grammar, of):
    """Accuracies, and errors from place `at` on; returns (name, regime) of the reference networks."""
    labels = NOVEL[grammar]
    tables = {label: [generalisation(run, label=label) for run in of] for label in labels.values()}
    windows = ["familiar", *labels.values()]

    def of_window(window, quantity):
        side = "familiar" if window == "familiar" else "novel"
        return [t.loc[side, quantity] for t in tables["novel" if side == "familiar" else window]]

    familiar, novel, best_possible = starts(grammar, of).values()
    columns = [of_window(window, "accuracy") for window in windows] + [familiar, novel]
    _networks(ax, range(len(columns)), columns)
    _networks(
        errors_ax,
        at + np.arange(len(windows)),
        [of_window(window, "error") for window in windows],
    )
    for x, label in enumerate(labels.values(), start=1):
        best = np.median(tables_of(of, label))
        ax.plot([x - 0.3, x + 0.4], [best] * 2, color=GREY, linewidth=1.2, zorder=0)
    ideal = np.median(best_possible)
    x = len(windows)
    ax.plot([x - 0.3, x + 0.3], [ideal] * 2, color=BLACK, linewidth=0.7, linestyle=(0, (2, 1)))
    ax.text(x, ideal + 0.015, "ideal", fontsize=6, ha="center", va="bottom")
    try:
        others = references(grammar, of)
    except FenaError:  # without PyTorch, as the rows say
        others = {}
    for k, ((name, regime), scores) in enumerate(others.items()):
        for x, window in enumerate(windows):
            for axis, place, quantity in ((ax, x, "accuracy"), (errors_ax, at + x, "error")):
                values = [score[quantity] for score in scores[window]]
                at_one = np.full(len(values), place + 0.06 + 0.055 * k)
                axis.add_line(marker(at_one, values, name, regime, markersize=2.5, alpha=0.7))
    ax.axhline(LEAST_ACCURACY, color=GREY, linewidth=0.7, linestyle=(0, (4, 2)), zorder=0)
    ax.text(len(columns) - 0.4, LEAST_ACCURACY, f" {ID}", fontsize=6, va="center")
    start = "junction" if grammar == "motifs" else "next motif"
    names = [*_inside(labels), f"familiar {start}", f"novel {start}"]
    ax.set_xticks(range(len(columns)), names, **SLANTED)
    ax.set_ylim(-0.03, 1.05)
    ax.set_title(f"{grammar} grammar" if grammar == "nested" else "motif grammar")
    return list(others)


def _inside(labels):
    return ["inside familiar", *(f"inside novel {novel}" for novel in labels)]


def _finish_errors(ax, runs):
    at, names, places = 0, [], []
    for grammar, labels in NOVEL.items():
        places += list(at + np.arange(1 + len(labels)))
        names += _inside(labels)
        at += 1.4 + len(labels)
    untrained = np.median(
        [float(mean_errors(run, "untrained").sel(level=0)) for of in runs.values() for run in of]
    )
    ax.axhline(untrained, color=GREY, linewidth=0.7, linestyle=(0, (1, 1.5)), zorder=0)
    ax.text(places[0] - 0.4, untrained * 1.3, "untrained", fontsize=6, va="bottom")
    ax.set_yscale("log")
    ax.set_ylim(top=untrained * 10)
    ax.set_ylabel("squared onset error, level 0")
    ax.set_xticks(places, names, **SLANTED)
    ax.set_xlim(-0.5, places[-1] + 0.7)


def _networks(ax, places, columns):
    """FENA: one diamond per network and column, and a line at the median."""
    for x, values in zip(places, columns, strict=True):
        ax.plot(
            np.full(len(values), x - 0.12),
            values,
            "D",
            color=VERMILLION,
            markersize=2.5,
            markeredgewidth=0,
            alpha=0.7,
        )
        ax.plot([x - 0.24, x], [np.median(values)] * 2, color=BLACK, linewidth=0.9)
    ax.set_xlim(-0.5, len(columns) - 0.4)
    ax.tick_params(axis="x", length=0)
