"""White noise from a counter: the same on every device, in every chunk, after every resume.

Philox4x32-10 (Salmon, Moraes, Dror & Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3",
doi 10.1145/2063384.2063405) turns the key (seed) and the counter (unit, step, stream) into 128
random bits, and Box-Muller turns those into a Gaussian deviate. There is no state to carry or to
lose.
"""

from collections.abc import Callable, Sequence

import numpy as np
from brian2 import Function
from numpy.typing import ArrayLike

_MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_WEYL = (0x9E3779B9, 0xBB67AE85)
_LOW = np.uint64(0xFFFFFFFF)
_KEY_HIGH = 0x46454E41  # the second key word is fixed


def philox(
    counter: Sequence[ArrayLike], key: Sequence[int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Philox4x32-10. `counter`: four arrays, `key`: two words, all uint32 values; returns four
    uint64 arrays.
    """
    c0, c1, c2, c3 = (np.asarray(c, dtype=np.uint64) & _LOW for c in counter)
    k0, k1 = (np.uint64(k) & _LOW for k in key)
    for _ in range(10):
        p0, p1 = _MULTIPLIERS[0] * c0, _MULTIPLIERS[1] * c2
        c0, c1, c2, c3 = (
            (p1 >> np.uint64(32)) ^ c1 ^ k0,
            p1 & _LOW,
            (p0 >> np.uint64(32)) ^ c3 ^ k1,
            p0 & _LOW,
        )
        k0, k1 = (k0 + np.uint64(_WEYL[0])) & _LOW, (k1 + np.uint64(_WEYL[1])) & _LOW
    return c0, c1, c2, c3


def counter_normal(
    seed: ArrayLike, stream: ArrayLike, unit: ArrayLike, step: ArrayLike
) -> np.ndarray:
    """A standard normal deviate for every (seed, stream, unit, step); arguments broadcast."""
    unit, step, stream, seed = np.broadcast_arrays(unit, step, stream, seed)
    unit, step, stream = (
        np.asarray(a).astype(np.int64).astype(np.uint64) for a in (unit, step, stream)
    )
    a, b, c, d = philox((unit, step, step >> np.uint64(32), stream), (int(seed.flat[0]), _KEY_HIGH))
    first = (
        (a >> np.uint64(5)).astype(float) * 67108864.0 + (b >> np.uint64(6)).astype(float) + 0.5
    ) / 9007199254740992.0
    second = (
        (c >> np.uint64(5)).astype(float) * 67108864.0 + (d >> np.uint64(6)).astype(float)
    ) / 9007199254740992.0
    return np.sqrt(-2.0 * np.log(first)) * np.cos(6.283185307179586 * second)


_AHEAD = 64
# (kind, stream, units): (seed, first of the steps, numbers (_AHEAD, units)); replaced as time goes on
_computed: dict = {}


def ahead(
    draw: Callable[..., np.ndarray], seed: int, stream: int, unit: np.ndarray, step: int
) -> np.ndarray:
    """`draw(seed, stream, unit, step)` for units at one step after the other, some steps at a time.

    NumPy takes hardly longer for thousands of numbers than for a few. `seed`, `stream` and `step`
    are numbers.
    """
    first, key = int(step) - int(step) % _AHEAD, (draw.__name__, int(stream), unit.tobytes())
    if _computed.get(key, ())[:2] != (int(seed), first):
        _computed[key] = (
            int(seed),
            first,
            draw(seed, stream, unit, first + np.arange(_AHEAD)[:, None]),
        )
    return _computed[key][2][int(step) - first].copy()


def counter_normal_ahead(seed: int, stream: int, unit: np.ndarray, step: int) -> np.ndarray:
    """`counter_normal` for units at one step after the other."""
    return ahead(counter_normal, seed, stream, unit, step)


# The ten rounds in C++ and Cython, on words c0 to c3 and k0, k1.
# In decimal: in single precision brian2cuda appends an f to whatever looks like a floating-point
# number, such as the 9E3779 in 0x9E3779B9.
ROUNDS_C = """    for (int round = 0; round < 10; round++)
    {
        const uint64_t p0 = (uint64_t)3528531795u * c0, p1 = (uint64_t)3449720151u * c2;
        const uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c0 = n0; c1 = (uint32_t)p1; c2 = n2; c3 = (uint32_t)p0;
        k0 += 2654435769u; k1 += 3144134277u;
    }
"""
ROUNDS_CYTHON = """    cdef _u32 n0, n2
    cdef _u64 p0, p1
    cdef int round_
    for round_ in range(10):
        p0 = <_u64>0xD2511F53u * c0
        p1 = <_u64>0xCD9E8D57u * c2
        n0 = <_u32>(p1 >> 32) ^ c1 ^ k0
        n2 = <_u32>(p0 >> 32) ^ c3 ^ k1
        c0 = n0; c1 = <_u32>p1; c2 = n2; c3 = <_u32>p0
        k0 += 0x9E3779B9u
        k1 += 0xBB67AE85u
"""

# Pi by a function, for the same reason.
_C_CODE = """
PREFIX double counter_normal(const int64_t seed, const int64_t stream, const int64_t unit, const int64_t step)
{
    uint32_t c0 = (uint32_t)unit, c1 = (uint32_t)step, c2 = (uint32_t)((uint64_t)step >> 32), c3 = (uint32_t)stream;
    uint32_t k0 = (uint32_t)seed, k1 = 1178947137u;
ROUNDS    const double first = ((double)(c0 >> 5) * 67108864.0 + (double)(c1 >> 6) + 0.5) / 9007199254740992.0;
    const double second = ((double)(c2 >> 5) * 67108864.0 + (double)(c3 >> 6)) / 9007199254740992.0;
    return sqrt(-2.0 * log(first)) * cos(8*atan((double)1) * second);
}
""".replace("ROUNDS", ROUNDS_C)
_CYTHON_CODE = """
from libc.math cimport sqrt as _c_sqrt, log as _c_log, cos as _c_cos
from libc.stdint cimport int64_t as _i64, uint64_t as _u64, uint32_t as _u32
cdef double counter_normal(_i64 seed, _i64 stream, _i64 unit, _i64 step):
    cdef _u32 c0 = <_u32>unit, c1 = <_u32>step, c2 = <_u32>((<_u64>step) >> 32), c3 = <_u32>stream
    cdef _u32 k0 = <_u32>seed, k1 = 0x46454E41u
ROUNDS    cdef double first = (<double>(c0 >> 5) * 67108864.0 + <double>(c1 >> 6) + 0.5) / 9007199254740992.0
    cdef double second = (<double>(c2 >> 5) * 67108864.0 + <double>(c3 >> 6)) / 9007199254740992.0
    return _c_sqrt(-2.0 * _c_log(first)) * _c_cos(6.283185307179586 * second)
""".replace("ROUNDS", ROUNDS_CYTHON)

#: The same function for every code generation target of Brian2 and brian2cuda.
COUNTER_NORMAL = Function(
    counter_normal,
    arg_units=[1, 1, 1, 1],
    return_unit=1,
    stateless=True,
    arg_names=["seed", "stream", "unit", "step"],
)
COUNTER_NORMAL.implementations.add_implementation("numpy", counter_normal_ahead)
COUNTER_NORMAL.implementations.add_implementation(
    "cpp", _C_CODE.replace("PREFIX", "static inline"), name="counter_normal"
)
COUNTER_NORMAL.implementations.add_implementation(
    "cuda", _C_CODE.replace("PREFIX", "__host__ __device__ inline"), name="counter_normal"
)
COUNTER_NORMAL.implementations.add_implementation("cython", _CYTHON_CODE, name="counter_normal")
