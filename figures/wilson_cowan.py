"""Wilson-Cowan pairs: a limit cycle in the phase plane, its frequency, and hysteresis, as in Wilson &
Cowan 1972.

(a) Their Figure 11: E against I of the pair that oscillates, at the last P of the staircase's way up
that is not above 1.25, on its nullclines. (b) Their Figure 12: frequency of the oscillation against P.
(c) Their Figure 5: E of the pair with hysteresis against P, on the way up and on the way down; the line
is the curve of steady states, which is closed-form in E. In (a) and (b) lines are an independent
integration of the paper's equations (SciPy's LSODA) with the paper's values; in all panels dots are the
network.
"""

import numpy as np
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from fena_sim.plot import PAGE_WIDTH, Needs, new_figure, script, sheet, style

RECORDED = ("E_cycle", "I_cycle", "E_hysteresis")
NEEDS = {"staircase": Needs(name="staircase", samples=[f"{name}.*" for name in RECORDED])}
COMMAND = "fena run protocols/wilson_cowan.py"
TAU = 10e-3  # s
#: c1 to c4, a and theta of excitatory cells, a and theta of inhibitory cells, of the paper.
CYCLE = (16.0, 12.0, 15.0, 3.0, 1.3, 4.0, 2.0, 3.7)
HYSTERESIS = (12.0, 4.0, 13.0, 11.0, 1.2, 2.8, 1.0, 4.0)
#: P of Figure 11.
SHOWN = 1.25


def response(x, a, theta):
    return 1 / (1 + np.exp(-a * (x - theta))) - 1 / (1 + np.exp(a * theta))


def inverse(y, a, theta):
    return theta - np.log(1 / (y + 1 / (1 + np.exp(a * theta))) - 1) / a


def largest(a, theta):
    return 1 - 1 / (1 + np.exp(a * theta))


def rates(values, p, pair):
    """dE/dt and dI/dt in 1/s."""
    c1, c2, c3, c4, *cells = pair
    e, i = values
    s_e, s_i = response(c1 * e - c2 * i + p, *cells[:2]), response(c3 * e - c4 * i, *cells[2:])
    k_e, k_i = largest(*cells[:2]), largest(*cells[2:])
    return np.array([(-e + (k_e - e) * s_e) / TAU, (-i + (k_i - i) * s_i) / TAU])


def orbit(p, pair=CYCLE, seconds=2.0):
    """(time, E, I) of an independent integration in its last three quarters, from rest."""
    time = np.linspace(seconds / 4, seconds, 6001)
    found = solve_ivp(
        lambda _, values: rates(values, p, pair),
        (0, seconds),
        [0.1, 0.05],
        t_eval=time,
        method="LSODA",
        rtol=1e-8,
        atol=1e-10,
    )
    return time, *found.y


def period_rate(time, e):
    """Frequency (Hz) of E, 0 where it rests."""
    if np.ptp(e) < 0.02:
        return 0.0
    mean = (e.max() + e.min()) / 2
    crossings = time[:-1][(e[:-1] <= mean) & (e[1:] > mean)]
    return (len(crossings) - 1) / (crossings[-1] - crossings[0])


def steady(pair=HYSTERESIS):
    """(P, E) of steady states: the I that belongs to an E, and then the P."""
    c1, c2, c3, c4, *cells = pair
    k_e, k_i = largest(*cells[:2]), largest(*cells[2:])
    e = np.linspace(-0.03, 0.9999 * k_e**2 / (1 + k_e), 400)  # where S_e < k_e
    i = np.array([brentq(lambda y, x=x: rates((x, y), 0.0, pair)[1], -0.2, k_i) for x in e])
    return inverse(e / (k_e - e), *cells[:2]) - c1 * e + c2 * i, e


def traces(run):
    """{variable: values (time,)} and the time of the staircase."""
    recorded = run.traces("staircase")
    names = ("E_cycle.activity", "I_cycle.activity", "E_hysteresis.activity")
    found = {name: recorded[name].load() for name in names}
    time = found[names[0]][found[names[0]].dims[0]].to_numpy()
    return time, {name.partition(".")[0]: values.to_numpy()[:, 0] for name, values in found.items()}


def figure(runs):
    """Three panels; networks do not differ, so the last run is drawn."""
    run = runs[-1]
    time, recorded = traces(run)
    events = run.events("staircase")
    p = run.vocabulary.codes[events["token"], 0]
    rising = np.arange(len(p)) < len(p) / 2
    late = [
        (time > onset + duration / 4) & (time < onset + duration - 1e-9)
        for onset, duration in zip(events["onset"], events["duration"])
    ]
    with sheet():
        fig = new_figure(PAGE_WIDTH, 58)
        plane, frequency, switches = fig.subplots(1, 3)
        shown = np.flatnonzero(rising & (p <= SHOWN))[-1]
        _phase_plane(plane, p[shown], *(recorded[name][late[shown]] for name in RECORDED[:2]))
        _frequencies(frequency, time, recorded["E_cycle"], p[rising], np.array(late)[rising])
        curve = steady()
        switches.plot(*curve, color="0.6", label="steady states")
        for way, mark, name in ((rising, "^", "P rises"), (~rising, "v", "P falls")):
            mean = [recorded["E_hysteresis"][part].mean() for part in np.array(late)[way]]
            switches.plot(p[way], mean, mark, ls="none", label=name, ms=3.5)
        switches.set(xlabel="input P", ylabel="E, mean of a step", xlim=(p.min(), p.max()))
        switches.legend(loc="center right")
        for ax, text in zip((plane, frequency, switches), "abc"):
            style.letter(ax, text)
    return fig


def _phase_plane(ax, p, e, i):
    axis = np.linspace(0, 0.5, 300)
    grid = rates(np.meshgrid(axis, axis), p, CYCLE)
    for values, colour, name in zip(grid, ("#0072B2", "#D55E00"), ("dE/dt = 0", "dI/dt = 0")):
        ax.contour(axis, axis, values, [0], colors=colour, linewidths=0.7)
        ax.plot([], [], color=colour, lw=0.7, label=name)
    ax.plot(*orbit(p)[1:], color="0.6", label="independent")
    ax.plot(e, i, ".k", ms=1.5, label="network")
    ax.set(xlabel="E", ylabel="I", xlim=(0, 0.5), ylim=(0, 0.5), title=f"P = {p:.4g}")
    ax.legend(loc="upper left")


def _frequencies(ax, time, e, p, parts):
    fine = np.linspace(p.min(), p.max(), 81)
    line = [period_rate(*orbit(value)[:2]) for value in fine]
    ax.plot(fine, line, color="0.6", label="independent")
    found = [period_rate(time[part], e[part]) for part in parts]
    ax.plot(p, found, ".k", label="network")
    ax.set(xlabel="input P", ylabel="frequency (Hz)")
    ax.legend(loc="upper left")


if __name__ == "__main__":
    script.main(figure, NEEDS, "wilson_cowan")
