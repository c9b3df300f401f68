"""First contact with data: FENA learns a motif grammar from nothing, by settling alone.

Tokens: 16 symbols in 9 motifs of 3 to 5 tokens that share tokens; the class of the next motif
depends on the last two classes; 9 pairs of motifs are held out of training. Each token is a blank
of 12 ms, in which the prediction of the token to come is read, and a presentation of 48 ms. The
network sees one pass of 16,000 tokens. Plasticity falls linearly to a tenth over the pass, so that
at its end the weights hold the grammar rather than the last tokens. All tests use copies of the
trained network; "frozen" ones with plasticity off. In "without_1", "without_2", ... the predictions of
this level are knocked out: what a level contributes is what is lost there of "familiar", which reads
the same tokens.
"""

import numpy as np
from brian2 import ms

from fena_sim import INITIAL, Block, FixedPace, Probe, Protocol
from fena_sim.measure import (
    accuracy,
    bits,
    error_ratio,
    generalisation,
    inside_motif,
    settling_iterations,
)
from fena_sim.stimulus import MotifGrammar, omissions

MODEL = "../models/fena.py"
#: What the names of blocks begin with in which a level is knocked out.
WITHOUT = "without_"


def protocol(seed=0, tokens=16000, test_tokens=1500, plasticity_at_end=0.1, batch=1, levels=2):
    """One pass of training, and tests on familiar and held-out combinations; `tokens` for each of
    `batch` streams. `levels` is the number of hidden levels of the model.
    """
    grammar = MotifGrammar()
    pace = FixedPace(duration=48 * ms, blank=12 * ms)
    seeds = [seed + 100_000 * stream for stream in range(batch)]
    learned = [grammar.training(tokens, seed=1 + s) for s in seeds]
    familiar = [grammar.training(test_tokens, seed=10_000 + s) for s in seeds]
    held_out = [grammar.held_out(test_tokens, seed=20_000 + s) for s in seeds]
    few = [omissions(stream[:60], p=0.1, seed=30_000 + s) for stream, s in zip(familiar, seeds)]
    frozen = dict(plasticity_gain=0.0)
    falling = 1 - (1 - plasticity_at_end) * np.arange(tokens) / tokens
    hidden = range(1, levels + 1)
    probes = [Probe(f"state_{level}", "r") for level in hidden]
    probes += [
        Probe(f"error_{level}", ["error", "prediction"] if level == 0 else "error")
        for level in range(levels + 1)
    ]
    return Protocol(
        name="first_contact",
        measured_signal="mean square of error_l: population activity of error units",
        description="Motif grammar, one pass from nothing, then familiar and held-out combinations",
        blocks=[
            Block(
                name="untrained",
                stream=[stream[:300] for stream in familiar],
                pace=pace,
                controls=frozen,
                start_from=INITIAL,
            ),
            Block(
                name="traces_before",
                stream=few,
                pace=pace,
                controls=frozen,
                probes=probes,
                start_from=INITIAL,
            ),
            Block(
                name="training",
                stream=learned,
                pace=pace,
                controls=dict(plasticity_gain=falling),
                start_from=INITIAL,
            ),
            Block(
                name="familiar", stream=familiar, pace=pace, controls=frozen, start_from="training"
            ),
            Block(
                name="held_out", stream=held_out, pace=pace, controls=frozen, start_from="training"
            ),
            Block(
                name="online",
                stream=familiar,
                pace=pace,
                start_from="training",
                controls=dict(plasticity_gain=float(falling[-1])),
            ),
            Block(
                name="traces_after",
                stream=few,
                pace=pace,
                controls=frozen,
                probes=probes,
                start_from="training",
            ),
            *(
                Block(
                    name=f"{WITHOUT}{level}",
                    stream=familiar,
                    pace=pace,
                    controls=frozen | dict(knocked_out=level),
                    start_from="training",
                )
                for level in hidden
            ),
        ],
    )


def summary(runs):
    """Medians over networks (and over streams, where a network reads several) of what the article
    calls the first results.
    """
    runs = [stream for run in runs for stream in run.streams]

    def median(values):
        return np.median(list(values), axis=0).tolist()

    def inside_novel(run):
        return accuracy(run, "held_out", inside_motif(run.events("held_out"), novel=True))

    without = [block for block in runs[0].blocks if block.startswith(WITHOUT)]
    return {
        "accuracy_frozen": median(accuracy(run, "familiar") for run in runs),
        "accuracy_online": median(accuracy(run, "online") for run in runs),
        "accuracy_novel": median(inside_novel(run) for run in runs),
        "iterations_untrained": median(settling_iterations(run, "untrained") for run in runs),
        "iterations_trained": median(settling_iterations(run, "familiar") for run in runs),
        "error_ratio": median(error_ratio(run) for run in runs),
        "novel_error_ratio": median(
            generalisation(run).loc["novel", "relative_error"] for run in runs
        ),
        "bits_frozen": median(bits(run, "familiar") for run in runs),
        "knock_out": [median(accuracy(run, block) for run in runs) for block in without],
    }


if __name__ == "__main__":
    from fena_sim.commands.main import run_file

    run_file(__file__)
