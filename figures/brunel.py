"""The four states of the sparse random network, as in Figure 8 of Brunel 2000.

One column for each state, with its rate, the mean coefficient of variation of intervals (CV), the
frequency at which the spectrum of activity peaks and the periodicity there (`fena_sim.measure.spiking`).
Above: spikes of 60 neurons over 100 ms, 50 of them excitatory (black). Below: rate of all neurons in
bins of 0.3 ms. The last run is drawn.
"""

import numpy as np
from brian2 import ms

from fena_sim.measure import spiking
from fena_sim.plot import PAGE_WIDTH, Needs, new_figure, script, sheet, style

BLOCKS = ("SR", "SI_fast", "AI", "SI_slow")
NEEDS = {block: Needs(name=block, spikes=True) for block in BLOCKS}
COMMAND = "fena run protocols/brunel.py"
TITLES = dict(
    SR="synchronous\nregular",
    SI_fast="synchronous\nirregular, fast",
    AI="asynchronous\nirregular",
    SI_slow="synchronous\nirregular, slow",
)
SHOWN = dict(E=50, I=10)  # neurons
SPAN, BIN = 0.099, 0.3e-3  # s
FIRST = 200 * ms


def figure(runs):
    """Two rows of panels, one column for each state."""
    run = runs[-1]
    with sheet():
        fig = new_figure(PAGE_WIDTH, 85)
        axes = fig.subplots(2, len(BLOCKS), sharex=True)
        for column, block, text in zip(axes.T, BLOCKS, "abcd"):
            end = run.events(block).iloc[-1]
            stop = float(end["onset"] + end["duration"])
            _column(column, run, block, max(0.0, stop - SPAN))
            style.letter(column[0], text)
        axes[0, 0].set_ylabel("neuron")
        axes[1, 0].set_ylabel("rate of all neurons (Hz)")
    return fig


def _column(axes, run, block, start):
    recorded, below, rates = run.traces(block), 0, 0.0
    edges = start + BIN * np.arange(int(round(SPAN / BIN)) + 1)
    found = spiking(run, block, first=min(FIRST, start * 1e3 * ms), bin=BIN * 1e3 * ms)
    total = 0
    for name, colour in (("E", "black"), ("I", "#D55E00")):
        time = recorded[f"{name}.spike_time"].to_numpy()
        unit = recorded[f"{name}.spike_unit"].to_numpy()
        late = (time >= edges[0]) & (time < edges[-1])
        time, unit = time[late], unit[late]
        few = unit < SHOWN[name]
        axes[0].plot(1e3 * (time[few] - start), unit[few] + below, "|", color=colour, ms=1.5)
        below += SHOWN[name]
        rates = rates + np.histogram(time, edges)[0]
        total += len(run.state(block)[f"{name}.v"])
    axes[0].set(title=TITLES[block], ylim=(-1, below), yticks=[])
    axes[1].stairs(rates / total / BIN, 1e3 * (edges - start), color="black", lw=0.5)
    axes[1].set(xlabel="time (ms)", xlim=(0, 1e3 * SPAN), ylim=(0, None))
    axes[1].set_title(
        f"{found.rate:.3g} Hz, CV {found.cv:.2f}\nperiodicity {found.periodicity:.2f} at {found.frequency:.3g} Hz",
        fontsize=6,
    )


if __name__ == "__main__":
    script.main(figure, NEEDS, "brunel")
