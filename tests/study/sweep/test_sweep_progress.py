"""Oracle: the documented contract: plain lines now and then where nobody sees a terminal, nothing
if quiet.
"""

import io

from fena_sim.study.sweep.progress import REPORT
from fena_sim.sweep import Outcome, Point, SweepDisplay


def point(number):
    return Point(
        number=number,
        protocol="p",
        model="m",
        settings=(),
        grid=("tau=1",),
        seed=number,
        device="dense",
        out="o",
    )


def show(quiet):
    stream, now = io.StringIO(), [0.0]
    with SweepDisplay(4, quiet=quiet, stream=stream, clock=lambda: now[0]) as display:
        display.outcome(point(0), Outcome(0, run="a", found=True))
        display.share(point(1), 0.25)
        now[0] = 1.5 * REPORT
        display.share(point(1), 0.5)  # half a point of 3 took 15 s
        display.share(point(1), 0.75)
        display.outcome(point(1), Outcome(1, run="b"))
        display.outcome(point(2), Outcome(2, error={"what": "too fast"}))
        display.outcome(point(3), Outcome(3, run="d"))
    return stream.getvalue()


def test_a_log_has_a_line_now_and_then():
    assert show(quiet=False).splitlines() == [
        "1 of 4 points (1 finished before), 0:01:15 left",
        "tau=1, seed 2: too fast",
        "4 of 4 points (1 finished before, 1 failed)",
    ]


def test_quiet():
    assert show(quiet=True) == ""
