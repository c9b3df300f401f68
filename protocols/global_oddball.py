"""Global oddball: does a hierarchy notice that a group of tokens is rare, and not only that a token is?

The local-global design (P02; Bekinschtein et al. 2009, doi 10.1073/pnas.0809667106). Five tokens of 50
ms, 150 ms from onset to onset, are a trial: xxxxx or xxxxY. In a block one of them is frequent (80 %)
and the other rare. Y after xxxx is a local deviant; whichever trial is rare is a global one. So xxxxx
where xxxxY is frequent breaks a rule without a new token. Trials are 700 to 1000 ms apart, at random, so
that they are no clock. Blocks "xxxxY", "xxxxx" (named after the frequent trial) and "xxxxY_swapped",
"xxxxx_swapped" (the tokens swapped) start from the same state: give a network with a past with --from,
for instance at the end of the block "familiarisation" of protocols/many_standards.py. 30 frequent trials come first, unrecorded ("..._first"). Plasticity stays on, as in the brain; with
`--set protocol.plasticity_gain=0` it is frozen in the trials that are recorded.

Recorded every 5 ms: the error of every unit and the precision of every level. The response of a level to
the fifth token is the sum over its units of |error| times the precision, mean over a window from its
onset minus mean over the 50 ms before::

    local_l = Y minus x, in each block, 0 to 300 ms
    pure global_l = xxxxx when rare minus xxxxx when frequent, 0 to 700 ms
"""

from functools import partial

import numpy as np
from brian2 import ms

from fena_sim import INITIAL, Block, FixedPace, Probe, Protocol
from fena_sim.measure import error_response, summarise
from fena_sim.stimulus import MotifGrammar, TokenStream

MODEL = "../models/fena.py"
PER_TRIAL = 5
DURATION, ASYNCHRONY, GAP = 50 * ms, 150 * ms, (700, 1000)  # gap in ms
SHORT, LONG, BASELINE = (0 * ms, 300 * ms), (0 * ms, 700 * ms), (-50 * ms, 0 * ms)
P_RARE = 0.2
#: What the fifth token is in the frequent trial of a block: the local deviant, or one more standard.
FREQUENT = {"xxxxY": True, "xxxxx": False}
SWAPPED = "_swapped"


def protocol(seed=0, trials=120, habituation=30, plasticity_gain=1.0, levels=2):
    """Four blocks of `habituation` frequent trials, then `trials`; `levels` is the number of hidden
    levels of the model.
    """
    vocabulary = MotifGrammar().vocabulary
    probes = [
        Probe(f"{population}_{level}", population, interval=5 * ms)
        for level in range(levels + 1)
        for population in ("error", "precision")
    ]
    blocks = []
    for number, (suffix, pair) in enumerate((("", (0, 1)), (SWAPPED, (1, 0)))):
        for block, frequent in FREQUENT.items():
            rng = np.random.default_rng([seed, number, frequent])
            rare = np.zeros(trials, bool)
            # The last trial is a frequent one: the block ends within its window.
            rare[rng.permutation(trials - 1)[: round(P_RARE * trials)]] = True
            given = dict(frequent=frequent, pair=pair, vocabulary=vocabulary, rng=rng)
            first, test = _trials(np.zeros(habituation, bool), **given), _trials(rare, **given)
            blocks += [
                Block(name=f"{block}{suffix}_first", start_from=INITIAL, **first),
                Block(
                    name=f"{block}{suffix}",
                    probes=probes,
                    controls=dict(plasticity_gain=plasticity_gain),
                    **test,
                ),
            ]
    return Protocol(
        name="global_oddball",
        description="Groups of five tokens, of which one kind is rare: local and global deviance",
        measured_signal="sum of |error_l| times precision_l: activity of error units as it is sent upwards",
        blocks=blocks,
    )


def _trials(rare, frequent, pair, vocabulary, rng):
    """Stream and pace of trials, shape (trial,), of which some are rare."""
    deviant = rare != frequent
    tokens = np.full((len(rare), PER_TRIAL), pair[0])
    tokens[deviant, -1] = pair[1]
    blank = np.full(tokens.shape, float((ASYNCHRONY - DURATION) / ms))
    blank[:, 0] = rng.integers(GAP[0], GAP[1] + 1, len(rare))
    stream = TokenStream.from_ids(
        tokens.ravel(),
        vocabulary,
        position=np.tile(np.arange(PER_TRIAL), len(rare)),
        deviant=np.repeat(deviant, PER_TRIAL),
        rare=np.repeat(rare, PER_TRIAL),
    )
    return dict(stream=stream, pace=FixedPace(duration=DURATION, blank=blank.ravel() * ms))


def read_out(window, weighted=True):
    """Responses of error units in a window, as `responses` takes them."""
    return partial(error_response, window=window, baseline=BASELINE, weighted=weighted)


def responses(run, response):
    """Response to the fifth token, {(block, local deviant): array (level,)}: mean over trials, then
    over the two roles of the tokens. `response`: from a run and a block to a DataArray (event, level).
    """
    return {
        (block, deviant): np.mean(
            [_fifth(run, name, deviant, response) for name in (block, block + SWAPPED)], axis=0
        )
        for block in FREQUENT
        for deviant in (False, True)
    }


def _fifth(run, block, deviant, response):
    events, values = run.events(block), response(run, block)
    chosen = (events["position"] == PER_TRIAL - 1) & (events["deviant"] == deviant)
    return values[chosen.to_numpy()[values["event"].to_numpy()]].mean("event").to_numpy()


def local(run, response=read_out(SHORT)):
    """Local effect, {block: array (level,)}."""
    found = responses(run, response)
    return {block: found[block, True] - found[block, False] for block in FREQUENT}


def pure_global(run, response=read_out(LONG)):
    """Response to xxxxx when rare minus when frequent, array (level,)."""
    found = responses(run, response)
    return found["xxxxY", False] - found["xxxxx", False]


def summary(runs):
    """Medians over networks, by level: local effect in both kinds of block, their ratio, and the
    pure global effect.
    """

    def median(values):
        return [summarise(of_level).median for of_level in zip(*values)]

    effects = [local(run) for run in runs]
    return {
        "local_when_expected": median(effect["xxxxY"] for effect in effects),
        "local_when_unexpected": median(effect["xxxxx"] for effect in effects),
        "local_ratio": median(effect["xxxxY"] / effect["xxxxx"] for effect in effects),
        "pure_global": median(map(pure_global, runs)),
    }


if __name__ == "__main__":
    from fena_sim.commands.main import run_file

    run_file(__file__)
