"""Free energy of the hierarchy: at the first and the last step of a presentation, over training,
and step by step.
"""

import numpy as np
import xarray as xr

from ..declare.arguments import checked
from ..declare.model import likelihood as of_level_0
from ..errors import DeclarationError
from ..runs.store.run import Run
from .select import event_bins, presented, readout, tokens_of

MOMENTS = ("first", "last")
#: Seconds. Times of samples and events are equal if they differ by less; far below any time step.
SLACK = 1e-6


@checked(DeclarationError)
def free_energy(run: Run, block: str) -> xr.DataArray:
    """Free energy per event, before and after settling.

    Formula::

        F = F_0 + sum_{l >= 1} n_l/2 (Pi_l s_l - ln Pi_l)

    with ``n_l`` units in level l, ``Pi_l`` the level's precision and ``s_l`` the mean over its
    units of e^2. ``F_0`` follows from the likelihood of level 0 that the model declares: the same
    term for a Gaussian one, and ``-Pi_0 ln p(token)`` for a categorical one (see
    `fena_sim.declare.model.likelihood`). The states of a network whose errors ascend over the
    synapses of its predictions descend it. It is without the constants n/2 ln 2 pi and without the
    priors on precision and weights (Friston 2005, Phil. Trans. R. Soc. B 360:815).

    Window: errors and probabilities on the first presentation step and on the last. Precision is
    the one at the end of the presentation for both, so that their difference is due to settling
    alone.

    Returns
    -------
    xarray.DataArray
        Dimensions ``event`` and ``moment`` ("first", "last"); in nats.

    Raises
    ------
    DeclarationError
        If the model does not declare the likelihood of level 0; if not every level was read out.
    UnknownNameError
        If the model does not read out what the likelihood needs.
    """
    likelihood, sizes = _likelihood(run, block), tokens_of(run, block).attrs["level_sizes"]
    found = []
    for moment in MOMENTS:
        names = likelihood.readouts(moment)
        values = {key: readout(run, block, name).to_numpy() for key, name in names.items()}
        for key in ("precision", "square"):
            if values[key].shape[1] != len(sizes):
                raise DeclarationError(
                    f"the run holds {names[key]!r} of {values[key].shape[1]} of {len(sizes)} levels",
                    where=f"block {block!r} of {run.id}",
                    fix="read it out for every level, lowest first",
                )
        found.append(of_level_0.free_energy(likelihood, sizes, **values))
    return xr.DataArray(
        np.stack(found, axis=1),
        dims=("event", "moment"),
        coords={"moment": list(MOMENTS)},
        name="free energy",
        attrs={"units": "nat", "block": block, "level_0": likelihood.formula},
    )


def _likelihood(run, block):
    if run.likelihood is None:
        raise DeclarationError(
            "the run's model does not declare the likelihood of level 0, on which free energy depends",
            where=f"block {block!r} of {run.id}",
            fix="give its Hierarchy likelihood=Gaussian() or likelihood=Categorical(), and run it again",
        )
    return run.likelihood


@checked(DeclarationError)
def energy_curve(run: Run, block: str = "training", bins: int = 40) -> xr.DataArray:
    """Mean of :func:`free_energy` in consecutive bins over training.

    Window: the presented tokens of the block in ``bins`` bins of equal width; a bin without any is
    NaN.

    Returns
    -------
    xarray.DataArray
        Dimensions ``tokens`` (bin centre, tokens since the start of the block) and ``moment``
        ("first", "last"); in nats.
    """
    energy = free_energy(run, block)
    keep = presented(run.events(block))
    slices, centres = event_bins(len(keep), bins)
    curve = np.full((len(slices), energy.sizes["moment"]), np.nan)
    for row, part in zip(curve, slices, strict=True):
        if keep[part].any():
            row[:] = energy.to_numpy()[part][keep[part]].mean(axis=0)
    coords = {"tokens": centres, "moment": energy["moment"]}
    return xr.DataArray(
        curve, dims=("tokens", "moment"), coords=coords, name=energy.name, attrs=energy.attrs
    )


@checked(DeclarationError)
def free_energy_trace(run: Run, block: str) -> xr.DataArray:
    """Free energy at every step (claims C09 and C19).

    Formula: that of :func:`free_energy`, with everything at every sample. Window: all samples of
    the block's probes, blanks included, where the errors of level 0 relax to zero and a categorical
    level 0 adds nothing.

    The block needs, for every level l and all at the same times, ``Probe(f"precision_{l}",
    ["precision", "mean_square"])``; in the place of "mean_square", s_l, the errors themselves will
    do: ``Probe(f"error_{l}", "error")``. A categorical level 0 needs ``Probe("error_0",
    "probability")``.

    Returns
    -------
    xarray.DataArray
        Dimension ``time`` (s since the block's start); in nats.

    Raises
    ------
    DeclarationError
        If the model does not declare the likelihood of level 0; if a level was not recorded, or not
        all of its units, or levels at different times.
    """
    likelihood, sizes = _likelihood(run, block), tokens_of(run, block).attrs["level_sizes"]
    traces, squares, precisions = run.traces(block), [], []
    for level, size in enumerate(sizes):
        error, square, precision = (
            f"error_{level}.error",
            f"precision_{level}.mean_square",
            f"precision_{level}.precision",
        )
        if precision not in traces or (error not in traces and square not in traces):
            _refuse(f"level {level} was not recorded", run, block)
        if error in traces and traces[error].shape[1] != size:
            _refuse(
                f"{traces[error].shape[1]} of the {size} error units of level {level} were recorded",
                run,
                block,
            )
        squares.append(
            (traces[error] ** 2).mean(str(traces[error].dims[1]))
            if error in traces
            else traces[square][:, 0]
        )
        precisions.append(traces[precision][:, 0])
    level_0 = {}
    if "probability" in likelihood.readouts("last"):
        level_0["probability"] = _probability(traces, sizes[0], run, block)
    time = _time(squares[0])
    for level, of_level in enumerate(zip(squares, precisions, strict=True)):
        recorded = [*of_level, *(level_0.values() if level == 0 else ())]
        if not all(np.array_equal(_time(values), time) for values in recorded):
            _refuse(f"level {level} was recorded at other times", run, block)
    if level_0:
        level_0 = {
            "probability": level_0["probability"].to_numpy().astype(float),
            "presented": _presented(run, block, time),
        }
    by_level = [
        np.stack([values.to_numpy().astype(float) for values in of_levels], axis=1)
        for of_levels in (precisions, squares)
    ]
    return xr.DataArray(
        of_level_0.free_energy(likelihood, sizes, *by_level, **level_0),
        dims="time",
        coords={"time": time},
        name="free energy",
        attrs={"units": "nat", "block": block, "level_0": likelihood.formula},
    )


def _time(values):
    return values[values.dims[0]].to_numpy()


def _probability(traces, size, run, block):
    """The trace of the probabilities that level 0 expects, of all its units."""
    name = "error_0.probability"
    if name not in traces or traces[name].shape[1] != size:
        _refuse(
            "the probabilities of level 0 were not recorded, or not of all units",
            run,
            block,
            fix='give the block Probe("error_0", "probability")',
        )
    return traces[name]


def _presented(run, block, time):
    """Code of the token that was presented in the step before each sample, (time, unit); 0 in
    blanks and where it was omitted.
    """
    events, codes = run.events(block), np.asarray(run.vocabulary.codes, dtype=float)
    onset, token = events["onset"].to_numpy(), events["token"].to_numpy()
    # What a step leaves is sampled at the beginning of the next one.
    latest = np.maximum(np.searchsorted(onset + SLACK, time) - 1, 0)
    end = onset + events["duration"].to_numpy() + SLACK
    shown = (time > onset[latest] + SLACK) & (time <= end[latest]) & (token[latest] >= 0)
    return np.where(shown[:, None], codes[token[latest]], 0.0)


def _refuse(
    what,
    run,
    block,
    fix='give the block Probe(f"precision_{l}", ["precision", "mean_square"]) for every level l, '
    "with one interval and window",
):
    raise DeclarationError(what, where=f"block {block!r} of {run.id}", fix=fix)
