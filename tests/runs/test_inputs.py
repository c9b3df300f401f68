"""What a run's name is made of. Contract: `fena_sim/runs/name.py`: everything that decides the
numbers, and nothing else.
"""

from types import SimpleNamespace

import numpy as np
import pytest
import tiny
from brian2 import ms

import fena_sim as fs
from fena_sim.declare.canonical import digest
from fena_sim.declare.protocol.timeline import timeline
from fena_sim.runs.name import inputs_of
from fena_sim.stimulus import TokenStream, one_hot


def trained(weight):
    """A run of which only the state at the end of its blocks is read."""
    return SimpleNamespace(state=lambda block: {"W_1.w": np.full(3, weight[block])})


def hash_(parameters=(), seed=0, device="dense", start=None, **of_block):
    model = fs.Hierarchy(
        name="m",
        populations=[
            fs.Population(
                name="p",
                size=2,
                parameters={"tau": 10 * ms, **dict(parameters)},
                equations="dx/dt = (token_code*gate - x)/tau : 1",
            )
        ],
    )
    stream = TokenStream.from_ids([0, 1, 0], one_hot("ab"))
    block = fs.Block(name="b", **{"stream": stream, **of_block})
    lines = {"b": timeline(block, model.dt)}
    protocol = fs.Protocol(name="p", blocks=[block])
    return digest(inputs_of(model, protocol, seed, device, start, lines))


def rising(gain):
    return {"gate": lambda t: gain * t / ms}


ONE, OTHER = trained({"a": 1.0, "b": 2.0}), trained({"a": 3.0, "b": 1.0})
STREAMS = [TokenStream.from_ids([0, 1, 1], one_hot("ab")), tiny.stream(3)]
#: Each differs from all others, by one thing mostly.
DIFFERENT = {
    "nothing": {},
    "seed": dict(seed=1),
    "device": dict(device="cpp"),
    "parameter": dict(parameters={"tau": 20 * ms}),
    "tokens": dict(stream=STREAMS[0]),
    "vocabulary": dict(stream=STREAMS[1]),
    "pace": dict(pace=fs.FixedPace(duration=40 * ms, blank=12 * ms)),
    "control": dict(controls=dict(gate=0.5)),
    "control per token": dict(controls=dict(gate=[0.5, 0.5, 0.4])),
    "control in time": dict(controls=rising(1.0)),
    "control in time, twice": dict(controls=rising(2.0)),
    "omission gate": dict(omission_gate=1.0),
    "probe": dict(probes=[fs.Probe("p", "x")]),
    "units of a probe": dict(probes=[fs.Probe("p", "x", units=[1])]),
    "start": dict(start=(ONE, "a")),
    "start, another block": dict(start=(ONE, "b")),
    "start, another network": dict(start=(OTHER, "a")),
}


def test_whatever_decides_the_numbers_decides_the_name():
    names = {what: hash_(**changed) for what, changed in DIFFERENT.items()}
    alike = [what for what, name in names.items() if list(names.values()).count(name) > 1]
    assert not alike


@pytest.mark.parametrize("what", DIFFERENT)
def test_what_is_declared_again_has_the_same_name(what):
    again = {**DIFFERENT[what]}
    if "control in time" in what:
        again["controls"] = rising(2.0 if "twice" in what else 1.0)  # another function, made alike
    assert hash_(**again) == hash_(**DIFFERENT[what])


def test_a_start_counts_by_its_state_and_not_by_where_it_lies():
    """The state after block "b" of one network is that after block "a" of another."""
    twin = trained({"a": 2.0})
    assert hash_(start=(twin, "a")) == hash_(start=(ONE, "b"))
