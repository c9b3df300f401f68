"""What settling early saves: a token leaves when the hierarchy has settled, before and after
training.

A network is trained at the fixed pace of `first_contact` (60 ms per token). Copies of the untrained
and of the trained network then read the same tokens, with plasticity off, once at the fixed pace
and once at their own: the next token comes after 2 ms of rest. What a token costs is its time
steps, blank included.
"""

import numpy as np
from brian2 import ms

from fena_sim import INITIAL, Block, FixedPace, Protocol, SelfPaced
from fena_sim.measure import accuracy, settling_iterations
from fena_sim.stimulus import MotifGrammar

MODEL = "../models/fena.py"


def protocol(seed=0, tokens=16000, test_tokens=1500, plasticity_at_end=0.2):
    """One pass of training at a fixed pace, and tests at both paces before and after it."""
    grammar = MotifGrammar()
    fixed, own = (
        FixedPace(duration=48 * ms, blank=12 * ms),
        SelfPaced(blank=12 * ms, longest=48 * ms),
    )
    familiar = grammar.training(test_tokens, seed=10_000 + seed)
    falling = 1 - (1 - plasticity_at_end) * np.arange(tokens) / tokens
    tests = [
        Block(
            name=f"{start}_{pace}",
            stream=familiar,
            pace={"fixed": fixed, "own": own}[pace],
            controls=dict(plasticity_gain=0.0),
            start_from=INITIAL if start == "untrained" else "training",
        )
        for start in ("untrained", "trained")
        for pace in ("fixed", "own")
    ]
    training = Block(
        name="training",
        stream=grammar.training(tokens, seed=1 + seed),
        pace=fixed,
        controls=dict(plasticity_gain=falling),
        start_from=INITIAL,
    )
    return Protocol(
        name="self_paced",
        blocks=[training, *tests],
        measured_signal="time steps until the states of all levels have come to rest",
        description="Tokens that leave when the hierarchy has settled, before and after training",
    )


def summary(runs):
    """Medians over networks: time steps per token (mean over tokens), iterations until rest,
    accuracy.
    """

    def median(measure, block):
        return float(np.median([measure(run, block) for run in runs]))

    def steps(run, block):
        return float(
            run.events(block).eval("duration + onset - blank_onset").mean()
            / run.tokens(block).attrs["dt_s"]
        )

    blocks = [f"{start}_{pace}" for start in ("untrained", "trained") for pace in ("fixed", "own")]
    return {
        **{f"steps_{block}": median(steps, block) for block in blocks},
        **{f"iterations_{block}": median(settling_iterations, block) for block in blocks},
        **{f"accuracy_{block}": median(accuracy, block) for block in blocks},
    }


if __name__ == "__main__":
    from fena_sim.commands.main import run_file

    run_file(__file__)
