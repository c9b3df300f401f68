"""The command `fena figures`."""

import json
from pathlib import Path

import click

from ..errors import FenaError, RunFolderError
from ..runs.store.manifest import left_out

RUNS, OUT = "runs", "figures/made"


@click.command("figures")
@click.argument("runs", nargs=-1, type=click.Path())
@click.option("--out", type=click.Path(), default=OUT, show_default=True)
@click.option("--only", multiple=True, metavar="NAME", help="This figure alone; may be repeated.")
@click.option(
    "--gallery",
    type=click.Path(),
    default=None,
    metavar="FILE",
    help="Also write the page of all figures, and their PNG into figures/ beside it.",
)
@click.option("--json", "as_json", is_flag=True, help="One line of JSON instead of the paths.")
@click.option("--quiet", is_flag=True, help="Do not say what is missing.")
def command(
    runs: tuple[str, ...],
    out: str,
    only: tuple[str, ...],
    gallery: str | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Make every figure of figures/ for which there are runs.

    Given runs (one per network), from these. Without, from the folder runs/: for each figure one
    run per seed of the experiment that its COMMAND names, or else of the last one that has the
    blocks; and for each figure that cannot be made, which runs it needs and the command that makes
    them. A run that cannot be read is named and left out; the exit code then is not 0. Every file carries the ids of its runs (PNG: Description, PDF: Subject, SVG: description).

    \b
    Examples:
      fena figures
      fena figures runs/first_contact-* --out figures/made
      fena figures --only oddball --only training
      fena figures --gallery docs/gallery.md
    """
    from ..errors import UnknownNameError, nearest
    from ..show.file import load_figures
    from ..show.gallery import write_gallery

    available = load_figures()
    for name in only:
        if name not in [file.name for file in available]:
            raise UnknownNameError(
                f"there is no figure {name!r}",
                where="--only",
                fix=nearest(name, [f.name for f in available]),
            )
    chosen = [file for file in available if not only or file.name in only]
    given, unreadable = _given(runs)
    made, missing, failed = _make(chosen, given, out, log=not as_json, quiet=quiet)
    failed = [*unreadable, *failed]
    if as_json:
        click.echo(json.dumps({"made": made, "missing": missing}))
    if gallery:
        for path in write_gallery(available, gallery, out):
            click.echo(f"wrote {path}", err=True)
    if failed:
        raise failed[0]
    if not made:
        raise RunFolderError(
            "no figure can be made from these runs",
            where=", ".join(map(str, runs)) or RUNS,
            fix="; or ".join(
                dict.fromkeys(f"make {entry['needs']}: {entry['command']}" for entry in missing)
            ),
        )


def _given(paths):
    """(the runs named on the command line that can be shown, or None where none was named; an error
    for each of the others).
    """
    from ..runs.store.run import open_run

    if not paths:
        return None, []
    opened, failed = [], []
    for path in paths:
        try:
            run = open_run(path)
            _check_single(run)
            opened.append(run)
        except RunFolderError as error:
            click.echo(f"left out: {left_out(path, error)}", err=True)
            failed.append(error)
    if not opened:
        raise failed[0]
    return opened, failed


def _check_single(run):
    if run.batch > 1:
        raise RunFolderError(
            f"{run.batch} streams were presented side by side; figures show networks that read one",
            where=str(run.folder),
            fix="draw run.streams from Python, with fena_sim.measure and .plot",
        )


def _check_alike(runs):
    """RunFolderError if the runs are not one experiment on independently seeded networks, as every
    figure takes them to be.
    """
    from ..runs.store.experiment import differences, experiment_of

    fix = "name the runs of one experiment only"
    kinds = {experiment_of(run.manifest): run for run in runs}
    if len(kinds) > 1:
        manifests = [run.manifest for run in kinds.values()]
        first, other = ("; ".join(differences(m, manifests)) or "its tokens" for m in manifests[:2])
        raise RunFolderError(
            f"these runs are {len(kinds)} experiments, and a figure shows one: {first}, but {other}",
            where=", ".join(run.id for run in list(kinds.values())[:2]),
            fix=fix,
        )
    seeds = [run.seed for run in runs]
    twice = [run.id for run in runs if seeds.count(run.seed) > 1]
    if twice:
        raise RunFolderError(
            "two of these runs have one seed; a figure shows independently seeded networks",
            where=", ".join(twice[:2]),
            fix=fix,
        )


def _make(files, given, out, log, quiet):
    """Draw what can be drawn; ([{"name", "files", "runs"}], [{"name", "needs", "command"}], [error])."""
    from ..runs.store.find import stored_runs
    from ..runs.store.manifest import interpreting
    from ..show.style import save

    made, missing, failed, stored = [], [], [], []
    if given is None:
        stored, skipped = stored_runs(RUNS)
        for line in skipped:
            click.echo(f"left out: {line}", err=True)
    for file in files:
        shown, others = (
            file.choose(stored) if given is None else ([run for run in given if file.shows(run)], 0)
        )
        if given is not None:
            _check_alike(shown)
        if not shown:
            missing.append({"name": file.name, "needs": file.needs(), "command": file.command})
            if given is None and not quiet:
                click.echo(
                    f"{file.name}: needs {file.needs()}; none in {RUNS}/. Make them with\n  {file.command}",
                    err=True,
                )
            continue
        try:
            with interpreting(shown[0].folder):
                drawn = file.figure(shown)
        except FenaError as error:  # of a run that is damaged, say: others may be whole
            click.echo(f"{file.name}: not made. {error}", err=True)
            failed.append(error)
            continue
        paths = save(drawn, Path(out), file.name, runs=shown)
        made.append(
            {
                "name": file.name,
                "files": [str(path) for path in paths],
                "runs": [run.id for run in shown],
            }
        )
        if log:
            click.echo("\n".join(str(path) for path in paths))
        if others and not quiet:
            click.echo(
                f"{file.name}: {len(shown)} of {others + len(shown)} runs, {shown[0].id} and its like; "
                "to show others, name them",
                err=True,
            )
    return made, missing, failed
