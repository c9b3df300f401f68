"""FENA whose levels forget at events that they did not foresee, with a precision that is a confidence.

A predictive-coding hierarchy that learns to predict tokens without backpropagation: states that
descend their errors, and synapses that change by the weighted error at their target times the activity
at their source. To these (fena_parts.py) it adds four mechanisms, each of terms that its own unit,
synapse or level has.

1. Event-bounded memory. A level's event is what its own prior left unforeseen during a token (r - prior,
   before the level above has its say), against what it usually leaves. A level's traces end at its own
   events, and the level above takes a trace in only then: it ticks once per chunk. Events nest: a level
   can have one only when the level below had one (fena_events.py).
2. Expectation. One unit per level learns, by the delta rule, to expect its event, and opens and closes
   the prediction from above: downwards, upwards and for learning (history compression: Schmidhuber 1992,
   Neural Comput 4:234; event segmentation: Zacks et al. 2007, Psychol Bull 133:273).
3. Precision by demand. A level's trust follows, slowly, what the level below asks it to change, early in
   a presentation, before the prior can answer. Progress, the ratio of usual to recent demand, modulates
   it within bounds. What is sent, exp(trust + progress), falls when more is asked than usual; what is
   learned from, exp(trust - progress), rises.
4. Anticipation. Synapses V from level 1 to the tokens act until the token arrives, and learn once, from
   the error at its onset: what is predicted and what is perceived need not share synapses.
"""

from math import log, sqrt

from brian2 import ms, second
from fena_events import ALWAYS, event, event_sums, expectation, expectation_synapses
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

from fena_sim import Normal, Parameter, Plasticity, Projection, Readout

# -- parameters: value with unit, meaning ----------------------------------------------------------
# Several values are those of levels 1, 2, ...; the last one serves all higher levels.

TABLE = (
    STATES_AND_ERRORS
    | LEARNING
    | INITIAL
    | dict(
        # Higher levels are slow because they hear of events only; their states need not be.
        tau=Parameter(14 * ms, "time constant of the states"),
        older=Parameter(0.5, "share of the latest activity in the older trace"),
        share=Parameter((0.1, 0.06), "rate of synapses that predict, relative to the level's"),
        hidden_norm=Parameter(0.3, "norm of a unit's first weights to a hidden level"),
        prior_spread=Parameter(0.3, "the priors' first weights: standard deviation * sqrt(2*size)"),
        spent=Parameter((10.0, 0.1), "`spent` of what has never changed"),
    )
)
PRECISIONS = dict(
    lowest=Parameter(0.1, "smallest precision"),
    highest=Parameter(20.0, "largest precision"),
    window=Parameter(30 * ms, "time from a token's onset in which demand counts"),
    tau_recent=Parameter(3 * second, "observed time over which demand is recent"),
    tau_usual=Parameter(20 * second, "observed time over which demand is usual"),
    most=Parameter(3.0, "largest factor of progress"),
)
SENSORY_PRECISION = dict(
    expected=Parameter(1.5, "mean squared error that fits precision 1: 1.5 / number of tokens"),
    kappa=Parameter(1.0, "strength of the prior of the trust"),
    preferred=Parameter(4.0, "precision that its prior prefers"),
    tau_precision=Parameter(4 * second, "time constant of the trust"),
    onset=Parameter(1 * ms, "decay time of what errors teach after a token's onset"),
)
HIDDEN_PRECISION = dict(
    expected=Parameter((0.09, 0.1), "demand that fits precision 1"),
    kappa=Parameter(0.45, "strength of the prior of the trust"),
    preferred=Parameter(0.5, "precision that its prior prefers"),
    tau_precision=Parameter(15 * second, "time constant of the trust"),
)
ANTICIPATION = dict(
    step=Parameter(0.6, "change of an anticipating synapse at a token, for `spent` 1"),
)
FIRST = dict(
    hidden_demand=Parameter(0.3, "recent and usual demand of a hidden level at first"),
    anticipation_spent=Parameter(0.25, "`spent` of an anticipating synapse that never changed"),
)

# -- level 0: tokens -------------------------------------------------------------------------------

SENSORY = "x : 1"
PREDICTION = """
prediction : 1
anticipated : 1
said = prediction + bias + anticipating*anticipated : 1
anticipating = 1 - presenting + arriving : 1
dbias/dt = plasticity_gain*gate*bias_share*rate*error : 1
"""
POOL_ACTIVITY = "pooled_post = exp(clip(said_pre, -30, 30)) : 1 (summed)"
SENSORY_ERROR = """
derror/dt = (-error + gate*(x - probability))/tau_e : 1
probability = exp(clip(said, -30, 30))/pooled : 1
"""
ANTICIPATE = "anticipated_post = v*descending_pre : 1 (summed)"
LEARN_ANTICIPATION = """
dv/dt = plasticity_gain_post*arriving_post*per_step_post*step*error_post*f_pre/sqrt(spent) : 1
dspent/dt = plasticity_gain_post*arriving_post*per_step_post*(error_post*f_pre)**2 : 1
"""

# -- memory ----------------------------------------------------------------------------------------
# `tick` is the event of the level below: 1 at level 1, where every token is one. `ended` is the
# level's own event: 0 at a top level above others, which holds its traces.

NEVER = "ended = 0 : 1\n"
STATE_BLANK = """trace_older += tick*older*(f - trace_older)
trace_recent += tick*(f - trace_recent)
trace_older *= 1 - ended
trace_recent *= 1 - ended"""
MEMORY = """
trace_recent : 1
trace_older : 1
"""
MEMORY_BLANK = """trace_older += tick*(older + (1 - older)*ended)*(below - trace_older)
trace_recent += tick*(below - trace_recent)"""
# -- hidden levels: errors and priors --------------------------------------------------------------

SURPRISE = "surprise = r - prior : 1 (constant over dt)\n"
ERROR = f"""
derror/dt = (-error + r - prior - opened*prediction)/tau_e : 1
prior = bias + from_own + from_below : 1
prediction : 1
{SURPRISE}"""
TOP_ERROR = f"""
derror/dt = (-error + r - prior)/tau_e : 1
prior = bias + from_own + from_below : 1
{SURPRISE}"""
PRIOR = """
dbias/dt = plasticity_gain*presenting*rate*weight*error/sqrt(spent) : 1
dspent/dt = plasticity_gain*presenting*(weight*error)**2/ms : 1
from_own : 1
from_below : 1
"""

# -- precision and learning rate of a level --------------------------------------------------------

PRECISION = """
dsince/dt = presenting : second
dwatched/dt = plasticity_gain*early : second
drecent/dt = plasticity_gain*early*(demand - recent)/clip(watched, 1*ms, tau_recent) : 1
dusual/dt = plasticity_gain*early*(demand - usual)/clip(watched, 1*ms, tau_usual) : 1
surprise = 1 - exp(trust)*demand/expected - kappa*(trust - log(preferred)) : 1
progress = clip(log((usual + 1e-9)/(recent + 1e-9)), -log(most), log(most)) : 1
precision = precision_gain*exp(clip(trust + progress, log(lowest), log(highest))) : 1 (constant over dt)
weight = exp(clip(trust - progress, log(lowest), log(highest))) : 1 (constant over dt)
rate = eta/(1 + adaptive*eta*weight*sqrt(mean_square)/fastest) : Hz (constant over dt)
mean_square : 1
"""
SENSORY_TRUST = """
early = gate*presenting*int(since < window - dt/2) : 1
demand = mean_square : 1
dseen/dt = (presenting - seen)/onset : 1
per_step = 1/dt : Hz (constant over dt)
dtrust/dt = plasticity_gain*gate*presenting*(1 - seen)*clip(surprise, -5, 5)/tau_precision : 1
"""
HIDDEN_TRUST = """
early = presenting*int(since < window - dt/2) : 1
demand : 1
dtrust/dt = plasticity_gain*early*clip(surprise, -5, 5)/tau_precision : 1
"""
DEMAND = "demand_post = (slope_pre*feedback_pre)**2/N_pre : 1 (summed)"

# -- synapses and their plasticity -----------------------------------------------------------------
# Hebbian, with a rate that falls with the squared changes `spent` so far (Duchi et al. 2011, J Mach
# Learn Res 12:2121).

FEED_BACK_GATED = "feedback_pre = w*opened_post*error_post : 1 (summed)"
LEARN_PREDICTION = """
dw/dt = plasticity_gain_post*presenting_post*(share*rate_post*weight_post*error_post*f_pre/sqrt(spent)) : 1
dspent/dt = plasticity_gain_post*presenting_post*(weight_post*error_post*f_pre)**2/ms : 1
"""
LEARN_GATED_PREDICTION = LEARN_PREDICTION.replace("error_post", "opened_post*error_post")
LEARN_PRIOR = "".join(
    f"""
dw_{trace}/dt = plasticity_gain_post*presenting_post*(share*rate_post*weight_post*error_post*trace_{trace}_pre/sqrt(spent_{trace})) : 1
dspent_{trace}/dt = plasticity_gain_post*presenting_post*(weight_post*error_post*trace_{trace}_pre)**2/ms : 1
"""
    for trace in ("recent", "older")
)

# -- levels ----------------------------------------------------------------------------------------


def sensory_level(size, table):
    """Level 0: tokens, what level 1 says and anticipates of each, errors, precision."""
    expected = SENSORY_PRECISION["expected"]
    trust = SENSORY_PRECISION | dict(expected=expected.with_value(expected.value / size))
    learned_from = reads("error_0", "error") | reads("precision_0", "weight", "rate", "per_step")
    said = reads("prediction_0", "said", "prediction") | reads("inhibition_0", "pooled")
    share, tau_e = pick(table, "bias_share"), pick(table, "tau_e")
    populations = [
        units("input", 0, size, SENSORY, name="sensory", on=dict(onset="x = token_code")),
        units("prediction", 0, size, PREDICTION, share, order=-40, links=learned_from),
        units("inhibition", 0, 1, INHIBITION, order=-30),
        units("error", 0, size, SENSORY_ERROR, tau_e, links=reads("sensory", "x") | said),
        precision(0, SENSORY_TRUST, table, trust, table["sensory_precision"].value, 1 / size),
    ]
    inhibit = sums("inhibit", "prediction_0", "inhibition_0", POOL_ACTIVITY)
    return populations, [inhibit, pool_errors(0)]


def hidden_level(level, sizes, table, activation):
    """A level of states, errors, priors and memory; its synapses with the level below."""
    size, top = sizes[level], level == len(sizes) - 1
    first = {name: value.value for name, value in at_level(level, table, *INITIAL).items()}
    own = reads(f"precision_{level}", "precision", "weight", "rate")
    tick = {} if level == 1 else dict(tick=f"event_{level - 1}.happened")
    ended = dict(ended=f"event_{level}.happened") if not top or level == 1 else {}
    held = (ALWAYS if level == 1 else "") + ("" if ended else NEVER)
    older = pick(table, "older")
    below = "sensory.x" if level == 1 else f"state_{level - 1}.f"
    expected = reads(f"prior_{level}", "bias", "from_own", "from_below")
    gate = {} if top else reads(f"expectation_{level}", "opened")
    trust = HIDDEN_PRECISION | at_level(level, HIDDEN_PRECISION, "expected")
    initial_precision, tau_e = first["hidden_precision"], pick(table, "tau_e")
    populations = [
        precision(
            level, HIDDEN_TRUST, table, trust, initial_precision, FIRST["hidden_demand"].value
        ),
        units(
            "state",
            level,
            size,
            STATE + activation + held,
            at_level(level, table, "tau") | older,
            order=20,
            initial=dict(r=Normal(sd=first["state"])),
            on=dict(blank_onset=STATE_BLANK),
            links=reads(f"error_{level}", "error")
            | dict(precision_below=f"precision_{level - 1}.precision")
            | reads(f"precision_{level}", "precision")
            | tick
            | ended,
        ),
        units(
            "memory",
            level,
            sizes[level - 1],
            MEMORY + held,
            older,
            on=dict(blank_onset=MEMORY_BLANK),
            links=dict(below=below) | tick | ended,
        ),
        units(
            "error",
            level,
            size,
            TOP_ERROR if top else ERROR,
            tau_e,
            links=expected | reads(f"state_{level}", "r") | own | gate,
        ),
        units(
            "prior",
            level,
            size,
            PRIOR,
            order=-10,
            clock=STEPS["slow"].value,
            initial=dict(bias=first["bias"], spent=first["spent"]),
            links=reads(f"error_{level}", "error") | reads(f"precision_{level}", "weight", "rate"),
        ),
    ]
    projections = [
        pool_errors(level),
        sums(f"demand_{level}", f"state_{level}", f"precision_{level}", DEMAND),
        prediction_synapses(level, sizes[level - 1], table, first),
    ]
    if level == 1:
        projections.append(anticipation_synapses())
    if ended:
        populations.append(event(level))
        projections += event_sums(level)
    if not top:
        populations.append(expectation(level))
    spent = dict(spent_recent=first["spent"], spent_older=first["spent"])
    for slot, source in (("own", f"state_{level}"), ("below", f"memory_{level}")):
        of_tokens = slot == "below" and level == 1
        sd = first["token_spread"] if of_tokens else first["prior_spread"] / sqrt(2 * size)
        rule = learn(LEARN_PRIOR, table[f"{slot}_share"])
        projections.append(prior_synapses(level, slot, source, rule, sd, spent))
        if not top:
            projections.append(expectation_synapses(level, slot, source))
    return populations, projections


def hierarchy(
    input_size=16,
    sizes=(64, 48),
    taus=None,
    older=None,
    eta=None,
    share=None,
    own_share=None,
    hidden_precision=None,
    rectified=False,
    bias=None,
    name="fena",
):
    """FENA over `input_size` tokens and hidden levels of `sizes`; what is left out is as in TABLE.

    `rectified` units with a negative `bias` are those that fall into traps.
    """
    table = changed(TABLE, tau=taus, older=older, eta=eta, share=share, own_share=own_share)
    table = changed(table, hidden_precision=hidden_precision, bias=bias)
    sizes = (input_size, *sizes)
    hidden = range(1, len(sizes))
    activation = RECTIFIED if rectified else SMOOTH
    levels = [hidden_level(level, sizes, table, activation) for level in hidden]
    events = [f"event_{level}.happened" for level in hidden if level < len(sizes) - 1 or level == 1]
    meaning = "event of the level: 1 if its prior left more unforeseen than usual"
    return stack_categorical(
        [sensory_level(input_size, table), *levels],
        name=name,
        description="Predictive-coding hierarchy with event-bounded memories, gated predictions from above and precisions by demand",
        more=[Readout(name="events", variables=events, when="last", meaning=meaning)],
    )


# -- parts of a level ------------------------------------------------------------------------------


def precision(level, trust_equations, table, trust, first, demand):
    """The one unit that holds a level's precision, its weight in learning and its learning rate."""
    parameters = PRECISIONS | pick(table, "eta", "adaptive", "fastest") | trust
    return units(
        "precision",
        level,
        1,
        trust_equations + PRECISION,
        parameters,
        order=10,
        on=dict(onset="since = 0*ms"),
        initial=dict(trust=log(first), recent=demand, usual=demand),
    )


def prediction_synapses(level, size_below, table, first):
    """W, over which predictions descend and errors ascend; above level 1 through the gate."""
    norm = first["token_norm" if level == 1 else "hidden_norm"]
    rule = LEARN_PREDICTION if level == 1 else LEARN_GATED_PREDICTION
    return Projection(
        name=f"W_{level}",
        source=f"state_{level}",
        target="prediction_0" if level == 1 else f"error_{level - 1}",
        equations=f"{PREDICT}\n{FEED_BACK if level == 1 else FEED_BACK_GATED}",
        plasticity=learn(rule, at_level(level, table, "share")["share"]),
        initial=dict(w=Normal(sd=norm / sqrt(size_below)), spent=first["spent"]),
    )


def anticipation_synapses():
    """V, which predicts the token until its onset, and learns from the error there."""
    return Projection(
        name="V_1",
        source="state_1",
        target="prediction_0",
        equations=ANTICIPATE,
        plasticity=Plasticity(
            equations=LEARN_ANTICIPATION,
            clock=None,  # the hierarchy's own: on a slower one some onsets would go by
            parameters=ANTICIPATION,
        ),
        initial=dict(spent=FIRST["anticipation_spent"].value),
    )
