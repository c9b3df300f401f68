"""Events and expectations of the hidden levels of fena.py. No model of its own.

A level has an event where its own prior left more unforeseen than usual. Events nest: a level can
have one only when the level below had one. An expectation is the probability of an event given one
below; it gates what the level hears from above.
"""

from brian2 import ms
from fena_parts import EXPECT, STEPS, at_level, reads, sums, units

from fena_sim import Parameter, Plasticity, Projection

# -- parameters: value with unit, meaning ----------------------------------------------------------

EVENTS = dict(
    threshold=Parameter(1.5, "surprise, relative to the usual, at which an event half happens"),
    habit=Parameter(0.005, "share of the latest surprise in the usual one, per token"),
)
EXPECTATIONS = dict(
    tau_gate=Parameter(48 * ms, "time in which an expectation takes one step"),
)
FIRST_EVENT = dict(
    usual_event=Parameter((0.05, 0.005), "usual surprise of an event unit at first"),
    expectation_spent=Parameter(10.0, "`spent` of an expectation that never changed"),
)

# -- equations -------------------------------------------------------------------------------------
# `tick` is the event of the level below; at level 1, where every token is one, it is always 1. An
# event unit hears of the event below through the memory of its level. The usual is the mean surprise
# at events below. It is updated at the next onset, when the event below may be over: `heard` keeps it.

ALWAYS = "tick = 1 : 1\n"
EVENT = """
unforeseen : 1
dtotal/dt = presenting*unforeseen/ms : 1
dspan/dt = presenting/ms : 1
dseen/dt = (presenting - seen)/ms : 1
novelty = total/clip(span, 1, inf) : 1
happened = tick*novelty**4/(novelty**4 + (threshold*usual)**4 + 1e-30) : 1
heard : 1
usual : 1
"""
EVENT_BLANK = "heard = tick*int(span > 0)"
EVENT_ONSET = """usual += plasticity_gain*habit*heard*(novelty - usual)
total = 0
span = 0"""
NOTICE = "tick_post = tick_pre/N_pre : 1 (summed)"
COMPARE = "unforeseen_post = surprise_pre**2/N_pre : 1 (summed)"
EXPECTATION = """
from_own : 1
from_below : 1
opened = 1/(1 + exp(-clip(bias + from_own + from_below, -30, 30))) : 1 (constant over dt)
mistaken = seen*tick*(happened - opened) : 1 (constant over dt)
dbias/dt = plasticity_gain*presenting*mistaken/sqrt(spent)/tau_gate : 1
dspent/dt = plasticity_gain*presenting*mistaken**2/tau_gate : 1
"""
LEARN_EXPECTATION = "".join(
    f"""
dw_{trace}/dt = plasticity_gain_post*presenting_post*(mistaken_post*trace_{trace}_pre/sqrt(spent_{trace}))/tau_gate_post : 1
dspent_{trace}/dt = plasticity_gain_post*presenting_post*(mistaken_post*trace_{trace}_pre)**2/tau_gate_post : 1
"""
    for trace in ("recent", "older")
)

# -- parts of a level ------------------------------------------------------------------------------


def event(level):
    """The one unit that holds a level's event."""
    equations = EVENT + (ALWAYS if level == 1 else "tick : 1")
    first = dict(usual=at_level(level, FIRST_EVENT, "usual_event")["usual_event"].value)
    on = dict(blank_onset=EVENT_BLANK, onset=EVENT_ONSET)
    return units("event", level, 1, equations, EVENTS, order=5, initial=first, on=on)


def event_sums(level):
    """What an event unit hears: the level's surprise, and above level 1 the event below."""
    judged = f"event_{level}"
    heard = [sums(f"compare_{level}", f"error_{level}", judged, COMPARE)]
    if level > 1:
        heard.append(sums(f"notice_{level}", f"memory_{level}", judged, NOTICE))
    return heard


def expectation(level):
    """The one unit that learns to expect a level's event, and gates what comes from above."""
    return units(
        "expectation",
        level,
        1,
        EXPECTATION,
        EXPECTATIONS,
        order=-10,
        clock=STEPS["slow"].value,
        initial=dict(spent=FIRST_EVENT["expectation_spent"].value),
        links=reads(f"event_{level}", "happened", "seen", "tick"),
    )


def expectation_synapses(level, slot, source):
    """What a level's traces say of its next event."""
    spent = FIRST_EVENT["expectation_spent"].value
    return Projection(
        name=f"G_{level}_{slot}",
        source=source,
        target=f"expectation_{level}",
        equations=EXPECT[slot],
        plasticity=Plasticity(equations=LEARN_EXPECTATION, clock=STEPS["slow"].value),
        initial=dict(spent_recent=spent, spent_older=spent),
    )
