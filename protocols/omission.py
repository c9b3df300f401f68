"""Omission: what remains of a token that was expected and does not come?

A familiar token stream in which one token in ten is left out. "withheld": the sensory gate stays
closed, so that the bare prediction remains. "silence": the gate opens on nothing, so that the
prediction meets the absent input and is answered by error units (a negative prediction error).
"intact": the same tokens with none left out. Traces of every level at 1 ms. Give a trained network
with --from.
"""

import numpy as np
from brian2 import ms

from fena_sim import INITIAL, Block, FixedPace, Probe, Protocol
from fena_sim.measure import accuracy, token_scores
from fena_sim.stimulus import MotifGrammar, omissions

MODEL = "../models/fena.py"


def protocol(seed=0, tokens=400, p_omission=0.1, levels=2):
    """`tokens` familiar tokens, three times: intact, withheld, silence; `levels` is the number of
    hidden levels of the model.
    """
    familiar = MotifGrammar().training(tokens, seed=40_000 + seed)
    gaps = omissions(familiar, p=p_omission, seed=50_000 + seed)
    pace = FixedPace(duration=48 * ms, blank=12 * ms)
    probes = [
        Probe(f"error_{level}", ["error", "prediction"] if level == 0 else "error")
        for level in range(levels + 1)
    ]
    probes += [Probe("state_1", "r")]
    common = dict(pace=pace, controls=dict(plasticity_gain=0.0), start_from=INITIAL, probes=probes)
    return Protocol(
        name="omission",
        description="Familiar stream with one token in ten left out",
        measured_signal="error_0 (negative part): activity of error units from the time the token was due",
        blocks=[
            Block(name="intact", stream=familiar, **common),
            Block(name="withheld", stream=gaps, omission_gate=0.0, **common),
            Block(name="silence", stream=gaps, omission_gate=1.0, **common),
        ],
    )


def expected_token(run, block):
    """Share of omitted tokens that the prediction names although they do not come."""
    events = run.events(block)
    omitted = events["omitted"].to_numpy()
    named = token_scores(run, block)["choice"].to_numpy()
    return float((named[omitted] == events["expected"].to_numpy()[omitted]).mean())


def level_0_error(run, block, omitted):
    """Mean squared sensory error at the onset of omitted or of presented tokens."""
    chosen = run.events(block)["omitted"].to_numpy() == omitted
    return float(run.tokens(block)["onset_error"].values[chosen, 0].mean())


def summary(runs):
    """Medians over networks."""

    def median(values):
        return float(np.median(list(values)))

    return {
        "expected_token_named": median(expected_token(run, "withheld") for run in runs),
        "accuracy_intact": median(accuracy(run, "intact") for run in runs),
        "omission_error": median(level_0_error(run, "silence", True) for run in runs),
        "presented_error": median(level_0_error(run, "silence", False) for run in runs),
        "withheld_error": median(level_0_error(run, "withheld", True) for run in runs),
    }


if __name__ == "__main__":
    from fena_sim.commands.main import run_file

    run_file(__file__)
