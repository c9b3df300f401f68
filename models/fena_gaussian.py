"""FENA with a Gaussian level 0 and plain Hebbian synapses: a predictive-coding hierarchy that
learns without backpropagation.

Level 0 holds the tokens. Every hidden level l has state units (r), error units (e), prior units
(what the level expects from its recent past) and one precision unit. Predictions W f(r) descend,
errors ascend over the same synapses, and every synapse changes by the precision-weighted error at
its target times the activity at its source. Within a time step errors are evaluated before the
states they move.
"""

from math import sqrt

from brian2 import ms, second

from fena_sim import (
    Gaussian,
    Hierarchy,
    Normal,
    Plasticity,
    Population,
    Projection,
    Readout,
    Settling,
)

STATE = """
dr/dt = drift + sqrt(2*temperature/tau)*noise : 1
drift = (-precision*error + (1 - f**2)*precision_below*feedback)/tau : Hz
f = tanh(r) : 1 (constant over dt)
feedback : 1
outgoing : 1
trace_recent : 1
trace_older : 1
"""
TRACES = "trace_recent += {0} - trace_recent; trace_older += 0.5*({0} - trace_older)"
SENSORY = """
x : 1
trace_recent : 1
trace_older : 1
"""
SENSORY_ERROR = """
derror/dt = (-error + gate*(x - prediction))/tau_e : 1
prediction : 1
"""
ERROR = """
derror/dt = (-error + r - prior - prediction)/tau_e : 1
prior = {prior} : 1
prediction : 1
"""
TOP_ERROR = ERROR.replace(" - prediction", "").replace("prediction : 1\n", "")
PRIOR = """
dbias/dt = plasticity_gain*presenting*eta_bias*precision*error : 1
from_own : 1
from_below : 1
"""
PRECISION = """
dlog_precision/dt = plasticity_gain*{observed}*clip(surprise, -5, 5)/tau_precision + outside/dt : 1
surprise = 1 - precision*mean_square - kappa*(log_precision - log(preferred)) : 1
outside = clip(log_precision, log(lowest), log(highest)) - log_precision : 1
precision = precision_gain*exp(log_precision) : 1 (constant over dt)
mean_square : 1
"""
# Predictions descend and errors ascend over the same synapses; `outgoing` is a unit's squared
# weight norm.
PREDICT = """
prediction_post = w*f_pre : 1 (summed)
feedback_pre = w*error_post : 1 (summed)
outgoing_pre = w**2 : 1 (summed)
"""
# Hebbian: error at the target times activity at the source; norms above `cap` decay.
LEARN_PREDICTION = """
dw/dt = plasticity_gain_post*presenting_post*(eta*precision_post*error_post*f_pre - excess*w/(2*tau_cap)) : 1
excess = clip(outgoing_pre/cap**2 - 1, 0, 1) : 1
"""
LEARN_PRIOR = """
dw_recent/dt = plasticity_gain_post*presenting_post*eta*precision_post*error_post*trace_recent_pre : 1
dw_older/dt = plasticity_gain_post*presenting_post*eta*precision_post*error_post*trace_older_pre : 1
"""


def prior_synapses(level, slot, source, spread, eta):
    """What level `level` expects from the held traces of `source` (its own, or the level below's)."""
    return Projection(
        name=f"A_{level}_{slot}",
        source=source,
        target=f"prior_{level}",
        equations=f"from_{slot}_post = w_recent*trace_recent_pre + w_older*trace_older_pre : 1 (summed)",
        plasticity=Plasticity(equations=LEARN_PRIOR, clock=4 * ms, parameters=dict(eta=eta)),
        initial=dict(w_recent=Normal(sd=spread), w_older=Normal(sd=spread)),
    )


def hierarchy(
    input_size=16,
    sizes=(64, 48, 32),
    ascending_traces=True,
    prior_spread=1.6,
    weight_norm=0.8,
    tau=14 * ms,
    tau_e=1 * ms,
    eta=3e-5 / ms,
    tolerance=0.004 / ms,
    name="fena_gaussian",
):
    """FENA over `input_size` input units and hidden levels of `sizes`; see design constants below."""
    sizes = (input_size, *sizes)
    top = len(sizes) - 1
    amplitude = sqrt(
        input_size
    )  # one-hot tokens of unit variance keep Gaussian precisions near one
    slots = ("own", "below") if ascending_traces else ("own",)
    prior = " + ".join(["bias", *(f"from_{slot}" for slot in slots)])

    populations = [
        Population(
            name="sensory",
            size=input_size,
            level=0,
            role="input",
            equations=SENSORY,
            parameters=dict(amplitude=amplitude),
            on=dict(onset=TRACES.format("x/amplitude"), arrival="x = amplitude*token_code"),
        ),
        Population(
            name="error_0",
            size=input_size,
            level=0,
            role="error",
            equations=SENSORY_ERROR,
            parameters=dict(tau_e=tau_e),
            links=dict(x="sensory.x", precision="precision_0.precision"),
        ),
    ]
    projections = []
    for level, size in enumerate(sizes):
        populations.append(
            Population(
                name=f"precision_{level}",
                size=1,
                level=level,
                role="precision",
                order=10,
                equations=PRECISION.format(
                    observed="gate" if level == 0 else "presenting"
                ),  # an omitted token tells nothing
                parameters=dict(
                    kappa=0.45, preferred=0.5, lowest=0.1, highest=20.0, tau_precision=24 * second
                ),
                initial=dict(log_precision=-1.2039728),
            )
        )  # precision 0.3
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
        populations += [
            Population(
                name=f"state_{level}",
                size=size,
                level=level,
                role="state",
                order=20,
                equations=STATE,
                parameters=dict(tau=tau),
                initial=dict(r=Normal(sd=0.1)),
                on=dict(onset=TRACES.format("f")),
                links=dict(
                    error=f"error_{level}.error",
                    precision=f"precision_{level}.precision",
                    precision_below=f"precision_{level - 1}.precision",
                ),
            ),
            Population(
                name=f"error_{level}",
                size=size,
                level=level,
                role="error",
                parameters=dict(tau_e=tau_e),
                equations=(TOP_ERROR if level == top else ERROR).format(prior=prior),
                links=dict(
                    r=f"state_{level}.r",
                    precision=f"precision_{level}.precision",
                    bias=f"prior_{level}.bias",
                    **{f"from_{s}": f"prior_{level}.from_{s}" for s in slots},
                ),
            ),
            Population(
                name=f"prior_{level}",
                size=size,
                level=level,
                role="prior",
                order=-10,
                clock=4 * ms,
                equations=PRIOR,
                parameters=dict(eta_bias=3 * eta),
                links=dict(error=f"error_{level}.error", precision=f"precision_{level}.precision"),
            ),
        ]
        projections.append(
            Projection(
                name=f"W_{level}",
                source=f"state_{level}",
                target=f"error_{level - 1}",
                equations=PREDICT,
                plasticity=Plasticity(
                    equations=LEARN_PREDICTION,
                    clock=4 * ms,
                    parameters=dict(eta=eta, cap=0.7, tau_cap=60 * ms),
                ),
                initial=dict(w=Normal(sd=weight_norm / sqrt(sizes[level - 1]))),
            )
        )
        sources = {
            "own": f"state_{level}",
            "below": "sensory" if level == 1 else f"state_{level - 1}",
        }
        projections += [
            prior_synapses(level, slot, sources[slot], prior_spread / sqrt(2 * size), 3 * eta)
            for slot in slots
        ]

    states = [f"state_{level}" for level in range(1, top + 1)]
    squares = [f"precision_{level}.mean_square" for level in range(top + 1)]
    return Hierarchy(
        name=name,
        populations=populations,
        projections=projections,
        dt=1 * ms,
        description="Predictive-coding hierarchy with local Hebbian learning of predictions, priors and precisions",
        settling=Settling(populations=states, variable="drift", tolerance=tolerance),
        likelihood=Gaussian(),
        readouts=[
            Readout(
                name="prediction",
                variables=["error_0.prediction"],
                when="arrival",
                scale=1 / amplitude,
            ),
            Readout(name="onset_error", variables=squares, when="first"),
            Readout(name="error", variables=squares, when="mean"),
            Readout(name="settled_error", variables=squares, when="last"),
            Readout(
                name="precision",
                variables=[f"precision_{n}.precision" for n in range(top + 1)],
                when="last",
            ),
        ],
    )
