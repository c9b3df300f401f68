"""Runs that hold everything a run can hold: readouts, samples, windows, spikes, weights and their
summaries, signals of one's own, several modalities, self-paced tokens, and streams side by side.
"""

import numpy as np
from brian2 import Hz, TimedArray, ms

import fena_sim as fs
from fena_sim.stimulus import TokenStream, one_hot

PICTURES, SOUNDS = one_hot(["face", "house", "car"]), one_hot(["a", "b", "c"])
PACE = fs.FixedPace(duration=15 * ms, onset_asynchrony=20 * ms)


def model(**options):
    """Pictures and sounds, a unit of both whose synapses learn, and neurons that are driven from
    outside.
    """
    leaky = """
    dr/dt = drift : 1
    drift = (attention*gate*token_code - r)/(5*ms) : Hz
    attended = attention : 1
    """
    heard = "dr/dt = (gate*token_code - r)/(5*ms) : 1"
    signals = dict(attention=1.0)
    populations = [
        fs.Population(name="picture", size=3, level=0, equations=leaky, signals=signals),
        fs.Population(name="sound", size=3, equations=heard),
        fs.Population(name="both", size=2, level=1, equations="x = a + b : 1\na : 1\nb : 1"),
        fs.Population(
            name="afferents",
            size=4,
            equations="dv/dt = -v/(10*ms) + arrivals*(2*mV)/dt : volt",
            threshold="v > 1*mV",
            reset="v = 0*mV",
            signals=dict(arrivals=0.0),
        ),
    ]
    learns = fs.Plasticity(equations="dw/dt = 0.1*(x_post*r_pre - w)/(10*ms) : 1", clock=1 * ms)
    projections = [
        fs.Projection(
            name="W",
            source="picture",
            target="both",
            equations="a_post = w*r_pre : 1 (summed)",
            plasticity=learns,
            initial=dict(w=fs.Normal(mean=0.5, sd=0.1)),
        ),
        fs.Projection(
            name="heard", source="sound", target="both", equations="b_post = r_pre : 1 (summed)"
        ),
    ]
    readouts = [
        fs.Readout(name="rate", variables=["picture.r"], when="last"),
        fs.Readout(name="joined", variables=["both.x"], when="mean"),
    ]
    return fs.Hierarchy(
        name="whole",
        populations=populations,
        projections=projections,
        readouts=readouts,
        settling=fs.Settling(populations=("picture",), variable="drift", tolerance=20 * Hz),
        **options,
    )


WEIGHTS = [
    fs.Probe("W", "w", every=1),
    fs.Probe("W", "w", every=2, source=[0, 2], target=1, name="onto_one"),
    fs.Probe("W", "w", interval=10 * ms, summary="norm", name="strength"),
    fs.Probe("W", "w", every=1, summary="source_norm", name="outgoing"),
    fs.Probe("W", "w", every=1, summary="target_norm", name="incoming"),
    fs.Probe("W", "w", every=2, summary="histogram", bins=np.linspace(-1, 2, 7), name="spread"),
]
PROBES = [
    fs.Probe("picture", ["r", "attended"]),
    fs.Probe("picture", "r", units=[2], interval=2 * ms, name="slow"),
    fs.Probe("picture", "r", every=1, name="between"),
    fs.Probe("both", "x", window=(-2 * ms, 4 * ms)),
    fs.Probe("sound", "r", interval=5 * ms),
    fs.Probe("afferents", ["v", "spikes"]),
    fs.Probe("afferents", "spikes", units=[1, 3], name="two"),
    fs.Probe("pacemaker", "rate"),
]


def protocol():
    """Sounds lead pictures by 3 ms in the first block; the second is self-paced, and the third has no
    probe.
    """
    pictures = TokenStream.from_list(
        ["face", "car", None, "house", "face", "car"],
        PICTURES,
        role=list("sdsdsd"),
        novel=[True, True, False, True, False, False],
        score=[0.5, np.nan, 2.0, 1.5, np.nan, 0.25],
    )
    sounds = TokenStream.from_list(["b", None, "a", "b"], SOUNDS, loud=[True, False, True, True])
    streams = {"picture": pictures.paced(PACE, start=3 * ms, pause=5 * ms)}
    streams["sound"] = sounds.paced(PACE)
    signals = dict(
        attention=TimedArray(np.linspace(0.5, 1.5, 13), dt=10 * ms),
        arrivals=fs.PoissonSpikes(100 * Hz),
    )
    blocks = [
        fs.Block(name="exam", streams=streams, signals=signals, probes=PROBES + WEIGHTS),
        fs.Block(
            name="paced",
            stream=pictures[:4],
            pace=fs.SelfPaced(blank=5 * ms),
            probes=PROBES[:1] + WEIGHTS[:1],
        ),
        fs.Block(name="quiet", stream=pictures[:2], pace=PACE),
    ]
    return fs.Protocol(name="whole", blocks=blocks)


def side_by_side():
    """A model with two streams and their protocol; what spikes has none."""
    leaky = "dr/dt = (gate*token_code - r)/(5*ms) : 1"
    populations = [
        fs.Population(name="picture", size=3, equations=leaky),
        fs.Population(name="both", size=2, equations="x = a : 1\na : 1"),
    ]
    learns = fs.Plasticity(equations="dw/dt = 0.1*(x_post*r_pre - w)/(10*ms) : 1", clock=1 * ms)
    projection = fs.Projection(
        name="W",
        source="picture",
        target="both",
        equations="a_post = w*r_pre : 1 (summed)",
        plasticity=learns,
        initial=dict(w=0.5),
    )
    hierarchy = fs.Hierarchy(
        name="beside",
        populations=populations,
        projections=[projection],
        readouts=[fs.Readout(name="rate", variables=["picture.r"], when="last")],
        batch=2,
    )
    streams = [
        TokenStream.from_list(symbols, PICTURES, novel=novel)
        for symbols, novel in (
            (["face", "car", None], [True, True, False]),
            (["house", "face", "car"], [False, False, True]),
        )
    ]
    probes = [
        fs.Probe("picture", "r"),
        fs.Probe("picture", "r", every=1, name="between"),
        fs.Probe("W", "w", every=1),
    ]
    block = fs.Block(name="pair", stream=streams, pace=PACE, probes=probes)
    return hierarchy, fs.Protocol(name="beside", blocks=[block])
