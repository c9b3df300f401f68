"""A predictive-coding loop with conduction delays: two linear levels that reverberate at about 10
Hz.

Alamia & VanRullen (2019), "Alpha oscillations and traveling waves: signatures of predictive
coding?", PLoS Biology 17:e3000487, doi 10.1371/journal.pbio.3000487. The error x = s - y(t - delay)
ascends with the same delay and moves the state, tau dy/dt = x(t - delay); weights and precision are
1 and nothing is learned. The error has no time constant of its own: it is evaluated before the
state moves, as in FENA. The Euler steps of the state make the loop half a step longer than 2 delay.
"""

from brian2 import ms

from fena_sim import Hierarchy, Parameter, Population, Projection

ERROR = """
s = gate*token_code : 1 (constant over dt)
x = s - prediction : 1
prediction : 1
"""
STATE = """
dy/dt = drive/tau : 1
drive : 1
"""


def hierarchy(input_size=1, delay=12 * ms, tau=17 * ms, dt=0.05 * ms):
    """One loop for each of `input_size` input units; `delay` is one-way, and 0*ms leaves it out."""
    delay = delay if delay > 0 * ms else None
    return Hierarchy(
        name="delay_loop",
        dt=dt,
        description="Linear two-level predictive-coding loop with conduction delays",
        reference="Alamia & VanRullen 2019, PLoS Biol 17:e3000487, doi 10.1371/journal.pbio.3000487",
        populations=[
            Population(
                name="error_0", size=input_size, level=0, role="error", order=0, equations=ERROR
            ),
            Population(
                name="state_1",
                size=input_size,
                level=1,
                role="state",
                order=20,
                equations=STATE,
                parameters=dict(tau=Parameter(tau, "time constant of the states")),
            ),
        ],
        projections=[
            Projection(
                name="ascending",
                source="error_0",
                target="state_1",
                connect="one_to_one",
                delay=delay,
                equations="drive_post = x_pre : 1 (summed)",
            ),
            Projection(
                name="descending",
                source="state_1",
                target="error_0",
                connect="one_to_one",
                delay=delay,
                equations="prediction_post = y_pre : 1 (summed)",
            ),
        ],
    )
