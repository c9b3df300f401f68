"""The device: Brian2's C++ standalone with dense kernels instead of loops over index arrays."""

import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from brian2.codegen.codeobject import CodeObject
from brian2.core.variables import ArrayVariable
from brian2.devices.cpp_standalone.device import CPPStandaloneDevice, CPPWriter, RunFunctionContext
from brian2.devices.device import all_devices

from . import kernel
from .generator import DenseCodeGenerator, DenseCodeObject
from .lowering import Pass
from .lowering_device import LoweringDevice, merged

_SUPPORT = Path(__file__).parent / "templates" / "dense_support.h"
_DEFINES = "////// HASH DEFINES ///////"  # where Brian2's template ends the support code
_CLOCK = re.compile(r"[ \t]*current = std::clock\(\);\n\s*elapsed_realtime = [^;]*;\n")


class DenseCPPDevice(CPPStandaloneDevice, LoweringDevice):
    """Runs all-to-all Synapses as contiguous kernels; otherwise what cpp_standalone does."""

    generator = DenseCodeGenerator
    #: BatchedSynapses ask for it: their kernels are C++.
    serves_batches = True

    def __init__(self) -> None:  # Brian2's reinit() calls it again
        super().__init__()
        self.forget()

    def code_object_class(
        self, codeobj_class: type[CodeObject] | None = None, fallback_pref: str | None = None
    ) -> type[CodeObject]:
        return DenseCodeObject if codeobj_class is None else codeobj_class

    def adorn(self, code_object: CodeObject) -> None:
        code_object.code.cpp_file = f'#include "{_SUPPORT.name}"\n{code_object.code.cpp_file}'

    def build(self, *args: Any, **kwds: Any) -> None:
        self.lower()
        super().build(*args, **kwds)

    def run_function(self, name: str, include_in_parent: bool = True) -> RunFunctionContext:
        return _RunFunction(self, name, include_in_parent)

    def get_value(self, var: ArrayVariable, access_data: bool = True) -> np.ndarray:
        values = self.index_values(var)
        return super().get_value(var, access_data) if values is None else values

    def copy_source_files(self, writer: CPPWriter, directory: str | Path) -> None:
        super().copy_source_files(writer, directory)
        shutil.copy(_SUPPORT, directory)
        writer.header_files.add(_SUPPORT.name)

    def generate_network_source(self, writer: CPPWriter, compiler: str) -> None:
        """Brian2's loop over the steps, but the clock is read once at the end and not in every
        step.
        """
        super().generate_network_source(writer, compiler)
        source = Path(writer.project_dir, "network.cpp")
        text = source.read_text()
        read = _CLOCK.search(text)
        if read and self._maximum_run_time is None:
            loop, rest = text[: read.start()], text[read.end() :]
            after = "_last_run_time = elapsed_realtime;"  # behind the loop
            source.write_text(loop + rest.replace(after, f"{read.group(0)}    {after}", 1))

    def write_kernel(self, members: Sequence[Pass]) -> None:
        lead = members[0].code_object
        for p in members[1:]:
            other = p.code_object.code
            other.cpp_file = other.cpp_file.replace(kernel.PLACEHOLDER, f"// done in {lead.name}")
        # Functions that only later passes use go into the file of the first one.
        more = [*merged(members, "support"), *merged(members, "defines")]
        text = lead.code.cpp_file
        text = (
            text.replace(_DEFINES, "\n".join(["namespace {", *more, "}", _DEFINES]), 1)
            if more
            else text
        )
        lead.code.cpp_file = text.replace(kernel.PLACEHOLDER, kernel.render(members))


class _RunFunction(RunFunctionContext):
    """What happens within goes into a function of its own; Brian2's context knows its own device
    only.
    """

    def __init__(self, device, name, include_in_parent):
        super().__init__(name, include_in_parent)
        self._device = device

    def __enter__(self):
        self._device.main_queue.append(("start_run_func", (self.name, self.include_in_parent)))

    def __exit__(self, *error):
        self._device.main_queue.append(("end_run_func", (self.name, self.include_in_parent)))


dense_device = DenseCPPDevice()
all_devices["cpp_dense"] = dense_device
