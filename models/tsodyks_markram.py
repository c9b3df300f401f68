"""Depressing synapses: a null model of adaptation, in which nothing is predicted or learned.

Tsodyks & Markram (1997), "The neural code between neocortical pyramidal neurons depends on
neurotransmitter release probability", PNAS 94:719-723, doi 10.1073/pnas.94.2.719. A synapse has
resources R. A spike uses the share U of them, and they recover with a time constant tau_rec::

    at a spike: I += A U R, then R -= U R;    dR/dt = (1 - R)/tau_rec;    dI/dt = -I/tau_in
    tau_mem dV/dt = -V + R_in I

tau_in is much shorter than tau_rec, so that resources in use count as recovering, as in the paper's
iteration from spike to spike. Values are those of a depressing synapse in Tsodyks, Pawelzik & Markram
(1998), Neural Comput 10:821-835, doi 10.1162/089976698300017502.

Each token drives one afferent, which fires regularly from the token's onset and has a synapse to one
neuron. So that the protocols of FENA can be run and measured, the potential of these neurons has the
name of their measured signal: `error_0.error`. It is no error. A rare token meets recovered synapses,
and that is all.
"""

from brian2 import Hz, Mohm, ms, pA

from fena_sim import Hierarchy, Parameter, Population, Projection, Readout

# -- parameters: value with unit, meaning ----------------------------------------------------------

AFFERENT = dict(rate=Parameter(40 * Hz, "rate of an afferent's regular spikes, for a code of 1"))
MEMBRANE = dict(
    tau_mem=Parameter(40 * ms, "time constant of the membrane"),
    resistance=Parameter(100 * Mohm, "input resistance R_in"),
    tau_in=Parameter(3 * ms, "decay time of the synaptic current"),
)
SYNAPSE = dict(
    efficacy=Parameter(250 * pA, "current A if a spike used all resources"),
    use=Parameter(0.5, "share U of the resources that a spike uses"),
    tau_rec=Parameter(800 * ms, "time constant of the recovery"),
)

# -- equations -------------------------------------------------------------------------------------

# A phase of half a step before 1 puts the first spike at the onset, and the others whole periods
# after it, wherever these are multiples of dt.
AFFERENTS = "dphase/dt = gate*token_code*rate : 1"
FIRST_SPIKE = "phase = int(token_code > 0)*(1 - gate*token_code*rate*dt/2)"
NEURON = """
dpotential/dt = (-potential + resistance*current)/tau_mem : volt
dcurrent/dt = -current/tau_in : amp
error = potential/mV : 1
"""
LEVEL = """
mean_square : 1
precision : 1
"""
RELEASE = "current_post += efficacy*use*resources; resources -= use*resources"


def hierarchy(input_size=16, dt=0.5 * ms):
    """One afferent and one neuron for each of `input_size` units of the token code."""
    return Hierarchy(
        name="tsodyks_markram",
        dt=dt,
        description="Depressing synapses: adaptation without prediction",
        reference="Tsodyks & Markram 1997, PNAS 94:719-723, doi 10.1073/pnas.94.2.719",
        populations=[
            Population(
                name="afferent",
                size=input_size,
                level=0,
                role="input",
                equations=AFFERENTS,
                parameters=AFFERENT,
                threshold="phase >= 1",
                reset="phase -= 1",
                on=dict(onset=FIRST_SPIKE),
            ),
            Population(
                name="error_0",
                size=input_size,
                level=0,
                role="neuron",
                equations=NEURON,
                parameters=MEMBRANE,
                method="exact",
            ),
            Population(
                name="precision_0",
                size=1,
                level=0,
                role="precision",
                order=10,
                equations=LEVEL,
                initial=dict(precision=1.0),
            ),
        ],
        projections=[
            Projection(
                name="depressing",
                source="afferent",
                target="error_0",
                connect="one_to_one",
                equations="dresources/dt = (1 - resources)/tau_rec : 1 (event-driven)",
                parameters=SYNAPSE,
                initial=dict(resources=1.0),
                on_pre=RELEASE,
            ),
            Projection(
                name="pool_0",
                source="error_0",
                target="precision_0",
                equations="mean_square_post = error_pre**2/N_pre : 1 (summed)",
            ),
        ],
        readouts=[Readout(name="error", variables=["precision_0.mean_square"], when="mean")],
    )
