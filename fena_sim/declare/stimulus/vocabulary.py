"""Vocabularies: which tokens exist and which activity each one imposes on the sensory units."""

from collections.abc import Iterable
from numbers import Real

import attrs
import numpy as np
from numpy.typing import ArrayLike

from ...errors import StimulusError, UnknownNameError, clipped, nearest
from ..arguments import checked
from ..sequence import sequence
from ._check import generator, storable, whole


def _symbols(symbols: Iterable) -> tuple:
    return sequence(symbols, "symbols", "Vocabulary.symbols", StimulusError)


def _codes(codes: ArrayLike) -> np.ndarray:
    try:
        codes = np.array(codes, dtype=np.float64)
    except Exception:  # whatever an object's own conversion raises
        raise StimulusError(
            "codes must be a rectangular array of numbers",
            where="Vocabulary.codes",
            fix="give an array of shape (n_symbols, n_units)",
        ) from None
    codes.setflags(write=False)
    return codes


@checked(StimulusError)
@attrs.frozen
class Vocabulary:
    """Symbols and their sensory codes.

    Parameters
    ----------
    symbols : tuple of str, shape (n_symbols,)
        Unique and not empty. A token is the index of its symbol.
    codes : ndarray of float64, shape (n_symbols, n_units)
        Row i is the activity that symbol i imposes on the sensory units (dimensionless). Read-only.
    kind : str
        Name of the code; the constructors give "one_hot", "dense_random" or "graded".

    Raises
    ------
    StimulusError
        No symbols, a duplicate or empty symbol, codes of the wrong shape, without units or not
        finite, or two symbols with the same code (no network could tell them apart).
    """

    symbols: tuple = attrs.field(converter=_symbols)
    codes: np.ndarray = attrs.field(
        converter=_codes,
        eq=attrs.cmp_using(eq=np.array_equal),
        hash=False,
        repr=lambda codes: f"<array {codes.shape}>",
    )
    kind: str = "custom"
    _ids: dict = attrs.field(init=False, repr=False, eq=False)

    @_ids.default
    def _number_symbols(self):
        seen = {}
        for i, symbol in enumerate(self.symbols):
            if not isinstance(symbol, str) or not symbol:
                raise StimulusError(
                    f"symbol {i} is {clipped(symbol)}",
                    where="Vocabulary.symbols",
                    fix="every symbol must be a string of at least one character",
                )
            if symbol in seen:
                raise StimulusError(
                    f"symbol {symbol!r} is given twice (at {seen[symbol]} and {i})",
                    where="Vocabulary.symbols",
                    fix="give every symbol once",
                )
            seen[symbol] = i
        if not seen:
            raise StimulusError(
                "the vocabulary has no symbols",
                where="Vocabulary.symbols",
                fix="give at least one symbol",
            )
        storable(self.symbols, "symbol", "Vocabulary.symbols")
        return seen

    @codes.validator
    def _check_codes(self, attribute, codes):
        where = "Vocabulary.codes"
        if codes.ndim != 2 or len(codes) != len(self) or codes.shape[1] < 1:
            raise StimulusError(
                f"codes have shape {codes.shape} for {len(self)} symbols",
                where=where,
                fix="give one row per symbol and at least one unit: shape (n_symbols, n_units)",
            )
        finite = np.isfinite(codes).all(axis=1)
        if not finite.all():
            symbol = self.symbols[int(np.argmin(finite))]
            raise StimulusError(
                f"the code of symbol {symbol!r} is not finite",
                where=where,
                fix="replace NaN and infinite values",
            )
        owner = {}
        for symbol, row in zip(self.symbols, codes):
            other = owner.setdefault(row.tobytes(), symbol)
            if other != symbol:
                raise StimulusError(
                    f"symbols {other!r} and {symbol!r} have the same code",
                    where=where,
                    fix="give codes that differ, for instance with more units",
                )

    def __len__(self):
        return len(self.symbols)

    @property
    def size(self) -> int:
        """Number of sensory units."""
        return self.codes.shape[1]

    def index(self, symbol: str, where: str = "Vocabulary.index") -> int:
        """Token (int) of a symbol.

        Raises UnknownNameError, which names the nearest symbol and, as its place, `where`.
        """
        if not isinstance(symbol, str) or symbol not in self._ids:
            raise UnknownNameError(
                f"symbol {symbol!r} is not in the vocabulary",
                where=where,
                fix=nearest(symbol, self.symbols),
            )
        return self._ids[symbol]


def require_vocabulary(value: Vocabulary, where: str) -> Vocabulary:
    """Raise StimulusError unless `value` is a Vocabulary; return it."""
    if not isinstance(value, Vocabulary):
        raise StimulusError(
            f"the vocabulary is a {type(value).__name__}",
            where=where,
            fix="give a Vocabulary, for instance one_hot('abc')",
        )
    return value


@checked(StimulusError)
def one_hot(symbols: Iterable[str]) -> Vocabulary:
    """Vocabulary with one sensory unit per symbol: code 1 at its own unit and 0 elsewhere.

    Raises StimulusError for duplicate, empty or no symbols.
    """
    symbols = _symbols(symbols)
    return Vocabulary(symbols, np.eye(len(symbols)), "one_hot")


@checked(StimulusError)
def dense_random(symbols: Iterable[str], units: int, seed: int) -> Vocabulary:
    """Vocabulary of random directions: Gaussian rows scaled to unit L2 norm.

    Parameters
    ----------
    symbols : sequence of str
    units : int
        Number of sensory units, >= 1.
    seed : int
        Seed of `numpy.random.default_rng`.

    Raises StimulusError for bad symbols, `units` < 1 or a seed that is not a whole number.
    """
    symbols = _symbols(symbols)
    units = whole("units", units, 1, "dense_random")
    codes = generator(seed, "dense_random").standard_normal((len(symbols), units))
    return Vocabulary(symbols, _unit_norm(codes), "dense_random")


@checked(StimulusError)
def graded(symbols: Iterable[str], units: int, sd: float) -> Vocabulary:
    """Vocabulary of a population code on a line: a Gaussian bump per symbol, of unit L2 norm.

    The line has `units` bins. It is cut in as many equal segments as there are symbols and each
    bump is centred in its segment, so with as many symbols as bins symbol i is centred on bin i.

    Parameters
    ----------
    symbols : sequence of str
        In the order of their places on the line.
    units : int
        Number of bins (sensory units), >= 1.
    sd : float
        Standard deviation of the bump in bins, > 0.

    Raises StimulusError for bad symbols, `units` < 1, or an `sd` that is not positive and finite.
    """
    symbols = _symbols(symbols)
    units = whole("units", units, 1, "graded")
    if isinstance(sd, bool) or not isinstance(sd, Real) or not 0 < sd < np.inf:
        raise StimulusError(
            f"sd must be a positive number of bins, but is {sd!r}",
            where="graded",
            fix="give sd > 0, for instance 1.0",
        )
    centres = (np.arange(len(symbols)) + 0.5) * units / max(len(symbols), 1) - 0.5
    distance = np.abs(np.arange(units) - centres[:, None])
    # Relative to the nearest bin, so that a bump much narrower than a bin does not underflow to
    # nothing.
    exponent = distance**2 - distance.min(axis=1, keepdims=True) ** 2
    with np.errstate(over="ignore"):
        codes = np.exp(-0.5 * exponent / float(sd) / float(sd))
    return Vocabulary(symbols, _unit_norm(codes), "graded")


def _unit_norm(codes):
    return codes / np.linalg.norm(codes, axis=1, keepdims=True)
