"""C11: do the levels come to hold different things, from tokens below to context above?"""

from functools import cache

import numpy as np
from brian2 import ms
from networks import MODELS, first_contact

from fena_sim import INITIAL, Block, FixedPace, Protocol, open_run
from fena_sim.claims import Experiment, Measured, Reported, Threshold
from fena_sim.measure import (
    accuracy,
    autocorrelation_time,
    bits,
    decode,
    entropy_floor,
    paired,
    summarise,
    token_states,
    variance_explained,
)
from fena_sim.plot import PAGE_WIDTH, colours, new_figure, sheet, style
from fena_sim.stimulus import LONG_MOTIFS, MotifGrammar, TokenStream

ID = "C11"
CLAIM = "Levels specialise by themselves: tokens are held below, motifs and what came before them above."
DEFINITION = """States f(r_l) at the last step of each of the 1,500 test presentations of "familiar" (learning frozen), hidden
levels 1 to 3. Variance explained: cross-validated, ridge on one-hot labels (measure.variance_explained, alone), for token, motif
and previous motif. Decoding: cross-validated linear read-out of position, motif and previous motif (measure.decode).
Memory: lag at which the mean autocorrelation has fallen to 1/e (measure.autocorrelation_time), in tokens. The gradient
of a quantity is its value at level 3 minus that at level 1, one number per network; a threshold on a gradient asks for the
whole 95 % interval of its median, and the same network untrained (or trained on the same tokens in random order) is
subtracted in pairs. Depth: the same pass with 1, 2 and 3 hidden levels, and with one level of as many plastic weights
as three; and on a grammar of motifs of 8 tokens, where the class of the next motif depends on what was heard 8 to 16
tokens ago. Sensitivity: folds (5), guard (20 tokens) and penalty (1)."""

FACTORS = ("token", "motif", "previous_motif")
#: Hidden levels; `--quick` compares the first two on the short motifs.
DEPTHS = {
    "1 level": (64,),
    "3 levels": (64, 48, 32),
    "2 levels": (64, 48),
    "1 level, as many weights": (114,),
}
PACE = FixedPace(duration=48 * ms, blank=12 * ms)
FROZEN = dict(plasticity_gain=0.0)


def experiments(seed, quick):
    tokens, tests = (1500, 400) if quick else (16_000, 1500)
    grammar, long = MotifGrammar(), MotifGrammar(motifs=LONG_MOTIFS)
    learned = grammar.training(tokens, seed=1 + seed)
    order = np.random.default_rng([seed, 11]).permutation(tokens)
    symbols = [
        learned.vocabulary.symbols[token] for token in learned.events["token"].to_numpy()[order]
    ]
    found = {"trained": first_contact(seed, quick)}
    found["untrained"] = _experiment(
        seed, (64, 48, 32), "c11_untrained", None, grammar.training(tests, seed=10_000 + seed)
    )
    found["shuffled"] = _experiment(
        seed,
        (64, 48, 32),
        "c11_shuffled",
        TokenStream.from_list(symbols, grammar.vocabulary),
        grammar.training(tests, seed=10_000 + seed),
    )
    for name in _depths(quick):
        sizes = DEPTHS[name]
        found[name] = (
            found["trained"]
            if sizes == (64, 48, 32)
            else _experiment(
                seed, sizes, "c11_depth", learned, grammar.training(tests, seed=10_000 + seed)
            )
        )
        if not quick:
            found[f"{name}, long"] = _experiment(
                seed,
                sizes,
                "c11_long",
                long.training(tokens, seed=1 + seed),
                long.training(tests, seed=10_000 + seed),
            )
    return found


def _depths(quick):
    return list(DEPTHS)[:2] if quick else list(DEPTHS)


def _experiment(seed, sizes, name, learned, test):
    blocks = [
        Block(
            name="familiar",
            stream=test,
            pace=PACE,
            controls=FROZEN,
            start_from="training" if learned else INITIAL,
        )
    ]
    if learned:
        falling = 1 - 0.9 * np.arange(len(learned)) / len(learned)  # as in first_contact
        blocks.insert(
            0,
            Block(
                name="training", stream=learned, pace=PACE, controls=dict(plasticity_gain=falling)
            ),
        )
    protocol = Protocol(name=name, measured_signal="activity f(r) of state units", blocks=blocks)
    return Experiment(
        model=MODELS / "fena_flat_memory.py",
        protocol=protocol,
        seed=seed,
        options=dict(sizes=sizes),
    )


@cache
def _held(folder):
    """{quantity: value per hidden level} of the network in a run folder; for the rows and for the
    figure.
    """
    run = open_run(folder)
    events = run.events("familiar")
    states = [token_states(run, "familiar", level) for level in (1, 2, 3)]
    explained = [variance_explained(s, events, FACTORS)["alone"].to_numpy() for s in states]
    held = {
        f"variance explained by {factor}": np.array([e[k] for e in explained])
        for k, factor in enumerate(FACTORS)
    }
    for label in ("position", "motif", "previous_motif"):
        held[f"decoding of {label}"] = np.array(
            [decode(s, events[label].to_numpy()).accuracy for s in states]
        )
    held["memory (tokens)"] = np.array([autocorrelation_time(s) for s in states])
    return held


def _gradients(found, quantity):
    return [values[quantity][-1] - values[quantity][0] for values in found]


def measure(runs, quick):
    held = {
        name: [_held(run.folder) for run in runs[name]]
        for name in ("trained", "untrained", "shuffled")
    }
    rows = []
    for quantity, relation in (
        ("variance explained by token", "<"),
        ("variance explained by motif", ">"),
        ("variance explained by previous_motif", ">"),
        ("memory (tokens)", ">"),
    ):
        threshold = Threshold(relation, 0, interval=True)
        trained = _gradients(held["trained"], quantity)
        rows.append(Measured(f"{quantity}: level 3 minus level 1", summarise(trained), threshold))
        for control in ("untrained", "shuffled"):
            rows.append(
                Measured(
                    f"{quantity}: that gradient minus that of networks {control}",
                    paired(trained, _gradients(held[control], quantity)),
                    threshold,
                )
            )
    for quantity in held["trained"][0]:
        for level in (1, 2, 3):
            for name in held:
                rows.append(
                    Reported(
                        f"{quantity}, level {level}, {name}",
                        summarise([values[quantity][level - 1] for values in held[name]]),
                    )
                )
    for suffix, grammar in (
        ("", MotifGrammar()),
        *([] if quick else [(", long", MotifGrammar(motifs=LONG_MOTIFS))]),
    ):
        scores = {
            name: [accuracy(run, "familiar") for run in runs[name + suffix]]
            for name in _depths(quick)
        }
        ideal = [
            entropy_floor(grammar, run.events("familiar")["token"].to_numpy()).accuracy
            for run in runs["1 level" + suffix]
        ]
        rows.append(
            Measured(
                f"motifs{suffix}: accuracy with 3 levels minus 1 level",
                paired(scores["3 levels"], scores["1 level"]),
                Threshold(">", 0, interval=True),
            )
        )
        rows += [
            Reported(f"motifs{suffix}: accuracy, {name}", summarise(values))
            for name, values in scores.items()
        ]
        rows += [
            Reported(
                f"motifs{suffix}: bits per token, {name}",
                summarise([bits(run, "familiar") for run in runs[name + suffix]]),
            )
            for name in scores
        ]
        rows.append(Reported(f"motifs{suffix}: accuracy of the ideal observer", summarise(ideal)))
    return rows


def figure(runs):
    """What each level holds, trained, untrained and after tokens in random order; accuracy over
    depth.
    """
    held = {
        name: [_held(run.folder) for run in runs[name]]
        for name in ("trained", "untrained", "shuffled")
    }
    styles = {
        "trained": ("-", colours.BLACK),
        "untrained": (":", colours.GREY),
        "shuffled": ("--", colours.ORANGE),
    }
    with sheet():
        fig = new_figure(PAGE_WIDTH, 95)
        axes = fig.subplots(2, 4)
        for ax, quantity in zip(axes.flat, held["trained"][0]):
            for name, (line, colour) in styles.items():
                values = np.array([values[quantity] for values in held[name]])
                ax.plot((1, 2, 3), values.T, line, color=colour, alpha=0.25, linewidth=0.5)
                ax.plot(
                    (1, 2, 3),
                    np.median(values, axis=0),
                    line,
                    color=colour,
                    linewidth=1.5,
                    label=name,
                )
            ax.set(
                xticks=(1, 2, 3),
                xlabel="level",
                ylabel=quantity.replace("_", " ").replace("explained by", "explained\nby"),
            )
        axes[0, 0].legend(frameon=False)
        ax = axes[1, 3]
        order = sorted(
            (name for name in DEPTHS if name in runs),
            key=lambda name: (len(DEPTHS[name]), DEPTHS[name]),
        )
        for suffix, marker in (("", "o"), (", long", "s")):
            if order[0] + suffix not in runs:
                continue
            values = np.array(
                [[accuracy(run, "familiar") for run in runs[name + suffix]] for name in order]
            )
            ax.plot(
                range(len(order)),
                np.median(values, axis=1),
                marker=marker,
                color=colours.BLACK,
                markersize=3,
                label="motifs of 3 to 5" if not suffix else "motifs of 8",
                linestyle="-" if not suffix else "--",
            )
            ax.plot(range(len(order)), values, ".", color=colours.GREY, markersize=2)
        ax.set(ylabel="accuracy", xlabel="hidden units by level")
        ax.set_xticks(
            range(len(order)), ["-".join(map(str, DEPTHS[name])) for name in order], rotation=20
        )
        ax.legend(frameon=False)
        for ax, text in zip(axes.flat, "abcdefgh"):
            style.letter(ax, text)
    return fig
