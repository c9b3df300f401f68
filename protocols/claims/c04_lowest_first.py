"""C04: which level learns first."""

import numpy as np
from networks import first_contact

from fena_sim.claims import Measured, Reported, Threshold
from fena_sim.measure import error_curve, halfway_token, share, summarise
from fena_sim.plot import COLUMN_WIDTH, level_colour, new_figure, panels, sheet

ID = "C04"
CLAIM = "Learning starts at the lowest level."
DEFINITION = """Training block of protocols/first_contact.py (one pass), error of every level in 40 bins of equal width: level 0
squared error at onset, hidden levels squared error over the presentation, per unit. Halfway token of a level = centre of the
first bin whose error is at or below sqrt(first bin * last bin) (fena_sim.measure.halfway_token); a level whose error does not
fall never gets there. Level 0 is first in a network if no other level's halfway token is smaller: ties count for level 0."""


def experiments(seed, quick):
    return {"network": first_contact(seed, quick)}


def measure(runs, quick):
    halfway = np.array([halfway_token(run).to_numpy() for run in runs["network"]])
    first = [lowest_first(tokens) for tokens in halfway]
    rows = [
        Measured(
            "share of networks in which level 0 is halfway first",
            share(first),
            Threshold(">=", 0.8),
        )
    ]
    for level, tokens in enumerate(halfway.T):
        reached = tokens[np.isfinite(tokens)]
        if len(reached):
            rows.append(
                Reported(
                    f"halfway token of level {level}",
                    summarise(reached),
                    note=f"error fell in {len(reached)} of {len(tokens)} networks",
                )
            )
    return rows


def lowest_first(halfway):
    """Whether level 0 got halfway, and no level before it: `halfway` (level,), NaN = never."""
    return bool(np.isfinite(halfway[0]) and halfway[0] <= np.nanmin(halfway))


def figure(runs):
    """Errors over training, with each level's median halfway token."""
    of = runs["network"]
    curves = [error_curve(run) for run in of]
    with sheet():
        fig = new_figure(COLUMN_WIDTH, 66)
        ax = fig.subplots()
        panels.errors(ax, curves)
        halfway = np.array([halfway_token(run).to_numpy() for run in of])
        for level, tokens in enumerate(halfway.T):
            if np.isfinite(tokens).any():
                place, height = np.nanmedian(tokens) / 1000, 0.03 + 0.04 * level
                ax.plot(
                    place,
                    height,
                    "^",
                    color=level_colour(level),
                    transform=ax.get_xaxis_transform(),
                )
        ax.text(
            np.nanmax(halfway) / 1000 + 0.03 * ax.get_xlim()[1],
            0.03,
            "halfway",
            transform=ax.get_xaxis_transform(),
            fontsize=6,
            va="center",
        )
        panels.level_legend(fig, curves[0]["level"].to_numpy())
    return fig
