"""What C12, C13 and C24 compare FENA with: networks trained by backpropagation, and n-gram tables, on
the tokens of the same networks.
"""

import numpy as np
from matplotlib.lines import Line2D
from networks import ARCHITECTURES, GRAMMARS, MODELS, trained

from fena_sim import load_model
from fena_sim.declare.model.equations import identifiers
from fena_sim.measure import ngram_table
from fena_sim.show.colours import BLACK, BLUE, GREEN, GREY, PURPLE, SKY, VERMILLION
from fena_sim.study.claims.compare import compare
from fena_sim.study.claims.references import TUNING_STREAMS, grammar_data

#: Reference networks: name of fena_sim.study.claims.references, and how they are called.
KINDS = {"elman": "Elman", "gru": "GRU", "lstm": "LSTM", "transformer": "transformer"}
COLOURS = {"Elman": SKY, "GRU": GREEN, "LSTM": BLUE, "transformer": PURPLE}
MARKERS = {"one pass": "o", "converged": "s"}
#: The hierarchy that reads a grammar.
HIERARCHIES = {"motifs": "2 levels", "long motifs": "2 levels", "nested": "3 levels"}
#: Tokens that a transformer reads again before every piece: four motifs, or four phrases.
CONTEXTS = {"motifs": 16, "long motifs": 32, "nested": 48}
#: Tokens of a pass; in a shorter one (--quick) the references take hyperparameters that nobody chose.
PASS = 16_000
#: Where seeds are many and training by backpropagation long, every fourth network has references.
EVERY = 4
#: What `references` found for these runs; the figure of a claim asks again.
_FOUND: dict[tuple, dict] = {}


def hierarchy(seed, quick, grammar):
    """The network of HIERARCHIES after one pass over the grammar."""
    return trained(seed, quick, grammar, HIERARCHIES[grammar])


def compared(runs, grammar="motifs"):
    """The networks beside which references are trained: all that read the motif grammar in a whole
    pass, else those whose seed EVERY divides.
    """
    if grammar == "motifs" and not is_short(runs[0]):
        return runs
    return [run for run in runs if run.seed % EVERY == 0]


def is_short(run):
    return len(run.events("training")) < PASS


def reference_networks(runs, grammar):
    """{name of the kind: [`reference_scores` on the tokens of each run]}.

    Raises FenaError if PyTorch is not installed.
    """
    tokens, tests = len(runs[0].events("training")), len(runs[0].events("familiar"))
    data = [
        grammar_data(GRAMMARS[grammar], run.seed, tokens, tests, 1, CONTEXTS[grammar])
        for run in runs
    ]
    return references(runs, data, weights(grammar), is_short(runs[0]), grammar == "motifs")


def references(runs, data, parameters, short, motifs=False):
    """{name of the kind: [`reference_scores` on the Data of each run]}, with so many parameters; kept
    in the folder "references" beside the runs.

    Hyperparameters are chosen on the motif grammar; on other data, the learning rate anew. `short`:
    none is chosen.
    """
    key = (*(run.id for run in runs), parameters)
    if key in _FOUND:
        return _FOUND[key]
    motif_data = grammar_data(GRAMMARS["motifs"], 0, PASS, 1, TUNING_STREAMS, CONTEXTS["motifs"])
    chosen_on = [(motif_data, weights("motifs"))]
    if not motifs:
        chosen_on.append((data[0], parameters))
    folder, seeds = runs[0].folder.parent / "references", [run.seed for run in runs]
    found = compare(data, seeds, parameters, folder, [] if short else chosen_on)
    _FOUND[key] = {KINDS[kind]: scores for kind, scores in found.items()}
    return _FOUND[key]


def weights(grammar):
    """Synaptic weights of the hierarchy that reads the grammar."""
    model, sizes = ARCHITECTURES[HIERARCHIES[grammar]]
    symbols = len(GRAMMARS[grammar].vocabulary)
    return synaptic_weights(load_model(MODELS / f"{model}.py", symbols, sizes=sizes))


def synaptic_weights(model):
    """Plastic weights of all-to-all projections; what a rule keeps for itself (`spent`) is none."""
    total = 0
    for p in model.projections:
        if p.plasticity is not None:
            names = {e.varname for e in p.plasticity.clock_driven} & identifiers(p.equations)
            total += len(names) * model.population(p.source).size * model.population(p.target).size
    return total


def ngrams(run, block="familiar", mask=None, training="training"):
    """`ngram_table` counted on the run's training tokens, scored on those of a block."""
    trained, tested = (run.events(name)["token"].to_numpy() for name in (training, block))
    return ngram_table(trained, tested, len(run.vocabulary), mask)


def best(tables, name):
    """Accuracy or bits of the best n-gram table of each network."""
    return [(max if name == "accuracy" else min)(table[name]) for table in tables]


def marker(x, y, name, regime, **options):
    """Line2D of a reference network: hollow circles for one pass, squares for the converged one."""
    return Line2D(
        x,
        y,
        **dict(linestyle="", marker=MARKERS[regime], color=COLOURS[name], markersize=3)
        | dict(markeredgewidth=0.7, zorder=3)
        | (dict(markerfacecolor="white") if regime == "one pass" else {})
        | options,
    )


def draw_models(ax, tables, references, own):
    """One column for each n-gram table {name: values}, for each reference network {(name, regime):
    values}, and for FENA: a mark per network, and a line at the median.
    """
    columns = [*tables, *dict.fromkeys(name for name, _ in references), "FENA"]
    for name, values in {**tables, "FENA": own}.items():
        x, colour = columns.index(name), VERMILLION if name == "FENA" else GREY
        at = x + _spread(len(values), 0.15)
        ax.plot(at, values, "o", color=colour, markersize=2, markeredgewidth=0, alpha=0.8)
        _median(ax, x, values)
    for (name, regime), values in references.items():
        x = columns.index(name) + (-0.2 if regime == "one pass" else 0.2)
        at = x + _spread(len(values), 0.1)
        ax.add_line(marker(at, values, name, regime, markersize=2.5, markeredgewidth=0.5))
        _median(ax, x, values, 0.15)
    ax.autoscale_view()
    ax.set_xticks(range(len(columns)), columns, rotation=40, ha="right", rotation_mode="anchor")
    ax.tick_params(axis="x", length=0)
    ax.set_xlim(-0.6, len(columns) - 0.4)


def _spread(n, width):
    return np.linspace(-width, width, n) if n > 1 else np.zeros(n)


def _median(ax, x, values, width=0.3):
    ax.plot([x - width, x + width], [np.median(values)] * 2, color=BLACK, linewidth=0.9, zorder=1)


def reference_legend(fig, references, *more):
    """Below the figure: handles `more`, then the reference networks (name, regime)."""
    handles = [
        *more,
        *(marker([], [], name, regime, label=f"{name}, {regime}") for name, regime in references),
    ]
    if not handles:
        return
    ncols = max(2, (len(handles) + 1) // 2)
    fig.legend(handles=handles, loc="outside lower center", ncols=ncols, handletextpad=0.2)
