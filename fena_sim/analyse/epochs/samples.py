"""One recorded variable with its clock."""

import attrs
import numpy as np
import xarray as xr

from ...errors import DeclarationError, UnknownNameError, nearest
from ...runs.store.run import Run


@attrs.frozen(eq=False)
class Samples:
    """A recorded variable, still on disk.

    Attributes
    ----------
    values : xarray.DataArray, dims (time, [stream,] unit)
    time : float64 (time,)
        Seconds since the block's start.
    interval : float
        Sampling interval in s.
    where : str
    """

    values: xr.DataArray
    time: np.ndarray
    interval: float
    where: str

    @property
    def units(self) -> str:
        return self.values.attrs["units"]

    @property
    def unit_numbers(self) -> np.ndarray:
        return self.values[self.values.dims[-1]].to_numpy()

    def whole(self) -> "Samples":
        """Itself. Raises DeclarationError if the probe kept only windows around the tokens."""
        if len(self.time) > 1 and np.diff(self.time).max() > 1.5 * self.interval:
            raise DeclarationError(
                "the recording has gaps: its probe kept only a window around each token",
                where=self.where,
                fix="leave out the probe's window and run again",
            )
        return self


def samples(run: Run, block: str, variable: str) -> Samples:
    """The samples of a probe, e.g. "state_1.r". Raises UnknownNameError if there are none of that
    name.
    """
    traces = run.traces(block)
    where = f"block {block!r} of {run.id}"
    sampled = [
        str(name)
        for name, values in traces.data_vars.items()
        if str(values.dims[0]).startswith("time")
    ]
    if variable not in sampled:
        raise UnknownNameError(
            f"no samples of {variable!r} were recorded", where=where, fix=nearest(variable, sampled)
        )
    values = traces[variable]
    time = values[values.dims[0]].to_numpy()
    if len(time) < 2:
        raise DeclarationError(
            f"{variable!r} has {len(time)} samples", where=where, fix="record a longer block"
        )
    return Samples(values, time, float(np.diff(time).min()), f"{variable!r} in {where}")
