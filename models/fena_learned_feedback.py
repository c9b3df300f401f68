"""FENA whose errors ascend over synapses of their own: no weight transport.

The equations of fena.py, but the feedback synapses F_l begin with random weights of their own and change by the same
product of the two units' activities as W_l, both with a slow decay, so that they come to agree (Kolen & Pollack 1994,
"Backpropagation without weight transport", Proc. ICNN 3:1375).
"""

from brian2 import ms
from fena import hierarchy as fena


def hierarchy(input_size=16, sizes=(64, 48, 32), decay=1e-6 / ms):
    """FENA over `input_size` tokens with learned feedback; weights decay with the rate `decay` while a token is on."""
    return fena(input_size=input_size, sizes=sizes, same_synapses=False, decay=decay, name="fena_learned_feedback")
