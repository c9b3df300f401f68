"""What a run means: every measure is defined once here, and returns labelled arrays or tables."""

from fena_sim.measure.decoding import (
    Decoding,
    autocorrelation_time,
    decode,
    level_centre,
    token_states,
    variance_explained,
)
from fena_sim.measure.energy import energy_curve, free_energy, free_energy_trace
from fena_sim.measure.errors import (
    error_course,
    error_curve,
    error_ratio,
    halfway_token,
    level_errors,
    mean_errors,
    precision_curve,
)
from fena_sim.measure.failure import collapsed_levels, trapped
from fena_sim.measure.generalisation import generalisation
from fena_sim.measure.ideal import Floor, IdealObserver, entropy_floor
from fena_sim.measure.mismatch import mismatch
from fena_sim.measure.ngram import NGram, ngram_table
from fena_sim.measure.oscillation import damped_frequency, delay_loop_eigenvalue, dominant_mode
from fena_sim.measure.prediction import accuracy, bits, surprisal, token_scores
from fena_sim.measure.rhythm import (
    Oscillation,
    PhaseLag,
    across_token_spectrum,
    error_series,
    oscillation_index,
    phase_lag,
    reversals,
)
from fena_sim.measure.select import inside_motif, presented, scored
from fena_sim.measure.settling import settling_at, settling_curve, settling_iterations, share_at_cap
from fena_sim.measure.statistics import Summary, paired, share, summarise

__all__ = [
    "Decoding",
    "Floor",
    "IdealObserver",
    "NGram",
    "Oscillation",
    "PhaseLag",
    "Summary",
    "accuracy",
    "across_token_spectrum",
    "autocorrelation_time",
    "bits",
    "collapsed_levels",
    "damped_frequency",
    "decode",
    "delay_loop_eigenvalue",
    "dominant_mode",
    "energy_curve",
    "entropy_floor",
    "error_course",
    "error_curve",
    "error_ratio",
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
    "reversals",
    "scored",
    "settling_at",
    "settling_curve",
    "settling_iterations",
    "share",
    "share_at_cap",
    "summarise",
    "surprisal",
    "token_scores",
    "token_states",
    "trapped",
    "variance_explained",
]
