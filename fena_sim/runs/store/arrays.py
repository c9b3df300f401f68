"""A run's arrays: a Zarr store that reads what the run holds, and nothing that could run code."""

import json
import warnings
from collections.abc import AsyncIterator, Iterable
from typing import Any

from zarr.abc.store import ByteRequest, Store
from zarr.core.buffer import Buffer, BufferPrototype

from ...errors import RunFolderError, RunFolderWarning
from .checksums import Files
from .schema import check

METADATA = "zarr.json"
#: How the names of arrays end that number the columns of others.
COLUMNS = ("_unit", "_synapse", "_source", "_target", "_norm", "_bin", "_bin_stop")
#: Files of Zarr format 2, whose filters may be any code that is installed.
FORMAT_2 = (".zarray", ".zgroup", ".zattrs", ".zmetadata")


class Arrays(Store):
    """The Zarr group at `name` in a run folder, to be read.

    What describes its arrays is checked here, before Zarr makes anything of it: only numbers in
    format 3, in chunks that are compressed by zstd, are arrays of a run. Files are compared with
    their checksums as they are read. A chunk that the run never had is one of fill values; a chunk
    that it had must be there. Without checksums the two look alike, which a RunFolderWarning says.

    Parameters
    ----------
    files : Files
    name : str
        The group's path in the run folder.

    Raises
    ------
    RunFolderError
        If the group holds anything else, or a file of it is missing or was altered.
    """

    supports_writes = supports_deletes = supports_partial_writes = False
    supports_listing = True

    def __init__(self, files: Files, name: str) -> None:
        super().__init__(read_only=True)
        self.files, self.name = files, name
        self._said: set[str] = set()
        self._names = {each.removeprefix(f"{name}/") for each in files.names(name)}
        for each in sorted({METADATA, *self._names, *self._described()}):
            if each.rpartition("/")[2] in FORMAT_2:
                self._refuse(each, "is of Zarr format 2, and runs have format 3")
            if each.rpartition("/")[2] == METADATA:
                self._check(each)

    def _described(self):
        """zarr.json of every array of which there is a file."""
        return {f"{each.partition('/')[0]}/{METADATA}" for each in self._names if "/" in each}

    def _check(self, key):
        from fastjsonschema import JsonSchemaValueException

        try:
            check("ARRAYS")(json.loads(self.files.read(f"{self.name}/{key}")))
        except JsonSchemaValueException as error:
            self._refuse(key, f"is not of an array of numbers as runs have them: {error.message}")
        except (ValueError, RecursionError) as error:
            self._refuse(key, f"cannot be read: {error}")

    def _refuse(self, key, what):
        raise RunFolderError(
            f"{self.name}/{key} {what}",
            where=str(self.files.folder),
            fix="use a run that fena_sim wrote; nothing of this one was executed",
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Arrays) and (self.files.folder, self.name) == (
            other.files.folder,
            other.name,
        )

    def __str__(self) -> str:
        return f"{self.files.folder}/{self.name}"

    async def get(
        self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        if key not in self._names:
            self._say_missing(key)
            return None
        if byte_range is not None:
            raise NotImplementedError("chunks are read whole")
        return prototype.buffer.from_bytes(self.files.read(f"{self.name}/{key}"))

    def _say_missing(self, key):
        array, _, chunk = key.partition("/")
        if self.files.recorded or not chunk.startswith("c") or array in self._said:
            return
        if is_number_of(array):  # 0 alone is the first of them, and more are checked (`unlisted`)
            return
        self._said.add(array)
        warnings.warn(
            RunFolderWarning(
                f"{self.name}/{key} is not there: its values read as 0",
                where=str(self.files.folder),
                fix="if they were not 0, the file was lost; the run has no checksums to tell. Copy "
                "it again, or run it again",
            ),
            stacklevel=2,
        )

    async def get_partial_values(
        self, prototype: BufferPrototype, key_ranges: Iterable[tuple[str, ByteRequest | None]]
    ) -> list[Buffer | None]:
        return [await self.get(key, prototype, part) for key, part in key_ranges]

    async def exists(self, key: str) -> bool:
        return key in self._names

    async def list(self) -> AsyncIterator[str]:
        for key in sorted(self._names):
            yield key

    async def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        for key in sorted(self._names):
            if key.startswith(prefix):
                yield key

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        below = f"{prefix.rstrip('/')}/" if prefix else ""
        found = {
            key[len(below) :].partition("/")[0] for key in self._names if key.startswith(below)
        }
        for name in sorted(found):
            yield name

    async def set(self, key: str, value: Buffer) -> None:
        raise NotImplementedError("what a run recorded is not changed")

    async def delete(self, key: str) -> None:
        raise NotImplementedError("what a run recorded is not changed")

    async def set_partial_values(self, key_start_values: Any) -> None:
        """Asked for by Zarr 3.0."""
        raise NotImplementedError("what a run recorded is not changed")


def is_number_of(array: str) -> bool:
    """Whether an array numbers the rows or columns of others: events, times, units, synapses."""
    return array == "event" or array.startswith("time") or array.endswith(COLUMNS)
