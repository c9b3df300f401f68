"""FENA: a predictive-coding hierarchy that learns to predict tokens without backpropagation.

Level 0 holds the tokens, predicted as probabilities: what W_1 says of every token is exponentiated
and divided by the level's pooled activity. Every hidden level l has state units (r), error units
(e) and prior units (what the level expects from held traces of its own activity and of the level
below). Predictions W f(r) descend, errors ascend over the same synapses, and every synapse changes
by the precision-weighted error at its target times the activity at its source.

Three things are local to where they happen: a synapse's rate falls with what it has changed so far
(metaplasticity); a level's precision follows its own errors, at level 0 those just after a token's
onset; and a level whose errors would change its synapses faster than `fastest` slows itself down
(`rate`). fena_gaussian.py has the Gaussian level 0.
"""

from math import log, sqrt

from brian2 import ms, second

from fena_sim import (
    Categorical,
    Hierarchy,
    Normal,
    Plasticity,
    Population,
    Projection,
    Readout,
    Settling,
)

SENSORY = """
x : 1
trace_recent : 1
trace_older : 1
"""
TRACES = "trace_recent += {0} - trace_recent; trace_older += older*({0} - trace_older)"
PREDICTION = """
prediction : 1
dbias/dt = plasticity_gain*gate*bias_share*rate*error : 1
"""
SENSORY_ERROR = """
derror/dt = (-error + gate*(x - probability))/tau_e : 1
probability = exp(clip(prediction + bias, -30, 30))/pooled : 1
"""
STATE = """
dr/dt = drift + sqrt(2*temperature/tau)*noise : 1
drift = (-precision*error + slope*precision_below*feedback)/tau : Hz
f = tanh({input}) : 1 (constant over dt)
slope = {slope} : 1
feedback : 1
trace_recent : 1
trace_older : 1
"""
SMOOTH = dict(input="r", slope="1 - f**2")
RECTIFIED = dict(input="clip(r, 0, inf)", slope="int(r > 0)*(1 - f**2)")
ERROR = """
derror/dt = (-error + r - prior - prediction)/tau_e : 1
prior = bias + from_own + from_below : 1
prediction : 1
"""
TOP_ERROR = ERROR.replace(" - prediction", "").replace("prediction : 1\n", "")
PRIOR = """
dbias/dt = plasticity_gain*presenting*rate*precision*error/sqrt(spent) : 1
dspent/dt = plasticity_gain*presenting*(precision*error)**2/ms : 1
from_own : 1
from_below : 1
"""
PRECISION = """
dlog_precision/dt = plasticity_gain*{observed}*clip(surprise, -5, 5)/tau_precision + outside/dt : 1
surprise = log_determinant - precision*mean_square/expected - kappa*(log_precision - log(preferred)) : 1
outside = clip(log_precision, log(lowest), log(highest)) - log_precision : 1
precision = precision_gain*exp(log_precision) : 1 (constant over dt)
rate = eta/(1 + adaptive*eta*precision*sqrt(mean_square)/fastest) : Hz (constant over dt)
mean_square : 1
"""
ONSET = """
dseen/dt = (presenting - seen)/onset : 1
"""
PREDICT = "prediction_post = w*f_pre : 1 (summed)"
SAME_SYNAPSES = "\nfeedback_pre = w*error_post : 1 (summed)"
# Hebbian, with a rate that falls with the squared changes `spent` so far (Duchi et al. 2011, J Mach
# Learn Res 12:2121).
LEARN = """
d{w}/dt = plasticity_gain_post*presenting_post*(share*rate_post*{change}/sqrt({spent})) : 1
d{spent}/dt = plasticity_gain_post*presenting_post*({change})**2/ms : 1
"""
FRESH = 10.0  # `spent` of a synapse that has never changed


def learn_prediction(error, activity, share):
    """The rule of synapses from state units (`activity`) to the level they predict, or of those
    that lead back.
    """
    rule = LEARN.format(w="w", spent="spent", change=f"precision_post*{error}*{activity}")
    return Plasticity(equations=rule, clock=4 * ms, parameters=dict(share=share))


def prior_synapses(level, slot, source, spread, share):
    """What level `level` expects from the held traces of `source` (its own, or the level below's)."""
    rules = [
        LEARN.format(
            w=f"w_{t}", spent=f"spent_{t}", change=f"precision_post*error_post*trace_{t}_pre"
        )
        for t in ("recent", "older")
    ]
    return Projection(
        name=f"A_{level}_{slot}",
        source=source,
        target=f"prior_{level}",
        equations=f"from_{slot}_post = w_recent*trace_recent_pre + w_older*trace_older_pre : 1 (summed)",
        plasticity=Plasticity(equations="".join(rules), clock=4 * ms, parameters=dict(share=share)),
        initial=dict(
            w_recent=Normal(sd=spread),
            w_older=Normal(sd=spread),
            spent_recent=FRESH,
            spent_older=FRESH,
        ),
    )


def hierarchy(
    input_size=16,
    sizes=(64, 48, 32),
    taus=(14 * ms, 28 * ms, 56 * ms),
    older=(0.5, 0.25, 0.12),
    tau_e=1 * ms,
    eta=0.01 / ms,
    share=0.1,
    own_share=0.3,
    token_norm=4.0,
    hidden_norm=0.1,
    prior_spread=1.0,
    token_spread=0.1,
    rectified=False,
    bias=0.0,
    same_synapses=True,
    name="fena",
):
    """FENA over `input_size` tokens and hidden levels of `sizes`, with state time constants `taus`
    and traces `older` (their last values serve all higher levels).

    `rectified` units with a negative `bias` are those that fall into traps; without `same_synapses`
    errors ascend over synapses of their own (fena_learned_feedback.py).
    """
    sizes = (input_size, *sizes)
    top = len(sizes) - 1
    populations = [
        Population(
            name="sensory",
            size=input_size,
            level=0,
            role="input",
            equations=SENSORY,
            parameters=dict(older=older[0]),
            on=dict(onset=TRACES.format("x"), arrival="x = token_code"),
        ),
        Population(
            name="prediction_0",
            size=input_size,
            level=0,
            role="prediction",
            order=-40,
            equations=PREDICTION,
            parameters=dict(bias_share=0.1),
            links=dict(
                error="error_0.error", precision="precision_0.precision", rate="precision_0.rate"
            ),
        ),
        Population(
            name="inhibition_0",
            size=1,
            level=0,
            role="inhibition",
            order=-30,
            equations="pooled : 1",
        ),
        Population(
            name="error_0",
            size=input_size,
            level=0,
            role="error",
            equations=SENSORY_ERROR,
            parameters=dict(tau_e=tau_e),
            links=dict(
                x="sensory.x",
                prediction="prediction_0.prediction",
                bias="prediction_0.bias",
                pooled="inhibition_0.pooled",
            ),
        ),
    ]
    projections = [
        Projection(
            name="inhibit",
            source="prediction_0",
            target="inhibition_0",
            equations="pooled_post = exp(clip(prediction_pre + bias_pre, -30, 30)) : 1 (summed)",
        )
    ]
    for level, size in enumerate(sizes):
        trust = (
            dict(
                expected=1.5 / input_size,
                kappa=1.0,
                preferred=4.0,
                tau_precision=4 * second,
                onset=1 * ms,
            )
            if level == 0
            else dict(expected=1.0, kappa=0.45, preferred=0.5, tau_precision=24 * second)
        )
        populations.append(
            Population(
                name=f"precision_{level}",
                size=1,
                level=level,
                role="precision",
                order=10,
                equations=(ONSET if level == 0 else "")
                + PRECISION.format(
                    observed="gate*presenting*(1 - seen)" if level == 0 else "presenting"
                ),
                parameters=dict(
                    log_determinant=1.0,
                    lowest=0.1,
                    highest=20.0,
                    eta=eta,
                    adaptive=1.0,
                    fastest=0.05 / ms,
                )
                | trust,
                initial=dict(log_precision=log(8.0 if level == 0 else 0.3)),
            )
        )
        projections.append(
            Projection(
                name=f"pool_{level}",
                source=f"error_{level}",
                target=f"precision_{level}",
                equations="mean_square_post = error_pre**2/N_pre : 1 (summed)",
            )
        )
        if level == 0:
            continue
        own = {name: f"precision_{level}.{name}" for name in ("precision", "rate")}
        populations += [
            Population(
                name=f"state_{level}",
                size=size,
                level=level,
                role="state",
                order=20,
                equations=STATE.format(**RECTIFIED if rectified else SMOOTH),
                parameters=dict(tau=taus[:level][-1], older=older[:level][-1]),
                initial=dict(r=Normal(sd=0.1)),
                on=dict(onset=TRACES.format("f")),
                links=dict(
                    error=f"error_{level}.error", precision_below=f"precision_{level - 1}.precision"
                )
                | own,
            ),
            Population(
                name=f"error_{level}",
                size=size,
                level=level,
                role="error",
                parameters=dict(tau_e=tau_e),
                equations=TOP_ERROR if level == top else ERROR,
                links={n: f"prior_{level}.{n}" for n in ("bias", "from_own", "from_below")}
                | dict(r=f"state_{level}.r")
                | own,
            ),
            Population(
                name=f"prior_{level}",
                size=size,
                level=level,
                role="prior",
                order=-10,
                clock=4 * ms,
                equations=PRIOR,
                initial=dict(bias=bias, spent=FRESH),
                links=dict(error=f"error_{level}.error") | own,
            ),
        ]
        below, spread = (
            f"error_{level - 1}" if level > 1 else "prediction_0",
            token_norm if level == 1 else hidden_norm,
        )
        weights = dict(w=Normal(sd=spread / sqrt(sizes[level - 1])), spent=FRESH)
        projections.append(
            Projection(
                name=f"W_{level}",
                source=f"state_{level}",
                target=below,
                equations=PREDICT + SAME_SYNAPSES * same_synapses,
                plasticity=learn_prediction("error_post", "f_pre", share),
                initial=weights,
            )
        )
        if not same_synapses:
            projections.append(
                Projection(
                    name=f"F_{level}",
                    source=below,
                    target=f"state_{level}",
                    equations="feedback_post = w*error_pre : 1 (summed)",
                    plasticity=learn_prediction("error_pre", "f_post", share),
                    initial=weights,
                )
            )
        sources = {
            "own": f"state_{level}",
            "below": "sensory" if level == 1 else f"state_{level - 1}",
        }
        projections += [
            prior_synapses(
                level,
                slot,
                sources[slot],
                token_spread if slot == "below" and level == 1 else prior_spread / sqrt(2 * size),
                own_share if slot == "own" else 1.0,
            )
            for slot in sources
        ]

    states = [f"state_{level}" for level in range(1, top + 1)]
    squares = [f"precision_{level}.mean_square" for level in range(top + 1)]
    precisions = [f"precision_{level}.precision" for level in range(top + 1)]
    return Hierarchy(
        name=name,
        populations=populations,
        projections=projections,
        dt=1 * ms,
        description="Predictive-coding hierarchy with a categorical level 0, metaplastic Hebbian synapses and learned precisions",
        settling=Settling(populations=states, variable="drift", tolerance=0.004 / ms),
        likelihood=Categorical(),
        readouts=[
            Readout(name="probability", variables=["error_0.probability"], when="arrival"),
            Readout(name="onset_error", variables=squares, when="first"),
            Readout(name="error", variables=squares, when="mean"),
            Readout(name="settled_error", variables=squares, when="last"),
            Readout(name="precision", variables=precisions, when="last"),
            *[Readout(name=state, variables=[f"{state}.f"], when="last") for state in states],
            Readout(name="presented", variables=["sensory.x"], when="last"),
            Readout(name="onset_probability", variables=["error_0.probability"], when="first"),
            Readout(name="settled_probability", variables=["error_0.probability"], when="last"),
        ],
    )
