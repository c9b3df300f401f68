"""C07: precision is learned: is it a confidence, and does learning it pay?"""

import numpy as np
from networks import MODELS, PACE, respelled, short, spoiled

from fena_sim import INITIAL, Block, Protocol
from fena_sim.analyse.select import readout
from fena_sim.claims import Experiment, Measured, Reported, Threshold
from fena_sim.measure import (
    accuracy,
    level_errors,
    paired,
    rank_correlation,
    share,
    summarise,
    token_scores,
)
from fena_sim.plot import PAGE_WIDTH, colours, new_figure, sheet, style
from fena_sim.stimulus import MotifGrammar

ID = "C07"
CLAIM = "Precision is learned: what is reliable is trusted, and learning the precision pays."
DEFINITION = """models/fena.py, two hidden levels. Training: one short pass of the motif grammar (6,000 tokens, plasticity falling from 1 to
.1). From its end, with plasticity .3, each by itself: six blocks of unlike reliability, 1,500 tokens of the grammar of which a
share of 0, .1, .2, .4, .6 or .8, drawn at random, is replaced by random tokens; "again", 1,500 tokens without random ones, from
the end of the block with .2; "changed", 2,000 tokens of a grammar with the same motifs spelled in permuted tokens. "Familiar": 800
new tokens from the end of training, learning frozen. Trust: in every network and at every level, Spearman's rank correlation over
the six blocks of the precision before with the error after. Before: the level's mean precision over the last 100 tokens of the
block's first half. After: its own mean squared error (level_errors: at level 0 on the first step of the presentation, at hidden
levels over all of it) over the second half. It counts as 0 where the largest precision is less than 1.05 times the smallest: a level
that has one value whatever it predicts, such as a clamped one, correlates with nothing. A hidden level's precision holds its state
near its prior and so lowers its own error. Beside it therefore the same precision with the errors of a network whose precisions
are clamped at their means, on the same second halves, which no precision can move. Within a block, medians over the six: rank
correlation, over tokens, of the precision before a token with the error at it; over contexts (motif and position), of the means
over the tokens of a context. With learning frozen precisions do not change, and these would be 0. Clamped: lowest = highest, so that
what is sent and what is learned from are one constant, from the first token of training on. Clamps of all levels: at 1, and at the
geometric means that the learned precisions had over training in networks of seeds 100 to 102. Changed data: share of networks in
which the learned precisions have a higher accuracy over all tokens of "changed" than both clamps have in the same network. After
noise: accuracy over all tokens of "again"; frozen: accuracy of "familiar"; each the learned network minus the same network with the clamp
whose median is the better. Frozen, a loss of .005, four of 800 tokens, counts as none: with learning frozen all precisions are
constants, so learning them may cost nothing there, but need not gain. One level clamped: this level alone, at its mean."""

#: Geometric means over training, networks of seeds 100 to 102, levels 0 to 2.
LEARNED_MEANS = (8.09, 3.21, 3.77)
LEVELS = range(len(LEARNED_MEANS))
LEARNED, AT_ONE, AT_MEAN = "learned", "clamped at 1", "clamped at the learned means"
#: Precision of every clamped level.
CLAMPS = {
    AT_ONE: dict.fromkeys(LEVELS, 1.0),
    AT_MEAN: dict(enumerate(LEARNED_MEANS)),
    **{f"level {level} clamped": {level: LEARNED_MEANS[level]} for level in LEVELS},
}
VARIANTS = {LEARNED: {}, **CLAMPS}
AFTER = ", after training"
#: Blocks whose accuracy is compared: of the variant's training, or after it; and their titles.
SCORED = dict(changed=AFTER, again=AFTER, familiar="")
TITLES = dict(changed="changed data", again="after noise", familiar="frozen")
SHARES = (0, 0.1, 0.2, 0.4, 0.6, 0.8)
NOISY = 0.2
PLASTICITY = 0.3
#: Tokens over which the precision before is averaged, and the least ratio of the largest to the
#: smallest precision.
WINDOW, LEAST = 100, 1.05


def experiments(seed, quick):
    found = {}
    for name, clamp in VARIANTS.items():
        parameters = {
            f"level.{level}.{end}": value
            for level, value in clamp.items()
            for end in ("lowest", "highest")
        }
        found[name] = short(seed, quick, parameters=parameters)
        found[name + AFTER] = Experiment(
            model=MODELS / "fena.py",
            protocol=after(seed, quick, name),
            seed=seed,
            parameters=parameters,
            start=(found[name], "training"),
        )
    return found


def after(seed, quick, variant):
    """What a variant reads from the end of its training: "changed"; "random 0.2" and "again", unless
    one level alone is clamped; all blocks of unlike reliability if precisions are learned, and their
    second halves if they are clamped at their means.
    """
    n = 200 if quick else 1500
    grammar = MotifGrammar()

    def block(name, stream, start=INITIAL):
        controls = dict(plasticity_gain=PLASTICITY)
        return Block(name=name, stream=stream, pace=PACE, controls=controls, start_from=start)

    changed = respelled(grammar, np.random.default_rng([seed, 7]))
    blocks = [block("changed", changed.training(n * 4 // 3, seed=70_000 + seed))]
    of_quality = {
        part: spoiled(
            grammar.training(n, seed=40_000 + seed), part, np.random.default_rng([seed, 8])
        )
        for part in SHARES
    }
    if variant == LEARNED:
        blocks += [block(reliability(part), stream) for part, stream in of_quality.items()]
    elif variant in (AT_ONE, AT_MEAN):
        blocks.append(block(reliability(NOISY), of_quality[NOISY]))
    if variant in (LEARNED, AT_ONE, AT_MEAN):
        again = grammar.training(n, seed=60_000 + seed)
        blocks.append(block("again", again, reliability(NOISY)))
    if variant == AT_MEAN:
        blocks += [
            block(second_half(part), stream[n // 2 :]) for part, stream in of_quality.items()
        ]
    return Protocol(
        name="c07",
        description="Data of unlike reliability, noise that ends, and a new grammar, after training",
        measured_signal="mean square of error_l: population activity of error units",
        blocks=blocks,
    )


def reliability(part):
    """Name of the block with this share of random tokens."""
    return f"random_{part:g}".replace(".", "_")


def second_half(part):
    """Name of the block that is the second half of `reliability(part)`."""
    return f"{reliability(part)}_later"


# -- measures --------------------------------------------------------------------------------------


def measure(runs, quick):
    learned = runs[LEARNED + AFTER]
    before = [log_precisions(run) for run in learned]
    trust = np.array(
        [correlations(p, later_errors(run), np.log(LEAST)) for p, run in zip(before, learned)]
    )
    apart = np.array(
        [
            correlations(p, later_errors(run, halves=True), np.log(LEAST))
            for p, run in zip(before, runs[AT_MEAN + AFTER])
        ]
    )
    within = np.array(
        [[correlations_within(run, reliability(part)) for part in SHARES] for run in learned]
    )
    rows = [
        Measured(
            f"level {level}: rank correlation of precision with later error over data of unlike reliability",
            summarise(trust[:, level]),
            Threshold("<=", -0.6),
        )
        for level in LEVELS
    ]
    scores = {block: of_variants(runs, suffix, block) for block, suffix in SCORED.items()}
    changed = scores["changed"]
    rows.append(
        Measured(
            "changed data: share of networks in which learned precision beats both clamps",
            share(changed[LEARNED] > np.maximum(changed[AT_ONE], changed[AT_MEAN])),
            Threshold(">=", 0.9),
        )
    )
    rows += [
        against_best(title, scores[block], bound)
        for title, block, bound in (
            ("accuracy after noise", "again", 0),
            ("accuracy, frozen", "familiar", -0.005),
        )
    ]
    spread = np.array([np.ptp(p, axis=0) for p in before])
    for level in LEVELS:
        rows += [
            Reported(
                f"level {level}: range of ln precision over data of unlike reliability",
                summarise(spread[:, level]),
            ),
            Reported(
                f"level {level}: rank correlation with the later error of clamped networks",
                summarise(apart[:, level]),
            ),
            *[
                Reported(
                    f"level {level}: rank correlation of precision with the error that follows, over {items} within a block",
                    summarise(np.median(within[:, :, which, level], axis=1)),
                )
                for which, items in enumerate(("tokens", "contexts"))
            ],
        ]
    for block, values in scores.items():
        rows += [
            Reported(f"accuracy, {TITLES[block]}: {name}", summarise(of))
            for name, of in values.items()
        ]
        rows += [
            Reported(
                f"accuracy, {TITLES[block]}: learned minus {name}",
                paired(values[LEARNED], of),
            )
            for name, of in values.items()
            if name != LEARNED
        ]
    rows += [
        Reported(
            f"level {level}: precision before, {part:.0%} random tokens",
            summarise(np.exp([p[row, level] for p in before])),
        )
        for level in LEVELS
        for row, part in enumerate(SHARES)
    ]
    return rows


def log_precisions(run):
    """ln of every level's mean precision at the end of the first half: (reliability, level)."""
    found = []
    for part in SHARES:
        values = readout(run, reliability(part), "precision").to_numpy().astype(float)
        half = len(values) // 2
        found.append(np.log(values[max(half - WINDOW, 0) : half].mean(axis=0)))
    return np.array(found)


def later_errors(run, halves=False):
    """Every level's mean squared error over second halves, (reliability, level); with `halves` these
    are blocks of their own.
    """
    found = []
    for part in SHARES:
        errors = level_errors(run, second_half(part) if halves else reliability(part)).to_numpy()
        found.append(errors[0 if halves else len(errors) // 2 :].mean(axis=0))
    return np.array(found)


def correlations(precision, error, least=0.0):
    """`rank_correlation` of every level's precision (item, level) with its error; 0 for a level
    whose precisions have a range below `least`.
    """
    return [
        rank_correlation(p, e) if np.ptp(p) >= least else 0.0 for p, e in zip(precision.T, error.T)
    ]


def correlations_within(run, block):
    """Correlations of every level's precision before a token with its error there: over tokens, and
    over the means of contexts. Shape (2, level).
    """
    precision = readout(run, block, "precision").to_numpy().astype(float)[:-1]
    error = level_errors(run, block).to_numpy()[1:]
    context = run.events(block)[["motif", "position"]].iloc[1:]
    _, number = np.unique(context.to_numpy(), axis=0, return_inverse=True)
    means = [
        np.stack([values[number == one].mean(axis=0) for one in np.unique(number)])
        for values in (precision, error)
    ]
    return np.array([correlations(precision, error), correlations(*means)])


def of_variants(runs, suffix, block):
    """{variant: accuracy of every network} for the variants that read the block."""
    return {
        name: np.array([accuracy(run, block) for run in runs[name + suffix]])
        for name in VARIANTS
        if block in runs[name + suffix][0].blocks
    }


def against_best(title, values, bound):
    """Row: the learned networks minus those with the clamp whose median is the better."""
    best = max((AT_ONE, AT_MEAN), key=lambda name: np.median(values[name]))
    return Measured(
        f"{title}: learned precision minus {best}",
        paired(values[LEARNED], values[best]),
        Threshold(">=", bound),
    )


# -- figure ----------------------------------------------------------------------------------------

SHADES = {LEARNED: colours.BLACK, AT_ONE: colours.ORANGE, AT_MEAN: colours.SKY}


def figure(runs):
    """Precision before and error after; their rank correlations; accuracy while data have changed; what
    every clamp costs.
    """
    with sheet():
        drawn = new_figure(PAGE_WIDTH, 105)
        axes = drawn.subplots(2, 2).ravel()
        draw_trust(axes[0], runs[LEARNED + AFTER])
        draw_correlations(axes[1], runs)
        draw_learning(axes[2], runs)
        draw_costs(axes[3], runs)
        for ax, text in zip(axes, "abcd"):
            style.letter(ax, text)
    return drawn


def draw_trust(ax, runs):
    """Every network's precisions over later errors, a line per level through the six blocks."""
    for level in LEVELS:
        colour = colours.level_colour(level)
        for run in runs:
            error, precision = later_errors(run)[:, level], np.exp(log_precisions(run)[:, level])
            ax.plot(error, precision, ".-", color=colour, linewidth=0.4, markersize=2.5, alpha=0.6)
        ax.plot([], [], ".-", color=colour, label=f"level {level}")
    ax.set(
        xscale="log",
        yscale="log",
        xlabel="squared error, second half",
        ylabel="precision, end of first half",
    )
    ax.legend()


def draw_correlations(ax, runs):
    """Rank correlation of every network and level, with its own errors and those of clamped ones."""
    before = [log_precisions(run) for run in runs[LEARNED + AFTER]]
    for name, halves, marker, shift in ((LEARNED, False, "o", -0.15), (AT_MEAN, True, "^", 0.15)):
        values = np.array(
            [
                correlations(p, later_errors(run, halves), np.log(LEAST))
                for p, run in zip(before, runs[name + AFTER])
            ]
        )
        for level in LEVELS:
            ax.plot(
                np.full(len(values), level + shift),
                values[:, level],
                marker,
                color=colours.level_colour(level),
                markersize=3,
                alpha=0.6,
                markeredgewidth=0,
            )
        label = "own error" if name == LEARNED else "error of the clamped network"
        ax.plot([], [], marker, color=colours.GREY, label=label)
    ax.axhline(-0.6, color=colours.GREY, linewidth=0.7, linestyle=(0, (4, 2)))
    ax.set(
        xticks=LEVELS,
        xlim=(-0.5, LEVELS[-1] + 0.5),
        ylim=(-1.05, 1.05),
        xlabel="level",
        ylabel="rank correlation with later error",
    )
    ax.legend(loc="upper left", handletextpad=0.1)


def draw_learning(ax, runs):
    """Accuracy of 100 tokens in data that have changed: every network, and the median."""
    for name, shade in SHADES.items():
        values = np.array([running_accuracy(run, "changed") for run in runs[name + AFTER]])
        tokens = (np.arange(values.shape[1]) + WINDOW) / 1000
        ax.plot(tokens, values.T, color=shade, linewidth=0.3, alpha=0.4)
        ax.plot(tokens, np.median(values, axis=0), color=shade, label=name, linewidth=1.2)
    ax.set(
        xlabel="changed data (thousands of tokens)", ylabel="accuracy of 100 tokens", ylim=(0, 1)
    )
    ax.legend(loc="lower right")


def running_accuracy(run, block):
    """Accuracy of the last `WINDOW` tokens at every token of a block."""
    correct = token_scores(run, block)["correct"].to_numpy().astype(float)
    return np.convolve(correct, np.ones(WINDOW) / WINDOW, mode="valid")


def draw_costs(ax, runs):
    """Accuracy of the learned network minus the clamped one, every network, for every clamp."""
    names = list(CLAMPS)[::-1]
    shades = (colours.BLUE, colours.VERMILLION, colours.GREEN)
    for row, (block, marker, shade) in enumerate(zip(SCORED, "o^s", shades)):
        values = of_variants(runs, SCORED[block], block)
        for place, name in enumerate(names):
            if name in values:
                difference = values[LEARNED] - values[name]
                ax.plot(
                    difference,
                    np.full(len(difference), place + 0.2 - 0.2 * row),
                    marker,
                    color=shade,
                    markersize=2.5,
                    alpha=0.6,
                    markeredgewidth=0,
                )
        ax.plot([], [], marker, color=shade, label=TITLES[block])
    ax.axvline(0, color=colours.GREY, linewidth=0.7)
    ax.set_yticks(range(len(names)), [name.replace(" at the ", "\nat the ") for name in names])
    ax.set_xlabel("accuracy, learned minus clamped")
    ax.legend(loc="lower right", handletextpad=0.1)
