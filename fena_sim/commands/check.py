"""The command `fena check`."""

import click

from ..errors import RunFolderError
from ..runs.store.manifest import left_out

#: Files of one kind that are named.
NAMED = 20


@click.command("check")
@click.argument("paths", metavar="RUN|FOLDER...", nargs=-1, required=True, type=click.Path())
def command(paths: tuple[str, ...]) -> None:
    """Compare every file of runs, or of all runs below folders, with its checksum.

    Says of every run that is not whole which files are missing or were altered, and in which
    blocks; and which files are not of the run (nothing reads those). A run has checksums once it is
    finished. Exit code 2 if a run is damaged. In a run folder, `sha256sum -c checksums/*.sha256`
    checks the same files without fena.

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
            damage = run.damage()
            click.echo(f"{run.folder}: {_state(run, damage)}")
            if not damage.whole:
                damaged.append(str(run.folder))
    if damaged:
        raise RunFolderError(
            f"{len(damaged)} of what was checked {'is' if len(damaged) == 1 else 'are'} no whole run",
            where=", ".join(damaged[:3]) + (" and others" if len(damaged) > 3 else ""),
            fix="copy them again from where they are whole, or move them away and start the commands "
            "in their manifests again",
        )


def _state(run, damage):
    """What is to be said of a run, with a line for every file that is not as it was."""
    if not run.finished:
        return f"{run.manifest['status']}; it has checksums when it is finished"
    if not run.has_checksums:
        return "has no checksums: it was made by an earlier version"
    if damage.whole and not damage.extra:
        return f"whole, {damage.checked} files"
    lines = [_headline(damage)]
    for kind in ("missing", "altered", "extra"):
        names = getattr(damage, kind)
        lines += [f"  {kind}  {name}" for name in names[:NAMED]]
        if len(names) > NAMED:
            lines.append(f"  {kind}  and {len(names) - NAMED} more")
    return "\n".join(lines)


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
