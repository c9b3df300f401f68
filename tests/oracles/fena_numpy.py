"""FENA (models/fena.py), with events, expectations, precision by demand and anticipation, integrated
with plain NumPy.

An oracle for the engine, written from the equations, step by step, without fena_sim and without
Brian2. Time is in milliseconds, rates are per millisecond. Values carry the engine's names
("state_1.r", "W_1.w", "G_1_own.spent_recent"); weights are flattened source-major: synapse (i, j)
of a projection is element i*n_target + j.
"""

from types import SimpleNamespace

import numpy as np

from .periods import finish

SLOTS, TRACES = ("own", "below"), ("recent", "older")
UNITS = dict(since=1e-3, watched=1e-3, rate=1e3, per_step=1e3)  # in the engine: seconds and hertz
CONSTANTS = dict(
    dt=1.0,
    slow_clock=4.0,  # priors, expectations and weights take steps of `slow_clock`
    tolerance=0.004,
    # of hidden levels 1, 2, ...; the last one serves all higher levels
    tau=(14.0,),
    share=(0.1, 0.06),
    spent=(10.0, 0.1),
    hidden_expected=(0.09, 0.1),
    older=0.5,
    tau_e=1.0,
    # learning
    eta=0.01,
    fastest=0.05,
    own_share=0.3,
    below_share=1.0,
    bias_share=0.1,
    step=0.6,
    anticipation_spent=0.25,
    # events and expectations
    threshold=1.5,
    habit=0.005,
    usual_event=(0.05, 0.005),
    tau_gate=48.0,
    gate_spent=10.0,
    # precisions: of level 0 and of hidden levels
    lowest=0.1,
    highest=20.0,
    most=3.0,
    window=30.0,
    onset=1.0,
    tau_recent=3000.0,
    tau_usual=20000.0,
    first=(8.0, 0.3),
    first_demand=(None, 0.3),  # None: 1/inputs
    sensory_expected=None,  # None: 1.5/inputs
    kappa=(1.0, 0.45),
    preferred=(4.0, 0.5),
    tau_precision=(4000.0, 15000.0),
)


def shapes(sizes):
    """Shape of every variable, by its name in the engine."""
    top, found = len(sizes) - 1, {"sensory.x": (sizes[0],), "inhibition_0.pooled": (1,)}
    found |= {f"prediction_0.{name}": (sizes[0],) for name in ("prediction", "bias", "anticipated")}
    scalars = ("trust", "since", "watched", "recent", "usual", "mean_square")
    for level, size in enumerate(sizes):
        more = "demand" if level else "seen"
        found |= {f"precision_{level}.{name}": (1,) for name in (*scalars, more)}
        found[f"error_{level}.error"] = (size,)
        if level == 0:
            continue
        below = sizes[level - 1]
        found |= {f"state_{level}.{name}": (size,) for name in ("r", "feedback")}
        for trace in TRACES:
            found[f"state_{level}.trace_{trace}"] = (size,)
            found[f"memory_{level}.trace_{trace}"] = (below,)
        found |= {
            f"prior_{level}.{name}": (size,) for name in ("bias", "spent", "from_own", "from_below")
        }
        found |= {f"W_{level}.{name}": (size, below) for name in ("w", "spent")}
        changing = [f"{kind}_{trace}" for kind in ("w", "spent") for trace in TRACES]
        for slot, source in zip(SLOTS, (size, below)):
            found |= {f"A_{level}_{slot}.{name}": (source, size) for name in changing}
            if level < top:
                found |= {f"G_{level}_{slot}.{name}": (source, 1) for name in changing}
        if level < top:
            found[f"error_{level}.prediction"] = (size,)
            found |= {
                f"expectation_{level}.{name}": (1,)
                for name in ("opened", "mistaken", "bias", "spent", "from_own", "from_below")
            }
        if level < top or level == 1:
            own = ("unforeseen", "total", "span", "seen", "heard", "usual")
            found |= {f"event_{level}.{name}": (1,) for name in own}
            if level > 1:
                found[f"event_{level}.tick"] = (1,)
    return found | {f"V_1.{name}": (sizes[1], sizes[0]) for name in ("v", "spent")}


class FenaNumpy:
    """A FENA network.

    Parameters
    ----------
    initial : dict
        Initial values by engine name. Whatever is missing starts as CONSTANTS say, or at zero.
    sizes : tuple of int
        Units per level, the input first; any number of hidden levels.
    constants
        Overrides of CONSTANTS.
    """

    def __init__(self, initial, sizes=(16, 64, 48), **constants):
        if unknown := set(constants) - set(CONSTANTS):
            raise ValueError(f"unknown constants {sorted(unknown)}")
        self.sizes, self.top = tuple(sizes), len(sizes) - 1
        self.hidden = range(1, self.top + 1)
        self.with_event = [level for level in self.hidden if level < self.top or level == 1]
        c = self.constants = SimpleNamespace(**{**CONSTANTS, **constants})
        c.sensory_expected = c.sensory_expected or 1.5 / sizes[0]
        c.first_demand = (c.first_demand[0] or 1 / sizes[0], c.first_demand[1])
        shape = shapes(self.sizes)
        if unknown := set(initial) - set(shape):
            raise ValueError(f"unknown initial values {sorted(unknown)}")
        self.v = {name: np.full(s, self._first(name)) for name, s in shape.items()}
        for name, value in initial.items():
            self.v[name] = np.array(value, dtype=float).reshape(shape[name])
        self.slow_every = round(c.slow_clock / c.dt)  # steps
        self.n = 0  # steps taken since construction

    def _first(self, name):
        """What a variable starts at, unless it is given."""
        c, (owner, _, variable) = self.constants, name.partition(".")
        kind, level = owner.split("_")[0], owner.split("_")[1] if "_" in owner else "0"
        hidden = int(level != "0")
        if variable.startswith("spent"):
            apart = dict(V=c.anticipation_spent, G=c.gate_spent, expectation=c.gate_spent)
            return apart.get(kind, self._of(c.spent, int(level)))
        if kind == "event":
            return self._of(c.usual_event, int(level)) if variable == "usual" else 0.0
        if kind == "precision" and variable in ("recent", "usual"):
            return c.first_demand[hidden]
        return np.log(c.first[hidden]) if variable == "trust" else 0.0

    @staticmethod
    def _of(values, level):
        return values[min(level, len(values)) - 1]

    @property
    def values(self):
        """Copies of all present states and weights, and of what the last step held constant, flat
        and in the engine's units, by engine name.
        """
        held = {}
        if self.n:
            held["precision_0.per_step"] = np.array([1 / self.constants.dt])
            for level in range(self.top + 1):
                for name in ("precision", "weight", "rate"):
                    held[f"precision_{level}.{name}"] = getattr(self, name)[level : level + 1]
            for level in self.hidden:
                held[f"state_{level}.f"] = self.f[level]
                held[f"state_{level}.descending"] = self._descending(level)
                held[f"error_{level}.surprise"] = self.surprise[level]
        return {
            name: value.ravel() * UNITS.get(name.partition(".")[2], 1.0)
            for name, value in (self.v | held).items()
        }

    def happened(self, level):
        """The level's event so far: 1 if its prior left more unforeseen than usual."""
        c, v = self.constants, self.v
        novelty = (v[f"event_{level}.total"][0] / max(v[f"event_{level}.span"][0], 1.0)) ** 4
        usual = (c.threshold * v[f"event_{level}.usual"][0]) ** 4
        return self._tick(level) * novelty / (novelty + usual + 1e-30)

    def _tick(self, level):
        """The event of the level below, as this level has heard of it."""
        return 1.0 if level == 1 else self.v[f"event_{level}.tick"][0]

    def run(self, tokens, blank_steps=12, presentation_steps=48, plasticity_gain=1.0, **options):
        """Present `tokens` (-1: omitted), each after a blank; the next call goes on where this one
        ended. `plasticity_gain` and the options of `period` are one value, or one per token.

        Returns a dict of arrays over tokens: steps, iterations (token,); onset_error, error,
        settled_error, precision (token, level); probability, onset_probability, settled_probability,
        presented (token, input); state_1, ... (token, unit); events (token, level that has one).
        """
        tokens = np.asarray(tokens, dtype=int)
        if tokens.size and (tokens.min() < -1 or tokens.max() >= self.sizes[0]):
            raise ValueError(f"tokens must lie in -1..{self.sizes[0] - 1}")
        given = dict(options, gain=plasticity_gain)
        given = {name: np.broadcast_to(value, tokens.shape) for name, value in given.items()}
        kept = []
        for n, token in enumerate(tokens):
            of_token = {name: value[n] for name, value in given.items()}
            gain = of_token.pop("gain")
            period = self.period(token, gain, blank_steps, presentation_steps, **of_token)
            kept.append(finish(period))
        return {name: np.array([one[name] for one in kept]) for name in kept[0]} if kept else {}

    def period(
        self,
        token,
        gain,
        blank_steps,
        presentation_steps,
        shortest_steps=None,
        hold_steps=2,
        gate=1.0,
        precision_gain=1.0,
        knocked_out=0,
    ):
        """Generator that takes one step at a time and returns what is kept of the token.

        With `shortest_steps` the token leaves once the states have been settled for `hold_steps`. The
        predictions of the level `knocked_out` do not reach the level below.
        """
        shortest_steps = presentation_steps if shortest_steps is None else shortest_steps
        self.precision_gain, self.knocked_out = precision_gain, knocked_out
        kept, squares, iterations, quiet, departing = {}, [], 0, 0, False
        elapsed = 0
        while not departing:
            presenting = float(elapsed >= blank_steps)
            arriving = float(elapsed == blank_steps)
            self.anticipating = 1 - presenting + arriving
            self._start_step()
            if elapsed == 0:
                self._blank_onset()
            if arriving:
                kept["probability"] = self._probability()
                self.v["sensory.x"] = 1.0 * (np.arange(self.sizes[0]) == token)
                self._onset(gain)
            open_to_input = gate * presenting * (token >= 0)
            self._integrate(presenting, arriving, open_to_input, gain)
            if presenting:
                names = [f"precision_{level}.mean_square" for level in range(self.top + 1)]
                squares.append(np.array([self.v[name][0] for name in names]))
                rate = np.sqrt(np.mean(np.concatenate(self.drift) ** 2))
                settled = rate < self.constants.tolerance
                iterations = iterations if settled else len(squares)
                quiet = quiet + 1 if settled else 0
                departing = len(squares) >= presentation_steps or (
                    len(squares) >= shortest_steps and quiet >= hold_steps
                )
            if arriving:
                kept["onset_probability"] = self._probability()
            elapsed += 1
            yield
        return kept | dict(
            steps=len(squares),
            iterations=iterations,
            onset_error=squares[0],
            error=np.mean(squares, axis=0),
            settled_error=squares[-1],
            precision=self.precision,
            settled_probability=self._probability(),
            presented=self.v["sensory.x"].copy(),
            events=np.array([self.happened(level) for level in self.with_event]),
            **{f"state_{level}": self.f[level] for level in self.hidden},
        )

    # -- one step ------------------------------------------------------------------------------

    def _start_step(self):
        """Quantities held constant during the step, from the state that the step before left."""
        c, v, levels = self.constants, self.v, range(self.top + 1)
        if self.n % self.slow_every == 0:
            for level in range(1, self.top):
                own = f"expectation_{level}"
                heard = sum(v[f"{own}.{part}"] for part in ("bias", "from_own", "from_below"))
                v[f"{own}.opened"] = 1 / (1 + np.exp(-np.clip(heard, -30, 30)))
                v[f"{own}.mistaken"] = (
                    v[f"event_{level}.seen"]
                    * self._tick(level)
                    * (self.happened(level) - v[f"{own}.opened"])
                )
        self.below = {level: self.happened(level - 1) for level in self.with_event if level > 1}
        self.surprise = [None] + [v[f"state_{n}.r"] - self._prior(n) for n in levels[1:]]
        self.f = [None] + [np.tanh(v[f"state_{n}.r"]) for n in levels[1:]]

        def of_levels(name):
            return np.array([v[f"precision_{level}.{name}"][0] for level in levels])

        ratio = (of_levels("usual") + 1e-9) / (of_levels("recent") + 1e-9)
        progress = np.clip(np.log(ratio), -np.log(c.most), np.log(c.most))
        bounds = np.log(c.lowest), np.log(c.highest)
        trust = of_levels("trust")
        self.precision = self.precision_gain * np.exp(np.clip(trust + progress, *bounds))
        self.weight = np.exp(np.clip(trust - progress, *bounds))
        speed = c.eta * self.weight * np.sqrt(of_levels("mean_square"))
        self.rate = c.eta / (1 + speed / c.fastest)

    def _prior(self, level):
        return sum(self.v[f"prior_{level}.{part}"] for part in ("bias", "from_own", "from_below"))

    def _blank_onset(self):
        """At the first step of the blank, memories and traces take in what the token before left.

        A level that has an event of its own begins anew, to the share that the event happened.
        """
        c, v = self.constants, self.v
        happened = {level: self.happened(level) for level in self.with_event}
        for level in self.with_event:
            begun = v[f"event_{level}.span"] > 0
            v[f"event_{level}.heard"] = self._tick(level) * begun
        for level in self.hidden:
            tick, ended = 1.0 if level == 1 else happened[level - 1], happened.get(level, 0.0)
            below = v["sensory.x"] if level == 1 else self.f[level - 1]
            recent, older = (v[f"memory_{level}.trace_{trace}"] for trace in TRACES)
            share = c.older + (1 - c.older) * ended
            v[f"memory_{level}.trace_older"] = older + tick * share * (below - older)
            v[f"memory_{level}.trace_recent"] = recent + tick * (below - recent)
            recent, older = (v[f"state_{level}.trace_{trace}"] for trace in TRACES)
            own = self.f[level]
            v[f"state_{level}.trace_older"] = (1 - ended) * (older + tick * c.older * (own - older))
            v[f"state_{level}.trace_recent"] = (1 - ended) * (recent + tick * (own - recent))

    def _onset(self, gain):
        c, v = self.constants, self.v
        for level in self.with_event:
            event = f"event_{level}"
            novelty = v[f"{event}.total"] / max(v[f"{event}.span"][0], 1.0)
            difference = v[f"{event}.heard"] * (novelty - v[f"{event}.usual"])
            v[f"{event}.usual"] = v[f"{event}.usual"] + gain * c.habit * difference
            v[f"{event}.total"], v[f"{event}.span"] = np.zeros(1), np.zeros(1)
        for level in range(self.top + 1):
            v[f"precision_{level}.since"] = np.zeros(1)

    def _integrate(self, presenting, arriving, gate, gain):
        slow, learning = self.n % self.slow_every == 0, gain * presenting
        self._tokens(gain * gate)
        if slow:
            self._priors(learning)
            self._expectations(learning)
        self._errors(gate)
        self._events(presenting)
        self._precisions(presenting, gate, gain)
        self._states()
        if slow:
            self._weights(self.constants.slow_clock * learning)
        self._anticipation(gain * arriving)
        self.n += 1

    def _tokens(self, learning):
        """What level 1 says of every token, and the pooled activity that it is divided by."""
        c, v = self.constants, self.v
        v["prediction_0.prediction"] = self._descending(1) @ v["W_1.w"]
        v["prediction_0.anticipated"] = self._descending(1) @ v["V_1.v"]
        v["prediction_0.bias"] = v["prediction_0.bias"] + (
            c.dt * learning * c.bias_share * self.rate[0] * v["error_0.error"]
        )  # of the previous step
        v["inhibition_0.pooled"] = np.array([np.sum(self._activity())])

    def _descending(self, level):
        """The activity of a level by which it predicts the level below."""
        return self.f[level] * (level != self.knocked_out)

    def _activity(self):
        said = self.v["prediction_0.prediction"] + self.v["prediction_0.bias"]
        said = said + self.anticipating * self.v["prediction_0.anticipated"]
        return np.exp(np.clip(said, -30, 30))

    def _probability(self):
        return self._activity() / self.v["inhibition_0.pooled"]

    def _traces(self, level, slot, trace):
        """The traces that a slot of the level reads."""
        return self.v[f"{'state' if slot == 'own' else 'memory'}_{level}.trace_{trace}"]

    def _gather(self, kind, level, slot):
        """What synapses of a kind make of the traces that the slot reads."""
        return sum(
            self._traces(level, slot, trace) @ self.v[f"{kind}_{level}_{slot}.w_{trace}"]
            for trace in TRACES
        )

    def _learn(self, owner, weight, spent, step, rate, change):
        """A step of a rate that falls with the root of the squared changes so far; both from the
        same state.
        """
        self.v[f"{owner}.{weight}"] = self.v[f"{owner}.{weight}"] + step * rate * change / np.sqrt(
            self.v[f"{owner}.{spent}"]
        )
        self.v[f"{owner}.{spent}"] = self.v[f"{owner}.{spent}"] + step * change**2

    def _priors(self, learning):
        for level in self.hidden:
            for slot in SLOTS:
                self.v[f"prior_{level}.from_{slot}"] = self._gather("A", level, slot)
            change = self.weight[level] * self.v[f"error_{level}.error"]  # of the previous step
            step = self.constants.slow_clock * learning
            self._learn(f"prior_{level}", "bias", "spent", step, self.rate[level], change)

    def _expectations(self, learning):
        """The delta rule on the biases. What is gathered now opens the gate a slow step later."""
        step = self.constants.slow_clock * learning / self.constants.tau_gate
        for level in range(1, self.top):
            own = f"expectation_{level}"
            for slot in SLOTS:
                self.v[f"{own}.from_{slot}"] = self._gather("G", level, slot)
            self._learn(own, "bias", "spent", step, 1.0, self.v[f"{own}.mistaken"])

    def _gated_error(self, level):
        """The error of a level as the level above hears and learns from it."""
        opened = self.v[f"expectation_{level}.opened"] if level else 1.0
        return opened * self.v[f"error_{level}.error"]

    def _errors(self, gate):
        c, v = self.constants, self.v
        for level in range(self.top + 1):
            if level == 0:
                drive = gate * (v["sensory.x"] - self._probability())
            else:
                drive = v[f"state_{level}.r"] - self._prior(level)
            if 0 < level < self.top:
                v[f"error_{level}.prediction"] = self._descending(level + 1) @ v[f"W_{level + 1}.w"]
                opened = v[f"expectation_{level}.opened"]
                drive = drive - opened * v[f"error_{level}.prediction"]
            error = v[f"error_{level}.error"]
            v[f"error_{level}.error"] = error + c.dt * (drive - error) / c.tau_e

    def _events(self, presenting):
        """What the prior leaves unforeseen, before the level above has its say, while a token is
        presented.
        """
        c, v = self.constants, self.v
        for level in self.with_event:
            event = f"event_{level}"
            v[f"{event}.unforeseen"] = np.array([np.mean(self.surprise[level] ** 2)])
            if level > 1:
                v[f"{event}.tick"] = np.array([self.below[level]])
            steps = dict(
                total=presenting * v[f"{event}.unforeseen"],
                span=presenting,
                seen=presenting - v[f"{event}.seen"],
            )
            for name, change in steps.items():
                v[f"{event}.{name}"] = v[f"{event}.{name}"] + c.dt * change

    def _precisions(self, presenting, gate, gain):
        c, v = self.constants, self.v
        for level in range(self.top + 1):
            own, kind = f"precision_{level}", int(level > 0)
            square = v[f"{own}.mean_square"] = np.array([np.mean(v[f"error_{level}.error"] ** 2)])
            if level:  # what the level below asked for in the step before
                asked = (1 - self.f[level] ** 2) * v[f"state_{level}.feedback"]
                demand = v[f"{own}.demand"] = np.array([np.mean(asked**2)])
                expected = self._of(c.hidden_expected, level)
            else:
                demand, expected = square, c.sensory_expected
            early = presenting * (v[f"{own}.since"] < c.window) * (1.0 if level else gate)
            trust, watched = v[f"{own}.trust"], v[f"{own}.watched"]
            surprise = (
                1
                - np.exp(trust) * demand / expected
                - c.kappa[kind] * (trust - np.log(c.preferred[kind]))
            )
            # Level 0 is judged by its first errors after an onset; a withheld token tells nothing.
            observed = early if level else gate * (1 - v["precision_0.seen"])
            v[f"{own}.trust"] = trust + (
                c.dt * gain * observed * np.clip(surprise, -5, 5) / c.tau_precision[kind]
            )
            for name, tau in (("recent", c.tau_recent), ("usual", c.tau_usual)):
                difference = (demand - v[f"{own}.{name}"]) / np.clip(watched, 1.0, tau)
                v[f"{own}.{name}"] = v[f"{own}.{name}"] + c.dt * gain * early * difference
            v[f"{own}.watched"] = watched + c.dt * gain * early
            v[f"{own}.since"] = v[f"{own}.since"] + c.dt * presenting
        seen = v["precision_0.seen"]
        v["precision_0.seen"] = seen + c.dt * (presenting - seen) / c.onset

    def _states(self):
        c, v = self.constants, self.v
        self.drift = []
        for level in self.hidden:
            v[f"state_{level}.feedback"] = v[f"W_{level}.w"] @ self._gated_error(level - 1)
            slope = 1 - self.f[level] ** 2
            ascending = slope * self.precision[level - 1] * v[f"state_{level}.feedback"]
            own = self.precision[level] * v[f"error_{level}.error"]
            self.drift.append((ascending - own) / self._of(c.tau, level))
            v[f"state_{level}.r"] = v[f"state_{level}.r"] + c.dt * self.drift[-1]

    def _weights(self, step):
        c, v = self.constants, self.v
        for level in self.hidden:
            change = self.weight[level - 1] * np.outer(self.f[level], self._gated_error(level - 1))
            rate = self._of(c.share, level) * self.rate[level - 1]
            self._learn(f"W_{level}", "w", "spent", step, rate, change)
            for slot, share in zip(SLOTS, (c.own_share, c.below_share)):
                for trace in TRACES:
                    pair, activity = (
                        (f"w_{trace}", f"spent_{trace}"),
                        self._traces(level, slot, trace),
                    )
                    change = self.weight[level] * np.outer(activity, v[f"error_{level}.error"])
                    self._learn(f"A_{level}_{slot}", *pair, step, share * self.rate[level], change)
                    if level < self.top:
                        change = np.outer(activity, v[f"expectation_{level}.mistaken"])
                        self._learn(f"G_{level}_{slot}", *pair, step / c.tau_gate, 1.0, change)

    def _anticipation(self, gain):
        """One step of V for a token, whatever the time step, from the error at its onset."""
        change = np.outer(self.f[1], self.v["error_0.error"])
        self._learn("V_1", "v", "spent", gain, self.constants.step, change)
