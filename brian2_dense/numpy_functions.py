"""What the code of the target 'numpy_dense' calls beside NumPy."""

from collections.abc import Callable

import numpy as np
from scipy.linalg.blas import dger, sger

#: BLAS's A + alpha*x*y', by type.
RANK_ONE = {np.dtype(np.float64): dger, np.dtype(np.float32): sger}


def add_outer(matrix: np.ndarray, column: np.ndarray, row: np.ndarray) -> None:
    """matrix += column*row in place, for a C-contiguous `matrix` (n, m); `column` is (n, 1), `row`
    (1, m).
    """
    transposed = (
        matrix.T
    )  # contiguous in Fortran's order, so that BLAS works on it and not on a copy
    changed = RANK_ONE[matrix.dtype](1.0, row, column, a=transposed, overwrite_a=True)
    if changed is not transposed:
        matrix[...] = changed.T


def elementwise(function: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
    """A function that expects one-dimensional arrays, as in Brian2, for columns, rows and matrices
    too.
    """

    def apply(*arguments):
        form = np.broadcast_shapes(*(np.shape(a) for a in arguments))
        if len(form) < 2:
            return function(*arguments)
        flat = [np.broadcast_to(a, form).ravel() if np.ndim(a) else a for a in arguments]
        return np.broadcast_to(function(*flat), np.prod(form)).reshape(form)

    return apply
