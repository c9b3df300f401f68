"""Predictive coding of image patches in two levels, of which the higher one sees more of the image.

Rao & Ballard (1999), "Predictive coding in the visual cortex: a functional interpretation of some
extra-classical receptive-field effects", Nat Neurosci 2:79-87, doi 10.1038/4580. Three modules of
level 1 see one patch each, of three that overlap; level 2 sees all modules. With U the weights of a
level's predictions, I the patches and g(r) = alpha log(1 + r^2) for few active units::

    E = |I - U_1 r_1|^2/sigma^2 + |r_1 - U_2 r_2|^2/sigma_td^2 + g(r_1) + g(r_2)

States and weights descend E, the weights slowly and with decay (their equations 7 and 9, f linear).
The errors r_1 - U_2 r_2 stand for cells of layers 2 and 3 of V1 that feed V2; the figure is of them.
Sizes are smaller than in the paper, and sigma_td^2 is 4 instead of 10, so that as few units of level 2
predict level 1 as strictly. With the control signal `knocked_out` of 2, no feedback reaches level 1.
"""

from math import sqrt

from brian2 import ms
from fena_parts import pool_errors, reads, units

from fena_sim import Hierarchy, Normal, Parameter, Plasticity, Projection, Readout

# -- parameters: value with unit, meaning ----------------------------------------------------------

STATES = dict(tau=Parameter(10 * ms, "time in which a state descends E; 1/k_1 in steps"))
SPARSE = (
    dict(sparseness=Parameter(0.1, "alpha: strength of the prior that few states are active")),
    dict(sparseness=Parameter(0.02, "alpha: strength of the prior that few states are active")),
)
ERRORS = dict(tau_e=Parameter(1 * ms, "time in which errors follow; one step"))
VARIANCES = (
    dict(variance=Parameter(1.0, "sigma^2 of what level 1 does not predict of the patches")),
    dict(variance=Parameter(4.0, "sigma_td^2 of what level 2 does not predict of level 1")),
)
ETA = dict(eta=Parameter(0.0005 / ms, "learning rate of the weights"))
DECAY = (
    dict(decay=Parameter(0.03, "decay of the weights of level 1, relative to their learning")),
    dict(decay=Parameter(0.002, "decay of the weights of level 2, relative to their learning")),
)
SQUARES = ("precision_0.mean_square", "precision_1.mean_square")
RESIDUAL = "errors of level 1: what level 2 does not predict"

# -- equations -------------------------------------------------------------------------------------

SENSORY_ERROR = """
derror/dt = (-error + gate*token_code - prediction)/tau_e : 1
prediction : 1
"""
ERROR = """
derror/dt = (-error + r - prediction)/tau_e : 1
prediction : 1
"""
SENT = """
feedback : 1
descending = predicting*r : 1 (constant over dt)
"""
STATE = f"""
dr/dt = (precision_below*feedback - precision*error - sparseness*r/(1 + r**2))/tau : 1
{SENT}"""
HIGHEST_STATE = f"""
dr/dt = (predicting*precision_below*feedback - sparseness*r/(1 + r**2))/tau : 1
{SENT}"""
PRECISION = """
mean_square : 1
precision = 1/variance : 1 (constant over dt)
"""
SYNAPSES = """
prediction_post = w*descending_pre : 1 (summed)
feedback_pre = w*error_post : 1 (summed)
"""
LEARN = "dw/dt = plasticity_gain_post*presenting_post*eta*(precision_post*error_post*r_pre - decay*w) : 1"


def predictions(level, source_size, target_size, modules):
    """Synapses over which the states of a level predict the one below, each module its own part."""
    return Projection(
        name=f"W_{level}",
        source=f"state_{level}",
        target=f"error_{level - 1}",
        connect=f"(i*{modules})//N_pre == (j*{modules})//N_post" if modules > 1 else "all",
        equations=SYNAPSES,
        initial=dict(w=Normal(sd=1 / sqrt(target_size / modules))),
        plasticity=Plasticity(equations=LEARN, parameters=ETA | DECAY[level - 1]),
    )


def hierarchy(input_size=192, states=24, higher=24, modules=3):
    """`input_size` pixels, in equal parts the patches of the `modules`; `states` in each module of
    level 1, and `higher` in level 2.
    """
    size, below = modules * states, dict(precision_below="precision_0.precision")
    above = dict(precision_below="precision_1.precision")
    own = reads("error_1", "error") | reads("precision_1", "precision")
    errors_0 = dict(links=reads("precision_0", "precision"))
    errors_1 = dict(links=reads("precision_1", "precision") | reads("state_1", "r"))
    return Hierarchy(
        name="rao_ballard",
        dt=1 * ms,
        description="Two-level predictive coding of image patches with sparse states",
        reference="Rao & Ballard 1999, Nat Neurosci 2:79-87, doi 10.1038/4580",
        populations=[
            *(units("precision", k, 1, PRECISION, VARIANCES[k], order=10) for k in (0, 1)),
            units("error", 0, input_size, SENSORY_ERROR, ERRORS, **errors_0),
            units("error", 1, size, ERROR, ERRORS, **errors_1),
            units("state", 1, size, STATE, STATES | SPARSE[0], order=20, links=below | own),
            units("state", 2, higher, HIGHEST_STATE, STATES | SPARSE[1], order=20, links=above),
        ],
        projections=[
            *(pool_errors(k) for k in (0, 1)),
            predictions(1, size, input_size, modules),
            predictions(2, higher, size, 1),
        ],
        readouts=[
            Readout(name="error", variables=SQUARES, when="mean"),
            Readout(name="residual", variables=["error_1.error"], when="last", meaning=RESIDUAL),
        ],
    )
