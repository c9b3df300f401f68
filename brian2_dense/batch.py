"""Synapses that several independent streams share."""

from typing import Any

from brian2.devices.device import get_device
from brian2.equations import Equations
from brian2.groups.neurongroup import NeuronGroup
from brian2.groups.subgroup import Subgroup
from brian2.synapses.synapses import Synapses


class BatchedSynapses(Synapses):
    """All-to-all synapses shared by `batch` streams: one set of weights, `batch` copies of the
    units.

    Source and target hold whole streams one after the other: unit u of stream b is number b*N + u,
    with N = len(group)/batch. Synapses join units of the same stream; synapse (i, j) is number
    i*N_post + j and there are N_pre*N_post of them. In the equations i, j, N_pre and N_post count
    units, not copies.

    Sums are those of each stream. Statements that change synaptic variables start from the same
    value for every stream, and the changes of all streams are added up; statements that read
    nothing of the streams are applied once. What is set from expressions, as in ``S.w = 'f_pre'``,
    reads stream 0.

    Parameters
    ----------
    source, target : NeuronGroup
        Of batch*N_pre and batch*N_post units.
    batch : int
    model, **kwds
        As for `brian2.Synapses`, without pathways.

    Raises
    ------
    ValueError
        A group's size is no multiple of `batch`.
    NotImplementedError
        Subgroups, pathways, or (in `connect`) a device other than cpp_dense.
    """

    def __init__(
        self,
        source: NeuronGroup,
        target: NeuronGroup,
        model: Equations | str | None = None,
        *,
        batch: int,
        **kwds: Any,
    ) -> None:
        for side, group in (("source", source), ("target", target)):
            if isinstance(group, Subgroup):
                raise NotImplementedError(
                    f"synapses shared by streams cannot have a subgroup as their {side}: "
                    f"connect the whole group"
                )
            if len(group) % batch:
                raise ValueError(
                    f"the {side} {group.name!r} has {len(group)} units, which are not {batch} streams of "
                    f"equal size: make its size a multiple of {batch}"
                )
        if kwds.get("on_pre") or kwds.get("on_post"):
            raise NotImplementedError(
                "synapses shared by streams cannot act on spikes or other events"
            )
        self._batch = batch
        super().__init__(source, target, model, **kwds)

    def _create_variables(self, equations, user_dtype=None):
        super()._create_variables(equations, user_dtype)
        for name, group in (("N_pre", self.source), ("N_post", self.target)):
            del self.variables._variables[name]
            self.variables.add_constant(name, len(group) // self._batch)

    def connect(self) -> None:
        """Join every unit of the source to every unit of the target, within each stream."""
        if not getattr(get_device(), "serves_batches", False):
            raise NotImplementedError("synapses shared by streams need set_device('cpp_dense')")
        super().connect()
