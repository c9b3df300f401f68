"""Oracle: the contract that what has no order is refused wherever a declaration takes a sequence,
and that everything with an order is taken in it.
"""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import tiny
from brian2 import ms

import fena_sim as fs
from fena_sim.declare.sequence import sequence
from fena_sim.errors import DeclarationError, FenaError, ProtocolError, StimulusError
from fena_sim.stimulus import (
    MotifGrammar,
    TokenStream,
    Vocabulary,
    cascade,
    dense_random,
    graded,
    many_standards,
    one_hot,
)

ABC = one_hot("abc")


def unit(name="a"):
    return fs.Population(name=name, size=2, equations="x : 1")


def stream():
    return TokenStream.from_list("abc", ABC)


#: Whatever takes a sequence, as a function of one.
TAKERS = {
    "one_hot": (StimulusError, one_hot, "abc"),
    "dense_random": (StimulusError, lambda s: dense_random(s, 8, 0), "abc"),
    "graded": (StimulusError, lambda s: graded(s, 8, 1.0), "abc"),
    "Vocabulary": (StimulusError, lambda s: Vocabulary(s, np.eye(3)), "abc"),
    "from_list": (StimulusError, lambda s: TokenStream.from_list(s, ABC), "abc"),
    "from_ids": (StimulusError, lambda s: TokenStream.from_ids(s, ABC), [0, 1, 2]),
    "label": (StimulusError, lambda s: TokenStream.from_list("abc", ABC, role=s), "xyz"),
    "concat": (StimulusError, TokenStream.concat, None),
    "many_standards": (StimulusError, lambda s: many_standards(s, 9, 0, ABC), "abc"),
    "cascade": (StimulusError, lambda s: cascade(s, 9, ABC), "abc"),
    "motifs": (
        StimulusError,
        lambda s: MotifGrammar(motifs=s, held_out_pairs=()),
        ["ab", "cd", "ef"],
    ),
    "a motif": (
        StimulusError,
        lambda s: MotifGrammar(motifs=["ab", "cd", s], held_out_pairs=()),
        "ef",
    ),
    "a held-out pair": (StimulusError, lambda s: MotifGrammar(held_out_pairs=[s]), (0, 4)),
    "populations": (
        DeclarationError,
        lambda s: fs.Hierarchy(name="m", populations=s),
        [unit(), unit("b")],
    ),
    "projections": (
        DeclarationError,
        lambda s: fs.Hierarchy(name="m", populations=[unit()], projections=s),
        [fs.Projection(name="p", source="a", target="a", equations="w : 1")],
    ),
    "readouts": (
        DeclarationError,
        lambda s: fs.Hierarchy(name="m", populations=[unit()], readouts=s),
        [fs.Readout(name="r", variables=["a.x"], when="last")],
    ),
    "variables of a readout": (
        DeclarationError,
        lambda s: fs.Readout(name="r", variables=s, when="last"),
        ["a.x", "b.x"],
    ),
    "populations that settle": (
        DeclarationError,
        lambda s: fs.Settling(populations=s, variable="x", tolerance=1 / ms),
        ["a", "b"],
    ),
    "blocks": (
        ProtocolError,
        lambda s: fs.Protocol(name="p", blocks=s),
        [fs.Block(name="b", stream=tiny.stream(3))],
    ),
    "probes": (
        ProtocolError,
        lambda s: fs.Block(name="b", stream=tiny.stream(3), probes=s),
        [fs.Probe("a", "x")],
    ),
    "variables of a probe": (ProtocolError, lambda s: fs.Probe("a", s), ["x", "y"]),
    "units of a probe": (ProtocolError, lambda s: fs.Probe("a", "x", units=s), [0, 1]),
}


@pytest.mark.parametrize("unordered", [set, frozenset, lambda values: iter(set(values))])
@pytest.mark.parametrize("taker", TAKERS)
def test_a_set_is_refused_with_the_way_out(taker, unordered):
    kind, declare, values = TAKERS[taker]
    if values is None:  # streams cannot stand in a set
        values = [1, 2]
    with pytest.raises(kind, match="order differs at every start") as caught:
        declare(unordered(values))
    assert "sorted(...)" in caught.value.fix and caught.value.where


@pytest.mark.parametrize("taker", [name for name, (_, _, values) in TAKERS.items() if values])
def test_a_list_is_taken(taker):
    _, declare, values = TAKERS[taker]
    declare(list(values))


def test_streams_side_by_side_are_a_list():
    class Bag(frozenset):
        """Streams have no hash, so no plain set holds them."""

    with pytest.raises(ProtocolError, match="order differs"):
        fs.Block(name="b", stream=Bag())


@pytest.mark.parametrize(
    "ordered",
    [
        "cab",
        ["c", "a", "b"],
        ("c", "a", "b"),
        dict.fromkeys("cab"),
        dict.fromkeys("cab").keys(),
        {1: "c", 2: "a", 3: "b"}.values(),
        np.array(["c", "a", "b"]),
        pd.Index(["c", "a", "b"]),
        pd.Series(["c", "a", "b"]),
        iter("cab"),
    ],
    ids=lambda values: type(values).__name__,
)
def test_what_has_an_order_keeps_it(ordered):
    assert sequence(ordered, "symbols", "here", StimulusError) == ("c", "a", "b")


@pytest.mark.parametrize("taker", ["one_hot", "populations", "probes", "units of a probe"])
def test_what_is_no_sequence_is_refused(taker):
    kind, declare, _ = TAKERS[taker]
    with pytest.raises(kind, match="no sequence|neither whole numbers|of type float"):
        declare(2.5)


def test_the_order_of_a_set_does_differ():
    """Why: two starts of Python with other seeds of the hash give other orders."""
    code = "print(''.join(set('abcdefghijklmnop')))"
    orders = {
        subprocess.run(
            [sys.executable, "-S", "-c", code],
            env={"PYTHONHASHSEED": str(seed)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in range(1, 4)
    }
    assert len(orders) > 1
    with pytest.raises(FenaError):
        one_hot(set("abc"))
