"""Runs claims: each network once, however many claims it serves, then the measures of every
claim.
"""

import os
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import attrs

from ...declare.canonical import canonical, digest
from ...declare.model.hierarchy import Hierarchy
from ...declare.protocol.timeline import timeline
from ...device.default import choose_device
from ...errors import FenaError, NonFiniteError, ResourceError, RunFolderError
from ...runs.execute import run
from ...runs.live.progress import Display
from ...runs.store.run import Run, open_run
from .claim import (
    FAILS,
    HOLDS,
    NOT_RUN,
    QUALIFIED,
    REPORTED,
    Experiment,
    Measured,
    NotRun,
    Reported,
    Row,
)
from .files import Claim

#: Seed of the first network of every claim. Constants of models and measures were chosen on seeds
#: below it.
FIRST_SEED = 12


@attrs.frozen
class Result:
    """What became of a claim.

    Attributes
    ----------
    claim : Claim
    seeds : int
        Networks.
    command : str
        Makes the rows again.
    measured : list of Measured
        Empty if the claim could not be measured.
    reported : list of Reported
    missing : list of NotRun
        Rows that could not be measured while others could.
    runs : {name: [Run]}
    reason : FenaError or None
        Why it could not be measured.
    """

    claim: Claim
    seeds: int
    command: str
    measured: list = attrs.field(factory=list)
    reported: list = attrs.field(factory=list)
    missing: list = attrs.field(factory=list)
    runs: dict = attrs.field(factory=dict)
    reason: FenaError | None = None

    @property
    def run_ids(self) -> list[str]:
        """Names of the run folders, each once."""
        return list(dict.fromkeys(run.id for runs in self.runs.values() for run in runs))

    @property
    def verdict(self) -> str:
        """The worst verdict of the rows."""
        verdicts = [row.verdict for row in self.rows]
        return next(
            verdict for verdict in (NOT_RUN, FAILS, QUALIFIED, HOLDS) if verdict in verdicts
        )

    @property
    def rows(self) -> list[Row]:
        """List of Row: what was measured, then what is missing."""
        same = self._same
        if self.reason is not None:
            return [_not_run(self.reason.what, same)]
        return [self._row(m, m.threshold_text, m.verdict) for m in self.measured] + [
            _not_run(f"{m.measure}: {m.reason.what}", same) for m in self.missing
        ]

    @property
    def detailed(self) -> list[Row]:
        """List of Row: what is reported with details."""
        return [self._row(r, "", REPORTED) for r in self.reported if r.details]

    @property
    def _same(self) -> dict[str, Any]:
        """What all rows of the claim have in common."""
        return dict(id=self.claim.id, runs=self.run_ids, command=self.command)

    def _row(self, entry, threshold, verdict):
        return Row(
            measure=entry.measure,
            value=entry.summary.median,
            low=entry.summary.low,
            high=entry.summary.high,
            threshold=threshold,
            verdict=verdict,
            seeds=self.seeds,
            details=entry.details,
            **self._same,
        )


def _seeds(n):
    return list(range(FIRST_SEED, FIRST_SEED + n))


def _not_run(why, same):
    return Row(
        measure=why, value=None, low=None, high=None, threshold="", verdict=NOT_RUN, seeds=0, **same
    )


def run_claims(
    claims: Sequence[Claim],
    seeds: int | None = None,
    quick: bool = False,
    out: str | Path = "runs",
    quiet: bool = True,
) -> list[Result]:
    """Run what the claims need, and measure them.

    Parameters
    ----------
    claims : list of Claim
    seeds : int, optional
        Networks for each; each claim's own number if left out.
    quick : bool
        Fewer and shorter, as each claim file defines it.
    out : path
        Folder of run folders. Networks that are found there are not trained again.
    quiet : bool
        No progress.

    Returns
    -------
    list of Result
        In the order of `claims`. A claim that cannot be measured says why, and does not keep the
        others from it.

    Raises
    ------
    ResourceError
        If the disk is full.
    """
    jobs, plans = Jobs(), []
    for claim in claims:
        wanted: dict[str, list[tuple[Experiment, str]]] = {}
        n, reason = claim.seeds(seeds, quick), None
        try:
            for seed in _seeds(n):
                for name, experiment in claim.experiments(seed, quick).items():
                    wanted.setdefault(name, []).append((experiment, jobs.add(experiment)))
        except FenaError as error:  # of an extra that is not installed, for instance
            wanted, reason = {}, error
        plans.append((claim, n, wanted, reason))
    outcomes = jobs.run(out, quiet)
    return [_result(*plan, outcomes, quick) for plan in plans]


def _result(claim, n, wanted, reason, outcomes, quick):
    command = f"fena claims {claim.id} --seeds {n}{' --quick' if quick else ''}"
    runs = {}
    for name, entries in wanted.items():
        for experiment, key in entries:
            outcome = outcomes[key]
            if isinstance(outcome, NonFiniteError) and experiment.may_stop:
                outcome = open_run(outcome.where)
            if isinstance(outcome, FenaError):
                reason = reason or outcome
            else:
                runs.setdefault(name, []).append(outcome)
    if reason is None:
        try:
            found = claim.measure(runs, _seeds(n), quick)
            of_kind = (
                [m for m in found if isinstance(m, kind)] for kind in (Measured, Reported, NotRun)
            )
            return Result(claim, n, command, *of_kind, runs)
        except ResourceError:
            raise
        except FenaError as error:
            reason = error
    return Result(claim, n, command, runs=runs, reason=reason)


class Jobs:
    """Experiments, each once, and those that others start from before them."""

    def __init__(self) -> None:
        self.experiments: dict[str, tuple[Experiment, Hierarchy, list | None]] = {}
        self._models: dict[str, Hierarchy] = {}

    def add(self, experiment: Experiment) -> str:
        """Take an experiment, and what it starts from, into the list. Returns its key; equal
        experiments share it.
        """
        start = (
            None
            if experiment.start is None
            else [self.add(experiment.start[0]), experiment.start[1]]
        )
        model = self._model(experiment)
        # Controls may be functions, which are told apart by the values that they give.
        lines = [timeline(block, model.dt, model) for block in experiment.protocol.blocks]
        controls = canonical([[line.controls, line.signals] for line in lines])
        key = digest(
            [canonical(model), canonical(experiment.protocol), controls, experiment.seed, start]
        )
        self.experiments.setdefault(key, (experiment, model, start))
        return key

    def _model(self, experiment):
        key = digest(
            [
                str(experiment.model.resolve()),
                experiment.protocol.vocabulary.size,
                canonical(experiment.options),
                canonical(experiment.parameters),
            ]
        )
        if (
            key not in self._models
        ):  # reading one takes a tenth of a second, and most networks differ in their seed only
            self._models[key] = experiment.hierarchy()
        return self._models[key]

    def run(self, out: str | Path, quiet: bool = True) -> dict[str, Run | FenaError]:
        """Run all, as many side by side as there are cores. Returns {key: Run, or the FenaError
        that stopped it}.
        """
        workers = 1 if choose_device("auto")[0].name == "runtime" else os.cpu_count() or 1
        futures: dict[str, Future] = {}
        with Display(quiet=quiet) as display, ThreadPoolExecutor(workers) as pool:

            def one(experiment, model, start):
                origin = None
                if start is not None:  # came before this one into the pool
                    origin = futures[start[0]].result()
                    if isinstance(origin, FenaError):
                        return RunFolderError(
                            f"the run to start from stopped: {origin.what}", where=origin.where
                        )
                progress = display.for_run()
                try:
                    return run(
                        model,
                        experiment.protocol,
                        seed=experiment.seed,
                        out=out,
                        progress=progress,
                        start=None if start is None else (origin, start[1]),
                    )
                except ResourceError:
                    raise
                except FenaError as error:
                    progress.stop()
                    return error

            try:
                for key in self._starts_first():
                    futures[key] = pool.submit(one, *self.experiments[key])
                return {key: future.result() for key, future in futures.items()}
            finally:
                for future in futures.values():
                    future.cancel()

    def _starts_first(self):
        def depth(key):
            start = self.experiments[key][2]
            return 0 if start is None else 1 + depth(start[0])

        return sorted(self.experiments, key=depth)
