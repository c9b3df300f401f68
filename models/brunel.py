"""The sparse random network of excitatory and inhibitory spiking neurons, with four states of activity.

Brunel (2000), "Dynamics of sparsely connected networks of excitatory and inhibitory spiking neurons",
J Comput Neurosci 8:183-208, doi 10.1023/A:1008925309027, model A. Leaky integrate-and-fire neurons of
one kind get C_E excitatory and C_I = C_E/4 inhibitory synapses each, from random neurons, and the spikes
of C_E external sources::

    tau dV/dt = -V + tau sum of J at arriving spikes (-g J from inhibitory neurons), after a delay D

The state depends on g and on the external rate nu_ext, in units of the rate nu_thr = theta/(J C_E tau)
that alone brings the mean potential to threshold. Both are signals of the protocol: `g`, and `arrivals`,
the number of external spikes that arrive at a neuron in a step. Nothing is learned or predicted, and
tokens only divide time.

Here are 1,250 neurons instead of 12,500, with the same probability of a connection, 0.1, so that C_E is
100 instead of 1,000. With the paper's J of 0.1 mV, recurrent input would then be too weak against the
threshold to inhibit external input; with 1 mV, which keeps the mean input, single inhibitory spikes
of 5 mV would make neurons burst. J is 0.4 mV: J sqrt(C_E), to which fluctuations are proportional, is 4 mV
(3.2 mV in the paper), a spike is 2 % of the threshold, and the rates are those of the paper's
mean-field theory.
"""

from brian2 import ms, mV

from fena_sim import FixedInDegree, Hierarchy, Parameter, Population, Projection, Uniform

# -- parameters: value with unit, meaning ----------------------------------------------------------

NEURON = dict(
    tau=Parameter(20 * ms, "time constant of the membrane"),
    theta=Parameter(20 * mV, "threshold, above the resting potential"),
    v_reset=Parameter(10 * mV, "potential after a spike"),
    t_refractory=Parameter(2 * ms, "refractory period, in which arriving spikes are lost"),
)
J = Parameter(0.4 * mV, "jump of the potential at a spike of an excitatory or external neuron")
DELAY = 1.5 * ms  # D, of all recurrent synapses
CONNECTED = 0.1  # share of the neurons of a population from which a neuron has synapses
SIGNALS = dict(arrivals=0.0, g=5.0)

# -- equations -------------------------------------------------------------------------------------

MEMBRANE = "dv/dt = -v/tau + J_external*arrivals/dt : volt (unless refractory)"
SYNAPSE = dict(E="v_post += J", I="v_post -= g_post*J")


def hierarchy(input_size=1, size=1250, dt=0.1 * ms):
    """`size` neurons, four fifths of them excitatory. The token code, of `input_size` units, is not
    read.
    """
    sizes = dict(E=size * 4 // 5, I=size // 5)
    roles = dict(E="excitatory", I="inhibitory")
    return Hierarchy(
        name="brunel",
        dt=dt,
        description="Sparse random network of excitatory and inhibitory spiking neurons",
        reference="Brunel 2000, J Comput Neurosci 8:183-208, doi 10.1023/A:1008925309027",
        populations=[
            Population(
                name=name,
                size=sizes[name],
                level=0,
                role=roles[name],
                equations=MEMBRANE,
                parameters=NEURON | dict(J_external=J),
                signals=SIGNALS,
                initial=dict(v=Uniform(0 * mV, NEURON["theta"].value)),
                threshold="v > theta",
                reset="v = v_reset",
                refractory="t_refractory",
            )
            for name in "EI"
        ],
        projections=[
            Projection(
                name=f"{source}_to_{target}",
                source=source,
                target=target,
                connect=FixedInDegree(round(CONNECTED * sizes[source])),
                delay=DELAY,
                on_pre=SYNAPSE[source],
                parameters=dict(J=J),
            )
            for source in "EI"
            for target in "EI"
        ],
    )
