"""The devices `cuda` and `cuda_host`: the same sources, compiled by nvcc for a card or by g++ for
the CPU.
"""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import attrs
import numpy as np
from brian2.devices.device import get_device

from ...declare.model.hierarchy import Hierarchy
from ...declare.protocol.probe import Probe
from ...declare.stimulus.vocabulary import Vocabulary
from ...errors import DeviceError
from ...extras import install_hint
from ...network.shape import BlockShape
from .. import scratch
from ..compiler import compiler, run_compiler
from ..cpp import CppDevice, CppProgram
from . import accounts, preferences, sources, toolchain

HOST_LAYER = Path(__file__).parent / "host" / "include"
#: Architecture that the host layer claims while it compiles what runs on the device.
HOST_CAPABILITY, HOST_RUNTIME = 9.0, 13.0


@attrs.frozen
class _Cuda(CppDevice):
    standalone: str = "cuda_dense"
    dtype: type = np.float32

    def prepare(self) -> None:
        preferences.load()

    def target(self) -> tuple[float, float]:
        """Compute capability, and release of CUDA, that sources are written for."""
        raise NotImplementedError  # both devices have their own

    def generate(
        self,
        folder: str | Path,
        hierarchy: Hierarchy,
        vocabulary: Vocabulary,
        shape: BlockShape,
        probes: Sequence[Probe],
    ) -> None:
        reason = preferences.reason_against()
        if reason is not None:
            raise DeviceError(reason, where=f"device {self.name!r}", fix=preferences.remedy())
        preferences.load()
        with preferences.set_for(*self.target()):
            super().generate(folder, hierarchy, vocabulary, shape, probes)

    def unify(self, folder: Path) -> dict[str, dict]:
        device = get_device()
        sources.one_translation_unit(
            folder,
            [[code.name for code in chain] for chain in device.chains],
            [(code.name, clock) for clock, code in device.order],
        )
        return {"cuda": accounts.of(device)}

    def program(self, folder: Path) -> CppProgram:
        return CudaProgram(folder)


@attrs.frozen
class CudaDevice(_Cuda):
    """A graphics card, through brian2cuda and dense kernels."""

    name: str = "cuda"

    def available(self) -> str | None:
        """None if sources can be written, compiled and run here, else the reason why not."""
        reason = preferences.reason_against()
        if reason is not None:
            return reason
        found, cards = toolchain.find(), toolchain.cards()
        if found is None:
            return "no CUDA compiler (nvcc with cuRAND) was found"
        if not cards:
            return "no NVIDIA graphics card was found"
        misfit = toolchain.misfit(found, cards[0])
        return None if misfit is None else f"{misfit[0]}; {misfit[1]}"

    def target(self) -> tuple[float, float]:
        found = toolchain.find()
        return toolchain.capability(), HOST_RUNTIME if found is None else found.version

    def flags(self) -> list[str]:
        found = toolchain.find()  # a path such as /usr/local/cuda may hold another release tomorrow
        return ["nvcc"] if found is None else [f"CUDA {found.version}", *self._command(found)]

    def _command(self, found):
        return found.command(toolchain.capability(), "main", sources.UNITY)

    def compile(self, folder: Path) -> None:
        found = toolchain.find()
        if found is None:
            raise DeviceError(
                "no CUDA compiler (nvcc with cuRAND) was found",
                where=f"device {self.name!r}",
                fix=install_hint("nvcc"),
            )
        run_compiler(self._command(found), folder)


class CudaProgram(CppProgram):
    """A network compiled for CUDA."""

    in_order = False  # threads note the events of a step in any order

    def environment(self) -> dict[str, str]:
        # CUDA's own order is by speed; nvidia-smi, which `toolchain.cards` asks, lists cards by
        # bus.
        return {**os.environ, "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}


class CudaHostProgram(CudaProgram):
    """A compiled network whose kernels run on the CPU."""

    def __init__(self, folder: str | Path, order: str) -> None:
        super().__init__(folder)
        self.order = order
        self._statistics: str | None = None

    def environment(self) -> dict[str, str]:
        more = {"FENA_CUDA_ORDER": self.order}
        return {
            **super().environment(),
            **more,
            **({"FENA_CUDA_STATISTICS": self._statistics} if self._statistics else {}),
        }

    def count(
        self,
        state: Mapping[str, np.ndarray],
        tables: Mapping[str, np.ndarray],
        start: int,
        steps: int,
    ) -> dict:
        """What happens when the network advances as in `run`, set-up included.

        Returns
        -------
        dict
            "launches": {kernel: n}, "memsets", "copies_to_device", "bytes_to_device",
            "copies_to_host", "bytes_to_host", "device_bytes": the most that was allocated at a
            time.
        """
        with scratch.temporary_folder("count") as folder:
            statistics = folder / "statistics.json"
            self._statistics = str(statistics)
            try:
                self.run(state, tables, start, steps)
                return json.loads(statistics.read_text())
            finally:
                self._statistics = None


@attrs.frozen
class CudaHostDevice(_Cuda):
    """The generated CUDA kernels, run on the CPU: to test them where no card is. Needs g++ only.

    `order`: "forward", or "reverse" for threads and blocks in reverse order, which must change
    nothing.
    """

    name: str = "cuda_host"
    order: str = "forward"

    def available(self) -> str | None:
        """None if it works here, else the reason why not."""
        return preferences.reason_against() or super().available()

    def target(self) -> tuple[float, float]:
        return HOST_CAPABILITY, HOST_RUNTIME

    def flags(self) -> list[str]:
        return [
            *compiler(),
            "-std=c++17",
            "-w",
            "-O1",
            "-U_FORTIFY_SOURCE",
            "-I.",
            f"-I{HOST_LAYER}",
            "-include",
            "hostcuda.h",
        ]

    def unify(self, folder: Path) -> dict[str, dict]:
        more = super().unify(folder)
        sources.for_the_cpu(folder)
        return more

    def compile(self, folder: Path) -> None:
        run_compiler([*self.flags(), "-o", "main", sources.HOST], folder)

    def program(self, folder: Path) -> CudaHostProgram:
        return CudaHostProgram(folder, self.order)
