"""Depressing synapses: a regular train, and the steady response against the rate, as in Tsodyks &
Markram 1997.

(a) Their Figure 1: the potential that a train of 20 Hz evokes (the rate nearest to it, of those
presented). (b) Their Figure 3: what a spike of the steady state evokes, against the rate. It is the
current, to which the potential evoked by one spike is proportional; the dashed line is
A/(tau_rec rate), which falls as 1/rate. (c) The mean potential, which no longer tells the rate beyond the limiting
rate 1/(U tau_rec), dotted. Dots are the network; lines are the closed form: resources before spike n of
a train of period T, R_(n+1) = 1 - (1 - (1 - U) R_n) exp(-T/tau_rec), and a sum over spikes of
exponential currents, filtered by the membrane.
"""

import numpy as np

from fena_sim.plot import PAGE_WIDTH, Needs, new_figure, script, sheet, style

NEEDS = {"trains": Needs(name="trains", samples=["error_0.*", "afferent.*"])}
COMMAND = "fena run protocols/tsodyks_markram.py"
#: Of the model: A R_in (mV), U, and tau_rec, tau_in, tau_mem (s).
LARGEST, USE, TAU_REC, TAU_IN, TAU_MEM = 25.0, 0.5, 0.8, 3e-3, 40e-3
EFFICACY = 250.0  # pA
RATE_UNIT = 40.0  # Hz; a code of 1
SHOWN = 20.0  # Hz


def resources(n, period):
    """R before each of n spikes, (n,)."""
    kept, values = np.exp(-period / TAU_REC), [1.0]
    for _ in range(n - 1):
        values.append(1 - (1 - (1 - USE) * values[-1]) * kept)
    return np.array(values)


def steady_resources(period):
    kept = np.exp(-period / TAU_REC)
    return (1 - kept) / (1 - (1 - USE) * kept)


def potential(time, rate):
    """V (mV) at times (s) since the first spike of a train."""
    spikes = np.arange(0, time[-1] + 1e-9, 1 / rate)
    released = LARGEST * USE * resources(len(spikes), 1 / rate)
    since = time[:, None] - spikes
    return (released * kernel(np.maximum(since, 0)) * (since >= 0)).sum(axis=1)


def kernel(t):
    """Potential after a current of 1 (times R_in) that decays."""
    return TAU_IN / (TAU_MEM - TAU_IN) * (np.exp(-t / TAU_MEM) - np.exp(-t / TAU_IN))


def steady_cycle(rate, samples=2000):
    """V (mV) over a period of the steady state: sums of geometric series."""
    period = 1 / rate
    t = np.linspace(0, period, samples)
    released = LARGEST * USE * steady_resources(period)
    slow, fast = (np.exp(-t / tau) / (1 - np.exp(-period / tau)) for tau in (TAU_MEM, TAU_IN))
    return released * TAU_IN / (TAU_MEM - TAU_IN) * (slow - fast)


def trains(run):
    """[(rate, time since the first spike, V, current that the last spike adds in pA)], one per token."""
    events, recorded = run.events("trains"), run.traces("trains")
    trace, spikes = recorded["error_0.error"].load(), recorded["afferent.spike_time"].to_numpy()
    time, values = trace[trace.dims[0]].to_numpy(), trace.to_numpy()[:, 0]
    current, step = 1e12 * recorded["error_0.current"].to_numpy()[:, 0], time[1] - time[0]
    found = []
    for token, onset, duration in zip(events["token"], events["onset"], events["duration"]):
        within = spikes[(spikes >= onset) & (spikes < onset + duration)]
        # A spike acts at the end of the step in which it is sent.
        first, last = np.searchsorted(time, within[[0, -1]] - step / 2)
        since = time[first + 1 : last + 1] - time[first + 1]
        added = current[last + 1] - current[last] * np.exp(-step / TAU_IN)
        rate = RATE_UNIT * run.vocabulary.codes[token, 0]
        found.append((rate, since, values[first + 1 : last + 1], added))
    return found


def last_cycle(rate, time, values):
    return values[time >= time[-1] - 1 / rate + 1e-6]


def figure(runs):
    """Three panels; networks do not differ, so the last run is drawn."""
    found = sorted(trains(runs[-1]), key=lambda train: train[0])
    rates = np.array([rate for rate, *_ in found])
    fine = np.geomspace(rates[0], rates[-1], 200) if len(rates) > 1 else rates
    cycles = [last_cycle(*train[:3]) for train in found]
    with sheet():
        fig = new_figure(PAGE_WIDTH, 55)
        train, evoked, mean = fig.subplots(1, 3)
        rate, time, values, _ = found[np.argmin(abs(rates - SHOWN))]
        first = time < 0.8
        train.plot(
            1e3 * time[first], potential(time[first], rate), color="0.6", label="closed form"
        )
        train.plot(1e3 * time[first][::6], values[first][::6], ".k", ms=1.5, label="network")
        train.set(xlabel="time (ms)", ylabel="potential (mV)", title=f"train of {rate:g} Hz")
        train.legend(loc="upper right")
        line = EFFICACY * USE * np.array([steady_resources(1 / rate) for rate in fine])
        evoked.loglog(fine, line, color="0.6", label="closed form")
        evoked.loglog(rates, [added for *_, added in found], ".k", label="network")
        evoked.loglog(fine, EFFICACY / TAU_REC / fine, "--", color="0.6", lw=0.7, label="1/rate")
        evoked.set(xlabel="rate (Hz)", ylabel="current per spike (pA)")
        evoked.legend(loc="lower left")
        lines = [steady_cycle(rate) for rate in fine]
        mean.plot(fine, [v.mean() for v in lines], color="0.6", label="closed form")
        mean.plot(rates, [v.mean() for v in cycles], ".k", label="network")
        mean.axvline(1 / (USE * TAU_REC), color="0.6", ls=":", lw=0.7)
        mean.set(xlabel="rate (Hz)", ylabel="mean potential (mV)", ylim=(0, None))
        mean.legend(loc="lower right")
        for ax, text in zip((train, evoked, mean), "abc"):
            style.letter(ax, text)
    return fig


if __name__ == "__main__":
    script.main(figure, NEEDS, "tsodyks_markram")
