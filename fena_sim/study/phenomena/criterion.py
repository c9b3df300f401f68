"""Criteria of a phenomenon, declared before any run: what is measured, and the bar it has to clear.

Every kind has an effect floor, a range or a margin in the unit of its metric. A floor takes the place
of "> 0", so that a real but negligible effect does not pass.
"""

from typing import Literal

import attrs
import numpy as np

from ...analyse.statistics import rank_correlation
from ...declare.arguments import checked
from ...errors import DeclarationError

Basis = Literal["published", "chosen", "memory"]


def _fail(instance, what, fix):
    raise DeclarationError(what, where=f"{type(instance).__name__}({instance.id!r})", fix=fix)


def _word(instance, attribute, value):
    if value.split() != [value]:
        raise DeclarationError(
            f"a criterion cannot be called {value!r}",
            where=f"{type(instance).__name__}(id=...)",
            fix="give one word, e.g. 'c1'",
        )


def _said(instance, attribute, value):
    if not value.strip():
        _fail(instance, f"{attribute.name} is empty", "say in a few words what is measured")


def _sourced(instance, attribute, value):
    if not value.strip() and "chosen" != instance.basis:
        _fail(
            instance,
            f"a basis that is {instance.basis!r} has no source",
            "give the paper and its doi as source, or basis='chosen'",
        )


def _floor(instance, attribute, value):
    if not np.isfinite(value) or value < 0:
        _fail(
            instance,
            f"the floor is {value}",
            "give the size that an effect must exceed, 0 or more, whatever its sign",
        )


def _cases(instance, attribute, value):
    if len(set(value)) < len(value):
        _fail(instance, f"{attribute.name} names one twice: {value}", "give every one its own name")


def _interval(instance):
    if not -np.inf < instance.low < instance.high < np.inf:
        _fail(
            instance,
            f"{instance.low:g} to {instance.high:g} is no interval",
            "give two finite numbers, the lower one as low",
        )


@checked(DeclarationError)
@attrs.frozen
class Published:
    """Mean and standard deviation that a paper gives, in the unit of the criterion's metric."""

    mean: float
    sd: float = attrs.field()
    source: str

    @sd.validator
    def _positive(self, attribute, value):
        if not (np.isfinite(self.mean) and np.isfinite(value) and value > 0):
            raise DeclarationError(
                f"a published mean of {self.mean} and a standard deviation of {value} give no z",
                where=f"Published(source={self.source!r})",
                fix="give finite numbers, the standard deviation above 0, or leave `published` out",
            )


@attrs.frozen(kw_only=True)
class Criterion:
    """What all criteria have in common. Declare one of its kinds.

    Parameters
    ----------
    id : str
        One word, e.g. "c1"; unique in its phenomenon.
    metric : str
        What is measured in each network, in a few words.
    required : bool
        Whether the phenomenon needs it.
    basis : "published", "chosen" or "memory"
        Where the finding (its direction) comes from: read in a source, chosen for this suite, or
        recalled from a paper that was not read again.
    source : str
        The paper and its doi; may be empty only where the basis is "chosen".
    bar_basis : "published", "chosen" or "memory"
        Where the number of the bar comes from.
    unit : str
        Of the metric and of the bar, e.g. "ms" or "%"; empty for a ratio.
    levels : tuple of int
        The levels that the criterion is about, above the first. It is void where one of them is not
        alive (:func:`~.verdict.weigh`).
    published : Published, optional
        Mean and standard deviation of the same metric in a paper, for z.
    """

    id: str = attrs.field(validator=_word)
    metric: str = attrs.field(validator=_said)
    required: bool
    basis: Basis
    source: str = attrs.field(default="", validator=_sourced)
    bar_basis: Basis = "chosen"
    unit: str = ""
    levels: tuple[int, ...] = attrs.field(default=(), converter=tuple, validator=_cases)
    published: Published | None = None

    @property
    def basis_text(self) -> str:
        """Basis, bar and source as a row prints them."""
        same = self.bar_basis == self.basis
        text = self.basis if same else f"direction {self.basis}, bar {self.bar_basis}"
        return f"{text}: {self.source}" if self.source else text

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of the columns that :meth:`tested` returns, each of which must clear the bar."""
        return ("",)

    @property
    def columns(self) -> int:
        """How many values each network has to give; 0 for a plain number per network."""
        return 0

    @property
    def bar(self) -> str:
        """The bar in words and in the unit of the metric."""
        raise NotImplementedError

    def tested(self, values: np.ndarray) -> np.ndarray:
        """What the bar is held against: shape (network, part), from values as `columns` asks."""
        return values.reshape(len(values), -1)

    def _with_unit(self, text):
        return f"{text} {self.unit}".rstrip()


@attrs.frozen(kw_only=True)
class _OfCases(Criterion):
    """A criterion of one value per network, or of one in each of several cases."""

    each: tuple[str, ...] = attrs.field(default=(), converter=tuple, validator=_cases)

    @property
    def parts(self) -> tuple[str, ...]:
        return self.each or ("",)

    @property
    def columns(self) -> int:
        return len(self.each)


@checked(DeclarationError)
@attrs.frozen(kw_only=True)
class Positive(_OfCases):
    """The mean over networks lies above `floor`, and so do the values of most networks.

    Parameters
    ----------
    floor : float
        0 or more, in the metric's unit.
    each : tuple of str
        Names of cases (conditions, levels) in each of which it must hold. Values are then of shape
        (network, case), else (network,).

    Other parameters: as of :class:`Criterion`. Values are judged by :func:`~.verdict.weigh`.
    """

    floor: float = attrs.field(validator=_floor)
    sign = 1

    @property
    def bar(self) -> str:
        return self._with_unit(f"> {self.floor:g}")


@checked(DeclarationError)
@attrs.frozen(kw_only=True)
class Negative(_OfCases):
    """The mirror image of :class:`Positive`: values lie below -floor."""

    floor: float = attrs.field(validator=_floor)
    sign = -1

    @property
    def bar(self) -> str:
        return self._with_unit(f"< {-self.floor or 0:g}")


@checked(DeclarationError)
@attrs.frozen(kw_only=True)
class Range(_OfCases):
    """The mean lies in [low, high], and its interval overlaps that.

    Parameters
    ----------
    low, high : float
        In the metric's unit.
    each : tuple of str
        As of :class:`Positive`.
    """

    low: float
    high: float

    def __attrs_post_init__(self):
        _interval(self)

    @property
    def bar(self) -> str:
        return self._with_unit(f"in {self.low:g} to {self.high:g}")


@checked(DeclarationError)
@attrs.frozen(kw_only=True)
class Equivalence(_OfCases):
    """The mean lies inside the margin (low, high), by two one-sided tests: an absence that is shown.

    Parameters
    ----------
    low, high : float
        The margin, in the metric's unit; around 0 for a difference, around 1 for a ratio.
    each : tuple of str
        As of :class:`Positive`.
    """

    low: float
    high: float

    def __attrs_post_init__(self):
        _interval(self)

    @property
    def bar(self) -> str:
        return self._with_unit(f"equivalent within {self.low:g} to {self.high:g}")


@checked(DeclarationError)
@attrs.frozen(kw_only=True)
class Report(Criterion):
    """A value with its interval that is reported and never judged: contested or descriptive."""

    @property
    def bar(self) -> str:
        return "reported"

    def __attrs_post_init__(self):
        if self.required:
            _fail(
                self,
                "what is only reported cannot be required",
                "give required=False, or a bar that it can fail",
            )


@checked(DeclarationError)
@attrs.frozen(kw_only=True)
class Trend(Criterion):
    """The metric rises (or falls) over levels or conditions, in most networks.

    Formula: Spearman's rank correlation of the metric with `along` in every network
    (:func:`fena_sim.measure.rank_correlation`; a metric that does not vary has 0), then as
    :class:`Positive` (or :class:`Negative`) on these.

    Parameters
    ----------
    along : tuple of float
        The level or the value of each condition, at least three; values are of shape (network,
        condition).
    floor : float
        That the correlation must exceed, from 0 to below 1.
    direction : "rises" or "falls"
    """

    along: tuple[float, ...] = attrs.field(converter=tuple)
    floor: float = attrs.field(validator=_floor)
    direction: Literal["rises", "falls"] = "rises"

    def __attrs_post_init__(self):
        if len(self.along) < 3 or len(set(self.along)) < len(self.along):
            _fail(
                self,
                f"a trend cannot be along {self.along}",
                "give at least three levels or conditions, each with its own value; "
                "Ordering compares two",
            )
        if not np.isfinite(self.along).all():
            _fail(self, f"a trend cannot be along {self.along}", "give finite numbers")
        if self.floor >= 1:
            _fail(self, f"no correlation exceeds {self.floor:g}", "give a floor below 1")

    @property
    def sign(self) -> int:
        return 1 if self.direction == "rises" else -1

    @property
    def columns(self) -> int:
        return len(self.along)

    @property
    def bar(self) -> str:
        return (
            f"{self.direction}, rho {'>' if self.sign > 0 else '<'} {self.sign * self.floor or 0:g}"
        )

    def tested(self, values: np.ndarray) -> np.ndarray:
        known = np.isfinite(values).all(axis=1)
        rho = np.full(len(values), np.nan)
        rho[known] = [rank_correlation(self.along, of_network) for of_network in values[known]]
        return rho[:, None]


@checked(DeclarationError)
@attrs.frozen(kw_only=True)
class Ordering(Criterion):
    """The metric rises from each condition to the next by more than `floor`, in most networks.

    Stricter than a trend: every step must clear the bar, as :class:`Positive`.

    Parameters
    ----------
    conditions : tuple of str
        From the one that should have the lowest value to the one with the highest; values are of
        shape (network, condition).
    floor : float
        That every step must exceed, 0 or more, in the metric's unit.
    """

    conditions: tuple[str, ...] = attrs.field(converter=tuple, validator=_cases)
    floor: float = attrs.field(validator=_floor)
    sign = 1

    def __attrs_post_init__(self):
        if len(self.conditions) < 2:
            _fail(self, f"{self.conditions} have no order", "give at least two conditions")

    @property
    def parts(self) -> tuple[str, ...]:
        pairs = zip(self.conditions[:-1], self.conditions[1:], strict=True)
        return tuple(f"{lower} < {higher}" for lower, higher in pairs)

    @property
    def columns(self) -> int:
        return len(self.conditions)

    @property
    def bar(self) -> str:
        return self._with_unit(f"{' < '.join(self.conditions)}, each step > {self.floor:g}")

    def tested(self, values: np.ndarray) -> np.ndarray:
        return np.diff(values, axis=1)
