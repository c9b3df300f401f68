"""The CUDA device: brian2cuda's CUDA standalone with dense kernels instead of one thread and one
atomic addition per synapse.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import brian2cuda
import numpy as np
from brian2.codegen.codeobject import CodeObject
from brian2.core.network import Network
from brian2.core.variables import ArrayVariable, VariableView
from brian2.devices.cpp_standalone.device import CPPWriter
from brian2.devices.device import all_devices
from brian2.units.fundamentalunits import Quantity
from brian2cuda.device import CUDAStandaloneDevice
from numpy.typing import ArrayLike

from ..lowering import Pass
from ..lowering_device import LoweringDevice, merged
from . import chains, kernel, refusals
from .generator import DenseCUDACodeObject, DenseCUDAGenerator

_SUPPORT_END = (
    "////// hashdefine_lines ///////"  # where brian2cuda's template ends the support code
)


class DenseCUDADevice(CUDAStandaloneDevice, LoweringDevice):
    """Runs all-to-all Synapses as dense kernels; otherwise what cuda_standalone does."""

    generator = DenseCUDAGenerator

    def __init__(self) -> None:  # Brian2's reinit() calls it again
        super().__init__()
        self.forget()
        #: Kernel by code object; None for one that another code object does as well. And what runs
        #: in a step, see `steps`.
        self.kernels: dict[str, kernel.Kernel | None] = {}
        self.order: list[tuple[str, CodeObject]] = []
        #: The longest delay (s) that was set by numbers, by variable.
        self.delays: dict[ArrayVariable, float] = {}

    def code_object_class(
        self, codeobj_class: type[CodeObject] | None = None, fallback_pref: str | None = None
    ) -> type[CodeObject]:
        return DenseCUDACodeObject if codeobj_class is None else codeobj_class

    def adorn(self, code_object: CodeObject) -> None:
        """Nothing: CUDA needs no support code of ours."""

    def build(self, *args: Any, **kwds: Any) -> None:
        self.lower()
        self.order = [
            step
            for kind, arguments in self.main_queue
            if kind == "run_network"
            for step in self.steps(arguments[1])
        ]
        super().build(*args, **kwds)

    @property
    def chains(self) -> list[list[CodeObject]]:
        """Lists of code objects that may share a launch; after `build`."""
        return chains.chains(self.order, self._requests)

    def get_value(self, var: ArrayVariable, access_data: bool = True) -> np.ndarray:
        values = self.index_values(var)
        return super().get_value(var, access_data) if values is None else values

    def network_run(
        self, net: Network, duration: Quantity, *args: Any, level: int = 0, **kwds: Any
    ) -> None:
        for thing in net.sorted_objects:
            reason = refusals.reason_against(thing, self.delays)
            if reason is not None:
                raise NotImplementedError(f"{thing.name!r} cannot run on CUDA: {reason}")
        super().network_run(net, duration, *args, level=level + 1, **kwds)

    def variableview_set_with_index_array(
        self,
        variableview: VariableView,
        item: int | slice | np.ndarray | str,
        value: ArrayLike,
        *args: Any,
        **kwds: Any,
    ) -> None:
        if variableview.name == "delay":
            self._note_delay(variableview.variable, value)
        super().variableview_set_with_index_array(variableview, item, value, *args, **kwds)

    def fill_with_array(self, var: ArrayVariable, arr: ArrayLike, *args: Any, **kwds: Any) -> None:
        if var.name == "delay":
            self._note_delay(var, arr)
        super().fill_with_array(var, arr, *args, **kwds)

    def _note_delay(self, variable, values):
        self.delays[variable] = max(
            self.delays.get(variable, 0.0), float(np.max(np.asarray(values), initial=0.0))
        )

    def copy_source_files(self, writer: CPPWriter, directory: str | Path) -> None:
        # brian2cuda looks for its library beside the class of the code objects, which here is ours.
        shutil.copytree(
            Path(brian2cuda.__file__).parent / "brianlib",
            Path(directory, "brianlib"),
            dirs_exist_ok=True,
        )

    def write_kernel(self, members: Sequence[Pass]) -> None:
        lead = members[0].code_object
        for p in members[1:]:
            other = p.code_object.code
            other.cu_file = kernel.placed(other.cu_file, f"// done in {lead.name}", "")
        more = [*merged(members, "support"), *merged(members, "defines")]
        text = lead.code.cu_file
        text = (
            text.replace(_SUPPORT_END, "\n".join(["namespace {", *more, "}", _SUPPORT_END]), 1)
            if more
            else text
        )
        made = kernel.render(members)
        lead.code.cu_file = kernel.placed(text, made.text, made.call)
        self.kernels |= {
            lead.name: made,
            **dict.fromkeys([p.code_object.name for p in members[1:]]),
        }


all_devices["cuda_dense"] = DenseCUDADevice()
