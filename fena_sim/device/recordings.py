"""What a program recorded while it ran: token ends, readouts, samples, spikes."""

from collections.abc import Iterable, Mapping

import attrs
import numpy as np

from ..declare.model.readouts import Readout
from ..network.monitors import DEPARTURE, SAMPLES, SPIKES, moment_of
from ..network.pacemaker import NAME as PACEMAKER
from ..network.population import kept
from ..network.streams import NAME as STREAMS


@attrs.frozen(eq=False)
class TokenEnds:
    """The tokens that left.

    Attributes
    ----------
    t : float64 (token,)
        Time of the last step of each, in s since the network's start.
    steps : int64 (token,)
        Steps of its presentation.
    iterations : (token,), with a batch (token, stream)
        Settling iterations.
    """

    t: np.ndarray
    steps: np.ndarray
    iterations: np.ndarray

    def __len__(self):
        return len(self.t)

    def last_step(self, dt: float) -> np.ndarray:
        """Number of the last step of each token, int64 (token,), with steps of `dt` seconds."""
        return np.rint(self.t / dt).astype(np.int64)


@attrs.frozen(eq=False)
class Series:
    """What one monitor recorded, in the order of time.

    Attributes
    ----------
    t : float64 (n,)
        In s since the network's start: of every token, sample or spike.
    values : dict
        {variable: (n, units)}; with a batch, the units of one stream after those of another.
    unit : integer (n,)
        Of every spike; None otherwise.
    """

    t: np.ndarray
    values: dict = attrs.field(factory=dict)
    unit: np.ndarray | None = None


class Recordings:
    """Everything that a program recorded from one step to another.

    Of a token that arrived and has not left, the readouts before its onset are there and the others are
    not.
    """

    def __init__(self, series: dict[tuple[str, str], Series]) -> None:
        self._series = series  # {(moment, owner): Series}

    @classmethod
    def read(cls, raw: dict, in_order: bool = True) -> "Recordings":
        """From monitors as a device leaves them.

        Parameters
        ----------
        raw : dict
            {Monitored: (t, i, values)}. Of samples t is (n,), i None and values {variable: (n,
            units)}. Of tokens and spikes there is one entry per event in each array: its time, its
            unit, and {variable: (n,)}.
        in_order : bool
            Whether the events of a step are noted in the order of units; they are sorted otherwise.
        """
        series = {}
        for what, (t, i, values) in raw.items():
            if what.moment != SAMPLES and not in_order:
                order = np.lexsort((i, t))
                t, i = t[order], i[order]
                values = {name: array[order] for name, array in values.items()}
            if what.moment == SPIKES:
                found = Series(t, unit=i)
            elif what.moment == SAMPLES:
                found = Series(t, values)
            else:  # all units of a population note a token in the same step
                by_token = {name: v.reshape(-1, what.units) for name, v in values.items()}
                found = Series(t[:: what.units], by_token)
            series[what.moment, what.owner] = found
        return cls(series)

    @classmethod
    def concatenate(cls, parts: Iterable["Recordings"]) -> "Recordings":
        """The recordings of consecutive chunks as one."""
        found: dict = {}
        for part in parts:
            for key, series in part._series.items():
                found.setdefault(key, []).append(series)
        return cls({key: _joined(pieces) for key, pieces in found.items()})

    @property
    def ends(self) -> TokenEnds:
        """The tokens that left."""
        pace = self._series[DEPARTURE, PACEMAKER]
        own = self._series.get((DEPARTURE, STREAMS))
        iterations = pace.values["iterations"][:, 0] if own is None else own.values["iterations"]
        # The network counts in its own precision, in which a time would not be exact.
        steps = np.rint(pace.values["steps"][:, 0]).astype(np.int64)
        return TokenEnds(pace.t, steps, iterations)

    def readout(self, readout: Readout, path: str) -> np.ndarray:
        """Values of `path`, one of the variables of a Readout: (token, units), scaled by it."""
        owner, _, variable = path.partition(".")
        values = self._series[moment_of(readout), owner].values[kept(readout, variable)]
        if readout.when == "mean":
            values = values / self._series[DEPARTURE, PACEMAKER].values["steps"]
        return values * readout.scale

    def samples(self, probe: str) -> Series:
        """The Series that the probe of this name sampled."""
        return self._series[SAMPLES, probe]

    def spikes(self, probe: str) -> Series:
        """The Series of spikes that the probe of this name recorded."""
        return self._series[SPIKES, probe]

    def with_samples(self, samples: Mapping[str, Series]) -> "Recordings":
        """These and the samples of more probes, {name: Series}."""
        return Recordings({**self._series, **{(SAMPLES, name): s for name, s in samples.items()}})

    def without_samples(self) -> "Recordings":
        """Tokens and spikes alone, which are few."""
        return Recordings({key: s for key, s in self._series.items() if key[0] != SAMPLES})

    def to_arrays(self) -> dict[str, np.ndarray]:
        """As arrays for a file: {"moment/owner/variable": array}."""
        arrays: dict = {}
        for (moment, owner), series in self._series.items():
            named = {"t": series.t, **{f"value {name}": v for name, v in series.values.items()}}
            if series.unit is not None:
                named["unit"] = series.unit
            arrays |= {f"{moment}/{owner}/{name}": values for name, values in named.items()}
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping, samples: bool = True) -> "Recordings":
        """The recordings that `to_arrays` wrote.

        Parameters
        ----------
        arrays : mapping
            Only what is wanted is taken from it, so that an open file will do.
        samples : bool
            Whether samples are wanted.
        """
        found: dict = {}
        for key in arrays:
            moment, owner, name = key.split("/")
            if samples or moment != SAMPLES:
                found.setdefault((moment, owner), {})[name] = arrays[key]
        return cls(
            {
                key: Series(
                    t=named["t"],
                    values={
                        name.removeprefix("value "): values
                        for name, values in named.items()
                        if name.startswith("value ")
                    },
                    unit=named.get("unit"),
                )
                for key, named in found.items()
            }
        )


def _joined(pieces):
    return Series(
        t=np.concatenate([piece.t for piece in pieces]),
        values={
            name: np.concatenate([piece.values[name] for piece in pieces])
            for name in pieces[0].values
        },
        unit=None if pieces[0].unit is None else np.concatenate([piece.unit for piece in pieces]),
    )
