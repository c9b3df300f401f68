"""Statistics over independently seeded networks: one value per network, never per token."""

import warnings

import attrs
import numpy as np
from scipy import stats

from fena_sim.errors import DeclarationError

# Fixed, so that the same networks always print the same interval.
SEED = 20240101
RESAMPLES = 9999


@attrs.frozen
class Summary:
    """Median over networks, an interval around it, and how the interval was made.

    ``method`` is "BCa bootstrap, 95 %" or "min-max range".
    """

    median: float
    low: float
    high: float
    n: int
    method: str

    def __str__(self):
        interval = f"{self.median:.3g} [{self.low:.3g}, {self.high:.3g}]"
        return f"{interval} ({self.method}, n = {self.n})"


def summarise(values):
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
    low, high, method = values.min(), values.max(), "min-max range"
    if len(values) >= 3 and low < high:
        interval = _bootstrap(values)
        if np.isfinite(interval).all():
            (low, high), method = interval, "BCa bootstrap, 95 %"
    return Summary(float(np.median(values)), float(low), float(high), len(values), method)


def _bootstrap(values):
    # A degenerate bootstrap is said in words by the caller (min-max range), not by warnings.
    with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        result = stats.bootstrap(
            (values,),
            np.median,
            confidence_level=0.95,
            n_resamples=RESAMPLES,
            method="BCa",
            rng=np.random.default_rng(SEED),
        )
    return result.confidence_interval
