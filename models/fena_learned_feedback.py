"""FENA whose errors ascend over synapses of their own: no weight transport.

The equations of fena_flat_memory.py, but the feedback synapses F_l begin with random weights of their own and
change by the same product of error and activity as W_l, weighted with the precision and rate of the
level where they end. Both begin small, so that what they have in common soon outweighs what they
began with, without the decay of Kolen & Pollack (1994), "Backpropagation without weight transport",
Proc. ICNN 3:1375.
"""

from fena_flat_memory import hierarchy as fena


def hierarchy(input_size=16, sizes=(64, 48, 32), token_norm=0.3, share=1.0):
    """FENA over `input_size` tokens with feedback synapses that are learned."""
    return fena(
        input_size=input_size,
        sizes=sizes,
        same_synapses=False,
        token_norm=token_norm,
        share=share,
        name="fena_learned_feedback",
    )
