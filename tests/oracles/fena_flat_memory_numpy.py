"""FENA with flat memories (models/fena_flat_memory.py, models/fena_learned_feedback.py) integrated with
plain NumPy.

An oracle for the engine, written from the equations, step by step, without fena_sim and without
Brian2. Time is in milliseconds, rates are per millisecond. Values carry the engine's names
("state_1.r", "W_1.w", "A_1_own.spent_recent"); weights are flattened source-major: synapse (i, j)
of a projection is element i*n_target + j.
"""

from types import SimpleNamespace

import numpy as np

from .periods import finish

SLOTS, TRACES = ("own", "below"), ("recent", "older")
CONSTANTS = dict(
    dt=1.0,
    slow_clock=4.0,  # priors and weights take steps of `slow_clock`
    tau=(14.0, 28.0, 56.0),
    older=(0.5, 0.25, 0.12),  # of hidden levels 1, 2, ...; level 0's trace is that of level 1
    tau_e=1.0,
    tolerance=0.004,
    eta=0.01,
    fastest=0.05,
    share=0.1,
    own_share=0.3,
    bias_share=0.1,
    fresh=10.0,
    lowest=0.1,
    highest=20.0,
    onset=1.0,
    precision_gain=1.0,
    # of level 0 and of hidden levels; None: 1.5/inputs
    first=(8.0, 0.3),
    expected=(None, 1.0),
    kappa=(1.0, 0.45),
    preferred=(4.0, 0.5),
    tau_precision=(4000.0, 24000.0),
)


def shapes(sizes, feedback_synapses=False):
    """Shape of every variable, by its name in the engine."""
    top = len(sizes) - 1
    found = {f"sensory.{name}": (sizes[0],) for name in ("x", "trace_recent", "trace_older")}
    found |= {f"prediction_0.{name}": (sizes[0],) for name in ("prediction", "bias")}
    found |= {"inhibition_0.pooled": (1,), "precision_0.seen": (1,)}
    for level, size in enumerate(sizes):
        found |= {f"precision_{level}.{name}": (1,) for name in ("log_precision", "mean_square")}
        found[f"error_{level}.error"] = (size,)
        if level == 0:
            continue
        if level < top:
            found[f"error_{level}.prediction"] = (size,)
        below = sizes[level - 1]
        found |= {
            f"state_{level}.{name}": (size,)
            for name in ("r", "feedback", "trace_recent", "trace_older")
        }
        found |= {
            f"prior_{level}.{name}": (size,) for name in ("bias", "spent", "from_own", "from_below")
        }
        found |= {f"W_{level}.{name}": (size, below) for name in ("w", "spent")}
        if feedback_synapses:
            found |= {f"F_{level}.{name}": (below, size) for name in ("w", "spent")}
        for slot in SLOTS:
            weights = (size if slot == "own" else below, size)
            found |= {
                f"A_{level}_{slot}.{kind}_{trace}": weights
                for kind in ("w", "spent")
                for trace in TRACES
            }
    return found


class FenaFlatMemoryNumpy:
    """A FENA network with a categorical level 0.

    Parameters
    ----------
    initial : dict
        Initial values by engine name. Of whatever is missing, `spent` starts at `fresh`, the
        precisions at `first`, and all else at zero.
    sizes : tuple of int
        Units per level, the input first.
    feedback_synapses : bool
        Whether errors ascend over synapses F of their own (fena_learned_feedback) or over those of
        the predictions (fena_flat_memory).
    constants
        Overrides of CONSTANTS.
    """

    def __init__(self, initial, sizes=(16, 64, 48, 32), feedback_synapses=False, **constants):
        if unknown := set(constants) - set(CONSTANTS):
            raise ValueError(f"unknown constants {sorted(unknown)}")
        self.sizes, self.top, self.feedback_synapses = (
            tuple(sizes),
            len(sizes) - 1,
            feedback_synapses,
        )
        c = self.constants = SimpleNamespace(**{**CONSTANTS, **constants})
        c.expected = (c.expected[0] or 1.5 / sizes[0], c.expected[1])
        shape = shapes(self.sizes, feedback_synapses)
        if unknown := set(initial) - set(shape):
            raise ValueError(f"unknown initial values {sorted(unknown)}")
        self.v = {
            name: np.full(s, c.fresh if ".spent" in name else 0.0) for name, s in shape.items()
        }
        for level in range(self.top + 1):
            self.v[f"precision_{level}.log_precision"][:] = np.log(c.first[level > 0])
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

        Returns a dict of arrays over tokens: probability (token, input), iterations (token,), and
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
        squares, iterations, probability = [], 0, None
        for elapsed in range(blank_steps + presentation_steps):
            presenting = float(elapsed >= blank_steps)
            self._start_step()
            if elapsed == 0:
                self._sample_traces()
            if elapsed == blank_steps:
                probability = self._probability()
                self.v["sensory.x"] = 1.0 * (np.arange(self.sizes[0]) == token)
            self._integrate(presenting, presenting * (token >= 0), gain)
            if presenting:
                squares.append(
                    np.array(
                        [
                            self.v[f"precision_{level}.mean_square"][0]
                            for level in range(self.top + 1)
                        ]
                    )
                )
                drift = np.concatenate(self.drift)
                if np.sqrt(np.mean(drift**2)) >= self.constants.tolerance:
                    iterations = len(squares)
            yield
        return dict(
            probability=probability,
            iterations=iterations,
            onset_error=squares[0],
            error=np.mean(squares, axis=0),
            settled_error=squares[-1],
            precision=self.precision,
        )

    # -- one step ------------------------------------------------------------------------------

    def _start_step(self):
        """Quantities held constant during the step; mean squares are those of the step before."""
        c, v, levels = self.constants, self.v, range(self.top + 1)
        self.f = [None] + [np.tanh(v[f"state_{level}.r"]) for level in levels[1:]]
        self.precision = np.array(
            [
                c.precision_gain * np.exp(v[f"precision_{level}.log_precision"][0])
                for level in levels
            ]
        )
        speed = (
            c.eta
            * self.precision
            * np.sqrt([v[f"precision_{level}.mean_square"][0] for level in levels])
        )
        self.rate = c.eta / (1 + speed / c.fastest)

    def _sample_traces(self):
        samples = {"sensory": (self.v["sensory.x"], self.constants.older[0])}
        samples |= {
            f"state_{level}": (self.f[level], self.constants.older[level - 1])
            for level in range(1, self.top + 1)
        }
        for name, (sample, older) in samples.items():
            self.v[f"{name}.trace_recent"] += sample - self.v[f"{name}.trace_recent"]
            self.v[f"{name}.trace_older"] += older * (sample - self.v[f"{name}.trace_older"])

    def _integrate(self, presenting, gate, gain):
        slow, learning = self.n % self.slow_every == 0, gain * presenting
        self._tokens(gain * gate)
        if slow:
            self._priors(learning)
        self._errors(gate)
        self._precisions(presenting, learning, learning * gate)
        self._states()
        if slow:
            self._weights(self.constants.slow_clock * learning)
        self.n += 1

    def _tokens(self, learning):
        """What level 1 says of every token, and the pooled activity that it is divided by."""
        c, v = self.constants, self.v
        v["prediction_0.prediction"] = self.f[1] @ v["W_1.w"]
        v["prediction_0.bias"] += (
            c.dt * learning * c.bias_share * self.rate[0] * v["error_0.error"]
        )  # of the previous step
        v["inhibition_0.pooled"] = np.array([np.sum(self._activity())])

    def _activity(self):
        return np.exp(
            np.clip(self.v["prediction_0.prediction"] + self.v["prediction_0.bias"], -30, 30)
        )

    def _probability(self):
        return self._activity() / self.v["inhibition_0.pooled"]

    def _source(self, level, slot):
        """Population whose traces the slot reads."""
        source = level if slot == "own" else level - 1
        return f"state_{source}" if source else "sensory"

    def _priors(self, learning):
        c, v = self.constants, self.v
        for level in range(1, self.top + 1):
            for slot in SLOTS:
                v[f"prior_{level}.from_{slot}"] = sum(
                    v[f"{self._source(level, slot)}.trace_{trace}"]
                    @ v[f"A_{level}_{slot}.w_{trace}"]
                    for trace in TRACES
                )
            change = self.precision[level] * v[f"error_{level}.error"]  # of the previous step
            self._learn(
                f"prior_{level}", "bias", "spent", c.slow_clock * learning, self.rate[level], change
            )

    def _learn(self, owner, weight, spent, step, rate, change):
        """A step of a rate that falls with the root of the squared changes so far; both from the
        same state.
        """
        self.v[f"{owner}.{weight}"] += step * rate * change / np.sqrt(self.v[f"{owner}.{spent}"])
        self.v[f"{owner}.{spent}"] += step * change**2

    def _errors(self, gate):
        c, v = self.constants, self.v
        for level in range(self.top + 1):
            if level == 0:
                drive = gate * (v["sensory.x"] - self._probability())
            else:
                drive = v[f"state_{level}.r"] - sum(
                    v[f"prior_{level}.{part}"] for part in ("bias", "from_own", "from_below")
                )
            if 0 < level < self.top:
                v[f"error_{level}.prediction"] = self.f[level + 1] @ v[f"W_{level + 1}.w"]
                drive = drive - v[f"error_{level}.prediction"]
            v[f"error_{level}.error"] += c.dt * (drive - v[f"error_{level}.error"]) / c.tau_e

    def _precisions(self, presenting, learning, sensory):
        c, v = self.constants, self.v
        for level in range(self.top + 1):
            kind = int(level > 0)
            log_precision, square = (
                v[f"precision_{level}.log_precision"],
                np.mean(v[f"error_{level}.error"] ** 2),
            )
            v[f"precision_{level}.mean_square"] = np.array([square])
            surprise = (
                1
                - self.precision[level] * square / c.expected[kind]
                - c.kappa[kind] * (log_precision - np.log(c.preferred[kind]))
            )
            outside = np.clip(log_precision, np.log(c.lowest), np.log(c.highest)) - log_precision
            # Level 0 is judged by its first errors after an onset; a withheld token tells nothing.
            observed = learning if level else sensory * (1 - v["precision_0.seen"])
            log_precision += (
                c.dt * observed * np.clip(surprise, -5, 5) / c.tau_precision[kind] + outside
            )
        v["precision_0.seen"] += c.dt * (presenting - v["precision_0.seen"]) / c.onset

    def _states(self):
        c, v = self.constants, self.v
        self.drift = []
        for level in range(1, self.top + 1):
            back = v[f"F_{level}.w"] if self.feedback_synapses else v[f"W_{level}.w"].T
            v[f"state_{level}.feedback"] = v[f"error_{level - 1}.error"] @ back
            ascending = self.precision[level - 1] * v[f"state_{level}.feedback"]
            own = self.precision[level] * v[f"error_{level}.error"]
            self.drift.append(((1 - self.f[level] ** 2) * ascending - own) / c.tau[level - 1])
            v[f"state_{level}.r"] += c.dt * self.drift[-1]

    def _weights(self, step):
        c, v = self.constants, self.v
        for level in range(1, self.top + 1):
            below, own, rate = (
                v[f"error_{level - 1}.error"],
                v[f"error_{level}.error"],
                self.rate[level],
            )
            change = self.precision[level - 1] * np.outer(self.f[level], below)
            self._learn(f"W_{level}", "w", "spent", step, c.share * self.rate[level - 1], change)
            if self.feedback_synapses:  # precision and rate are those of the level where they end
                change = self.precision[level] * np.outer(below, self.f[level])
                self._learn(f"F_{level}", "w", "spent", step, c.share * rate, change)
            for slot, share in zip(SLOTS, (c.own_share, 1.0)):
                for trace in TRACES:
                    change = self.precision[level] * np.outer(
                        v[f"{self._source(level, slot)}.trace_{trace}"], own
                    )
                    self._learn(
                        f"A_{level}_{slot}",
                        f"w_{trace}",
                        f"spent_{trace}",
                        step,
                        share * rate,
                        change,
                    )
