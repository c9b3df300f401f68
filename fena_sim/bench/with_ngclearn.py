"""ngclearn: the nearest network that can be built from its parts.

RateCells, GaussianErrorCells and HebbianSynapses with the widths, initial weights, tanh and rates
of `networks`. Per step and synapse it does the same: a prediction, a feedback and, where it learns,
a Hebbian change. On neurons it does less: its errors are not integrated but follow at once.
ngclearn's own models carry feedback by synapses with copied transposed weights; here a synapse of
ours multiplies by the same weights, which is up to ten times faster. What no step changes is a
constant for the compiler, which again is much faster than its default of carrying all state.
"""

import time

import jax
from jax import numpy as jnp
from ngclearn import Context, MethodProcess, compilable
from ngclearn.components import GaussianErrorCell, HebbianSynapse, RateCell, StaticSynapse
from ngcsimlib.global_state import stateManager

from .networks import DT, ETA, LEAK, TAU, Case, initial_state
from .subject import Subject


class Feedback(StaticSynapse):
    """A synapse that carries signals from the target of `weights` back to their source."""

    @compilable
    def advance_state(self) -> None:
        weights = self.weights.get()
        inputs = self.inputs.get()
        self.outputs.set(jnp.matmul(weights, inputs.T).T)


class NgcLearn(Subject):
    def __init__(self, case: Case) -> None:
        jax.config.update("jax_enable_x64", case.dtype == "float64")
        state, advance = _build(case, f"{case.network}_{case.batch}")
        after = advance(state)  # the first step settles all shapes
        fixed = {name: value for name, value in state.items() if after[name] is value}
        self.state = {name: jnp.array(value) for name, value in after.items() if name not in fixed}

        def step(_, changing):
            new = advance({**fixed, **changing})
            return {name: jnp.asarray(new[name], changing[name].dtype) for name in changing}

        self._steps = jax.jit(
            lambda steps, s: jax.lax.fori_loop(0, steps, step, s), donate_argnums=1
        )
        self.run(1)

    def run(self, steps: int) -> float:
        start = time.perf_counter()
        self.state = jax.block_until_ready(self._steps(steps, self.state))
        return time.perf_counter() - start


def _build(case, name):
    """ngclearn's state, and a function that advances it by one step."""
    initial = {
        key: jnp.asarray(v if key[0] == "w" else v.T) for key, v in initial_state(case).items()
    }
    top, width = len(case.sizes) - 1, {"batch_size": case.batch}
    with Context(name):
        z, w, back = {}, {}, {}
        e = {
            level: GaussianErrorCell(f"e{level}", n_units=n, **width)
            for level, n in enumerate(case.sizes[:-1])
        }
        for level in range(1, top + 1):
            above, below = case.sizes[level], case.sizes[level - 1]
            z[level] = RateCell(
                f"z{level}",
                n_units=above,
                tau_m=TAU / DT,
                act_fx="tanh",
                prior=("gaussian", LEAK if level == top else 0.0),
                **width,
            )
            w[level] = HebbianSynapse(
                f"w{level}",
                shape=(above, below),
                eta=ETA * DT,
                sign_value=-1.0,
                w_bound=0.0,
                **width,
                weight_init=lambda shape, key, v=initial[f"w{level}"]: v,
            )
            back[level] = Feedback(f"back{level}", shape=(below, above), **width)
            w[level].weights >> back[level].weights
            z[level].zF >> w[level].inputs
            w[level].outputs >> e[level - 1].mu
            e[level - 1].dmu >> back[level].inputs
            back[level].outputs >> z[level].j
            z[level].zF >> w[level].pre
            e[level - 1].dmu >> w[level].post
            if level < top:
                z[level].z >> e[level].target
                e[level].dtarget >> z[level].j_td
        step = MethodProcess("step")
        for part in (*w.values(), *e.values(), *back.values(), *z.values()):
            step = step >> part.advance_state
        for part in w.values() if case.plastic else ():
            step = step >> part.evolve
    e[0].target.set(initial["r0"])
    for level, cell in z.items():
        cell.z.set(initial[f"r{level}"])
        cell.zF.set(jnp.tanh(initial[f"r{level}"]))
    arguments = step.pack_keywords(**dict.fromkeys(step.get_keywords(), 1.0))
    mine = {key: value for key, value in stateManager.state.items() if key.startswith(f"{name}:")}
    return mine, lambda state: step.run.compiled.source_fn(dict(state), arguments)[0]
