"""The command `fena sweep`."""

import os
import sys
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import click

from .shell import PARTLY, SEEDS, ModelOrProtocol, Terminated, exit_code

#: Errors that are listed in full at the end; all are in the JSON.
LISTED = 20


@click.command("sweep")
@click.argument("protocol", type=ModelOrProtocol("protocols"))
@click.option(
    "--model",
    type=ModelOrProtocol("models"),
    help="Model file; the protocol file names a default.",
)
@click.option(
    "--grid",
    "grid",
    multiple=True,
    metavar="KEY=VALUE,VALUE,...",
    help="Vary a setting; the keys are those of --set. Give it again for a second dimension.",
)
@click.option(
    "--seeds",
    type=SEEDS,
    default=1,
    show_default=True,
    help="Networks at every point of the grid, with seeds 0 to N-1.",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="As for `fena run`, at all points.",
)
@click.option(
    "--device",
    default="auto",
    show_default=True,
    help="auto, dense (float32), dense64, cpp or runtime.",
)
@click.option(
    "--out", type=click.Path(), default="runs", show_default=True, help="Folder for run folders."
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=None,
    help="Processes on this machine (default one per core).",
)
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    default=None,
    help="Use the workers of this Dask scheduler, which see the same files.",
)
@click.option(
    "--slurm",
    metavar="KEY=VALUE,...",
    default=None,
    help="Start Slurm jobs: jobs=N, and the keys of dask_jobqueue.SLURMCluster (queue, walltime, memory, ...).",
)
@click.option(
    "--json",
    "path",
    type=click.Path(),
    default=None,
    help="Write points, numbers and errors into this file.",
)
@click.option(
    "--figure",
    type=click.Path(),
    default=None,
    help="Where to write the figure (PDF, SVG and PNG); the sweep's folder if left out.",
)
@click.option("--quiet", is_flag=True, help="No progress.")
def command(
    protocol: str,
    model: str | None,
    grid: tuple[str, ...],
    seeds: int,
    settings: tuple[str, ...],
    device: str,
    out: str,
    workers: int | None,
    scheduler: str | None,
    slurm: str | None,
    path: str | None,
    figure: str | None,
    quiet: bool,
) -> None:
    """Run a protocol at every point of a grid of settings, with several networks at each.

    Every point is an ordinary run folder, so a sweep goes on where it was stopped, and a larger one
    runs only what is new. The numbers of the protocol's summary go into one netCDF file over the
    grid, beside the runs, with a figure.

    A point that fails does not stop the others; then the exit code is 5.

    \b
    Examples:
      fena sweep protocols/first_contact.py --grid level.1.tau=10*ms,14*ms,20*ms --seeds 20
      fena sweep protocols/oddball.py --grid protocol.p_deviant=0.1,0.2 --grid level.2.tau=20*ms,40*ms --workers 4
      fena sweep protocols/first_contact.py --grid "model.sizes=(32,16),(64,32)" --scheduler tcp://node1:8786
      fena sweep protocols/first_contact.py --grid W_1.share=0.05,0.1 --slurm queue=short,walltime=02:00:00,jobs=20
    """
    from ..study.sweep.distributed import (
        check_installed,
        parse_slurm,
        run_on_scheduler,
        run_on_slurm,
    )
    from ..study.sweep.grid import parse_grid
    from ..study.sweep.local import run_locally
    from ..study.sweep.points import plan
    from ..study.sweep.progress import SweepDisplay

    if sum(where is not None for where in (workers, scheduler, slurm)) > 1:
        raise click.UsageError("give one of --workers, --scheduler and --slurm")
    if scheduler is not None:
        check_installed("distributed")
    if slurm is not None:
        options = parse_slurm(slurm)
        check_installed("distributed", "dask_jobqueue")
    if figure is not None and Path(figure).suffix not in ("", ".pdf", ".svg", ".png"):
        raise click.UsageError(f"--figure {figure}: a figure is written as .pdf, .svg and .png")
    planned = plan(
        protocol, parse_grid(grid, settings), list(range(seeds)), model, settings, device, out
    )
    outcomes = {}
    try:
        with SweepDisplay(len(planned.points), quiet) as display:
            if scheduler is not None:
                coming = run_on_scheduler(planned.points, scheduler, display)
            elif slurm is not None:
                coming = run_on_slurm(planned.points, options, display)
            else:
                coming = run_locally(planned.points, workers or os.cpu_count() or 1, display)
            with closing(coming):  # stops the workers, whatever ends this
                for outcome in coming:
                    outcomes[outcome.number] = outcome
                    display.outcome(planned.points[outcome.number], outcome)
    except KeyboardInterrupt as error:
        how = "terminated" if isinstance(error, Terminated) else "interrupted"
        click.echo(
            f"{how} after {len(outcomes)} of {len(planned.points)} points: the same command goes on",
            err=True,
        )
        sys.exit(exit_code(error))
    listing = _save(planned, outcomes, out, path, figure)
    _report(planned, outcomes, listing, quiet)
    if listing["failed"]:
        sys.exit(PARTLY)


def _save(planned, outcomes, out, path, figure):
    """Write everything that the sweep amounts to; returns its listing, and the folder's files in
    "written".
    """
    from ..runs.store.files import write_atomically
    from ..show.style import save
    from ..study.sweep.figure import draw, numbers
    from ..study.sweep.result import dump, save_sweep

    folder = Path(out) / planned.name
    listing, dataset = save_sweep(folder, planned, outcomes, ["fena", *sys.argv[1:]])
    if numbers(dataset):
        place = folder / "figure" if figure is None else Path(figure)
        runs = [
            SimpleNamespace(id=name)
            for name in dataset["run_folder"].values.ravel().tolist()
            if name
        ]
        save(draw(dataset), place.parent, place.stem, runs)
    elif figure is not None:
        click.echo(
            "no figure: no run has a number; the protocol file's summary(runs) gives them", err=True
        )
    if path:
        write_atomically(path, dump(listing))
    return listing


def _report(planned, outcomes, listing, quiet):
    """Where the result is, unless quiet; and in any case which points failed, and why."""
    from rich.console import Console
    from rich.table import Table

    console = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)
    if not quiet:
        table = Table(box=None, show_header=False)
        for key in ("sweep", "device", "finished", "failed"):
            table.add_row(key, str(listing[key]))
        console.print(table)
    failed = [point for point in planned.points if outcomes[point.number].error]
    for point in failed[:LISTED]:
        error = outcomes[point.number].error
        console.print(f"failed: {point.label}: {error['kind']}: {error['what']}")
        for key in ("where", "fix"):
            if error[key]:
                console.print(f"  {key + ':':<6} {error[key]}")
    if len(failed) > LISTED:
        console.print(
            f"and {len(failed) - LISTED} more, see {Path(listing['sweep']) / 'sweep.json'}"
        )
