"""Input that rises step by step and falls again: hysteresis of one Wilson-Cowan pair, the frequency
of the other.

Wilson & Cowan (1972, doi 10.1016/S0006-3495(72)86068-5) find that slow changes of the input P switch
one pair between two states at inputs that differ between the way up and the way down (their Figure 5),
and that the other pair oscillates above a threshold, the faster the stronger P (their Figures 11 and
12). Each level of P is a token; its code is P, and there are no blanks.
"""

import numpy as np
import pandas as pd
from brian2 import ms

from fena_sim import Block, EventPace, Probe, Protocol
from fena_sim.stimulus import TokenStream, Vocabulary

MODEL = "../models/wilson_cowan.py"
#: Of each pair, what stands for the measured signal.
CYCLE, HYSTERESIS = "E_cycle.activity", "E_hysteresis.activity"


def protocol(lowest=-0.5, highest=2.0, step=0.125, duration=400 * ms):
    """P from `lowest` up to `highest` and down again in equal steps, each held for `duration`."""
    inputs = np.linspace(lowest, highest, int(round((highest - lowest) / step)) + 1)
    symbols = [f"P={value:.4g}" for value in inputs]
    vocabulary = Vocabulary(symbols, inputs[:, None], "input")
    probes = [
        Probe(f"{cells}_{kind}", "activity", interval=1 * ms)
        for kind in ("hysteresis", "cycle")
        for cells in ("E", "I")
    ]
    return Protocol(
        name="wilson_cowan",
        description="Input in steps up and down to Wilson-Cowan pairs",
        measured_signal="activity of the excitatory population",
        blocks=[
            Block(
                name="staircase",
                stream=TokenStream.from_list([*symbols, *symbols[::-1]], vocabulary),
                pace=EventPace(
                    onset=np.arange(2 * len(symbols)) * duration, duration=duration, pause=0 * ms
                ),
                probes=probes,
            )
        ],
    )


def steps(run, variable="E_cycle.activity"):
    """What happens at each step, after the first quarter of it: a table (step) with the columns
    `input`, `up` (whether P rises), `mean`, `range` and `frequency` (Hz; 0 without oscillation).
    """
    events = run.events("staircase")
    trace = run.traces("staircase")[variable].load()
    trace = trace.isel({trace.dims[-1]: 0})
    rows = []
    for k, (onset, duration) in enumerate(zip(events["onset"], events["duration"])):
        time = slice(onset + duration / 4, onset + duration - 1e-9)
        values = trace.sel({trace.dims[0]: time}).to_numpy()
        rows.append(
            dict(
                input=float(run.vocabulary.codes[events["token"][k], 0]),
                up=k < len(events) / 2,
                mean=values.mean(),
                range=float(np.ptp(values)),
                frequency=frequency(values, 1e-3),
            )
        )
    return pd.DataFrame(rows)


def frequency(values, interval):
    """Frequency (Hz) of the upward crossings of the mean; 0 if the range is below 0.02."""
    above = values > values.mean()
    before = np.flatnonzero(~above[:-1] & above[1:])
    if np.ptp(values) < 0.02 or len(before) < 2:
        return 0.0
    low, high = values[before], values[before + 1]
    crossing = before + (values.mean() - low) / (high - low)
    return float((len(crossing) - 1) / (crossing[-1] - crossing[0]) / interval)


def summary(runs):
    """Of the last run, as all are equal: where the states switch on the way up and on the way down,
    the smallest P of the limit cycle, and its frequencies there and at the largest P.
    """
    table = steps(runs[-1], HYSTERESIS)
    up, down = (table[table["up"] == way].sort_values("input") for way in (True, False))
    high = [float(part["input"][part["mean"] > 0.25].min()) for part in (up, down)]
    cycle = steps(runs[-1], CYCLE)
    moving = cycle[(cycle["frequency"] > 0) & cycle["up"]]
    return {
        "switches_on_the_way_up": high[0],
        "switches_on_the_way_down": high[1],
        "oscillates_from": float(moving["input"].min()),
        "frequency_from": float(moving["frequency"].iloc[0]),
        "frequency_to": float(moving["frequency"].iloc[-1]),
    }


if __name__ == "__main__":
    from fena_sim.commands.main import run_file

    run_file(__file__)
