"""The deviance response and its parts, with the controls of an oddball experiment."""

from collections.abc import Callable

import numpy as np
import xarray as xr

from ..declare.arguments import checked
from ..errors import DeclarationError, StimulusError
from ..runs.store.run import Run
from .select import readout


@checked(DeclarationError)
def mismatch(
    run: Run,
    oddball: str = "oddball",
    flip_flop: str = "flip_flop",
    control: str = "many_standards",
    response: Callable | None = None,
    first: int = 0,
) -> xr.Dataset:
    """Responses to the same tokens as deviant, standard and control, by level (P01).

    The response R is the mean over tokens of the level's squared error, averaged over the
    presentation, or of another `response`. Both tokens serve in both roles (flip-flop), so identity
    cancels. With D, S, C the responses as deviant, standard and control, and
    n = sqrt(D^2 + S^2 + C^2)::

        mismatch = D - S      prediction_error = (D - C)/n      repetition_suppression = (C - S)/n

    Source: Carbajal & Malmierca 2018, doi 10.1177/2331216518784822; normalisation after Parras et
    al. 2017, doi 10.1038/s41467-017-02038-6.

    Parameters
    ----------
    run : Run
    oddball, flip_flop, control : str
        Names of the blocks; their events have a column ``role``.
    response : function, optional
        From a run and the name of a block to a DataArray (event, level) with the coordinate
        ``event``, such as `error_response` and `depression`.
    first : int
        Number of the first token of every block that counts.

    Returns
    -------
    xarray.Dataset with dim level: deviant, standard, control, mismatch, prediction_error,
    repetition_suppression.

    Raises
    ------
    StimulusError
        If the oddball has no deviant or no standard, or another block lacks its tokens.
    """
    values = response or _squared
    by_block = {
        block: values(run, block).transpose("event", "level")
        for block in (oddball, flip_flop, control)
    }

    def of_token(block, token):
        return _mean(
            by_block[block],
            run.events(block)["token"].to_numpy() == token,
            first,
            f"block {block!r} of {run.id}",
        )

    responses: dict[str, list[np.ndarray]] = {"deviant": [], "standard": [], "control": []}
    swapped = {"deviant": "standard", "standard": "deviant"}
    events = run.events(oddball)
    roles = events["role"].tolist() if "role" in events else []
    for role in swapped:
        if role not in roles:
            raise StimulusError(
                f"the block has no {role}",
                where=f"block {oddball!r} of {run.id}",
                fix="give a block whose stream is one of fena_sim.stimulus.oddball",
            )
    for role, other in swapped.items():
        token = events["token"].iloc[roles.index(role)]
        responses[role].append(of_token(oddball, token))
        responses[other].append(of_token(flip_flop, token))
        responses["control"].append(of_token(control, token))
    d, s, c = (np.mean(responses[role], axis=0) for role in ("deviant", "standard", "control"))
    norm = np.sqrt(d**2 + s**2 + c**2)
    found = {
        "deviant": d,
        "standard": s,
        "control": c,
        "mismatch": d - s,
        "prediction_error": (d - c) / norm,
        "repetition_suppression": (c - s) / norm,
    }
    return xr.Dataset(
        {name: ("level", v) for name, v in found.items()}, coords={"level": np.arange(len(d))}
    )


def _squared(run, block):
    return readout(run, block, "error")


def _mean(values, chosen, first, where):
    """Mean over the chosen tokens from the first that counts, (level,)."""
    event = values["event"].to_numpy() if "event" in values.coords else np.arange(len(values))
    counted = chosen[event] & (event >= first)
    if not counted.any():
        raise StimulusError(
            "a token of the oddball does not occur",
            where=where,
            fix="give a block that presents the oddball's two tokens",
        )
    return values.to_numpy()[counted].mean(axis=0)
