"""A phenomenon judged in a model, beside null models that know nothing of prediction.

A criterion that any null model passes does not **count**: it is printed grey, with the null's value.
It must hold all the same, because the finding is a fact about cortex, but it is no evidence for the
model. A phenomenon has one verdict and no averaged number:

===================  ===================================================================================
pass                 all required criteria pass, and at least one of them counts
not discriminating   all required criteria pass, but each of them is passed by a null model, or no null
                     model was run
undecided            no required criterion fails or is void, but one is undecided (a single network)
fail                 a required criterion fails or is void
===================  ===================================================================================

p values of the required criteria of a phenomenon are corrected by Holm's method. Null models are
judged without that correction, so that they pass more easily.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import numpy as np

from ...declare.arguments import checked
from ...errors import DeclarationError, UnknownNameError, nearest
from .inference import ALPHA, holm
from .phenomenon import Phenomenon
from .verdict import FAIL, PASS, REPORTED, UNDECIDED, VOID, Outcome, standardised, weigh

NOT_DISCRIMINATING = "not discriminating"


@attrs.frozen(kw_only=True)
class Networks:
    """What was measured in the networks of one model.

    Parameters
    ----------
    values : mapping of str to array
        {id of a criterion: values}, of shape (network,), or (network, case) as the criterion asks.
    responses : mapping of int to array of shape (network,)
        {level: response of the measured signal}, for the alive rule; the lowest key is the first
        level.
    """

    values: Mapping[str, Any]
    responses: Mapping[int, Any] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Row:
    """One row of `fena phenomena --json`, with the names that others rely on.

    Parameters
    ----------
    id : str
        Of phenomenon and criterion, e.g. "P01 c4".
    criterion : str
        The metric in words.
    required : bool
    basis : str
        Basis of the direction and of the bar, and the source.
    value, low, high : float or None
        Mean over networks with its interval: BCa, 95 %; of an equivalence t, 90 %; the range where
        networks are fewer than six. Of the worst case where the criterion has several.
    bar : str
    verdict : str
        "pass", "fail", "void", "undecided" or "reported".
    share_of_networks : float or None
        That are themselves beyond the bar.
    nulls : dict
        {null model: its value, None if it has none}.
    counts : bool or None
        Whether no null model passes the criterion. None if none was run, and for what is only
        reported.
    multiverse : float or None
        Share of read-outs in which the criterion passes.
    """

    id: str
    criterion: str
    required: bool
    basis: str
    value: float | None
    low: float | None
    high: float | None
    bar: str
    verdict: str
    share_of_networks: float | None
    nulls: dict[str, float | None]
    counts: bool | None
    multiverse: float | None = None

    def as_json(self) -> dict[str, Any]:
        """The row as `fena phenomena --json` writes it."""
        return attrs.asdict(self)


@attrs.frozen(kw_only=True)
class Judgement:
    """The verdict on a phenomenon.

    Parameters
    ----------
    id, name : str
        Of the phenomenon.
    verdict : str
        "pass", "not discriminating", "undecided" or "fail".
    whole : bool
        Whether all required criteria pass, whether or not they count.
    nulls_whole : dict
        The same of every null model.
    provisional : bool
        Whether fewer than six networks were judged.
    rows : tuple of Row
        One for each criterion.
    details : dict
        {id of a criterion: part (its worst case), networks, method, p, p_holm, z, score, reason}, what
        a page says beside a row.
    """

    id: str
    name: str
    verdict: str
    whole: bool
    nulls_whole: dict[str, bool]
    provisional: bool
    rows: tuple[Row, ...]
    details: dict[str, dict[str, Any]]

    def as_json(self) -> dict[str, Any]:
        """All of it as plain lists, dicts, numbers, texts and None."""
        fields = attrs.asdict(self)
        fields["rows"] = [row.as_json() for row in self.rows]
        return fields


@checked(DeclarationError)
def judge(
    phenomenon: Phenomenon,
    model: Networks,
    nulls: Mapping[str, Networks] | None = None,
    multiverse: Mapping[str, float] | None = None,
) -> Judgement:
    """The Judgement of a phenomenon in a model, beside its null models.

    Parameters
    ----------
    phenomenon : Phenomenon
    model : Networks
        Values of every criterion.
    nulls : mapping of str to Networks, optional
        {name of a null model: what was measured in it}. A criterion that a null model cannot be
        measured by (a trend over levels, where it has one) is left out of its values, and counts as
        not passed by it. Give at least two networks of each: a single one decides nothing, and then
        the criterion does not count.
    multiverse : mapping of str to float, optional
        {id of a criterion: share}, from :func:`~.multiverse.multiverse`.

    Raises
    ------
    DeclarationError
        If values of a criterion are missing or have another shape, or responses are missing.
    UnknownNameError
        If a criterion is named that the phenomenon does not have.
    """
    nulls, multiverse = nulls or {}, multiverse or {}
    ids = [criterion.id for criterion in phenomenon.criteria]
    for named in (model.values, multiverse, *(null.values for null in nulls.values())):
        for name in named:
            if name not in ids:
                raise UnknownNameError(
                    f"there is no criterion {name!r}", where=phenomenon.id, fix=nearest(name, ids)
                )
    missing = [name for name in ids if name not in model.values]
    if missing:
        raise DeclarationError(
            f"there are no values of {', '.join(missing)}",
            where=phenomenon.id,
            fix="give values of every criterion; NaN for a network in which it cannot be measured",
        )
    outcomes, corrected = _corrected(phenomenon, _weighed(phenomenon, model, "the model"))
    of_nulls = {name: _weighed(phenomenon, null, name) for name, null in nulls.items()}
    rows, details = [], {}
    for criterion in phenomenon.criteria:
        outcome = outcomes[criterion.id]
        beside = {name: weighed.get(criterion.id) for name, weighed in of_nulls.items()}
        counts = None
        if beside and outcome.verdict != REPORTED:
            counts = all(one is None or one.verdict in (FAIL, VOID) for one in beside.values())
        rows.append(
            Row(
                id=f"{phenomenon.id} {criterion.id}",
                criterion=criterion.metric,
                required=criterion.required,
                basis=criterion.basis_text,
                value=_number(outcome.value),
                low=_number(outcome.low),
                high=_number(outcome.high),
                bar=criterion.bar,
                verdict=outcome.verdict,
                share_of_networks=outcome.share,
                nulls={name: _number(one.value) if one else None for name, one in beside.items()},
                counts=counts,
                multiverse=multiverse.get(criterion.id),
            )
        )
        z, score = standardised(criterion, outcome) or (None, None)
        details[criterion.id] = dict(
            part=outcome.part,
            networks=outcome.networks,
            method=outcome.method,
            p=outcome.p,
            p_holm=corrected.get(criterion.id),
            z=z,
            score=score,
            reason=outcome.reason,
        )
    return Judgement(
        id=phenomenon.id,
        name=phenomenon.name,
        verdict=_verdict(rows),
        whole=_whole(phenomenon, outcomes),
        nulls_whole={name: _whole(phenomenon, weighed) for name, weighed in of_nulls.items()},
        provisional=any(outcome.provisional for outcome in outcomes.values()),
        rows=tuple(rows),
        details=details,
    )


@attrs.frozen(kw_only=True)
class Discrimination:
    """Phenomena passed whole by the model, minus those passed whole by the best null model.

    Parameters
    ----------
    model : int
        How many phenomena the model passes whole.
    nulls : dict
        {null model: how many it passes whole}.
    """

    model: int
    nulls: dict[str, int]

    @property
    def difference(self) -> int:
        return self.model - max(self.nulls.values(), default=0)

    @property
    def best_null(self) -> str | None:
        """Name of the null model that passes most; None if none was run."""
        return max(self.nulls, key=self.nulls.__getitem__, default=None)


@checked(DeclarationError)
def discrimination(judgements: Sequence[Judgement]) -> Discrimination:
    """How many more phenomena the model passes whole than the best single null model does.

    A phenomenon is passed whole if all its required criteria pass, in the model and in a null model
    alike. What a null model was not run on, it does not pass.
    """
    names = dict.fromkeys(name for judgement in judgements for name in judgement.nulls_whole)
    return Discrimination(
        model=sum(judgement.whole for judgement in judgements),
        nulls={
            name: sum(judgement.nulls_whole.get(name, False) for judgement in judgements)
            for name in names
        },
    )


def _weighed(phenomenon: Phenomenon, networks: Networks, name: str) -> dict[str, Outcome]:
    return {
        criterion.id: weigh(
            criterion,
            networks.values[criterion.id],
            networks.responses,
            f"{phenomenon.id} {criterion.id}, {name}",
        )
        for criterion in phenomenon.criteria
        if criterion.id in networks.values
    }


def _corrected(phenomenon, outcomes):
    """Outcomes after Holm's correction over the required criteria, and their corrected p values."""
    family = [
        criterion.id
        for criterion in phenomenon.criteria
        if criterion.required and outcomes[criterion.id].p is not None
    ]
    corrected = dict(zip(family, holm([outcomes[name].p for name in family]), strict=True))
    outcomes = dict(outcomes)
    for name, p in corrected.items():
        if outcomes[name].verdict == PASS and p >= ALPHA:
            reason = (
                f"p = {outcomes[name].p:.2g} alone, {p:.2g} among {len(family)} criteria (Holm)"
            )
            outcomes[name] = attrs.evolve(outcomes[name], verdict=FAIL, reason=reason)
    return outcomes, corrected


def _whole(phenomenon, outcomes):
    required = [criterion.id for criterion in phenomenon.criteria if criterion.required]
    return all(name in outcomes and outcomes[name].verdict == PASS for name in required)


def _verdict(rows):
    required = [row for row in rows if row.required]
    verdicts = {row.verdict for row in required}
    if verdicts & {FAIL, VOID}:
        return FAIL
    if UNDECIDED in verdicts:
        return UNDECIDED
    return PASS if any(row.counts for row in required) else NOT_DISCRIMINATING


def _number(value):
    return float(value) if np.isfinite(value) else None
