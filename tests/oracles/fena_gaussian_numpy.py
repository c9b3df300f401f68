"""FENA with a Gaussian level 0 (models/fena_gaussian.py, models/fena_errors_only.py) integrated with
plain NumPy: an oracle for the engine.

Written from the equations, step by step, without fena_sim and without Brian2. Time is in
milliseconds, rates are per millisecond. Values carry the engine's names ("state_1.r", "W_1.w",
"A_1_own.w_recent"); weights are flattened source-major: synapse (i, j) of a projection is element
i*n_target + j.
"""

from types import SimpleNamespace

import numpy as np

from .periods import finish

CONSTANTS = dict(
    dt=1.0,
    slow_clock=4.0,  # priors and weights take steps of `slow_clock`
    amplitude=None,  # of a one-hot token; None: sqrt(number of inputs)
    tau=14.0,
    tau_e=1.0,
    tolerance=None,  # None: 0.004 with ascending traces, 0.005 without
    eta=3e-5,
    eta_prior=None,
    eta_bias=None,  # None: 3*eta
    cap=0.7,
    tau_cap=60.0,
    kappa=0.45,
    preferred=0.5,
    lowest=0.1,
    highest=20.0,
    tau_precision=24000.0,
    precision_gain=1.0,
)


def shapes(sizes, slots):
    """Shape of every variable, by its name in the engine."""
    top = len(sizes) - 1
    found = {f"sensory.{name}": (sizes[0],) for name in ("x", "trace_recent", "trace_older")}
    for level, size in enumerate(sizes):
        found[f"precision_{level}.log_precision"] = (1,)
        found[f"error_{level}.error"] = (size,)
        if level < top:
            found[f"error_{level}.prediction"] = (size,)
        if level == 0:
            continue
        below = sizes[level - 1]
        found |= {f"state_{level}.{name}": (size,) for name in ("r", "trace_recent", "trace_older")}
        found |= {f"prior_{level}.bias": (size,), f"W_{level}.w": (size, below)}
        for slot in slots:
            weights = (size if slot == "own" else below, size)
            found |= {
                f"prior_{level}.from_{slot}": (size,),
                f"A_{level}_{slot}.w_recent": weights,
                f"A_{level}_{slot}.w_older": weights,
            }
    return found


class FenaGaussianNumpy:
    """A FENA network.

    Parameters
    ----------
    initial : dict
        Initial values by engine name; whatever is missing starts at zero.
    sizes : tuple of int
        Units per level, the input first.
    ascending_traces : bool
        Whether priors also read the traces of the level below (fena_gaussian) or not (fena_errors_only).
    constants
        Overrides of CONSTANTS.
    """

    def __init__(self, initial, sizes=(16, 64, 48, 32), ascending_traces=True, **constants):
        if unknown := set(constants) - set(CONSTANTS):
            raise ValueError(f"unknown constants {sorted(unknown)}")
        self.sizes, self.top = tuple(sizes), len(sizes) - 1
        self.slots = ("own", "below") if ascending_traces else ("own",)
        c = self.constants = SimpleNamespace(**{**CONSTANTS, **constants})
        c.amplitude = np.sqrt(sizes[0]) if c.amplitude is None else c.amplitude
        c.tolerance = (0.004 if ascending_traces else 0.005) if c.tolerance is None else c.tolerance
        c.eta_prior = 3 * c.eta if c.eta_prior is None else c.eta_prior
        c.eta_bias = 3 * c.eta if c.eta_bias is None else c.eta_bias
        shape = shapes(self.sizes, self.slots)
        if unknown := set(initial) - set(shape):
            raise ValueError(f"unknown initial values {sorted(unknown)}")
        self.v = {name: np.zeros(s) for name, s in shape.items()}
        for name, value in initial.items():
            self.v[name] = np.array(value, dtype=float).reshape(shape[name])
        self.slow_every = round(c.slow_clock / c.dt)  # steps
        self.n = 0  # steps taken since construction

    @property
    def values(self):
        """Copies of all present states and weights, flat, by engine name."""
        return {name: value.ravel().copy() for name, value in self.v.items()}

    def run(self, tokens, blank_steps=12, presentation_steps=48, plasticity_gain=1.0):
        """Present `tokens` (-1: omitted), each after a blank; the next call goes on where this one
        ended.

        Returns a dict of arrays over tokens: prediction (token, input), iterations (token,), and
        onset_error, error, settled_error, precision (token, level).
        """
        tokens = np.asarray(tokens, dtype=int)
        gains = np.broadcast_to(plasticity_gain, tokens.shape)
        if tokens.size and (tokens.min() < -1 or tokens.max() >= self.sizes[0]):
            raise ValueError(f"tokens must lie in -1..{self.sizes[0] - 1}")
        kept = [
            finish(self.period(*pair, blank_steps, presentation_steps))
            for pair in zip(tokens, gains)
        ]
        return (
            {name: np.array([period[name] for period in kept]) for name in kept[0]} if kept else {}
        )

    def period(self, token, gain, blank_steps, presentation_steps):
        """Generator that takes one step at a time and returns what is kept of the token."""
        squares, iterations, prediction = [], 0, None
        for elapsed in range(blank_steps + presentation_steps):
            presenting = float(elapsed >= blank_steps)
            self._start_step()
            if elapsed == 0:
                self._sample_traces()
            if elapsed == blank_steps:
                prediction = self.v["error_0.prediction"] / self.constants.amplitude
                self.v["sensory.x"] = self.constants.amplitude * (np.arange(self.sizes[0]) == token)
            self._integrate(presenting, presenting * (token >= 0), gain)
            if presenting:
                squares.append(self.mean_square)
                drift = np.concatenate(self.drift[1:])
                if np.sqrt(np.mean(drift**2)) >= self.constants.tolerance:
                    iterations = len(squares)
            yield
        return dict(
            prediction=prediction,
            iterations=iterations,
            onset_error=squares[0],
            error=np.mean(squares, axis=0),
            settled_error=squares[-1],
            precision=self.precision,
        )

    # -- one step ------------------------------------------------------------------------------

    def _start_step(self):
        """Quantities held constant during the step."""
        self.f = [None] + [np.tanh(self.v[f"state_{level}.r"]) for level in range(1, self.top + 1)]
        self.precision = np.array(
            [
                self.constants.precision_gain
                * np.exp(self.v[f"precision_{level}.log_precision"][0])
                for level in range(self.top + 1)
            ]
        )

    def _sample_traces(self):
        samples = {"sensory": self.v["sensory.x"] / self.constants.amplitude}
        samples |= {f"state_{level}": self.f[level] for level in range(1, self.top + 1)}
        for name, sample in samples.items():
            self.v[f"{name}.trace_recent"] += sample - self.v[f"{name}.trace_recent"]
            self.v[f"{name}.trace_older"] += 0.5 * (sample - self.v[f"{name}.trace_older"])

    def _integrate(self, presenting, gate, gain):
        slow, learning = self.n % self.slow_every == 0, gain * presenting
        if slow:
            self._priors(learning)
        self._errors(gate)
        self._precisions(learning, learning * gate)
        self._states()
        if slow:
            self._weights(learning)
        self.n += 1

    def _source(self, level, slot):
        """Population whose traces the slot reads."""
        source = level if slot == "own" else level - 1
        return f"state_{source}" if source else "sensory"

    def _priors(self, learning):
        c, v = self.constants, self.v
        for level in range(1, self.top + 1):
            for slot in self.slots:
                source = self._source(level, slot)
                v[f"prior_{level}.from_{slot}"] = sum(
                    v[f"{source}.trace_{trace}"] @ v[f"A_{level}_{slot}.w_{trace}"]
                    for trace in ("recent", "older")
                )
            error = v[f"error_{level}.error"]  # of the previous step
            v[f"prior_{level}.bias"] += (
                c.slow_clock * learning * c.eta_bias * self.precision[level] * error
            )

    def _errors(self, gate):
        c, v = self.constants, self.v
        for level in range(self.top + 1):
            if level < self.top:
                v[f"error_{level}.prediction"] = self.f[level + 1] @ v[f"W_{level + 1}.w"]
            prediction = v.get(f"error_{level}.prediction", 0.0)
            if level == 0:
                drive = gate * (v["sensory.x"] - prediction)
            else:
                prior = v[f"prior_{level}.bias"] + sum(
                    v[f"prior_{level}.from_{slot}"] for slot in self.slots
                )
                drive = v[f"state_{level}.r"] - prior - prediction
            v[f"error_{level}.error"] += c.dt * (drive - v[f"error_{level}.error"]) / c.tau_e

    def _precisions(self, learning, sensory):
        c, v = self.constants, self.v
        self.mean_square = np.array(
            [np.mean(v[f"error_{level}.error"] ** 2) for level in range(self.top + 1)]
        )
        for level in range(self.top + 1):
            log_precision, square = v[f"precision_{level}.log_precision"], self.mean_square[level]
            surprise = (
                1 - self.precision[level] * square - c.kappa * (log_precision - np.log(c.preferred))
            )
            outside = np.clip(log_precision, np.log(c.lowest), np.log(c.highest)) - log_precision
            observed = learning if level else sensory  # a withheld token tells nothing
            log_precision += c.dt * observed * np.clip(surprise, -5, 5) / c.tau_precision + outside

    def _states(self):
        c, v = self.constants, self.v
        self.drift, self.outgoing = [None], [None]
        for level in range(1, self.top + 1):
            w = v[f"W_{level}.w"]
            feedback = w @ v[f"error_{level - 1}.error"]
            self.outgoing.append(np.sum(w**2, axis=1))
            drift = (
                -self.precision[level] * v[f"error_{level}.error"]
                + (1 - self.f[level] ** 2) * self.precision[level - 1] * feedback
            ) / c.tau
            self.drift.append(drift)
            v[f"state_{level}.r"] += c.dt * drift

    def _weights(self, learning):
        c, v, step = self.constants, self.v, self.constants.slow_clock * learning
        for level in range(1, self.top + 1):
            w, below, own = (
                v[f"W_{level}.w"],
                v[f"error_{level - 1}.error"],
                v[f"error_{level}.error"],
            )
            excess = np.clip(self.outgoing[level] / c.cap**2 - 1, 0, 1)[:, None]
            hebbian = c.eta * self.precision[level - 1] * np.outer(self.f[level], below)
            w += step * (hebbian - excess * w / (2 * c.tau_cap))
            for slot in self.slots:
                for trace in ("recent", "older"):
                    activity = v[f"{self._source(level, slot)}.trace_{trace}"]
                    hebbian = c.eta_prior * self.precision[level] * np.outer(activity, own)
                    v[f"A_{level}_{slot}.w_{trace}"] += step * hebbian
