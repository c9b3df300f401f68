"""The verdict on one criterion in one model, from one value per network.

A criterion passes where, over networks,

========================  ==============================================================================
positive, negative        the 95 % interval of the mean lies beyond the floor, and at least 80 % of the
                          networks do; with several cases, in each of them
trend                     the same of each network's rank correlation
ordering                  the same of every step from one condition to the next
range                     the mean lies in the range, and its 95 % interval overlaps that
equivalence               two one-sided t tests: the 90 % interval of the mean lies inside the margin
report-only               never: it has no verdict
========================  ==============================================================================

Cases that must all hold need no correction for their number (intersection-union test; Berger 1982,
Technometrics 24:295): the criterion has the value and interval of the case that clears the bar by
least, and the largest p value.

A network without a finite value fails the criterion: to leave it out would be to choose networks by
their outcome. A criterion about a level is void where that level is not alive, that is where its
response is below 1 % of the first level's in more than 20 % of the networks: such numbers are
decided by noise.

With two to five networks the interval is their range, and no p value can be had: the verdict is
provisional. A single network decides nothing.
"""

from collections.abc import Mapping

import attrs
import numpy as np
import scipy

from ...errors import DeclarationError
from .criterion import Criterion, Equivalence, Range, Report
from .inference import ALPHA, FEWEST, equivalence, estimate

PASS, FAIL, VOID, UNDECIDED, REPORTED = VERDICTS = (
    "pass",
    "fail",
    "void",
    "undecided",
    "reported",
)
#: Share of networks in which the sign must hold, and of those in which a level must be alive.
SHARE = 0.8
#: Of the first level's response; a level that responds less is not alive.
ALIVE = 0.01


@attrs.frozen(kw_only=True)
class Outcome:
    """One criterion in one model.

    Parameters
    ----------
    verdict : str
        "pass", "fail", "void", "undecided" or "reported".
    value, low, high : float
        Mean over networks and its interval, of the worst case; NaN where a network has no finite
        value.
    method : str
        How the interval was made.
    p : float or None
        Not yet corrected for other criteria. None where nothing is tested (range, report-only, too
        few networks).
    share : float or None
        Of networks that are themselves beyond the bar, in the worst case.
    networks : int
    part : str
        The worst case, level or step; empty where there is one only.
    reason : str
        Why it does not pass; empty where it does.
    """

    verdict: str
    value: float = np.nan
    low: float = np.nan
    high: float = np.nan
    method: str = ""
    p: float | None = None
    share: float | None = None
    networks: int
    part: str = ""
    reason: str = ""

    @property
    def provisional(self) -> bool:
        """Whether there are too few networks for a p value."""
        return self.networks < FEWEST


def weigh(
    criterion: Criterion,
    values: np.ndarray,
    responses: Mapping[int, np.ndarray] | None = None,
    where: str | None = None,
) -> Outcome:
    """The Outcome of one criterion, alone: without Holm's correction, without null models.

    Parameters
    ----------
    criterion : Criterion
    values : array
        Of shape (network,), or (network, case), (network, condition) as the criterion asks.
    responses : mapping of int to array of shape (network,), optional
        {level: response of the measured signal}, for the alive rule. Needed where the criterion is
        about levels; the lowest key is the first level.
    where : str, optional
        What an error calls the place, e.g. "P01 c1, STD".

    Raises
    ------
    DeclarationError
        If the shape of the values is not what the criterion asks for, there is no network, or
        responses are missing.
    """
    where = where or criterion.id
    values = _shaped(criterion, values, where)
    networks = len(values)
    dead = _dead(criterion, networks, responses, where)
    tested = criterion.tested(values)
    lost = int(np.sum(~np.isfinite(tested).all(axis=1)))
    if lost:
        reason = f"no finite value in {lost} of {networks} networks"
        verdict = REPORTED if isinstance(criterion, Report) else VOID if dead else FAIL
        return Outcome(verdict=verdict, networks=networks, reason=dead or reason)
    parts = [
        _of_part(criterion, column, part)
        for column, part in zip(tested.T, criterion.parts, strict=True)
    ]
    _, worst = min(parts, key=lambda part: (part[1].verdict != FAIL, part[0]))
    if worst.p is not None:
        worst = attrs.evolve(worst, p=max(outcome.p for _, outcome in parts))
    if dead and worst.verdict != REPORTED:
        return attrs.evolve(worst, verdict=VOID, reason=dead)
    return worst


def standardised(criterion: Criterion, outcome: Outcome) -> tuple[float, float] | None:
    """z of a criterion's mean against the published one, and the score made of it.

    Formula: ``z = (mean - published mean)/published sd``; ``score = 1 - 2 |Phi(z) - 1/2|``, which is 1
    for the published mean and falls to 0 on both sides (ZScore of the package sciunit). Neither
    enters a verdict.

    Returns
    -------
    (float, float) or None
        (z, score); None where no mean and standard deviation are published, or there is no value.
    """
    published = criterion.published
    if published is None or not np.isfinite(outcome.value):
        return None
    z = (outcome.value - published.mean) / published.sd
    return z, float(1 - 2 * abs(scipy.special.ndtr(z) - 0.5))


def _of_part(criterion, values, part):
    """(by how much the bar is cleared, Outcome) of one case."""
    if isinstance(criterion, Equivalence):
        found = equivalence(values, criterion.low, criterion.high)
        cleared = min(found.low - criterion.low, criterion.high - found.high)
        inside = (criterion.low < values) & (values < criterion.high)
        shown = found.p is not None and found.p < ALPHA
        reason = f"the interval {_interval(found)} is not inside the margin"
    elif isinstance(criterion, Range):
        found = estimate(values)
        cleared = min(found.mean - criterion.low, criterion.high - found.mean)
        inside = (criterion.low <= values) & (values <= criterion.high)
        shown = cleared >= 0 and found.low <= criterion.high and found.high >= criterion.low
        reason = f"the mean {found.mean:.3g} is outside the range"
    elif isinstance(criterion, Report):
        found = estimate(values)
        cleared, inside, shown, reason = 0.0, None, None, ""
    else:
        bar = criterion.sign * criterion.floor
        found = estimate(values, bar, criterion.sign)
        cleared = criterion.sign * ((found.low if criterion.sign > 0 else found.high) - bar)
        inside = criterion.sign * (values - bar) > 0
        shown = cleared > 0 if found.p is None else found.p < ALPHA
        reason = f"the interval {_interval(found)} is not beyond the bar"
        if shown and np.mean(inside) < SHARE:
            shown, reason = False, f"holds in {np.mean(inside):.0%} of networks"
    if shown is None:
        verdict = REPORTED
    elif len(values) == 1:
        verdict, reason = UNDECIDED, "a single network decides nothing"
    else:
        verdict, reason = (PASS, "") if shown else (FAIL, reason)
    return cleared, Outcome(
        verdict=verdict,
        value=found.mean,
        low=found.low,
        high=found.high,
        method=found.method,
        p=found.p,
        share=None if inside is None else float(np.mean(inside)),
        networks=len(values),
        part=part,
        reason=reason,
    )


def _interval(found):
    return f"[{found.low:.3g}, {found.high:.3g}]"


def _shaped(criterion, values, where):
    values = np.asarray(values, dtype=float)
    wanted = "(network,)" if not criterion.columns else f"(network, {criterion.columns})"
    right = values.shape[1:] == ((criterion.columns,) if criterion.columns else ())
    if values.ndim < 1 or not right or not len(values):
        raise DeclarationError(
            f"values have the shape {values.shape}",
            where=where,
            fix=f"give an array of shape {wanted}, at least one network: {criterion.metric}",
        )
    return values


def _dead(criterion, networks, responses, where):
    """Why a criterion is void; empty if its levels are alive."""
    if not criterion.levels:
        return ""
    responses = {
        level: np.abs(np.asarray(r, dtype=float)) for level, r in (responses or {}).items()
    }
    missing = [level for level in criterion.levels if level not in responses]
    wrong = [level for level, r in responses.items() if r.shape != (networks,)]
    if missing or wrong:
        kind = "no response" if missing else f"no response of each of {networks} networks"
        raise DeclarationError(
            f"there is {kind} of level {', '.join(map(str, missing or wrong))}",
            where=where,
            fix="give responses={level: one per network} of the first level and of those that the "
            "criterion is about",
        )
    first = responses[min(responses)]
    for level in criterion.levels:
        share = np.mean((responses[level] >= ALIVE * first) & (first > 0))
        if share < SHARE:
            return f"level {level} is alive in {share:.0%} of networks only"
    return ""
