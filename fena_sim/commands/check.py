"""The command `fena check`."""

import click

from ..errors import RunFolderError
from ..runs.store.manifest import left_out, warnings_of

#: Files of one kind, and warnings, that are named.
NAMED = 20


@click.command("check")
@click.argument("paths", metavar="RUN|FOLDER...", nargs=-1, required=True, type=click.Path())
def command(paths: tuple[str, ...]) -> None:
    """Compare every file of runs, or of all runs below folders, with its checksum.

    Says of every run that is not whole which files are missing or were altered, and in which
    blocks; and which files are not of the run (nothing reads those). Also what a run warned of
    while it went on. A run has checksums once it is finished. In a run folder, `sha256sum -c
    checksums/*.sha256` checks the same files without fena.

    Runs of earlier versions have no checksums. They are read instead: files that are missing or
    cannot be read, and sizes that are not those of the manifest, are damage; numbers that were
    altered cannot be told from others.

    Exit code 2 if a run is damaged; 0 if none is, also where a run has no checksums, is not
    finished, or warned of something.

    \b
    Examples:
      fena check runs/first_contact-fena-seed0-...
      fena check runs copies
    """
    from ..runs.store.find import find_runs

    damaged = []
    for path in paths:
        try:
            runs, skipped = find_runs(path)
        except RunFolderError as error:
            runs, skipped = [], [left_out(path, error)]
        if not runs and not skipped:
            skipped = [f"{path}: there is no run in this folder"]
        for line in skipped:
            click.echo(line)
            damaged.append(line.partition(": ")[0])
        for run in runs:
            whole, state = _state(run)
            click.echo("\n".join([f"{run.folder}: {state}", *_warnings(run)]))
            if not whole:
                damaged.append(str(run.folder))
    if damaged:
        raise RunFolderError(
            f"{len(damaged)} of what was checked {'is' if len(damaged) == 1 else 'are'} no whole run",
            where=", ".join(damaged[:3]) + (" and others" if len(damaged) > 3 else ""),
            fix="copy them again from where they are whole, or move them away and start the commands "
            "in their manifests again",
        )


def _state(run):
    """(whether a run is whole as far as can be told, what is to be said of it, with a line for every
    file that is not as it was).
    """
    if not run.finished:
        return True, f"{run.manifest['status']}; it has checksums when it is finished"
    if not run.has_checksums:
        return _without_checksums(run)
    damage = run.damage()
    if damage.whole and not damage.extra:
        return True, f"whole, {damage.checked} files"
    lines = [_headline(damage)]
    for kind in ("missing", "altered", "extra"):
        lines += _named(kind, getattr(damage, kind))
    return damage.whole, "\n".join(lines)


def _without_checksums(run):
    from ..runs.store.read_all import problems

    found = problems(run)
    state = "has no checksums: it was made by an earlier version"
    if not found:
        return True, f"{state}; all of it can be read, altered numbers cannot be told"
    return False, "\n".join([f"{state}; damaged", *_named("damaged", found)])


def _named(kind, names):
    """A line for each of the first names of a kind."""
    lines = [f"  {kind}  {name}" for name in names[:NAMED]]
    if len(names) > NAMED:
        lines.append(f"  {kind}  and {len(names) - NAMED} more")
    return lines


def _warnings(run):
    return _named("warning", warnings_of(run.manifest))


def _headline(damage):
    if damage.whole:
        return f"whole, {damage.checked} files; and {len(damage.extra)} that are not of the run"
    parts = []
    if damage.missing:
        parts.append(f"incomplete, {len(damage.missing)} of {damage.checked} files are missing")
    if damage.altered:
        parts.append(f"altered, {len(damage.altered)} of {damage.checked} files")
    blocks = f"; blocks: {', '.join(damage.blocks)}" if damage.blocks else ""
    return "; ".join(parts) + blocks
