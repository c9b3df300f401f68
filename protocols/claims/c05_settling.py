"""C05: the number of settling iterations is what falls when the hierarchy learns."""

import initial_precision
import numpy as np
import xarray as xr
from brian2 import ms
from networks import MODELS, first_contact

from fena_sim import INITIAL, Block, FixedPace, Probe, Protocol
from fena_sim.claims import Experiment, Measured, Reported, Threshold
from fena_sim.measure import (
    presented,
    settling_at,
    settling_curve,
    settling_iterations,
    summarise,
    token_scores,
)
from fena_sim.plot import PAGE_WIDTH, new_figure, panels, sheet, style
from fena_sim.show.colours import BLACK, BLUE, GREY, ORANGE, SKY
from fena_sim.stimulus import MotifGrammar

ID = "C05"
CLAIM = (
    "Settling falls from 30-40 iterations per token over 15 and 10 to 5-6 as the hierarchy learns."
)
DEFINITION = f"""models/fena.py. Iterations of a token = the last presentation step (1-based, 0 = none) at which the root mean square rate of
change of all states is at or above the tolerance, .004 / ms where no other is named; the median over tokens counts. Untrained and
trained: blocks "untrained" (300 tokens) and "familiar" (1,500 tokens, quick 300, after one pass) of protocols/first_contact.py,
plasticity off. Sensitivity: the
untrained and the trained network read the same 120 tokens, plasticity off, after a blank of 12 ms and after one of 700 ms, long
enough for the untrained states to come to rest; fena_sim.measure.settling_at, which reads the rate of change of every
presentation step, gives the iterations at .002, .003, .004 and .006 / ms. Ratio = untrained median / trained median, where a
trained median below 1 counts as 1 so that the ratio is finite. Over training: medians of 25 tokens each. Surprised: tokens
whose code was not the nearest to the prediction. {initial_precision.SAYS}"""
TOLERANCES = (0.002, 0.003, 0.004, 0.006)  # per ms
REFERENCE = 0.004
LEAST, MOST, LEAST_RATIO = 30, 6, 5
TOKENS = 120
BLANKS = {"short_blank": 12, "long_blank": 700}  # ms
PRESENTATION = 48 * ms
#: What the article saw, in iterations.
MILESTONES = ((30, 40), (15, 15), (10, 10), (5, 6))
#: Colours of the tolerances; the model's is black.
SHADES = (SKY, BLUE, BLACK, GREY)
BIN, FALL = 25, 1000  # tokens
BINS = (1, 2, 4, 8, 16, 32, 60)


def experiments(seed, quick):
    trained = first_contact(seed, quick)
    return {
        "network": trained,
        "untrained": tolerances(seed),
        "trained": tolerances(seed, (trained, "training")),
        **initial_precision.untrained(seed, quick),
    }


def tolerances(seed, start=None):
    """The rate of change in every presentation step of the same tokens, after short and after long
    blanks.
    """
    stream = MotifGrammar().training(TOKENS, seed=10_000 + seed)
    rate = Probe("pacemaker", "rate", interval=1 * ms, window=(0 * ms, PRESENTATION))
    blocks = [
        Block(
            name=name,
            stream=stream,
            pace=FixedPace(duration=PRESENTATION, blank=blank * ms),
            probes=[rate],
            controls=dict(plasticity_gain=0.0),
            start_from=INITIAL,
        )
        for name, blank in BLANKS.items()
    ]
    return Experiment(
        model=MODELS / "fena.py",
        seed=seed,
        start=start,
        protocol=Protocol(
            name="tolerances",
            blocks=blocks,
            description="Settling at several tolerances, after short and long blanks",
        ),
    )


def measure(runs, quick):
    network = runs["network"]
    counts = {
        (name, blank): [medians(run, blank) for run in runs[name]]
        for name in ("untrained", "trained")
        for blank in BLANKS
    }
    rows = [
        Measured(
            "settling iterations per token, untrained",
            summarise([settling_iterations(r, "untrained") for r in network]),
            Threshold(">=", LEAST),
        ),
        Measured(
            "settling iterations per token, trained",
            summarise([settling_iterations(r, "familiar") for r in network]),
            Threshold("<=", MOST),
        ),
    ]
    reported = []
    for blank, length in BLANKS.items():
        before, after = (np.array(counts[name, blank]) for name in ("untrained", "trained"))
        if blank != "short_blank":
            rows.append(
                Measured(
                    f"settling iterations per token, trained, after a blank of {length} ms",
                    summarise(after[:, TOLERANCES.index(REFERENCE)]),
                    Threshold("<=", MOST),
                )
            )
        for k, tolerance in enumerate(TOLERANCES):
            at = f"at tolerance {tolerance:g} / ms, blank {length} ms"
            rows.append(
                Measured(
                    f"iterations untrained / trained {at}",
                    summarise(before[:, k] / np.maximum(after[:, k], 1)),
                    Threshold(">=", LEAST_RATIO),
                )
            )
            reported += [
                Reported(f"iterations, {name} {at}", summarise(values[:, k]))
                for name, values in (("untrained", before), ("trained", after))
            ]
    reported += [
        Reported(
            f"iterations in tokens {BIN * (b - 1)} to {BIN * b} of training",
            summarise([float(curve(run).sel(quantile=0.5)[b - 1]) for run in network]),
        )
        for b in BINS
    ]
    reported += [
        Reported(
            "mean iterations per token, trained",
            summarise([iterations(run).mean() for run in network]),
        ),
        Reported(
            "median iterations when surprised, trained",
            summarise([surprised(run) for run in network]),
        ),
        *initial_precision.reported(
            "settling iterations per token",
            runs,
            lambda run: settling_iterations(run, "untrained"),
        ),
    ]
    return rows + reported


def iterations(run, block="familiar"):
    return run.tokens(block)["iterations"].to_numpy()[presented(run.events(block))]


def surprised(run, block="familiar"):
    """Median iterations of the tokens that were predicted wrong."""
    scores = token_scores(run, block)
    return float(
        np.median(
            run.tokens(block)["iterations"].to_numpy()[
                (scores["scored"] & ~scores["correct"]).to_numpy()
            ]
        )
    )


def curve(run):
    return settling_curve(run, bins=len(run.events("training")) // BIN)


def drawn(run):
    """The curve of short bins while it falls, of longer ones afterwards."""
    early, late = curve(run), settling_curve(run)
    return xr.concat([early[early["tokens"] < FALL], late[late["tokens"] >= FALL]], "tokens")


def medians(run, block):
    """Median iterations over the presented tokens at every tolerance: list."""
    found = settling_at(run, block, [tolerance / ms for tolerance in TOLERANCES])
    return np.median(found.to_numpy()[presented(run.events(block))], axis=0).tolist()


def figure(runs):
    """The curve over training beside the article's milestones, and what the tolerance, the blank
    and the initial precision change.
    """
    with sheet():
        fig = new_figure(PAGE_WIDTH, 112)
        axes = fig.subplots(2, 2).ravel()
        panels.settling(axes[0], [drawn(run) for run in runs["network"]])
        axes[0].set_xscale("log")  # most of the fall is in the first hundreds
        axes[0].set_xlim(BIN / 2 / 1000, len(runs["network"][0].events("training")) / 1000)
        axes[0].xaxis.set_major_formatter("{x:g}")
        for low, high in MILESTONES:
            thin, name = (0, f"{low}-{high}") if low < high else (0.25, f"{low}")
            axes[0].axhspan(low - thin, high + thin, color=ORANGE, alpha=0.3, linewidth=0, zorder=0)
            axes[0].text(
                1.01,
                (low + high) / 2,
                name,
                transform=axes[0].get_yaxis_transform(),
                fontsize=6,
                va="center",
                color="#5A5A5A",
            )
        axes[0].set_ylim(0, 48)
        for ax, (blank, length) in zip(axes[1:3], BLANKS.items(), strict=True):
            for name, colour in (("untrained", BLACK), ("trained", GREY)):
                values = np.array([medians(run, blank) for run in runs[name]])
                ax.plot(TOLERANCES, values.T, color=colour, linewidth=0.4, alpha=0.6)
                ax.plot(TOLERANCES, np.median(values, axis=0), "o-", color=colour, label=name)
            ax.set_xticks(TOLERANCES, [f"{t:g}"[1:] for t in TOLERANCES])
            ax.set_ylim(-1, 49)
            ax.set_xlabel("tolerance (1/ms)")
            ax.set_ylabel(f"median iterations, blank {length} ms")
            ax.legend(loc="center left", bbox_to_anchor=(0, 0.45))
        initial_precision.draw(
            axes[3],
            runs,
            lambda run: medians(run, "untrained"),
            SHADES,
            [f"{tolerance:g} / ms" for tolerance in TOLERANCES],
        )
        axes[3].axhline(LEAST, color=GREY, linewidth=0.7, linestyle=(0, (4, 2)), zorder=0)
        axes[3].set_ylim(-1, 49)
        axes[3].set_ylabel("median iterations, untrained")
        axes[3].legend(title="tolerance", loc="upper center", bbox_to_anchor=(0.63, 1.02))
        for ax, text in zip(axes, "abcd", strict=True):
            style.letter(ax, text)
    return fig
