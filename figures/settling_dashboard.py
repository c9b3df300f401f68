"""The settling dashboard shows learning without a loss curve, from stored runs (claim C19).

Over training: (a) settling iterations per token, (b) squared error and (c) learned precision of
every level, and (d) the free energy at the beginning and at the end of presentations. If single
tokens were recorded before and after training, (e, f) show the error of every level within a
presentation, averaged over tokens, with plasticity off. Thin lines are networks, bold lines their
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
from fena_sim.plot import PAGE_WIDTH, new_figure, panels, script, sheet, style

BLOCKS = ("training",)
COMMAND = "fena run protocols/first_contact.py --seeds 10"
#: Drawn if the runs have both.
OPTIONAL = ("traces_before", "traces_after")
TITLES = ("before training", "after training")


def figure(runs):
    """Panels in two rows at page width, from the block "training" and, if there are any, traces of
    single tokens.
    """
    traced = all(set(OPTIONAL) <= set(run.blocks) for run in runs)
    with sheet():
        fig = new_figure(PAGE_WIDTH, 108)
        axes = fig.subplots(2, 3 if traced else 2).ravel()
        panels.settling(axes[0], [settling_curve(run) for run in runs])
        errors = [error_curve(run) for run in runs]
        panels.errors(axes[1], errors)
        panels.precision(axes[2], [precision_curve(run) for run in runs])
        panels.energy(axes[3], [energy_curve(run) for run in runs])
        if traced:
            axes[5].sharey(axes[4])
            for ax, block, title in zip(axes[4:], OPTIONAL, TITLES, strict=True):
                panels.course(ax, [error_course(run, block) for run in runs])
                ax.set_title(title)
            axes[5].set_ylabel("")
        panels.level_legend(fig, errors[0]["level"].to_numpy())
        for ax, text in zip(axes, "abcdef", strict=False):
            style.letter(ax, text)
    return fig


if __name__ == "__main__":
    script.main(figure, BLOCKS, "settling_dashboard")
