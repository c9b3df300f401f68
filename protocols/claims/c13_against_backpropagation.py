"""C13: is it a good model of its data, beside tables and networks of equal size that learn by
backpropagation?
"""

import numpy as np
from comparisons import (
    HIERARCHIES,
    KINDS,
    best,
    compared,
    draw_models,
    hierarchy,
    ngrams,
    reference_legend,
    reference_networks,
)
from matplotlib.ticker import NullFormatter
from networks import GRAMMARS

from fena_sim import FenaError
from fena_sim.claims import Measured, NotRun, Reported, Threshold
from fena_sim.measure import IdealObserver, accuracy, bits, paired, summarise
from fena_sim.plot import PAGE_WIDTH, new_figure, sheet, style
from fena_sim.show.colours import BLACK
from fena_sim.study.claims.references import REGIMES

ID = "C13"
CLAIM = "In one pass it models its data as well as n-gram tables and networks of equal size trained by backpropagation."
DEFINITION = """Three grammars: motifs (protocols/first_contact.py), long motifs of 8 tokens, both read by 2 hidden levels, and
nested phrases, read by 3. One pass of 16,000 tokens (quick 1,500), then plasticity off, 1,500 test tokens (quick 300; block
"familiar") but the first. Accuracy = share of tokens that were the most probable one; bits = mean of -log2 of the probability
that the network gave to the token before it arrived. Ideal: the Bayes-optimal observer of the grammar, which knows its rule, on
the same tokens. n-gram: interpolated tables of 1 to 5 tokens counted on the same training tokens; the best of the five on the
test tokens of each network counts. Elman network, GRU, LSTM and transformer: as many trainable numbers as FENA has synaptic
weights there (within 5 %), same training and test tokens; "one pass" learns every token once, "converged" goes on until a
validation stream gets no better. Their hyperparameters are chosen on streams of their own (fena_sim.study.claims.references): on
the motif grammar all of them; the other two take them over from there and choose the learning rate anew. A transformer sees 16,
32 and 48 tokens before every piece of the stream. On the motif grammar every network has references; on the other two, which
multiply the training by backpropagation, every fourth (seeds that 4 divides; if quick, on all, with hyperparameters that nobody
chose). Differences are FENA minus the other within each seed."""
MEASURES = {"accuracy": (accuracy, ">="), "bits": (bits, "<=")}
LEAST_ACCURACY, MOST_BEHIND_IDEAL, MOST_BITS = 0.948, 0.01, 0.27


def experiments(seed, quick):
    return {grammar: hierarchy(seed, quick, grammar) for grammar in HIERARCHIES}


def measure(runs, quick):
    rows = _bars(runs["motifs"])
    for grammar, of in runs.items():
        tables = [ngrams(run) for run in of]
        for name in MEASURES:
            values, ideals = own(of, name), ideal(grammar, of, name)
            if grammar != "motifs":
                rows += [
                    Reported(f"{grammar}, {name}: FENA", summarise(values)),
                    Reported(f"{grammar}, {name}: FENA - ideal", paired(values, ideals)),
                ]
            rows += [
                Reported(f"{grammar}, {name}: ideal", summarise(ideals)),
                _difference(grammar, "best n-gram table", name, values, best(tables, name)),
            ]
            rows += [
                Reported(f"{grammar}, {name}: {table}", summarise([t[name][table] for t in tables]))
                for table in tables[0].index
            ]
        rows += _references(grammar, compared(of, grammar))
    return rows


def _bars(of):
    """The bars that the motif grammar has of its own."""
    accuracies, bit = own(of, "accuracy"), own(of, "bits")
    behind = paired(ideal("motifs", of, "accuracy"), accuracies)
    return [
        Measured("motifs, accuracy: FENA", summarise(accuracies), Threshold(">=", LEAST_ACCURACY)),
        Measured("motifs, accuracy: ideal - FENA", behind, Threshold("<=", MOST_BEHIND_IDEAL)),
        Measured("motifs, bits: FENA", summarise(bit), Threshold("<=", MOST_BITS)),
        Reported("motifs, bits: FENA - ideal", paired(bit, ideal("motifs", of, "bits"))),
    ]


def _references(grammar, of):
    try:
        networks = reference_networks(of, grammar)
    except FenaError as error:
        return [NotRun(f"{grammar}: FENA - {title}, one pass", error) for title in KINDS.values()]
    rows = []
    for title, found in networks.items():
        for name in MEASURES:
            values = own(of, name)
            for regime in REGIMES:
                others = scores(found, regime, name)
                if regime == "one pass":
                    rows.append(_difference(grammar, f"{title}, {regime}", name, values, others))
                else:
                    rows.append(
                        Reported(
                            f"{grammar}, {name}: FENA - {title}, {regime}", paired(values, others)
                        )
                    )
                rows.append(Reported(f"{grammar}, {name}: {title}, {regime}", summarise(others)))
    return rows


def _difference(grammar, other, name, values, theirs):
    return Measured(
        f"{grammar}, {name}: FENA - {other}",
        paired(values, theirs),
        Threshold(MEASURES[name][1], 0),
    )


def own(of, name):
    return [MEASURES[name][0](run, "familiar") for run in of]


def scores(found, regime, name):
    """Accuracy or bits of a reference network on all scored tokens of "familiar", of each seed."""
    return [one[regime]["tests"]["familiar"]["all"][name] for one in found]


def ideal(grammar, of, name):
    """Accuracy or bits of the best possible model, on the tokens of each network."""
    observer = IdealObserver(GRAMMARS[grammar])
    return [getattr(observer, name)(run.events("familiar")["token"].to_numpy()) for run in of]


def figure(runs):
    """Wrong predictions and bits of tables, reference networks and FENA on each grammar, with those
    of the ideal observer.
    """
    with sheet():
        fig = new_figure(PAGE_WIDTH, 105)
        axes = fig.subplots(2, len(runs), sharex=True, sharey="row")
        for column, (grammar, of) in zip(axes.T, runs.items(), strict=True):
            drawn = _draw(column, grammar, of)
        axes[0, 0].set_ylabel("share of wrong predictions")
        axes[1, 0].set_ylabel("bits per token")
        axes[0, 0].set_yticks((0.02, 0.05, 0.1, 0.2, 0.5, 1), (".02", ".05", ".1", ".2", ".5", "1"))
        axes[1, 0].set_yticks((0.125, 0.25, 0.5, 1, 2, 4), (".125", ".25", ".5", "1", "2", "4"))
        for ax, text in zip(axes[0], "abc", strict=True):
            style.letter(ax, text)
        reference_legend(fig, drawn)
    return fig


def _draw(column, grammar, of):
    """Wrong predictions and bits; returns (name, regime) of the reference networks."""
    tables, part = [ngrams(run) for run in of], compared(of, grammar)
    try:
        found = reference_networks(part, grammar)
    except FenaError:  # without PyTorch
        found = {}
    # Where all are near the best, wrong predictions tell models apart.
    for ax, name, shown in zip(column, MEASURES, (lambda v: 1 - np.array(v), list), strict=True):
        draw_models(
            ax,
            {table: shown([t[name][table] for t in tables]) for table in tables[0].index},
            {
                (title, regime): shown(scores(networks, regime, name))
                for title, networks in found.items()
                for regime in REGIMES
            },
            shown(own(of, name)),
        )
        ax.axhline(
            np.median(shown(ideal(grammar, of, name))),
            color=BLACK,
            linewidth=0.7,
            linestyle=(0, (4, 2)),
            zorder=0,
            label="ideal observer",
        )
        ax.set_yscale("log")
        ax.yaxis.set_minor_formatter(NullFormatter())
    column[0].set_title(grammar)
    if grammar == "motifs":
        column[0].legend(loc="upper right")
    return [(title, regime) for title in found for regime in REGIMES]
