"""Brian2's C++ statements, with loop counters instead of index arrays."""

from pathlib import Path
from typing import Any

from brian2.codegen.generators.base import CodeGenerator
from brian2.codegen.generators.cpp_generator import CPPCodeGenerator
from brian2.codegen.statements import Statement
from brian2.codegen.targets import codegen_targets
from brian2.core.functions import Function
from brian2.core.variables import ArrayVariable
from brian2.devices.cpp_standalone.codeobject import CPPStandaloneCodeObject
from brian2.devices.device import get_device
from jinja2 import ChoiceLoader, FileSystemLoader

from .lowering import PASSES, POST, PRE

#: Templates that loop over i and j themselves; elsewhere i and j are computed from the synapse's
#: number.
LOOPS = tuple(f"dense_{name}" for name in PASSES)


class DenseIndices(CodeGenerator):
    """For generators of C++ and CUDA: writes the statements of lowered synapses; everything else as
    Brian2 does.
    """

    #: Statement blocks of sums and state updates by code object: (scalar, vector, keywords, reads,
    #: writes).
    blocks: dict = {}

    def translate_statement_sequence(
        self,
        scalar_statements: dict[str | None, list[Statement]],
        vector_statements: dict[str | None, list[Statement]],
    ) -> tuple[dict[str | None, list[str]], dict[str | None, list[str]], dict[str, Any]]:
        scalar, vector, keywords = super().translate_statement_sequence(
            scalar_statements, vector_statements
        )
        if self.template_name.removeprefix("dense_") in PASSES:
            reads, writes = set(), set()
            for statements in [*scalar_statements.values(), *vector_statements.values()]:
                read, write, _, _ = self.arrays_helper(statements)
                reads |= {self.variables[name] for name in read}
                writes |= {self.variables[name] for name in write}
            self.blocks[self.name] = (scalar, vector, keywords, reads, writes)
        return scalar, vector, keywords

    def determine_keywords(self) -> dict[str, Any]:
        """Brian2's keywords; with the support code also function by function, to be merged when
        passes are.
        """
        keywords, pieces = super().determine_keywords(), []
        added: set[str] = set()
        for name, function in list(self.variables.items()):
            if isinstance(function, Function):
                found = self._add_user_function(name, function, added)
                if found is not None:
                    pieces += [piece for piece in found[2] if piece not in pieces]
        keywords["support_pieces"] = pieces
        return keywords

    def translate_to_read_arrays(
        self, read: set[str], write: set[str], indices: set[str]
    ) -> list[str]:
        lowered = get_device().dense
        dense = next(
            (
                lowered[v][0]
                for v in self.variables.values()
                if isinstance(v, ArrayVariable) and v in lowered
            ),
            None,
        )
        if dense is None or self.template_name == "dense_synapses_create":
            return super().translate_to_read_arrays(read, write, indices)
        lines = []
        if self.template_name not in LOOPS:
            used = (
                {self.variable_indices[name] for name in (read | write)} | set(indices) | set(read)
            )
            if PRE in used or self._reads(read, "_synaptic_pre"):
                lines.append(
                    f"const int32_t {PRE} = (int32_t)(_idx / {dense.n_post}) + {dense.offset_pre};"
                )
            if POST in used or self._reads(read, "_synaptic_post"):
                lines.append(
                    f"const int32_t {POST} = (int32_t)(_idx % {dense.n_post}) + {dense.offset_post};"
                )
        loops = self.template_name in LOOPS
        for array, counter, offset, unit in (
            ("_synaptic_pre", PRE, dense.offset_pre, "_pre_unit"),
            ("_synaptic_post", POST, dense.offset_post, "_post_unit"),
        ):
            lines += [
                f"const int32_t {name} = {unit if loops else f'{counter} - {offset}'};"
                for name in self._reads(read, array)
                if name not in (PRE, POST)
            ]
        left = {
            name
            for name in read
            if name not in self._reads(read, "_synaptic_pre")
            and name not in self._reads(read, "_synaptic_post")
        }
        return lines + super().translate_to_read_arrays(left, write, set(indices) - {PRE, POST})

    def _reads(self, read, array):
        """Names in `read` that stand for the synapses' index array (the user's i and j among them)."""
        return sorted(name for name in read if getattr(self.variables[name], "name", None) == array)


class DenseCodeGenerator(DenseIndices, CPPCodeGenerator):
    """Brian2's generator of C++, with counters in the place of index arrays."""

    blocks: dict = {}


class DenseCodeObject(CPPStandaloneCodeObject):
    """A standalone code object whose templates include the dense ones."""

    templater = CPPStandaloneCodeObject.templater.derive("brian2.devices.cpp_standalone")
    templater.env.loader = ChoiceLoader(
        [FileSystemLoader(Path(__file__).parent / "templates"), templater.env.loader]
    )
    generator_class = DenseCodeGenerator


codegen_targets.add(DenseCodeObject)
