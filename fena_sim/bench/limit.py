"""The limit: the time of a step if one core did only the work that no program can leave out.

A step visits every weight at least once. One pass over all weights takes at least

* the time to read them (and to write them back, if they learn) at the bandwidth of the cache or memory
  that holds this many bytes: measured by a vectorised loop over an array of exactly that size;
* the time of its multiply-adds: 4 operations per synapse and stream (a prediction and a feedback sum), 6 with
  plasticity, at the rate of multiply-adds on registers, measured.

The limit is the longer of the two; work on neurons counts nothing. Both are measured on one core,
in the same rounds as everything else, and the best of many short runs is taken: a disturbance is no
limit.
"""

from .native import compiled, numbers
from .networks import Case
from .subject import Subject


def operations(case: Case) -> int:
    """Floating-point operations per step."""
    return (6 if case.plastic else 4) * case.synapses * case.batch


def limit_seconds(case: Case, pass_seconds: float, operations_per_second: float) -> float:
    """The limit of one step from a measured pass over the weights and the measured peak arithmetic."""
    return max(pass_seconds, operations(case) / operations_per_second)


class Limit(Subject):
    """limit.cpp for one case."""

    def __init__(self, case: Case) -> None:
        self.case, self.binary = case, compiled("limit.cpp")

    def fastest(self, steps: int, repeats: int) -> float:
        case = self.case
        return steps * limit_seconds(
            case, *numbers(self.binary, case.dtype, case.weight_bytes, int(case.plastic))
        )
