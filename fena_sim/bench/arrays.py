"""The benchmark network on arrays: NumPy with BLAS, and JAX with the loop over steps inside jit."""

import time

import numpy as np

from .networks import CHECKED_STEPS, DT, ETA, LEAK, TAU, TAU_ERROR, Case, initial_state
from .subject import Subject


def _levels(case):
    return range(1, len(case.sizes))


class Numpy(Subject):
    """NumPy and BLAS: matrix products, and the rank-one (or rank-B) update of the weights done by
    BLAS in place.
    """

    def __init__(self, case: Case) -> None:
        from scipy.linalg import get_blas_funcs

        self.case = case
        self._start()
        self._rank_one, self._product = get_blas_funcs(("ger", "gemm"), dtype=case.dtype)

    def _start(self):
        self.values = {
            name: v[:, 0].copy() if self.case.batch == 1 and name[0] != "w" else v
            for name, v in initial_state(self.case).items()
        }

    def _learn(self, w, phi, eps):
        c = ETA * DT  # BLAS sees the transpose of w, in Fortran's order
        if self.case.batch == 1:
            self._rank_one(
                c, eps, phi, a=w.T, overwrite_x=False, overwrite_y=False, overwrite_a=True
            )
        else:
            self._product(c, eps.T, phi.T, beta=1, c=w.T, trans_a=True, overwrite_c=True)

    def run(self, steps: int) -> float:
        s, levels = self.values, _levels(self.case)
        top = levels[-1]
        start = time.perf_counter()
        for _ in range(steps):
            phi = {level: np.tanh(s[f"r{level}"]) for level in levels}
            mu = {level - 1: s[f"w{level}"].T @ phi[level] for level in levels}
            fb = {level: s[f"w{level}"] @ s[f"eps{level - 1}"] for level in levels}
            for level in levels:
                if self.case.plastic:
                    self._learn(s[f"w{level}"], phi[level], s[f"eps{level - 1}"])
            for level in mu:
                eps = s[f"eps{level}"]
                eps += DT / TAU_ERROR * (s[f"r{level}"] - mu[level] - eps)
            for level in levels:
                r = s[f"r{level}"]
                r += (
                    DT
                    / TAU
                    * (
                        fb[level] * (1 - phi[level] ** 2)
                        - (LEAK * r if level == top else s[f"eps{level}"])
                    )
                )
        return time.perf_counter() - start

    def state(self) -> dict[str, np.ndarray]:
        self._start()
        self.run(CHECKED_STEPS)
        return self.values


class Jax(Subject):
    """The same equations in jax.numpy; all steps of one call run inside one jit, which owns its
    buffers.

    XLA's speed hangs on how the sums are written: of seven ways tried, phi @ w and w @ eps was the
    fastest everywhere, w.T @ phi up to 20 times slower.
    """

    def __init__(self, case: Case) -> None:
        import jax

        jax.config.update("jax_enable_x64", case.dtype == "float64")
        self.case = case
        self._steps = jax.jit(
            lambda steps, s: jax.lax.fori_loop(0, steps, lambda _, s: self._step(s), s),
            donate_argnums=1,
        )
        self._start()
        self.run(1)  # compile

    def _start(self):
        from jax import numpy as jnp

        flat = self.case.batch == 1  # streams come first: (B, n), or (n,) where there is one
        self.values = {
            name: jnp.array(v if name[0] == "w" else v[:, 0] if flat else v.T)
            for name, v in initial_state(self.case).items()
        }

    def _step(self, s):
        from jax import numpy as jnp

        levels, new, sums = _levels(self.case), dict(s), {}
        for level in levels:
            phi, w, eps = jnp.tanh(s[f"r{level}"]), s[f"w{level}"], s[f"eps{level - 1}"]
            mu, fb = phi @ w, w @ eps if self.case.batch == 1 else eps @ w.T
            if self.case.plastic:
                new[f"w{level}"] = w + ETA * DT * (
                    jnp.outer(phi, eps) if self.case.batch == 1 else phi.T @ eps
                )
            new[f"eps{level - 1}"] = eps + DT / TAU_ERROR * (s[f"r{level - 1}"] - mu - eps)
            sums[level] = phi, fb
        for level, (phi, fb) in sums.items():
            r = s[f"r{level}"]
            leak = LEAK * r if level == levels[-1] else new[f"eps{level}"]
            new[f"r{level}"] = r + DT / TAU * (fb * (1 - phi**2) - leak)
        return new

    def run(self, steps: int) -> float:
        start = time.perf_counter()
        self.values = self._steps(steps, self.values)
        self.values["r1"].block_until_ready()
        return time.perf_counter() - start

    def state(self) -> dict[str, np.ndarray]:
        self._start()
        self.run(CHECKED_STEPS)
        return {name: np.asarray(v if name[0] == "w" else v.T) for name, v in self.values.items()}
