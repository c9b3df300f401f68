"""The settling dashboard shows learning without a loss curve, from stored runs (claim C19).

Over the block "training" or, where there is none, the first block that learns: (a) settling iterations per token, (b) squared error and (c) learned precision of
every level, and (d) the free energy at the beginning and at the end of presentations. (e, f)
show the error of every level within a presentation, averaged over tokens, in the first two blocks
with plasticity off in which errors were recorded, if there are any. Thin lines are networks, bold lines their
median; the band in (a) spans the quartiles over tokens. Precision is the weight of a level's errors,
by the rule of the model (docs/model.md). It is taken at the end of the presentation, also for the
free energy (see `fena_sim.measure.free_energy`).
"""

from fena_sim.measure import (
    energy_curve,
    error_course,
    error_curve,
    precision_curve,
    settling_curve,
)
from fena_sim.plot import PAGE_WIDTH, Needs, new_figure, panels, script, sheet, style

LEVELS = ["onset_error", "error", "settled_error", "precision"]
NEEDS = {
    "training": Needs(readouts=LEVELS, settling=True, learning=True),
    "traced": Needs(samples=["error_*.error"], learning=False),
}
COMMAND = "fena run protocols/first_contact.py --seeds 10"
TITLES = {"traces_before": "before training", "traces_after": "after training"}


def figure(runs, training, traced=()):
    """Panels in two rows at page width, from the first block that learns and, if there are any, the
    first two blocks with recorded errors.
    """
    block, traced = training[0], traced[:2]
    with sheet():
        fig = new_figure(PAGE_WIDTH, 108)
        axes = fig.subplots(2, 3 if traced else 2).ravel()
        panels.settling(axes[0], [settling_curve(run, block) for run in runs])
        errors = [error_curve(run, block) for run in runs]
        panels.errors(axes[1], errors)
        panels.precision(axes[2], [precision_curve(run, block) for run in runs])
        panels.energy(axes[3], [energy_curve(run, block) for run in runs])
        for ax, of in zip(axes[4:], traced, strict=False):
            panels.course(ax, [error_course(run, of) for run in runs])
            ax.set_title(TITLES.get(of, of).replace("$", r"\$"))
        if len(traced) == 2:
            axes[5].sharey(axes[4])
            axes[5].set_ylabel("")
        for ax in axes[4 + len(traced) :]:
            ax.remove()
        panels.level_legend(fig, errors[0]["level"].to_numpy())
        for ax, text in zip(axes[: 4 + len(traced)], "abcdef", strict=False):
            style.letter(ax, text)
    return fig


if __name__ == "__main__":
    script.main(figure, NEEDS, "settling_dashboard")
