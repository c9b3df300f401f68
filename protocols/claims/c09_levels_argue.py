"""C09: levels of unlike speeds, and what stops their argument."""

import numpy as np
from brian2 import ms
from networks import short

from fena_sim.claims.claim import Bar, Measured, Reported
from fena_sim.measure import (
    accuracy,
    error_series,
    free_energy_trace,
    oscillation_index,
    paired,
    phase_lag,
    reversals,
    share,
    summarise,
)
from fena_sim.plot import PAGE_WIDTH, level_colour, new_figure, sheet
from fena_sim.plot.style import letter

ID = "C09"
CLAIM = "Levels with unlike speeds fight: the hierarchy oscillates; time constants, and rates that adapt in each level, cure it."
DEFINITION = """models/fena.py, one short pass of the motif grammar (6,000 tokens), then new tokens, learning frozen.
Matched: the model as it is (error units tau_e = 1 ms, states 14, 28, 56 ms, one rate for all levels). Untreated, speeds:
tau_e = 10 ms. Treated: tau_e = 2 ms. Untreated, rates: eta of levels 1 and 2 times 100, adaptive = 0; treated: the same with
adaptive = 1 (each level's own rate control). A network rings if the free energy turns up again at least once in the median
token, by 5 % of that token's range (fena_sim.measure.reversals on free_energy_trace, 40 frozen tokens, 1 ms; level 0, which
is categorical, enters with its squared probability error); sensitivity: 2 % and 10 %. Its levels oscillate across tokens if
oscillation_index of error_series says so of any level (last 2,048 training tokens). No artefact of the integrator: the same
network with dt = .5 ms rings as well, and its reversals differ by less than .5. Phase lag of level 1's squared error behind
level 0's, and its frequency: Welch cross-spectrum, 25 to 250 Hz, above the pace of tokens. Constants were chosen on seed
100. The model has no conduction delays; for those see protocols/delay_loop.py."""
HALF, SERIES, BAND = 0.5 * ms, 2048, (25, 250)
RATE = 100 * 0.01 / ms
MATCHED, SLOW, SLOW_HALF, TREATED = ("matched", "untreated, slow error units", "untreated, slow error units, dt halved",
                                     "treated, time constants")
RATES, ADAPTIVE = "untreated, unlike rates", "treated, adaptive rates"
UNLIKE = {"level.1.eta": RATE, "level.2.eta": RATE}
CONDITIONS = {
    MATCHED: {}, SLOW: dict(tau_e=10 * ms), SLOW_HALF: dict(tau_e=10 * ms, dt=HALF), "tau_e = 5 ms": dict(tau_e=5 * ms),
    TREATED: dict(tau_e=2 * ms), RATES: dict(adaptive=0.0, **UNLIKE), ADAPTIVE: UNLIKE}


def experiments(seed, quick):
    return {name: short(seed, quick, parameters=given, may_stop=name != MATCHED) for name, given in CONDITIONS.items()}


def measure(runs, quick):
    ended = {name: [run for run in of if run.finished] for name, of in runs.items()}
    turns = {name: np.array([turns_per_token(run) for run in of]) for name, of in ended.items()}
    across = {name: [any(o.oscillates for o in across_tokens(run)) for run in of] for name, of in ended.items()}
    rows = [Measured("untreated, slow error units: share of networks that ring", share(turns[SLOW] >= 1), Bar(">=", 0.8)),
            Measured("the same with dt halved: share of networks that ring", share(turns[SLOW_HALF] >= 1), Bar(">=", 0.8)),
            Measured("reversals per token, dt halved minus dt: largest difference", summarise(_difference(runs)), Bar("<", 0.5)),
            Measured("treated, time constants: share of networks that ring", share(turns[TREATED] >= 1), Bar("<=", 0)),
            Measured("treated, time constants: share of networks that oscillate across tokens", share(across[TREATED]),
                     Bar("<=", 0)),
            _against_matched(runs, TREATED),
            Measured("untreated, unlike rates: share of networks that ring or oscillate across tokens",
                     share((turns[RATES] >= 1) | np.array(across[RATES], dtype=bool)), Bar(">=", 0.8)),
            Measured("treated, adaptive rates: share of networks that ring or oscillate across tokens",
                     share((turns[ADAPTIVE] >= 1) | np.array(across[ADAPTIVE], dtype=bool)), Bar("<=", 0)),
            _against_matched(runs, ADAPTIVE),
            Measured("treated, adaptive rates: share of runs that stay finite",
                     share([run.finished for run in runs[ADAPTIVE]]), Bar(">=", 1))]
    for name, of in ended.items():
        rows.append(Reported(f"{name}: share of runs that stay finite", share([run.finished for run in runs[name]])))
        if not of:
            continue
        rows += [Reported(f"{name}: reversals per token", summarise(turns[name])),
                 *[Reported(f"{name}: share of networks that ring, turns of {tolerance:.0%} of the range",
                            share([turns_per_token(run, tolerance) >= 1 for run in of])) for tolerance in (0.02, 0.1)],
                 Reported(f"{name}: share of networks that oscillate across tokens", share(across[name])),
                 Reported(f"{name}: largest oscillation index across tokens",
                          summarise([max(o.index for o in across_tokens(run)) for run in of])),
                 Reported(f"{name}: next-token accuracy, frozen", summarise([accuracy(run, "familiar") for run in of]))]
        lags = [lag(run) for run in of]
        rows += [Reported(f"{name}: frequency of the strongest common rhythm of levels 0 and 1, Hz",
                          summarise([found.frequency for found in lags])),
                 Reported(f"{name}: lag of level 1 behind level 0 there, rad", summarise([found.phase for found in lags])),
                 Reported(f"{name}: coherence there", summarise([found.coherence for found in lags]))]
    return rows


def turns_per_token(run, tolerance=0.05):
    """Reversals of the free energy in the median token."""
    return reversals(free_energy_trace(run, "trace"), run.events("trace"), tolerance)


def across_tokens(run):
    """The Oscillation of every level's error over the last training tokens."""
    series = error_series(run)[-SERIES:]
    return [oscillation_index(series.sel(level=level).to_numpy()) for level in series["level"].to_numpy()]


def lag(run):
    """PhaseLag of level 1's squared error behind level 0's."""
    traces = run.traces("trace")
    zero, one = (traces[f"precision_{level}.mean_square"][:, 0].to_numpy() for level in (0, 1))
    return phase_lag(zero, one, 1 * ms, band=BAND)


def _difference(runs):
    """Of the networks that ended at both steps."""
    pairs = [(a, b) for a, b in zip(runs[SLOW], runs[SLOW_HALF]) if a.finished and b.finished]
    return [abs(turns_per_token(a) - turns_per_token(b)) for a, b in pairs]


def _against_matched(runs, name):
    pairs = [(a, b) for a, b in zip(runs[name], runs[MATCHED]) if a.finished]
    found = paired(*([accuracy(run, "familiar") for run in of] for of in zip(*pairs)))
    return Measured(f"{name}: accuracy minus that of the matched network", found, Bar(">=", -0.02))


def figure(runs):
    """Free energy in three tokens, reversals and accuracy of every condition."""
    drawn = new_figure(PAGE_WIDTH, 62)
    colours = {MATCHED: "black", SLOW: level_colour(1), TREATED: level_colour(0)}
    with sheet():
        axes = drawn.subplots(1, 3, width_ratios=(1.3, 1, 1), sharey=False)
        for name, colour in colours.items():
            run = next(run for run in runs[name] if run.finished)
            energy, events = free_energy_trace(run, "trace"), run.events("trace")
            start = float(events["onset"].iloc[10])
            shown = energy.sel(time=slice(start, start + 0.18))
            axes[0].plot((shown["time"] - start) * 1000, shown - shown.min(), color=colour, label=name, linewidth=0.8)
        axes[0].set(xlabel="time (ms), three tokens", ylabel="free energy above its least (nat)", yscale="symlog")
        axes[0].legend(loc="upper right")
        for ax, of_run, label in ((axes[1], turns_per_token, "reversals per token"),
                                  (axes[2], lambda run: accuracy(run, "familiar"), "next-token accuracy, frozen")):
            for place, name in enumerate(reversed(list(runs))):
                values = [of_run(run) for run in runs[name] if run.finished]
                ax.plot(values, [place] * len(values), "o", color=colours.get(name, "#8C8C8C"), alpha=0.5, markeredgewidth=0)
            ax.set(yticks=range(len(runs)), xlabel=label)
            ax.set_xlim(left=0)
        axes[1].set_yticklabels(list(runs)[::-1])
        axes[2].set_yticklabels([])
        for ax, text in zip(axes, "abc"):
            letter(ax, text)
    return drawn
