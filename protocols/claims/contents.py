"""What the levels of a network hold, for C11: variance, decodability, memory and use, by level."""

from functools import cache

import numpy as np

from fena_sim import open_run
from fena_sim.measure import (
    accuracy,
    autocorrelation_time,
    decode,
    token_states,
    variance_explained,
)

MEMORY, USE = "memory", "use"
BLOCK = "familiar"


@cache
def contents(folder, labels):
    """`contents_of` the network in a run folder, measured once for rows and figure."""
    return contents_of(open_run(folder), labels)


def contents_of(run, labels):
    """{variable: value per hidden level}: share of the states' variance that each of the `labels`
    (columns of the events) explains; "decoded LABEL", how often a linear classifier finds it; memory
    and use.
    """
    events, states = run.events(BLOCK), levels(run)
    explained = np.array([variance_explained(s, events, labels)["alone"] for s in states])
    found = {in_words(label): explained[:, k] for k, label in enumerate(labels)}
    for label in labels:
        values = events[label].to_numpy()
        found[f"decoded {in_words(label)}"] = np.array([decode(s, values).accuracy for s in states])
    longest = len(events) / 2
    found[MEMORY] = np.array([min(autocorrelation_time(s), longest) for s in states])
    found[USE] = np.array(used(run, len(states)))
    return found


def levels(run):
    """States of every hidden level at the end of every presentation."""
    stored = run.tokens(BLOCK)
    hidden = sum(str(name).startswith("state_") for name in stored.data_vars)
    return [token_states(run, BLOCK, level) for level in range(1, hidden + 1)]


def used(run, hidden):
    """Accuracy lost on the same tokens when the predictions of each level are knocked out."""
    intact = accuracy(run, BLOCK)
    return [intact - accuracy(run, f"without_{level}") for level in range(1, hidden + 1)]


def in_words(label):
    return label.replace("_", " ")
