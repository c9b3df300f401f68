"""C06: how far errors fall, and how far they can."""

import initial_precision
from networks import first_contact

from fena_sim.claims import Measured, Otherwise, Reported, Threshold
from fena_sim.measure import entropy_floor, error_curve, error_ratio, mean_errors, scored, summarise
from fena_sim.plot import PAGE_WIDTH, level_colour, new_figure, panels, sheet, style
from fena_sim.show.colours import GREY
from fena_sim.stimulus import MotifGrammar

ID = "C06"
CLAIM = "Errors fall about tenfold across the hierarchy."
DEFINITION = f"""models/fena.py. Error of a level, plasticity off: level 0 mean over units of e^2 on the first presentation step, hidden levels
mean of e^2 over units and presentation steps; meaned over tokens. Ratio = error of the untrained network (300 tokens, block
"untrained" of protocols/first_contact.py) / error after one pass of training (1,500 tokens, quick 300, block "familiar"). Floor
of level 0: squared error that the Bayes-optimal observer of the grammar expects on the tokens of "familiar" but the first
(fena_sim.measure.entropy_floor, one-hot codes of amplitude 1, same unit); reached if the network's error on these tokens is at
most 1.25 times it. Even prediction: 1/16 for every symbol, error 15/256; an untrained network, whose weights are random, is
worse than that. {initial_precision.SAYS} Each is divided by the error of the same trained network, which began at .3."""
LEAST, NEAR_FLOOR = 10, 1.25


def experiments(seed, quick):
    return {"network": first_contact(seed, quick), **initial_precision.untrained(seed, quick)}


def measure(runs, quick):
    of = runs["network"]
    ratios = [error_ratio(run).to_numpy() for run in of]
    floors = [floor(run) for run in of]
    above = summarise([sensory(run) / least for run, least in zip(of, floors, strict=True)])
    reached = Otherwise("error over the floor of the data", above, Threshold("<=", NEAR_FLOOR))
    rows = [
        Measured(
            f"error of level {level}, untrained / trained",
            summarise([ratio[level] for ratio in ratios]),
            Threshold(">=", LEAST),
            reached if level == 0 else None,
        )
        for level in range(len(ratios[0]))
    ]
    rows += [
        Reported("error of level 0, trained, over the floor of the data", above),
        Reported("floor of level 0", summarise(floors)),
        Reported(
            "error of level 0, even prediction / trained",
            summarise([even(run) / sensory(run) for run in of]),
        ),
    ]
    for block, name in (("untrained", "untrained"), ("familiar", "trained")):
        errors = [mean_errors(run, block).to_numpy() for run in of]
        rows += [
            Reported(f"error of level {level}, {name}", summarise([e[level] for e in errors]))
            for level in range(len(errors[0]))
        ]
    ratio = ratios_from(runs)
    for level in range(len(errors[0])):
        rows += initial_precision.reported(
            f"error of level {level} over that of the trained network",
            runs,
            lambda run, level=level: ratio(run)[level],
        )
    return rows


def ratios_from(runs):
    """The function of an untrained run that gives its errors divided by those of the trained network
    of its seed: shape (level,).
    """
    trained = {run.seed: mean_errors(run, "familiar").to_numpy() for run in runs["network"]}
    return lambda run: mean_errors(run, "untrained").to_numpy() / trained[run.seed]


def sensory(run, block="familiar"):
    """Mean squared onset error of level 0 over the tokens that can be predicted."""
    return float(mean_errors(run, block, scored(run.events(block))).sel(level=0))


def floor(run, block="familiar"):
    """The least error that any model can expect on these tokens."""
    return entropy_floor(MotifGrammar(), run.events(block)["token"].to_numpy()).error


def even(run):
    """Error of a prediction that gives every symbol the same probability."""
    codes = run.vocabulary.codes
    return float(((codes - codes.mean(axis=0)) ** 2).mean())


def figure(runs):
    """Errors of all levels over training, and the floor of level 0; how far errors fall, over the
    initial precision.
    """
    of = runs["network"]
    curves = [error_curve(run) for run in of]
    with sheet():
        fig = new_figure(PAGE_WIDTH, 66)
        ax, first = fig.subplots(1, 2)
        panels.errors(ax, curves)
        least = summarise([floor(run) for run in of]).median
        ax.axhline(least, color=level_colour(0), linewidth=0.8, linestyle=(0, (4, 2)), zorder=0)
        ax.annotate(
            "floor of level 0",
            (0.3, least),
            xycoords=ax.get_yaxis_transform(),
            xytext=(0, -2),
            textcoords="offset points",
            fontsize=6,
            va="top",
            color=level_colour(0),
        )
        levels = curves[0]["level"].to_numpy()
        initial_precision.draw(
            first, runs, ratios_from(runs), [level_colour(level) for level in levels], levels
        )
        first.axhline(LEAST, color=GREY, linewidth=0.7, linestyle=(0, (4, 2)), zorder=0)
        first.set_yscale("log")
        panels.number_log_axis(first)
        first.set_ylabel("squared error, untrained / trained")
        for axes, text in zip((ax, first), "ab", strict=True):
            style.letter(axes, text)
        panels.level_legend(fig, levels)
    return fig
