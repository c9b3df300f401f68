"""A finished run: a folder that is complete in itself."""

from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from ...declare.arguments import checked
from ...declare.html import table
from ...declare.measured.signal import Signal
from ...declare.model.likelihood import Categorical, Gaussian
from ...declare.protocol.block import INITIAL
from ...declare.stimulus.vocabulary import Vocabulary
from ...errors import FenaError, RunFolderError, UnknownNameError, nearest
from ...network.streams import NAME as STREAMS
from .arrays import Arrays
from .checksums import LOG, Damage, Files
from .declared import declared_signals, likelihood_of, probe_owners
from .events import load_events
from .files import load_arrays
from .manifest import MANIFEST as MANIFEST
from .manifest import interpreting, read_manifest
from .units import population_levels, token_levels, token_units
from .unlisted import check_arrays, check_rows
from .vocabulary import CODES, load_vocabulary


class Run:
    """What a run left behind. Everything is read lazily, nothing is ever written, and nothing that
    the folder holds is executed.

    Every file of a finished run is compared with its checksum when it is first read; a file that is
    missing or was altered is a RunFolderError. Of a run without checksums, sizes are compared with
    the manifest, and a chunk that is not there is a RunFolderWarning: its values read as 0.

    Attributes
    ----------
    folder : Path
    manifest : dict
        Parameters, versions, seed, device, git state, command, wall time.
    """

    #: What is read like a run counts as one.
    STAND_IN = "events"

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.manifest = read_manifest(self.folder)
        self._files = Files(self.folder, self.manifest)

    @property
    def id(self) -> str:
        """Name of the run folder, also where the path to it is a link."""
        return self.folder.resolve().name

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
            else [_OneStream(self, number) for number in range(self.batch)]
        )

    @property
    def likelihood(self) -> Gaussian | Categorical | None:
        """How level 0 predicts the token (Gaussian or Categorical); None if the model does not
        declare it.
        """
        with interpreting(self.folder, declared=True):
            return likelihood_of(self.manifest)

    @property
    def measured(self) -> dict[str, Signal]:
        """The measured signals that the protocol declares, by name; "name.value" of `traces`."""
        with interpreting(self.folder, declared=True):
            return declared_signals(self.manifest)

    @property
    def has_checksums(self) -> bool:
        """Whether the run has checksums: it is finished, and not of a version that wrote none."""
        return self._files.recorded

    def damage(self) -> Damage:
        """Compare every file of the run with its checksum.

        Returns
        -------
        Damage
            Files that are missing, altered or extra; none of a run without checksums.
        """
        return self._files.damage()

    def check(self) -> None:
        """Raise RunFolderError unless every file with data that has a checksum is there and as it was."""
        damage = self.damage()
        missing, altered = (
            [name for name in names if name != LOG] for names in (damage.missing, damage.altered)
        )
        if missing or altered:
            raise RunFolderError(
                f"the run is damaged: {(missing or altered)[0]} {'is missing' if missing else 'was altered'}; "
                f"in all {len(missing)} files are missing and {len(altered)} altered",
                where=str(self.folder),
                fix="copy the run again from where it is whole; `fena check` names every file",
            )

    def has(self, kind: str, block: str) -> bool:
        """Whether the run holds "events", "tokens", "traces" or "states" of a block."""
        return self._files.has(_place(kind, block))

    def _name(self, kind, block, part=""):
        """The place in the run folder of what a block has. Raises if there is none."""
        if block not in self.blocks:
            raise UnknownNameError(
                f"this run has no block {block!r}",
                where=str(self.folder),
                fix=nearest(block, self.blocks),
            )
        if not self._files.has(_place(kind, block, part)):
            raise RunFolderError(
                f"block {block!r} has no {kind} yet",
                where=str(self.folder),
                fix="start the same command again to finish the run, or add probes to the block",
            )
        return _place(kind, block, part)

    def _table(self, kind, block, part=""):
        """The path of a file whose description (.json), which is of earlier versions not there, is
        beside it; both are as they were written.
        """
        name = self._name(kind, block, part)
        about = str(Path(name).with_suffix(".json"))
        if self._files.has(about):
            self._files.path(about)
        return self._files.path(name)

    def _arrays(self, kind, block, **options):
        """The Dataset of a block, read when it is used."""
        store = Arrays(self._files, self._name(kind, block))
        try:
            data = xr.open_dataset(
                store, engine="zarr", consolidated=False, zarr_format=3, **options
            )
        except FenaError:
            raise
        except Exception as error:  # whatever xarray and Zarr make of what others wrote
            raise RunFolderError(
                f"{store.name} cannot be read: {type(error).__name__}: {error}",
                where=str(self.folder),
                fix="use a run that fena_sim wrote",
            ) from error
        if not self._files.recorded:
            check_arrays(data, self.manifest, block, store.name, str(self.folder))
        return data

    def events(self, block: str, population: str | None = None) -> pd.DataFrame:
        """The event table: one row per token with its times (s) and ground-truth labels
        (DataFrame).

        With a batch the tables of all streams, one after the other, and the column ``stream``. With
        several modalities the tokens that pace the block; of another modality, give its `population`
        (see `modalities`). Raises UnknownNameError if it has no tokens in the block.
        """
        paced_by, *others = self.modalities(block) or (None,)
        if population is not None and population not in (paced_by, *others):
            raise UnknownNameError(
                f"{population!r} has no tokens of its own in block {block!r}",
                where=str(self.folder),
                fix=nearest(population, [paced_by, *others]) if others else "leave it out",
            )
        other = population in others
        path = self._table("events", block, f".{population}" if other else "")
        try:
            table = load_events(path)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise RunFolderError(
                f"events/{path.name} cannot be read: {error}",
                where=str(self.folder),
                fix="the run has no checksums, and its table was cut or altered: run it again",
            ) from error
        if not self._files.recorded and not other:
            check_rows(table, self.manifest, block, str(self.folder))
        return table

    def modalities(self, block: str) -> tuple[str, ...]:
        """The input populations with tokens of their own in a block, the one that paces it first;
        empty where all tokens are of one stream.
        """
        for declared in self.manifest["inputs"]["protocol"]["blocks"]:
            if declared["name"] == block and "streams" in declared:
                first = declared["paced_by"]
                return (first, *(name for name in declared["streams"] if name != first))
        return ()

    def tokens(self, block: str) -> xr.Dataset:
        """What was kept for every token (Dataset; dims event, level, unit; with a batch event,
        stream, level, unit).

        Readouts of populations of another size than the first have the dimension "population_unit"
        instead of unit. Every variable has the attribute "units" (SI, "1" for none).
        """
        tokens = self._arrays("tokens", block)
        model = self.manifest["inputs"]["model"]
        with interpreting(self.folder, declared=True):
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
        "population.spike_time" and "population.spike_unit".

        Of synapses, variables are "projection.variable" with dims (time, "projection_synapse"), and
        "projection_source" and "projection_target" number the units that each synapse joins. A
        summary is "projection.variable_norm" etc.; its dimension is that of the units
        ("projection_source", "projection_target"), of the bins (the lower edges; "projection_bin_stop"
        holds the upper ones), or of one norm. "time_tokens" tells how many tokens had ended. Where
        probes are sampled at different moments, each has a "time_population" of its own. A probe with
        a name has it in the place of the population's or projection's.

        Every variable has the attribute "units" (SI, "1" for none) and, where its population has one,
        "level".
        """
        # without a cache, or reading all of it once would keep all of it
        traces = self._arrays("traces", block, cache=False)
        inputs = self.manifest["inputs"]
        levels = population_levels(inputs["model"])
        owners = probe_owners(inputs["protocol"], block)
        for name, values in traces.variables.items():
            values.attrs.setdefault("units", "1")
            probe = str(name).partition(".")[0]
            population = owners.get(probe, probe)
            if population in levels:
                values.attrs["level"] = levels[population]
        return traces

    def state(self, block: str) -> dict[str, np.ndarray]:
        """The network's state at the end of a block: {"object.variable": array}, base SI units.

        With a batch, unit u of stream b of a population of N is element b*N + u.
        """
        return self._state(block)[0]

    def end_step(self, block: str) -> int:
        """Step of the network's clock at the end of a block."""
        with interpreting(self.folder):
            return int(self._state(block)[1]["step"])

    def _state(self, block):
        name = self._name("states", block)
        # It holds the checksum of the arrays, which may be large and are not read twice.
        self._files.path(str(Path(name).with_suffix(".json")))
        return load_arrays(self._files.place(name))

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
        entry = self.manifest["vocabulary"]
        with interpreting(self.folder, declared=True):
            if entry["codes"] == CODES:  # beside it is a file with its checksum
                self._files.path(str(Path(CODES).with_suffix(".json")))
            return load_vocabulary(self.folder, entry)

    def _repr_html_(self):
        manifest = self.manifest
        rows = [
            (
                b["name"],
                b["tokens"],
                self.starts_from(b["name"]),
                ", ".join(dict.fromkeys(b["probes"])),
            )
            for b in manifest["blocks"]
        ]
        about = (
            f"Run {self.id}: {manifest['protocol']['name']} on {manifest['model']['name']}, "
            f"seed {self.seed}, {manifest['device']}, {manifest['status']}"
        )
        return table(about, ("block", "tokens", "starts from", "records"), rows)

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

    def __init__(self, whole, number):
        self.folder, self.manifest, self._files = whole.folder, whole.manifest, whole._files
        self.whole, self.number = whole, number

    batch = 1

    def events(self, block, population=None):
        table = self.whole.events(block, population)
        return table[table["stream"] == self.number].drop(columns="stream").reset_index(drop=True)

    def tokens(self, block):
        return self.whole.tokens(block).isel(stream=self.number)

    def traces(self, block):
        # Synapses are shared by all streams.
        return self.whole.traces(block).isel(stream=self.number, missing_dims="ignore")

    def state(self, block):
        batch, populations = self.manifest["model"]["batch"], self.manifest["model"]["populations"]
        state = {
            name: values
            for name, values in self.whole.state(block).items()
            if not name.startswith(f"{STREAMS}.")
        }
        return {
            name: values.reshape(batch, -1)[self.number]
            if name.partition(".")[0] in populations and len(values) > 1
            else values
            for name, values in state.items()
        }


def _place(kind, block, part=""):
    suffix = {"events": ".tsv", "states": ".npz"}.get(kind, ".zarr")
    return f"{kind}/{block}{part}{suffix}"


@checked(RunFolderError)
def open_run(folder: str | Path) -> Run:
    """Open a run folder. Nothing that it holds is executed: neither the model, which is data in its
    manifest, nor a filter of an array.

    Raises
    ------
    RunFolderError
        If it is none, or its manifest was altered.
    """
    return Run(folder)
