"""Points on the workers of a Dask scheduler, which may be on other machines that share the file
system.
"""

from collections.abc import Generator, Mapping, Sequence

from ...errors import DeclarationError, DeviceError
from ...extras import install_hint
from .local import DEATHS, died
from .points import Point
from .progress import SweepDisplay
from .work import Outcome, do_point

#: Seconds to wait for a scheduler to answer.
ANSWER = 10
#: What a Slurm job gets unless --slurm says otherwise: every point uses one core.
JOB: dict[str, str | int] = {"cores": 1, "processes": 1, "memory": "4GB"}


def run_on_scheduler(
    points: Sequence[Point], address: str, display: SweepDisplay
) -> Generator[Outcome, None, None]:
    """Do all points on the workers of the Dask scheduler at `address`, e.g. "tcp://node:8786";
    yields Outcomes.

    A point whose worker dies goes to another one. Raises DeviceError if no scheduler answers there.
    """
    distributed = _import("distributed")
    try:
        client = distributed.Client(address, timeout=ANSWER, set_as_default=False)
    except (OSError, ValueError) as error:
        raise DeviceError(
            f"no Dask scheduler answers: {error}",
            where=f"--scheduler {address}",
            fix="start one with `dask scheduler`, and give the address that it prints",
        ) from error
    with client:
        yield from _run(points, client, display)


def run_on_slurm(
    points: Sequence[Point], options: Mapping[str, str | int], display: SweepDisplay
) -> Generator[Outcome, None, None]:
    """Do all points on Slurm jobs that are started for it; yields Outcomes.

    Parameters
    ----------
    points : list of Point
    options : dict
        From :func:`parse_slurm`.
    display : SweepDisplay

    Raises
    ------
    DeclarationError
        If dask-jobqueue does not know an option.
    """
    jobqueue, distributed = _import("dask_jobqueue"), _import("distributed")
    options = {**JOB, **options}
    jobs = min(options.pop("jobs", len(points)), len(points))
    try:
        cluster = jobqueue.SLURMCluster(**options)
    except (TypeError, ValueError) as error:
        raise DeclarationError(
            f"dask-jobqueue refuses the options: {error}",
            where="--slurm",
            fix="its keys are those of dask_jobqueue.SLURMCluster, and jobs",
        ) from error
    with cluster, distributed.Client(cluster, set_as_default=False) as client:
        cluster.adapt(
            minimum=jobs, maximum=jobs
        )  # starts a job again when one ends before its time
        yield from _run(points, client, display)


def parse_slurm(text: str) -> dict[str, str | int]:
    """Options from "queue=normal,walltime=02:00:00,memory=4GB,jobs=20"; whole numbers become int.

    Raises DeclarationError for what is not key=value, and a number of jobs that is none.
    """
    options = {}
    for part in text.split(","):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or not key or not value or key in options:
            raise DeclarationError(
                f"{part!r} is not a new key=value",
                where=f"--slurm {text}",
                fix="write e.g. --slurm queue=normal,walltime=02:00:00,jobs=20",
            )
        options[key] = int(value) if value.isdecimal() else value
    if "jobs" in options and (not isinstance(options["jobs"], int) or options["jobs"] < 1):
        raise DeclarationError(
            f"{options['jobs']!r} jobs", where=f"--slurm {text}", fix="give a whole number from 1"
        )
    return options


def _run(points, client, display):
    distributed = _import("distributed")
    display.log(
        f"dask scheduler {client.scheduler.address}, {len(client.scheduler_info()['workers'])} workers now"
    )

    futures, deaths = {client.submit(do_point, point, pure=False): point for point in points}, {}
    results = distributed.as_completed(list(futures), loop=client.loop)
    try:
        for future in results:
            point = futures.pop(future)
            if future.status == "finished":
                yield future.result()
                continue
            if future.cancelled():
                raise DeviceError(
                    "the connection to the Dask scheduler was lost",
                    where=client.scheduler.address,
                    fix="start the same command again: it goes on",
                )
            error = future.exception()
            deaths[point.number] = deaths.get(point.number, 0) + 1
            if not isinstance(error, distributed.KilledWorker):
                yield Outcome(
                    number=point.number,
                    error=dict(
                        kind=type(error).__name__,
                        what=str(error),
                        where="Dask worker",
                        fix="give all workers the same installation",
                    ),
                )
            elif (
                deaths[point.number] < DEATHS
            ):  # Dask itself has given it to some workers each time
                again = client.submit(do_point, point, pure=False)
                futures[again] = point
                results.add(again)
            else:
                yield died(point, str(error))
    finally:
        client.cancel(list(futures))


def check_installed(*modules: str) -> None:
    """Raise DeviceError if the extra is not installed."""
    for module in modules:
        _import(module)


def _import(module):
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise DeviceError(
            f"sweeps on a cluster need {module}: {error}",
            where="--scheduler or --slurm",
            fix=install_hint("sweep"),
        ) from error
