"""Reverberation of a delayed predictive-coding loop after one short token (phenomenon P12).

A token of 1 ms, then silence: the linear loop rings with the eigenvalue of its closed form,
lambda = W0(-2 delay/tau)/(2 delay), oscillating where 2 delay/tau > 1/e and unstable where it
exceeds pi/2 (Alamia & VanRullen 2019, doi 10.1371/journal.pbio.3000487). One run is one point:

    fena run protocols/delay_loop.py --set model.delay=8*ms --set tau=25*ms

and `python protocols/delay_loop.py` runs the whole grid and prints the table. The time constant is
a run argument; each delay is a build of its own, so the grid goes through the time constants of one
delay first.
"""

from pathlib import Path

import numpy as np
from brian2 import Quantity, ms, second

from fena_sim import Block, FixedPace, Probe, Protocol, load_model, run
from fena_sim.measure import delay_loop_eigenvalue, dominant_mode
from fena_sim.stimulus import OMITTED, TokenStream, one_hot

MODEL = "../models/delay_loop.py"
DELAYS = (4, 6, 8, 10, 12, 14, 16, 20)  # ms, one way
TAUS = (10, 17, 25, 34, 50, 100)  # ms
#: Between these 2 delay/tau the frequency is compared; P12 leaves the neighbourhoods of the bounds
#: out.
LOWEST, HIGHEST = 0.45, 1.5
PULSE, INTERVAL = 1 * ms, 1 * ms


def protocol(silence=1 * second):
    """An impulse and `silence` after it."""
    stream = TokenStream.from_list(["impulse", OMITTED], one_hot(["impulse"]))
    pace = FixedPace(duration=Quantity([PULSE, silence]), blank=1 * ms)
    probes = [Probe("error_0", "x", interval=INTERVAL), Probe("state_1", "y", interval=INTERVAL)]
    return Protocol(
        name="delay_loop",
        measured_signal="x: the prediction error, as the EEG's impulse response",
        description="Impulse response of a delayed predictive-coding loop",
        blocks=[Block(name="ringing", stream=stream, pace=pace, probes=probes)],
    )


def point(ring):
    """(delay, tau) of a run, in s."""
    declared = ring.manifest["inputs"]["model"]
    delay = declared["projections"][0]["delay"]
    tau = declared["populations"][1]["parameters"]["tau"]
    return float(delay["value"]) if delay else 0.0, float(tau["value"])


def measure(ring):
    """Measured and closed-form eigenvalue of a run, 1/s. Window: from one loop time after the
    token.
    """
    delay, tau = point(ring)
    trace = ring.traces("ringing")["state_1.y"].isel(state_1_unit=0)
    events = ring.events("ringing")
    start = events["onset"][0] + events["duration"][0] + 2 * delay
    free = trace.sel(time=slice(start, None)).to_numpy()
    return dominant_mode(free, INTERVAL), delay_loop_eigenvalue(delay, tau)


def summary(runs):
    """Frequencies (Hz) and growth rates (1/s) by run, with their closed forms and P12's criteria c1
    and c2.
    """
    points = np.array([point(r) for r in runs])
    measured, closed = np.array([measure(r) for r in runs]).T
    loop = 2 * points[:, 0] / points[:, 1]
    compared = (loop > LOWEST) & (loop < HIGHEST)
    ratio = measured[compared].imag / closed[compared].imag
    return {
        "delay_ms": (1e3 * points[:, 0]).tolist(),
        "tau_ms": (1e3 * points[:, 1]).tolist(),
        "frequency": (measured.imag / (2 * np.pi)).tolist(),
        "closed_frequency": (closed.imag / (2 * np.pi)).tolist(),
        "growth": measured.real.tolist(),
        "closed_growth": closed.real.tolist(),
        "frequency_ratio": ratio.tolist(),
        "label_agrees": float(np.mean((measured.real > 0) == (loop > np.pi / 2))),
    }


def grid(delays=DELAYS, taus=TAUS, dt=None, out="runs", device="auto"):
    """Runs of all points, delay by delay."""
    runs = []
    path = Path(__file__).parent / MODEL
    for delay in delays:
        model = load_model(path, delay=delay * ms)
        model = model if dt is None else model.with_parameter("dt", dt)
        runs += [
            run(model.with_parameter("tau", tau * ms), protocol(), out=out, device=device)
            for tau in taus
        ]
    return runs


if __name__ == "__main__":
    table = summary(grid())
    columns = ("delay_ms", "tau_ms", "frequency", "closed_frequency", "growth", "closed_growth")
    print("delay ms  tau ms  2 delay/tau  f Hz  closed f  growth 1/s  closed growth")
    for row in zip(*(table[name] for name in columns)):
        print(
            "{:8.0f}{:8.0f}{:13.3f}{:6.2f}{:10.2f}{:12.2f}{:15.2f}".format(
                *row[:2], 2 * row[0] / row[1], *row[2:]
            )
        )
    ratio = table["frequency_ratio"]
    print(
        f"frequency ratio where {LOWEST} < 2 delay/tau < {HIGHEST}: {min(ratio):.4f} to {max(ratio):.4f}"
    )
    print(f"stable/unstable label agrees with the pi/2 bound: {table['label_agrees']:.0%}")
