"""Spiking neurons that learn a sequence by spike-timing-dependent plasticity.

Leaky integrate-and-fire neurons with the pair-based rule of Song, Miller & Abbott (2000),
"Competitive Hebbian learning through spike-timing-dependent synaptic plasticity", Nat Neurosci
3:919-926, doi
10.1038/78829: a presynaptic spike before a postsynaptic one strengthens the synapse by
a_plus exp(-lag/tau_stdp), the reverse order weakens it by a_minus exp(-lag/tau_stdp), all pairs count, and
weights stay between 0 and 1 (fractions of the largest). Input neurons fire while their token is on and
drive one sequence neuron each; sequence neurons are joined all to all by plastic synapses, which come to
carry depolarisation from each token to the one that usually follows it.
"""

from brian2 import ms, mV

from fena_sim import Hierarchy, Parameter, Plasticity, Population, Projection, Uniform

# -- parameters: value with unit, meaning ----------------------------------------------------------

MEMBRANE = dict(
    tau_m=Parameter(20 * ms, "time constant of the membrane"),
    v_rest=Parameter(-70 * mV, "resting potential, at which the neurons begin"),
    v_threshold=Parameter(-54 * mV, "potential at which a neuron fires"),
    v_reset=Parameter(-60 * mV, "potential after a spike"),
    t_refractory=Parameter(5 * ms, "refractory period after a spike"),
)
INPUT_NEURONS = dict(drive=Parameter(40 * mV, "depolarisation by a token, at rest"))
SEQUENCE_NEURONS = dict(
    tau_syn=Parameter(5 * ms, "time constant of the synaptic current"),
    fluctuation=Parameter(1 * mV, "standard deviation of the membrane's noise"),
)
RELAY = dict(strength=Parameter(200 * mV, "jump of the current at a spike of an input neuron"))
RECURRENT = dict(
    largest=Parameter(12 * mV, "jump of the current at a spike over a synapse of weight 1")
)
A_PLUS = 0.005
STDP = dict(
    a_plus=Parameter(A_PLUS, "weight gained by a pair of spikes, at lag 0"),
    a_minus=Parameter(1.05 * A_PLUS, "weight lost by a pair in reverse order, at lag 0"),
    tau_stdp=Parameter(20 * ms, "time constant of both windows"),
)

# -- equations -------------------------------------------------------------------------------------

INPUT = """
dv/dt = (v_rest - v + gate*token_code*drive)/tau_m : volt (unless refractory)
"""
SEQUENCE = """
dv/dt = (v_rest - v + current)/tau_m + fluctuation*sqrt(2/tau_m)*noise : volt (unless refractory)
dcurrent/dt = -current/tau_syn : volt
"""
TRACES = """
darrived/dt = -arrived/tau_stdp : 1 (event-driven)
dleft/dt = -left/tau_stdp : 1 (event-driven)
"""
# `arrived` and `left`: traces of the spikes that came to the synapse and of those its target sent
# off.
ON_PRE = "arrived += a_plus; w = clip(w - plasticity_gain_post*left, 0, 1)"
ON_POST = "left += a_minus; w = clip(w + plasticity_gain_post*arrived, 0, 1)"


def neurons(name, size, level, role, equations, parameters):
    """Leaky integrate-and-fire neurons at rest."""
    return Population(
        name=name,
        size=size,
        level=level,
        role=role,
        equations=equations,
        parameters=MEMBRANE | parameters,
        initial=dict(v=MEMBRANE["v_rest"].value),
        threshold="v > v_threshold",
        reset="v = v_reset",
        refractory="t_refractory",
    )


def hierarchy(input_size=16, dt=0.1 * ms, delay=1 * ms, a_plus=A_PLUS):
    """One input and one sequence neuron for each of `input_size` units of the token code (one-hot
    codes).
    """
    strengths = dict(a_plus=a_plus, a_minus=1.05 * a_plus)
    stdp = STDP | {name: STDP[name].with_value(value) for name, value in strengths.items()}
    return Hierarchy(
        name="spiking_sequence",
        dt=dt,
        description="Leaky integrate-and-fire neurons that learn the order of tokens by spike timing",
        reference="Song, Miller & Abbott 2000, Nat Neurosci 3:919-926, doi 10.1038/78829",
        populations=[
            neurons("afferent", input_size, 0, "input", INPUT, INPUT_NEURONS),
            neurons("sequence", input_size, 1, "state", SEQUENCE, SEQUENCE_NEURONS),
        ],
        projections=[
            Projection(
                name="relay",
                source="afferent",
                target="sequence",
                connect="one_to_one",
                delay=delay,
                on_pre="current_post += strength",
                parameters=RELAY,
            ),
            Projection(
                name="recurrent",
                source="sequence",
                target="sequence",
                connect="i != j",
                delay=delay,
                equations="w : 1",
                on_pre="current_post += w*largest",
                parameters=RECURRENT,
                initial=dict(w=Uniform(0.4, 0.6)),
                plasticity=Plasticity(
                    equations=TRACES,
                    on_pre=ON_PRE,
                    on_post=ON_POST,
                    parameters=stdp,
                ),
            ),
        ],
    )
