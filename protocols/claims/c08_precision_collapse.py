"""C08: levels that lose their precision, and what keeps them from it."""

import numpy as np
from networks import short

from fena_sim.claims import Measured, Reported, Threshold
from fena_sim.measure import accuracy, collapsed_levels, precision_curve, share, summarise
from fena_sim.plot import PAGE_WIDTH, level_colour, new_figure, sheet
from fena_sim.show.style import letter

ID = "C08"
CLAIM = "Levels can lose their precision and stop learning; a floor cures it."
DEFINITION = """models/fena_flat_memory.py, one short pass of the motif grammar (6,000 tokens), then 800 new tokens with learning frozen.
d ln(Pi)/dt = log_determinant_weight - Pi*s/expected - kappa*ln(Pi/preferred), then lowest <= Pi <= highest. Untreated: the
log-determinant (log_determinant_weight = 0), the log-prior (kappa = 0) and the floor (lowest = 1e-9) all removed. Treated: the
model as it is, with all three. Each is also removed alone, and untreated networks get back a floor alone, of .1 (the
model's), 1 and 3. A hidden level has collapsed if its precision fell and ended below a tenth of what its error warrants,
Pi*s < .1 (fena_sim.measure.collapsed_levels, last 200 presented tokens, training block); a network, if any hidden level has.
Level 0 is left out of this count: it begins at 8, above its prior's 4, so that it falls in every network (that measure's own
caveat). Without log-determinant and log-prior precision can only fall, however little, so a second pair of rows asks for a
fall by half: any of the four levels with Pi(end) < Pi(begin)/2 and Pi*s < .1. Sensitivity: the share .1 replaced by .03 and
.3. Constants are the model's own; the floors of 1 and 3 and the criterion of one half were chosen on seed 100."""
FLOORS = (0.1, 1.0, 3.0)
REMOVED = dict(log_determinant_weight=0.0, kappa=0.0)
VARIANTS = {
    "treated (model as it is)": {},
    "log-determinant removed": dict(log_determinant_weight=0.0),
    "log-prior removed": dict(kappa=0.0),
    "floor removed": dict(lowest=1e-9),
    "untreated (all removed)": dict(lowest=1e-9, **REMOVED),
    **{f"untreated with a floor of {floor:g}": dict(lowest=floor, **REMOVED) for floor in FLOORS},
}
TREATED, UNTREATED = "treated (model as it is)", "untreated (all removed)"


def experiments(seed, quick):
    return {
        name: short(seed, quick, parameters=parameters, may_stop=True)
        for name, parameters in VARIANTS.items()
    }


def measure(runs, quick):
    def any_hidden(name, limit=0.1):
        return share([collapsed_hidden(run, limit).any() for run in runs[name] if run.finished])

    rows = [
        Measured(
            "untreated: share of networks with a collapsed hidden level",
            any_hidden(UNTREATED),
            Threshold(">=", 0.8),
        ),
        Measured(
            "treated: share of networks with a collapsed hidden level",
            any_hidden(TREATED),
            Threshold("<=", 0.05),
        ),
    ]
    rows += [
        Measured(
            f"{key.split()[0]}: share of networks in which a level, 0 included, lost half of its precision",
            share([halved(run).any() for run in runs[key] if run.finished]),
            threshold,
        )
        for key, threshold in ((UNTREATED, Threshold(">=", 0.8)), (TREATED, Threshold("<=", 0.05)))
    ]
    rows += [
        Measured(
            f"untreated with the model's floor of {FLOORS[0]:g} alone: share of networks with a collapsed hidden level",
            any_hidden(f"untreated with a floor of {FLOORS[0]:g}"),
            Threshold("<=", 0.05),
        )
    ]
    for limit in (0.03, 0.3):
        rows += [
            Reported(
                f"{name}: share with a collapsed hidden level, Pi*s < {limit:g}",
                any_hidden(key, limit),
            )
            for name, key in (("untreated", UNTREATED), ("treated", TREATED))
        ]
    for name, of in runs.items():
        finished = [run for run in of if run.finished]
        rows.append(
            Reported(
                f"{name}: share of networks that stay finite", share([run.finished for run in of])
            )
        )
        if finished:
            last = np.array([collapsed_levels(run)["last"] for run in finished])
            rows += [
                Reported(
                    f"{name}: next-token accuracy, frozen",
                    summarise([accuracy(run, "familiar") for run in finished]),
                ),
                Reported(
                    f"{name}: share of hidden levels collapsed",
                    summarise([collapsed_hidden(run).mean() for run in finished]),
                ),
                Reported(f"{name}: precision of level 0 at the end", summarise(last[:, 0])),
                Reported(
                    f"{name}: mean precision of the hidden levels at the end",
                    summarise(last[:, 1:].mean(axis=1)),
                ),
            ]
    return rows


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
    """Precision of every level while learning, treated and untreated, and the accuracy of every
    variant.
    """
    drawn = new_figure(PAGE_WIDTH, 62)
    with sheet():
        axes = drawn.subplots(1, 3, width_ratios=(1, 1, 1.3))
        for ax, name, text in zip(axes, (TREATED, UNTREATED), "ab"):
            curves = [precision_curve(run, bins=30) for run in runs[name] if run.finished]
            for level in range(4):
                for curve in curves:
                    ax.plot(
                        curve["tokens"] / 1000,
                        curve.sel(level=level),
                        color=level_colour(level),
                        linewidth=0.5,
                        alpha=0.6,
                    )
                ax.plot([], [], color=level_colour(level), label=f"level {level}")
            ax.set(
                yscale="log",
                ylim=(0.1, 12),
                xlabel="training tokens (thousands)",
                ylabel=f"precision, {name.split()[0]}",
            )
            letter(ax, text)
        axes[0].legend(loc="lower right")
        for place, (name, of) in enumerate(reversed(runs.items())):
            values = [accuracy(run, "familiar") for run in of if run.finished]
            axes[2].plot(
                values,
                [place] * len(values),
                "o",
                color=level_colour(0),
                alpha=0.5,
                markeredgewidth=0,
            )
            axes[2].plot(
                np.median(values) if values else [],
                [place] if values else [],
                "|",
                color="black",
                markersize=9,
            )
        axes[2].axvline(1 / 16, color="#8C8C8C", linewidth=0.7, linestyle=(0, (4, 2)))
        axes[2].set(
            yticks=range(len(runs)),
            yticklabels=list(runs)[::-1],
            xlim=(0, 1),
            xlabel="next-token accuracy (dashed: chance)",
        )
        letter(axes[2], "c")
    return drawn
