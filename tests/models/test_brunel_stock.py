"""Oracle: the network as a plain Brian2 script (stock NeuronGroup and Synapses with Brian2's own delays).
Of the same synapses and external spikes it gives the same spikes; connected and driven by Brian2's own
generator, the same rates and irregularity.
"""

import zlib
from pathlib import Path

import attrs
import brian2
import numpy as np
import pytest
from brian2 import NeuronGroup, PoissonInput, SpikeMonitor, Synapses, TimedArray, ms, mV
from scipy.stats import t as student

import fena_sim as fs
from fena_sim.load.user_file import load_file
from fena_sim.network.initial_state import initial_state, noise_seed
from fena_sim.network.poisson import counter_poisson
from fena_sim.network.wiring import wire

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "models" / "brunel.py"
STATES = load_file(ROOT / "protocols" / "brunel.py", "protocol")
SIZES = dict(E=1000, I=250)
DT = 0.1 * ms
#: Rate (Hz) and CV of the model's networks of seeds 10 to 14 from 0.2 to 0.6 s, by `rate_and_cv`.
FIVE = dict(
    SR=([206.552, 206.590, 206.578, 205.900, 206.648], [0.1595, 0.1596, 0.1575, 0.1607, 0.1561]),
    SI_fast=(
        [110.124, 108.932, 111.668, 111.416, 109.582],
        [0.6278, 0.6316, 0.6145, 0.6207, 0.6187],
    ),
    AI=([67.918, 66.446, 66.970, 67.130, 66.302], [0.5182, 0.5305, 0.5185, 0.5216, 0.5312]),
    SI_slow=([15.460, 13.994, 15.094, 16.092, 13.896], [0.4993, 0.5038, 0.4770, 0.4914, 0.4727]),
)
JUMPS = dict(E="v_post += J", I="v_post += -g*J")


@pytest.fixture(autouse=True)
def numpy_runtime():
    """Without a compiler, and without the preferences of other tests."""
    brian2.set_device("runtime")
    old, brian2.prefs.codegen.target = brian2.prefs.codegen.target, "numpy"
    yield
    brian2.prefs.codegen.target = old


def stock(g, ratio, duration, pairs=None, first=None, counts=None, seed=0):
    """{population: (times in s, units)}. Without `pairs`, {(source, target): (i, j)}, each neuron
    gets a tenth of all others (by `connect`), and without `counts` (steps, units) of both, Poisson input, from Brian2.
    """
    names = dict(J=0.4 * mV, g=g, tau=20 * ms, DT=DT)
    brian2.seed(seed)
    np.random.seed(seed)
    groups, parts = {}, []
    for name, size in SIZES.items():
        drive = f"+ J*arriving_{name}(t, i)/DT" if counts else ""
        if counts:
            names[f"arriving_{name}"] = TimedArray(counts[name], dt=DT)
        groups[name] = group = NeuronGroup(
            size,
            f"dv/dt = -v/tau {drive} : volt (unless refractory)",
            threshold="v > 20*mV",
            reset="v = 10*mV",
            refractory=2 * ms,
            method="euler",
            dt=DT,
            name=f"stock_{name}",
        )
        group.v = np.random.uniform(0, 0.02, size) * brian2.volt if first is None else first[name]
        parts += [group, SpikeMonitor(group, name=f"spikes_{name}")]
        if not counts:
            # As in the model, what arrives in a step may cross the threshold in it. Brian2's own place,
            # after the threshold, makes every interval one step longer (SR: 202 for 206 Hz).
            rate, slot = ratio * STATES.THRESHOLD_RATE, "after_groups"
            parts.append(PoissonInput(group, "v", STATES.SOURCES, rate, names["J"], when=slot))
    for source in "EI":
        for target in "EI":
            synapses = Synapses(
                groups[source], groups[target], on_pre=JUMPS[source], delay=1.5 * ms, dt=DT
            )
            if pairs is None:
                synapses.connect(i=f"k for k in sample(N_pre, size={SIZES[source] // 10})")
            else:
                i, j = pairs[source, target]
                synapses.connect(i=i, j=j)
            parts.append(synapses)
    brian2.Network(*parts).run(duration, namespace=names)
    found = {m.source.name[-1]: m for m in parts if isinstance(m, SpikeMonitor)}
    return {name: (np.asarray(m.t), np.asarray(m.i)) for name, m in found.items()}


def sorted_spikes(times, units):
    """(step, unit), in order."""
    steps = np.rint(np.asarray(times) / float(DT)).astype(int)
    order = np.lexsort((units, steps))
    return np.stack([steps[order], np.asarray(units)[order]])


@pytest.mark.slow
@pytest.mark.parametrize("state", ["SI_fast", "SI_slow"])
def test_the_same_synapses_give_the_same_spikes(state, tmp_path):
    steps, seed = 600, 2
    (g, ratio), model = STATES.POINTS[state], fs.load_model(MODEL, 1)
    protocol = STATES.protocol(duration=steps * DT)
    protocol = attrs.evolve(protocol, blocks=[b for b in protocol.blocks if b.name == state])
    run = fs.run(model, protocol, seed=seed, device="runtime", out=tmp_path)
    connect = {(p.source, p.target): p.connect for p in wire(model, seed).projections}
    mean = float(ratio * STATES.THRESHOLD_RATE) * STATES.SOURCES * float(DT)
    counts = {
        name: np.stack(
            [
                counter_poisson(
                    noise_seed(seed),
                    zlib.crc32(f"{name}.arrivals".encode()) & 0x7FFFFFFF,
                    np.arange(size),
                    step,
                    mean,
                )
                for step in range(steps)
            ]
        )
        for name, size in SIZES.items()
    }
    start = initial_state(model, seed)
    found = stock(
        g,
        ratio,
        steps * DT,
        pairs={key: (pairs.i, pairs.j) for key, pairs in connect.items()},
        first={name: start[f"{name}.v"] * brian2.volt for name in SIZES},
        counts=counts,
    )
    recorded = run.traces(state)
    for name in SIZES:
        expected = sorted_spikes(*found[name])
        ours = sorted_spikes(
            recorded[f"{name}.spike_time"].to_numpy(), recorded[f"{name}.spike_unit"].to_numpy()
        )
        assert expected.shape[1] > 100
        np.testing.assert_array_equal(ours, expected)


def rate_and_cv(found, first, duration):
    """Of all neurons after `first` (s); intervals of neurons with four spikes or more."""
    spikes = [
        times[(units == unit) & (times >= first)]
        for name, size in SIZES.items()
        for times, units in [found[name]]
        for unit in range(size)
    ]
    intervals = [np.diff(train) for train in spikes if len(train) >= 4]
    rate = sum(map(len, spikes)) / sum(SIZES.values()) / (duration - first)
    return rate, np.mean([i.std() / i.mean() for i in intervals])


@pytest.mark.slow
@pytest.mark.parametrize("state", STATES.POINTS)
def test_stock_connectivity_gives_the_same_states(state):
    """One more network, of which all is stock, is where one of the model's own would be: within the 99 %
    prediction interval of five.
    """
    duration = 0.6
    spikes = stock(*STATES.POINTS[state], duration * brian2.second, seed=20)
    for found, five in zip(rate_and_cv(spikes, 0.2, duration), FIVE[state], strict=True):
        reach = student.ppf(0.995, 4) * np.std(five, ddof=1) * np.sqrt(1 + 1 / 5)
        assert abs(found - np.mean(five)) < reach
