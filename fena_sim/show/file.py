"""A file in figures/: what it shows, which runs it needs, and which stored runs fit."""

import inspect
from collections.abc import Callable, Sequence
from pathlib import Path

import attrs
from matplotlib.figure import Figure

from ..errors import DeclarationError
from ..load import shipped
from ..load.user_file import load_file
from ..runs.store.experiment import experiment_of
from ..runs.store.run import Run


@attrs.frozen
class FigureFile:
    """A figure file: ``figure(runs)`` returns a Figure, ``BLOCKS`` names the blocks that every run
    must have.

    Parameters
    ----------
    name, path, about : str, Path, str
        ``about`` is the docstring.
    figure : callable
    blocks : tuple of str
    recorded : tuple of str
        Populations of which each of these blocks must have a probe, one of them at least; empty: no
        probe is needed.
    command : str
        ``COMMAND`` of the file: makes runs that it shows.
    """

    name: str
    path: Path
    about: str
    figure: Callable[[list[Run]], Figure]
    blocks: tuple[str, ...]
    recorded: tuple[str, ...]
    command: str

    def shows(self, run: Run) -> bool:
        """Whether a run is finished and has what the figure needs."""
        if not run.finished or run.batch > 1 or not set(self.blocks) <= set(run.blocks):
            return False
        probes = [set(b["probes"]) for b in run.manifest["blocks"] if b["name"] in self.blocks]
        return not self.recorded or all(set(self.recorded) & names for names in probes)

    def needs(self) -> str:
        """In words, for a message."""
        probes = f" with a probe of {' or '.join(self.recorded)}" if self.recorded else ""
        return f"runs with the block{'s' * (len(self.blocks) > 1)} {', '.join(self.blocks)}{probes}"

    def choose(self, runs: Sequence[Run]) -> tuple[list[Run], int]:
        """One run per seed out of many, all of one kind: same protocol, model, parameters, tokens,
        start and code.

        Kinds of the protocol that COMMAND names come first, then the kind with a run that was
        started last.

        Parameters
        ----------
        runs : list of Run
            The one that was started last first, as :func:`fena_sim.runs.store.find.stored_runs` gives
            them.

        Returns
        -------
        (list of Run, int)
            The runs by seed (empty if none can be shown), and how many of other kinds could be
            shown too.
        """
        usable = [run for run in runs if self.shows(run)]
        if not usable:
            return [], 0
        usable.sort(
            key=lambda run: f"/{run.manifest['protocol']['name']}.py" not in self.command
        )  # stable
        kinds: dict[str, dict[int, Run]] = {}
        for run in usable:
            kinds.setdefault(experiment_of(run.manifest), {}).setdefault(run.seed, run)
        shown = experiment_of(usable[0].manifest)
        first = kinds[shown]
        return [first[seed] for seed in sorted(first)], sum(
            experiment_of(run.manifest) != shown for run in usable
        )


def load_figures(folder: str | Path | None = None) -> list[FigureFile]:
    """Every FigureFile of a folder (figures/ here, else the shipped ones), by name.

    Raises
    ------
    DeclarationError
        A file lacks BLOCKS, COMMAND or figure(runs).
    """
    folder = shipped.folder("figures") if folder is None else Path(folder)
    return [_load(path) for path in sorted(folder.glob("*.py"))]


def _load(path):
    module = load_file(path, "figure")
    for name in ("BLOCKS", "COMMAND", "figure"):
        if not hasattr(module, name):
            raise DeclarationError(
                f"the figure file defines no {name}",
                where=str(path),
                fix=(
                    "define BLOCKS (the blocks that it shows), COMMAND (which makes such runs) and figure(runs)"
                ),
            )
    return FigureFile(
        name=path.stem,
        path=path,
        about=inspect.getdoc(module) or "",
        figure=module.figure,
        blocks=tuple(module.BLOCKS),
        recorded=tuple(getattr(module, "RECORDED", ())),
        command=module.COMMAND,
    )
