"""A criterion over read-outs. Oracle: norms of vectors by NumPy, of which it is known by hand which
separate two conditions.
"""

import numpy as np
import pytest

from fena_sim.errors import DeclarationError
from fena_sim.study.phenomena.criterion import Positive, Report
from fena_sim.study.phenomena.multiverse import multiverse

COMMON = dict(id="c1", metric="deviant minus standard", basis="chosen")
CRITERION = Positive(**COMMON, required=True, floor=0.1)
NORMS = {
    "sum": lambda x: np.abs(x).sum(axis=1),
    "rms": lambda x: np.sqrt(np.mean(x**2, axis=1)),
    "max": lambda x: np.abs(x).max(axis=1),
}
#: The deviant's error is one large entry, the standard's are many small ones: 3 against 8 by sum,
#: sqrt(9/8) against 1 by root mean square, 3 against 1 by maximum.
DEVIANT, STANDARD = np.eye(8)[[0] * 20] * 3.0, np.ones((20, 8))


def values(norm, weight, baseline):
    difference = NORMS[norm](DEVIANT) - NORMS[norm](STANDARD)
    return weight * difference - baseline


def test_the_share_is_of_combinations_in_which_the_criterion_passes():
    """By sum never. By rms the difference is .061: with weight 3 and without baseline only. By
    maximum it is 2, less a baseline of .15: always.
    """
    found = multiverse(CRITERION, values, tuple(NORMS), (1, 3), (0.0, 0.15))
    passed = {key for key, outcome in found.outcomes.items() if outcome.verdict == "pass"}
    assert passed == {("rms", 3, 0.0)} | {("max", w, b) for w in (1, 3) for b in (0.0, 0.15)}
    assert len(found.outcomes) == 12 and found.share == 5 / 12


def test_a_dead_level_is_void_in_every_combination():
    about_2 = Positive(**COMMON, required=True, floor=0.1, levels=(2,))
    responses = {1: np.ones(20), 2: np.zeros(20)}
    assert multiverse(about_2, values, ["max"], [1], [0.0], responses).share == 0


@pytest.mark.parametrize(
    "criterion, norms, what",
    [
        (Report(**COMMON, required=False), ["max"], "only reported"),
        (CRITERION, [], "no read-out"),
        (CRITERION, "max", "norms is"),
    ],
)
def test_a_multiverse_of_nothing_is_refused(criterion, norms, what):
    with pytest.raises(DeclarationError) as raised:
        multiverse(criterion, values, norms, [1], [0.0])
    assert what in str(raised.value) and raised.value.where and raised.value.fix
