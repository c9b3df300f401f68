"""C07: precision is learned, and regulates learning by itself. Does learning it pay?"""

import numpy as np
from brian2 import ms
from networks import MODELS

from fena_sim import Block, FixedPace, Protocol
from fena_sim.claims import Experiment, Measured, Reported, Threshold
from fena_sim.measure import (
    accuracy,
    error_curve,
    paired,
    precision_curve,
    settling_iterations,
    share,
    summarise,
    token_scores,
)
from fena_sim.plot import PAGE_WIDTH, colours, new_figure, sheet, style
from fena_sim.stimulus import MotifGrammar, TokenStream

ID = "C07"
CLAIM = "Precision is learned: what is reliable is trusted, and learning the precision pays."
DEFINITION = """Block "clean": 6,000 tokens of the motif grammar, plasticity falling from 1 to .3; from its end, at .3:
"noisy" (2,000 tokens, each replaced by a random one with probability .2) followed by "again" (2,000 clean tokens); "shuffled"
(2,000 tokens in random order); "changed" (3,000 tokens of a grammar with the same motifs spelled in permuted tokens); and
"familiar" (800 tokens, learning frozen). Variants: precisions learned (the default); all four clamped at 1; clamped at the
means that the learned ones had over "clean" (geometric means over networks of seeds 100 to 102). Accuracy: frozen,
"familiar". Settling: median iterations there. Recovery: mean accuracy over all tokens of "again" (after noise) and of
"changed" (a new grammar), learning on. Each is the learned network minus the same network with the clamp whose median is the
better of the two. Trust: share of networks in which the sensory precision at the end of "clean" exceeds that of "noisy", and
that exceeds that of "shuffled". Sensitivity: with other rates of plasticity and other lengths of the blocks the differences
change; these were fixed before the run."""

#: Geometric means over block "clean", networks of seeds 100 to 102, levels 0 to 3.
LEARNED_MEANS = (4.88, 2.54, 2.57, 2.57)
VARIANTS = {
    "learned": None,
    "clamped at 1": (1.0, 1.0, 1.0, 1.0),
    "clamped at the learned mean": LEARNED_MEANS,
}
QUALITIES = ("clean", "noisy", "shuffled")
PACE = FixedPace(duration=48 * ms, blank=12 * ms)


def experiments(seed, quick):
    return {
        name: Experiment(
            model=MODELS / "fena_flat_memory.py",
            protocol=_protocol(seed, quick),
            seed=seed,
            parameters={
                f"level.{level}.{end}": value
                for level, value in enumerate(clamp or ())
                for end in ("lowest", "highest")
            },
        )
        for name, clamp in VARIANTS.items()
    }


def _protocol(seed, quick):
    n = 500 if quick else 2000
    rng = np.random.default_rng([seed, 7])
    grammar = MotifGrammar()
    symbols = np.array(grammar.vocabulary.symbols)
    spelling = dict(zip(symbols, rng.permutation(symbols)))
    other = MotifGrammar(motifs=["".join(spelling[s] for s in motif) for motif in grammar.motifs])
    noisy = symbols[grammar.training(n, seed=40_000 + seed).events["token"].to_numpy()]
    noisy = np.where(rng.random(n) < 0.2, rng.choice(symbols, n), noisy)
    shuffled = rng.permutation(
        symbols[grammar.training(n, seed=50_000 + seed).events["token"].to_numpy()]
    )

    def block(name, stream, start, gain=0.3):
        if not isinstance(stream, TokenStream):
            stream = TokenStream.from_list(stream.tolist(), grammar.vocabulary)
        return Block(
            name=name,
            stream=stream,
            pace=PACE,
            controls=dict(plasticity_gain=gain),
            **(dict(start_from=start) if start else {}),
        )

    return Protocol(
        name="c07",
        measured_signal="mean square of error_l: population activity of error units",
        blocks=[
            block(
                "clean",
                grammar.training(3 * n, seed=1 + seed),
                None,
                gain=np.linspace(1, 0.3, 3 * n),
            ),
            block(
                "familiar",
                grammar.training(800 if not quick else 300, seed=10_000 + seed),
                "clean",
                gain=0.0,
            ),
            block("noisy", noisy, "clean"),
            block("again", grammar.training(n, seed=60_000 + seed), "noisy"),
            block("shuffled", shuffled, "clean"),
            block("changed", other.training(n * 3 // 2, seed=70_000 + seed), "clean"),
        ],
    )


def measure(runs, quick):
    measured = {  # (better, values per variant): +1 where more is better
        "accuracy, frozen": (1, {v: [accuracy(r, "familiar") for r in runs[v]] for v in VARIANTS}),
        "settling iterations": (
            -1,
            {v: [settling_iterations(r, "familiar") for r in runs[v]] for v in VARIANTS},
        ),
        "accuracy after noise": (1, {v: [accuracy(r, "again") for r in runs[v]] for v in VARIANTS}),
        "accuracy in a new grammar": (
            1,
            {v: [accuracy(r, "changed") for r in runs[v]] for v in VARIANTS},
        ),
    }
    rows = []
    for name, (sign, values) in measured.items():
        best = max(
            (v for v in VARIANTS if v != "learned"), key=lambda v: sign * np.median(values[v])
        )
        difference = paired(sign * np.array(values["learned"]), sign * np.array(values[best]))
        rows.append(
            Measured(
                f"{name}: advantage of learned precision over {best}",
                difference,
                Threshold(">=", 0),
                note="a difference whose interval holds 0 is a tie",
            )
        )
        rows += [Reported(f"{name}, {v}", summarise(values[v])) for v in VARIANTS]
    ends = {
        quality: np.array([_last(precision_curve(r, quality)) for r in runs["learned"]])
        for quality in QUALITIES
    }
    errors = {
        quality: np.array([_last(error_curve(r, quality)) for r in runs["learned"]])
        for quality in QUALITIES
    }
    ordered = (ends["clean"][:, 0] > ends["noisy"][:, 0]) & (
        ends["noisy"][:, 0] > ends["shuffled"][:, 0]
    )
    rows.append(
        Measured(
            "share of networks that trust clean tokens more than noisy, and those more than shuffled ones",
            share(ordered),
            Threshold(">=", 0.8),
        )
    )
    for quality in QUALITIES:
        for level in range(4):
            rows += [
                Reported(
                    f"precision of level {level} at the end of {quality}",
                    summarise(ends[quality][:, level]),
                ),
                Reported(
                    f"squared error of level {level} there", summarise(errors[quality][:, level])
                ),
            ]
    slopes = [
        np.polyfit(
            np.log([errors[q][n, 0] for q in QUALITIES]),
            np.log([ends[q][n, 0] for q in QUALITIES]),
            1,
        )[0]
        for n in range(len(runs["learned"]))
    ]
    rows.append(
        Reported(
            "slope of log precision over log error, level 0, over the three qualities",
            summarise(slopes),
        )
    )
    spread = [np.ptp(np.log(values[1:])) for values in ends["clean"]]
    rows.append(
        Reported("spread of log precision over hidden levels, end of clean", summarise(spread))
    )
    return rows


def _last(curve):
    return curve.dropna("tokens").isel(tokens=-1).to_numpy()


def _running(run, block, width=100):
    scores = token_scores(run, block)["correct"].to_numpy().astype(float)
    return np.convolve(scores, np.ones(width) / width, mode="valid")


def figure(runs):
    """Sensory precision through changing data; precision over error; accuracy after noise and in a
    new grammar.
    """
    shades = dict(zip(VARIANTS, (colours.BLACK, colours.ORANGE, colours.SKY)))
    lines = dict(zip(VARIANTS, ("-", "--", ":")))
    with sheet():
        fig = new_figure(PAGE_WIDTH, 55)
        first, second, *others = fig.subplots(1, 4)
        begin = 0
        for block in ("clean", "noisy", "again"):
            curves = [precision_curve(r, block).sel(level=0) for r in runs["learned"]]
            for curve in curves:
                first.plot(
                    (begin + curve["tokens"]) / 1000, curve, color=colours.GREY, linewidth=0.4
                )
            first.plot(
                (begin + curves[0]["tokens"]) / 1000,
                np.median(curves, axis=0),
                color=colours.BLACK,
                linewidth=1.5,
            )
            begin += len(runs["learned"][0].events(block))
            first.axvline(begin / 1000, color=colours.GREY, linewidth=0.5, linestyle=":")
        first.set(
            xlabel="tokens (thousands): clean,\nnoisy, clean again",
            ylabel="precision of level 0",
            ylim=(0, None),
        )
        for quality, marker in zip(QUALITIES, "os^"):
            pi = np.array([_last(precision_curve(r, quality)) for r in runs["learned"]])
            error = np.array([_last(error_curve(r, quality)) for r in runs["learned"]])
            for level in range(pi.shape[1]):
                second.plot(
                    error[:, level],
                    pi[:, level],
                    marker,
                    color=colours.level_colour(level),
                    markersize=2.5,
                    alpha=0.7,
                    label=quality if level == 0 else None,
                )
        second.set(xscale="log", xlabel="squared error", ylabel="precision", ylim=(0, None))
        second.legend(frameon=False, handletextpad=0.1, title="colours: levels")
        for ax, (block, title) in zip(
            others, (("again", "after noise"), ("changed", "new grammar"))
        ):
            for variant in VARIANTS:
                values = np.array([_running(r, block) for r in runs[variant]])
                ax.plot(
                    np.arange(values.shape[1]) / 1000,
                    np.median(values, axis=0),
                    lines[variant],
                    color=shades[variant],
                    label=variant.replace("the learned ", "the\nlearned "),
                )
            ax.set(
                xlabel=f"tokens (thousands), {title}", ylabel="accuracy of 100 tokens", ylim=(0, 1)
            )
        others[1].legend(frameon=False, loc="lower right")
        for ax, text in zip(fig.axes, "abcd"):
            style.letter(ax, text)
    return fig
