"""A repeated list of tokens leaves its order in the synapses of spiking neurons.

Eight tokens, 36 ms each with blanks of 4 ms, are repeated in the same order. Before and after
training a few tokens are shown with plasticity off, and spikes and membrane potentials are
recorded. Synapses from each token's neuron to the next one's should end stronger than the reverse
(Song, Miller & Abbott 2000, doi 10.1038/78829), and the neuron of the coming token should be
depolarised before its token appears.
"""

import numpy as np
from brian2 import ms

from fena_sim import INITIAL, Block, FixedPace, Probe, Protocol
from fena_sim.stimulus import TokenStream, one_hot

MODEL = "../models/spiking_sequence.py"


def protocol(symbols="abcdefgh", repetitions=60, test_repetitions=2):
    """`repetitions` of the tokens `symbols` in their order, with recordings before and after."""
    vocabulary = one_hot(list(symbols))
    pace = FixedPace(duration=36 * ms, blank=4 * ms)
    few = TokenStream.from_list(list(symbols) * test_repetitions, vocabulary)
    probes = [Probe("afferent", "spikes"), Probe("sequence", ["v", "spikes"], interval=1 * ms)]
    test = dict(stream=few, pace=pace, probes=probes, controls=dict(plasticity_gain=0.0))
    return Protocol(
        name="spiking_sequence",
        measured_signal="v: membrane potential of the sequence neurons",
        description="Repeated token list, spiking neurons before and after learning",
        blocks=[
            Block(name="before", start_from=INITIAL, **test),
            Block(
                name="training",
                start_from=INITIAL,
                pace=pace,
                stream=TokenStream.from_list(list(symbols) * repetitions, vocabulary),
            ),
            Block(name="after", start_from="training", **test),
        ],
    )


def asymmetry(run, block):
    """(F - B)/(F + B): mean weight F from each token's neuron to the next one's, and B the reverse."""
    n = run.vocabulary.size
    weights = np.zeros((n, n))
    weights[~np.eye(n, dtype=bool)] = run.state(block)[
        "recurrent.w"
    ]  # synapses are ordered by source, then target
    forward, backward = np.diag(weights, 1).mean(), np.diag(weights, -1).mean()
    return float((forward - backward) / (forward + backward))


def anticipation(run, block):
    """Depolarisation (mV) of the coming token's neuron above those not involved.

    Window: the blank before every token but the first two. Not involved are all neurons but that of
    the coming token and those of the two tokens before it, which have just fired.
    """
    events, v = run.events(block), run.traces(block)["sequence.v"].load()
    token = events["token"].to_numpy()
    differences = []
    for k in range(2, len(events)):
        blank = (
            v.sel(time=slice(events["blank_onset"][k], events["onset"][k])).mean("time").to_numpy()
        )
        differences.append(blank[token[k]] - np.delete(blank, token[k - 2 : k + 1]).mean())
    return float(1e3 * np.mean(differences))


def summary(runs):
    """Medians over networks: asymmetry of the weights, and anticipatory depolarisation (mV)."""
    return {
        f"{measure.__name__}_{block}": float(np.median([measure(run, block) for run in runs]))
        for measure in (asymmetry, anticipation)
        for block in ("before", "after")
    }


if __name__ == "__main__":
    from fena_sim.commands.main import main

    main(["run", __file__])
