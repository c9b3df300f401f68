"""The device: Brian2's C++ standalone with dense kernels in the place of scatter loops over synapses."""

import re
import shutil
from pathlib import Path

import attrs
import numpy as np
from brian2.core.variables import ArrayVariable
from brian2.devices.cpp_standalone.device import CPPStandaloneDevice
from brian2.devices.device import all_devices
from brian2.synapses.synapses import Synapses
from brian2.utils.logger import get_logger

from . import kernel, lowering
from .batch import BatchedSynapses
from .generator import DenseCodeGenerator, DenseCodeObject

_SUPPORT = Path(__file__).parent / "templates" / "dense_support.h"
_DEFINES = "////// HASH DEFINES ///////"  # where Brian2's template ends the support code
_CLOCK = re.compile(r"[ \t]*current = std::clock\(\);\n\s*elapsed_realtime = [^;]*;\n")
logger = get_logger("fena_sim.device.dense")


@attrs.frozen
class Explanation:
    """What became of one Synapses, or of one of its passes: for messages and tests."""

    synapses: str
    done: str
    why: str


class DenseCPPDevice(CPPStandaloneDevice):
    """Runs all-to-all Synapses as contiguous kernels; otherwise what cpp_standalone does."""

    def reinit(self):
        super().reinit()
        self.explanations, self._passes, self._uses = [], {}, {}

    def __init__(self):
        super().__init__()
        self.explanations, self._passes, self._uses = [], {}, {}

    def code_object_class(self, codeobj_class=None, fallback_pref=None):
        return DenseCodeObject if codeobj_class is None else codeobj_class

    def code_object(self, owner, name, abstract_code, variables, template_name, variable_indices, codeobj_class=None,
                    template_kwds=None, **kwds):
        template_kwds = dict(template_kwds or {})
        if template_name == "synapses_create_generator":
            template_name = self._creation(owner, template_kwds, abstract_code, variables, template_name)
        elif template_name == "synapses_create_array":
            self._keep_stock(owner, "they are not all-to-all: connect() was given pairs")
        dense = owner._dense if isinstance(owner, Synapses) and isinstance(getattr(owner, "_dense", None),
                                                                           lowering.Dense) else None
        lowered = dense is not None and template_name in ("summed_variable", "stateupdate")
        if lowered:
            template_name = f"dense_{template_name}"
        made = super().code_object(owner, name, abstract_code, variables, template_name, variable_indices,
                                   codeobj_class=codeobj_class, template_kwds=template_kwds, **kwds)
        made.code.cpp_file = f'#include "{_SUPPORT.name}"\n{made.code.cpp_file}'
        blocks = DenseCodeGenerator.blocks.pop(made.name, None)
        if lowered:
            self._passes[made.name] = _pass(made, owner, dense, template_kwds, *blocks)
        if blocks is not None:
            target = template_kwds.get("_target_var")
            self._uses[made.name] = (set(blocks[3]), set(blocks[4]) | ({target} if target is not None else set()))
        return made

    def _creation(self, owner, template_kwds, abstract_code, variables, template_name):
        reason = lowering.reason_against(owner, template_kwds, abstract_code)
        if reason is None and hasattr(owner, "_dense"):
            raise NotImplementedError(f"a second connect() of {owner.name!r}: its synapses are already dense. "
                                      "Use set_device('cpp_standalone'), or one Synapses per connect().")
        if reason is not None:
            self._keep_stock(owner, reason)
            return template_name
        owner._dense = dense = lowering.shape(owner, variables)
        indices = {owner.variables["_synaptic_pre"], owner.variables["_synaptic_post"]}
        template_kwds["dense"] = dense
        template_kwds["dense_arrays"] = [self.get_array_name(v, access_data=False)
                                         for v in owner._registered_variables if v not in indices]
        self.explanations.append(Explanation(owner.name, "dense", f"all-to-all, {dense.n_pre} x {dense.n_post}"))
        return "dense_synapses_create"

    def _keep_stock(self, owner, reason):
        if isinstance(owner, BatchedSynapses):
            raise NotImplementedError(f"{owner.name!r} is shared by streams, and then cannot run as Brian2 wrote it: {reason}")
        owner._dense = None
        self.explanations.append(Explanation(owner.name, "stock", reason))
        logger.info(f"Synapses {owner.name!r} run as Brian2 wrote them: {reason}.", name_suffix="stock", once=True)

    def get_value(self, var, access_data=True):
        dense = getattr(getattr(var, "owner", None), "_dense", None)
        if self.has_been_run and isinstance(dense, lowering.Dense):
            i, j = np.divmod(np.arange(dense.n_pre * dense.n_post, dtype=np.int32), np.int32(dense.n_post))
            if var.name == "_synaptic_pre":
                return i + np.int32(dense.offset_pre)
            if var.name == "_synaptic_post":
                return j + np.int32(dense.offset_post)
        return super().get_value(var, access_data)

    def copy_source_files(self, writer, directory):
        super().copy_source_files(writer, directory)
        shutil.copy(_SUPPORT, directory)
        writer.header_files.add(_SUPPORT.name)

    def generate_network_source(self, writer, compiler):
        """Brian2's loop over the steps, but the clock is read once at the end and not in every step."""
        super().generate_network_source(writer, compiler)
        source = Path(writer.project_dir, "network.cpp")
        text = source.read_text()
        read = _CLOCK.search(text)
        if read and self._maximum_run_time is None:
            loop, rest = text[:read.start()], text[read.end():]
            after = "Network::_globally_running"  # = false, the first statement behind the loop
            source.write_text(loop + rest.replace(after, f"{read.group(0)}    {after}", 1))

    def network_run(self, net, duration, **kwds):
        super().network_run(net, duration, **{**kwds, "level": kwds.get("level", 0) + 1})
        # Brian2 has written the run as lines of C++; they hold the order of the code objects and their clocks.
        _, (_, lines) = next(entry for entry in reversed(self.main_queue) if entry[0] == "run_network")
        added = [re.match(r"\w+\.add\(&(\w+), _run_(\w+)\);", line) for line in lines]
        self._render_kernels([(m.group(1), self.code_objects[m.group(2)]) for m in added if m])

    def _render_kernels(self, order):
        """Group the passes over the same synapses and clock, fuse what may be fused, and write the kernels."""
        groups = {}
        for position, (clock, code) in enumerate(order):
            if code.name in self._passes:
                groups.setdefault((self._passes[code.name].dense.name, clock), []).append(position)
        for (name, _), positions in groups.items():
            for members in self._fused(name, positions, order):
                self._write(members)

    def _fused(self, name, positions, order):
        """The passes of one Synapses on one clock, as lists to be run as one kernel each."""
        runs = []
        for position in positions:
            this = self._passes[order[position][1].name]
            if runs:
                members, first = runs[-1]
                inside = {p.code_object.name for p in members}
                between = [(*self._touched(code), code.name) for _, code in order[first + 1:position]
                           if code.name not in inside]
                fuse, why = kernel.can_fuse([*members, this], between)
                self.explanations.append(Explanation(name, f"{this.code_object.name} "
                                                     f"{'joins' if fuse else 'stands apart from'} "
                                                     f"{members[0].code_object.name}", why))
                if fuse:
                    members.append(this)
                    continue
            runs.append(([this], position))
        return [members for members, _ in runs]

    def _touched(self, code):
        """(reads, writes) of a code object between two passes; unless it sums or updates, the safe answer."""
        arrays = {v for v in code.variables.values() if isinstance(v, ArrayVariable)}
        return self._uses.get(code.name, (arrays, {v for v in arrays if not v.read_only}))

    def _write(self, members):
        lead = members[0].code_object
        text = lead.code.cpp_file
        support, defines = list(members[0].support), list(members[0].defines)
        for p in members[1:]:
            lead.variables.update({n: v for n, v in p.code_object.variables.items() if n not in lead.variables})
            other = p.code_object.code
            other.cpp_file = other.cpp_file.replace(kernel.PLACEHOLDER, f"// done in {lead.name}")
            # Functions that only this pass uses go into the file of the first one.
            support += [piece for piece in p.support if piece not in support]
            defines += [line for line in p.defines if line not in defines]
        more = [*support[len(members[0].support):], *defines[len(members[0].defines):]]
        text = text.replace(_DEFINES, "\n".join(["namespace {", *more, "}", _DEFINES]), 1) if more else text
        lead.code.cpp_file = text.replace(kernel.PLACEHOLDER, kernel.render(members))


def _pass(made, owner, dense, template_kwds, scalar, vector, keywords, reads, writes):
    """The Pass of a lowered code object."""
    target, kind = template_kwds.get("_target_var"), "state"
    if target is not None:
        kind = "pre" if template_kwds["_index_var"] is owner.variables["_synaptic_pre"] else "post"
    own = {v for v in writes if getattr(v.owner, "name", None) == owner.name and not v.scalar}
    return kernel.Pass(
        code_object=made, dense=dense, kind=kind, scalar="\n".join(scalar[None]), vector="\n".join(vector[None]),
        pointers="\n".join(keywords["pointers_lines"]), support=tuple(keywords["support_pieces"]),
        defines=tuple(keywords["hashdefine_lines"]), reads=frozenset(reads),
        writes=frozenset(writes | ({target} if target is not None else set())), target=target,
        pointer=None if target is None else DenseCodeGenerator.get_array_name(target),
        c_type=None if target is None else {4: "float", 8: "double"}[np.dtype(target.dtype).itemsize],
        ordered=writes != own)


dense_device = DenseCPPDevice()
all_devices["cpp_dense"] = dense_device
