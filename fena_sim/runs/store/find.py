"""Finds the runs of a folder, and those that are the same experiment on independently seeded
networks.
"""

from collections.abc import Iterable
from pathlib import Path

import attrs

from ...errors import RunFolderError
from .experiment import differences, experiment_of
from .manifest import MANIFEST, left_out, run_folders, stored_manifests
from .run import Run


def find_runs(path: str | Path) -> tuple[list[Run], list[str]]:
    """The runs at or below a path.

    Parameters
    ----------
    path : path
        A run folder, or a folder with runs anywhere below it, also behind links; each is found once.

    Returns
    -------
    runs : list of Run
        By name.
    skipped : list of str
        One line for every folder whose manifest cannot be used.

    Raises
    ------
    RunFolderError
        If the path does not exist, or is a run folder that cannot be used.
    """
    path = Path(path)
    if not path.is_dir():
        raise RunFolderError(
            "there is no such folder",
            where=str(path),
            fix="give a run folder, or one that holds runs",
        )
    if (path / MANIFEST).exists():
        return [Run(path)], []
    runs, skipped = [], []
    for folder in run_folders(path):
        try:
            runs.append(Run(folder))
        except RunFolderError as error:
            skipped.append(left_out(folder, error))
    return sorted(runs, key=lambda run: run.id), sorted(skipped)


def stored_runs(folder: str | Path) -> tuple[list[Run], list[str]]:
    """The Run of every run folder directly in `folder`, the one that was started last first; and one
    line for every folder whose manifest cannot be used. Empty if there is no such folder.
    """
    manifests, skipped = stored_manifests(folder)
    return [Run(path) for path in manifests], skipped


@attrs.frozen(eq=False)
class Group:
    """Runs that differ by their seed alone.

    Attributes
    ----------
    runs : list of Run
        By seed.
    differs : list of str
        What sets them apart from other groups with the same protocol and model.
    """

    runs: list[Run]
    differs: list[str] = attrs.field(factory=list)

    @property
    def first(self) -> Run:
        return self.runs[0]

    @property
    def title(self) -> str:
        return (
            f"{self.first.manifest['protocol']['name']} on {self.first.manifest['model']['name']}"
        )

    @property
    def finished(self) -> list[Run]:
        return [run for run in self.runs if run.finished]

    @property
    def seeds(self) -> list[int]:
        return [run.seed for run in self.runs]


def group_runs(runs: Iterable[Run]) -> list[Group]:
    """Runs gathered into groups by protocol and model, and within those by everything else that
    went in but the seed.

    Networks that heard other tokens because of their seed are in one group; another parameter,
    device, number of tokens or version of the code makes another group.

    Returns
    -------
    list of Group
    """
    found: dict[str, list[Run]] = {}
    for run in sorted(
        runs,
        key=lambda run: (
            run.manifest["protocol"]["name"],
            run.manifest["model"]["name"],
            run.seed,
            run.id,
        ),
    ):
        found.setdefault(experiment_of(run.manifest), []).append(run)
    groups = [Group(members) for members in found.values()]
    for group in groups:
        others = [other.first.manifest for other in groups if other.title == group.title]
        group.differs.extend(differences(group.first.manifest, others))
    return groups
