"""Averages of epochs by condition, with intervals over networks, and their differences."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from brian2 import Quantity, get_or_create_dimension, ms

from ...declare.arguments import checked
from ...errors import DeclarationError, StimulusError, UnknownNameError, nearest
from ...runs.store.run import Run
from ...runs.store.units import exponents, unit_name
from ..statistics import BOOTSTRAP, RANGE, intervals
from .conditions import By
from .cut import epochs, within

#: Values of epochs that are held in memory at once.
AT_ONCE = 2**18
SIGNALS = ("mean", "mean square", "units")


@checked(DeclarationError)
def average(
    cut: xr.DataArray, signal: str = "mean", baseline: tuple[Quantity, Quantity] | None = None
) -> xr.DataArray:
    """Mean over the tokens of every condition, read piece by piece.

    Formula: the mean over tokens of s(t), where s is the mean over units of the epoch ("mean"), the
    mean over units of its square ("mean square": activity of a population whose units may be of
    either sign), or the epoch itself ("units"); with a baseline, minus the mean of the result over
    baseline[0] <= t < baseline[1].

    Parameters
    ----------
    cut : DataArray (token, time, unit)
        From :func:`fena_sim.epochs.epochs`. A baseline given there was taken off every unit, before
        any square.
    signal : str
    baseline : (Quantity, Quantity)

    Returns
    -------
    xarray.DataArray, dims (condition, time), with "units" also unit
        In the units of the variable, for the mean square in their square. The coordinate ``tokens``
        counts the epochs.

    Raises
    ------
    UnknownNameError
        For an unknown signal.
    DeclarationError
        If the baseline is not within the epochs, or `cut` holds no epochs.
    """
    if signal not in SIGNALS:
        raise UnknownNameError(
            f"there is no signal {signal!r}",
            where="average(epochs, signal)",
            fix=nearest(signal, SIGNALS),
        )
    if "conditions" not in cut.attrs or cut.ndim != 3:
        raise DeclarationError(
            f"these are no epochs, but an array of dimensions {', '.join(map(str, cut.dims))}",
            where="average(epochs, signal)",
            fix="give what fena_sim.epochs.epochs returns",
        )
    names = cut.attrs["conditions"]
    row = np.array([names.index(label) for label in cut["condition"].to_numpy()])
    values = np.zeros((len(names), *(cut.shape[1:] if signal == "units" else cut.shape[1:2])))
    step = max(1, AT_ONCE // int(np.prod(cut.shape[1:])))
    for start in range(0, len(row), step):
        part = cut[start : start + step].to_numpy().astype(float)
        if signal != "units":
            part = (part if signal == "mean" else part**2).mean(axis=2)
        np.add.at(values, row[start : start + step], part)
    counts = np.bincount(row, minlength=len(names))
    values /= counts.reshape(-1, *[1] * (values.ndim - 1))
    attrs = {**cut.attrs, "signal": signal}
    if signal == "mean square":
        attrs["units"] = unit_name(get_or_create_dimension(exponents(cut.attrs["units"])) ** 2)
    if baseline is not None:
        interval = cut.attrs["interval_s"]
        first = int(np.rint(float(cut["time"][0]) / interval))
        chosen = within(
            baseline, first, first + cut.sizes["time"], interval, f"average of {cut.name!r}"
        )
        values -= values[:, chosen].mean(axis=1, keepdims=True)
        attrs["baseline"] = f"{float(baseline[0]):g} to {float(baseline[1]):g} s"
    dims = ("condition", "time", "unit")[: values.ndim]
    coords = {
        "condition": names,
        "tokens": ("condition", counts),
        **{dim: cut[dim] for dim in dims[1:]},
    }
    return xr.DataArray(values, dims=dims, coords=coords, name=cut.name, attrs=attrs)


@checked(DeclarationError)
def evoked(
    runs: Sequence[Run],
    block: str,
    variable: str,
    window: tuple[Quantity, Quantity] = (-50 * ms, 300 * ms),
    baseline: tuple[Quantity, Quantity] | None = None,
    by: By = None,
    lock: str = "onset",
    signal: str = "mean",
) -> xr.Dataset:
    """Response to the tokens of every condition, over networks.

    Formula: for each network :func:`average` of its epochs; then :func:`over_networks`.

    Parameters
    ----------
    runs : sequence of Run
        One per network. Streams side by side belong to one network and are averaged within it.
    block, variable, window, by, lock
        As in :func:`fena_sim.epochs.epochs`.
    signal, baseline
        As in :func:`average`. "units" is meaningful where unit k is the same in every network
        (level 0); hidden units of two networks have nothing in common.

    Returns
    -------
    xarray.Dataset
        ``median``, ``low``, ``high`` (condition, time), ``network`` (run, condition, time), each of
        them with the units of :func:`average`; ``tokens`` (run, condition): epochs averaged;
        ``dropped`` (run,): epochs that reached beyond the block.

    Raises
    ------
    DeclarationError
        If no run or one run twice is given, or their sampling intervals differ.
    StimulusError
        If a network has no epoch of a condition that another has.
    """
    ids = [run.id for run in runs]
    if not ids or len(set(ids)) < len(ids):
        raise DeclarationError(
            f"{len(ids)} runs of {len(set(ids))} networks",
            where="evoked(runs, ...)",
            fix="give one run per network, and at least one",
        )
    means = [
        average(epochs(run, block, variable, window, by=by, lock=lock), signal, baseline)
        for run in runs
    ]
    names = list(dict.fromkeys(name for mean in means for name in mean.attrs["conditions"]))
    for run, mean in zip(runs, means, strict=True):
        lost = [name for name in names if name not in mean.attrs["conditions"]]
        if lost:
            raise StimulusError(
                f"this network has no epoch of condition {lost[0]!r}, which others have",
                where=f"block {block!r} of {run.id}",
                fix="compare runs of the same protocol, or leave it out",
            )
        if mean.sizes["time"] != means[0].sizes["time"] or not np.allclose(
            mean["time"], means[0]["time"], rtol=1e-6
        ):
            raise DeclarationError(
                f"the sampling interval is {mean.attrs['interval_s']:g} s, and "
                f"{means[0].attrs['interval_s']:g} s in {ids[0]}",
                where=f"block {block!r} of {run.id}",
                fix="compare runs of the same protocol and dt",
            )
    values = np.stack([mean.sel(condition=names).to_numpy() for mean in means])
    first = means[0].sel(condition=names)
    coords = {name: first[name] for name in first.dims}
    about = {key: first.attrs[key] for key in ("units", "signal", "block", "lock", "baseline")}
    result = over_networks(
        xr.DataArray(values, dims=("run", *first.dims), coords={"run": ids, **coords}, attrs=about)
    )
    counts = np.stack([mean.sel(condition=names)["tokens"].to_numpy() for mean in means])
    return result.assign(
        tokens=(("run", "condition"), counts, {"units": "1"}),
        dropped=("run", [mean.attrs["dropped"] for mean in means], {"units": "1"}),
    )


@checked(DeclarationError)
def over_networks(values: xr.DataArray) -> xr.Dataset:
    """Median over networks and its interval, at every point.

    Formula: :func:`fena_sim.measure.summarise` at every point: the 95 % interval of a BCa bootstrap
    over networks, never over tokens; below three networks, and where they do not differ, the
    min-max range. Every interval holds for its point alone.

    Parameters
    ----------
    values : xarray.DataArray
        One value per network along the dimension run, e.g. ``xr.concat(spectra, "run")``.

    Returns
    -------
    xarray.Dataset
        ``median``, ``low``, ``high`` without the dimension run, and ``network``: the values. Units
        as `values`.
    """
    values = values.transpose("run", ...)
    of_networks, dims = values.to_numpy().astype(float), values.dims[1:]
    if not np.isfinite(of_networks).all():
        raise DeclarationError(
            "a value is not finite",
            where="over_networks(values)",
            fix="give one finite number per network and point",
        )
    low, high, bootstrapped = intervals(of_networks)
    units = {"units": values.attrs["units"]}
    found = {"median": np.median(of_networks, axis=0), "low": low, "high": high}
    result = xr.Dataset(
        {name: (dims, array, units) for name, array in found.items()},
        coords={dim: values[dim] for dim in dims if dim in values.coords},
    )
    methods = "; ".join(
        BOOTSTRAP if by else RANGE for by in sorted({*bootstrapped.flat}, reverse=True)
    )
    return result.assign(network=values.rename("network")).assign_attrs(
        {**values.attrs, "method": methods}
    )


@checked(DeclarationError)
def difference(response: xr.Dataset, minuend: str, subtrahend: str) -> xr.Dataset:
    """Difference wave: one condition minus another within each network, then over networks.

    Formula: d_n(t) = s_n,minuend(t) - s_n,subtrahend(t) for every network n, then
    :func:`over_networks` of d: the median of differences, as in :func:`fena_sim.measure.paired`.

    Parameters
    ----------
    response : xarray.Dataset
        From :func:`evoked`.
    minuend, subtrahend : str
        Conditions, e.g. "deviant" and "standard".

    Returns
    -------
    xarray.Dataset
        As :func:`evoked`, without condition and counts.

    Raises
    ------
    UnknownNameError
        If there is no such condition.
    """
    names = response["condition"].to_numpy().tolist()
    for name in (minuend, subtrahend):
        if name not in names:
            raise UnknownNameError(
                f"there is no condition {name!r}",
                where="difference(response, ...)",
                fix=nearest(name, names),
            )
    network = response["network"]
    waves = network.sel(condition=minuend, drop=True) - network.sel(condition=subtrahend, drop=True)
    return over_networks(
        waves.assign_attrs({**network.attrs, "difference": f"{minuend} - {subtrahend}"})
    )
