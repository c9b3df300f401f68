"""Oscillations of a predictive-coding loop with conduction delays, measured and in closed form
(P12).

The loop is x = s - y(t - delay), tau dy/dt = x(t - delay) of Alamia & VanRullen 2019
(doi 10.1371/journal.pbio.3000487); see models/delay_loop.py.
"""

import numpy as np
import scipy
from brian2 import Quantity

from ..declare.arguments import checked
from ..errors import DeclarationError

#: Columns of the data matrix, and the singular values (relative to the largest) that count as
#: signal.
PENCIL, RANK = 200, 1e-8


@checked(DeclarationError)
def delay_loop_eigenvalue(delay: float | Quantity, tau: float | Quantity) -> complex:
    """Dominant eigenvalue of the loop without input.

    Formula: tau lambda = -exp(-2 lambda delay), hence ``lambda = W0(-2 delay/tau)/(2 delay)`` with
    the principal branch of the Lambert function. The loop oscillates where 2 delay/tau > 1/e and is
    unstable where 2 delay/tau > pi/2.

    Parameters
    ----------
    delay, tau : float or Quantity
        One-way conduction delay (0 for none) and time constant, in s.

    Returns
    -------
    complex
        In 1/s: the real part is the growth rate, the imaginary part (>= 0) the angular frequency.
    """
    delay, tau = float(delay), float(tau)
    if delay == 0:
        return complex(-1 / tau)
    eigenvalue = complex(scipy.special.lambertw(-2 * delay / tau)) / (2 * delay)
    return complex(eigenvalue.real, abs(eigenvalue.imag))


@checked(DeclarationError)
def dominant_mode(trace: np.ndarray, dt: float | Quantity) -> complex:
    """Eigenvalue of the mode that carries most of the energy of a free linear response.

    Method: matrix pencil (Hua & Sarkar 1990, doi 10.1109/29.56027), which fits a sum of
    exponentials ``sum_k a_k exp(lambda_k t)`` without a start value. It reads the frequency off a
    fraction of a cycle where damping leaves no more. Meant for noise-free simulations.

    Parameters
    ----------
    trace : array (time,)
        Any unit; free of input, and in a delayed loop from one loop time after it, when the fast
        modes of the onset have died out.
    dt : float or Quantity
        Sampling interval in s.

    Returns
    -------
    complex
        In 1/s, imaginary part >= 0.

    Raises
    ------
    DeclarationError
        Fewer than 12 samples, a trace that is not finite, or one that is zero throughout.
    """
    trace = np.asarray(trace, dtype=float)
    if trace.ndim != 1 or len(trace) < 12 or not np.isfinite(trace).all() or not trace.any():
        raise DeclarationError(
            f"a trace of shape {trace.shape} holds no free response",
            where="dominant_mode(trace, dt)",
            fix="give at least 12 finite samples, not all zero, of one unit after its input",
        )
    data = np.lib.stride_tricks.sliding_window_view(trace, min(len(trace) // 3, PENCIL) + 1)
    _, size, rows = np.linalg.svd(data, full_matrices=False)
    signal = rows[size > RANK * size[0]].T
    roots = np.linalg.eigvals(np.linalg.lstsq(signal[:-1], signal[1:], rcond=None)[0])
    roots = roots[np.abs(roots) > 0].astype(complex)
    # Powers are scaled to at most one, so that neither growing nor decaying modes overflow.
    steps = np.arange(len(trace))[:, None]
    powers = np.exp(np.log(roots) * np.where(np.abs(roots) > 1, steps - steps[-1], steps))
    amplitudes = np.linalg.lstsq(powers, trace, rcond=None)[0]
    energy = np.abs(amplitudes) ** 2 * (np.abs(powers) ** 2).sum(axis=0)
    mode = np.log(roots[np.argmax(energy)]) / float(dt)
    return complex(mode.real, abs(mode.imag))


@checked(DeclarationError)
def damped_frequency(trace: np.ndarray, dt: float | Quantity) -> float:
    """Frequency of a damped or growing oscillation in Hz; 0 where the response does not oscillate.

    Formula: ``Im(lambda)/2 pi`` of `dominant_mode`, whose arguments and errors it shares.
    """
    return dominant_mode(trace, dt).imag / (2 * np.pi)
