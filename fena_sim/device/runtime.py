"""Brian2's runtime mode with NumPy, all-to-all synapses as matrices: slower than C++, but it works
without a compiler.
"""

from collections.abc import Mapping, Sequence

import brian2
import numpy as np
from brian2 import Quantity, prefs, second

from brian2_dense.lowering_device import Explanation
from brian2_dense.numpy_target import NumpyDenseCodeObject

from ..declare.model.hierarchy import Hierarchy
from ..declare.protocol.probe import Probe
from ..declare.stimulus.vocabulary import Vocabulary
from ..network.build import build_network
from ..network.monitors import SAMPLES
from ..network.population import state_variables
from ..network.shape import BlockShape
from .program import Program
from .recordings import Recordings


class RuntimeProgram(Program):
    """A network held in this process, `built` of Brian2 objects. One instance at a time may be in
    use.
    """

    def __init__(
        self,
        hierarchy: Hierarchy,
        vocabulary: Vocabulary,
        shape: BlockShape,
        probes: Sequence[Probe],
    ) -> None:
        brian2.set_device("runtime")
        prefs.codegen.target = NumpyDenseCodeObject.class_name
        self.dt = float(hierarchy.dt)
        self.built = build_network(hierarchy, vocabulary, shape, probes)
        self._state = {
            f"{owner}.{name}": variable
            for owner, group in self.built.groups.items()
            for name, variable in state_variables(group).items()
        }
        self.variables = {
            name: (variable.size, np.dtype(variable.dtype))
            for name, variable in self._state.items()
        }

    def run(
        self,
        state: Mapping[str, np.ndarray],
        tables: Mapping[str, np.ndarray],
        start: int,
        steps: int,
    ) -> tuple[dict[str, np.ndarray], Recordings]:
        for name, values in state.items():
            self._state[name].set_value(values)
        for name, values in tables.items():
            self.built.tables[name].values[...] = values
        for monitor in self.built.monitors.values():
            monitor.resize(0)
            if "_source_start" in monitor.variables:
                monitor.variables["N"].set_value(0)
        self.built.network.t_ = start * self.dt
        self.built.network.run(Quantity(steps * self.dt, dim=second.dim), namespace={})
        return (
            {
                name: np.array(variable.get_value(), copy=True)
                for name, variable in self._state.items()
            },
            Recordings.read({what: self._raw(what) for what in self.built.monitors}),
        )

    def _raw(self, what):
        def array(name):
            return np.array(self.built.monitors[what].variables[name].get_value())

        units = None if what.moment == SAMPLES else array("i")
        return array("t"), units, {name: array(name) for name in what.variables}


class RuntimeDevice:
    """Brian2 runtime, the NumPy target of `dense.numpy_target`."""

    name = "runtime"
    STAND_IN = "build"  # what builds networks is a device

    def available(self) -> None:
        """None; every machine has it."""
        return None

    def check_places(self) -> None:
        """Nothing: the runtime needs neither a cache nor temporary files."""

    def explain(
        self,
        hierarchy: Hierarchy,
        vocabulary: Vocabulary,
        shape: BlockShape,
        probes: Sequence[Probe] = (),
    ) -> list[Explanation]:
        """Nothing: the runtime has no dense kernels."""
        return []

    def build(
        self,
        hierarchy: Hierarchy,
        vocabulary: Vocabulary,
        shape: BlockShape,
        probes: Sequence[Probe] = (),
    ) -> RuntimeProgram:
        return RuntimeProgram(hierarchy, vocabulary, shape, probes)
