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
DEFINITION = """models/fena.py, two hidden levels. Training: one short pass of the motif grammar (6,000 tokens, plasticity
falling from 1 to .1). From its end, with plasticity .3, each by itself: six blocks of unlike reliability, 1,500 tokens of the
grammar of which a share of 0, .1, .2, .4, .6 or .8, drawn at random, is replaced by random tokens; "again", 1,500 tokens
without random ones, from the end of the block with .2; "changed", 3,000 tokens of a grammar with the same motifs spelled in
permuted tokens. "Familiar": 800 new tokens from the end of training, learning frozen. Trust: in every network and at every
level, Spearman's rank correlation over the six blocks of the precision before with the error after. Before: the level's mean
precision over the last 100 tokens of the block's first half. After: the level's mean squared error (level_errors: at level 0 on
the first step of the presentation, at hidden levels over all of it) over the second half. Two networks are judged: the learned one
itself, and the same network going on from the end of training with all precisions clamped at their means, because precisions
move the errors of the network that has them: a level's own holds its state near its prior, and that of the level below decides
how much it is asked. It counts as 0 where the largest precision is less than
1.05 times the smallest: a level that has one value whatever it predicts, such as a clamped one, correlates with nothing. Within
a block, medians over the six: rank correlation, over tokens, of the precision before a token with the error at it; over
contexts (motif and position), of the means over the tokens of a context. With learning frozen precisions do not change, and
these would be 0. Clamped: lowest = highest, so that what is sent and what is learned from are one constant, from the first
token of training on (where the learned ones of hidden levels begin at .3). Clamps of all levels: at 1, and at the geometric
means that the learned precisions had over training in networks of seeds 100 to 102. Changed data: share of networks in which
the learned precisions have a higher accuracy over all tokens of "changed" than both clamps have in the same network. After
noise: accuracy over all tokens of "again"; frozen: accuracy of "familiar"; each the learned network minus the same network with
the clamp whose median is the better. Frozen, a loss of .005, four of 800 tokens, counts as none: with learning frozen all
precisions are constants, so learning them may cost nothing there, but need not gain. One level clamped: this level alone, at
its mean. Sensitivity: with plasticity 1 instead of .3 level 2's correlation turns positive (.6 and .9, seeds 0 and 1)."""

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
#: The learned network, going on with its precisions clamped at their means.
RULER = "learned, clamped after training"
#: What the names of blocks begin with that are the second half of another.
LATER = "later_"
#: Blocks whose accuracy is compared: of the variant's training, or after it; and their titles.
SCORED = dict(changed=AFTER, again=AFTER, familiar="")
TITLES = dict(changed="changed data", again="after noise", familiar="frozen")
SHARES = (0, 0.1, 0.2, 0.4, 0.6, 0.8)
NOISY = 0.2
PLASTICITY = 0.3
#: Tokens of the precision before; least ratio of the largest to the smallest precision.
WINDOW, LEAST = 100, 1.05


def experiments(seed, quick):
    found = {}
    of_all = (LEARNED, AT_ONE, AT_MEAN)
    for name in of_all if quick else VARIANTS:
        clamp = VARIANTS[name]
        found[name] = short(seed, quick, parameters=clamped(clamp))
        shares = SHARES if name == LEARNED else (NOISY,) if name in of_all else ()
        blocks = reliability_blocks(seed, quick, shares) + recovery_blocks(seed, quick, shares)
        found[name + AFTER] = going_on(seed, found[name], clamp, blocks)
    blocks = reliability_blocks(seed, quick, SHARES, second_half=True)
    found[RULER] = going_on(seed, found[LEARNED], CLAMPS[AT_MEAN], blocks)
    return found


def clamped(clamp):
    """Parameters that clamp the precisions {level: precision}."""
    ends = ("lowest", "highest")
    return {f"level.{level}.{end}": value for level, value in clamp.items() for end in ends}


def going_on(seed, trained, clamp, blocks):
    """A network that goes on from the end of its training, with the precisions of `clamp`."""
    protocol = Protocol(
        name="c07",
        description="After training: data of unlike reliability, noise that ends, a new grammar",
        measured_signal="mean square of error_l: population activity of error units",
        blocks=blocks,
    )
    return Experiment(
        model=MODELS / "fena.py",
        protocol=protocol,
        seed=seed,
        parameters=clamped(clamp),
        start=(trained, "training"),
    )


def reliability_blocks(seed, quick, shares, second_half=False):
    """Blocks with these shares of random tokens, or their second halves."""
    n, found = tokens(quick), []
    for part in shares:
        stream = MotifGrammar().training(n, seed=40_000 + seed)
        stream = spoiled(stream, part, np.random.default_rng([seed, 8]))
        if second_half:
            found.append(block(LATER + reliability(part), stream[n // 2 :]))
        else:
            found.append(block(reliability(part), stream))
    return found


def recovery_blocks(seed, quick, shares):
    """ "changed", and, where noise was read, "again" after it."""
    grammar, n = MotifGrammar(), tokens(quick)
    changed = respelled(grammar, np.random.default_rng([seed, 7]))
    found = [block("changed", changed.training(2 * n, seed=70_000 + seed))]
    if NOISY in shares:
        again = grammar.training(n, seed=60_000 + seed)
        found.append(block("again", again, reliability(NOISY)))
    return found


def block(name, stream, start=INITIAL):
    gain = dict(plasticity_gain=PLASTICITY)
    return Block(name=name, stream=stream, pace=PACE, controls=gain, start_from=start)


def tokens(quick):
    """Of a block of unlike reliability."""
    return 100 if quick else 1500


def reliability(part):
    """Name of the block with this share of random tokens."""
    return f"random_{part:g}".replace(".", "_")


# -- measures --------------------------------------------------------------------------------------


def measure(runs, quick):
    learned = runs[LEARNED + AFTER]
    before = [log_precisions(run) for run in learned]
    trust = trust_in(before, runs[RULER])
    own = trust_in(before, learned)
    within = np.array(
        [[correlations_within(run, reliability(part)) for part in SHARES] for run in learned]
    )
    rows = [
        Measured(
            f"level {level}: rank correlation of precision with the later error of {whose}",
            summarise(of[:, level]),
            Threshold("<=", -0.6),
        )
        for whose, of in (("the network itself", own), ("the network clamped", trust))
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
        against_best(TITLES[block], scores[block], bound)
        for block, bound in (("again", 0), ("familiar", -0.005))
    ]
    spread = np.array([np.ptp(p, axis=0) for p in before])
    for level in LEVELS:
        rows += [
            Reported(
                f"level {level}: range of ln precision over data of unlike reliability",
                summarise(spread[:, level]),
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
                f"accuracy, {TITLES[block]}: learned minus {name}", paired(values[LEARNED], of)
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


def later_errors(run):
    """Every level's mean squared error over second halves, (reliability, level)."""
    found = []
    for part in SHARES:
        if LATER + reliability(part) in run.blocks:  # the clamped network reads nothing else
            errors = level_errors(run, LATER + reliability(part))
        else:
            errors = level_errors(run, reliability(part))
            errors = errors[len(errors) // 2 :]
        found.append(errors.to_numpy().mean(axis=0))
    return np.array(found)


def trust_in(before, runs):
    """Rank correlation of every level's precisions with later errors, (network, level)."""
    return np.array(
        [correlations(p, later_errors(run), np.log(LEAST)) for p, run in zip(before, runs)]
    )


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
        if name + suffix in runs and block in runs[name + suffix][0].blocks
    }


def against_best(title, values, bound):
    """Row: the learned networks minus those with the clamp whose median is the better."""
    best = max((AT_ONE, AT_MEAN), key=lambda name: np.median(values[name]))
    return Measured(
        f"accuracy, {title}: learned precision minus {best}",
        paired(values[LEARNED], values[best]),
        Threshold(">=", bound),
    )


# -- figure ----------------------------------------------------------------------------------------

SHADES = {LEARNED: colours.BLACK, AT_ONE: colours.ORANGE, AT_MEAN: colours.SKY}


def figure(runs):
    """Precision and later error; rank correlations; learning of changed data; costs of every clamp."""
    panels = (draw_trust, draw_correlations, draw_learning, draw_costs)
    with sheet():
        drawn = new_figure(PAGE_WIDTH, 105)
        for ax, panel, text in zip(drawn.subplots(2, 2).ravel(), panels, "abcd"):
            panel(ax, runs)
            style.letter(ax, text)
    return drawn


def draw_trust(ax, runs):
    """Every network's precisions over later errors, a line per level through the six blocks."""
    for level in LEVELS:
        colour = colours.level_colour(level)
        for run, ruler in zip(runs[LEARNED + AFTER], runs[RULER]):
            error, precision = later_errors(ruler)[:, level], np.exp(log_precisions(run)[:, level])
            ax.plot(error, precision, ".-", color=colour, linewidth=0.4, markersize=2.5, alpha=0.6)
        ax.plot([], [], ".-", color=colour, label=f"level {level}")
    ax.set(
        xscale="log",
        yscale="log",
        xlabel="squared error, second half, precisions clamped",
        ylabel="precision, end of first half",
    )
    ax.legend()


def draw_correlations(ax, runs):
    """Rank correlation of every network and level, with the errors under clamps and its own."""
    before = [log_precisions(run) for run in runs[LEARNED + AFTER]]
    for name, label, marker, shift in (
        (RULER, "precisions clamped", "o", -0.15),
        (LEARNED + AFTER, "the network's own errors", "^", 0.15),
    ):
        values = trust_in(before, runs[name])
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
