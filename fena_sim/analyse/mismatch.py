"""The deviance response and its parts, with the controls of an oddball experiment."""

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
) -> xr.Dataset:
    """Responses to the same tokens as deviant, standard and control, by level (P01).

    The response R is the mean over tokens of the level's squared error, averaged over the
    presentation. Both tokens serve in both roles (flip-flop), so identity cancels. With D, S, C the
    responses as deviant, standard and control, and n = sqrt(D^2 + S^2 + C^2)::

        mismatch = D - S      prediction_error = (D - C)/n      repetition_suppression = (C - S)/n

    Source: Carbajal & Malmierca 2018, doi 10.1177/2331216518784822; normalisation after Parras et
    al. 2017, doi 10.1038/s41467-017-02038-6.

    Parameters
    ----------
    run : Run
    oddball, flip_flop, control : str
        Names of the blocks; their events have a column ``role``.

    Returns
    -------
    xarray.Dataset with dim level: deviant, standard, control, mismatch, prediction_error,
    repetition_suppression.

    Raises
    ------
    StimulusError
        If the oddball has no deviant or no standard, or another block lacks its tokens.
    """
    responses: dict[str, list[np.ndarray]] = {"deviant": [], "standard": [], "control": []}
    swapped = {"deviant": "standard", "standard": "deviant"}
    first = run.events(oddball)
    roles = first["role"].tolist() if "role" in first else []
    for role in swapped:
        if role not in roles:
            raise StimulusError(
                f"the block has no {role}",
                where=f"block {oddball!r} of {run.id}",
                fix="give a block whose stream is one of fena_sim.stimulus.oddball",
            )
    tokens = {role: first["token"].iloc[roles.index(role)] for role in swapped}
    for role, token in tokens.items():
        responses[role].append(_response(run, oddball, first["token"].to_numpy() == token))
        second = run.events(flip_flop)["token"].to_numpy() == token
        responses[swapped[role]].append(_response(run, flip_flop, second))
        responses["control"].append(
            _response(run, control, run.events(control)["token"].to_numpy() == token)
        )
    d, s, c = (np.mean(responses[role], axis=0) for role in ("deviant", "standard", "control"))
    norm = np.sqrt(d**2 + s**2 + c**2)
    values = {
        "deviant": d,
        "standard": s,
        "control": c,
        "mismatch": d - s,
        "prediction_error": (d - c) / norm,
        "repetition_suppression": (c - s) / norm,
    }
    return xr.Dataset(
        {name: ("level", v) for name, v in values.items()}, coords={"level": np.arange(len(d))}
    )


def _response(run, block, chosen):
    if not chosen.any():
        raise StimulusError(
            "a token of the oddball does not occur",
            where=f"block {block!r} of {run.id}",
            fix="give a block that presents the oddball's two tokens",
        )
    return readout(run, block, "error").to_numpy()[chosen].mean(axis=0)
