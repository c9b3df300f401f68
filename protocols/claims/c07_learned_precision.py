"""C07: precision that is learned, beside precision that is set."""

import attrs
import numpy as np
from brian2 import ms
from networks import MODELS

from fena_sim import Block, FixedPace, Protocol
from fena_sim.claims.claim import Bar, Experiment, Measured, Otherwise, Reported
from fena_sim.measure import accuracy, level_errors, paired, settling_iterations, share, summarise, token_scores
from fena_sim.plot import PAGE_WIDTH, level_colour, new_figure, sheet
from fena_sim.plot.style import letter
from fena_sim.stimulus import MotifGrammar, TokenStream

ID = "C07"
CLAIM = "Precision is learned: reliable levels are trusted, and that is better than any precision set beforehand."
DEFINITION = """models/fena.py learns 4,000 clean tokens of the motif grammar; then, each starting from there, 500 new tokens
with learning frozen, 1,500 more clean tokens, 1,500 tokens of which 20 % are drawn at random and after them 1,500 clean ones,
1,500 tokens in random order, and 2,500 of another grammar (every motif backwards). Learned: precision follows its rule.
Clamped: floor and ceiling of every level at one value, 1 everywhere, or 4.9 at level 0 and 4 above (reached by the rule in
6,000 tokens, seed 100). Precision: last token of a block. Error: fena_sim.measure.level_errors, last 500 tokens. Recovery:
tokens from the return to clean data, or from the new grammar's first token, until accuracy over 100 tokens, learning on, is
at least 95 % of what the best of the three networks of the same seed had in the last 500 of the first 4,000 tokens (one mark
for all, so that who learned little has not little to recover); one that never recovers counts as the block's length. Best
clamped: the clamped value with the better median; the difference is taken within networks. Ties: accuracy within .01,
iterations within .5, recovery within 50 tokens (one half window) are said to be ties and count as qualified."""
CLAMPED = {"clamped at 1": (1.0, 1.0), "clamped at the learned values": (4.9, 4.0)}
LEARNED = "learned"
QUALITIES = {"more": "clean", "noisy": "20 % random", "shuffled": "shuffled"}
LENGTHS = dict(clean=4000, familiar=500, more=1500, noisy=1500, again=1500, shuffled=1500, other=2500)
QUICK = dict(clean=600, familiar=200, more=300, noisy=300, again=300, shuffled=300, other=300)
WINDOW, FORMER, REACHED = 100, 500, 0.95


def experiments(seed, quick):
    protocol = changes(seed, **(QUICK if quick else LENGTHS))
    found = {LEARNED: {}}
    for name, (sensory, hidden) in CLAMPED.items():
        found[name] = {f"level.{level}.{end}": hidden if level else sensory
                       for level in range(4) for end in ("lowest", "highest")}
    return {name: Experiment(model=MODELS / "fena.py", protocol=protocol, seed=seed, parameters=given)
            for name, given in found.items()}


def changes(seed, clean, familiar, more, noisy, again, shuffled, other):
    """Clean data, then data of other quality and of another grammar, as the definition says."""
    grammar, random = MotifGrammar(), np.random.default_rng([seed, 7])
    backwards = attrs.evolve(grammar, motifs=[motif[::-1] for motif in grammar.motifs])
    ids = grammar.training(noisy, seed=30_000 + seed).events["token"].to_numpy()
    replaced = np.where(random.random(noisy) < 0.2, random.integers(len(grammar.vocabulary), size=noisy), ids)
    mixed = random.permutation(grammar.training(shuffled, seed=40_000 + seed).events["token"].to_numpy())
    streams = dict(
        clean=grammar.training(clean, seed=1 + seed), familiar=grammar.training(familiar, seed=10_000 + seed),
        more=grammar.training(more, seed=70_000 + seed),
        noisy=TokenStream.from_ids(replaced, grammar.vocabulary), again=grammar.training(again, seed=50_000 + seed),
        shuffled=TokenStream.from_ids(mixed, grammar.vocabulary), other=backwards.training(other, seed=60_000 + seed))
    starts = dict(clean=None, familiar="clean", more="clean", noisy="clean", again="noisy", shuffled="clean", other="clean")
    pace = FixedPace(duration=48 * ms, blank=12 * ms)
    return Protocol(
        name="data_quality", measured_signal="precision_l: gain of the level's error units",
        description="Clean, noisy and shuffled data, and another grammar",
        blocks=[Block(name=name, stream=stream, pace=pace, start_from=starts[name],
                      controls=dict(plasticity_gain=0.0) if name == "familiar" else {}) for name, stream in streams.items()])


def measure(runs, quick):
    precision, error = (np.array([[of(run, block) for block in QUALITIES] for run in runs[LEARNED]])
                        for of in (at_end, late_error))
    rows = [Measured("share of networks in which level 0's precision is highest on clean and lowest on shuffled data",
                     share((np.diff(precision[:, :, 0], axis=1) < 0).all(axis=1)), Bar(">=", 0.8))]
    former = np.max([[formerly(run) for run in of] for of in runs.values()], axis=0)
    of_network = {"next-token accuracy, frozen": (lambda run, _: accuracy(run, "familiar"), 1, 0.01),
                  "settling iterations, frozen": (lambda run, _: settled(run), -1, 0.5),
                  "tokens until recovery from noise": (lambda run, best: recovery(run, "again", best), -1, 50),
                  "tokens until another grammar is learned": (lambda run, best: recovery(run, "other", best), -1, 50)}
    for label, (value, sign, tie) in of_network.items():
        values = {name: np.array([value(run, best) for run, best in zip(of, former)]) for name, of in runs.items()}
        best = max(CLAMPED, key=lambda name: sign * np.median(values[name]))
        better = paired(sign * values[LEARNED], sign * values[best])
        rows.append(Measured(f"{label}: gain of learned precision over the best clamped", better, Bar(">=", 0),
                             Otherwise("the same, a tie", better, Bar(">=", -tie)), note=f"best clamped: {best}"))
        rows += [Reported(f"{label}: {name}", summarise(found)) for name, found in values.items()]
    rows += [Reported(f"{name}: share of networks that recover from {change} within the block",
                      share([recovery(run, block, best) < len(run.events(block)) for run, best in zip(of, former)]))
             for name, of in runs.items() for change, block in (("noise", "again"), ("another grammar", "other"))]
    for level in range(4):
        x, y = np.log(error[:, :, level]), np.log(precision[:, :, level])
        slopes = [np.polyfit(a, b, 1)[0] for a, b in zip(x, y)]
        rows += [Reported(f"level {level}: slope of log precision on log error over the three kinds of data", summarise(slopes)),
                 *[Reported(f"level {level}: precision on {quality} data", summarise(precision[:, place, level]))
                   for place, quality in enumerate(QUALITIES.values())]]
    return rows


def at_end(run, block):
    """Precision of every level after the last token."""
    return run.tokens(block)["precision"].transpose("event", "level").to_numpy()[-1].astype(float)


def late_error(run, block):
    """Mean error of every level over the last tokens."""
    return level_errors(run, block)[-FORMER:].mean("event").to_numpy()


def settled(run):
    """Median settling iterations, learning frozen."""
    return np.median(settling_iterations(run, "familiar"))


def formerly(run):
    """Accuracy at the end of the first clean tokens."""
    return token_scores(run, "clean")["correct"].to_numpy()[-FORMER:].mean()


def recovery(run, block, former):
    """Tokens until accuracy is what it was on clean data (`former`), or the length of the block."""
    reached = np.flatnonzero(moving_accuracy(run, block) >= REACHED * former)
    return int(reached[0]) + WINDOW if len(reached) else len(run.events(block))


def moving_accuracy(run, block):
    """Accuracy over WINDOW tokens, the first window first."""
    return np.convolve(token_scores(run, block)["correct"].to_numpy(), np.ones(WINDOW) / WINDOW, "valid")


def figure(runs):
    """Log precision against log error over levels and data, and accuracy through the changes of data."""
    drawn = new_figure(PAGE_WIDTH, 62)
    with sheet():
        axes = drawn.subplots(1, 3)
        for (block, quality), marker in zip(QUALITIES.items(), "o^x"):
            for level in range(4):
                points = np.array([(late_error(run, block)[level], at_end(run, block)[level]) for run in runs[LEARNED]])
                axes[0].plot(*points.T, marker, color=level_colour(level), alpha=0.6, markeredgewidth=0.5)
            axes[0].plot([], [], marker, color="black", label=quality)
        axes[0].set(xscale="log", yscale="log", xlabel="squared error per unit", ylabel="learned precision")
        axes[0].legend(loc="upper left")
        for ax, block, title in ((axes[1], "again", "clean again (tokens)"), (axes[2], "other", "another grammar (tokens)")):
            for name, colour in zip(runs, ("black", level_colour(1), level_colour(0))):
                curves = [moving_accuracy(run, block) for run in runs[name]]
                ax.plot(WINDOW + np.arange(len(curves[0])), np.median(curves, axis=0), color=colour, label=name)
            ax.set(xlabel=title, ylabel="accuracy over 100 tokens", ylim=(0, 1))
        drawn.legend(*axes[2].get_legend_handles_labels(), loc="outside upper right", ncols=len(runs))
        for level in range(4):
            axes[0].text(1.02, 0.02 + 0.07 * level, f"level {level}", color=level_colour(level), fontsize=6,
                         transform=axes[0].transAxes)
        for ax, text in zip(axes, "abc"):
            letter(ax, text)
    return drawn
