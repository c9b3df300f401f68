"""The order within a time step. Oracle: docs/network.md, as Euler steps in NumPy; the same steps in
another order give other numbers, and names do not matter.
"""

import numpy as np
import pytest
import tiny
from brian2 import ms

import fena_sim as fs

STEPS = 120
X = np.array(
    [[0.9, -0.4], [0.3, 0.7], [-0.6, 0.2]]
)  # of the three populations before the first step
W, V, U = 0.4, -0.2, 0.1
#: The names decide how Brian2 breaks ties.
NAMES = {
    "populations first": dict(early="a", mid="b", late="c", up="y", on="z"),
    "projections first": dict(early="x", mid="y", late="z", up="a", on="b"),
}


def model(early, mid, late, up, on):
    """Populations of orders -1, 0 and 1 in a chain; both projections are clock-driven, the second
    also follows a rule.
    """
    unit = "dx/dt = (tanh(drive) - x)/(10*ms) : 1\ndrive : 1"
    linked = "dx/dt = (tanh(drive + 0.5*linked) - x)/(10*ms) : 1\ndrive : 1"
    populations = [
        fs.Population(name=early, size=2, order=-1, equations=unit, initial=dict(x=X[0])),
        fs.Population(name=mid, size=2, order=0, equations=unit, initial=dict(x=X[1])),
        fs.Population(
            name=late,
            size=2,
            order=1,
            equations=linked,
            links=dict(linked=f"{mid}.x"),
            initial=dict(x=X[2]),
        ),
    ]
    projections = [
        fs.Projection(
            name=up,
            source=early,
            target=mid,
            equations="drive_post = 3*w*x_pre : 1 (summed)\n"
            "drive_pre = w*x_post : 1 (summed)\n"
            "dw/dt = (tanh(x_pre*x_post + drive_post) - w)/(8*ms) : 1 (clock-driven)",
            initial=dict(w=W),
        ),
        fs.Projection(
            name=on,
            source=mid,
            target=late,
            equations="drive_post = (v + u)*x_pre : 1 (summed)\n"
            "dv/dt = (tanh(x_pre - x_post - drive_post) - v)/(8*ms) : 1 (clock-driven)",
            plasticity=fs.Plasticity(
                equations="du/dt = (x_pre*x_post + drive_post*v - u)/(8*ms) : 1", clock=1 * ms
            ),
            initial=dict(v=V, u=U),
        ),
    ]
    return fs.Hierarchy(name="chain", populations=populations, projections=projections)


def integrated(place="after the sums of order 0"):
    """Values of x before every step (STEPS, 3, 2), and the synapses' w, v and u after the last."""
    early, mid, late = X
    w, v, u = (np.full((2, 2), value) for value in (W, V, U))
    mid_drive, late_drive, seen = np.zeros(2), np.zeros(2), []

    def synapses(here):
        """w and v after their step, if this is its place."""
        if here != place:
            return w, v
        return (
            w + (np.tanh(np.outer(early, mid) + mid_drive) - w) / 8,
            v + (np.tanh(mid[:, None] - late - late_drive) - v) / 8,
        )

    for _ in range(STEPS):
        seen.append([early, mid, late])
        w, v = synapses("first")
        early = early + (np.tanh(w @ mid) - early) / 10
        mid_drive = 3 * early @ w
        w, v = synapses("after the sums of order 0")
        mid = mid + (np.tanh(mid_drive) - mid) / 10
        w, v = synapses("after order 0")
        late_drive = mid @ (v + u)
        late = late + (np.tanh(late_drive + 0.5 * mid) - late) / 10
        w, v = synapses("after all populations")
        u = u + (np.outer(mid, late) + late_drive * v - u) / 8
    return np.array(seen), (w, v, u)


def found(names, device, out):
    """What `integrated` gives, by the network."""
    declared = model(**names)
    probes = [fs.Probe(names[name], "x") for name in ("early", "mid", "late")]
    protocol = tiny.one_block(2, probes=probes, controls={})
    run = fs.run(declared, protocol, device=device, out=out, chunk_tokens=1)
    traces, state = run.traces("learning"), run.state("learning")
    x = np.stack([traces[f"{names[name]}.x"] for name in ("early", "mid", "late")], axis=1)
    synapses = [(names["up"], "w"), (names["on"], "v"), (names["on"], "u")]
    return x, [state[f"{name}.{variable}"].reshape(2, 2) for name, variable in synapses]


@pytest.mark.parametrize(
    "names, device",
    [
        ("populations first", "runtime"),
        ("projections first", "runtime"),
        pytest.param("projections first", "dense64", marks=pytest.mark.compile),
        pytest.param("populations first", "cpp", marks=pytest.mark.compile),
    ],
)
def test_each_acts_in_its_place(names, device, tmp_path):
    x, synapses = found(NAMES[names], device, tmp_path)
    expected, weights = integrated()
    np.testing.assert_allclose(x, expected, rtol=0, atol=1e-12)
    for got, wanted in zip(synapses, weights, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize("place", ["first", "after order 0", "after all populations"])
def test_another_place_gives_other_numbers(place):
    """So the agreement above tells which place it is."""
    assert abs(integrated()[0] - integrated(place)[0]).max() > 1e-3


def test_clock_driven_traces_step_before_spikes_add_to_them(tmp_path):
    """A spike of the step acts after the trace's step, and is delivered by the sum of the next."""
    spiking = fs.Population(
        name="source",
        size=1,
        equations="dcount/dt = 1/(5*ms) : 1",
        threshold="count > 0.99",
        reset="count = 0",
    )
    target = fs.Population(name="target", size=1, equations="y : 1")
    synapses = fs.Projection(
        name="synapses",
        source="source",
        target="target",
        equations="dtrace/dt = -trace/(4*ms) : 1 (clock-driven)\ny_post = trace : 1 (summed)",
        on_pre="trace += 1",
    )
    declared = fs.Hierarchy(name="traces", populations=[spiking, target], projections=[synapses])
    protocol = tiny.one_block(1, probes=[fs.Probe("target", "y")], controls={})
    run = fs.run(declared, protocol, device="runtime", out=tmp_path)
    y, trace, sums = 0.0, 0.0, []
    for step in range(60):
        sums.append(y)  # what a probe sees before the step
        y = trace
        trace = 0.75 * trace + (step % 5 == 4)
    np.testing.assert_allclose(run.traces("learning")["target.y"].values[:, 0], sums, atol=1e-12)
