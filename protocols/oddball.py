"""Oddball with its controls: is a rare token answered by more error than the same token as a
standard?

Standard and deviant (p = 0.1, at least two standards between deviants), the same with roles
swapped, and ten equiprobable tokens as the control for adaptation (P01; Parras et al. 2017, doi
10.1038/s41467-017-02038-6). Tokens of 75 ms every 250 ms. Plasticity stays on, as in the brain. Each
block starts from the same state: give a trained network with --from. Recorded at 1 ms: the mean square error of
every level, for difference waves (figures/oddball.py).
"""

from brian2 import ms

from fena_sim import INITIAL, Block, FixedPace, Probe, Protocol
from fena_sim.measure import mismatch, summarise
from fena_sim.stimulus import MotifGrammar, flip_flop, many_standards, oddball

MODEL = "../models/fena.py"


def protocol(
    seed=0,
    tokens=400,
    standard="f",
    deviant="k",
    p_deviant=0.1,
    onset_asynchrony=250 * ms,
    duration=75 * ms,
    levels=2,
):
    """Oddball, flip-flop and many-standards control, `tokens` each; `levels` is the number of hidden
    levels of the model.
    """
    vocabulary = MotifGrammar().vocabulary
    pace = FixedPace(duration=duration, onset_asynchrony=onset_asynchrony)
    probes = [Probe(f"precision_{level}", "mean_square") for level in range(levels + 1)]
    others = [symbol for symbol in vocabulary.symbols if symbol not in (standard, deviant)]
    control = [standard, deviant, *others[:8]]
    streams = {
        "oddball": oddball(
            standard, deviant, tokens, p_deviant, seed=1 + seed, vocabulary=vocabulary
        ),
        "flip_flop": flip_flop(
            standard, deviant, tokens, p_deviant, seed=10_000 + seed, vocabulary=vocabulary
        ),
        "many_standards": many_standards(
            control, tokens, seed=20_000 + seed, vocabulary=vocabulary
        ),
    }
    return Protocol(
        name="oddball",
        description="Oddball, flip-flop and many-standards control",
        measured_signal="mean square of error_l over the presentation: the mismatch response at level l",
        blocks=[
            Block(name=name, stream=stream, pace=pace, probes=probes, start_from=INITIAL)
            for name, stream in streams.items()
        ],
    )


def summary(runs):
    """Deviance response by level, and its parts: prediction error and repetition suppression."""
    tables = [mismatch(run) for run in runs]
    return {
        name: {
            f"level_{level}": summarise([float(t[name].sel(level=level)) for t in tables]).median
            for level in tables[0]["level"].values
        }
        for name in tables[0].data_vars
    }


if __name__ == "__main__":
    from fena_sim.commands.main import run_file

    run_file(__file__)
