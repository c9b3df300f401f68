"""Poisson counts from a counter: the same on every device, in every chunk, after every resume.

The key (seed) and the counter (unit, step, stream) of noise.py give a uniform number, and inversion
turns that into a count: the smallest k whose cumulative probability reaches it (Devroye 1986,
"Non-Uniform Random Variate Generation", chapter X.3, doi 10.1007/978-1-4613-8643-8). A sum of
Poisson counts is a Poisson count, so a large mean is split into equal parts of at most LARGEST,
each with a uniform number of its own. Otherwise exp(-mean) would underflow.
"""

from functools import partial

import numpy as np
from brian2 import Function
from numpy.typing import ArrayLike

from .noise import ROUNDS_C, ROUNDS_CYTHON, ahead, philox

#: Largest mean that is inverted at once; exp(-256) is about 1e-111.
LARGEST = 256
_KEY_HIGH = 0x504F4953  # the second key word of the first part; noise.py has another one
#: Above the mean, probabilities below this are beyond what a uniform number of 53 bits resolves.
_NEGLIGIBLE = 1e-20
_COUNTABLE = 2.0**53  # whole numbers of double precision end here


def counter_poisson(
    seed: ArrayLike, stream: ArrayLike, unit: ArrayLike, step: ArrayLike, mean: ArrayLike
) -> np.ndarray:
    """A Poisson count for every (seed, stream, unit, step).

    Parameters
    ----------
    seed : int
        Of the network. One number.
    stream, unit, step : array_like of int
        They broadcast with each other and with `mean`.
    mean : array_like of float
        Dimensionless, not below 0. The time that it takes grows with the mean.

    Returns
    -------
    array of float
        Whole numbers. The mean itself where it is NaN or above 2**53, so that such a mean is seen.
    """
    return _counts(partial(_uniform, seed, stream, unit, step), mean)


def counter_poisson_ahead(
    seed: int, stream: int, unit: np.ndarray, step: int, mean: ArrayLike
) -> np.ndarray:
    """`counter_poisson` for units at one step after the other: their uniform numbers are computed
    some steps ahead. `seed`, `stream` and `step` are numbers.
    """

    def uniform(part):
        if part:
            return _uniform(seed, stream, unit, step, part)
        return ahead(_uniform, seed, stream, np.asarray(unit), step)

    return _counts(uniform, mean)


def _uniform(seed, stream, unit, step, part=0):
    """Numbers in (0, 1), of 53 bits."""
    unit, step, stream, seed = np.broadcast_arrays(unit, step, stream, seed)
    unit, step, stream = (
        np.asarray(a).astype(np.int64).astype(np.uint64) for a in (unit, step, stream)
    )
    key = int(seed.flat[0]), _KEY_HIGH + part
    a, b, _, _ = philox((unit, step, step >> np.uint64(32), stream), key)
    return (
        (a >> np.uint64(5)).astype(float) * 67108864.0 + (b >> np.uint64(6)).astype(float) + 0.5
    ) / 9007199254740992.0


def _counts(uniform, mean):
    """The counts of means, from a function that gives the uniform numbers of a part."""
    mean = np.asarray(mean, dtype=float)
    counted = (mean > 0) & (mean <= _COUNTABLE)
    parts = np.ceil(np.where(counted, mean, 0) / LARGEST)
    first = uniform(0)
    total = np.zeros(np.broadcast_shapes(first.shape, mean.shape))
    of_part = np.where(counted, mean, 0) / np.maximum(parts, 1)
    for part in range(int(parts.max(initial=0))):
        total += np.where(
            part < parts, _inverted(first if part == 0 else uniform(part), of_part), 0
        )
    return np.where(counted | (mean <= 0), total, mean)


def _inverted(uniform, mean):
    """The smallest count whose cumulative probability is not below a uniform number."""
    uniform, mean = np.broadcast_arrays(uniform, mean)
    count, probability = np.zeros(uniform.shape), np.exp(-mean)
    cumulative = probability.copy()
    while True:
        above = (uniform > cumulative) & ((probability >= _NEGLIGIBLE) | (count < mean))
        if not above.any():
            return count
        count += above
        probability = np.where(above, probability * (mean / np.maximum(count, 1)), probability)
        cumulative += np.where(above, probability, 0)


# In decimal, for the same reason as in noise.py.
_C_CODE = """
PREFIX double counter_poisson_uniform(const int64_t seed, const int64_t stream, const int64_t unit, const int64_t step, const int64_t part)
{
    uint32_t c0 = (uint32_t)unit, c1 = (uint32_t)step, c2 = (uint32_t)((uint64_t)step >> 32), c3 = (uint32_t)stream;
    uint32_t k0 = (uint32_t)seed, k1 = 1347373395u + (uint32_t)part;
ROUNDS    return ((double)(c0 >> 5) * 67108864.0 + (double)(c1 >> 6) + 0.5) / 9007199254740992.0;
}
PREFIX double counter_poisson(const int64_t seed, const int64_t stream, const int64_t unit, const int64_t step, const double mean)
{
    const double largest = 256, negligible = 1.0/100000000000000000000.0;
    if (!(mean > 0)) return mean == mean ? 0 : mean;
    if (mean > 9007199254740992.0) return mean;
    const double parts = ceil(mean/largest), of_part = mean/parts;
    double total = 0;
    for (int64_t part = 0; part < parts; part++)
    {
        const double uniform = counter_poisson_uniform(seed, stream, unit, step, part);
        double count = 0, probability = exp(-of_part), cumulative = probability;
        while (uniform > cumulative && (probability >= negligible || count < of_part))
        {
            count += 1;
            probability *= of_part/count;
            cumulative += probability;
        }
        total += count;
    }
    return total;
}
""".replace("ROUNDS", ROUNDS_C)
_CYTHON_CODE = """
from libc.math cimport exp as _c_exp, ceil as _c_ceil
from libc.stdint cimport int64_t as _i64, uint64_t as _u64, uint32_t as _u32
cdef double counter_poisson_uniform(_i64 seed, _i64 stream, _i64 unit, _i64 step, _i64 part):
    cdef _u32 c0 = <_u32>unit, c1 = <_u32>step, c2 = <_u32>((<_u64>step) >> 32), c3 = <_u32>stream
    cdef _u32 k0 = <_u32>seed, k1 = 0x504F4953u + <_u32>part
ROUNDS    return (<double>(c0 >> 5) * 67108864.0 + <double>(c1 >> 6) + 0.5) / 9007199254740992.0
cdef double counter_poisson(_i64 seed, _i64 stream, _i64 unit, _i64 step, double mean):
    if not mean > 0:
        return 0 if mean == mean else mean
    if mean > 9007199254740992.0:
        return mean
    cdef double parts = _c_ceil(mean/256), total = 0, uniform, count, probability, cumulative
    cdef double of_part = mean/parts
    cdef _i64 part = 0
    while part < parts:
        uniform = counter_poisson_uniform(seed, stream, unit, step, part)
        count = 0
        probability = _c_exp(-of_part)
        cumulative = probability
        while uniform > cumulative and (probability >= 1e-20 or count < of_part):
            count += 1
            probability *= of_part/count
            cumulative += probability
        total += count
        part += 1
    return total
""".replace("ROUNDS", ROUNDS_CYTHON)

#: The same function for every code generation target of Brian2 and brian2cuda.
COUNTER_POISSON = Function(
    counter_poisson,
    arg_units=[1, 1, 1, 1, 1],
    return_unit=1,
    stateless=True,
    arg_names=["seed", "stream", "unit", "step", "mean"],
)
COUNTER_POISSON.implementations.add_implementation("numpy", counter_poisson_ahead)
for _target, _code in (
    ("cpp", _C_CODE.replace("PREFIX", "static inline")),
    ("cuda", _C_CODE.replace("PREFIX", "__host__ __device__ inline")),
    ("cython", _CYTHON_CODE),
):
    COUNTER_POISSON.implementations.add_implementation(_target, _code, name="counter_poisson")
