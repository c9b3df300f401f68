"""C03: before it has learned anything, the hierarchy finds no rest."""

import initial_precision
import numpy as np
from networks import first_contact

from fena_sim.claims import Measured, Reported, Threshold
from fena_sim.measure import presented, settling_iterations, share_at_cap, summarise
from fena_sim.plot import PAGE_WIDTH, level_colour, new_figure, sheet, style
from fena_sim.show.colours import BLACK, GREY

ID = "C03"
CLAIM = "The untrained hierarchy is chaos: large errors at every level, dozens of iterations per token, no equilibrium."
DEFINITION = f"""models/fena.py with random weights and plasticity off reads 300 tokens of the motif grammar (block "untrained"
of protocols/first_contact.py; blank 12 ms, presentation 48 ms = at most 48 iterations). Iterations of a token = the last
presentation step (1-based, 0 = none) at which the root mean square rate of change of all states is at or above .004 / ms; the
median over tokens counts. At the cap: share of tokens that are still above the tolerance on the last step. Onset error of a
level = mean over units of e^2 on the first presentation step, meaned over tokens. The trained network reads tokens of the
same grammar (block "familiar", plasticity off), after one pass of 16,000. {initial_precision.SAYS}"""
LEAST, MOST = 30, 6
BLOCKS = {"untrained": "untrained", "familiar": "trained"}


def experiments(seed, quick):
    return {"network": first_contact(seed, quick), **initial_precision.untrained(seed, quick)}


def measure(runs, quick):
    of = runs["network"]
    rows = [
        Measured(
            "settling iterations per token, untrained",
            summarise([settling_iterations(r, "untrained") for r in of]),
            Threshold(">=", LEAST),
        ),
        Measured(
            "settling iterations per token, trained",
            summarise([settling_iterations(r, "familiar") for r in of]),
            Threshold("<=", MOST),
        ),
    ]
    for block, name in BLOCKS.items():
        rows.append(
            Reported(
                f"share of tokens at the cap, {name}",
                summarise([share_at_cap(r, block) for r in of]),
            )
        )
    for block, name in BLOCKS.items():
        errors = [onset_errors(run, block) for run in of]
        rows += [
            Reported(f"onset error of level {level}, {name}", summarise([e[level] for e in errors]))
            for level in range(len(errors[0]))
        ]
    rows += initial_precision.reported("settling iterations per token", runs, iterations)
    rows += initial_precision.reported(
        "share of tokens at the cap", runs, lambda run: share_at_cap(run, "untrained")
    )
    for level in range(len(errors[0])):
        rows += initial_precision.reported(
            f"onset error of level {level}",
            runs,
            lambda run, level=level: onset_errors(run, "untrained")[level],
        )
    return rows


def iterations(run):
    """Median settling iterations of an untrained network."""
    return settling_iterations(run, "untrained")


def onset_errors(run, block):
    """Mean over presented tokens of the squared error per unit on the first step: shape (level,)."""
    onset = run.tokens(block)["onset_error"].transpose("event", "level").to_numpy()
    return onset[presented(run.events(block))].mean(axis=0)


def figure(runs):
    """Iterations of all tokens, and onset errors, before and after training; untrained iterations
    over the initial precision.
    """
    of = runs["network"]
    with sheet():
        fig = new_figure(PAGE_WIDTH, 58)
        left, right, first = fig.subplots(1, 3, width_ratios=(1.2, 1, 1))
        for run in of:
            for block, colour in zip(BLOCKS, (BLACK, GREY), strict=True):
                counts = np.sort(
                    run.tokens(block)["iterations"].to_numpy()[presented(run.events(block))]
                )
                left.step(
                    counts,
                    np.arange(1, len(counts) + 1) / len(counts),
                    color=colour,
                    linewidth=0.8,
                    where="post",
                    label=BLOCKS[block] if run is of[0] else None,
                )
        left.axvline(LEAST, color=GREY, linewidth=0.7, linestyle=(0, (4, 2)), zorder=0)
        left.text(
            LEAST,
            1.02,
            ID,
            transform=left.get_xaxis_transform(),
            fontsize=6,
            ha="center",
            color="#5A5A5A",
        )
        left.set_xlim(-1, 49)
        left.set_ylim(0, 1)
        left.set_xlabel("settling iterations per token")
        left.set_ylabel("share of tokens with at most as many")
        left.legend(loc="center", bbox_to_anchor=(0.4, 0.5))
        for x, block in enumerate(BLOCKS):
            errors = np.array([onset_errors(run, block) for run in of])
            levels = errors.shape[1]
            for level in range(levels):
                place = x + (level - (levels - 1) / 2) * 0.18
                right.plot(
                    np.full(len(errors), place),
                    errors[:, level],
                    "o",
                    color=level_colour(level),
                    markersize=2.5,
                    markeredgewidth=0,
                    alpha=0.6,
                    label=f"level {level}" if x == 0 else None,
                )
                right.plot(
                    [place - 0.07, place + 0.07],
                    [np.median(errors[:, level])] * 2,
                    color=BLACK,
                    linewidth=0.9,
                )
        right.set_yscale("log")
        right.set_xticks(range(len(BLOCKS)), BLOCKS.values())
        right.tick_params(axis="x", length=0)
        right.set_xlim(-0.5, len(BLOCKS) - 0.5)
        right.set_ylabel("squared onset error per unit")
        right.legend(loc="lower left", handletextpad=0)
        initial_precision.draw(first, runs, lambda run: [iterations(run)], [BLACK], ["untrained"])
        first.axhline(LEAST, color=GREY, linewidth=0.7, linestyle=(0, (4, 2)), zorder=0)
        first.set_ylim(-1, 49)
        first.set_ylabel("median iterations, untrained")
        for ax, text in zip((left, right, first), "abc", strict=True):
            style.letter(ax, text)
    return fig
