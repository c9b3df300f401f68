"""C18: the three failures, as a laboratory would see them, and the controls that it would ask for."""

import numpy as np
from brian2 import ms
from c09_levels_argue import CONDITIONS, HELD, MATCHED, SLOW
from c09_levels_argue import experiments as unlike_speeds
from c10_traps import TREATED as TEMPERATURE
from c10_traps import experiments as traps
from networks import MODELS, PROTOCOLS, short
from scipy import signal

from fena_sim import load_protocol
from fena_sim.claims import Experiment, Measured, Reported, Threshold
from fena_sim.load.user_file import load_file
from fena_sim.measure import paired, share, summarise, token_scores, trapped
from fena_sim.plot import PAGE_WIDTH, level_colour, new_figure, sheet
from fena_sim.show.style import letter

ID = "C18"
CLAIM = "Its failures look like those of biological circuits: a smaller mismatch response, a rhythm, perseveration."
DEFINITION = """Networks that failed in C08, C09 and C10 against healthy ones, the same seeds. Each sign is a change in the published
direction, and has controls: what a control shows as well, or what vanishes with it, is no evidence of the sign; its row then fails.
Mismatch. Collapsed precision can be had with the rule of models/fena_flat_memory.py only (three hidden levels; C08: without
log-determinant, log-prior and floor), since precision by demand does not collapse. protocols/many_standards.py, 300 tokens per
block (75 not counted), from the network after one short pass, with the same constants. Response of level 1: sum of |error| times
its precision, 0 to 250 ms from the onset minus the 50 ms before; D, S, C as deviant, as standard, among ten equally rare tokens.
Sign: D - S is smaller in failed networks. Published: the mismatch negativity is smaller under ketamine, by 27 % and 21 % (Umbricht
et al. 2000, doi 10.1001/archpsyc.57.12.1139), and in schizophrenia (d = .99; Umbricht & Krljes 2005, doi
10.1016/j.schres.2004.12.002). Controls: weight-free, D - S of the same errors without the precision must be smaller too (a
collapsed precision makes its own product smaller, whatever the errors do). Many standards: iPE = (D - C)/sqrt(D^2 + S^2 + C^2) of
the healthy networks must be .10 or more, or their mismatch is no response to deviance but adaptation, and smaller in failed ones.
Adaptation: the iPE of synaptic depression alone on the same tokens (fena_sim.measure.depression; May 2021, doi
10.3389/fnhum.2021.721574) must be below .10, or the control of many standards would control for nothing.
Rhythm. Sign: power of the states of level 1 between 8 and 30 Hz, Welch, segments of 504 ms, summed over units, as a share of their
variance, while 20 tokens are held for 240 ms each (pace 4 Hz), is larger with slow error units (C09) than in the matched network.
Published: a predictive-coding loop with delays reverberates at 10 Hz (Alamia & VanRullen 2019, doi 10.1371/journal.pbio.3000487);
alpha and beta power is higher where input is predictable (Bastos et al. 2020, doi 10.1073/pnas.2014868117). It has no weight.
Control: slowness alone, the states of the matched network through a first-order low-pass filter with the time constant of the slow
error units (20 ms), must not have more power there than without the filter: slow units shift power to lower frequencies without
any rhythm.
Perseveration. Sign: share of the most frequent predicted token among the predictions for 800 frozen tokens, larger without noise
(T0 = 0) than annealed, in networks of C10 that are trapped. Control: an observer that counts tokens and forgets with a time constant
of 100 tokens (item frequency, no context), on the same tokens, must not name one token more often than the healthy network does;
otherwise, not having learned is enough for the sign.
That more rhythm and perseveration are what patients or animals show, is an interpretation: no published number is compared. A
likeness of sign does not show a common cause."""
HEALTHY, FAILED = "healthy", "failed"
DEVIANCE = load_file(PROTOCOLS / "many_standards.py", "protocol")
OLD = dict(model="fena_flat_memory", levels=3)
PRECISION = {HEALTHY: {}, FAILED: dict(lowest=1e-9, log_determinant_weight=0.0, kappa=0.0)}
TOKENS, QUICK_TOKENS = 300, 60
BAND = (8.0, 30.0)
SEGMENT = 504  # samples of 1 ms: two tokens held
LEAST_PREDICTION = 0.10
FORGETTING = 100  # tokens
SMALLER, LARGER = Threshold("<", 0, interval=True), Threshold(">", 0, interval=True)


def experiments(seed, quick):
    tokens = QUICK_TOKENS if quick else TOKENS
    deviance = load_protocol(
        PROTOCOLS / "many_standards.py",
        seed=seed,
        levels=OLD["levels"],
        tokens=tokens,
        familiarisation=0,
    ).protocol
    found = {}
    for state, parameters in PRECISION.items():
        trained = short(seed, quick, parameters=parameters, may_stop=True, **OLD)
        found[f"precision, {state}"] = Experiment(
            model=MODELS / f"{OLD['model']}.py",
            protocol=deviance,
            seed=seed,
            parameters=parameters,
            start=(trained, "training"),
            may_stop=True,
        )
    for state, name in ((HEALTHY, MATCHED), (FAILED, SLOW)):
        found[f"speeds, {state}"] = unlike_speeds(seed, quick)[name + HELD]
    for state, temperature in ((HEALTHY, TEMPERATURE), (FAILED, 0.0)):
        found[f"trap, {state}"] = traps(seed, quick)[f"T0 = {temperature:g}"]
    return found


def measure(runs, quick):
    return [*_mismatch_rows(runs), *_rhythm_rows(runs), *_perseveration_rows(runs)]


def _mismatch_rows(runs):
    healthy, failed = _pairs(runs, "precision")
    if not healthy:
        return []
    tables = {
        (state, weighted): [DEVIANCE.deviance(run, weighted).sel(level=1) for run in of]
        for state, of in ((HEALTHY, healthy), (FAILED, failed))
        for weighted in (True, False)
    }

    def values(state, weighted, name):
        return [float(table[name]) for table in tables[state, weighted]]

    def difference(weighted, name):
        return paired(*(values(state, weighted, name) for state in (FAILED, HEALTHY)))

    adapted = [float(DEVIANCE.adaptation(run)["prediction_error"][0]) for run in healthy]
    expected = values(HEALTHY, True, "prediction_error")
    rows = [
        Measured(
            "mismatch of level 1: failed minus healthy", difference(True, "mismatch"), SMALLER
        ),
        Measured(
            "control, weight-free mismatch of level 1: failed minus healthy",
            difference(False, "mismatch"),
            SMALLER,
        ),
        Measured(
            "control, many standards: iPE of level 1, healthy",
            summarise(expected),
            Threshold(">=", LEAST_PREDICTION),
        ),
        Measured(
            "control, many standards: iPE of level 1, failed minus healthy",
            difference(True, "prediction_error"),
            SMALLER,
        ),
        Measured(
            "control, adaptation: iPE of depression alone",
            summarise(adapted),
            Threshold("<", LEAST_PREDICTION),
        ),
    ]
    for (state, weighted), _ in tables.items():
        weight = "weighted" if weighted else "weight-free"
        rows += [
            Reported(f"{weight} mismatch: {state}", summarise(values(state, weighted, "mismatch"))),
            Reported(
                f"{weight} iPE: {state}", summarise(values(state, weighted, "prediction_error"))
            ),
        ]
    return rows


def _rhythm_rows(runs):
    healthy, failed = _pairs(runs, "speeds")
    if not healthy:
        return []
    label = "power of level 1's states, 8 to 30 Hz"
    filtered = [rhythm(run, slowed) for run in healthy]
    return [
        _change(f"{label}: failed minus healthy", rhythm, healthy, failed),
        Measured(
            f"control, slowness alone: {label}, filtered minus healthy",
            paired(filtered, [rhythm(run) for run in healthy]),
            Threshold("<=", 0),
        ),
        *_both(label, rhythm, healthy, failed),
        Reported(f"{label}: slowness alone", summarise(filtered)),
    ]


def _perseveration_rows(runs):
    rows = [
        Reported(
            "share of untreated networks that are trapped",
            share([trapped(run) for run in runs["trap, failed"]]),
        )
    ]
    healthy, failed = _pairs(runs, "trap")
    if not healthy:
        return rows
    label = "share of the most frequent prediction"
    counted = [most_frequent(item_frequency(run)) for run in healthy]
    return [
        _change(f"{label}: failed minus healthy", perseveration, healthy, failed),
        Measured(
            f"control, item frequency alone: {label} minus healthy",
            paired(counted, [perseveration(run) for run in healthy]),
            Threshold("<=", 0),
        ),
        *_both(label, perseveration, healthy, failed),
        Reported(f"{label}: item frequency alone", summarise(counted)),
        *rows,
    ]


def _change(measure, of_run, healthy, failed):
    values = ([of_run(run) for run in of] for of in (failed, healthy))
    return Measured(measure, paired(*values), LARGER)


def _both(label, of_run, healthy, failed):
    return [
        Reported(f"{label}: {state}", summarise([of_run(run) for run in of]))
        for state, of in ((HEALTHY, healthy), (FAILED, failed))
    ]


def _pairs(runs, name):
    """Healthy and failed networks of the same seeds, two lists: where both ended and, of traps, the
    failed one is in one.
    """
    both = zip(runs[f"{name}, {HEALTHY}"], runs[f"{name}, {FAILED}"])
    kept = [(a, b) for a, b in both if a.finished and b.finished and (name != "trap" or trapped(b))]
    return [a for a, _ in kept], [b for _, b in kept]


def spectrum(run, change=np.asarray):
    """(frequency in Hz, power per Hz) of the states of level 1, changed by a function of the array
    (time, unit), summed over units, as a share of their variance.
    """
    states = change(run.traces("held")["state_1.r"].to_numpy())
    frequency, power = signal.welch(states, fs=1000, nperseg=SEGMENT, axis=0)
    return frequency, power.sum(axis=1) / states.var(axis=0).sum()


def rhythm(run, change=np.asarray):
    """Power in BAND, as a share of the variance."""
    frequency, power = spectrum(run, change)
    inside = (frequency >= BAND[0]) & (frequency <= BAND[1])
    return float(power[inside].sum() * (frequency[1] - frequency[0]))


def slowed(states):
    """States, sampled at 1 ms, through a low-pass filter as slow as the slow error units."""
    kept = np.exp(-1 / float(CONDITIONS[SLOW]["tau_e"] / ms))
    return signal.lfilter([1 - kept], [1, -kept], states - states[0], axis=0)


def perseveration(run):
    """Share of the most frequent choice."""
    return most_frequent(token_scores(run, "familiar")["choice"].to_numpy())


def most_frequent(choices):
    """Share of the most frequent of the choices, whole numbers."""
    return float(np.bincount(choices).max() / len(choices))


def item_frequency(run):
    """What an observer of leaky counts names before every frozen token, from the counts of the last
    training tokens on.
    """
    learned, tested = (run.events(block)["token"].to_numpy() for block in ("training", "familiar"))
    tokens = np.concatenate([learned, tested])
    shown = np.eye(len(run.vocabulary.symbols))[tokens]
    leaky = signal.lfilter([1.0], [1.0, -np.exp(-1 / FORGETTING)], shown, axis=0)
    return leaky[len(learned) - 1 : -1].argmax(axis=1)


def figure(runs):
    """Failed beside healthy: mismatch with and without its weight, iPE; spectrum, with that of slowness
    alone as the control; predictions, with those of item frequency alone.
    """
    drawn = new_figure(PAGE_WIDTH, 105)
    colours = {HEALTHY: "black", FAILED: level_colour(1)}
    with sheet():
        grid = drawn.add_gridspec(2, 6)
        axes = [drawn.add_subplot(grid[0, 2 * k : 2 * k + 2]) for k in range(3)]
        axes += [drawn.add_subplot(grid[1, 3 * k : 3 * k + 3]) for k in range(2)]
        _draw_mismatch(axes[:3], _pairs(runs, "precision"), colours)
        speeds, trap = _pairs(runs, "speeds"), _pairs(runs, "trap")
        drawn_of = [(run, slowed, "#8C8C8C") for run in speeds[0]]
        for (state, colour), paced, stuck in zip(colours.items(), speeds, trap):
            drawn_of += [(run, np.asarray, colour) for run in paced]
            for run in stuck:
                _draw_choices(axes[4], token_scores(run, "familiar")["choice"], colour)
            axes[4].plot([], [], color=colour, label=state)
        for run, change, colour in drawn_of:
            frequency, power = spectrum(run, change)
            axes[3].loglog(frequency[1:], power[1:], color=colour, linewidth=0.5, alpha=0.6)
        for run in trap[0]:
            _draw_choices(axes[4], item_frequency(run), "#8C8C8C")
        axes[4].plot([], [], color="#8C8C8C", label="control")
        axes[3].axvspan(*BAND, color="#8C8C8C", alpha=0.16, linewidth=0)
        axes[3].set(
            xlabel="frequency (Hz)",
            ylabel="power (share of variance per Hz)",
            xlim=(1, 200),
            ylim=(1e-6, None),
        )
        axes[4].set(
            xlabel="predicted tokens by frequency",
            ylabel="share of predictions",
            ylim=(0, None),
            xticks=(1, 4, 8, 12, 16),
        )
        axes[4].legend(loc="upper right")
        for ax, text in zip(axes, "abcde"):
            letter(ax, text)
    return drawn


def _draw_mismatch(axes, pairs, colours):
    shown = (
        (True, "mismatch", "mismatch of level 1,\nprecision-weighted"),
        (False, "mismatch", "mismatch of level 1,\nweight-free"),
        (True, "prediction_error", "iPE of level 1,\nprecision-weighted"),
    )
    for ax, (weighted, name, label) in zip(axes, shown):
        both = [
            [float(DEVIANCE.deviance(run, weighted)[name].sel(level=1)) for run in of]
            for of in pairs
        ]
        for values in zip(*both):
            ax.plot([0, 1], values, color="#8C8C8C", linewidth=0.5, alpha=0.6)
        for place, (values, colour) in enumerate(zip(both, colours.values())):
            ax.plot([place] * len(values), values, "o", color=colour, alpha=0.5, markeredgewidth=0)
            if values:
                ax.plot(place, np.median(values), "_", color="black", markersize=14)
        ax.axhline(0, color="#8C8C8C", linewidth=0.5)
        ax.set_xticks([0, 1], ["healthy", "precision\ncollapsed"])
        ax.set(xlim=(-0.5, 1.5), ylabel=label)


def _draw_choices(ax, choices, colour):
    counts = np.bincount(np.asarray(choices), minlength=16)
    shares = np.sort(counts)[::-1] / counts.sum()
    ax.plot(np.arange(1, 17), shares, color=colour, linewidth=0.5, alpha=0.6)
