"""Wilson-Cowan pairs: a population of excitatory and one of inhibitory cells, with hysteresis or a
limit cycle.

Wilson & Cowan (1972), "Excitatory and inhibitory interactions in localized populations of model
neurons", Biophys J 12:1-24, doi 10.1016/S0006-3495(72)86068-5, equations 11 and 12, with E and I the
shares of cells that fire::

    tau dE/dt = -E + (k_e - r E) S_e(c1 E - c2 I + P)
    tau dI/dt = -I + (k_i - r I) S_i(c3 E - c4 I)
    S(x) = 1/(1 + exp(-a(x - theta))) - 1/(1 + exp(a theta)),    k: the largest S

Two pairs stand side by side and have the same input P, a token's code. That of their Figure 4 has two
stable states, so that its activity depends on what came before. That of their Figure 11 oscillates
while P is strong enough. Nothing is learned or predicted.
"""

from brian2 import ms

from fena_sim import Hierarchy, Parameter, Population, Projection

# -- parameters: value with unit, meaning ----------------------------------------------------------

CELLS = dict(
    tau=Parameter(10 * ms, "time constant of both populations; sets the scale of time alone"),
    refractory_share=Parameter(1.0, "r: share of the active cells that cannot fire anew"),
)


def pair(c1, c2, c3, c4, a_e, theta_e, a_i, theta_i):
    """The parameters of a pair: of excitatory cells, of inhibitory cells, and of the connections."""
    excitatory = dict(
        a=Parameter(a_e, "largest slope of the excitatory response, times 4"),
        theta=Parameter(theta_e, "input at which the excitatory response is steepest"),
    )
    inhibitory = dict(
        a=Parameter(a_i, "largest slope of the inhibitory response, times 4"),
        theta=Parameter(theta_i, "input at which the inhibitory response is steepest"),
    )
    connections = dict(
        c1=Parameter(c1, "connections of excitatory cells per excitatory cell"),
        c2=Parameter(c2, "connections of inhibitory cells per excitatory cell"),
        c3=Parameter(c3, "connections of excitatory cells per inhibitory cell"),
        c4=Parameter(c4, "connections of inhibitory cells per inhibitory cell"),
    )
    return excitatory, inhibitory, connections


PAIRS = dict(
    hysteresis=pair(c1=12.0, c2=4.0, c3=13.0, c4=11.0, a_e=1.2, theta_e=2.8, a_i=1.0, theta_i=4.0),
    cycle=pair(c1=16.0, c2=12.0, c3=15.0, c4=3.0, a_e=1.3, theta_e=4.0, a_i=2.0, theta_i=3.7),
)

# -- equations -------------------------------------------------------------------------------------

RESPONSE = """
dactivity/dt = (-activity + (largest - refractory_share*activity)*response)/tau : 1
response = 1/(1 + exp(-a*(drive - theta))) - 1 + largest : 1
largest = 1 - 1/(1 + exp(a*theta)) : 1
excitation : 1
inhibition : 1
"""
EXCITATORY = RESPONSE + "drive = excitation - inhibition + gate*token_code : 1"
INHIBITORY = RESPONSE + "drive = excitation - inhibition : 1"
EXCITE, INHIBIT = (
    "{input}_post = {{strength}}*activity_pre : 1 (summed)".format(input=name)
    for name in ("excitation", "inhibition")
)


def cells(name, size, role, equations, parameters):
    """A population of each of `size` pairs, at rest."""
    return Population(
        name=name, size=size, level=0, role=role, equations=equations, parameters=CELLS | parameters
    )


def hierarchy(input_size=1, dt=0.05 * ms):
    """One pair of each kind for each of `input_size` units of the token code, which is P. At the steep
    responses of these pairs, longer steps make the limit cycle wider and slower.
    """
    populations, projections = [], []
    for kind, (excitatory, inhibitory, connections) in PAIRS.items():
        e, i = f"E_{kind}", f"I_{kind}"
        populations += [
            cells(e, input_size, "excitatory", EXCITATORY, excitatory),
            cells(i, input_size, "inhibitory", INHIBITORY, inhibitory),
        ]
        projections += [
            Projection(
                name=f"{strength}_{kind}",
                source=source,
                target=target,
                connect="one_to_one",
                equations=equations.format(strength=strength),
                parameters={strength: connections[strength]},
            )
            for strength, source, target, equations in (
                ("c1", e, e, EXCITE),
                ("c2", i, e, INHIBIT),
                ("c3", e, i, EXCITE),
                ("c4", i, i, INHIBIT),
            )
        ]
    return Hierarchy(
        name="wilson_cowan",
        dt=dt,
        description="Wilson-Cowan pairs of excitatory and inhibitory populations",
        reference="Wilson & Cowan 1972, Biophys J 12:1-24, doi 10.1016/S0006-3495(72)86068-5",
        populations=populations,
        projections=projections,
    )
