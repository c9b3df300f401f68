"""Training: settling iterations, squared error and learned precision of every level over tokens.

Of the block "training" or, where there is none, the first block that learns. FENA has no loss curve (claims C05 and C06). Each point is taken over a fortieth of the training
tokens, while the network learns: (a) median, (b) and (c) mean over tokens. The error of level 0 is
that at the token's onset, that of the other levels a mean over the presentation. Precision is the
weight of a level's errors, by the rule of the model (docs/model.md). Thin lines are networks, bold
lines their median; the band spans the quartiles over tokens.
"""

from fena_sim.measure import error_curve, precision_curve, settling_curve
from fena_sim.plot import PAGE_WIDTH, Needs, new_figure, panels, script, sheet, style

NEEDS = {
    "training": Needs(readouts=["onset_error", "error", "precision"], settling=True, learning=True)
}
COMMAND = "fena run protocols/first_contact.py --seeds 10"


def figure(runs, training):
    """Three panels at page width, from the first of the blocks `training`."""
    block = training[0]
    with sheet():
        fig = new_figure(PAGE_WIDTH, 58)
        axes = fig.subplots(1, 3)
        panels.settling(axes[0], [settling_curve(run, block) for run in runs])
        errors = [error_curve(run, block) for run in runs]
        panels.errors(axes[1], errors)
        panels.precision(axes[2], [precision_curve(run, block) for run in runs])
        panels.level_legend(fig, errors[0]["level"].to_numpy())
        for ax, text in zip(axes, "abc", strict=True):
            style.letter(ax, text)
    return fig


if __name__ == "__main__":
    script.main(figure, NEEDS, "training")
