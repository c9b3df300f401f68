"""Connections and delays of a network, drawn from its seed: a hierarchy with every synapse decided.

Whether a pair of units is joined is asked of Philox4x32-10 (see `noise`), which has no state: the key
is the seed, and the counter is (i, j // 4, projection), whose four words are those of four targets.
So the same pairs are joined on every device and in every run of this seed, whatever else the model
holds. Python draws them before anything is built; every device is given the same synapses.
"""

import zlib
from collections.abc import Callable, Iterator

import attrs
import brian2
import numpy as np
import sympy
from brian2 import Quantity, second
from brian2.core.namespace import DEFAULT_CONSTANTS
from brian2.parsing.sympytools import str_to_sympy

from ..declare.model import initial
from ..declare.model.connectivity import (
    ALL,
    ONE_TO_ONE,
    RANDOM,
    DistanceDependent,
    FixedInDegree,
    Pairs,
    Probability,
)
from ..declare.model.hierarchy import Hierarchy
from ..declare.model.projection import Projection
from ..errors import DeclarationError
from .noise import philox

#: Pairs of units that are looked at at a time, which bounds the memory that this takes.
PAIRS_AT_ONCE = 2**20
_KEY_HIGH = 0x57495245  # another than that of noise
_WORDS = 2**32


def wire(hierarchy: Hierarchy, seed: int) -> Hierarchy:
    """The hierarchy with all connections and delays that the seed decides as given pairs and times.

    Synapses are ordered by i, then j. A projection that turns out to join all pairs is all-to-all,
    delays that turn out equal are one delay. A hierarchy in which there is nothing to decide is
    returned as it is.

    Raises
    ------
    DeclarationError
        A connection joins no pair, or cannot be drawn; a delay is below 0.
    """
    wired = []
    for projection in hierarchy.projections:
        drawn = isinstance(projection.connect, (Pairs, *RANDOM)) or projection.several_delays
        wired.append(_wired(projection, hierarchy, seed) if drawn else projection)
    if all(new is old for new, old in zip(wired, hierarchy.projections, strict=True)):
        return hierarchy
    return attrs.evolve(hierarchy, projections=wired)


def _wired(projection, hierarchy, seed):
    sizes = [hierarchy.population(end).size for end in (projection.source, projection.target)]
    i, j = decided_pairs(projection, *sizes, seed)
    order = np.arange(len(i))
    if isinstance(projection.connect, Pairs):
        order = np.lexsort((j, i))
        i, j = i[order], j[order]
    delay = _delay(projection, i, j, order, hierarchy.dt, seed)
    everything = len(i) == sizes[0] * sizes[1] and np.shape(delay) == ()
    in_order = np.array_equal(order, np.arange(len(order)))
    if isinstance(projection.connect, Pairs) and in_order and not everything:
        if delay is projection.delay:
            return projection
    values = {
        name: (value if isinstance(value, Quantity) else np.asarray(value))[order].reshape(
            sizes if everything else len(i)
        )
        for name, value in projection.initial.items()
        if np.ndim(value) == 1
    }
    return attrs.evolve(
        projection,
        connect=ALL if everything else Pairs(i, j),
        delay=delay,
        initial={**projection.initial, **values},
    )


def _delay(projection, i, j, order, dt, seed):
    """One delay, or an array of one per synapse: multiples of dt, at least dt."""
    given = projection.delay
    if not projection.several_delays:
        return given
    if np.ndim(given) == 2:
        seconds = np.asarray(given, dtype=float)[i, j]
    elif np.ndim(given) == 1:
        seconds = np.asarray(given, dtype=float)[order]
    else:
        seconds = initial.draw(given, seed, projection.name, "(delay)", (len(i),))
    if (below := int((seconds < 0).sum())) > 0:
        raise DeclarationError(
            f"{below} of {len(seconds)} delays drawn from {given} are below 0",
            where=f"delay of {projection.where}",
            fix="give a distribution without times below 0, e.g. Uniform(1*ms, 3*ms)",
        )
    steps = np.maximum(1, np.rint(seconds / float(dt)))
    if np.ptp(steps) == 0:
        return Quantity(steps[0] * float(dt), dim=second.dim)
    times = steps * float(dt)
    return given if np.array_equal(times, given) else Quantity(times, dim=second.dim)


def decided_pairs(
    projection: Projection, n_source: int, n_target: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Indices (i, j) of the synapses, each int64 (n_synapses,), ordered by i then j (given pairs: in
    their order). Raises DeclarationError if there are none.
    """
    connect = projection.connect
    if isinstance(connect, Pairs):
        return connect.i, connect.j
    if connect == ALL:
        return np.divmod(np.arange(n_source * n_target), n_target)
    if connect == ONE_TO_ONE:
        return np.arange(n_source), np.arange(n_source)
    if isinstance(connect, FixedInDegree):
        found = list(_of_in_degree(projection, n_source, n_target, seed))
        i, j = (np.concatenate(part) for part in zip(*found))
        order = np.lexsort((j, i))
        return i[order], j[order]
    found = list(_chosen(projection, n_source, n_target, seed))
    i, j = (np.concatenate(part) for part in zip(*found))
    if not len(i):
        raise _no_pair(projection)
    return i, j


def condition_count(projection: Projection, n_source: int, n_target: int) -> int:
    """How many pairs meet the condition that is the `connect` of a projection, without their indices.
    Raises DeclarationError if there are none.
    """
    count = sum(len(i) for i, _ in _chosen(projection, n_source, n_target, 0))
    if not count:
        raise _no_pair(projection)
    return count


def expected_count(projection: Projection, n_source: int, n_target: int) -> int:
    """How many synapses a connection by chance makes on average, to the nearest whole number; that
    of a fixed in-degree is exact.
    """
    if isinstance(projection.connect, FixedInDegree):
        return projection.connect.n * n_target
    if isinstance(projection.connect, Probability) and projection.connect.condition is None:
        return round(projection.connect.p * n_source * n_target)
    chance = _chance(projection, n_source, n_target)
    return round(sum(float(np.sum(chance(i, j))) for i, j in _rows(n_source, n_target)))


def _no_pair(projection):
    what = f"the condition {projection.connect!r}"
    if not isinstance(projection.connect, str):
        what = f"connect = {projection.connect}"
    return DeclarationError(
        f"{what} joins no pair of units",
        where=projection.where,
        fix="correct the condition, or remove the projection",
    )


def _rows(n_source: int, n_target: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """All pairs, some sources at a time: i (sources, 1) and j (1, n_target)."""
    sources = max(1, PAIRS_AT_ONCE // n_target)
    for first in range(0, n_source, sources):
        last = min(first + sources, n_source)
        yield np.arange(first, last)[:, None], np.arange(n_target)[None]


def _chosen(projection, n_source, n_target, seed):
    """Indices (i, j) of the pairs that are joined, some sources at a time."""
    chance = _chance(projection, n_source, n_target)
    sure = isinstance(projection.connect, str)
    for i, j in _rows(n_source, n_target):
        chosen = chance(i, j)
        if not sure:
            chosen = random_words(seed, projection.name, i, j) < chosen * _WORDS
        row, column = np.nonzero(np.broadcast_to(chosen, (len(i), n_target)))
        yield i[row, 0], column


def _chance(
    projection: Projection, n_source: int, n_target: int
) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """The probability of pairs (i, j), which broadcast; of a condition, 0 or 1."""
    connect = projection.connect
    if isinstance(connect, str):
        return _expression(projection, connect, n_source, n_target)
    met = _condition(projection, n_source, n_target)
    if isinstance(connect, Probability):
        return lambda i, j: connect.p * met(i, j)
    assert isinstance(connect, DistanceDependent)
    of_distance = _expression(projection, connect.probability, n_source, n_target)

    def chance(i, j):
        values = np.asarray(of_distance(i, j, connect.distances(i, j)), dtype=float)
        if not ((values >= 0) & (values <= 1)).all():
            raise DeclarationError(
                f"{connect.probability} is from {values.min():.4g} to {values.max():.4g}, which is no "
                "probability",
                where=projection.where,
                fix="give an expression with values from 0 to 1",
            )
        return values * met(i, j)

    return chance


def _condition(projection, n_source, n_target):
    text = projection.connect.condition
    if text is None:
        return lambda i, j: np.ones(np.broadcast_shapes(i.shape, j.shape), dtype=bool)
    test = _expression(projection, text, n_source, n_target)
    return lambda i, j: np.asarray(test(i, j), dtype=bool)


def _expression(projection, text, n_source, n_target):
    """A function of (i, j) or (i, j, d), which broadcast, that evaluates an expression."""
    expression = str_to_sympy(text)
    names = sorted(str(s) for s in expression.free_symbols)
    evaluate = sympy.lambdify(names, expression, "numpy")
    constants = {"N_pre": n_source, "N_post": n_target}
    constants |= {name: float(value) for name, value in projection.parameters.items()}
    for name in set(names) - {"i", "j", "d", *constants}:
        constants[name] = float(
            DEFAULT_CONSTANTS[name].value if name in DEFAULT_CONSTANTS else getattr(brian2, name)
        )

    def of_pairs(i, j, d=None):
        symbols = {**constants, "i": i, "j": j, **({} if d is None else {"d": d})}
        shape = np.broadcast_shapes(i.shape, j.shape)
        return np.broadcast_to(np.asarray(evaluate(*[symbols[name] for name in names])), shape)

    return of_pairs


def random_words(seed: int, name: str, i: np.ndarray, j: np.ndarray) -> np.ndarray:
    """A random whole number below 2**32 for every pair, uint64 (sources, targets).

    Parameters
    ----------
    seed : int
        Of the network.
    name : str
        Of the projection.
    i : array of int, (sources, 1)
    j : array of int, (1, targets)
        Numbers that follow each other; the first is a multiple of 4.
    """
    key = (zlib.crc32(f"connect {seed}".encode()), _KEY_HIGH)
    fours = j[:, ::4] // 4
    words = philox((i, fours, zlib.crc32(name.encode()), 0), key)
    return np.stack(words, axis=-1).reshape(len(i), -1)[:, : j.shape[1]]


def _of_in_degree(projection, n_source, n_target, seed):
    """Indices (i, j) of a fixed in-degree, some targets at a time: of every target, the n pairs with
    the smallest numbers of `random_words`, and the smaller i where two are equal.
    """
    connect, met = projection.connect, _condition(projection, n_source, n_target)
    i = np.arange(n_source)[:, None]
    targets = 4 * max(1, PAIRS_AT_ONCE // n_source // 4)
    for first in range(0, n_target, targets):
        j = np.arange(first, min(first + targets, n_target))[None]
        allowed = met(i, j)
        few = np.flatnonzero(allowed.sum(axis=0) < connect.n)
        if len(few):
            raise DeclarationError(
                f"unit {first + few[0]} of the target can have {allowed[:, few[0]].sum()} synapses, "
                f"not {connect.n}",
                where=projection.where,
                fix="make the in-degree smaller, or correct its condition",
            )
        keys = (random_words(seed, projection.name, i, j) << np.uint64(32)) | i.astype(np.uint64)
        keys = np.where(allowed, keys, np.uint64(2**64 - 1))
        rows = np.argpartition(keys, connect.n - 1, axis=0)[: connect.n]
        yield rows.ravel(), np.broadcast_to(j, rows.shape).ravel()
