"""C09: levels of unlike speeds, and what stops their argument."""

import numpy as np
import xarray as xr
from brian2 import ms
from networks import MODELS, short

from fena_sim import Block, FixedPace, Probe, Protocol
from fena_sim.claims import Experiment, Measured, Reported, Threshold
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
from fena_sim.show.style import letter
from fena_sim.stimulus import MotifGrammar

ID = "C09"
CLAIM = "Levels with unlike speeds fight: the hierarchy oscillates; time constants, and rates that adapt in each level, cure it."
DEFINITION = """models/fena.py, two hidden levels, one short pass of the motif grammar (6,000 tokens), then new tokens, learning frozen.
Until version 0.1 this claim was measured on models/fena_flat_memory.py, where the states of higher levels were slower (14, 28,
56 ms). In models/fena.py all states take 14 ms: a higher level is slow because it hears of events only. What is made unlike here
are therefore error units against states, and the levels' rates of learning. Matched: the model as it is (error units tau_e = 1
ms, one rate for all levels). Untreated, speeds: tau_e = 20 ms, slower than the states. Treated: tau_e = 2 ms. 5 ms lies
between. Untreated, rates: eta of levels 1 and 2 times 100, adaptive = 0; treated: the same with adaptive = 1 (each level's own
rate control). A network rings if, in the median of 20 tokens held for 240 ms, the distance (root of the sum of squares) of the
states of level 1 from where they settle (the presentation's last sample), after its maximum, turns up again at least once by 5 %
of its range (fena_sim.measure.reversals); sensitivity: 2 % and 10 %. What comes before the maximum does not count: until slow
errors grow, states go on relaxing from the blank. Reversals of the free energy (free_energy_trace, 40 tokens of 48 ms; level 0,
which is categorical, enters with -Pi_0 ln p of the token) are reported, but do not tell a rhythm: the latency of slow error
units alone, errors of the blank fading before those of the token grow, makes one per token. Levels oscillate across tokens if
oscillation_index of error_series says so of any level (last 2,048 training tokens). No artefact of the integrator: the same
network with dt = .5 ms rings as well, its reversals differing by less than .5. Phase lag of level 1's squared error behind level
0's, and its frequency: Welch cross-spectrum, 25 to 250 Hz, above the pace of tokens. Constants and the measure of ringing were
chosen on the model of version 0.1 (seed 100) and kept. The model has no conduction delays; for those see protocols/delay_loop.py."""
HALF, SERIES, BAND = 0.5 * ms, 2048, (25, 250)
RATE = 100 * 0.01 / ms
MATCHED, SLOW, SLOW_HALF, TREATED = (
    "matched",
    "untreated, slow error units",
    "untreated, slow error units, dt halved",
    "treated, time constants",
)
RATES, ADAPTIVE = "untreated, unlike rates", "treated, adaptive rates"
UNLIKE = {"level.1.eta": RATE, "level.2.eta": RATE}
CONDITIONS = {
    MATCHED: {},
    SLOW: dict(tau_e=20 * ms),
    SLOW_HALF: dict(tau_e=20 * ms, dt=HALF),
    "tau_e = 5 ms": dict(tau_e=5 * ms),
    TREATED: dict(tau_e=2 * ms),
    RATES: dict(adaptive=0.0, **UNLIKE),
    ADAPTIVE: UNLIKE,
}
HELD = ": tokens held"


def experiments(seed, quick):
    found = {}
    for name, given in CONDITIONS.items():
        found[name] = short(seed, quick, parameters=given, may_stop=True)
        found[name + HELD] = Experiment(
            model=MODELS / "fena.py",
            protocol=held(seed),
            seed=seed,
            parameters=given,
            start=(found[name], "training"),
        )
    return found


def held(seed):
    """Twenty tokens, long enough for the states to settle."""
    block = Block(
        name="held",
        stream=MotifGrammar().training(20, seed=10_000 + seed),
        controls=dict(plasticity_gain=0.0),
        pace=FixedPace(duration=240 * ms, blank=12 * ms),
        probes=[Probe("state_1", "r")],
    )
    return Protocol(
        name="held",
        description="Tokens held for 240 ms, learning frozen",
        measured_signal="r of state_1: activity of state units",
        blocks=[block],
    )


def measure(runs, quick):
    ended = {name: [run for run in runs[name] if run.finished] for name in CONDITIONS}
    turns = {name: np.array([ringing(run) for run in runs[name + HELD]]) for name in CONDITIONS}
    across = {
        name: [any(o.oscillates for o in across_tokens(run)) for run in of]
        for name, of in ended.items()
    }
    rows = [
        Measured(
            "untreated, slow error units: share of networks that ring",
            share(turns[SLOW] >= 1),
            Threshold(">=", 0.8),
        ),
        Measured(
            "the same with dt halved: share of networks that ring",
            share(turns[SLOW_HALF] >= 1),
            Threshold(">=", 0.8),
        ),
        Measured(
            "the same: difference in reversals between dt and dt halved",
            summarise(abs(turns[SLOW] - turns[SLOW_HALF])),
            Threshold("<", 0.5),
        ),
        Measured(
            "treated, time constants: share of networks that ring",
            share(turns[TREATED] >= 1),
            Threshold("<=", 0),
        ),
        Measured(
            "treated, time constants: share of networks that oscillate across tokens",
            share(across[TREATED]),
            Threshold("<=", 0),
        ),
        _against_matched(runs, TREATED),
        Measured(
            "untreated, unlike rates: share of networks that oscillate across tokens",
            share(across[RATES]),
            Threshold(">=", 0.8),
        ),
        Measured(
            "treated, adaptive rates: share of networks that ring",
            share(turns[ADAPTIVE] >= 1),
            Threshold("<=", 0),
        ),
        Measured(
            "treated, adaptive rates: share of networks that oscillate across tokens",
            share(across[ADAPTIVE]),
            Threshold("<=", 0),
        ),
        _against_matched(runs, ADAPTIVE),
        Measured(
            "treated, adaptive rates: share of runs that stay finite",
            share([run.finished for run in runs[ADAPTIVE]]),
            Threshold(">=", 1),
        ),
    ]
    for name, of in ended.items():
        lags = [lag(run) for run in of]
        rows += [
            Reported(
                f"{name}: share of runs that stay finite",
                share([run.finished for run in runs[name]]),
            ),
            Reported(f"{name}: share of networks that ring", share(turns[name] >= 1)),
            *[
                Reported(
                    f"{name}: share of networks that ring, by {tolerance:.0%} of the range",
                    share([ringing(run, tolerance) >= 1 for run in runs[name + HELD]]),
                )
                for tolerance in (0.02, 0.1)
            ],
            Reported(
                f"{name}: reversals of the free energy per token",
                summarise([energy_turns(run) for run in of]),
            ),
            Reported(
                f"{name}: share of networks that oscillate across tokens", share(across[name])
            ),
            Reported(
                f"{name}: largest oscillation index across tokens",
                summarise([max(o.index for o in across_tokens(run)) for run in of]),
            ),
            Reported(
                f"{name}: next-token accuracy, frozen",
                summarise([accuracy(run, "familiar") for run in of]),
            ),
            Reported(
                f"{name}: common rhythm of levels 0 and 1, Hz",
                summarise([found.frequency for found in lags]),
            ),
            Reported(
                f"{name}: lag of level 1 behind level 0 there, rad",
                summarise([found.phase for found in lags]),
            ),
            Reported(f"{name}: coherence there", summarise([found.coherence for found in lags])),
        ]
    return rows


def distance(run):
    """Distance of the states of level 1 from the last sample of each presentation, its maximum
    until that is reached.
    """
    states, events = run.traces("held")["state_1.r"], run.events("held")
    time, values = states[states.dims[0]].to_numpy(), states.to_numpy()
    found = np.zeros(len(time))
    for onset, duration in zip(events["onset"], events["duration"]):
        first, last = (np.searchsorted(time, edge + 1e-9) for edge in (onset, onset + duration))
        away = np.linalg.norm(values[first:last] - values[last - 1], axis=1)
        away[: away.argmax()] = away.max()
        found[first:last] = away
    return xr.DataArray(found, dims="time", coords={"time": time})


def ringing(run, tolerance=0.05):
    """Reversals of `distance` in the median token."""
    return reversals(distance(run), run.events("held"), tolerance)


def energy_turns(run):
    """Reversals of the free energy in the median token."""
    return reversals(free_energy_trace(run, "trace"), run.events("trace"))


def across_tokens(run):
    """The Oscillation of every level's error over the last training tokens."""
    series = error_series(run)[-SERIES:]
    return [
        oscillation_index(series.sel(level=level).to_numpy())
        for level in series["level"].to_numpy()
    ]


def lag(run):
    """PhaseLag of level 1's squared error behind level 0's."""
    traces = run.traces("trace")
    zero, one = (traces[f"precision_{level}.mean_square"][:, 0].to_numpy() for level in (0, 1))
    return phase_lag(zero, one, 1 * ms, band=BAND)


def _against_matched(runs, name):
    pairs = [(a, b) for a, b in zip(runs[name], runs[MATCHED]) if a.finished]
    found = paired(*([accuracy(run, "familiar") for run in of] for of in zip(*pairs)))
    return Measured(
        f"{name}: accuracy minus that of the matched network", found, Threshold(">=", -0.02)
    )


def figure(runs):
    """Distance from where the states settle in two tokens, ringing, and accuracy of every
    condition.
    """
    drawn = new_figure(PAGE_WIDTH, 62)
    colours = {MATCHED: "black", SLOW: level_colour(1), TREATED: level_colour(0)}
    names = list(CONDITIONS)[::-1]
    with sheet():
        axes = drawn.subplots(1, 3, width_ratios=(1.2, 1, 1))
        for name, colour in colours.items():
            run = runs[name + HELD][0]
            trace, onset = distance(run), float(run.events("held")["onset"].iloc[10])
            shown = trace.sel(time=slice(onset + 1e-6, onset + 0.15))
            axes[0].plot(
                (shown["time"] - onset) * 1000,
                shown / shown.max(),
                color=colour,
                label=name,
                linewidth=0.9,
            )
        axes[0].set(
            xlabel="time from a token's onset (ms)", ylabel="distance from rest, of its maximum"
        )
        drawn.legend(
            *axes[0].get_legend_handles_labels(), loc="outside upper left", ncols=len(colours)
        )
        for ax, of_run, suffix, label in (
            (axes[1], ringing, HELD, "reversals of the distance"),
            (axes[2], lambda run: accuracy(run, "familiar"), "", "next-token accuracy, frozen"),
        ):
            for place, name in enumerate(names):
                values = [of_run(run) for run in runs[name + suffix] if run.finished]
                ax.plot(
                    values,
                    [place] * len(values),
                    "o",
                    color=colours.get(name, "#8C8C8C"),
                    alpha=0.5,
                    markeredgewidth=0,
                    clip_on=False,
                )
            ax.set_yticks(range(len(names)), names if suffix else [])
            ax.set_xlabel(label)
            ax.set_xlim(left=0)
        for ax, text in zip(axes, "abc"):
            letter(ax, text)
    return drawn
