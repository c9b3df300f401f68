"""FENA with a Gaussian level 0 and plain Hebbian synapses: a predictive-coding hierarchy that
learns without backpropagation.

Level 0 holds the tokens. Every hidden level l has state units (r), error units (e), prior units
(what the level expects from its recent past) and one precision unit. Predictions W f(r) descend,
errors ascend over the same synapses, and every synapse changes by the precision-weighted error at
its target times the activity at its source. Within a time step errors are evaluated before the
states they move.

Precision is the weight of a level's errors, a number without unit. It rests where
precision*s + kappa*ln(precision/preferred) = 1, with the level's mean squared error s: at 1/s only
without the prior (kappa = 0).
"""

from math import sqrt

from brian2 import ms, second
from fena_flat_memory import ERROR, SENSORY, TOP_ERROR, holder
from fena_parts import changed, pick, pool_errors, prior_synapses, reads, stack, units

from fena_sim import Gaussian, Normal, Parameter, Plasticity, Projection, Readout

# -- parameters: value with unit, meaning ----------------------------------------------------------

TIMES = dict(
    tau=Parameter(14 * ms, "time constant of the states"),
    tau_e=Parameter(1 * ms, "time constant of the errors"),
    slow=Parameter(4 * ms, "time step of priors and plasticity"),
    tolerance=Parameter(0.004 / ms, "RMS drift of the states at which a token counts as settled"),
)
ETA = 3e-5 / ms
LEARNING = dict(
    eta=Parameter(ETA, "learning rate of the synapses of the predictions"),
    eta_prior=Parameter(3 * ETA, "learning rate of the synapses of the priors"),
    eta_bias=Parameter(3 * ETA, "learning rate of the biases of the priors"),
    cap=Parameter(0.7, "norm of a unit's descending weights above which they decay"),
    tau_cap=Parameter(60 * ms, "time constant of the decay of weights beyond cap"),
)
PRECISIONS = dict(
    kappa=Parameter(0.45, "strength of the prior of the precision"),
    preferred=Parameter(0.5, "precision that its prior prefers"),
    lowest=Parameter(0.1, "smallest precision"),
    highest=Parameter(20.0, "largest precision"),
    tau_precision=Parameter(24 * second, "time constant of ln(precision)"),
)
INITIAL = dict(
    log_precision=Parameter(-1.2039728, "logarithm of the precision at first, which is 0.3"),
    state=Parameter(0.1, "standard deviation of the states at first"),
    weight_norm=Parameter(0.8, "norm of a unit's first descending weights"),
    prior_spread=Parameter(1.6, "the priors' first weights: standard deviation * sqrt(2*size)"),
)
AMPLITUDE = "input to the unit of the present token, so that tokens have unit variance"
TABLE = TIMES | LEARNING | INITIAL

# -- level 0: tokens -------------------------------------------------------------------------------

SENSORY_BLANK = (
    "trace_recent += x/amplitude - trace_recent; trace_older += 0.5*(x/amplitude - trace_older)"
)
SENSORY_ERROR = """
derror/dt = (-error + gate*(x - prediction))/tau_e : 1
prediction : 1
"""

# -- hidden levels: states, errors, priors; errors are as in fena_flat_memory.py -------------------

STATE = """
dr/dt = drift + sqrt(2*temperature/tau)*noise : 1
drift = (-precision*error + (1 - f**2)*precision_below*feedback)/tau : Hz
f = tanh(r) : 1 (constant over dt)
descending = predicting*f : 1 (constant over dt)
feedback : 1
outgoing : 1
trace_recent : 1
trace_older : 1
"""
STATE_BLANK = "trace_recent += f - trace_recent; trace_older += 0.5*(f - trace_older)"
PRIOR = """
dbias/dt = plasticity_gain*presenting*eta_bias*precision*error : 1
from_own : 1
from_below : 1
"""

# -- the same without ascending traces -------------------------------------------------------------

ERROR_OF_OWN_PAST = """
derror/dt = (-error + r - prior - prediction)/tau_e : 1
prior = bias + from_own : 1
prediction : 1
"""
TOP_ERROR_OF_OWN_PAST = """
derror/dt = (-error + r - prior)/tau_e : 1
prior = bias + from_own : 1
"""

# -- precision; an omitted token tells that of level 0 nothing -------------------------------------

SENSORY_LOG_PRECISION = """
dlog_precision/dt = plasticity_gain*gate*clip(surprise, -5, 5)/tau_precision + outside/dt : 1
"""
HIDDEN_LOG_PRECISION = """
dlog_precision/dt = plasticity_gain*presenting*clip(surprise, -5, 5)/tau_precision + outside/dt : 1
"""
PRECISION = """
surprise = 1 - precision*mean_square - kappa*(log_precision - log(preferred)) : 1
outside = clip(log_precision, log(lowest), log(highest)) - log_precision : 1
precision = precision_gain*exp(log_precision) : 1 (constant over dt)
mean_square : 1
"""

# -- synapses and their plasticity -----------------------------------------------------------------
# Predictions descend and errors ascend over the same synapses; `outgoing` is a unit's squared
# weight norm. Hebbian: error at the target times activity at the source; norms above `cap` decay.

PREDICT = """
prediction_post = w*descending_pre : 1 (summed)
feedback_pre = w*error_post : 1 (summed)
outgoing_pre = w**2 : 1 (summed)
"""
LEARN_PREDICTION = """
dw/dt = plasticity_gain_post*presenting_post*(eta*precision_post*error_post*f_pre - excess*w/(2*tau_cap)) : 1
excess = clip(outgoing_pre/cap**2 - 1, 0, 1) : 1
"""
LEARN_PRIOR = """
dw_recent/dt = plasticity_gain_post*presenting_post*eta*precision_post*error_post*trace_recent_pre : 1
dw_older/dt = plasticity_gain_post*presenting_post*eta*precision_post*error_post*trace_older_pre : 1
"""

# -- levels ----------------------------------------------------------------------------------------


def sensory_level(size, table):
    """Level 0: tokens and their errors."""
    populations = [
        units(
            "input",
            0,
            size,
            SENSORY,
            dict(amplitude=Parameter(amplitude(size), AMPLITUDE)),
            name="sensory",
            on=dict(blank_onset=SENSORY_BLANK, onset="x = amplitude*token_code"),
        ),
        units(
            "error",
            0,
            size,
            SENSORY_ERROR,
            pick(table, "tau_e"),
            links=reads("sensory", "x") | reads("precision_0", "precision"),
        ),
        precision(0, SENSORY_LOG_PRECISION, table),
    ]
    return populations, [pool_errors(0)]


def hidden_level(level, sizes, table, slots, errors):
    """A level of states, errors and priors; its synapses with the level below and with traces."""
    size, own = sizes[level], reads(f"precision_{level}", "precision")
    error = reads(f"error_{level}", "error")
    populations = [
        precision(level, HIDDEN_LOG_PRECISION, table),
        units(
            "state",
            level,
            size,
            STATE,
            pick(table, "tau"),
            order=20,
            initial=dict(r=Normal(sd=table["state"].value)),
            on=dict(blank_onset=STATE_BLANK),
            links=error | own | dict(precision_below=f"precision_{level - 1}.precision"),
        ),
        units(
            "error",
            level,
            size,
            errors,
            pick(table, "tau_e"),
            links=reads(f"state_{level}", "r")
            | own
            | reads(f"prior_{level}", "bias", *(f"from_{slot}" for slot in slots)),
        ),
        units(
            "prior",
            level,
            size,
            PRIOR,
            pick(table, "eta_bias"),
            order=-10,
            clock=table["slow"].value,
            links=error | own,
        ),
    ]
    predict = Projection(
        name=f"W_{level}",
        source=f"state_{level}",
        target=f"error_{level - 1}",
        equations=PREDICT,
        plasticity=learn(LEARN_PREDICTION, pick(table, "eta", "cap", "tau_cap")),
        initial=dict(w=Normal(sd=table["weight_norm"].value / sqrt(sizes[level - 1]))),
    )
    rule, spread = learn(LEARN_PRIOR, dict(eta=table["eta_prior"])), table["prior_spread"].value
    sd = spread / sqrt(2 * size)
    expect = [prior_synapses(level, slot, holder(level, slot), rule, sd) for slot in slots]
    return populations, [pool_errors(level), predict, *expect]


def hierarchy(
    input_size=16,
    sizes=(64, 48, 32),
    ascending_traces=True,
    prior_spread=None,
    weight_norm=None,
    tau=None,
    tau_e=None,
    eta=None,
    tolerance=None,
    name="fena_gaussian",
):
    """FENA over `input_size` input units and hidden levels of `sizes`; what is left out is as in
    TABLE.
    """
    rates = {} if eta is None else dict(eta=eta, eta_bias=3 * eta, eta_prior=3 * eta)
    table = changed(TABLE, tau=tau, tau_e=tau_e, tolerance=tolerance, **rates)
    table = changed(table, prior_spread=prior_spread, weight_norm=weight_norm)
    slots = ("own", "below") if ascending_traces else ("own",)
    hidden = ERROR if ascending_traces else ERROR_OF_OWN_PAST
    highest = TOP_ERROR if ascending_traces else TOP_ERROR_OF_OWN_PAST
    sizes, top = (input_size, *sizes), len(sizes)
    levels = [sensory_level(input_size, table)]
    for level in range(1, top + 1):
        errors = hidden if level < top else highest
        levels.append(hidden_level(level, sizes, table, slots, errors))
    return stack(
        levels,
        name=name,
        description="Predictive-coding hierarchy with local Hebbian learning of predictions, priors and precisions",
        tolerance=table["tolerance"].value,
        prediction=Readout(
            name="prediction",
            variables=["error_0.prediction"],
            when="before_onset",
            scale=1 / amplitude(input_size),
        ),
        likelihood=Gaussian(),
    )


# -- parts of a level ------------------------------------------------------------------------------


def amplitude(size):
    """Of the one-hot tokens, so that their variance is one: Gaussian precisions then stay near one."""
    return sqrt(size)


def precision(level, log_precision, table):
    """The one unit that holds a level's precision."""
    equations, first = log_precision + PRECISION, table["log_precision"].value
    initial = dict(log_precision=first)
    return units("precision", level, 1, equations, PRECISIONS, order=10, initial=initial)


def learn(rule, parameters):
    """Plasticity in steps of the slow clock."""
    return Plasticity(equations=rule, clock=TIMES["slow"].value, parameters=parameters)
