"""The command `fena figures`."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import FenaError, ResourceError, RunFolderError
from ..runs.store.manifest import left_out

if TYPE_CHECKING:
    from ..runs.store.run import Run
    from ..show.file import FigureFile
    from ..show.standard.figures import Standard

RUNS, OUT = "runs", "figures/made"


@click.command("figures")
@click.argument("runs", nargs=-1, type=click.Path())
@click.option("--out", type=click.Path(), default=OUT, show_default=True)
@click.option(
    "--only",
    multiple=True,
    metavar="NAME",
    help="This figure alone, a standard one included, or a figure file of your own; may be repeated.",
)
@click.option(
    "--by",
    default=None,
    metavar="LABEL",
    help="Evoked responses by this label alone.  [default: by every label of few values]",
)
@click.option(
    "--gallery",
    type=click.Path(),
    default=None,
    metavar="FILE",
    help="Also write the page of all figures, and their PNG into figures/ beside it.",
)
@click.option("--json", "as_json", is_flag=True, help="One line of JSON instead of the paths.")
@click.option("--quiet", is_flag=True, help="Do not say what is left out.")
def command(
    runs: tuple[str, ...],
    out: str,
    only: tuple[str, ...],
    by: str | None,
    gallery: str | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Draw every figure for which there are runs: the standard ones, and those of figures/.

    Standard figures need no file, and runs of any protocol have them: evoked (responses to tokens, by
    their labels), over_tokens (errors, precisions and readouts), settling, spikes (raster and
    rates) and weights. Each is drawn for every block that has the data, as
    KIND-BLOCK, with a caption beside it (.txt). What a block lacks is said, and how to record it.

    Given runs (one per network), from these. Without, from the folder runs/: standard figures of the
    experiment that was run last, if its protocol is none of the shipped ones; for each figure of figures/ one run per seed of the experiment
    that its COMMAND names, or else of the last one that has the data; and for each figure that cannot
    be made, which runs it needs and the command that makes them. A run that cannot be read is named
    and left out; the exit code then is not 0. Every file carries the ids of its runs (PNG:
    Description, PDF: Subject, SVG: description).

    \b
    Examples:
      fena figures
      fena figures runs/my_experiment-* --out pictures
      fena figures runs/my_experiment-* --only evoked --by contrast
      fena figures --only oddball --only training
      fena figures --only my_figure.py
      fena figures --gallery docs/gallery.md
    """
    from ..show.file import load_figures
    from ..show.gallery import write_gallery

    available = load_figures()
    files, standard = _chosen(available, only)
    given, unreadable = _given(runs)
    made = _Made(Path(out), only=bool(only), log=not as_json, quiet=quiet)
    stored = _stored() if given is None else []
    made.from_files(files, given, stored)
    made.standard(standard, given, stored, by)
    if as_json:
        click.echo(
            json.dumps({"made": made.made, "missing": made.missing, "left_out": made.left_out})
        )
    if gallery:
        for path in write_gallery(available, gallery, out):
            click.echo(f"wrote {path}", err=True)
    failed = [*unreadable, *made.failed]
    if failed:
        raise failed[0]
    if not made.made:
        fixes = [f"make {entry['needs']}: {entry['command']}" for entry in made.missing]
        raise RunFolderError(
            "no figure can be made from these runs",
            where=", ".join(map(str, runs)) or RUNS,
            fix="; or ".join(dict.fromkeys([*made.fixes, *fixes])),
        )


def _chosen(available, only):
    """(figure files, standard figures) that --only names; all without it."""
    from ..errors import UnknownNameError, nearest
    from ..show.file import load_figure
    from ..show.standard.figures import STANDARD

    if not only:
        return available, list(STANDARD)
    files = {file.name: file for file in available}
    standard = {one.name: one for one in STANDARD}
    chosen: tuple[list, list] = ([], [])
    for name in only:
        if name.endswith(".py"):
            if not Path(name).is_file():
                raise UnknownNameError(
                    "there is no such figure file",
                    where=name,
                    fix="`fena new figure NAME` writes one",
                )
            chosen[0].append(load_figure(name))
        elif name in files:
            chosen[0].append(files[name])
        elif name in standard:
            chosen[1].append(standard[name])
        else:
            raise UnknownNameError(
                f"there is no figure {name!r}",
                where="--only",
                fix=nearest(name, [*files, *standard]),
            )
    return chosen


def _stored():
    from ..runs.store.find import stored_runs

    stored, skipped = stored_runs(RUNS)
    for line in skipped:
        click.echo(f"left out: {line}", err=True)
    return stored


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


class _Made:
    """Draws figures and keeps account of them.

    Attributes
    ----------
    made, missing, left_out : list of dict
        {"name", "files", "runs"}; figure files without runs, {"name", "needs", "command"}; standard
        figures without data, {"name", "blocks", "why"}.
    failed : list of FenaError
        Of runs that are damaged, or disks that are full.
    fixes : list of str
        What to declare for the standard figures that were left out.
    """

    def __init__(self, out: Path, only: bool, log: bool, quiet: bool) -> None:
        self.out, self.only, self.log, self.quiet = out, only, log, quiet
        self.made: list[dict] = []
        self.missing: list[dict] = []
        self.left_out: list[dict] = []
        self.failed: list[FenaError] = []
        self.fixes: list[str] = []

    def from_files(
        self, files: Sequence["FigureFile"], given: "list[Run] | None", stored: "list[Run]"
    ) -> None:
        """Draw figure files, from the runs given or else from those stored."""
        for file in files:
            others = 0
            if given is None:
                shown, others = file.choose(stored)
            else:
                shown = [run for run in given if file.shows(run)]
                _check_alike(shown)
            if not shown:
                self._is_missing(file, given)
                continue
            drawn = self._drawn(file.name, shown, lambda file=file, shown=shown: file.draw(shown))
            if drawn is None:
                continue
            self._save(file.name, drawn, shown)
            if others:
                self._say(
                    f"{file.name}: {len(shown)} of {others + len(shown)} runs, {shown[0].id} and its "
                    "like; to show others, name them"
                )

    def _is_missing(self, file, given):
        needs = file.describe_needs()
        self.missing.append({"name": file.name, "needs": needs, "command": file.command})
        if given is None:
            where = f"none in {RUNS}/. Make them with\n  {file.command}"
            self._say(f"{file.name}: needs {needs}; {where}")
        else:
            self._say(f"{file.name}: left out, {file.lacking(given[0])}")

    def standard(
        self,
        kinds: Sequence["Standard"],
        given: "list[Run] | None",
        stored: "list[Run]",
        by: str | None,
    ) -> None:
        """Draw standard figures of the runs given, or else of the experiment that was run last."""
        from ..show.report.read_once import read_once
        from ..show.standard.drawn import NotDrawn

        if given is not None:
            runs = [run for run in given if run.finished]
        else:
            runs = _last(stored, own=not self.only)
        if not kinds or not runs:
            return
        try:
            _check_alike(runs)
        except RunFolderError as error:
            self._leave_out("standard figures", [], error.what)
            self.fixes.append(error.fix or "name the runs of one experiment only")
            return
        runs = read_once(runs)
        for kind in kinds:
            lacking: dict[str, list[str]] = {}
            for block in runs[0].blocks:
                options = {"label": by} if by and kind.name == "evoked" else {}
                why = " and ".join(kind.missing(runs, block))
                if why:
                    lacking.setdefault(f"no {why}", []).append(block)
                    continue
                name = f"{kind.name} of block {block!r}"
                draw = lambda: list(kind.draw(runs, block, **options))  # noqa: E731, B023
                for one in self._drawn(name, runs, draw) or []:
                    if isinstance(one, NotDrawn):
                        self._not_drawn(one.name, one.error)
                    else:
                        self._save(one.name, one.figure, runs, one.caption)
            for why, blocks in lacking.items():
                self._leave_out(kind.name, blocks, f"{why}; to have it, {kind.declare}")
                self.fixes.append(kind.declare)

    def _leave_out(self, name, blocks, why):
        self.left_out.append({"name": name, "blocks": blocks, "why": why})
        of = f" of block{'s' * (len(blocks) > 1)} {', '.join(blocks)}" if blocks else ""
        self._say(f"{name}{of}: left out, {why}")

    def _drawn(self, name, runs, draw):
        """What `draw` returns; None, and said why, where these runs cannot be drawn."""
        from ..runs.store.manifest import interpreting

        try:
            with interpreting(runs[0].folder):
                return draw()
        except (RunFolderError, ResourceError) as error:  # damage, say: others may be whole
            click.echo(f"{name}: not made. {error}", err=True)
            self.failed.append(error)
        except FenaError as error:
            self._not_drawn(name, error)
        return None

    def _not_drawn(self, name, error):
        self._say(f"{name}: left out. {error}")
        self.left_out.append({"name": name, "blocks": [], "why": error.what})
        if error.fix:
            self.fixes.append(error.fix)

    def _save(self, name, figure, runs, caption=None):
        from ..runs.store.files import write_atomically
        from ..show.style import save

        paths = save(figure, self.out, name, runs=runs)
        if caption is not None:
            paths.append(self.out / f"{name}.txt")
            write_atomically(paths[-1], f"{caption}\n".encode())
        self.made.append(
            {
                "name": name,
                "files": [str(path) for path in paths],
                "runs": [run.id for run in runs],
            }
        )
        if self.log:
            click.echo("\n".join(str(path) for path in paths))

    def _say(self, text):
        if not self.quiet:
            click.echo(text, err=True)


def _last(stored, own):
    """One run per seed of the experiment that was run last and can be shown; none where that must be
    one's `own` and its protocol is a shipped one.
    """
    from ..load import shipped
    from ..runs.store.experiment import experiment_of

    usable = [run for run in stored if run.finished and run.batch == 1]
    if usable and own:
        name = usable[0].manifest["protocol"]["name"]
        if (shipped.HOME / "protocols" / f"{name}.py").exists():
            return []
    kind = [r for r in usable if experiment_of(r.manifest) == experiment_of(usable[0].manifest)]
    first = {run.seed: run for run in reversed(kind)}
    return [first[seed] for seed in sorted(first)]
