"""C23: what is lost of the headline figures when a part of the model is taken away."""

import attrs
import numpy as np
from networks import first_contact, trained, untrained

from fena_sim import INITIAL
from fena_sim.claims import Measured, Reported, Threshold
from fena_sim.measure import accuracy, bits, inside_motif, paired, settling_iterations, summarise
from fena_sim.plot import PAGE_WIDTH, colours, new_figure, sheet, style

ID = "C23"
CLAIM = (
    "Each part is needed: precision, feedback, the second level, the order of tokens, and learning."
)
DEFINITION = """models/fena.py with two hidden levels after one pass of the motif grammar (16,000 tokens, quick 1,500),
learning frozen. Figures: accuracy (share of 1,500 new tokens, quick 300, whose code is the nearest to the prediction);
bits per token on them; accuracy inside novel combinations (tokens after the first of a motif that was entered through a
pair of motifs that training never shows); median settling iterations per token. Controls, each with the same seed and
tokens. Clamped precision: the parameters lowest and highest of each level's precision are equal, so that what is sent
and what is learned from are one constant from the first token on, the geometric mean that the learned precision had
over training in networks of seeds 100 to 102. No feedback: the predictions of level 2 are silent (control signal
knocked_out) during training and tests; errors ascend to it all the same. As level 2 is the only one that level 1 hears
from, this should do what leaving level 2 out does. No feedback after training: they are silent in the tests of the
intact network alone. One level: trained with 64 units in one hidden level. Shuffled: trained on the same tokens one by
one in random order. Untrained. A control has to be less accurate than the intact network: the whole 95 % interval of
the median of the differences within seeds below 0. A part without which a figure stays the same does not make it."""

#: Geometric means of the precision over training, networks of seeds 100 to 102, levels 0 to 2.
LEARNED_MEANS = (7.14, 3.99, 4.02)
CLAMP = {
    f"level.{level}.{end}": value
    for level, value in enumerate(LEARNED_MEANS)
    for end in ("lowest", "highest")
}
SILENT = dict(knocked_out=2)
TESTS = ("familiar", "held_out")
INTACT = "intact"
FIGURES = {
    "accuracy": lambda run: accuracy(run, "familiar"),
    "bits per token": lambda run: bits(run, "familiar"),
    "accuracy inside novel combinations": lambda run: accuracy(
        run, "held_out", inside_motif(run.events("held_out"), novel=True)
    ),
    "settling iterations": lambda run: settling_iterations(run, "familiar"),
}


def experiments(seed, quick):
    intact = first_contact(seed, quick)
    return {
        INTACT: intact,
        "clamped precision": attrs.evolve(only(intact, "training", *TESTS), parameters=CLAMP),
        "no feedback": only(intact, "training", *TESTS, **SILENT),
        "no feedback after training": attrs.evolve(
            only(intact, *TESTS, start=INITIAL, **SILENT), start=(intact, "training")
        ),
        "one level": trained(seed, quick, "motifs", "1 level"),
        "shuffled": trained(seed, quick, "motifs", "2 levels", shuffled=True),
        "untrained": untrained(seed, quick),
    }


def only(experiment, *names, start=None, **controls):
    """Some blocks of an experiment with more controls, and if given another start."""
    blocks = [
        attrs.evolve(
            block, controls=block.controls | controls, start_from=start or block.start_from
        )
        for block in experiment.protocol.blocks
        if block.name in names
    ]
    protocol = attrs.evolve(
        experiment.protocol,
        name="controls",
        description="Motif grammar, with a part of the model taken away",
        blocks=blocks,
    )
    return attrs.evolve(experiment, protocol=protocol)


def measure(runs, quick):
    found = figures(runs)
    whole = found["accuracy"][INTACT]
    below = Threshold("<", 0, interval=True)
    measured = [
        Measured(f"accuracy, {name}, minus that of the intact network", paired(of, whole), below)
        for name, of in found["accuracy"].items()
        if name != INTACT
    ]
    return measured + [
        Reported(f"{quantity}, {name}", summarise(values))
        for quantity, of in found.items()
        for name, values in of.items()
    ]


def figures(runs):
    """{figure: {network: value of each seed}}"""
    return {
        quantity: {name: [value(run) for run in of] for name, of in runs.items()}
        for quantity, value in FIGURES.items()
    }


def figure(runs):
    """Every headline figure with each part taken away, one dot per network."""
    found = figures(runs)
    names = list(runs)
    with sheet():
        fig = new_figure(PAGE_WIDTH, 62)
        axes = fig.subplots(1, len(found), sharey=True)
        for ax, (quantity, of) in zip(axes, found.items(), strict=True):
            for y, name in enumerate(names):
                values = np.array(of[name])
                colour = colours.BLACK if name == INTACT else colours.VERMILLION
                spread = np.linspace(-0.2, 0.2, len(values))
                ax.plot(values, y + spread, "o", color=colour, markersize=2, alpha=0.6)
                ax.plot([np.median(values)] * 2, [y - 0.3, y + 0.3], color=colour, linewidth=1)
            ax.set_xlabel(quantity.replace("inside novel", "inside\nnovel"))
            if quantity == "bits per token":
                ax.set_xscale("log")
                ax.xaxis.set_major_formatter("{x:g}")
        axes[0].set_yticks(range(len(names)), names)
        axes[0].invert_yaxis()
        for ax, letter in zip(axes, "abcd", strict=True):
            style.letter(ax, letter)
    return fig
