"""What C12 and C13 compare FENA with: networks trained by backpropagation, and n-gram tables, on
the tokens of first_contact.
"""

from networks import MODELS

from fena_sim import load_model
from fena_sim.declare.model.equations import identifiers
from fena_sim.measure import ngram_table
from fena_sim.study.claims.references import motif_references

#: Reference networks: name of fena_sim.study.claims.references, and how they are called.
KINDS = {"elman": "Elman", "gru": "GRU", "transformer": "transformer"}
#: Tokens of a pass; in a shorter one (--quick) the references choose nothing but their learning
#: rate.
PASS = 16_000


def reference_networks(kind, runs):
    """`motif_references` of the kind on the tokens of every run, kept in the folder "references"
    beside the runs.

    Raises FenaError if PyTorch is not installed.
    """
    weights = synaptic_weights(load_model(MODELS / "fena_flat_memory.py", len(runs[0].vocabulary)))
    found = []
    for run in runs:
        tokens, tests = len(run.events("training")), len(run.events("familiar"))
        found.append(
            motif_references(
                kind,
                run.seed,
                weights,
                run.folder.parent / "references",
                tokens=tokens,
                test_tokens=tests,
                quick=tokens < PASS,
            )
        )
    return found


def synaptic_weights(model):
    """Plastic weights of all-to-all projections; what a rule keeps for itself (`spent`) is none."""
    total = 0
    for p in model.projections:
        if p.plasticity is not None:
            weights = {e.varname for e in p.plasticity.clock_driven} & identifiers(p.equations)
            total += (
                len(weights) * model.population(p.source).size * model.population(p.target).size
            )
    return total


def ngrams(run, block="familiar", mask=None):
    """`ngram_table` counted on the run's training tokens, scored on those of a block."""
    trained, tested = (run.events(name)["token"].to_numpy() for name in ("training", block))
    return ngram_table(trained, tested, len(run.vocabulary), mask)
