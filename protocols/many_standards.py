"""Many standards: is a deviant answered by more error than the same token among many, where it is as
rare and nothing is expected?

Deviance is told from adaptation (design P01; Parras et al. 2017, doi 10.1038/s41467-017-02038-6).
The same two tokens come as deviant (p = 0.1, at least two standards between deviants), as standard,
and as two of ten tokens in random order, each with probability 0.1: "oddball", "flip_flop" (roles
swapped) and "many_standards". Tokens of 75 ms every 250 ms. Each of these blocks starts from the same
state: a network that knows all tokens and expects none, since it has heard them in random order
("familiarisation"). For a network with another past, give it with --from and `--set
protocol.familiarisation=0`. Plasticity stays on, as in the brain; with `--set
protocol.plasticity_gain=0` it is frozen after the familiarisation. The first tokens of a block, in which
the network gets used to it, are not counted.

Recorded every 5 ms: the error of every unit and the precision of every level. The response of a level is
the sum over its units of |error| times the precision, as it is sent upwards: mean over 0 to 250 ms from
the onset minus mean over the 50 ms before. With D, S, C the responses to the two tokens as deviant,
standard and control::

    prediction error (iPE) = (D - C)/sqrt(D^2 + S^2 + C^2)
    repetition suppression (iRS) = (C - S)/sqrt(D^2 + S^2 + C^2)

`adaptation` has the same numbers for synaptic depression alone, which learns no order: what it shows
as well is no sign of prediction. protocols/oddball.py has the same blocks for difference waves.
"""

from functools import partial

from brian2 import ms

from fena_sim import INITIAL, Block, FixedPace, Probe, Protocol
from fena_sim.measure import depression, error_response, mismatch, summarise
from fena_sim.stimulus import MotifGrammar, flip_flop, many_standards, oddball

MODEL = "../models/fena.py"
WINDOW, BASELINE = (0 * ms, 250 * ms), (-50 * ms, 0 * ms)
#: Tokens of a block that are not counted: FIRST, or a quarter of a block that is shorter than four
#: times as many.
FIRST = 200


def protocol(
    seed=0, tokens=2000, familiarisation=2000, p_deviant=0.1, plasticity_gain=1.0, levels=2
):
    """Oddball, flip-flop and many standards, `tokens` each, after the tokens of the familiarisation;
    `levels` is the number of hidden levels of the model.
    """
    pace = FixedPace(duration=75 * ms, onset_asynchrony=250 * ms)
    vocabulary = MotifGrammar().vocabulary
    control = vocabulary.symbols[:10]
    standard, deviant = control[4:6]
    probes = [
        Probe(f"{population}_{level}", population, interval=5 * ms)
        for level in range(levels + 1)
        for population in ("error", "precision")
    ]
    pair = (standard, deviant, tokens, p_deviant)
    streams = {
        "oddball": oddball(*pair, seed=1 + seed, vocabulary=vocabulary),
        "flip_flop": flip_flop(*pair, seed=10_000 + seed, vocabulary=vocabulary),
        "many_standards": many_standards(
            control, tokens, seed=20_000 + seed, vocabulary=vocabulary
        ),
    }
    before = []
    if familiarisation:
        random = many_standards(
            vocabulary.symbols, familiarisation, seed=30_000 + seed, vocabulary=vocabulary
        )
        before = [Block(name="familiarisation", stream=random, pace=pace)]
    return Protocol(
        name="many_standards",
        description="Oddball, flip-flop and many standards: deviance against rarity and adaptation",
        measured_signal="sum of |error_l| times precision_l: activity of error units as it is sent upwards",
        blocks=[
            *before,
            *(
                Block(
                    name=name,
                    stream=stream,
                    pace=pace,
                    controls=dict(plasticity_gain=plasticity_gain),
                    probes=probes,
                    start_from=before[0].name if before else INITIAL,
                )
                for name, stream in streams.items()
            ),
        ],
    )


def deviance(run, weighted=True):
    """`fena_sim.measure.mismatch` of the responses, with or without the weight of precision."""
    response = partial(error_response, window=WINDOW, baseline=BASELINE, weighted=weighted)
    return mismatch(run, response=response, first=_first(run))


def adaptation(run):
    """The same of synaptic depression alone, on the same tokens and onsets; its one level is 0."""
    return mismatch(run, response=depression, first=_first(run))


def _first(run):
    return min(FIRST, len(run.events("oddball")) // 4)


def summary(runs):
    """Medians over networks, by level: prediction error with and without the weight of precision,
    repetition suppression; and what adaptation alone makes of the tokens.
    """

    def median(tables, name):
        by_level = zip(*(table[name].to_numpy() for table in tables))
        return [summarise(values).median for values in by_level]

    tables = [deviance(run) for run in runs]
    without, adapted = [deviance(run, weighted=False) for run in runs], [*map(adaptation, runs)]
    return {
        "prediction_error": median(tables, "prediction_error"),
        "prediction_error_unweighted": median(without, "prediction_error"),
        "repetition_suppression": median(tables, "repetition_suppression"),
        "adaptation_prediction_error": median(adapted, "prediction_error")[0],
        "adaptation_repetition_suppression": median(adapted, "repetition_suppression")[0],
    }


if __name__ == "__main__":
    from fena_sim.commands.main import run_file

    run_file(__file__)
