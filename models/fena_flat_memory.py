"""FENA whose levels hold flat memories: traces of fixed lengths, without events.

A predictive-coding hierarchy that learns to predict tokens without backpropagation: the default of
version 0.1, now the model from which fena_gaussian.py, fena_errors_only.py and
fena_learned_feedback.py vary.

Level 0 holds the tokens, predicted as probabilities: what W_1 says of every token is exponentiated
and divided by the level's pooled activity. Every hidden level l has state units (r), error units
(e) and prior units (what the level expects from held traces of its own activity and of the level
below). Predictions W f(r) descend, errors ascend over the same synapses, and every synapse changes
by the precision-weighted error at its target times the activity at its source.

Three things are local to where they happen: a synapse's rate falls with what it has changed so far
(metaplasticity); a level's precision follows its own errors, at level 0 those just after a token's
onset; and a level whose errors would change its synapses faster than `fastest` slows itself down
(`rate`).

Precision is the weight of a level's errors, a number without unit. It rests where precision*s/expected
+ kappa*ln(precision/preferred) = 1, with the level's mean squared error s. At level 0 both terms
count. In hidden levels s is far below `expected`: there the second term, the prior, draws precision
to preferred*exp(1/kappa) = 4.6, whatever the error. It is not 1/s.

States, tables and the parts of levels that it shares with fena.py are in fena_parts.py.
"""

from math import log, sqrt

from brian2 import ms, second
from fena_parts import (
    FEED_BACK,
    INHIBITION,
    INITIAL,
    LEARNING,
    PREDICT,
    RECTIFIED,
    SMOOTH,
    STATE,
    STATES_AND_ERRORS,
    STEPS,
    at_level,
    changed,
    learn,
    pick,
    pool_errors,
    prior_synapses,
    reads,
    stack_categorical,
    sums,
    units,
)

from fena_sim import Normal, Parameter, Projection

# -- parameters: value with unit, meaning ----------------------------------------------------------
# More of them are in fena_parts.py.

PRECISIONS = dict(
    log_determinant_weight=Parameter(1.0, "weight of ln(precision) in the free energy; 0: none"),
    lowest=Parameter(0.1, "smallest precision"),
    highest=Parameter(20.0, "largest precision"),
)
SENSORY_PRECISION = dict(
    expected=Parameter(1.5, "mean squared error that fits precision 1: 1.5 / number of tokens"),
    kappa=Parameter(1.0, "strength of the prior of the precision"),
    preferred=Parameter(4.0, "precision that its prior prefers"),
    tau_precision=Parameter(4 * second, "time constant of ln(precision)"),
    onset=Parameter(1 * ms, "decay time of what errors teach after a token's onset"),
)
HIDDEN_PRECISION = dict(
    expected=Parameter(1.0, "mean squared error that fits precision 1"),
    kappa=Parameter(0.45, "strength of the prior of the precision"),
    preferred=Parameter(0.5, "precision that its prior prefers"),
    tau_precision=Parameter(24 * second, "time constant of ln(precision)"),
)
TABLE = STATES_AND_ERRORS | LEARNING | INITIAL

# -- level 0: tokens -------------------------------------------------------------------------------

SENSORY = """
x : 1
trace_recent : 1
trace_older : 1
"""
SENSORY_BLANK = "trace_recent += x - trace_recent; trace_older += older*(x - trace_older)"
PREDICTION = """
prediction : 1
dbias/dt = plasticity_gain*gate*bias_share*rate*error : 1
"""
POOL_ACTIVITY = "pooled_post = exp(clip(prediction_pre + bias_pre, -30, 30)) : 1 (summed)"
SENSORY_ERROR = """
derror/dt = (-error + gate*(x - probability))/tau_e : 1
probability = exp(clip(prediction + bias, -30, 30))/pooled : 1
"""

# -- hidden levels: states, errors, priors ---------------------------------------------------------

STATE_BLANK = "trace_recent += f - trace_recent; trace_older += older*(f - trace_older)"
ERROR = """
derror/dt = (-error + r - prior - prediction)/tau_e : 1
prior = bias + from_own + from_below : 1
prediction : 1
"""
PRIOR = """
dbias/dt = plasticity_gain*presenting*rate*precision*error/sqrt(spent) : 1
dspent/dt = plasticity_gain*presenting*(precision*error)**2/ms : 1
from_own : 1
from_below : 1
"""

# -- the top level, which nothing predicts ---------------------------------------------------------

TOP_ERROR = """
derror/dt = (-error + r - prior)/tau_e : 1
prior = bias + from_own + from_below : 1
"""

# -- precision and learning rate of a level --------------------------------------------------------

SENSORY_LOG_PRECISION = """
dseen/dt = (presenting - seen)/onset : 1
dlog_precision/dt = plasticity_gain*gate*presenting*(1 - seen)*clip(surprise, -5, 5)/tau_precision + outside/dt : 1
"""
HIDDEN_LOG_PRECISION = """
dlog_precision/dt = plasticity_gain*presenting*clip(surprise, -5, 5)/tau_precision + outside/dt : 1
"""
PRECISION = """
surprise = log_determinant_weight - precision*mean_square/expected - kappa*(log_precision - log(preferred)) : 1
outside = clip(log_precision, log(lowest), log(highest)) - log_precision : 1
precision = precision_gain*exp(log_precision) : 1 (constant over dt)
rate = eta/(1 + adaptive*eta*precision*sqrt(mean_square)/fastest) : Hz (constant over dt)
mean_square : 1
"""

# -- synapses and their plasticity -----------------------------------------------------------------
# Hebbian, with a rate that falls with the squared changes `spent` so far (Duchi et al. 2011, J Mach
# Learn Res 12:2121).

FEED_BACK_APART = "feedback_post = w*error_pre : 1 (summed)"
LEARN_PREDICTION = """
dw/dt = plasticity_gain_post*presenting_post*(share*rate_post*precision_post*error_post*f_pre/sqrt(spent)) : 1
dspent/dt = plasticity_gain_post*presenting_post*(precision_post*error_post*f_pre)**2/ms : 1
"""
LEARN_FEEDBACK = """
dw/dt = plasticity_gain_post*presenting_post*(share*rate_post*precision_post*error_pre*f_post/sqrt(spent)) : 1
dspent/dt = plasticity_gain_post*presenting_post*(precision_post*error_pre*f_post)**2/ms : 1
"""
LEARN_PRIOR = """
dw_recent/dt = plasticity_gain_post*presenting_post*(share*rate_post*precision_post*error_post*trace_recent_pre/sqrt(spent_recent)) : 1
dspent_recent/dt = plasticity_gain_post*presenting_post*(precision_post*error_post*trace_recent_pre)**2/ms : 1
dw_older/dt = plasticity_gain_post*presenting_post*(share*rate_post*precision_post*error_post*trace_older_pre/sqrt(spent_older)) : 1
dspent_older/dt = plasticity_gain_post*presenting_post*(precision_post*error_post*trace_older_pre)**2/ms : 1
"""

# -- levels ----------------------------------------------------------------------------------------


def sensory_level(size, table):
    """Level 0: tokens, what level 1 says of each, the activity pooled over them, errors."""
    expected = SENSORY_PRECISION["expected"]
    trust = SENSORY_PRECISION | dict(expected=expected.with_value(expected.value / size))
    on, learned = dict(blank_onset=SENSORY_BLANK, onset="x = token_code"), pick(table, "bias_share")
    learned_from = reads("error_0", "error") | reads("precision_0", "precision", "rate")
    said = reads("prediction_0", "prediction", "bias") | reads("inhibition_0", "pooled")
    populations = [
        units("input", 0, size, SENSORY, at_level(1, table, "older"), name="sensory", on=on),
        units("prediction", 0, size, PREDICTION, learned, order=-40, links=learned_from),
        units("inhibition", 0, 1, INHIBITION, order=-30),
        units(
            "error",
            0,
            size,
            SENSORY_ERROR,
            pick(table, "tau_e"),
            links=reads("sensory", "x") | said,
        ),
        precision(0, SENSORY_LOG_PRECISION, table, trust, table["sensory_precision"].value),
    ]
    inhibit = sums("inhibit", "prediction_0", "inhibition_0", POOL_ACTIVITY)
    return populations, [inhibit, pool_errors(0)]


def hidden_level(level, sizes, table, activation, same_synapses, errors=ERROR):
    """A level of states, errors and priors; its synapses with the level below and its own traces."""
    size, first = sizes[level], {name: table[name].value for name in INITIAL}
    error, own = reads(f"error_{level}", "error"), reads(f"precision_{level}", "precision", "rate")
    expected = reads(f"prior_{level}", "bias", "from_own", "from_below")
    populations = [
        precision(level, HIDDEN_LOG_PRECISION, table, HIDDEN_PRECISION, first["hidden_precision"]),
        units(
            "state",
            level,
            size,
            STATE + activation,
            at_level(level, table, "tau", "older"),
            order=20,
            initial=dict(r=Normal(sd=first["state"])),
            on=dict(blank_onset=STATE_BLANK),
            links=error | dict(precision_below=f"precision_{level - 1}.precision") | own,
        ),
        units(
            "error",
            level,
            size,
            errors,
            pick(table, "tau_e"),
            links=expected | reads(f"state_{level}", "r") | own,
        ),
        units(
            "prior",
            level,
            size,
            PRIOR,
            order=-10,
            clock=STEPS["slow"].value,
            initial=dict(bias=first["bias"], spent=first["spent"]),
            links=error | own,
        ),
    ]
    prior_sd = first["prior_spread"] / sqrt(2 * size)
    below_sd = first["token_spread"] if level == 1 else prior_sd
    spent = dict(spent_recent=first["spent"], spent_older=first["spent"])
    projections = [
        pool_errors(level),
        *prediction_synapses(level, sizes[level - 1], table, same_synapses),
        *(
            prior_synapses(
                level, slot, holder(level, slot), learn(LEARN_PRIOR, table[share]), sd, spent
            )
            for slot, share, sd in (
                ("own", "own_share", prior_sd),
                ("below", "below_share", below_sd),
            )
        ),
    ]
    return populations, projections


def top_level(level, sizes, table, activation, same_synapses):
    """A hidden level that nothing predicts."""
    return hidden_level(level, sizes, table, activation, same_synapses, errors=TOP_ERROR)


def hierarchy(
    input_size=16,
    sizes=(64, 48, 32),
    taus=None,
    older=None,
    tau_e=None,
    eta=None,
    share=None,
    own_share=None,
    token_norm=None,
    hidden_norm=None,
    prior_spread=None,
    token_spread=None,
    rectified=False,
    bias=None,
    same_synapses=True,
    name="fena_flat_memory",
):
    """FENA over `input_size` tokens and hidden levels of `sizes`; what is left out is as in TABLE.

    `rectified` units with a negative `bias` are those that fall into traps; without `same_synapses`
    errors ascend over synapses of their own (fena_learned_feedback.py).
    """
    table = changed(TABLE, tau=taus, older=older, tau_e=tau_e, eta=eta, share=share, bias=bias)
    table = changed(table, own_share=own_share, token_norm=token_norm, hidden_norm=hidden_norm)
    table = changed(table, prior_spread=prior_spread, token_spread=token_spread)
    sizes, top = (input_size, *sizes), len(sizes)
    levels = [sensory_level(input_size, table)]
    for level in range(1, top + 1):
        kind = hidden_level if level < top else top_level
        levels.append(kind(level, sizes, table, RECTIFIED if rectified else SMOOTH, same_synapses))
    return stack_categorical(
        levels,
        name=name,
        description="Predictive-coding hierarchy with a categorical level 0, metaplastic Hebbian synapses and learned precisions",
    )


# -- parts of a level ------------------------------------------------------------------------------


def holder(level, slot):
    """The population that holds the traces of a level's "own" activity, or of the level "below"."""
    if slot == "own":
        return f"state_{level}"
    return f"state_{level - 1}" if level > 1 else "sensory"


def precision(level, log_precision, table, trust, first):
    """The one unit that holds a level's precision and learning rate."""
    parameters = PRECISIONS | pick(table, "eta", "adaptive", "fastest") | trust
    equations, initial = log_precision + PRECISION, dict(log_precision=log(first))
    return units("precision", level, 1, equations, parameters, order=10, initial=initial)


def prediction_synapses(level, size_below, table, same_synapses):
    """W, over which predictions descend and errors ascend, or F of their own for the errors."""
    norm = table["token_norm" if level == 1 else "hidden_norm"].value
    first = dict(w=Normal(sd=norm / sqrt(size_below)), spent=table["spent"].value)
    below = "prediction_0" if level == 1 else f"error_{level - 1}"
    predict = Projection(
        name=f"W_{level}",
        source=f"state_{level}",
        target=below,
        equations=f"{PREDICT}\n{FEED_BACK}" if same_synapses else PREDICT,
        plasticity=learn(LEARN_PREDICTION, table["share"]),
        initial=first,
    )
    if same_synapses:
        return [predict]
    feed_back = Projection(
        name=f"F_{level}",
        source=below,
        target=f"state_{level}",
        equations=FEED_BACK_APART,
        plasticity=learn(LEARN_FEEDBACK, table["share"]),
        initial=first,
    )
    return [predict, feed_back]
