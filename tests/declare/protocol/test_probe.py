"""Oracles: NumPy's own selection of units; the contract that every other choice is refused with a
fix.
"""

import numpy as np
import pytest
import tiny
from hypothesis import given
from hypothesis import strategies as st

import fena_sim as fs
from fena_sim.declare.canonical import canonical
from fena_sim.errors import FenaError, ProtocolError
from fena_sim.runs.plan import Plan

SIZE = 8


@pytest.fixture(scope="module")
def model():
    return fs.Hierarchy(
        name="plain", populations=[fs.Population(name="a", size=SIZE, equations="x : 1")]
    )


def planned(model, *units):
    """The plan of a block for each choice of units."""
    blocks = [
        fs.Block(name=f"b{k}", stream=tiny.stream(3), probes=[fs.Probe("a", "x", units=chosen)])
        for k, chosen in enumerate(units)
    ]
    return Plan.of(model, fs.Protocol(name="p", blocks=blocks), device="runtime")


MASK = [True, False, True, False, False, False, False, False]
CHOICES = {
    "mask": (np.array(MASK), [0, 2]),
    "list of truth values": (MASK, [0, 2]),
    "truth values of NumPy": (list(np.array(MASK)), [0, 2]),
    "numbers": ([5, 0], [5, 0]),
    "numbers of NumPy": (np.array([5, 0], dtype="uint8"), [5, 0]),
    "one number": (3, [3]),
    "one number of NumPy": (np.int32(3), [3]),
    "range": (range(1, 6, 2), [1, 3, 5]),
    "slice": (slice(1, 6, 2), [1, 3, 5]),
    "slice to the end": (slice(5, None), [5, 6, 7]),
    "slice from the end": (slice(-2, None), [6, 7]),
    "slice beyond the end": (slice(6, 99), [6, 7]),
    "slice backwards": (slice(None, None, -3), [7, 4, 1]),
    "generator": ((u for u in (2, 1)), [2, 1]),
}


@pytest.mark.parametrize("choice", CHOICES)
def test_the_chosen_units_are_recorded(choice, model):
    given, expected = CHOICES[choice]
    plan = planned(model, given)
    (probe,) = plan.blocks[0].block.probes
    assert probe.units == tuple(expected)
    assert probe.recorded_units(model).tolist() == expected
    assert plan.inputs["protocol"]["blocks"][0]["probes"][0]["units"] == expected
    # The same run, however its units were said.
    assert plan.name == planned(model, expected).name


def test_all_units_are_not_listed(model):
    plan = planned(model, None)
    assert plan.inputs["protocol"]["blocks"][0]["probes"][0]["units"] is None
    assert plan.blocks[0].block.probes[0].recorded_units(model).tolist() == list(range(SIZE))


def test_a_plan_leaves_a_protocol_of_numbers_as_it_is(model):
    block = fs.Block(name="b", stream=tiny.stream(3), probes=[fs.Probe("a", "x", units=[1])])
    protocol = fs.Protocol(name="p", blocks=[block])
    assert Plan.of(model, protocol, device="runtime").protocol is protocol


def test_the_canonical_form_is_that_of_plain_numbers():
    assert canonical(fs.Probe("a", "x", units=[5, 0]))["units"] == [5, 0]
    assert canonical(fs.Probe("a", "x"))["units"] is None


@given(st.lists(st.booleans(), min_size=SIZE, max_size=SIZE).filter(any))
def test_any_mask(model, mask):
    assert planned(model, mask).blocks[0].block.probes[0].units == tuple(np.flatnonzero(mask))


WRONG = {
    "a unit twice": ([1, 2, 1], "unit 1 is given twice"),
    "short mask": (MASK[:-1], "7 values for 8 units"),
    "long mask": ([*MASK, True], "9 values for 8 units"),
    "mask of nothing": ([False] * SIZE, "at least one"),
    "no unit": ([], "at least one"),
    "empty slice": (slice(4, 4), "selects none"),
    "slice past the end": (slice(8, 12), "selects none"),
    "slice of halves": (slice(0.5, 3), "units are slice"),
    "slice without a step": (slice(0, 3, 0), "units are slice"),
    "beyond": ([0, SIZE], "not all below 8"),
    "negative": ([-1], "not all below 8"),
    "one beyond": (SIZE, "not all below 8"),
    "floats": ([0.0, 2.0], "neither whole numbers"),
    "array of floats": (np.array([0.0, 2.0]), "neither whole numbers"),
    "one float": (1.0, "no sequence"),
    "one truth value": (True, "no sequence"),
    "truth values among numbers": ([True, 2, 0], "neither whole numbers"),
    "numbers among truth values": ([0, True], "neither whole numbers"),
    "text": ("01", "neither whole numbers"),
    "rows": (np.zeros((2, 4), dtype=bool), "neither whole numbers"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_units_are_refused_before_anything_is_built(case, model):
    units, message = WRONG[case]
    with pytest.raises(ProtocolError, match=message) as caught:
        planned(model, units)
    assert caught.value.where and caught.value.fix


@given(
    st.one_of(
        st.integers(-20, 20),
        st.floats(),
        st.text(max_size=3),
        st.none(),
        st.lists(st.one_of(st.integers(-3, 12), st.booleans(), st.floats(), st.none()), max_size=9),
        st.slices(SIZE + 4),
    )
)
def test_any_choice_selects_units_or_is_refused(model, units):
    try:
        probe = planned(model, units).blocks[0].block.probes[0]
    except FenaError:
        return
    numbers = probe.recorded_units(model)
    assert len(numbers) == len(set(numbers)) > 0 and set(numbers) <= set(range(SIZE))
    if isinstance(units, slice):
        assert numbers.tolist() == list(range(SIZE))[units]
