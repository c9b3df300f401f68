"""A figure file: what it shows, which data it needs, and which stored runs have them."""

import inspect
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import attrs
from matplotlib.figure import Figure

from ..errors import DeclarationError, FenaError, clipped
from ..load import shipped
from ..load.user_file import error_text, load_file
from ..runs.store.experiment import experiment_of
from ..runs.store.run import Run
from .needs import Needs


@attrs.frozen
class FigureFile:
    """A figure file: ``figure(runs, ...)`` returns a Figure, ``NEEDS`` says which data it shows.

    Parameters
    ----------
    name, path, about : str, Path, str
        ``about`` is the docstring.
    figure : callable
        Takes the runs, and for every key of `needs` a list of blocks under this name. A parameter
        with a default may be left without blocks.
    needs : dict
        {parameter: Needs}.
    command : str
        ``COMMAND`` of the file: makes runs that it shows.
    """

    name: str
    path: Path
    about: str
    figure: Callable[..., Figure]
    needs: dict[str, Needs]
    command: str

    @property
    def required(self) -> dict[str, Needs]:
        """The needs without which nothing can be drawn."""
        parameters = inspect.signature(self.figure).parameters
        return {
            name: needs
            for name, needs in self.needs.items()
            if name not in parameters or parameters[name].default is inspect.Parameter.empty
        }

    def blocks(self, run: Run) -> dict[str, list[str]]:
        """{parameter: blocks that have what it needs}: the block of the parameter's name first, the
        others in the run's order.
        """
        found = {}
        for name, needs in self.needs.items():
            fitting = [block for block in run.blocks if not needs.missing(run, block)]
            own = [block for block in fitting if block == name]
            found[name] = own + [block for block in fitting if block != name]
        return found

    def lacking(self, run: Run) -> str:
        """Why a run cannot be shown, in words; "" if it can."""
        if not run.finished:
            return "the run is not finished"
        if run.batch > 1:
            return "several streams were presented side by side"
        for needs in self.required.values():
            lost = {block: needs.missing(run, block) for block in run.blocks}
            if all(lost.values()):
                if needs.name in lost:
                    return f"the block {needs.name} has no {' and no '.join(lost[needs.name])}"
                return f"there is no {str(needs).removeprefix('a ').removeprefix('the ')}"
        return ""

    def shows(self, run: Run) -> bool:
        """Whether a run is finished and has what the figure needs."""
        return not self.lacking(run)

    def describe_needs(self) -> str:
        """In words, for a message."""
        needs = list(self.required.values())
        names = [one.name for one in needs if one.name is not None]
        named = [f"the block{'s' * (len(names) > 1)} {', '.join(names)}"] * bool(names)
        others = [str(one) for one in needs if one.name is None]
        return f"runs with {' and '.join([*named, *others]) or 'any block'}"

    def draw(self, runs: Sequence[Run]) -> Figure:
        """The figure of these runs, from the blocks that have the data in all of them.

        Raises
        ------
        FenaError
            If the runs have no such block in common, or the file's function fails.
        """
        of_runs = [self.blocks(run) for run in runs]
        common = {
            name: [block for block in of_runs[0][name] if all(block in of[name] for of in of_runs)]
            for name in self.needs
        }
        for name in self.required:
            if not common[name]:
                raise DeclarationError(
                    f"these runs have no block in common with what {name!r} needs",
                    where=f"figure {self.name!r}",
                    fix=f"use runs of one protocol, with {self.needs[name]}",
                )
        parameters = inspect.signature(self.figure).parameters
        given = {name: blocks for name, blocks in common.items() if name in parameters and blocks}
        try:
            return self.figure(list(runs), **given)
        except FenaError:
            raise
        except Exception as error:  # a file of the user's, on runs of any protocol
            raise DeclarationError(
                f"the figure stopped with {error_text(error)}",
                where=_line(error, self.path),
                fix="mend the file, or declare in NEEDS what it takes from a run",
            ) from error

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
        A file lacks NEEDS, COMMAND or figure(runs, ...).
    """
    folder = shipped.folder("figures") if folder is None else Path(folder)
    return [load_figure(path) for path in sorted(folder.glob("*.py"))]


def load_figure(path: str | Path) -> FigureFile:
    """One FigureFile. Raises as :func:`load_figures`."""
    path = Path(path)
    module = load_file(path, "figure")
    names = ("COMMAND", "figure") if hasattr(module, "BLOCKS") else ("NEEDS", "COMMAND", "figure")
    for name in names:
        if not hasattr(module, name):
            raise DeclarationError(
                f"the figure file defines no {name}",
                where=str(path),
                fix="define NEEDS (the data that it shows), COMMAND (which makes such runs) and "
                "figure(runs, ...); `fena new figure NAME` writes one to start from",
            )
    declared = getattr(module, "NEEDS", None)
    if declared is None:  # as figure files named them until version 0.1.0
        samples = [f"{population}.*" for population in getattr(module, "RECORDED", ())]
        declared = {name: Needs(name=name, samples=samples) for name in module.BLOCKS}
    check_needs(declared, module.figure, str(path))
    return FigureFile(
        name=path.stem,
        path=path,
        about=inspect.getdoc(module) or "",
        figure=module.figure,
        needs=dict(declared),
        command=module.COMMAND,
    )


def check_needs(needs: object, figure: Callable[..., Figure], where: str) -> None:
    """DeclarationError unless NEEDS is a dictionary of Needs, each with a parameter of figure().

    Needs that give a block's name may go without a parameter.
    """
    if not isinstance(needs, Mapping) or not all(isinstance(n, Needs) for n in needs.values()):
        raise DeclarationError(
            f"NEEDS is {clipped(needs)}, and not a dictionary of Needs",
            where=where,
            fix='write e.g. NEEDS = {"blocks": Needs(samples=["*"])}',
        )
    parameters = list(inspect.signature(figure).parameters)[1:]
    for name, one in needs.items():
        if name not in parameters and one.name is None:
            raise DeclarationError(
                f"NEEDS has the key {clipped(name)}, and figure() takes no such argument",
                where=where,
                fix=f"write def figure(runs, {name})",
            )


def _line(error, path):
    """The file, and the line of it in which an error arose."""
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).resolve() == path.resolve()
    ]
    return f"{path}, line {lines[-1]}" if lines else str(path)
