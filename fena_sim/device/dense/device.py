"""The device: Brian2's C++ standalone with dense kernels in the place of scatter loops over synapses."""

import re
import shutil
from pathlib import Path

import attrs
import numpy as np
from brian2.codegen.generators.cpp_generator import c_data_type
from brian2.core.functions import Function
from brian2.core.preferences import prefs
from brian2.devices.cpp_standalone.device import CPPStandaloneDevice, RunFunctionContext
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

    def __init__(self):  # Brian2's reinit() calls it again
        super().__init__()
        self.explanations, self._requests, self._passes = [], {}, {}
        #: The index arrays that lowered synapses do without: (shape, "pre" or "post") by variable.
        self.dense = {}

    def code_object_class(self, codeobj_class=None, fallback_pref=None):
        return DenseCodeObject if codeobj_class is None else codeobj_class

    def code_object(self, owner, name, abstract_code, variables, template_name, variable_indices, codeobj_class=None,
                    template_kwds=None, **kwds):
        """Brian2's code object. Whether it stays is decided by `build`, when all is known about the synapses."""
        known = dict(variables)
        made = super().code_object(owner, name, abstract_code, variables, template_name, variable_indices,
                                   codeobj_class=codeobj_class, template_kwds=template_kwds, **kwds)
        made.code.cpp_file = f'#include "{_SUPPORT.name}"\n{made.code.cpp_file}'
        self._requests[made.name] = lowering.Request(
            made=made, stock=made.code, template=template_name,
            template_kwds={**(template_kwds or {}), "profiled": self.enable_profiling},
            owner=owner.variables["_synaptic_pre"] if isinstance(owner, Synapses) else None,
            arguments=dict(abstract_code=abstract_code, variables=known, variable_indices=variable_indices,
                           codeobj_class=codeobj_class, **kwds),
            blocks=DenseCodeGenerator.blocks.pop(made.name, None))
        return made

    def build(self, *args, **kwds):
        self._lower()
        super().build(*args, **kwds)

    def run_function(self, name, include_in_parent=True):
        return _RunFunction(self, name, include_in_parent)

    def _lower(self):
        """Write again, as dense kernels, what may be; everything else is as Brian2 wrote it (also after an earlier build)."""
        self.explanations, self._passes, self.dense = [], {}, {}
        for request in self._requests.values():
            request.made.code = request.stock
        lowered = {}
        for synapses in sorted(self.synapses, key=lambda s: s.name):
            requests = [r for r in self._requests.values() if r.concerns(synapses)]
            reason = lowering.reason_against(synapses, requests, self.synapses) or self._named_in_inserted_code(synapses)
            if reason is not None:
                self._keep_stock(synapses, reason)
                continue
            dense = lowering.shape(synapses)
            self.dense[synapses.variables["_synaptic_pre"]] = dense, "pre"
            self.dense[synapses.variables["_synaptic_post"]] = dense, "post"
            self.explanations.append(Explanation(synapses.name, "dense", f"all-to-all, {dense.n_pre} x {dense.n_post}"))
            lowered.update({r.made.name: (r, synapses, dense) for r in requests})
        for request, synapses, dense in lowered.values():
            self._rewrite(request, synapses, dense)
        for kind, arguments in self.main_queue:
            if kind == "run_network":
                # Brian2 has written the run as lines of C++; they hold the order of the code objects and their clocks.
                added = [re.match(r"\w+\.add\(&(\w+), _run_(\w+)\);", line) for line in arguments[1]]
                self._render_kernels([(m.group(1), self.code_objects[m.group(2)]) for m in added if m])
        for inactive in list(self._passes.values()):
            self._write([inactive])

    def _rewrite(self, request, synapses, dense):
        made, arguments, template_kwds = request.made, dict(request.arguments), dict(request.template_kwds)
        template_kwds["user_headers"] = (self.headers + prefs["codegen.cpp.headers"]
                                         + (arguments.get("compiler_kwds") or {}).get("headers", []))
        name, lower = lowering.template(request)
        if lower == "create":
            indices = {synapses.variables["_synaptic_pre"], synapses.variables["_synaptic_post"]}
            template_kwds.update(dense=dense, dense_arrays=[self.get_array_name(v, access_data=False)
                                                            for v in synapses._registered_variables if v not in indices])
        # Past Brian2's standalone device, whose bookkeeping of the code object was done the first time.
        again = super(CPPStandaloneDevice, self).code_object(
            synapses if request.owner is not None else made.owner, made.name, template_name=name, template_kwds=template_kwds,
            **{**arguments, "variables": dict(arguments["variables"])})
        made.code = again.code
        made.code.cpp_file = f'#include "{_SUPPORT.name}"\n{made.code.cpp_file}'
        blocks = DenseCodeGenerator.blocks.pop(made.name, None)
        if lower == "pass":
            self._passes[made.name] = _pass(made, synapses, dense, template_kwds, *blocks)

    def _named_in_inserted_code(self, synapses):
        """Why the user's own C++ (`device.insert_code`) needs the indices of synapses; None if it does not."""
        inserted = [code for kind, code in self.main_queue if kind == "insert_code"] + sum(self.code_lines.values(), [])
        names = [self.arrays[synapses.variables[name]] for name in ("_synaptic_pre", "_synaptic_post")]
        return "inserted code needs their indices" if any(name in code for name in names for code in inserted) else None

    def _keep_stock(self, synapses, reason):
        if isinstance(synapses, BatchedSynapses):
            raise NotImplementedError(f"{synapses.name!r} is shared by streams, and then cannot run as Brian2 wrote it: {reason}")
        self.explanations.append(Explanation(synapses.name, "stock", reason))
        logger.info(f"Synapses {synapses.name!r} run as Brian2 wrote them: {reason}.", name_suffix="stock", once=True)

    def get_value(self, var, access_data=True):
        dense, side = self.dense.get(var, (None, None))
        if dense is None or not self.has_been_run:
            return super().get_value(var, access_data)
        var.size = dense.n_pre * dense.n_post
        i, j = np.divmod(np.arange(var.size, dtype=np.int32), np.int32(dense.n_post))
        return i + np.int32(dense.offset_pre) if side == "pre" else j + np.int32(dense.offset_post)

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
            after = "_last_run_time = elapsed_realtime;"  # behind the loop
            source.write_text(loop + rest.replace(after, f"{read.group(0)}    {after}", 1))

    def _render_kernels(self, order):
        """Group the passes over the same synapses and clock, fuse what may be fused, and write the kernels."""
        groups, time = {}, {v for clock in self.clocks for v in clock.variables.values()}
        for position, (clock, code) in enumerate(order):
            if code.name in self._passes:
                groups.setdefault((self._passes[code.name].dense.name, clock), []).append(position)
        for (name, _), positions in groups.items():
            for members in self._fused(name, positions, order, time):
                self._write(members)

    def _fused(self, name, positions, order, time):
        """The passes of one Synapses on one clock, as lists to be run as one kernel each."""
        runs = []
        for position in positions:
            this = self._passes[order[position][1].name]
            if runs:
                members, first = runs[-1]
                inside = {p.code_object.name for p in members}
                between = [(*self._requests[code.name].touched(time), code.name) for _, code in order[first + 1:position]
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

    def _write(self, members):
        for p in members:
            del self._passes[p.code_object.name]
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
    # Random numbers are drawn in Brian2's order, so that the same seed gives the same numbers.
    draws = any(isinstance(v, Function) and not v.stateless for v in made.variables.values())
    return kernel.Pass(
        code_object=made, dense=dense, kind=kind, scalar="\n".join(scalar[None]),
        vector="\n".join(["const size_t _vectorisation_idx = _idx;", *vector[None]]),
        pointers="\n".join(keywords["pointers_lines"]), support=tuple(keywords["support_pieces"]),
        defines=tuple(keywords["hashdefine_lines"]), reads=frozenset(reads),
        writes=frozenset(writes | ({target} if target is not None else set())), target=target,
        pointer=None if target is None else DenseCodeGenerator.get_array_name(target),
        c_type=None if target is None else c_data_type(target.dtype),
        ordered=writes != own or draws)


class _RunFunction(RunFunctionContext):
    """What happens within goes into a function of its own; Brian2's context knows its own device only."""

    def __init__(self, device, name, include_in_parent):
        super().__init__(name, include_in_parent)
        self._device = device

    def __enter__(self):
        self._device.main_queue.append(("start_run_func", (self.name, self.include_in_parent)))

    def __exit__(self, *error):
        self._device.main_queue.append(("end_run_func", (self.name, self.include_in_parent)))


dense_device = DenseCPPDevice()
all_devices["cpp_dense"] = dense_device
