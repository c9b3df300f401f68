"""C08: levels that lose their precision, and what keeps them from it."""

import numpy as np
from networks import short

from fena_sim.analyse.select import readout
from fena_sim.claims import Measured, Reported, Threshold
from fena_sim.measure import accuracy, collapsed_levels, precision_curve, share, summarise
from fena_sim.plot import PAGE_WIDTH, level_colour, new_figure, sheet
from fena_sim.show.style import letter

ID = "C08"
CLAIM = "Levels can lose their precision and stop learning; a floor cures it."
DEFINITION = """One short pass of the motif grammar (6,000 tokens), then 800 new tokens with learning frozen. The old rule is
that of models/fena_flat_memory.py, three hidden levels: d ln(Pi)/dt = log_determinant_weight - Pi*s/expected -
kappa*ln(Pi/preferred), then lowest <= Pi <= highest, with a level's mean squared error s. Untreated: the log-determinant
(log_determinant_weight = 0), the log-prior (kappa = 0) and the floor (lowest = 1e-9) all removed, so that precision can only
fall: a level is paid for muting its errors. The article's cure is a floor alone: untreated networks get back one of .1 (the
model's), 1 and 3. Treated: the model as it is, with all three terms. The new rule is precision by demand, models/fena.py, two
hidden levels: what the level below asks for moves the precision, and muting a level's own errors does not make that less. It is
also measured without its bounds (lowest = 1e-9, highest = 1e9), to tell whether these keep it up, and without its floor and the
prior of its trust (lowest = 1e-9, kappa = 0; its upper bound stays, without which the precision grows until states are no
longer finite). Lowest: the least precision of any hidden level over training. A hidden level has collapsed if its precision
fell and ended below a tenth of what its error warrants, Pi*s < .1 (fena_sim.measure.collapsed_levels, last 200 presented
tokens, training block); a network, if any hidden level has. Level 0 is left out of this count: it begins at 8, above its
prior's 4, so that it falls in every network (that measure's own caveat). Untreated precision can only fall, however little
(that of hidden levels by some 2 % in a pass: they do not mute themselves, they never gain the confidence that the others
learn), so a second set of rows asks for a fall by half: any level, 0 included, with Pi(end) < Pi(begin)/2 and Pi*s < .1.
Sensitivity: the share .1 replaced by .03 and .3. Constants are the models' own; the floors of 1 and 3 and the criterion of one
half were chosen on seed 100."""
FLOORS = (0.1, 1.0, 3.0)
OLD, NEW = dict(model="fena_flat_memory", levels=3), {}
REMOVED = dict(log_determinant_weight=0.0, kappa=0.0)
UNTREATED, TREATED, DEMAND = "old rule, untreated", "old rule, treated", "new rule"
FLOORED = [f"old rule, floor of {floor:g} alone" for floor in FLOORS]
#: Of every variant: the model, and its parameters.
VARIANTS = {
    UNTREATED: (OLD, dict(lowest=1e-9, **REMOVED)),
    **{name: (OLD, dict(lowest=low, **REMOVED)) for name, low in zip(FLOORED, FLOORS)},
    TREATED: (OLD, {}),
    DEMAND: (NEW, {}),
    "new rule, no bounds": (NEW, dict(lowest=1e-9, highest=1e9)),
    "new rule, no floor, no prior": (NEW, dict(lowest=1e-9, kappa=0.0)),
}


def experiments(seed, quick):
    return {
        name: short(seed, quick, parameters=parameters, may_stop=True, **model)
        for name, (model, parameters) in VARIANTS.items()
    }


def measure(runs, quick):
    ended = {name: [run for run in of if run.finished] for name, of in runs.items()}

    def any_hidden(name, limit=0.1):
        return share([collapsed_hidden(run, limit).any() for run in ended[name]])

    most, none = Threshold(">=", 0.8), Threshold("<=", 0.05)
    rows = [
        Measured(f"{name}: share of networks with a collapsed hidden level", any_hidden(name), bar)
        for name, bar in ((UNTREATED, most), (FLOORED[0], none), (TREATED, none), (DEMAND, none))
    ]
    rows += [
        Measured(
            f"{name}: share of networks in which a level, 0 included, lost half of its precision",
            share([halved(run).any() for run in ended[name]]),
            bar,
        )
        for name, bar in ((UNTREATED, most), (TREATED, none), (DEMAND, none))
    ]
    rows += [
        Reported(
            f"{name}: share with a collapsed hidden level, Pi*s < {limit:g}",
            any_hidden(name, limit),
        )
        for limit in (0.03, 0.3)
        for name in (UNTREATED, TREATED, DEMAND)
    ]
    rows += [
        Reported(
            f"{name}: share of networks in which a hidden level's precision reaches the floor",
            share([bool(hidden_precisions(run).min() <= 1.001 * floor) for run in ended[name]]),
        )
        for name, floor in zip(FLOORED, FLOORS)
    ]
    for name, of in ended.items():
        rows.append(
            Reported(
                f"{name}: share of networks that stay finite",
                share([run.finished for run in runs[name]]),
            )
        )
        if of:
            found = [collapsed_levels(run) for run in of]
            rows += [
                Reported(
                    f"{name}: next-token accuracy, frozen",
                    summarise([accuracy(run, "familiar") for run in of]),
                ),
                Reported(
                    f"{name}: share of hidden levels collapsed",
                    summarise([collapsed_hidden(run).mean() for run in of]),
                ),
                Reported(
                    f"{name}: lowest precision of a hidden level",
                    summarise([float(hidden_precisions(run).min()) for run in of]),
                ),
                *[
                    Reported(
                        f"{name}: precision of level {level} at the end",
                        summarise([float(one["last"][level]) for one in found]),
                    )
                    for level in found[0]["level"].to_numpy()
                ],
            ]
    return rows


def hidden_precisions(run):
    """Precision of the hidden levels at every token of training, (event, level)."""
    return readout(run, "training", "precision").to_numpy()[:, 1:]


def collapsed_hidden(run, limit=0.1):
    """Whether each hidden level has collapsed: bool, shape (level,)."""
    return collapsed_levels(run, share=limit)["collapsed"].to_numpy()[1:]


def halved(run, limit=0.1):
    """Whether each level, 0 included, lost half of its precision without error that warrants it:
    bool, shape (level,).
    """
    found = collapsed_levels(run)
    return ((found["last"] < found["first"] / 2) & (found["calibration"] < limit)).to_numpy()


def figure(runs):
    """Precision of every level while learning, by the untreated old rule, the treated one and the
    new rule, and the accuracy of every variant.
    """
    drawn = new_figure(PAGE_WIDTH, 92)
    with sheet():
        panels = drawn.subplot_mosaic("abc;ddd", height_ratios=(1, 0.9))
        for key, name in zip("abc", (UNTREATED, TREATED, DEMAND)):
            draw_precisions(panels[key], [run for run in runs[name] if run.finished])
            panels[key].set_title(name)
        panels["a"].set_ylabel("precision")
        panels["b"].legend(loc="lower right", ncols=2)
        draw_accuracies(panels["d"], runs)
        for key, ax in panels.items():
            letter(ax, key)
    return drawn


def draw_accuracies(ax, runs):
    """Accuracy of every network of every variant, and the medians."""
    for place, of in enumerate(reversed(runs.values())):
        values = [accuracy(run, "familiar") for run in of if run.finished]
        ax.plot(
            values,
            [place] * len(values),
            "o",
            color=level_colour(0),
            alpha=0.5,
            markeredgewidth=0,
            clip_on=False,
        )
        if values:
            ax.plot(np.median(values), place, "|", color="black", markersize=9)
    ax.axvline(1 / 16, color="#8C8C8C", linewidth=0.7, linestyle=(0, (4, 2)))
    ax.set(
        yticks=range(len(runs)),
        yticklabels=list(runs)[::-1],
        xlim=(0, 1),
        xlabel="next-token accuracy, frozen (dashed: chance)",
    )


def draw_precisions(ax, runs):
    """Precision of every level of every network over training."""
    curves = [precision_curve(run, bins=30) for run in runs]
    levels = curves[0]["level"].to_numpy() if curves else []
    for level in levels:
        colour = level_colour(level)
        for curve in curves:
            values = curve.sel(level=level)
            ax.plot(curve["tokens"] / 1000, values, color=colour, linewidth=0.5, alpha=0.6)
        ax.plot([], [], color=colour, label=f"level {level}")
    ax.set(xlabel="training tokens (thousands)", yscale="log", ylim=(0.1, 30))
