"""Reading English, character by character, from nothing.

Text: the English prose that comes with every Python (pydoc_data.topics), or any UTF-8 file, folded
to 29 characters (a-z, space, full stop, comma), or as it is with fold=False. One pass in order at a
fixed pace (12 ms blank, 48 ms presentation), then a test on the characters that follow, with
learning frozen and with learning on. The n-gram tables beside it count the same characters.
"""

import numpy as np
from brian2 import ms

from fena_sim import INITIAL, Block, FixedPace, Protocol
from fena_sim.measure import accuracy, bits, ngram_table, settling_iterations
from fena_sim.stimulus import text

MODEL = "../models/fena.py"


def protocol(path=None, characters=20000, test_characters=2000, fold=True):
    """`characters` of training from `path` (default: Python's documentation), the next ones for the
    test; with `fold` in the 29 characters that every text shares.
    """
    stream = text(path, characters=characters + test_characters, fold=fold)
    pace = FixedPace(duration=48 * ms, blank=12 * ms)
    frozen = dict(plasticity_gain=0.0)
    following = stream[characters:]
    return Protocol(
        name="read_text",
        measured_signal="mean square of error_0: population activity of sensory error units",
        description="English characters, one pass in order, tested on those that follow",
        blocks=[
            Block(
                name="untrained",
                stream=following[:300],
                pace=pace,
                controls=frozen,
                start_from=INITIAL,
            ),
            Block(name="training", stream=stream[:characters], pace=pace, start_from=INITIAL),
            Block(
                name="following",
                stream=following,
                pace=pace,
                controls=frozen,
                start_from="training",
            ),
            Block(name="online", stream=following, pace=pace, start_from="training"),
        ],
    )


def ngrams(run):
    """n-gram tables counted on the training characters, scored on those that follow (DataFrame)."""
    training, following = (
        run.events(block)["token"].to_numpy() for block in ("training", "following")
    )
    return ngram_table(training, following, len(run.vocabulary.symbols))


def summary(runs):
    """Medians over networks, and the n-gram tables of the same characters."""

    def median(measure, block):
        return float(np.median([measure(run, block) for run in runs]))

    table = ngrams(runs[0])
    return {
        "accuracy_frozen": median(accuracy, "following"),
        "accuracy_online": median(accuracy, "online"),
        "bits_frozen": median(bits, "following"),
        "bits_online": median(bits, "online"),
        "iterations_untrained": median(settling_iterations, "untrained"),
        "iterations_trained": median(settling_iterations, "following"),
        "ngram_accuracy": table["accuracy"].to_dict(),
        "ngram_bits": table["bits"].to_dict(),
    }


if __name__ == "__main__":
    from fena_sim.commands.main import run_file

    run_file(__file__)
