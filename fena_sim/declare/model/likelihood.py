"""The likelihood of level 0, and what follows from it: its error and its free energy."""

import numpy as np


def gaussian_energy(sizes, precision, error):
    """The formula of :func:`free_energy`, summed over the last axis.

    Parameters
    ----------
    sizes : sequence of int, shape (level,)
        Units per level.
    precision, error : ndarray, shape (..., level)
        Precision, and mean of e^2 over the units of the level. A level of precision 1 has no log
        term.

    Returns
    -------
    ndarray
        Shape (...), in nats.
    """
    return (np.asarray(sizes, dtype=float) / 2 * (precision * error - np.log(precision))).sum(
        axis=-1
    )
