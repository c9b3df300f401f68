"""Finding and reading claim files: protocols/claims/c05_settling.py declares claim C05."""

import traceback
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import attrs

from ...errors import DeclarationError, FenaError, UnknownNameError, nearest
from ...load import shipped
from ...load.user_file import error_text, load_file
from ...runs.store.run import Run
from .claim import Experiment, Measured, NotRun, Reported

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SEEDS, QUICK_SEEDS = 20, 2


@attrs.frozen
class Claim:
    """A claim file. It defines

    ``ID``, ``CLAIM``, ``DEFINITION``
        The claim in one sentence, and how it is measured: formula, window, tolerance.
    ``experiments(seed, quick)`` and ``measure(runs, quick)``
        {name: Experiment} of one network, and a list of Measured and Reported from {name: [Run of
        each seed]}; NotRun stands for a row that needs what is not installed.
    ``check(seeds, quick)``
        In their place or beside them: a list of Measured and Reported that need no stored run;
        `seeds` is a list.
    ``seeds(quick)``, optional
        Networks, where the claim needs another number than 20 (quick: 2).
    ``figure(runs)``, optional
        A Figure for the page.
    """

    path: Path
    module: ModuleType

    @property
    def id(self) -> str:
        return self.module.ID

    @property
    def sentence(self) -> str:
        return self.module.CLAIM

    @property
    def definition(self) -> str:
        return self.module.DEFINITION

    def seeds(self, asked: int | None, quick: bool) -> int:
        """Number of networks: what was asked for, else the file's own number, else 20 (quick: 2)."""
        own = getattr(self.module, "seeds", None)
        return asked or (self._ask(own, quick=quick) if own else QUICK_SEEDS if quick else SEEDS)

    def experiments(self, seed: int, quick: bool) -> dict[str, Experiment]:
        """{name: Experiment} of the network with this seed; empty if the claim needs no run."""
        function = getattr(self.module, "experiments", None)
        found = self._ask(function, seed=seed, quick=quick) if function else {}
        for name, experiment in found.items():
            self._expect(experiment, Experiment, f"experiments()[{name!r}]")
        return found

    def measure(
        self, runs: Mapping[str, list[Run]], seeds: list[int], quick: bool
    ) -> list[Measured | Reported | NotRun]:
        """Everything that the file measures: list of Measured, Reported and NotRun, at least one
        Measured.
        """
        check, measure = (getattr(self.module, name, None) for name in ("check", "measure"))
        found = list(self._ask(check, seeds=seeds, quick=quick)) if check else []
        found += list(self._ask(measure, runs=runs, quick=quick)) if measure else []
        for entry in found:
            self._expect(entry, (Measured, Reported, NotRun), "a measure")
        if not any(isinstance(entry, Measured) for entry in found):
            raise DeclarationError(
                "no value has a threshold", where=str(self.path), fix="return at least one Measured"
            )
        return found

    def figure(self, runs: Mapping[str, list[Run]]) -> "Figure | None":
        """The file's Figure, or None if it draws none."""
        function = getattr(self.module, "figure", None)
        return self._ask(function, runs=runs) if function else None

    def _ask(self, function, **given):
        try:
            return function(**given)
        except FenaError:
            raise
        except Exception as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            raise DeclarationError(
                f"{function.__name__}() stopped with {error_text(error)}",
                where=f"{last.filename}, line {last.lineno}",
                fix=f"correct {self.path.name}",
            ) from error

    def _expect(self, entry, kind, what):
        if not isinstance(entry, kind):
            names = " or ".join(k.__name__ for k in (kind if isinstance(kind, tuple) else (kind,)))
            raise DeclarationError(
                f"{what} is {entry!r}, not {names}", where=str(self.path), fix=f"return {names}"
            )


def find_claims(ids: Iterable[str] = ()) -> list[Claim]:
    """The claims with the given ids (all if none is given), by id: list of Claim.

    Raises UnknownNameError for an id that no file has, DeclarationError if a file is incomplete.
    """
    folder = shipped.folder("protocols/claims")
    paths = {path.stem[:3].upper(): path for path in sorted(folder.glob("c[0-9][0-9]_*.py"))}
    wanted = sorted({name.upper() for name in ids}) or list(paths)
    for name in wanted:
        if name not in paths:
            raise UnknownNameError(
                f"there is no claim {name!r}", where=str(folder), fix=nearest(name, paths)
            )
    return [_read(name, paths[name]) for name in wanted]


def _read(name, path):
    module = load_file(path, "claim")
    missing = [
        n for n in ("ID", "CLAIM", "DEFINITION") if not isinstance(getattr(module, n, None), str)
    ]
    missing += (
        ["experiments", "measure"]
        if hasattr(module, "experiments") != hasattr(module, "measure")
        else []
    )
    if missing or not (hasattr(module, "measure") or hasattr(module, "check")):
        raise DeclarationError(
            f"the claim file lacks {missing[0] if missing else 'measure'}",
            where=str(path),
            fix="define ID, CLAIM, DEFINITION, and experiments() with measure(), or check()",
        )
    if module.ID != name:
        raise DeclarationError(
            f"the file's ID is {module.ID!r}", where=str(path), fix=f"its name says {name!r}"
        )
    return Claim(path, module)
