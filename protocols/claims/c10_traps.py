"""C10: networks that stay in a trap, and noise that gets them out."""

import numpy as np
from networks import short

from fena_sim.claims import Measured, Reported, Threshold, once
from fena_sim.measure import NGram, accuracy, settling_iterations, share, summarise, trapped
from fena_sim.plot import PAGE_WIDTH, level_colour, new_figure, sheet
from fena_sim.show.style import letter

ID = "C10"
CLAIM = "The energy landscape has traps; noise that is annealed while learning escapes them."
DEFINITION = """models/fena.py with rectified units and biases of -.5 at first (all units silent: a stationary point of the
free energy), one pass of 3,000 tokens of the motif grammar, then 800 new tokens with learning frozen. A network is trapped
if its accuracy there is below that of a bigram table counted on its own training tokens (fena_sim.measure.trapped).
Temperature T0 at the first token, falling linearly to 0 over three quarters of the pass, so that tests are read without
noise; T0 = 0 is untreated. The same networks (seeds, options, tokens) at every T0. Trap rate: share of 20 networks; the threshold:
the rate at T0 = .1 at most a fifth of that at T0 = 0. Bias and T0 were chosen on seeds 100 to 102. Whether noise is needed
while learning, and not merely a start that is not silent, is told by the same networks with a bias of 0 and no noise."""
TOKENS = 3000
TRAPPING = dict(rectified=True, bias=-0.5)
SCHEDULES = (0.0, 0.03, 0.1, 0.3)
TREATED = 0.1
UNBIASED = "bias 0, no noise"


def experiments(seed, quick):
    found = {
        f"T0 = {t:g}": short(seed, quick, temperature=t, options=TRAPPING, tokens=TOKENS)
        for t in ((0.0, TREATED) if quick else SCHEDULES)
    }
    return {**found, UNBIASED: short(seed, quick, options=dict(TRAPPING, bias=0.0), tokens=TOKENS)}


def measure(runs, quick):
    rates = {name: share([trapped(run) for run in of]) for name, of in runs.items()}
    untreated, treated = rates["T0 = 0"].median, rates[f"T0 = {TREATED:g}"].median
    ratio = once(treated / untreated if untreated else 1, len(runs["T0 = 0"]))
    rows = [
        Measured("untreated: trap rate", rates["T0 = 0"], Threshold(">", 0)),
        Measured(
            f"trap rate at T0 = {TREATED:g}, divided by that at T0 = 0", ratio, Threshold("<=", 0.2)
        ),
    ]
    for name, of in runs.items():
        rows += [
            Reported(f"{name}: trap rate", rates[name]),
            Reported(
                f"{name}: next-token accuracy, frozen",
                summarise([accuracy(run, "familiar") for run in of]),
            ),
            Reported(
                f"{name}: settling iterations, frozen",
                summarise([np.median(settling_iterations(run, "familiar")) for run in of]),
            ),
        ]
    return rows + [
        Reported("accuracy of the bigram table", summarise([bigram(run) for run in runs["T0 = 0"]]))
    ]


def bigram(run):
    """Accuracy of the table of the token before, counted on the run's training tokens."""
    table = NGram(2, len(run.vocabulary.symbols)).fit(run.events("training")["token"].to_numpy())
    return table.accuracy(run.events("familiar")["token"].to_numpy())


def figure(runs):
    """Trap rate and accuracy over T0."""
    drawn = new_figure(PAGE_WIDTH, 60)
    with sheet():
        left, right = drawn.subplots(1, 2)
        rates = [share([trapped(run) for run in of]) for of in runs.values()]
        for place, (rate, of) in enumerate(zip(rates, runs.values())):
            left.plot([place, place], [rate.low, rate.high], color="black", linewidth=0.8)
            left.plot(place, rate.median, "o", color=level_colour(0), markersize=4)
            values = [accuracy(run, "familiar") for run in of]
            right.plot(
                place + np.linspace(-0.15, 0.15, len(of)),
                values,
                "o",
                color=level_colour(0),
                alpha=0.5,
                markeredgewidth=0,
            )
            right.plot(place, np.median(values), "_", color="black", markersize=12)
        right.axhline(
            np.median([bigram(run) for run in runs["T0 = 0"]]),
            color="#8C8C8C",
            linewidth=0.7,
            linestyle=(0, (4, 2)),
        )
        left.set(ylim=(-0.03, 1.03), ylabel="trap rate, 95 % interval")
        right.set(ylim=(0, 1), ylabel="next-token accuracy (dashed: bigram)")
        for ax, text in ((left, "a"), (right, "b")):
            ax.set_xticks(range(len(runs)), [name.replace(", ", ",\n") for name in runs])
            letter(ax, text)
    return drawn
