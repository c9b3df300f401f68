"""Oracle: streams and series made by hand, whose correlations and differences are known."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from fena_sim.load import shipped
from fena_sim.load.user_file import load_file
from fena_sim.stimulus import MotifGrammar

CLAIMS = shipped.folder("protocols/claims")


@pytest.fixture(scope="module")
def precision_claim():
    return load_file(CLAIMS / "c07_precision.py", "claim")


class Tokens:
    """Stands for a run that kept precisions and errors of every token, (event, level)."""

    def __init__(self, **blocks):
        self.made = blocks

    @property
    def blocks(self):
        return list(self.made)

    def events(self, block):
        n = len(self.made[block]["precision"])
        return pd.DataFrame(dict(token=np.zeros(n, int), motif=np.arange(n) % 2, position=0))

    def tokens(self, block):
        return xr.Dataset(
            {name: (("event", "level"), values) for name, values in self.made[block].items()}
        )


def of_reliability(claim, precisions, errors):
    """A run whose blocks hold, at levels 0 and 1, `precisions` at the end of their first half and
    `errors` over their second half, and other values elsewhere.
    """
    n, window, blocks = 4 * claim.WINDOW, claim.WINDOW, {}
    for part, precision, error in zip(claim.SHARES, precisions, errors, strict=True):
        of_token = dict(precision=np.full((n, 2), 50.0), error=np.full((n, 2), 1e3))
        of_token["precision"][window : 2 * window] = precision
        of_token["error"][2 * window :] = error
        blocks[claim.reliability(part)] = of_token | dict(onset_error=of_token["error"])
    return Tokens(**blocks)


def test_precision_at_the_end_of_the_first_half_against_the_error_of_the_second(precision_claim):
    falling = np.array([[6.0, 2.0], [5, 2], [4, 2], [3, 2], [2, 2], [1, 2]])
    rising = np.array([[1.0, 1.0], [2, 2], [3, 3], [5, 4], [4, 5], [6, 6]])
    run = of_reliability(precision_claim, falling, rising)
    before, after = precision_claim.log_precisions(run), precision_claim.later_errors(run)
    np.testing.assert_allclose(np.exp(before), falling)
    np.testing.assert_allclose(after, rising)
    # Level 0: ranks reversed but for one pair, 1 - 6*sum(d^2)/(n*(n^2 - 1)) against 6, 5, ... 1.
    found = precision_claim.correlations(before, after)
    assert found == [pytest.approx(-(1 - 6 * 2 / 210)), 0]


def test_a_level_with_hardly_more_than_one_value_trusts_nothing(precision_claim):
    precision = np.log([[1.00, 1.00], [1.02, 1.03], [1.04, 1.06]])
    error = np.array([[3.0, 3], [2, 2], [1, 1]])
    least = np.log(precision_claim.LEAST)
    assert precision_claim.correlations(precision, error, least) == [0, pytest.approx(-1)]


def test_precision_before_a_token_goes_with_the_error_at_it(precision_claim):
    precision = np.array([[1.0], [2], [3], [4], [9]])
    error = np.array([[99.0], [8], [6], [4], [2]])
    run = Tokens(one=dict(precision=precision, error=error, onset_error=error))
    over_tokens, over_contexts = precision_claim.correlations_within(run, "one")
    assert over_tokens == [pytest.approx(-1)]
    # Contexts alternate: precisions before 1, 3 and 2, 4; errors 8, 4 and 6, 2.
    assert over_contexts == [pytest.approx(-1)]


def test_a_block_of_second_halves_counts_whole(precision_claim):
    rising = np.array([[1.0, 1.0], [2, 2], [3, 3], [5, 4], [4, 5], [6, 6]])
    halves = {
        precision_claim.LATER + precision_claim.reliability(part): dict(
            precision=np.ones((10, 2)),
            error=np.tile(error, (10, 1)),
            onset_error=np.tile(error, (10, 1)),
        )
        for part, error in zip(precision_claim.SHARES, rising, strict=True)
    }
    np.testing.assert_allclose(precision_claim.later_errors(Tokens(**halves)), rising)


def test_the_ruler_reads_the_second_halves_of_what_the_learned_network_reads(precision_claim):
    found = precision_claim.experiments(0, True)
    blocks = {
        name: {block.name: block.stream.events["token"].to_numpy() for block in one.protocol.blocks}
        for name, one in found.items()
    }
    whole = blocks[precision_claim.LEARNED + precision_claim.AFTER]
    ruler = blocks[precision_claim.RULER]
    assert len(ruler) == len(precision_claim.SHARES)
    for part in precision_claim.SHARES:
        name = precision_claim.reliability(part)
        np.testing.assert_array_equal(ruler[precision_claim.LATER + name], whole[name][50:])
    assert found[precision_claim.RULER].start[0] is found[precision_claim.LEARNED]


def test_a_larger_share_of_random_tokens_spoils_what_a_smaller_one_does(precision_claim):
    stream = MotifGrammar().training(4000, seed=1)
    clean = stream.events["token"].to_numpy()
    changed = {
        part: precision_claim.spoiled(stream, part, np.random.default_rng(3)).events["token"]
        != clean
        for part in (0, 0.2, 0.6)
    }
    assert not changed[0].any()
    assert (changed[0.6] >= changed[0.2]).all()
    for part in (0.2, 0.6):  # one random token in 16 is the one that was there; 5 standard errors
        assert changed[part].mean() == pytest.approx(part * 15 / 16, abs=5 * 0.5 / 4000**0.5)


def test_respelled_motifs_are_the_same_under_one_permutation_of_tokens(precision_claim):
    grammar = MotifGrammar()
    other = precision_claim.respelled(grammar, np.random.default_rng(5))
    pairs = {
        (a, b)
        for old, new in zip(grammar.motifs, other.motifs, strict=True)
        for a, b in zip(old, new, strict=True)
    }
    assert len({a for a, _ in pairs}) == len({b for _, b in pairs}) == len(pairs)
    assert other.vocabulary == grammar.vocabulary and other.motifs != grammar.motifs
