"""The networks that are timed: a predictive-coding hierarchy (after Rao & Ballard 1999) as a plain
Brian2 script.

Level l predicts level l-1 by mu = w^T phi(r), phi = tanh; eps follows the prediction error; errors
drive r through the same weights, and every synapse learns from the two ends it joins::

    taue*deps/dt = r - mu - eps              (levels 0 .. L-2)
    tau*dr/dt    = fb*(1 - phi^2) - eps      (levels 1 .. L-1; the top leaks by 0.1*r in place of
    eps) dw/dt        = eta*eps_post*phi_pre      (plastic networks)

The lowest level is the input, held fixed. Every step computes the sums and the change of the
weights from the state at time t, then advances eps, then r. Initial values are expressions of the
indices, so that a variant in any language can start from the same numbers without a file.
"""

from typing import TYPE_CHECKING

import attrs
import numpy as np

if TYPE_CHECKING:
    from brian2 import BrianObject, Network

DT, TAU, TAU_ERROR, ETA, LEAK = 1e-3, 20e-3, 2e-3, 0.02, 0.1  # s, s, s, 1/s, 1

CHECKED_STEPS = 50  # after which all variants must agree


def _scaled(synapses):
    """Widths in the proportions of the two named networks, n-4n-2n-n, with 14 n^2 synapses."""
    n = round((synapses / 14) ** 0.5)
    return (n, 4 * n, 2 * n, n)


#: Widths of the levels, the input first. "tiny" is what memory is measured against.
NETWORKS = {
    "tiny": (8, 12, 6, 4),
    "small": (64, 256, 128, 64),
    "large": (256, 1024, 512, 256),
    **{name: _scaled(float(name)) for name in ("1e4", "1e5", "1e6", "3e6", "1e7")},
}


@attrs.frozen
class Case:
    """What is timed: a network, its precision, whether it learns, and how many streams share its
    weights.
    """

    network: str
    dtype: str = "float32"
    plastic: bool = True
    batch: int = 1

    @property
    def sizes(self) -> tuple[int, ...]:
        return NETWORKS[self.network]

    @property
    def synapses(self) -> int:
        return sum(above * below for below, above in zip(self.sizes, self.sizes[1:], strict=False))

    @property
    def weight_bytes(self) -> int:
        return self.synapses * np.dtype(self.dtype).itemsize

    @property
    def label(self) -> str:
        return (
            f"{self.network} {self.dtype} {'plastic' if self.plastic else 'fixed'} B={self.batch}"
        )


#: Initial values, as Brian2 evaluates them: of a level (unit u of stream b is number b*n + u) and
#: of the weights.
INITIAL_R = "((i % 1021)*(3*(i % 1021) + 7) % 1021)/1021.0 - 0.5"
INITIAL_W = "((7*i*i + 11*j*j + 13*i*j) % 1021/1021.0 - 0.5)*sqrt(12.0/N_pre)"


def initial_state(case: Case) -> dict[str, np.ndarray]:
    """The same numbers for NumPy: {"r0": (n_0, B), ..., "eps0": ..., "w1": (n_1, n_0), ...} of the
    case's dtype.
    """
    state = {}
    for level, n in enumerate(case.sizes):
        k = np.arange(n * case.batch) % 1021
        state[f"r{level}"] = (k * (3 * k + 7) % 1021 / 1021.0 - 0.5).reshape(case.batch, n).T
    for level, (below, above) in enumerate(zip(case.sizes, case.sizes[1:], strict=False)):
        state[f"eps{level}"] = np.zeros((below, case.batch))
        w = state[f"w{level + 1}"] = np.empty((above, below), case.dtype)
        j = np.arange(below)
        for i in range(
            above
        ):  # by rows: the memory of temporary matrices would be counted against the variant
            w[i] = ((7 * i * i + 11 * j * j + 13 * i * j) % 1021 / 1021.0 - 0.5) * np.sqrt(
                12.0 / above
            )
    return {name: values.astype(case.dtype, copy=False) for name, values in state.items()}


def declare(case: Case) -> "tuple[Network, dict[str, BrianObject]]":
    """The network for the active Brian2 device; returns the Network and its objects by name (r0,
    eps0, w1, ...).
    """
    from brian2 import Network, NeuronGroup, Synapses, defaultclock, linked_var, second

    defaultclock.dt = DT * second
    constants = {"tau": TAU * second, "taue": TAU_ERROR * second, "eta": ETA / second, "leak": LEAK}
    connect = {}
    if case.batch > 1:
        from brian2_dense.batch import BatchedSynapses as Synapses  # noqa: F811  (instead of Brian2's own)

        connect = {"batch": case.batch}
    top = len(case.sizes) - 1
    objects = {}
    for level, n in enumerate(case.sizes):
        equations = """dr/dt = (fb*(1 - phi**2) - {})/tau : 1
                       fb : 1
                       phi = tanh(r) : 1 (constant over dt)
                       {}""".format(
            *("leak*r", "") if level == top else ("own", "own : 1 (linked)")
        )
        objects[f"r{level}"] = NeuronGroup(
            n * case.batch,
            equations if level else "r : 1",
            method="euler",
            name=f"r{level}",
            namespace=constants,
        )
        objects[f"r{level}"].r = INITIAL_R
        if level:
            objects[f"r{level}"].state_updater.order = 1  # after eps, which reads it
    for level in range(top):
        objects[f"eps{level}"] = NeuronGroup(
            case.sizes[level] * case.batch,
            """deps/dt = (x - mu - eps)/taue : 1
                                                                               mu : 1
                                                                               x : 1 (linked)""",
            method="euler",
            name=f"eps{level}",
            namespace=constants,
        )
        objects[f"eps{level}"].x = linked_var(objects[f"r{level}"], "r")
        if level:
            objects[f"r{level}"].own = linked_var(objects[f"eps{level}"], "eps")
    for level in range(1, top + 1):
        synapses = Synapses(
            objects[f"r{level}"],
            objects[f"eps{level - 1}"],
            """
            mu_post = w*phi_pre : 1 (summed)
            fb_pre = w*eps_post : 1 (summed)
            """
            + ("dw/dt = eta*eps_post*phi_pre : 1 (clock-driven)" if case.plastic else "w : 1"),
            method="euler",
            name=f"w{level}",
            namespace=constants,
            **connect,
        )
        synapses.connect()
        synapses.w = INITIAL_W
        if case.plastic:
            synapses.state_updater.order = (
                -0.5
            )  # after the sums (-1), before eps (0): from the state at time t
        objects[f"w{level}"] = synapses
    return Network(*objects.values()), objects
