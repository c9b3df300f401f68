"""Worker processes on this machine. Any of them may be killed at any moment.

Every worker has a pipe of its own. What one holds when it dies is therefore known, and nothing that
it held (the lock of a shared queue, half a message) can stop the others. ProcessPoolExecutor and
loky give up all that is left when one worker dies; Pebble replaces it, but its workers share one
pipe and the lock around it, which a worker that is killed while it holds it takes along.
"""

import signal
import sys
from collections import deque
from collections.abc import Generator, Sequence
from multiprocessing import connection, get_context

from .points import Point
from .progress import SweepDisplay
from .work import Outcome, do_point

#: Workers that a point may take along, one after the other and without getting further, until it
#: counts as the cause.
DEATHS = 10
#: Seconds that a worker is given to stop what it is doing.
PATIENCE = 5.0


def run_locally(
    points: Sequence[Point], workers: int, display: SweepDisplay
) -> Generator[Outcome, None, None]:
    """Do all points on worker processes; a worker that dies is replaced and its point goes on from
    its checkpoint.

    Parameters
    ----------
    points : list of Point
    workers : int
    display : SweepDisplay

    Yields
    ------
    Outcome
        In the order in which they come.
    """
    # Workers are forked from a server that has imported what they need: a new one takes
    # milliseconds, and inherits no threads from here.
    context = get_context("forkserver")
    context.set_forkserver_preload([do_point.__module__])
    waiting = deque(points)
    staff = [_Worker(context) for _ in range(min(workers, len(points)))]
    deaths: dict[int, int] = {}
    shares: dict[int, float] = {}
    try:
        while waiting or any(worker.point for worker in staff):
            for n in range(len(staff)):
                while waiting and staff[n].point is None and not staff[n].give(waiting[0]):
                    staff[n].stop()  # it was killed while it had nothing to do
                    staff[n] = _Worker(context)
                if waiting and staff[n].point is waiting[0]:
                    waiting.popleft()
            busy = {worker.pipe: worker for worker in staff if worker.point}
            for pipe in connection.wait(list(busy)):
                worker = busy[pipe]
                point, said = worker.point, worker.hear()
                if isinstance(said, float):
                    deaths.pop(point.number, None)
                    shares[point.number] = said
                    display.share(point, said)
                elif said is not None:
                    worker.point = None
                    yield said
                else:
                    worker.stop()
                    staff[staff.index(worker)] = _Worker(context)
                    deaths[point.number] = deaths.get(point.number, 0) + 1
                    if deaths[point.number] < DEATHS:
                        display.log(f"{point.label}: {worker.end()}; another one takes over")
                        waiting.appendleft(point)
                    else:
                        yield died(point, worker.end())
    finally:
        for worker in staff:
            worker.ask_to_stop()
        for worker in staff:
            worker.stop()


def died(point: Point, how: str) -> Outcome:
    """The outcome of a point that takes its workers along."""
    return Outcome(
        number=point.number,
        error=dict(
            kind="WorkerError",
            what=f"{DEATHS} workers in a row ended in this point: {how}",
            where=None,
            fix="see whether it needs more memory than there is: fena run with the same settings",
        ),
    )


class _Worker:
    """A process, its pipe, and the point that it holds."""

    def __init__(self, context):
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs,), name="fena sweep worker")
        self.process.start()
        theirs.close()  # so that the pipe ends when the process does
        self.point = None

    def give(self, point):
        """Hand over a point; False if the process is dead."""
        try:
            self.pipe.send(point)
        except OSError:
            return False
        self.point = point
        return True

    def hear(self):
        """The next message: a share (float), an Outcome, or None if the process is dead."""
        try:
            return self.pipe.recv()
        except (EOFError, OSError):
            return None

    def end(self):
        """How the process ended, for people."""
        code = self.process.exitcode
        return (
            f"the worker was ended by {signal.Signals(-code).name}"
            if code and code < 0
            else f"the worker ended with {code}"
        )

    def ask_to_stop(self):
        """Ask the process to leave what it is doing; what is done up to the last checkpoint is
        kept.
        """
        self.process.terminate()

    def stop(self):
        """Make sure that the process is gone."""
        self.pipe.close()
        self.process.join(PATIENCE)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def _serve(pipe):
    """The life of a worker: points in, outcomes out."""
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C reaches all processes; the sweep's own decides
    signal.signal(
        signal.SIGTERM, lambda *_: sys.exit()
    )  # unwinds, so that compiled networks and temporary files go

    def log(message):
        try:
            pipe.send(message)
        except OSError:  # the sweep is gone
            sys.exit()

    while True:
        try:
            point = pipe.recv()
        except (EOFError, OSError):
            return
        log(do_point(point, log))
