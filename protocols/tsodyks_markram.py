"""Regular trains at many rates: how far depressing synapses settle, and how.

Tsodyks & Markram (1997, doi 10.1073/pnas.94.2.719, Figures 1 and 3): the response to a regular train
falls from spike to spike to a steady state, and beyond a limiting rate, 1/(U tau_rec), the steady
postsynaptic potentials fall as 1/rate, so that their sum says nothing more of the rate. Each rate is a
token, its code the rate in units of the model's; resources recover in the blanks.
"""

import numpy as np
import pandas as pd
from brian2 import Hz, ms, second

from fena_sim import Block, FixedPace, Probe, Protocol
from fena_sim.stimulus import TokenStream, Vocabulary

MODEL = "../models/tsodyks_markram.py"
#: The rate that the model gives to a code of 1.
UNIT = 40 * Hz
#: The decay time of its synaptic current.
TAU_IN = 3 * ms


def protocol(rates=(1, 2, 5, 10, 20, 40, 50, 80, 100), duration=5 * second, blank=4 * second):
    """A train of `duration` at each of the `rates` (Hz), whose periods should be multiples of dt."""
    symbols = [f"{rate} Hz" for rate in rates]
    codes = np.array(rates, dtype=float)[:, None] / float(UNIT)
    return Protocol(
        name="tsodyks_markram",
        description="Regular presynaptic trains at many rates",
        measured_signal="error_0.error: the postsynaptic potential (mV)",
        blocks=[
            Block(
                name="trains",
                stream=TokenStream.from_list(symbols, Vocabulary(symbols, codes, "rate")),
                pace=FixedPace(duration=duration, blank=blank),
                probes=[
                    Probe("error_0", ["error", "current"], interval=0.5 * ms),
                    Probe("afferent", "spikes"),
                ],
            )
        ],
    )


def steady(run):
    """The steady state of every train: a table with the columns `rate` (Hz), `current` (that the last
    spike adds, pA; the potential that a spike evokes is proportional to it) and `mean` (of the
    potential over the last whole period, mV).
    """
    events, recorded = run.events("trains"), run.traces("trains")
    potential, current = (
        recorded[f"error_0.{name}"].load().isel(error_0_unit=0) for name in ("error", "current")
    )
    time = potential[potential.dims[0]].to_numpy()
    spikes, step = recorded["afferent.spike_time"].to_numpy(), time[1] - time[0]
    rows = []
    for token, onset, duration in zip(events["token"], events["onset"], events["duration"]):
        within = spikes[(spikes >= onset) & (spikes < onset + duration)]
        first, last = np.searchsorted(time, within[-2:] - step / 2)
        before, after = current[last : last + 2].to_numpy()
        rows.append(
            dict(
                rate=float(run.vocabulary.codes[token, 0] * UNIT),
                current=1e12 * (after - before * np.exp(-step / float(TAU_IN))),
                mean=float(potential[first + 1 : last + 1].mean()),
            )
        )
    return pd.DataFrame(rows)


def summary(runs):
    """Of the last run, as all are equal: the current that a spike of the steady state adds (pA), and
    its product with the rate, which stays the same where it falls as 1/rate.
    """
    table = steady(runs[-1]).sort_values("rate")
    return {
        f"{name}_at_{row.rate:g}_Hz": value
        for row in table.itertuples()
        for name, value in (("pA", row.current), ("pA_times_Hz", row.current * row.rate))
    }


if __name__ == "__main__":
    from fena_sim.commands.main import run_file

    run_file(__file__)
