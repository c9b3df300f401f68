"""C12: motifs in combinations that were never trained."""

import numpy as np
from comparisons import KINDS, ngrams, reference_networks
from matplotlib.lines import Line2D
from networks import first_contact

from fena_sim import FenaError
from fena_sim.claims import Measured, Reported, Threshold, once
from fena_sim.measure import (
    IdealObserver,
    accuracy,
    generalisation,
    inside_motif,
    mean_errors,
    scored,
    summarise,
)
from fena_sim.plot import PAGE_WIDTH, new_figure, panels, sheet, style
from fena_sim.show.colours import BLACK, GREEN, GREY, PURPLE, SKY, VERMILLION
from fena_sim.stimulus import MotifGrammar
from fena_sim.study.claims.references import REGIMES

ID = "C12"
CLAIM = "Familiar motifs are predicted as well in combinations that were never trained."
DEFINITION = """After one pass of protocols/first_contact.py, plasticity off. Inside: tokens after the first of a motif.
Familiar: those of block "familiar" (1,500 tokens, quick 300); novel: those of block "held_out" whose motif was entered through
a pair of motifs that training never shows. Accuracy = share of tokens whose code is the nearest to the prediction; error = mean
over tokens and units of e^2 at onset, level 0; ratio = error novel / familiar (fena_sim.analyse.generalisation). Junction:
first tokens of motifs; no network can know one that follows through a pair it never met. Untrained: all 300 tokens of block
"untrained". References: networks of as many weights trained by backpropagation and n-gram tables on the same tokens, tested on
the same tokens, same windows; ideal: the Bayes-optimal observer of the grammar."""
LEAST_ACCURACY, MOST_RATIO = 0.95, 1.25
BLOCKS = {"familiar": "familiar", "novel": "held_out"}
COLOURS = {"Elman": SKY, "GRU": GREEN, "transformer": PURPLE}
MARKERS = {"one pass": "o", "converged": "s"}


def experiments(seed, quick):
    return {"network": first_contact(seed, quick)}


def measure(runs, quick):
    of = runs["network"]
    tables = [generalisation(run) for run in of]
    novel = np.array([table.loc["novel", "error"] for table in tables])
    untrained = np.array([float(mean_errors(run, "untrained").sel(level=0)) for run in of])
    rows = [
        Measured(
            "accuracy inside novel combinations",
            summarise([t.loc["novel", "accuracy"] for t in tables]),
            Threshold(">=", LEAST_ACCURACY),
        ),
        Measured(
            "error inside novel / familiar combinations",
            summarise([t.loc["novel", "relative_error"] for t in tables]),
            Threshold("<=", MOST_RATIO),
            note="the familiar error is small: see the errors themselves",
        ),
        Reported(
            "accuracy inside familiar combinations",
            summarise([t.loc["familiar", "accuracy"] for t in tables]),
        ),
        Reported(
            "error inside familiar combinations",
            summarise([t.loc["familiar", "error"] for t in tables]),
        ),
        Reported("error inside novel combinations", summarise(novel)),
        Reported("error inside novel combinations / untrained error", summarise(novel / untrained)),
        *[
            Reported(
                f"accuracy at the junction, {name}",
                summarise([accuracy(r, block, junction(r, block)) for r in of]),
            )
            for name, block in BLOCKS.items()
        ],
        Reported(
            "ideal: accuracy at the junction, familiar", summarise([ideal(run) for run in of])
        ),
        Reported("chance", once(1 / len(of[0].vocabulary))),
    ]
    found = [ngrams(run, "held_out", inside(run))["accuracy"] for run in of]
    rows += [
        Reported(f"{name}: accuracy inside novel combinations", summarise([t[name] for t in found]))
        for name in found[0].index
    ]
    return rows + _references(of)


def _references(of):
    rows = []
    for (name, regime), windows in references(of).items():
        of_both = {
            "accuracy inside novel combinations": [novel["accuracy"] for _, novel in windows],
            "error inside novel combinations": [novel["error"] for _, novel in windows],
            "error inside novel / familiar combinations": [
                novel["error"] / known["error"] for known, novel in windows
            ],
        }
        rows += [
            Reported(f"{name}, {regime}: {what}", summarise(values))
            for what, values in of_both.items()
        ]
    return rows


def references(of):
    """Scores inside familiar and inside novel combinations: {(network, regime): [(familiar, novel)
    of each seed]}.
    """
    found = {}
    for kind, name in KINDS.items():
        try:
            networks = reference_networks(kind, of)
        except FenaError:  # without PyTorch, as C13 says
            return {}
        for regime in REGIMES:
            tests = [network[regime]["tests"] for network in networks]
            found[name, regime] = [
                (test["familiar"]["inside familiar"], test["held_out"]["inside novel"])
                for test in tests
            ]
    return found


def inside(run):
    return inside_motif(run.events("held_out"), novel=True)


def junction(run, block):
    """First tokens of motifs, in "held_out" of those entered through a held-out pair."""
    events = run.events(block)
    novel = events["novel"].to_numpy().astype(bool)
    return scored(events) & (events["position"] == 0).to_numpy() & (novel == (block == "held_out"))


def ideal(run):
    """Accuracy of the best possible model at familiar junctions."""
    return IdealObserver(MotifGrammar()).accuracy(
        run.events("familiar")["token"].to_numpy(), junction(run, "familiar")
    )


def figure(runs):
    """Accuracy and error in familiar and novel combinations and at the junction, with those of the
    references.
    """
    of = runs["network"]
    tables, others = [generalisation(run) for run in of], references(of)
    accuracies = [
        [*t["accuracy"], *[accuracy(run, block, junction(run, block)) for block in BLOCKS.values()]]
        for t, run in zip(tables, of, strict=True)
    ]
    errors = [[t.loc["familiar", "error"], t.loc["novel", "error"]] for t in tables]
    with sheet():
        fig = new_figure(PAGE_WIDTH, 64)
        axes = fig.subplots(1, 3, width_ratios=(1.3, 1, 1.3))
        for ax, values, quantity in zip(
            axes, (accuracies, errors), ("accuracy", "error"), strict=False
        ):
            _networks(ax, values)
            for k, ((name, regime), windows) in enumerate(others.items()):
                medians = [
                    np.median([window[side][quantity] for window in windows]) for side in (0, 1)
                ]
                ax.plot(
                    np.arange(2) + 0.12 + 0.06 * k,
                    medians,
                    MARKERS[regime],
                    color=COLOURS[name],
                    markersize=3,
                    markerfacecolor="white" if regime == "one pass" else COLOURS[name],
                )
        known = np.median([ideal(run) for run in of])
        axes[0].plot([1.75, 2.25], [known] * 2, color=GREY, linewidth=0.9)
        axes[0].text(
            2, known + 0.02, "ideal", fontsize=6, ha="center", va="bottom", color="#5A5A5A"
        )
        axes[0].axhline(LEAST_ACCURACY, color=GREY, linewidth=0.7, linestyle=(0, (4, 2)), zorder=0)
        axes[0].text(
            1.01,
            LEAST_ACCURACY,
            ID,
            transform=axes[0].get_yaxis_transform(),
            fontsize=6,
            va="center",
            color="#5A5A5A",
        )
        axes[0].set_ylim(-0.03, 1.03)
        axes[0].set_ylabel("next-token accuracy")
        axes[0].set_xticks(
            range(4), ["inside\nfamiliar", "inside\nnovel", "familiar\njunction", "novel\njunction"]
        )
        untrained = np.median([mean_errors(run, "untrained").sel(level=0) for run in of])
        axes[1].axhline(untrained, color=GREY, linewidth=0.7, linestyle=(0, (1, 1.5)), zorder=0)
        axes[1].text(
            0.5,
            untrained * 1.15,
            "untrained",
            fontsize=6,
            ha="center",
            va="bottom",
            color="#5A5A5A",
        )
        axes[1].set_yscale("log")
        axes[1].set_ylim(top=untrained * 4)
        axes[1].set_ylabel("squared onset error, level 0")
        axes[1].set_xticks(range(2), ["inside\nfamiliar", "inside\nnovel"])
        table = sum(ngrams(run, "held_out", inside(run)) for run in of) / len(of)
        panels.against_ngrams(
            axes[2], [row[1] for row in accuracies], table, 1 / len(of[0].vocabulary)
        )
        axes[2].set_ylabel("accuracy inside novel combinations")
        for ax, text in zip(axes, "abc", strict=True):
            style.letter(ax, text)
        handles = [
            Line2D([], [], linestyle="", marker="D", color=VERMILLION, label="FENA, one pass")
        ]
        handles += [
            Line2D(
                [],
                [],
                linestyle="",
                marker=MARKERS[regime],
                color=COLOURS[name],
                label=f"{name}, {regime}",
                markerfacecolor="white" if regime == "one pass" else COLOURS[name],
            )
            for name, regime in others
        ]
        fig.legend(handles=handles, loc="outside lower center", ncols=4, handletextpad=0.2)
    return fig


def _networks(ax, values):
    """FENA: one diamond per network and condition (network, condition), and a line at the median."""
    for x, column in enumerate(np.array(values).T):
        ax.plot(
            np.full(len(column), x - 0.12),
            column,
            "D",
            color=VERMILLION,
            markersize=2.5,
            markeredgewidth=0,
            alpha=0.7,
        )
        ax.plot([x - 0.24, x], [np.median(column)] * 2, color=BLACK, linewidth=0.9)
    ax.set_xlim(-0.5, len(values[0]) - 0.4)
    ax.tick_params(axis="x", length=0)
