"""The order that grammars share: items in three classes, under a rule on the last two classes."""

from collections.abc import Collection, Iterator

import attrs
import numpy as np
from scipy import sparse

from ...errors import StimulusError, clipped
from ..sequence import check_order

CLASSES = 3
#: Share of the junctions, after items that begin a held-out pair, that a held-out stream sends
#: through one.
P_NOVEL = 0.5


def pairs_of(pairs: Collection, what: str, where: str) -> frozenset:
    """Held-out pairs as a frozenset, or StimulusError; `what` says what they are pairs of."""
    try:
        pairs = list(pairs)
        for pair in pairs:
            check_order(pair, "the two of a held-out pair", where, StimulusError)
        return frozenset((first, second) for first, second in pairs)
    except StimulusError:
        raise
    except Exception:  # whatever an object's own iterator raises
        raise StimulusError(
            f"held-out pairs must be pairs of {what}, but are {clipped(pairs)}",
            where=where,
            fix="give for instance {(0, 4), (1, 8)}",
        ) from None


def check_number(number: int, n: int, item: str, within: str, where: str) -> None:
    """Raise StimulusError unless `number` is that of one of `n` items; `within` says what names it."""
    if isinstance(number, bool) or not isinstance(number, (int, np.integer)) or not 0 <= number < n:
        raise StimulusError(
            f"{within} names {item} {number!r}, which does not exist",
            where=where,
            fix=f"use {item} numbers from 0 to {n - 1}",
        )


def check_classes(items: tuple, plural: str, where: str) -> None:
    """Raise StimulusError unless the items make three classes of equal size."""
    if not items or len(items) % CLASSES:
        raise StimulusError(
            f"{len(items)} {plural} do not make {CLASSES} classes of equal size",
            where=where,
            fix=f"give {CLASSES}, {2 * CLASSES}, {3 * CLASSES}, ... {plural}",
        )


@attrs.frozen
class ClassOrder:
    """Items 0 to 3 * k - 1 (motifs, phrases): item m has class m // k and index m % k.

    After an item of class c1, and another class c2 before it, the next class is the third one with
    probability `p_class` and c2 again otherwise; the index stays with probability `p_index` and is
    drawn uniformly from all k otherwise. It starts as if after the classes 0, 1 and a random index.

    Parameters
    ----------
    n : int
        Number of items, 3 * k.
    held_out_pairs : set of (int, int)
        Pairs of items that never follow each other in training.
    p_class, p_index : float in [0, 1]
    item : str
        What an error calls one of them: "motif".
    owner : str
        The grammar that an error names.
    """

    n: int
    held_out_pairs: frozenset
    p_class: float
    p_index: float
    item: str
    owner: str

    @property
    def class_size(self) -> int:
        """Number k of items per class."""
        return self.n // CLASSES

    def chances(self) -> np.ndarray:
        """Probability of the next item given the class before the last item and the last item.

        Array of shape (3, n, n); zero where the class before is that of the last item, which the
        rule never asks for.
        """
        k = self.class_size
        stay = np.full((k, k), (1 - self.p_index) / k) + self.p_index * np.eye(k)
        chances = np.zeros((CLASSES, CLASSES, k, CLASSES, k))
        for before in range(CLASSES):
            for last in {0, 1, 2} - {before}:
                chances[before, last, :, 3 - last - before, :] = self.p_class * stay
                chances[before, last, :, before, :] = (1 - self.p_class) * stay
        return chances.reshape(CLASSES, self.n, self.n)

    def transitions(self, held_out: bool) -> np.ndarray:
        """`chances` as training draws the next item, or a held-out stream; shape (3, n, n).

        Rows sum to one, or are zero where no stream gets.
        """
        if not held_out:
            chances = self._allowed()
            total = chances.sum(axis=2, keepdims=True)
            return np.divide(chances, total, out=np.zeros_like(chances), where=total > 0)
        chances = self.chances()
        for first, novel in self._novel_after().items():
            reached = chances[:, first].any(axis=-1)
            chances[:, first] *= 1 - P_NOVEL
            chances[np.ix_(reached, [first], novel)] += P_NOVEL / len(novel)
        return chances

    def start(self) -> np.ndarray:
        """Probability of the first item, which follows class 1: array of shape (n,)."""
        return self.chances()[0, self.class_size : 2 * self.class_size].mean(axis=0)

    def chain(self, held_out: bool) -> tuple[np.ndarray, sparse.coo_array, np.ndarray]:
        """The order as a Markov chain over nodes (class before, item).

        Returns
        -------
        start : array of shape (3 * n,)
        following : sparse array of shape (3 * n, 3 * n)
            Probability of the next node (column) given a node (row).
        item : array of int, shape (3 * n,)
            The item of a node.
        """
        chances = self.transitions(held_out)
        before, last, following = np.nonzero(chances)
        stays = following // self.class_size == last // self.class_size
        # Within a class, the class before it is still the one before.
        then = np.where(stays, before, last // self.class_size)
        nodes = before * self.n + last, then * self.n + following
        start = np.zeros(CLASSES * self.n)
        start[self.n : 2 * self.n] = self.start()
        shape = (CLASSES * self.n,) * 2
        return (
            start,
            sparse.coo_array((chances[before, last, following], nodes), shape=shape),
            np.tile(np.arange(self.n), CLASSES),
        )

    def walk(self, rng: np.random.Generator, held_out: bool) -> Iterator[int]:
        """Items one after another, without end, drawn as `transitions` says."""
        k = self.class_size
        cumulative = (self.chances() if held_out else self._allowed()).cumsum(axis=2)
        novel_after, p_novel = self._novel_after(), P_NOVEL if held_out else 0

        def follow(row):
            return int(row.searchsorted(rng.random() * row[-1], side="right"))

        before = 1
        item = follow(self.chances()[0, k + rng.integers(k)].cumsum())
        while True:
            yield item
            if item in novel_after and rng.random() < p_novel:
                following = novel_after[item][rng.integers(len(novel_after[item]))]
            else:
                following = follow(cumulative[before, item])
            if following // k != item // k:  # a held-out pair may stay in its class
                before = item // k
            item = following

    def check_no_dead_end(self) -> None:
        """Raise StimulusError if training can reach an item without any continuation."""
        k, allowed = self.class_size, self._allowed()
        # The items before the stream are imagined, so their continuations are not restricted.
        first = np.flatnonzero(self.chances()[0, k : 2 * k].any(axis=0))
        to_visit = [(1, int(m)) for m in first]
        seen = set(to_visit)
        while to_visit:
            before, last = to_visit.pop()
            following = np.flatnonzero(allowed[before, last])
            if not len(following):
                raise StimulusError(
                    f"every continuation of {self.item} {last} is held out, so training could not go on after it",
                    where=f"{self.owner}.held_out_pairs",
                    fix=f"hold out fewer of the pairs ({last}, ...)",
                )
            new = {(last // k, int(m)) for m in following} - seen
            seen |= new
            to_visit.extend(new)

    def _allowed(self):
        """`chances` without the held-out pairs."""
        allowed = self.chances()
        for first, second in self.held_out_pairs:
            allowed[:, first, second] = 0
        return allowed

    def _novel_after(self):
        """{item: the sorted items that make a held-out pair with it}."""
        return {
            first: sorted(b for a, b in self.held_out_pairs if a == first)
            for first in {first for first, _ in self.held_out_pairs}
        }
