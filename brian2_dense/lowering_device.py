"""Lowering: the device records the requests of Brian2, and rewrites synapses as dense kernels
when it builds.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import attrs
import numpy as np
from brian2.codegen.codeobject import CodeObject
from brian2.codegen.generators.cpp_generator import c_data_type
from brian2.core.functions import Function
from brian2.core.variables import ArrayVariable, Variable
from brian2.devices.device import Device
from brian2.groups.group import VariableOwner
from brian2.synapses.synapses import Synapses
from brian2.utils.logger import get_logger

from . import kernel, lowering
from .batch import BatchedSynapses
from .generator import DenseIndices

logger = get_logger("brian2_dense")


@attrs.frozen
class Explanation:
    """What became of one Synapses, or of one of its passes: for messages and tests."""

    synapses: str
    done: str
    why: str


class LoweringDevice(Device):
    """Stands between Brian2's `Device` and a standalone device of Brian2 or brian2cuda: class
    Dense(Standalone, LoweringDevice).

    A subclass names its `generator` (see `generator.DenseIndices`) and has two methods:
    ``adorn(code_object)`` may add to the text of a code object, and ``write_kernel(passes)`` puts
    the kernel of some fused passes into it.
    """

    generator: type[DenseIndices]

    def forget(self) -> None:
        """Begin a new program."""
        self.explanations: list[Explanation] = []
        self._requests: dict[str, lowering.Request] = {}
        self._passes: dict[str, lowering.Pass] = {}
        #: The index arrays that lowered synapses do without: (shape, "pre" or "post") by variable.
        self.dense: dict[ArrayVariable, tuple[lowering.Dense, str]] = {}

    def code_object(
        self,
        owner: VariableOwner,
        name: str,
        abstract_code: dict[str | None, str],
        variables: dict[str, Variable | Function],
        template_name: str,
        variable_indices: dict[str, str],
        codeobj_class: type[CodeObject] | None = None,
        template_kwds: dict[str, Any] | None = None,
        **kwds: Any,
    ) -> CodeObject:
        """Brian2's code object. Whether it stays is decided by `lower`, when all is known about the
        synapses.
        """
        known = dict(variables)
        made = super().code_object(
            owner,
            name,
            abstract_code,
            variables,
            template_name,
            variable_indices,
            codeobj_class=codeobj_class,
            template_kwds=template_kwds,
            **kwds,
        )
        self.adorn(made)
        self._requests[made.name] = lowering.Request(
            made=made,
            stock=made.code,
            template=template_name,
            template_kwds=dict(template_kwds or {}),
            owner=owner.variables["_synaptic_pre"] if isinstance(owner, Synapses) else None,
            arguments=dict(
                abstract_code=abstract_code,
                variables=known,
                variable_indices=variable_indices,
                codeobj_class=codeobj_class,
                **kwds,
            ),
            blocks=self.generator.blocks.pop(made.name, None),
        )
        return made

    def lower(self) -> None:
        """Write again, as dense kernels, what may be; everything else is as Brian2 wrote it (also
        after an earlier build).
        """
        self.explanations, self._passes, self.dense = [], {}, {}
        for request in self._requests.values():
            request.made.code = request.stock
        lowered = {}
        for synapses in sorted(self.synapses, key=lambda s: s.name):
            requests = [r for r in self._requests.values() if r.concerns(synapses)]
            reason = lowering.reason_against(
                synapses, requests, self.synapses
            ) or self._named_in_inserted_code(synapses)
            if reason is not None:
                self._keep_stock(synapses, reason)
                continue
            dense = lowering.shape(synapses)
            self.dense[synapses.variables["_synaptic_pre"]] = dense, "pre"
            self.dense[synapses.variables["_synaptic_post"]] = dense, "post"
            self.explanations.append(
                Explanation(synapses.name, "dense", f"all-to-all, {dense.n_pre} x {dense.n_post}")
            )
            lowered.update({r.made.name: (r, synapses, dense) for r in requests})
        for request, synapses, dense in lowered.values():
            self._rewrite(request, synapses, dense)
        for kind, arguments in self.main_queue:
            if kind == "run_network":
                self._render_kernels(self.steps(arguments[1]))
        for inactive in list(self._passes.values()):
            self._write([inactive])

    def steps(self, lines: Iterable[str]) -> list[tuple[str, CodeObject]]:
        """What a run does in every step, as a list of (name of the clock, code object), from its
        lines of C++.
        """
        added = [re.match(r"\w+\.add\(&(\w+), _run_(\w+)\);", line) for line in lines]
        return [
            (m.group(1), self.code_objects[m.group(2)])
            for m in added
            if m and m.group(2) in self.code_objects
        ]

    def _rewrite(self, request, synapses, dense):
        made, arguments, template_kwds = (
            request.made,
            dict(request.arguments),
            dict(request.template_kwds),
        )
        name, lower = lowering.template(request)
        if lower == "create":
            indices = {synapses.variables["_synaptic_pre"], synapses.variables["_synaptic_post"]}
            template_kwds.update(
                dense=dense,
                dense_arrays=[
                    self.get_array_name(v, access_data=False)
                    for v in synapses._registered_variables
                    if v not in indices
                ],
            )
        # Past Brian2's standalone device, whose bookkeeping of the code object was done the first
        # time.
        again = Device.code_object(
            self,
            synapses if request.owner is not None else made.owner,
            made.name,
            template_name=name,
            template_kwds=template_kwds,
            **{**arguments, "variables": dict(arguments["variables"])},
        )
        made.code = again.code
        self.adorn(made)
        blocks = self.generator.blocks.pop(made.name, None)
        if lower == "pass":
            self._passes[made.name] = _pass(
                self.generator, made, synapses, dense, template_kwds, *blocks
            )

    def _named_in_inserted_code(self, synapses):
        """Why the user's own C++ (`device.insert_code`) needs the indices of synapses; None if it
        does not.
        """
        inserted = [code for kind, code in self.main_queue if kind == "insert_code"] + sum(
            self.code_lines.values(), []
        )
        names = [
            self.arrays[synapses.variables[name]] for name in ("_synaptic_pre", "_synaptic_post")
        ]
        return (
            "inserted code needs their indices"
            if any(name in code for name in names for code in inserted)
            else None
        )

    def _keep_stock(self, synapses, reason):
        if isinstance(synapses, BatchedSynapses):
            raise NotImplementedError(
                f"{synapses.name!r} is shared by streams, and then cannot run as Brian2 wrote it: {reason}"
            )
        self.explanations.append(Explanation(synapses.name, "stock", reason))
        logger.info(
            f"Synapses {synapses.name!r} run as Brian2 wrote them: {reason}.",
            name_suffix="stock",
            once=True,
        )

    def index_values(self, var: ArrayVariable) -> np.ndarray | None:
        """The values of an index array that lowered synapses do without; None for any other
        variable, or before the run.
        """
        dense, side = self.dense.get(var, (None, None))
        if dense is None or not self.has_been_run:
            return None
        var.size = dense.n_pre * dense.n_post
        i, j = np.divmod(np.arange(var.size, dtype=np.int32), np.int32(dense.n_post))
        return i + np.int32(dense.offset_pre) if side == "pre" else j + np.int32(dense.offset_post)

    def _render_kernels(self, order):
        """Group the passes over the same synapses and clock, fuse what may be fused, and write the
        kernels.
        """
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
                between = [
                    (*self._requests[code.name].touched(time), code.name)
                    for _, code in order[first + 1 : position]
                    if code.name not in inside
                ]
                fuse, why = kernel.can_fuse([*members, this], between)
                self.explanations.append(
                    Explanation(
                        name,
                        f"{this.code_object.name} "
                        f"{'joins' if fuse else 'stands apart from'} "
                        f"{members[0].code_object.name}",
                        why,
                    )
                )
                if fuse:
                    members.append(this)
                    continue
            runs.append(([this], position))
        return [members for members, _ in runs]

    def _write(self, members):
        for p in members:
            del self._passes[p.code_object.name]
        lead = members[0].code_object
        for p in members[1:]:
            lead.variables.update(
                {n: v for n, v in p.code_object.variables.items() if n not in lead.variables}
            )
        self.write_kernel(members)


def merged(members: Sequence[lowering.Pass], part: str) -> list[str]:
    """The pieces of `part` ("support", "defines", ...) that later passes need and the first one has
    not, in order.
    """
    pieces = dict.fromkeys(piece for p in members[1:] for piece in getattr(p, part))
    return [piece for piece in pieces if piece not in getattr(members[0], part)]


def _pass(generator, made, owner, dense, template_kwds, scalar, vector, keywords, reads, writes):
    """The Pass of a lowered code object."""
    target, kind = template_kwds.get("_target_var"), "state"
    if target is not None:
        kind = "pre" if template_kwds["_index_var"] is owner.variables["_synaptic_pre"] else "post"
    own = {v for v in writes if getattr(v.owner, "name", None) == owner.name and not v.scalar}
    # Random numbers are drawn in Brian2's order, so that the same seed gives the same numbers.
    draws = any(isinstance(v, Function) and not v.stateless for v in made.variables.values())
    return lowering.Pass(
        code_object=made,
        dense=dense,
        kind=kind,
        scalar="\n".join(scalar[None]),
        vector="\n".join(["const size_t _vectorisation_idx = _idx;", *vector[None]]),
        pointers="\n".join(keywords["pointers_lines"]),
        support=tuple(keywords["support_pieces"]),
        defines=tuple(keywords["hashdefine_lines"]),
        kernel_lines=tuple(keywords.get("kernel_lines", ())),
        reads=frozenset(reads),
        writes=frozenset(writes | ({target} if target is not None else set())),
        target=target,
        pointer=None if target is None else generator.get_array_name(target),
        c_type=None if target is None else c_data_type(target.dtype),
        ordered=writes != own or draws,
    )
