"""FENA: a predictive-coding hierarchy that learns to predict tokens without backpropagation.

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

fena_gaussian.py has the Gaussian level 0.
"""

from math import log, sqrt

from brian2 import ms, second

from fena_sim import (
    Categorical,
    Hierarchy,
    Normal,
    Parameter,
    Plasticity,
    Population,
    Projection,
    Readout,
    Settling,
)

# -- parameters: value with unit, meaning ----------------------------------------------------------
# Three values are those of levels 1, 2 and 3; the last one serves all higher levels.

STEPS = dict(
    dt=Parameter(1 * ms, "time step"),
    slow=Parameter(4 * ms, "time step of priors and plasticity"),
    tolerance=Parameter(0.004 / ms, "RMS drift of the states at which a token counts as settled"),
)
STATES_AND_ERRORS = dict(
    tau=Parameter((14 * ms, 28 * ms, 56 * ms), "time constant of the states"),
    older=Parameter((0.5, 0.25, 0.12), "share of the latest activity in the older trace"),
    tau_e=Parameter(1 * ms, "time constant of the errors"),
)
LEARNING = dict(
    eta=Parameter(0.01 / ms, "learning rate of a level without errors"),
    adaptive=Parameter(1.0, "how far errors slow a level's learning down; 0: not at all"),
    fastest=Parameter(0.05 / ms, "eta*precision*(RMS error) at which learning has half its rate"),
    share=Parameter(0.1, "rate of synapses between states and errors, relative to the level's"),
    own_share=Parameter(0.3, "rate of synapses from a level's own traces, relative to the level's"),
    below_share=Parameter(1.0, "rate of synapses from the traces below, relative to the level's"),
    bias_share=Parameter(0.1, "rate of the biases of the tokens, relative to the level's"),
)
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
INITIAL = dict(
    sensory_precision=Parameter(8.0, "precision of level 0 at first"),
    hidden_precision=Parameter(0.3, "precision of hidden levels at first"),
    state=Parameter(0.1, "standard deviation of the states at first"),
    bias=Parameter(0.0, "biases of the priors at first"),
    spent=Parameter(10.0, "`spent` of what has never changed"),
    token_norm=Parameter(4.0, "norm of a unit's first weights to the tokens"),
    hidden_norm=Parameter(0.1, "norm of a unit's first weights to a hidden level"),
    prior_spread=Parameter(1.0, "the priors' first weights: standard deviation * sqrt(2*size)"),
    token_spread=Parameter(0.1, "standard deviation of the first weights from the tokens' traces"),
)
TABLE = STATES_AND_ERRORS | LEARNING | INITIAL

# -- level 0: tokens -------------------------------------------------------------------------------

SENSORY = """
x : 1
trace_recent : 1
trace_older : 1
"""
SENSORY_ONSET = "trace_recent += x - trace_recent; trace_older += older*(x - trace_older)"
PREDICTION = """
prediction : 1
dbias/dt = plasticity_gain*gate*bias_share*rate*error : 1
"""
INHIBITION = "pooled : 1"
POOL_ACTIVITY = "pooled_post = exp(clip(prediction_pre + bias_pre, -30, 30)) : 1 (summed)"
SENSORY_ERROR = """
derror/dt = (-error + gate*(x - probability))/tau_e : 1
probability = exp(clip(prediction + bias, -30, 30))/pooled : 1
"""

# -- hidden levels: states, errors, priors ---------------------------------------------------------

STATE = """
dr/dt = drift + sqrt(2*temperature/tau)*noise : 1
drift = (-precision*error + slope*precision_below*feedback)/tau : Hz
feedback : 1
trace_recent : 1
trace_older : 1
"""
SMOOTH = """
f = tanh(r) : 1 (constant over dt)
slope = 1 - f**2 : 1
"""
RECTIFIED = """
f = tanh(clip(r, 0, inf)) : 1 (constant over dt)
slope = int(r > 0)*(1 - f**2) : 1
"""
STATE_ONSET = "trace_recent += f - trace_recent; trace_older += older*(f - trace_older)"
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
MEAN_SQUARE = "mean_square_post = error_pre**2/N_pre : 1 (summed)"

# -- synapses and their plasticity -----------------------------------------------------------------
# Hebbian, with a rate that falls with the squared changes `spent` so far (Duchi et al. 2011, J Mach
# Learn Res 12:2121).

PREDICT = "prediction_post = w*f_pre : 1 (summed)"
FEED_BACK = "feedback_pre = w*error_post : 1 (summed)"
FEED_BACK_APART = "feedback_post = w*error_pre : 1 (summed)"
EXPECT = dict(
    own="from_own_post = w_recent*trace_recent_pre + w_older*trace_older_pre : 1 (summed)",
    below="from_below_post = w_recent*trace_recent_pre + w_older*trace_older_pre : 1 (summed)",
)
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
    on, learned = dict(onset=SENSORY_ONSET, arrival="x = token_code"), pick(table, "bias_share")
    learned_from = reads("error_0", "error") | reads("precision_0", "precision", "rate")
    said = reads("prediction_0", "prediction", "bias") | reads("inhibition_0", "pooled")
    populations = [
        units("input", 0, size, SENSORY, of_level(1, table, "older"), name="sensory", on=on),
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
    inhibit = Projection(
        name="inhibit", source="prediction_0", target="inhibition_0", equations=POOL_ACTIVITY
    )
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
            of_level(level, table, "tau", "older"),
            order=20,
            initial=dict(r=Normal(sd=first["state"])),
            on=dict(onset=STATE_ONSET),
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
        prior_synapses(level, "own", learn(LEARN_PRIOR, table["own_share"]), prior_sd, spent),
        prior_synapses(level, "below", learn(LEARN_PRIOR, table["below_share"]), below_sd, spent),
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
    name="fena",
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
    return stack(
        levels,
        name=name,
        description="Predictive-coding hierarchy with a categorical level 0, metaplastic Hebbian synapses and learned precisions",
        tolerance=STEPS["tolerance"].value,
        prediction=Readout(name="probability", variables=["error_0.probability"], when="arrival"),
        likelihood=Categorical(),
        more=[
            *(
                Readout(name=f"state_{level}", variables=[f"state_{level}.f"], when="last")
                for level in range(1, top + 1)
            ),
            Readout(name="presented", variables=["sensory.x"], when="last"),
            Readout(name="onset_probability", variables=["error_0.probability"], when="first"),
            Readout(name="settled_probability", variables=["error_0.probability"], when="last"),
        ],
    )


# -- parts of a level, shared with fena_gaussian.py ------------------------------------------------


def units(role, level, size, equations, parameters=None, **options):
    """A population, named after its role and level unless the options name it."""
    options = dict(name=f"{role}_{level}", equations=equations, parameters=parameters) | options
    return Population(role=role, level=level, size=size, **options)


def reads(population, *variables):
    """Links to variables of one population, under the same names."""
    return {variable: f"{population}.{variable}" for variable in variables}


def pool_errors(level):
    """The mean squared error of a level, for its precision."""
    return Projection(
        name=f"pool_{level}",
        source=f"error_{level}",
        target=f"precision_{level}",
        equations=MEAN_SQUARE,
    )


def prior_synapses(level, slot, plasticity, spread, initial=None):
    """What a level expects from the held traces of its "own" activity, or of the level "below"."""
    source = level if slot == "own" else level - 1
    return Projection(
        name=f"A_{level}_{slot}",
        source=f"state_{source}" if source else "sensory",
        target=f"prior_{level}",
        equations=EXPECT[slot],
        plasticity=plasticity,
        initial=dict(w_recent=Normal(sd=spread), w_older=Normal(sd=spread)) | (initial or {}),
    )


def stack(levels, name, description, tolerance, prediction, likelihood, more=()):
    """The hierarchy of levels (populations, projections). Of every token it keeps the `prediction`,
    errors and precisions of all levels, and `more`.
    """
    squares = [f"precision_{level}.mean_square" for level in range(len(levels))]
    precisions = [f"precision_{level}.precision" for level in range(len(levels))]
    states = [f"state_{level}" for level in range(1, len(levels))]
    return Hierarchy(
        name=name,
        description=description,
        populations=[p for populations, _ in levels for p in populations],
        projections=[p for _, projections in levels for p in projections],
        dt=STEPS["dt"].value,
        settling=Settling(populations=states, variable="drift", tolerance=tolerance),
        likelihood=likelihood,
        readouts=[
            prediction,
            Readout(name="onset_error", variables=squares, when="first"),
            Readout(name="error", variables=squares, when="mean"),
            Readout(name="settled_error", variables=squares, when="last"),
            Readout(name="precision", variables=precisions, when="last"),
            *more,
        ],
    )


def pick(table, *names):
    """Some parameters of a table."""
    return {name: table[name] for name in names}


def changed(table, **values):
    """A table with other values, where they are given; the meanings stay."""
    given = {name: value for name, value in values.items() if value is not None}
    return table | {name: table[name].with_value(value) for name, value in given.items()}


# -- parts of a level, of this model alone ---------------------------------------------------------


def of_level(level, table, *names):
    """Parameters of which a table holds values for levels 1, 2, ..., the last for all higher ones."""
    return {name: table[name].with_value(table[name].value[:level][-1]) for name in names}


def precision(level, log_precision, table, trust, first):
    """The one unit that holds a level's precision and learning rate."""
    parameters = PRECISIONS | pick(table, "eta", "adaptive", "fastest") | trust
    equations, initial = log_precision + PRECISION, dict(log_precision=log(first))
    return units("precision", level, 1, equations, parameters, order=10, initial=initial)


def learn(rule, share):
    """Plasticity at a `share` of the rate of the level where the synapses end."""
    return Plasticity(equations=rule, clock=STEPS["slow"].value, parameters=dict(share=share))


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
