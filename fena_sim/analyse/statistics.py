"""Statistics over independently seeded networks: one value per network, never per token."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import attrs
import numpy as np
import scipy

from ..declare.arguments import checked
from ..errors import DeclarationError

# Fixed, so that the same networks always print the same interval.
SEED = 20240101
RESAMPLES = 9999
#: Points whose resamples are held in memory at once.
POINTS = 64
#: How an interval was made.
BOOTSTRAP, RANGE = "BCa bootstrap, 95 %", "min-max range"


@attrs.frozen
class Summary:
    """Median over networks (of :func:`share`: the share), an interval around it, and how the
    interval was made.

    ``method`` is "BCa bootstrap, 95 %", "min-max range" or "Clopper-Pearson, 95 %".
    """

    median: float
    low: float
    high: float
    n: int
    method: str

    def __str__(self) -> str:
        interval = f"{self.median:.3g} [{self.low:.3g}, {self.high:.3g}]"
        return f"{interval} ({self.method}, n = {self.n})"


@checked(DeclarationError)
def summarise(values: np.ndarray | Sequence[float]) -> Summary:
    """Median over networks with its 95 % bootstrap interval.

    Formula: bias-corrected and accelerated bootstrap of the median with 9999 resamples and a fixed
    seed (Efron 1987, J. Am. Stat. Assoc. 82:171; scipy.stats.bootstrap). With fewer than three
    networks, or where the bootstrap is degenerate (its jackknife does not vary), the interval is
    the min-max range, and ``method`` says so.

    Parameters
    ----------
    values : sequence of float, shape (network,)
        In any unit; the result has the same.

    Returns
    -------
    Summary

    Raises
    ------
    DeclarationError
        If there is no value, or one is not finite.
    """
    values = np.asarray(values, dtype=float)
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
        raise DeclarationError(
            f"cannot summarise {values!r}",
            where="summarise(values)",
            fix="give one finite number per network",
        )
    low, high, bootstrapped = intervals(values)
    method = BOOTSTRAP if bootstrapped else RANGE
    return Summary(float(np.median(values)), float(low), float(high), len(values), method)


@checked(DeclarationError)
def paired(a: np.ndarray | Sequence[float], b: np.ndarray | Sequence[float]) -> Summary:
    """Median over networks of the difference a - b within each, with its 95 % interval.

    Formula: :func:`summarise` of ``a - b``. For two conditions of the same network (the same seed),
    whose differences vary less than the networks do; this is the median of differences, not the
    difference of medians.

    Parameters
    ----------
    a, b : sequence of float, shape (network,)
        The same networks in the same order.

    Returns
    -------
    Summary

    Raises
    ------
    DeclarationError
        If the two differ in length, there is no value, or one is not finite.
    """
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if a.shape != b.shape:
        raise DeclarationError(
            f"cannot pair values of shapes {a.shape} and {b.shape}",
            where="paired(a, b)",
            fix="give both values of every network, in the same order",
        )
    return summarise(a - b)


@checked(DeclarationError)
def share(successes: np.ndarray | Sequence[bool]) -> Summary:
    """Share of networks in which something holds, with its exact 95 % interval.

    Formula: k/n and the interval of Clopper & Pearson 1934, Biometrika 26:404
    (scipy.stats.binomtest), which covers the true share in at least 95 % of samples, also where all
    or none of few networks succeed.

    Parameters
    ----------
    successes : sequence of bool, shape (network,)

    Returns
    -------
    Summary
        ``median`` is the share.

    Raises
    ------
    DeclarationError
        If there is no value, or one is neither true nor false.
    """
    values = np.asarray(successes)
    if values.ndim != 1 or not len(values) or not np.isin(values, (0, 1)).all():
        raise DeclarationError(
            f"cannot take a share of {successes!r}",
            where="share(successes)",
            fix="give True or False for every network",
        )
    test = scipy.stats.binomtest(int(values.sum()), len(values))
    low, high = test.proportion_ci(0.95, method="exact")
    return Summary(
        float(test.statistic), float(low), float(high), len(values), "Clopper-Pearson, 95 %"
    )


@checked(DeclarationError)
def rank_correlation(a: np.ndarray | Sequence[float], b: np.ndarray | Sequence[float]) -> float:
    """Rank correlation of two quantities within a network; 0 where one of them does not vary.

    Formula: Spearman's rho, the correlation of the ranks, equal values sharing their mean rank
    (Spearman 1904, Am. J. Psychol. 15:72; scipy.stats.spearmanr). Of a constant it is undefined. It
    counts as 0 here, so that a quantity that never changes cannot pass for one that follows another.

    Parameters
    ----------
    a, b : sequence of float, shape (item,)
        In any unit; of the same items in the same order.

    Returns
    -------
    float
        From -1 to 1.

    Raises
    ------
    DeclarationError
        If the two differ in length, there are fewer than two items, or one is not finite.
    """
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if a.ndim != 1 or a.shape != b.shape or len(a) < 2 or not np.isfinite(a + b).all():
        raise DeclarationError(
            f"values of shapes {a.shape} and {b.shape} have no rank correlation",
            where="rank_correlation(a, b)",
            fix="give two finite values of every item, in the same order",
        )
    if not np.ptp(a) or not np.ptp(b):
        return 0.0
    return float(scipy.stats.spearmanr(a, b).statistic)


def intervals(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """95 % interval of the median over networks at every point, each by itself.

    Formula: as :func:`summarise` at every point.

    Parameters
    ----------
    values : array, shape (network, ...)

    Returns
    -------
    low, high : ndarray, shape (...)
    bootstrapped : ndarray of bool, shape (...)
        False where the interval is the min-max range.
    """
    values = np.asarray(values, dtype=float)
    flat = values.reshape(len(values), -1)
    low, high = flat.min(axis=0), flat.max(axis=0)
    bootstrapped = np.zeros(flat.shape[1], dtype=bool)
    vary = np.flatnonzero((low < high) & (len(flat) >= 3))
    for start in range(0, len(vary), POINTS):
        points = vary[start : start + POINTS]
        found = bootstrap(flat[:, points], np.median).confidence_interval
        known = np.isfinite(found.low) & np.isfinite(found.high)
        low[points[known]], high[points[known]] = found.low[known], found.high[known]
        bootstrapped[points[known]] = True
    shape = values.shape[1:]
    return low.reshape(shape), high.reshape(shape), bootstrapped.reshape(shape)


def bootstrap(values: np.ndarray, statistic: Callable) -> Any:
    """Bias-corrected and accelerated bootstrap over networks, with 9999 resamples and a fixed seed.

    Parameters
    ----------
    values : array, shape (network, ...)
        At least two networks.
    statistic : function
        Of an array and ``axis``, e.g. numpy.median.

    Returns
    -------
    BootstrapResult
        As of scipy.stats.bootstrap: ``confidence_interval`` (95 %), and ``bootstrap_distribution`` of
        shape (..., resample). Not finite where the bootstrap is degenerate.
    """
    # A degenerate bootstrap is said in words by the caller (min-max range), not by warnings.
    with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
        warnings.simplefilter("ignore", scipy.stats.DegenerateDataWarning)
        return scipy.stats.bootstrap(
            (values,),
            statistic,
            axis=0,
            confidence_level=0.95,
            n_resamples=RESAMPLES,
            method="BCa",
            rng=np.random.default_rng(SEED),
        )
