"""The contents of a claim file: the networks it needs, and measured values beside their thresholds.

Verdicts are computed from the summaries; nobody can write one down. What has no threshold is `Reported`:
it is shown beside the rows, and takes no part in any verdict.
"""

import operator
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from ...analyse.statistics import Summary
from ...declare.model.hierarchy import Hierarchy
from ...declare.protocol.protocol import Protocol
from ...errors import DeclarationError, FenaError, nearest
from ...load.set_option import set_model

HOLDS, QUALIFIED, FAILS, NOT_RUN = VERDICTS = ("holds", "qualified", "fails", "not run")
#: In the place of a verdict, where a value that is only reported is a row of `fena claims --json`.
REPORTED = "reported"
_RELATIONS = {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt}


@attrs.frozen(kw_only=True, eq=False)
class Experiment:
    """One network's run. Equal experiments of several claims are run once.

    Parameters
    ----------
    model : path
        A model file; its input size is the protocol's vocabulary.
    protocol : Protocol
    seed : int
        Of the network; the protocol's tokens have seeds of their own.
    options : dict
        Of the model file's ``hierarchy()``.
    parameters : dict
        As for ``fena run --set``: {"level.2.tau": 20*ms}.
    start : (Experiment, str), optional
        Start from the state at the end of this block of that experiment's run.
    may_stop : bool
        A state that stops being finite is a result: the claim then gets the run as it stopped
        (``run.finished`` is False). Otherwise it keeps the claim from being measured.
    """

    model: Path = attrs.field(converter=Path)
    protocol: Protocol = attrs.field(validator=attrs.validators.instance_of(Protocol))
    seed: int = 0
    options: dict = attrs.field(factory=dict)
    parameters: dict = attrs.field(factory=dict)
    start: tuple | None = None
    may_stop: bool = False

    def hierarchy(self) -> Hierarchy:
        """The Hierarchy that is run. Raises what `load.set_option.set_model` raises."""
        return set_model(self.model, self.protocol.vocabulary.size, self.options, self.parameters)


@attrs.frozen
class Threshold:
    """What a value is compared with: `relation` is "<=", ">=", "<" or ">".

    With `interval`, the whole 95 % interval has to meet it, for instance a difference whose
    interval excludes zero.
    """

    relation: str = attrs.field()
    bound: float
    interval: bool = False

    @relation.validator
    def _known(self, attribute, value):
        if value not in _RELATIONS:
            raise DeclarationError(
                f"a threshold cannot be {value!r}",
                where="Threshold",
                fix=nearest(value, _RELATIONS),
            )

    def met(self, summary: Summary) -> bool:
        """Whether a Summary meets it: its value, or with `interval` both ends of the interval as
        well.
        """
        values = (summary.median, summary.low, summary.high) if self.interval else (summary.median,)
        return all(bool(_RELATIONS[self.relation](value, self.bound)) for value in values)

    def __str__(self):
        return f"{'interval ' if self.interval else ''}{self.relation} {self.bound:g}"


@attrs.frozen
class Otherwise:
    """A weaker condition, said beforehand, under which a missed threshold counts as qualified."""

    measure: str
    summary: Summary
    threshold: Threshold


def judge(summary: Summary, threshold: Threshold, otherwise: Otherwise | None = None) -> str:
    """The verdict on a Summary.

    "holds" if it meets the threshold; else "qualified" if there is a weaker condition (Otherwise) and
    that is met; else "fails".
    """
    if threshold.met(summary):
        return HOLDS
    return (
        QUALIFIED if otherwise is not None and otherwise.threshold.met(otherwise.summary) else FAILS
    )


def _finite(instance, attribute, value):
    if (
        not isinstance(value, Summary)
        or not np.isfinite([value.median, value.low, value.high]).all()
    ):
        raise DeclarationError(
            f"{instance.measure!r} cannot be {value!r}",
            where=type(instance).__name__,
            fix="give a Summary of finite numbers, from summarise, paired, share or once",
        )


def _own_names(instance, attribute, value):
    taken = sorted(set(value) & {field.name for field in attrs.fields(Row)})
    if taken:
        raise DeclarationError(
            f"details of {instance.measure!r} cannot be called {', '.join(taken)}",
            where=type(instance).__name__,
            fix="choose other names: every row has those",
        )


@attrs.frozen
class Measured:
    """A value over networks beside its threshold: one row of `fena claims`.

    Parameters
    ----------
    measure : str
        What was measured, in a few words.
    summary : Summary
        From `fena_sim.measure.summarise`, `paired` or `share`; `once` for what is no statistic.
    threshold : Threshold
    otherwise : Otherwise, optional
    note : str
        What a reader of the page should know beside it.
    details : dict, optional
        More keys of its row in `fena claims --json`: {name: number, text or None}.
    """

    measure: str
    summary: Summary = attrs.field(validator=_finite)
    threshold: Threshold = attrs.field(validator=attrs.validators.instance_of(Threshold))
    otherwise: Otherwise | None = None
    note: str = ""
    details: Mapping[str, Any] = attrs.field(factory=dict, validator=_own_names)

    @property
    def verdict(self) -> str:
        return judge(self.summary, self.threshold, self.otherwise)

    @property
    def threshold_text(self) -> str:
        """The threshold and, if there is one, the weaker condition with its own value."""
        if self.otherwise is None:
            return str(self.threshold)
        other = self.otherwise
        return f"{self.threshold}; qualified if {other.measure} ({other.summary.median:.4g}) {other.threshold}"


@attrs.frozen
class Reported:
    """A value over networks without a threshold: shown, never judged.

    With `details`, as of Measured, it is also a row of `fena claims --json`.
    """

    measure: str
    summary: Summary = attrs.field(validator=_finite)
    note: str = ""
    details: Mapping[str, Any] = attrs.field(factory=dict, validator=_own_names)


@attrs.frozen
class NotRun:
    """A row that could not be measured here while others of the claim stand, and why: its verdict
    is "not run".
    """

    measure: str
    reason: FenaError = attrs.field(validator=attrs.validators.instance_of(FenaError))


def once(value: float, n: int = 1) -> Summary:
    """A Summary of a number that is no statistic over networks: the interval is the value itself."""
    return Summary(float(value), float(value), float(value), n, "single value")


@attrs.frozen(kw_only=True)
class Row:
    """One row of `fena claims --json`, with the names that others rely on.

    Where a claim or a row of it could not be measured, `verdict` is "not run", `measure` says why,
    and the values are None. A value without a threshold has the verdict "reported". `details` are
    keys of this row alone.
    """

    id: str
    measure: str
    value: float
    low: float
    high: float
    threshold: str
    verdict: str
    seeds: int
    runs: list
    command: str
    details: Mapping[str, Any] = attrs.field(factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The row as `fena claims --json` writes it: its fields, then its details."""
        fields = attrs.asdict(self)
        details = fields.pop("details")
        return fields | details
