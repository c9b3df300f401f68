"""brian2cuda's statements, with counters instead of index arrays."""

from pathlib import Path

from brian2.codegen.targets import codegen_targets
from brian2cuda.codeobject import CUDAStandaloneCodeObject
from brian2cuda.cuda_generator import CUDACodeGenerator
from jinja2 import ChoiceLoader, FileSystemLoader

from ..generator import DenseIndices


class DenseCUDAGenerator(DenseIndices, CUDACodeGenerator):
    """brian2cuda's generator; see `DenseIndices`."""

    blocks: dict = {}


class DenseCUDACodeObject(CUDAStandaloneCodeObject):
    """A code object of brian2cuda whose templates include the dense ones."""

    templater = CUDAStandaloneCodeObject.templater.derive("brian2cuda", extension=".cu")
    templater.env.loader = ChoiceLoader(
        [FileSystemLoader(Path(__file__).parent / "templates"), templater.env.loader]
    )
    generator_class = DenseCUDAGenerator


codegen_targets.add(DenseCUDACodeObject)
