"""C18: the three failures, as a laboratory would see them."""

import numpy as np
from c08_precision_collapse import TREATED as WITH_PRECISION
from c08_precision_collapse import UNTREATED as COLLAPSED
from c08_precision_collapse import VARIANTS
from c09_levels_argue import HELD, MATCHED, SLOW
from c09_levels_argue import experiments as unlike_speeds
from c10_traps import TOKENS, TRAPPING
from c10_traps import TREATED as TEMPERATURE
from networks import MODELS, PROTOCOLS, short
from scipy import signal

from fena_sim import load_protocol
from fena_sim.claims import Experiment, Measured, Reported, Threshold
from fena_sim.measure import mismatch, paired, share, summarise, token_scores, trapped
from fena_sim.plot import PAGE_WIDTH, level_colour, new_figure, sheet
from fena_sim.show.style import letter

ID = "C18"
CLAIM = "Its failures look like those of biological circuits: a smaller mismatch response, a rhythm, perseveration."
DEFINITION = """Networks of C08, C09 and C10, failed against healthy, the same seeds. Mismatch: protocols/oddball.py with 150
tokens per block, from the trained network with the same constants; deviant minus standard, squared error
(fena_sim.analyse.mismatch) of level 1 times that level's precision at the end of training, as errors are sent upwards;
untreated C08 (collapsed) against the model as it is; without that weight it is reported for every level, since a lower
precision makes the weighted one smaller by itself. Published sign: the mismatch negativity is smaller under ketamine, by 27 %
and 21 % (Umbricht et al. 2000, doi 10.1001/archpsyc.57.12.1139), and in schizophrenia (d = .99; Umbricht & Krljes 2005, doi
10.1016/j.schres.2004.12.002). Rhythm: power of the states of level 1 between 8 and 30 Hz, Welch, segments of 504 ms, summed
over units, as a share of their variance, while 20 tokens are held for 240 ms each (pace 4 Hz); slow error units of C09
against the matched network. Published: a predictive-coding loop with delays reverberates at 10 Hz (Alamia & VanRullen 2019,
doi 10.1371/journal.pbio.3000487); alpha and beta power is higher where input is predictable (Bastos et al. 2020, doi
10.1073/pnas.2014868117). Perseveration: share of the most frequent predicted token among the predictions for 800 frozen
tokens, T0 = 0 against annealed, networks of C10 that are trapped. That more rhythm from unlike speeds, and perseveration from
a trap, are what patients or animals show, is an interpretation: no published number is compared. A change of size in the
published direction is what is judged; that likeness of sign shows a common cause, is not."""
HEALTHY, FAILED = "healthy", "failed"
ODDBALL, QUICK_ODDBALL = 150, 60
BAND = (8.0, 30.0)
SEGMENT = 504  # samples of 1 ms: two tokens held


def experiments(seed, quick):
    tokens = QUICK_ODDBALL if quick else ODDBALL
    oddball = load_protocol(PROTOCOLS / "oddball.py", seed=seed, levels=3, tokens=tokens).protocol
    found = {}
    for state, name in ((HEALTHY, WITH_PRECISION), (FAILED, COLLAPSED)):
        trained = short(seed, quick, parameters=VARIANTS[name], may_stop=True)
        found[f"precision, {state}"] = Experiment(
            model=MODELS / "fena_flat_memory.py",
            protocol=oddball,
            seed=seed,
            parameters=VARIANTS[name],
            start=(trained, "training"),
        )
    for state, name in ((HEALTHY, MATCHED), (FAILED, SLOW)):
        found[f"speeds, {state}"] = unlike_speeds(seed, quick)[name + HELD]
    for state, temperature in ((HEALTHY, TEMPERATURE), (FAILED, 0.0)):
        found[f"trap, {state}"] = short(
            seed, quick, temperature=temperature, options=TRAPPING, tokens=TOKENS
        )
    return found


def measure(runs, quick):
    readouts = {
        "precision": (weighted_mismatch, "mismatch response of level 1", "<"),
        "speeds": (rhythm, "power of level 1's states, 8 to 30 Hz", ">"),
        "trap": (perseveration, "share of the most frequent prediction", ">"),
    }
    rows = []
    for name, (of_run, label, relation) in readouts.items():
        pairs = _pairs(runs, name)
        if not pairs:
            continue
        healthy, failed = (np.array([of_run(run) for run in of]) for of in zip(*pairs))
        rows.append(
            Measured(
                f"{label}: failed minus healthy",
                paired(failed, healthy),
                Threshold(relation, 0, interval=True),
            )
        )
        rows += [
            Reported(f"{label}: {state}", summarise(values))
            for state, values in ((HEALTHY, healthy), (FAILED, failed))
        ]
    rows += [
        Reported(
            f"unweighted mismatch of level {level}: {state}",
            summarise(
                [
                    float(mismatch(run)["mismatch"].sel(level=level))
                    for run in runs[f"precision, {state}"]
                ]
            ),
        )
        for level in range(4)
        for state in (HEALTHY, FAILED)
    ]
    return [
        *rows,
        Reported(
            "share of untreated networks that are trapped",
            share([trapped(run) for run in runs["trap, failed"]]),
        ),
    ]


def _pairs(runs, name):
    """(healthy, failed) of the same seed, where both ended and, of traps, the failed one is in one."""
    both = zip(runs[f"{name}, {HEALTHY}"], runs[f"{name}, {FAILED}"])
    return [(a, b) for a, b in both if a.finished and b.finished and (name != "trap" or trapped(b))]


def weighted_mismatch(run):
    """Deviant minus standard of level 1, times its precision before the first token."""
    precision = run.tokens("oddball")["precision"].sel(level=1).to_numpy()[0]
    return float(precision * mismatch(run)["mismatch"].sel(level=1))


def spectrum(run):
    """(frequency in Hz, power per Hz) of the states of level 1, summed over units, as a share of
    their variance.
    """
    states = run.traces("held")["state_1.r"].to_numpy()
    frequency, power = signal.welch(states, fs=1000, nperseg=SEGMENT, axis=0)
    return frequency, power.sum(axis=1) / states.var(axis=0).sum()


def rhythm(run):
    """Power in BAND, as a share of the variance."""
    frequency, power = spectrum(run)
    inside = (frequency >= BAND[0]) & (frequency <= BAND[1])
    return float(power[inside].sum() * (frequency[1] - frequency[0]))


def perseveration(run):
    """Share of the most frequent choice."""
    choice = token_scores(run, "familiar")["choice"].to_numpy()
    return float(np.bincount(choice).max() / len(choice))


def figure(runs):
    """Mismatch, spectrum and frequency of predictions, failed beside healthy."""
    drawn = new_figure(PAGE_WIDTH, 62)
    colours = {HEALTHY: "black", FAILED: level_colour(1)}
    with sheet():
        axes = drawn.subplots(1, 3)
        for place, (state, colour) in enumerate(colours.items()):
            values = [weighted_mismatch(run) for run in runs[f"precision, {state}"]]
            axes[0].plot(
                place + np.linspace(-0.1, 0.1, len(values)),
                values,
                "o",
                color=colour,
                alpha=0.5,
                markeredgewidth=0,
            )
            axes[0].plot(place, np.median(values), "_", color="black", markersize=14)
            curves = [spectrum(run) for run in runs[f"speeds, {state}"] if run.finished]
            for frequency, power in curves:
                axes[1].loglog(frequency[1:], power[1:], color=colour, linewidth=0.5, alpha=0.6)
            chosen = [run for pair in _pairs(runs, "trap") for run in pair[place : place + 1]]
            for run in chosen:
                counts = np.bincount(
                    token_scores(run, "familiar")["choice"].to_numpy(), minlength=16
                )
                axes[2].plot(
                    np.arange(1, 17),
                    np.sort(counts)[::-1] / counts.sum(),
                    color=colour,
                    linewidth=0.5,
                    alpha=0.6,
                )
            axes[2].plot([], [], color=colour, label=state)
        axes[1].axvspan(*BAND, color="#8C8C8C", alpha=0.16, linewidth=0)
        axes[0].axhline(0, color="#8C8C8C", linewidth=0.5)
        axes[0].set_xticks([0, 1], ["healthy", "precision\ncollapsed"])
        axes[0].set(xlim=(-0.5, 1.5), ylabel="mismatch of level 1, precision-weighted")
        axes[1].set(
            xlabel="frequency (Hz)",
            ylabel="power (share of variance per Hz)",
            xlim=(1, 200),
            ylim=(1e-6, None),
        )
        axes[2].set(
            xlabel="predicted tokens by frequency",
            ylabel="share of predictions",
            ylim=(0, None),
            xticks=(1, 4, 8, 12, 16),
        )
        axes[2].legend(loc="upper right")
        for ax, text in zip(axes, "abc"):
            letter(ax, text)
    return drawn
