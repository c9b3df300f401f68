"""Measures of stored runs. Each is defined once, in `fena_sim.analyse`."""

from .analyse.adaptation import depression
from .analyse.decoding import (
    Decoding,
    autocorrelation_time,
    decode,
    level_centre,
    token_states,
    variance_explained,
)
from .analyse.errors import (
    error_course,
    error_curve,
    error_ratio,
    halfway_token,
    level_errors,
    mean_errors,
    precision_curve,
)
from .analyse.failure import collapsed_levels, trapped
from .analyse.free_energy import energy_curve, free_energy, free_energy_trace
from .analyse.generalisation import generalisation
from .analyse.ideal import Floor, IdealObserver, entropy_floor
from .analyse.mismatch import mismatch
from .analyse.ngram import NGram, ngram_table
from .analyse.oscillation import damped_frequency, delay_loop_eigenvalue, dominant_mode
from .analyse.prediction import accuracy, bits, surprisal, token_scores
from .analyse.response import error_response, response
from .analyse.rhythm import (
    Oscillation,
    PhaseLag,
    across_token_spectrum,
    error_series,
    oscillation_index,
    phase_lag,
    reversals,
)
from .analyse.select import inside_motif, presented, scored
from .analyse.settling import settling_at, settling_curve, settling_iterations, share_at_cap
from .analyse.spikes import Spiking, spiking
from .analyse.statistics import Summary, paired, rank_correlation, share, summarise

__all__ = [
    "Decoding",
    "Floor",
    "IdealObserver",
    "NGram",
    "Oscillation",
    "PhaseLag",
    "Spiking",
    "Summary",
    "accuracy",
    "across_token_spectrum",
    "autocorrelation_time",
    "bits",
    "collapsed_levels",
    "damped_frequency",
    "decode",
    "delay_loop_eigenvalue",
    "depression",
    "dominant_mode",
    "energy_curve",
    "entropy_floor",
    "error_course",
    "error_curve",
    "error_ratio",
    "error_response",
    "error_series",
    "free_energy",
    "free_energy_trace",
    "generalisation",
    "halfway_token",
    "inside_motif",
    "level_centre",
    "level_errors",
    "mean_errors",
    "mismatch",
    "ngram_table",
    "oscillation_index",
    "paired",
    "phase_lag",
    "precision_curve",
    "presented",
    "rank_correlation",
    "response",
    "reversals",
    "scored",
    "settling_at",
    "settling_curve",
    "settling_iterations",
    "share",
    "share_at_cap",
    "spiking",
    "summarise",
    "surprisal",
    "token_scores",
    "token_states",
    "trapped",
    "variance_explained",
]
