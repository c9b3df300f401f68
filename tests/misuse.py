"""What tests of misuse share: an end for what hangs, and examples by a seed."""

import os
import signal
from contextlib import contextmanager

from hypothesis import HealthCheck, seed, settings

#: Seconds of a processor after which an example counts as one that hangs.
HANG = 30
#: Another seed gives other examples; without one they are always the same.
SEED = os.environ.get("FENA_MISUSE_SEED")


@contextmanager
def ended_if_it_hangs():
    """Time of the processor, since the machine may be busy with others."""

    def stop(number, frame):
        raise AssertionError(f"more than {HANG} s")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, HANG)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def examples(count):
    """Decorator of a property test, outside of `given`: so many examples."""

    def decorate(test):
        drawn = settings(
            max_examples=count,
            suppress_health_check=list(HealthCheck),
            database=None,
            derandomize=SEED is None,
        )
        return drawn(seed(int(SEED))(test) if SEED else test)

    return decorate
