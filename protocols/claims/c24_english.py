"""C24: English, character by character: does it go on learning, and how good is it beside tables
and networks that learn by backpropagation?
"""

from functools import cache
from itertools import pairwise

import numpy as np
from comparisons import (
    EVERY,
    KINDS,
    draw_models,
    reference_legend,
    references,
    synaptic_weights,
)
from matplotlib.ticker import NullFormatter, NullLocator
from networks import FROZEN, MODELS, PACE
from texts import PASS, TEST, TEXTS, TRAINING, parts

from fena_sim import INITIAL, Block, FenaError, Protocol, load_model
from fena_sim.claims import Experiment, Measured, NotRun, Reported, Threshold, once
from fena_sim.measure import accuracy, bits, ngram_table, paired, share, summarise
from fena_sim.plot import PAGE_WIDTH, new_figure, sheet, style
from fena_sim.show.colours import BLACK, BLUE, GREY, VERMILLION
from fena_sim.study.claims.references import REGIMES, VALIDATION, Data

ID = "C24"
CLAIM = "It reads English without losing stability, the better the more it has read, and better than a trigram table."
DEFINITION = """models/fena.py with 2 hidden levels as it is, on characters folded to 29 (a-z, space, full stop, comma). Two texts that
come with every Python, under its licence: the documentation of the language (pydoc_data.topics), and the docstrings of the
standard library (of the module files directly in its folder, in the order of their names, without doctests). One pass in order over
the first 20,000 characters (quick 1,500), with constant plasticity. After them, and in the documentation also after the first
12,500, plasticity off: 3,000 characters (quick 300), the same each time, which follow the first 100,000 of the text. Every fourth
network (seeds that 4 divides; not if quick) then reads the documentation on to 25,000, 50,000 and 100,000 characters, with the
same test. Stable: every state of every network stays finite. Bits = mean of -log2 of the probability that the network gave to the
character before it arrived, all but the first. Change at a doubling: bits after it minus bits before it; each of 25,000, 50,000 and
100,000 against half as many, the largest change of a network counts, so that it is negative only if bits fall every time. Tables:
interpolated n-grams of 1 to 5 characters, counted on the same training characters. Elman network, GRU, LSTM and transformer: as in
C13, beside every fourth network, after 20,000 characters; their learning rate is chosen, and their passes stop, on later parts
of the same text, the other hyperparameters are those of the motif grammar; a transformer sees 64 characters before every piece.
All networks of a text read the same characters; they differ in their initial weights. Differences are FENA minus the other."""
#: Test after so many characters of training, in networks that all read the documentation, and in
#: those that read on.
EARLY, LATE = 12_500, (25_000, 50_000, 100_000)
QUICK_PASS, QUICK_TEST = 1500, 300
CONTEXT = 64


def experiments(seed, quick):
    found = {
        "documentation": reader(seed, "documentation", (QUICK_PASS,) if quick else (EARLY, PASS)),
        "docstrings": reader(seed, "docstrings", (QUICK_PASS if quick else PASS,)),
    }
    if seed % EVERY == 0 and not quick:
        start = (found["documentation"], training(PASS))
        found["further"] = reader(seed, "documentation", LATE, start)
    return found


def reader(seed, text, checkpoints, start=None):
    """A network that reads a text up to each of `checkpoints` in characters, from its beginning or
    from `start` at PASS, and is tested there.
    """
    learned, tested, *_ = parts(TEXTS[text]())
    blocks, read = [], 0 if start is None else PASS
    tests = tested[:QUICK_TEST] if checkpoints == (QUICK_PASS,) else tested
    for k, end in enumerate(checkpoints):
        origin = training(checkpoints[k - 1]) if k else None if start else INITIAL
        stream = learned[read:end]
        blocks += [
            Block(name=training(end), stream=stream, pace=PACE, start_from=origin),
            Block(
                name=test(end), stream=tests, pace=PACE, controls=FROZEN, start_from=training(end)
            ),
        ]
        read = end
    protocol = Protocol(
        name=f"english_{text}",
        measured_signal="mean square of error_l: population activity of error units",
        blocks=blocks,
    )
    return Experiment(
        model=MODELS / "fena.py", protocol=protocol, seed=seed, start=start, may_stop=True
    )


def training(characters):
    return f"to_{characters}"


def test(characters):
    return f"after_{characters}"


def measure(runs, quick):
    every = [run for of in runs.values() for run in of]
    rows = [
        Measured(
            "share of runs that stay finite",
            share([run.finished for run in every]),
            Threshold(">=", 1),
        )
    ]
    for text in TEXTS:
        of = finished(runs[text])
        if of:
            rows += _against_tables(text, of, last(of[0]))
            rows += _against_references(text, of)
    further = finished(runs.get("further", []))
    return rows + (_curve(runs, further) if further else [])


def finished(of):
    return [run for run in of if run.finished]


def last(run):
    """Characters after which a network was tested last."""
    return int(run.blocks[-1].removeprefix(test("")))


@cache
def tables_of(text, characters, tests=TEST):
    """`ngram_table` of so many characters of a text, on so many of its test."""
    learned, tested, *_ = parts(TEXTS[text]())
    ids = (stream.events["token"].to_numpy() for stream in (learned[:characters], tested[:tests]))
    return ngram_table(*ids, len(learned.vocabulary))


def _against_tables(text, of, characters):
    table = tables_of(text, characters, len(of[0].events(test(characters))))
    own = [bits(run, test(characters)) for run in of]
    rows = [
        _below_trigram(text, characters, own, table),
        Reported(f"{text}, {characters:,}: bits", summarise(own)),
        Reported(
            f"{text}, {characters:,}: accuracy",
            summarise([accuracy(run, test(characters)) for run in of]),
        ),
    ]
    return rows + [
        Reported(f"{text}, {characters:,}: {name}: {quantity}", once(table[quantity][name]))
        for quantity in ("bits", "accuracy")
        for name in table.index
    ]


def _below_trigram(text, characters, own, table):
    trigram = np.full(len(own), table["bits"]["trigram"])
    return Measured(
        f"{text}, {characters:,}: bits, FENA - trigram table",
        paired(own, trigram),
        Threshold("<", 0),
    )


def _against_references(text, of):
    part = [run for run in of if run.seed % EVERY == 0]
    if not part:
        return []
    try:
        networks = reference_networks(text, part)
    except FenaError as error:
        return [NotRun(f"{text}: FENA - {title}", error) for title in KINDS.values()]
    characters, rows = last(of[0]), []
    for title, found in networks.items():
        own = [bits(run, test(characters)) for run in part]
        for regime in REGIMES:
            theirs = [one[regime]["tests"]["test"]["all"]["bits"] for one in found]
            named = f"{title}, {regime}"
            rows += [
                Reported(f"{text}, {characters:,}: bits, FENA - {named}", paired(own, theirs)),
                Reported(f"{text}, {characters:,}: {named}: bits", summarise(theirs)),
            ]
    return rows


def reference_networks(text, of):
    """`comparisons.references` on the text that the networks read."""
    learned, tested, validation, tuning, tuning_validation = parts(TEXTS[text]())
    characters = last(of[0])
    data = Data(
        training=learned[:characters],
        validation=validation[: round(VALIDATION * characters)],
        tests={"test": tested[: len(of[0].events(test(characters)))]},
        tuning=[(tuning, tuning_validation)],
        context=CONTEXT,
    )
    weights = synaptic_weights(load_model(MODELS / "fena.py", len(learned.vocabulary)))
    return references(of, [data] * len(of), weights, short=characters < PASS)


def curve(runs, further):
    """{characters: bits of every network} that read on; their first part is a run of its own."""
    first = {run.seed: run for run in runs["documentation"]}
    found = {n: [bits(first[run.seed], test(n)) for run in further] for n in (EARLY, PASS)}
    return found | {n: [bits(run, test(n)) for run in further] for n in LATE}


def _curve(runs, further):
    found = curve(runs, further)
    changes = [np.subtract(found[n], found[before]) for before, n in pairwise((EARLY, *LATE))]
    rows = [
        Measured(
            "documentation: largest change of bits at a doubling, 12,500 to 100,000",
            summarise(np.max(changes, axis=0)),
            Threshold("<", 0),
        ),
        _below_trigram(
            "documentation", TRAINING, found[TRAINING], tables_of("documentation", TRAINING)
        ),
    ]
    for n in (EARLY, *LATE):
        rows.append(
            Reported(f"documentation, {n:,}, networks that read on: bits", summarise(found[n]))
        )
        rows += [
            Reported(f"documentation, {n:,}: {name}: bits", once(value))
            for name, value in tables_of("documentation", n)["bits"].items()
            if name in ("bigram", "trigram")
        ]
    return rows


def figure(runs):
    """Bits on both texts beside tables and reference networks, and over training beside tables."""
    further = finished(runs.get("further", []))
    with sheet():
        fig = new_figure(PAGE_WIDTH, 78)
        axes = fig.subplots(1, 3 if further else 2, sharey=True)
        for ax, text in zip(axes, TEXTS, strict=False):
            drawn = _draw_text(ax, text, finished(runs[text]))
        if further:
            _draw_curve(axes[2], curve(runs, further))
        axes[0].set_ylabel("bits per character")
        for ax, letter in zip(axes, "abc", strict=False):
            style.letter(ax, letter)
        reference_legend(fig, drawn)
    return fig


def _draw_text(ax, text, of):
    """Bits of one text; returns (name, regime) of the reference networks."""
    characters = last(of[0])
    table = tables_of(text, characters, len(of[0].events(test(characters))))["bits"]
    part = [run for run in of if run.seed % EVERY == 0]
    try:
        found = {
            (title, regime): [one[regime]["tests"]["test"]["all"]["bits"] for one in networks]
            for title, networks in reference_networks(text, part).items()
            for regime in REGIMES
        }
    except FenaError:  # without PyTorch
        found = {}
    own = [bits(run, test(characters)) for run in of]
    draw_models(ax, {name: [value] for name, value in table.items()}, found, own)
    ax.set_title(f"{text}, {characters:,} characters")
    return list(found)


def _draw_curve(ax, found):
    counts = list(found)
    for values in zip(*found.values(), strict=True):
        ax.plot(counts, values, color=VERMILLION, linewidth=0.6, alpha=0.6)
    ax.plot(counts, [np.median(v) for v in found.values()], color=VERMILLION, linewidth=1.4)
    tables = {n: tables_of("documentation", n)["bits"] for n in counts}
    for name, colour in (("bigram", GREY), ("trigram", BLACK), ("5-gram", BLUE)):
        ax.plot(counts, [t[name] for t in tables.values()], color=colour, linestyle=(0, (4, 2)))
        ax.text(counts[-1] * 1.05, tables[counts[-1]][name], name, fontsize=6, va="center")
    ax.text(counts[-1] * 1.05, np.median(found[counts[-1]]), "FENA", fontsize=6, va="center")
    ax.set_xscale("log")
    ticks = (EARLY, *LATE)
    ax.set_xticks(ticks, [f"{n / 1000:g}" for n in ticks])
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_xlabel("characters read (thousands)")
    ax.set_title("documentation, networks that read on")
