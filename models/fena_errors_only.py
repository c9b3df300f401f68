"""FENA whose higher levels receive only errors: each level's prior comes from its own past alone.

The equations of fena_gaussian.py without the ascending traces, as the article puts it ("higher
layers, receiving only prediction errors from below"). Priors start stronger, since they have half
the input.
"""

from brian2 import ms
from fena_gaussian import hierarchy as fena


def hierarchy(input_size=16, sizes=(64, 48, 32), prior_spread=2.0, tolerance=0.005 / ms):
    """FENA without ascending traces over `input_size` input units and hidden levels of `sizes`."""
    return fena(
        input_size=input_size,
        sizes=sizes,
        ascending_traces=False,
        prior_spread=prior_spread,
        tolerance=tolerance,
        name="fena_errors_only",
    )
