"""Oddball designs and the controls that separate deviance from rarity, adaptation and omission.

Designs of P01 in Sabri & Campbell 2001 (doi 10.1016/s0926-6410(01)00026-x: at least two standards
between deviants), Parras et al. 2017 (doi 10.1038/s41467-017-02038-6) and Carbajal & Malmierca 2018
(doi 10.1177/2331216518784822: many-standards and cascade controls).

Every design labels its events with `role` ("standard", "deviant" or "control") and `condition`.
"""

from collections.abc import Iterable

import numpy as np

from ...errors import StimulusError
from ..arguments import checked
from ..sequence import sequence
from ._check import generator, probability, whole
from .stream import TokenStream
from .vocabulary import Vocabulary


@checked(StimulusError)
def oddball(
    standard: str,
    deviant: str,
    n: int,
    p_deviant: float,
    seed: int,
    vocabulary: Vocabulary,
    min_standards: int = 2,
) -> TokenStream:
    """Rare deviants among standards.

    At least `min_standards` standards come first and between two deviants; after them each event is
    a deviant with the constant probability q = p / (1 - p * min_standards), for which deviants make
    up p = `p_deviant` of a long stream.

    Parameters
    ----------
    standard, deviant : str
        Symbols of the vocabulary.
    n : int
        Number of events.
    p_deviant : float
        In (0, 1) and at most 1 / (min_standards + 1).
    seed : int
    vocabulary : Vocabulary
    min_standards : int
        >= 0.

    Returns
    -------
    TokenStream
        `role` is "standard" or "deviant", `condition` is "oddball".

    Raises
    ------
    StimulusError
        `n` < 1, a probability out of range or unattainable, or standard and deviant the same.
    UnknownNameError
        A symbol is not in the vocabulary.
    """
    return _oddball("oddball", standard, deviant, n, p_deviant, seed, vocabulary, min_standards)


@checked(StimulusError)
def flip_flop(
    standard: str,
    deviant: str,
    n: int,
    p_deviant: float,
    seed: int,
    vocabulary: Vocabulary,
    min_standards: int = 2,
) -> TokenStream:
    """The oddball with the roles of the two tokens swapped, `condition` "flip_flop".

    Takes the arguments of `oddball`. With the same seed the deviants fall on the same events, so a
    token can be compared with itself as standard and as deviant. Raises what `oddball` raises.
    """
    return _oddball("flip_flop", deviant, standard, n, p_deviant, seed, vocabulary, min_standards)


def _oddball(condition, standard, deviant, n, p_deviant, seed, vocabulary, min_standards):
    ids = [vocabulary.index(symbol, where=f"{condition} tokens") for symbol in (standard, deviant)]
    if standard == deviant:
        raise StimulusError(
            f"standard and deviant are both {standard!r}",
            where=condition,
            fix="give two different tokens",
        )
    rare = _rare(n, "p_deviant", p_deviant, "min_standards", min_standards, seed, condition)
    return TokenStream.from_ids(
        np.where(rare, ids[1], ids[0]),
        vocabulary,
        role=np.where(rare, "deviant", "standard").astype(object),
        condition=[condition] * len(rare),
    )


@checked(StimulusError)
def many_standards(tokens: Iterable[str], n: int, seed: int, vocabulary: Vocabulary) -> TokenStream:
    """Control for rarity: equally probable tokens in random order without immediate repeat.

    Parameters
    ----------
    tokens : sequence of str
        At least two different symbols.
    n : int
        Number of events.
    seed : int
    vocabulary : Vocabulary

    Returns a TokenStream with `role` "control" and `condition` "many_standards". Raises
    StimulusError for fewer than two tokens, a repeated one or `n` < 1, and UnknownNameError for an
    unknown symbol.
    """
    ids = _ids(tokens, vocabulary, "many_standards")
    n = whole("n", n, 1, "many_standards")
    rng = generator(seed, "many_standards")
    # A step of 1 to k-1 around the ring of tokens never stays and leaves the uniform distribution
    # as it is.
    steps = rng.integers(1, len(ids), size=n)
    steps[0] = rng.integers(len(ids))
    return _control(ids[steps.cumsum() % len(ids)], vocabulary, "many_standards")


@checked(StimulusError)
def cascade(
    tokens: Iterable[str], n: int, vocabulary: Vocabulary, descending: bool = False
) -> TokenStream:
    """Control for rarity and adaptation without surprise: the tokens in order, again and again.

    Parameters
    ----------
    tokens : sequence of str
        At least two different symbols, in ascending order.
    n : int
        Number of events.
    vocabulary : Vocabulary
    descending : bool
        Run through the tokens from the last to the first.

    Returns a TokenStream with `role` "control" and `condition` "cascade" or "cascade_descending".
    Raises what `many_standards` raises.
    """
    ids = _ids(tokens, vocabulary, "cascade")
    n = whole("n", n, 1, "cascade")
    if descending:
        ids = ids[::-1]
    return _control(
        np.resize(ids, n), vocabulary, "cascade_descending" if descending else "cascade"
    )


@checked(StimulusError)
def omissions(stream: TokenStream, p: float, seed: int, min_gap: int = 4) -> TokenStream:
    """Replace tokens of a stream by OMITTED.

    At least `min_gap` presented tokens come first and between two omissions; after them each token
    is omitted with the constant probability for which omissions make up `p` of a long stream.

    Parameters
    ----------
    stream : TokenStream
        Without omissions so far.
    p : float
        In (0, 1) and at most 1 / (min_gap + 1).
    seed : int
    min_gap : int
        >= 0.

    Returns
    -------
    TokenStream
        The same events and labels with two more columns: `omitted` (bool) and `expected` (int64,
        the token that was due, also where it was presented).

    Raises
    ------
    StimulusError
        A probability out of range or unattainable, or a stream that has omissions or these columns.
    """
    due = stream.events["token"].to_numpy()
    labels = {
        name: stream.events[name].to_numpy()
        for name in stream.events.columns.drop(["token", "symbol"])
    }
    if (due < 0).any() or {"omitted", "expected"} & set(labels):
        raise StimulusError(
            "the stream has omissions already, so the token that was due is not known",
            where="omissions",
            fix="omit tokens from the original stream, once",
        )
    omitted = _rare(len(stream), "p", p, "min_gap", min_gap, seed, "omissions")
    return TokenStream.from_ids(
        np.where(omitted, -1, due), stream.vocabulary, **labels, omitted=omitted, expected=due
    )


def _ids(tokens, vocabulary, where):
    tokens = sequence(tokens, "tokens", where, StimulusError)
    ids = np.array(
        [vocabulary.index(symbol, where=f"{where} tokens") for symbol in tokens], dtype=np.int64
    )
    if len(ids) < 2 or len(set(ids)) < len(ids):
        raise StimulusError(
            f"the tokens {tokens} are not two or more different tokens",
            where=where,
            fix="give every token once, and at least two",
        )
    return ids


def _control(ids, vocabulary, condition):
    return TokenStream.from_ids(
        ids, vocabulary, role=["control"] * len(ids), condition=[condition] * len(ids)
    )


def _rare(n, p_name, p, gap_name, gap, seed, where):
    """Mask (n,) of rare events: a renewal process of rate p with `gap` common events before each."""
    n = whole("n", n, 1, where)
    p = probability(p_name, p, where)
    gap = whole(gap_name, gap, 0, where)
    rng = generator(seed, where)
    common = 1 / p - gap  # mean number of events per rare one, less the certain ones: 1 / hazard
    if common < 1 - 1e-9:
        raise StimulusError(
            f"{p_name}={p:g} cannot be reached with {gap_name}={gap}",
            where=where,
            fix=f"give {p_name} <= 1/{gap + 1} = {1 / (gap + 1):.4g}, or a smaller {gap_name}",
        )
    # The rare events of n events need at most n / (gap + 1) intervals.
    hazard = min(1.0, max(1 / common, np.finfo(float).tiny))
    waits = rng.geometric(hazard, size=n // (gap + 1) + 1)
    # A wait beyond the end is cut, lest a tiny p overflow the sum.
    at = (gap + np.minimum(waits, n + 1)).cumsum() - 1
    mask = np.zeros(n, dtype=bool)
    mask[at[at < n]] = True
    return mask
