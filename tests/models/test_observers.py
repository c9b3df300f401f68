"""Null models that count: item frequencies, transitions, n-grams. Oracle: the formula of each docstring
in NumPy, with counts in a dict by context, from token to token and from step to step; the first
tokens by hand.
"""

from pathlib import Path

import numpy as np
import pytest
from brian2 import ms

import fena_sim as fs
from fena_sim.stimulus import TokenStream, one_hot

MODELS = Path(__file__).parents[2] / "models"
TOKENS = 4
VOCABULARY = one_hot(list("abcd"))
#: ms; short, so that most of a count is forgotten after some tokens.
TAU = 150
IDS = np.random.default_rng(2).choice(TOKENS, 20, p=[0.4, 0.3, 0.2, 0.1])
IDS[11] = -1  # omitted
#: Tokens that touch each other, of many durations (ms).
ONSETS = np.cumsum(np.random.default_rng(3).integers(4, 12, len(IDS) + 1))


class Counts:
    """Leaky counts of tokens after contexts of up to `order` tokens; steps of 1 ms."""

    def __init__(self, order):
        self.order, self.counts, self.heard = order, {}, ()

    def hear(self, token):
        """Counts of every context before the token, after which it is learned; None: omitted."""
        found = {}
        for k in range(self.order + 1):
            context = self.heard[:k]
            if len(context) == k:
                found[k] = self.counts.setdefault(context, np.zeros(TOKENS)).copy()
        for context in self.counts:
            self.counts[context] *= 1 - 1 / TAU
        if token is not None:
            for k in found:
                self.counts[self.heard[:k]][token] += 1
            self.heard = (token, *self.heard)
        return found

    def wait(self, steps):
        for context in self.counts:
            self.counts[context] *= (1 - 1 / TAU) ** steps


def smoothed(counts, prior=1.0):
    return (counts + prior) / (counts + prior).sum()


def mixed(found, strength=1.0):
    p = np.full(TOKENS, 1 / TOKENS)
    for k in sorted(found):
        p = (found[k] + strength * p) / (found[k].sum() + strength)
    return p


#: Model, options, length of contexts, and p of every token from the counts before it.
OBSERVERS = {
    "item_frequency": ({}, 0, lambda found: smoothed(found[0])),
    "transition_observer": ({}, 1, lambda found: smoothed(found.get(1, np.zeros(TOKENS)))),
    "ngram_observer": ({"order": 3}, 3, mixed),
}


def expected(name, ids, onsets):
    """Surprise at each token, on the unit of its token."""
    _, order, probability = OBSERVERS[name]
    counts, out = Counts(order), np.zeros((len(ids), TOKENS))
    for i, token in enumerate(ids):
        heard = None if token < 0 else int(token)
        p = probability(counts.hear(heard))
        if heard is not None:
            out[i, heard] = -np.log(p[heard])
        if i + 1 < len(ids):
            counts.wait(onsets[i + 1] - onsets[i] - 1)
    return out


def block(name, stream, **options):
    return fs.Block(name=name, stream=stream, probes=[fs.Probe("error_0", "error")], **options)


@pytest.fixture(
    scope="module",
    params=[
        "item_frequency",
        "transition_observer",
        pytest.param("ngram_observer", marks=pytest.mark.slow),
    ],
)
def observed(request, tmp_path_factory):
    """(name of a model, its run) of tokens with blanks, of tokens without, and of a frozen network."""
    name = request.param
    touching = TokenStream.from_events(
        dict(
            onset=ONSETS[:-1],
            duration=np.diff(ONSETS),
            trial_type=["n/a" if k < 0 else "abcd"[k] for k in IDS],
        ),
        vocabulary=VOCABULARY,
        unit=ms,
    )
    spaced = TokenStream.from_ids(IDS, VOCABULARY)
    pace = fs.FixedPace(duration=10 * ms, blank=5 * ms)
    frozen = dict(pace=pace, controls=dict(plasticity_gain=0), start_from=fs.INITIAL)
    blocks = [
        block("spaced", spaced, pace=pace),
        block("touching", touching, start_from=fs.INITIAL),
        block("frozen", spaced, **frozen),
    ]
    model = fs.load_model(MODELS / f"{name}.py", TOKENS, dt=1 * ms, **OBSERVERS[name][0])
    model = model.with_parameter("tau_count", TAU * ms)
    out = tmp_path_factory.mktemp("runs")
    return name, fs.run(model, fs.Protocol(name="p", blocks=blocks), device="runtime", out=out)


def surprise(run, block):
    """error_0.error after the first step of each token, before its last step, and before the first. A
    sample is of the state at its time, before the step that begins then.
    """
    error = run.traces(block)["error_0.error"].load()
    time, error = error[error.dims[0]].to_numpy(), error.to_numpy()
    events = run.events(block)
    onset = np.searchsorted(time, events["onset"].to_numpy() - 1e-6)
    end = np.searchsorted(time, (events["onset"] + events["duration"]).to_numpy() - 1e-6)
    return error[onset + 1], error[end - 1], error[onset]


def test_surprise_is_that_of_the_counts_before_the_token(observed):
    name, run = observed
    first, last, before = surprise(run, "spaced")
    wanted = expected(name, IDS, 15 * np.arange(len(IDS)))
    np.testing.assert_allclose(first, wanted, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(last, wanted, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(before, 0, atol=1e-12)


def test_tokens_without_a_blank_between_them_are_told_apart(observed):
    """The row that is no token is left out, and its time is a pause."""
    name, run = observed
    heard = IDS >= 0
    first, last, _ = surprise(run, "touching")
    wanted = expected(name, IDS[heard], ONSETS[:-1][heard])
    np.testing.assert_allclose(first, wanted, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(last, wanted, rtol=1e-9, atol=1e-12)


def test_a_frozen_observer_expects_all_tokens_alike(observed):
    first, _, _ = surprise(observed[1], "frozen")
    np.testing.assert_allclose(first.sum(axis=1), np.where(IDS >= 0, np.log(TOKENS), 0), rtol=1e-12)


def test_the_oracle_by_hand():
    """a b a b, a token in every step: p of the fourth. A count leaks from the step after its token on."""
    fourth = {name: expected(name, [0, 1, 0, 1], np.arange(4))[3, 1] for name in OBSERVERS}
    kept = 1 - 1 / TAU
    a, b, ab = kept**2 + 1, kept, kept
    assert fourth["item_frequency"] == pytest.approx(-np.log((b + 1) / (a + b + 4)))
    assert fourth["transition_observer"] == pytest.approx(-np.log((ab + 1) / (ab + 4)))
    p0 = (b + 1 / 4) / (a + b + 1)
    p1 = (ab + p0) / (ab + 1)
    # The context "b a" came for the first time, and so did "a b a".
    assert fourth["ngram_observer"] == pytest.approx(-np.log(p1))
