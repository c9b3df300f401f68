"""A finished run: a folder that is complete in itself."""

from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from ...declare.model.likelihood import Categorical, Gaussian
from ...declare.protocol.block import INITIAL
from ...declare.stimulus.vocabulary import Vocabulary
from ...errors import RunFolderError, UnknownNameError, nearest
from ...network.streams import NAME as STREAMS
from .declared import likelihood_of
from .events import load_events
from .files import load_arrays
from .manifest import MANIFEST as MANIFEST
from .manifest import read_manifest
from .units import population_levels, token_levels, token_units
from .vocabulary import load_vocabulary


class Run:
    """What a run left behind. Everything is read lazily and nothing is ever written.

    Attributes
    ----------
    folder : Path
    manifest : dict
        Parameters, versions, seed, device, git state, command, wall time.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.manifest = read_manifest(folder)

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def finished(self) -> bool:
        return self.manifest["status"] == "finished"

    @property
    def seed(self) -> int:
        return self.manifest["seed"]

    @property
    def blocks(self) -> list[str]:
        """Names of the blocks in the order of the protocol."""
        return [block["name"] for block in self.manifest["blocks"]]

    @property
    def batch(self) -> int:
        """Streams of tokens that were presented side by side."""
        return self.manifest["model"].get("batch", 1)

    @property
    def streams(self) -> list["Run"]:
        """One Run per stream, as if each had been presented alone; measures take these. Without a
        batch, the run itself.
        """
        return (
            [self]
            if self.batch == 1
            else [_OneStream(self.folder, number) for number in range(self.batch)]
        )

    @property
    def likelihood(self) -> Gaussian | Categorical | None:
        """How level 0 predicts the token (Gaussian or Categorical); None if the model does not
        declare it.
        """
        return likelihood_of(self.manifest)

    def _path(self, kind, block, suffix):
        if block not in self.blocks:
            raise UnknownNameError(
                f"this run has no block {block!r}",
                where=str(self.folder),
                fix=nearest(block, self.blocks),
            )
        path = self.folder / kind / f"{block}{suffix}"
        if not path.exists():
            raise RunFolderError(
                f"block {block!r} has no {kind} yet",
                where=str(self.folder),
                fix="start the same command again to finish the run, or add probes to the block",
            )
        return path

    def events(self, block: str) -> pd.DataFrame:
        """The event table: one row per token with its times (s) and ground-truth labels
        (DataFrame).

        With a batch the tables of all streams, one after the other, and the column ``stream``.
        """
        return load_events(self._path("events", block, ".tsv"))

    def tokens(self, block: str) -> xr.Dataset:
        """What was kept for every token (Dataset; dims event, level, unit; with a batch event,
        stream, level, unit).

        Readouts of populations of another size than the first have the dimension "population_unit"
        instead of unit. Every variable has the attribute "units" (SI, "1" for none).
        """
        tokens = xr.open_zarr(self._path("tokens", block, ".zarr"), consolidated=False, chunks=None)
        model = self.manifest["inputs"]["model"]
        units, levels = token_units(model), token_levels(model)
        for name, values in tokens.variables.items():
            values.attrs.setdefault("units", units.get(name, "1"))
        numbers = {
            tuple(levels[name])
            for name in tokens.data_vars
            if name in levels and "level" in tokens[name].dims
        }
        if (
            len(numbers) == 1
        ):  # readouts that share the dimension may be of different levels; then it has no numbers
            tokens = tokens.assign_coords(level=("level", list(*numbers), {"units": "1"}))
        return tokens

    def traces(self, block: str) -> xr.Dataset:
        """The probes' recordings (Dataset, read from disk on access).

        Variables are "population.variable" with dims (time, "population_unit"), with a batch (time,
        stream, "population_unit"); time is in seconds since the block's start. Spikes are
        "population.spike_time" and "population.spike_unit". Every variable has the attribute
        "units" (SI, "1" for none) and, where its population has one, "level".
        """
        path = self._path(
            "traces", block, ".zarr"
        )  # without a cache, or reading all of it once would keep all of it
        traces = xr.open_dataset(path, engine="zarr", consolidated=False, cache=False)
        levels = population_levels(self.manifest["inputs"]["model"])
        for name, values in traces.variables.items():
            values.attrs.setdefault("units", "1")
            population = str(name).partition(".")[0]
            if population in levels:
                values.attrs["level"] = levels[population]
        return traces

    def state(self, block: str) -> dict[str, np.ndarray]:
        """The network's state at the end of a block: {"object.variable": array}, base SI units.

        With a batch, unit u of stream b of a population of N is element b*N + u.
        """
        arrays, _ = load_arrays(self._path("states", block, ".npz"))
        return arrays

    def end_step(self, block: str) -> int:
        """Step of the network's clock at the end of a block."""
        return load_arrays(self._path("states", block, ".npz"))[1]["step"]

    def starts_from(self, block: str) -> str:
        """Where a block starts: an earlier block, "initial", or RUN:BLOCK of another run, by
        `start_from` of its protocol.
        """
        entry = next(entry for entry in self.manifest["blocks"] if entry["name"] == block)
        start = self.manifest.get("start")
        return (
            f"{start['run']}:{start['block']}"
            if start and entry["start_from"] == INITIAL
            else entry["start_from"]
        )

    @property
    def vocabulary(self) -> Vocabulary:
        """The tokens and their codes."""
        return load_vocabulary(self.folder, self.manifest["vocabulary"])

    def __repr__(self):
        blocks = ", ".join(f"{b['name']} ({b['tokens']})" for b in self.manifest["blocks"])
        return (
            f"<Run {self.id}: {self.manifest['protocol']['name']} on {self.manifest['model']['name']}, seed {self.seed}, "
            f"{self.manifest['device']}, {self.manifest['status']}; tokens: {blocks}>"
        )


class _OneStream(Run):
    """One stream of a run with a batch. Its state is that of a network without batch, so that such
    a one may start from it.
    """

    def __init__(self, folder, number):
        super().__init__(folder)
        self.number = number

    batch = 1

    def events(self, block):
        table = super().events(block)
        return table[table["stream"] == self.number].drop(columns="stream").reset_index(drop=True)

    def tokens(self, block):
        return super().tokens(block).isel(stream=self.number)

    def traces(self, block):
        return super().traces(block).isel(stream=self.number)

    def state(self, block):
        batch, populations = self.manifest["model"]["batch"], self.manifest["model"]["populations"]
        state = {
            name: values
            for name, values in super().state(block).items()
            if not name.startswith(f"{STREAMS}.")
        }
        return {
            name: values.reshape(batch, -1)[self.number]
            if name.partition(".")[0] in populations and len(values) > 1
            else values
            for name, values in state.items()
        }


def open_run(folder: str | Path) -> Run:
    """Open a run folder. Raises RunFolderError if it is none."""
    return Run(folder)
