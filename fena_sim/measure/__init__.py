"""What a run means: every measure is defined once here, and returns labelled arrays or tables."""

from fena_sim.measure.energy import energy_curve, free_energy
from fena_sim.measure.errors import (
    error_course,
    error_curve,
    error_ratio,
    halfway_token,
    level_errors,
    mean_errors,
    precision_curve,
)
from fena_sim.measure.generalisation import generalisation
from fena_sim.measure.mismatch import mismatch
from fena_sim.measure.ngram import NGram, ngram_table
from fena_sim.measure.oscillation import damped_frequency, delay_loop_eigenvalue, dominant_mode
from fena_sim.measure.prediction import accuracy, bits, surprisal, token_scores
from fena_sim.measure.select import inside_motif, presented, scored
from fena_sim.measure.settling import settling_curve, settling_iterations, share_at_cap
from fena_sim.measure.statistics import Summary, summarise

__all__ = [
    "NGram",
    "Summary",
    "accuracy",
    "bits",
    "damped_frequency",
    "delay_loop_eigenvalue",
    "dominant_mode",
    "energy_curve",
    "error_course",
    "error_curve",
    "error_ratio",
    "free_energy",
    "generalisation",
    "halfway_token",
    "inside_motif",
    "level_errors",
    "mean_errors",
    "mismatch",
    "ngram_table",
    "precision_curve",
    "presented",
    "scored",
    "settling_curve",
    "settling_iterations",
    "share_at_cap",
    "summarise",
    "surprisal",
    "token_scores",
]
