"""The likelihood of level 0, and what follows from it: its error and its free energy.

Hidden levels are Gaussian in every model: level l of n_l units with precision Pi_l and mean squared
error s_l adds n_l/2 (Pi_l s_l - ln Pi_l). What level 0 adds depends on how it predicts the token. A
Hierarchy declares that, and measures, live readings and reports take the formula from here.
"""

from collections.abc import Sequence

import attrs
import numpy as np
from numpy.typing import ArrayLike
from scipy.special import xlogy

#: Readouts of every level's mean squared error at the two moments of a presentation.
SQUARE = {"first": "onset_error", "last": "settled_error"}
#: Readouts of what a categorical level 0 expects at the two moments.
PROBABILITY = {"first": "onset_probability", "last": "settled_probability"}


@attrs.frozen
class Gaussian:
    """Level 0 predicts the code of the token, with Gaussian errors.

    Error: e = x - prediction, with x the token's code. Free energy::

        F_0 = n_0/2 (Pi_0 s_0 - ln Pi_0)

    with n_0 units, precision Pi_0 and s_0 the mean over units of e^2 (Friston 2005, Phil. Trans. R.
    Soc. B 360:815), without the constant n_0/2 ln 2 pi.
    """

    error = "token code minus its prediction"
    formula = "n_0/2 (Pi_0 s_0 - ln Pi_0)"

    def readouts(self, moment: str) -> dict[str, str]:
        """Readouts that the free energy is computed from at a moment, "first" or "last": {argument
        of `free_energy`: name}.
        """
        return {"precision": "precision", "square": SQUARE[moment]}

    def energy(self, size: int, precision: np.ndarray, square: np.ndarray) -> np.ndarray:
        """F_0 in nats; `precision` and `square` are of level 0, of any one shape."""
        return gaussian_energy(size, precision, square)


@attrs.frozen
class Categorical:
    """Level 0 predicts a probability for every token.

    With a = W_1 f(r_1) plus the biases and p = softmax(a), error: e = x - p, with x the token's
    code (one-hot, or any code of sum 1). Free energy::

        F_0 = -Pi_0 sum_i x_i ln p_i

    which is Pi_0 times the negative log probability of the token that is presented. Its gradient
    with respect to a is -Pi_0 (x - p): what ascends to level 1, weighted with Pi_0. An omitted token
    has x = 0 and adds nothing.

    Level 0's precision is a weight of the evidence: Pi_0 stands outside the softmax. It is not an
    inverse temperature, which would stand inside and sharpen p. Left out: the normaliser of
    the likelihood p^Pi_0, which the states do not descend, and a term in Pi_0 alone, since level 0's
    precision follows squared errors by a rule of its own. F_0 therefore compares moments of one
    precision, such as before and after settling; over training it also shows how Pi_0 changes.
    """

    error = "token code minus the probabilities"
    formula = "-Pi_0 ln p(token)"

    def readouts(self, moment: str) -> dict[str, str]:
        """Readouts that the free energy is computed from at a moment, "first" or "last": {argument
        of `free_energy`: name}.
        """
        return {
            "precision": "precision",
            "square": SQUARE[moment],
            "probability": PROBABILITY[moment],
            "presented": "presented",
        }

    def energy(
        self,
        size: int,
        precision: np.ndarray,
        square: np.ndarray,
        probability: np.ndarray,
        presented: np.ndarray,
    ) -> np.ndarray:
        """F_0 in nats; `precision` is of level 0, `probability` and `presented` have the units of
        level 0 as one more, last dimension.
        """
        return -precision * xlogy(presented, probability).sum(axis=-1)


def gaussian_energy(size: ArrayLike, precision: np.ndarray, square: np.ndarray) -> np.ndarray:
    """n/2 (Pi s - ln Pi) of a Gaussian level, in nats; arguments broadcast."""
    return np.asarray(size, dtype=float) / 2 * (precision * square - np.log(precision))


def free_energy(
    likelihood: Gaussian | Categorical,
    sizes: Sequence[int],
    precision: np.ndarray,
    square: np.ndarray,
    **level_0: np.ndarray,
) -> np.ndarray:
    """Free energy of a hierarchy.

    Formula::

        F = F_0 + sum_{l >= 1} n_l/2 (Pi_l s_l - ln Pi_l)

    with F_0 by the likelihood of level 0; without constants and without the priors on precision and
    weights.

    Parameters
    ----------
    likelihood : Gaussian or Categorical
    sizes : sequence of int, shape (level,)
        Units per level.
    precision, square : ndarray, shape (..., level)
        Precision, and mean of e^2 over the units of the level. A level of precision 1 has no log
        term.
    level_0
        What the likelihood's `energy` takes besides, shape (..., unit).

    Returns
    -------
    ndarray
        Shape (...), in nats.
    """
    terms = gaussian_energy(sizes, precision, square)
    terms[..., 0] = likelihood.energy(sizes[0], precision[..., 0], square[..., 0], **level_0)
    return terms.sum(axis=-1)


def squared_errors(onset: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """The squared error of every level that one reports: (..., level) each.

    Level 0's is that of the first presentation step, `onset`: what reached the hierarchy
    unpredicted. That of a hidden level is the `mean` over the presentation, in which it hears of the
    token.
    """
    errors = np.array(mean, dtype=float)
    errors[..., 0] = onset[..., 0]
    return errors
