"""C13: is it a good model of its data, beside tables and networks of equal size that learn by
backpropagation?
"""

import numpy as np
from comparisons import KINDS, ngrams, reference_networks
from matplotlib.ticker import NullFormatter
from networks import first_contact

from fena_sim import FenaError
from fena_sim.claims import Measured, NotRun, Reported, Threshold
from fena_sim.measure import accuracy, bits, entropy_floor, paired, summarise
from fena_sim.plot import PAGE_WIDTH, new_figure, sheet, style
from fena_sim.show.colours import BLACK, GREY, SKY, VERMILLION
from fena_sim.stimulus import MotifGrammar
from fena_sim.study.claims.references import REGIMES

ID = "C13"
CLAIM = "In one pass it models its data as well as n-gram tables and networks of equal size trained by backpropagation."
DEFINITION = """After one pass of protocols/first_contact.py (16,000 tokens; quick 1,500), plasticity off, 1,500 test tokens
(quick 300; block "familiar") but the first. Accuracy = share of tokens that were the most probable one; bits = mean of -log2 of
the probability that the network gave to the token before it arrived. n-gram: interpolated tables of 1 to 5 tokens counted on
the same training tokens; the best of the five on the test tokens of each network counts. Elman network, GRU and transformer: as
many trainable numbers as FENA has synaptic weights (within 5 %), same training and test tokens, hyperparameters chosen on
streams of their own (fena_sim.study.claims.references); "one pass" learns every token once, "converged" goes on until a validation
stream gets no better. Differences are FENA minus the other within each seed. Floor: what the Bayes-optimal observer expects."""
MEASURES = {"accuracy": (accuracy, ">="), "bits": (bits, "<=")}


def experiments(seed, quick):
    return {"network": first_contact(seed, quick)}


def measure(runs, quick):
    of = runs["network"]
    own = {
        name: [function(run, "familiar") for run in of] for name, (function, _) in MEASURES.items()
    }
    tables = [ngrams(run) for run in of]
    rows = [Reported(f"FENA: {name}", summarise(values)) for name, values in own.items()]
    for name, best in (("accuracy", max), ("bits", min)):
        rows += [
            _difference(
                "best n-gram table", name, own[name], [best(table[name]) for table in tables]
            )
        ]
        rows += [
            Reported(f"{table}: {name}", summarise([t[name][table] for t in tables]))
            for table in tables[0].index
        ]
        rows += [Reported(f"floor: {name}", summarise([getattr(floor(run), name) for run in of]))]
    for kind, title in KINDS.items():
        try:
            found = reference_networks(kind, of)
        except FenaError as error:
            rows.append(NotRun(f"FENA - {title}, one pass", error))
            continue
        for name in MEASURES:
            others = {regime: scores(found, regime, name) for regime in REGIMES}
            rows.append(_difference(f"{title}, one pass", name, own[name], others["one pass"]))
            rows.append(
                Reported(
                    f"{name}: FENA - {title}, converged", paired(own[name], others["converged"])
                )
            )
            rows += [
                Reported(f"{title}, {regime}: {name}", summarise(values))
                for regime, values in others.items()
            ]
    return rows


def _difference(other, name, own, theirs):
    return Measured(f"{name}: FENA - {other}", paired(own, theirs), Threshold(MEASURES[name][1], 0))


def scores(found, regime, name):
    """Accuracy or bits of a reference network on all scored tokens of "familiar", of each seed."""
    return [one[regime]["tests"]["familiar"]["all"][name] for one in found]


def floor(run):
    return entropy_floor(MotifGrammar(), run.events("familiar")["token"].to_numpy())


def figure(runs):
    """Wrong predictions and bits of tables, reference networks and FENA, with the least that any
    model can expect.
    """
    of = runs["network"]
    tables = [ngrams(run) for run in of]
    found = {}
    for kind, title in KINDS.items():
        try:
            found[title] = reference_networks(kind, of)
        except FenaError:  # without PyTorch
            break
    with sheet():
        fig = new_figure(PAGE_WIDTH, 70)
        axes = fig.subplots(1, 2)
        for ax, (name, (function, _)) in zip(axes, MEASURES.items(), strict=True):
            entries = {table: ([t[name][table] for t in tables], GREY) for table in tables[0].index}
            entries |= {
                f"{title}, {regime}": (scores(networks, regime, name), SKY)
                for regime in REGIMES
                for title, networks in found.items()
            }
            entries["FENA, one pass"] = ([function(run, "familiar") for run in of], VERMILLION)
            least = np.median([getattr(floor(run), name) for run in of])
            if name == "accuracy":  # where all are near the best, wrong predictions tell them apart
                entries = {
                    entry: (1 - np.array(values), colour)
                    for entry, (values, colour) in entries.items()
                }
                least = 1 - least
            _column(ax, entries)
            ax.axhline(least, color=BLACK, linewidth=0.7, linestyle=(0, (4, 2)), zorder=0)
            ax.text(
                1.01, least, "floor", transform=ax.get_yaxis_transform(), fontsize=6, va="center"
            )
            ax.set_yscale("log")
            ax.yaxis.set_minor_formatter(NullFormatter())
            ax.set_ylabel("bits per token" if name == "bits" else "share of wrong predictions")
        axes[0].set_yticks((0.05, 0.1, 0.2, 0.5, 1), (".05", ".1", ".2", ".5", "1"))
        axes[1].set_yticks((0.25, 0.5, 1, 2, 4), (".25", ".5", "1", "2", "4"))
        for ax, text in zip(axes, "ab", strict=True):
            style.letter(ax, text)
    return fig


def _column(ax, entries):
    """One dot per network and a line at the median for every entry {name: (values, colour)}."""
    for x, (values, colour) in enumerate(entries.values()):
        ax.plot(
            x + np.linspace(-0.15, 0.15, len(values)),
            values,
            "o",
            color=colour,
            markersize=2,
            markeredgewidth=0,
            alpha=0.8,
        )
        ax.plot([x - 0.3, x + 0.3], [np.median(values)] * 2, color=BLACK, linewidth=0.9)
    ax.set_xticks(range(len(entries)), entries, rotation=40, ha="right", rotation_mode="anchor")
    ax.tick_params(axis="x", length=0)
    ax.set_xlim(-0.6, len(entries) - 0.4)
