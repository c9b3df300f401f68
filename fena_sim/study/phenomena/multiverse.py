"""A criterion over the read-outs that could have been declared instead.

The verdict on deviance, for one, depends on the norm of the error signal. The declared read-out is
fixed before the run and alone decides; the multiverse says in what share of the others it holds too.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

import attrs
import numpy as np

from ...declare.arguments import checked
from ...errors import DeclarationError
from .criterion import Criterion, Report
from .verdict import PASS, Outcome, weigh


@attrs.frozen
class Multiverse:
    """Outcome of one criterion by every combination of norm, weight and baseline.

    Parameters
    ----------
    outcomes : dict
        {(norm, weight, baseline): Outcome}
    """

    outcomes: dict[tuple, Outcome]

    @property
    def share(self) -> float:
        """Of combinations in which the criterion passes."""
        return float(np.mean([outcome.verdict == PASS for outcome in self.outcomes.values()]))


@checked(DeclarationError)
def multiverse(
    criterion: Criterion,
    values: Callable,
    norms: Sequence[Any],
    weights: Sequence[Any],
    baselines: Sequence[Any],
    responses: Mapping[int, Any] | None = None,
) -> Multiverse:
    """Weigh a criterion by every combination of read-outs: alone, so without Holm's correction.

    Parameters
    ----------
    criterion : Criterion
    values : function
        Of (norm, weight, baseline); returns the values of the networks, of the shape that the
        criterion asks for.
    norms, weights, baselines : sequence
        Whatever the function takes, e.g. ("sum", "rms"), ("precision", None), (50*ms, None).
    responses : mapping of int to array of shape (network,), optional
        Of the declared read-out, for the alive rule (:func:`~.verdict.weigh`).

    Raises
    ------
    DeclarationError
        If there is no combination, the criterion has no verdict, or values are of a wrong shape.
    """
    if isinstance(criterion, Report):
        raise DeclarationError(
            "what is only reported has no verdict that could hold",
            where=f"multiverse({criterion.id!r})",
            fix="give a criterion with a bar",
        )
    combinations = list(product(norms, weights, baselines))
    if not combinations:
        raise DeclarationError(
            "there is no read-out",
            where=f"multiverse({criterion.id!r})",
            fix="give at least one norm, one weight and one baseline; None where there is none",
        )
    outcomes = {
        combination: weigh(
            criterion, values(*combination), responses, f"{criterion.id} by {combination}"
        )
        for combination in combinations
    }
    return Multiverse(outcomes)
