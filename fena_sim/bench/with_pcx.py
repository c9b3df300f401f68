"""pcx: the nearest network that can be built from its parts.

Vodes (value nodes) with squared errors and Linear layers with the widths, initial weights, tanh and
rates of `networks`. Every step is one step of incremental predictive coding: one gradient of the
energy gives the change of the nodes and, where it learns, of the weights. On neurons it does less
than ours: its errors follow at once.
"""

import time

import jax
import optax
import pcx as px
import pcx.functional as pxf
import pcx.nn as pxnn
import pcx.predictive_coding as pxc
import pcx.utils as pxu
from jax import numpy as jnp

from .networks import DT, ETA, TAU, Case, initial_state
from .subject import Subject

LOOPED = 100  # steps of one scan


class Hierarchy(pxc.EnergyModule):
    """A generative model: every node predicts the one below; the top is drawn to zero."""

    def __init__(self, case: Case) -> None:
        super().__init__()
        self.sizes = px.static(case.sizes)
        downwards = range(len(case.sizes) - 1, 0, -1)
        self.layers = [
            pxnn.Linear(case.sizes[level], case.sizes[level - 1], bias=False) for level in downwards
        ]
        self.vodes = [pxc.Vode() for _ in case.sizes]
        self.vodes[-1].h.frozen = True  # the input

    def __call__(self):
        x = self.vodes[0](jnp.zeros(self.sizes.get()[-1]))
        for layer, vode in zip(self.layers, self.vodes[1:], strict=True):
            x = vode(layer(jnp.tanh(x)))
        return x


@pxf.vmap(
    pxu.M(pxc.VodeParam | pxc.VodeParam.Cache).to((None, 0)),
    in_axes=(),
    out_axes=None,
    axis_name="batch",
)
def energy(*, model: Hierarchy) -> "jax.Array":
    model()
    return jax.lax.psum(model.energy(), "batch")


class Pcx(Subject):
    """Steps run by pxf.scan inside one jit: on small networks ten times faster than unrolling them,
    as its examples do.
    """

    def __init__(self, case: Case) -> None:
        jax.config.update("jax_enable_x64", case.dtype == "float64")
        self.model, initial = Hierarchy(case), initial_state(case)
        levels = len(case.sizes) - 1
        for k, vode in enumerate(self.model.vodes):
            vode.h.set(jnp.asarray(initial[f"r{levels - k}"].T))
            vode.shape.set((case.sizes[levels - k],))
        for k, layer in enumerate(self.model.layers):
            layer.nn.weight.set(jnp.asarray(initial[f"w{levels - k}"].T))
        nodes, weights = pxu.M_hasnot(pxc.VodeParam, frozen=True), pxu.M(pxnn.LayerParam)
        self.optimisers = [pxu.Optim(lambda: optax.sgd(DT / TAU), nodes(self.model))]
        if case.plastic:
            self.optimisers.append(pxu.Optim(lambda: optax.sgd(ETA * DT), weights(self.model)))
        gradient = pxf.value_and_grad(
            (nodes | weights if case.plastic else nodes).to([False, True])
        )(energy)

        def step(model, optimisers):
            with pxu.step(model, clear_params=pxc.VodeParam.Cache):
                _, g = gradient(model=model)
            for optimiser in optimisers:
                optimiser.step(model, g["model"])

        def call(*, model, optimisers):
            def body(_, *, model, optimisers):
                step(model, optimisers)
                return (), None

            pxf.scan(body, xs=None, length=LOOPED)(model=model, optimisers=optimisers)

        self._call = pxf.jit()(call)
        self.run(1)

    def run(self, steps: int) -> float:
        start = time.perf_counter()
        calls = -(-steps // LOOPED)
        for _ in range(calls):
            self._call(model=self.model, optimisers=self.optimisers)
        jax.block_until_ready(self.model.vodes[0].h.get())
        return (time.perf_counter() - start) * steps / (calls * LOOPED)
