"""Oracles: a cycle that a network with memory knows completely, scores by hand and by the n-gram
tables, contracts of cache and seeds.
"""

import sys

import numpy as np
import pandas as pd
import pytest

from fena_sim.errors import DeclarationError, FenaError, StimulusError, UnknownNameError
from fena_sim.extras import install_hint
from fena_sim.measure import NGram
from fena_sim.stimulus import MotifGrammar, NestedGrammar, TokenStream, one_hot
from fena_sim.study.claims import compare, references

#: One token of memory is not enough: after "a" comes "c" or "b". From its second token on, the
#: stream below is determined.
CYCLE = (1, 0, 2, 0)
HOW = {"rate": 1e-2, "rate_at_end": 0.05, "length": 8, "batch": 2, "layers": 1}
CHOSEN = {regime: {"hyperparameters": HOW} for regime in references.REGIMES}
#: A choice of other data, with the rate on the grid.
START = {regime: {"hyperparameters": {**HOW, "rate": 8e-3}} for regime in references.REGIMES}


def cycle(n):
    return TokenStream.from_ids(np.resize(CYCLE, n), one_hot("abc"))


def of_cycle(test=None, **other):
    """Data whose streams are cycles."""
    tests = {"cycle": cycle(50) if test is None else test}
    streams = dict(training=cycle(201), validation=cycle(101), tests=tests)
    return references.Data(**streams | dict(tuning=[(cycle(101), cycle(50))], context=16) | other)


@pytest.fixture
def torch():
    return pytest.importorskip(
        "torch",
        reason=f"the reference networks need PyTorch, an extra: {install_hint('claims')}",
    )


@pytest.fixture
def network(torch):
    from fena_sim.study.claims.backpropagation import Network

    return lambda kind="gru", parameters=2000, **how: Network(
        kind, 3, 0, parameters, **{**HOW, **how}
    )


def test_without_torch_the_error_names_the_extra_before_anything_runs(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setattr(references, "_kept", lambda *given: pytest.fail("something was computed"))
    data = of_cycle()
    for ask, given in (
        (references.choose, ("gru", data, 2000, tmp_path)),
        (references.reference_scores, ("gru", data, 0, 2000, CHOSEN, tmp_path)),
        (compare.compare, ([data], [0], 2000, tmp_path, [(data, 2000)])),
    ):
        with pytest.raises(FenaError, match="PyTorch is not installed") as error:
            ask(*given)
        assert error.value.fix == install_hint("claims")


def test_scores_by_hand():
    """Two symbols; p of the tokens: not scored, 3/4, 1/2 (a tie, which goes to the lower index),
    1/4.
    """
    events = pd.DataFrame(
        {"token": [0, 1, 0, 1], "position": [0, 1, 0, 1], "novel": [False, False, True, True]}
    )
    with np.errstate(divide="ignore"):
        table = np.log([[np.nan, np.nan], [1 / 4, 3 / 4], [1 / 2, 1 / 2], [3 / 4, 1 / 4]])
    scores = references.window_scores(table, events)
    bits = np.log2([4 / 3, 2, 4])
    assert scores["all"] == pytest.approx(
        {
            "accuracy": 2 / 3,
            "bits": bits.mean(),
            "error": (1 / 16 + 1 / 4 + 9 / 16) / 3,
            "events": 3,
        }
    )
    assert scores["inside familiar"] == pytest.approx(
        {"accuracy": 1, "bits": bits[0], "error": 1 / 16, "events": 1}
    )
    assert scores["inside novel"] == pytest.approx(
        {"accuracy": 0, "bits": bits[2], "error": 9 / 16, "events": 1}
    )


def test_scores_are_those_of_the_ngram_tables():
    """The same distributions, scored by `fena_sim.measure.NGram`."""
    stream = MotifGrammar().held_out(400, 7)
    tokens = stream.events["token"].to_numpy()
    table = NGram(3, 16).fit(MotifGrammar().training(2000, 8).events["token"])
    scores = references.window_scores(np.log(table.probabilities(tokens)), stream.events)
    inside = stream.events["novel"].to_numpy() & (stream.events["position"].to_numpy() > 0)
    for window, mask in (("all", None), ("inside novel", inside)):
        assert scores[window]["accuracy"] == pytest.approx(table.accuracy(tokens, mask))
        assert scores[window]["bits"] == pytest.approx(table.bits(tokens, mask))
    assert (
        scores["inside familiar"]["events"]
        == (~stream.events["novel"] & (stream.events["position"] > 0)).sum()
    )


@pytest.mark.parametrize("kind", references.KINDS)
def test_a_cycle_is_learned_completely(torch, kind, tmp_path):
    """Beyond the first tokens: in training a stream begins only once, so that a transformer's short
    window is new to it.
    """
    test = TokenStream.from_ids(
        np.resize(CYCLE, 200),
        one_hot("abc"),
        position=np.arange(200) >= 20,
        novel=np.zeros(200, bool),
    )
    result = references.reference_scores(
        kind, of_cycle(test, training=cycle(1601)), 0, 3000, CHOSEN, tmp_path
    )
    for regime in references.REGIMES:
        windows = result[regime]["tests"]["cycle"]
        assert windows["inside familiar"]["events"] == 180 and windows["all"]["events"] == 199
        assert windows["inside familiar"]["accuracy"] == 1
        assert windows["inside familiar"]["bits"] < 0.1
        assert result[regime]["parameters"] == pytest.approx(3000, rel=0.05)
    assert result["one pass"]["passes"] == 1


def test_probabilities_are_of_the_token_to_come(network):
    """Rows sum to 1, and a changed token changes no row up to its own."""
    net = network()
    stream = cycle(20)
    changed = TokenStream.from_ids(
        np.where(np.arange(20) == 12, 2, np.resize(CYCLE, 20)), stream.vocabulary
    )
    before, after = (np.exp(net.log_probabilities(s)) for s in (stream, changed))
    assert before.shape == (20, 3) and np.isnan(before[0]).all()
    np.testing.assert_allclose(before[1:].sum(axis=1), 1)
    np.testing.assert_array_equal(before[:13], after[:13])
    assert not np.allclose(before[13:], after[13:])


def test_passes_end_with_the_best_network(network, torch):
    """Losses written down beforehand: the best network is that of three passes at the rate given,
    not of the last one.
    """
    from fena_sim.study import reference_networks as networks
    from fena_sim.study.claims.backpropagation import PATIENCE

    losses = iter([3.0, 2.0, 1.0, *[1.0] * PATIENCE])
    stopped = network()
    assert stopped.converge(cycle(101), lambda: next(losses)) == 3
    assert next(losses, None) is None
    net = networks.make("gru", 3, 0, **networks.sizes("gru", 3, 2000))
    optimiser = torch.optim.Adam(net.parameters(), lr=HOW["rate"])
    for _ in range(3):
        networks.one_pass(net, np.resize(CYCLE, 101), optimiser, HOW["length"], HOW["batch"])
    logits = torch.cat(
        [piece[0] for piece, _ in networks.frozen(net, np.resize(CYCLE, 50), HOW["length"])]
    )
    expected = torch.log_softmax(logits, 1).numpy()
    np.testing.assert_allclose(
        stopped.log_probabilities(cycle(50))[1:], expected, rtol=1e-4, atol=1e-5
    )


def test_rate_falls_to_its_share_at_the_end(network, torch):
    """A last piece at rate 0 would change nothing; the shares of the first and the last piece tell
    the line.
    """
    from fena_sim.study import reference_networks as networks

    rates = []

    class Watched(torch.optim.SGD):
        def step(self):
            rates.append(self.param_groups[0]["lr"])

    net = networks.make("gru", 3, 0, width=4)
    networks.one_pass(
        net, np.resize(CYCLE, 41), Watched(net.parameters(), lr=2.0), length=10, rate_at_end=0.2
    )
    assert rates == pytest.approx([2.0, 1.6, 1.2, 0.8])


def test_a_size_that_cannot_be_met_is_refused(network):
    with pytest.raises(DeclarationError, match="the nearest size has .* parameters, not 300"):
        network("transformer", parameters=300)


def test_omitted_tokens_are_refused(network):
    stream = TokenStream.from_ids([0, -1, 1], one_hot("abc"))
    with pytest.raises(StimulusError, match="omitted"):
        network().one_pass(stream)


def test_unknown_network(torch, tmp_path):
    with pytest.raises(UnknownNameError, match="did you mean 'elman'"):
        references.choose("elmann", of_cycle(), 2000, tmp_path)


def test_torch_is_left_as_it_was(network, torch):
    torch.manual_seed(5)
    before = (
        torch.get_num_threads(),
        torch.are_deterministic_algorithms_enabled(),
        torch.random.get_rng_state().tolist(),
    )
    network().one_pass(cycle(50))
    assert before == (
        torch.get_num_threads(),
        torch.are_deterministic_algorithms_enabled(),
        torch.random.get_rng_state().tolist(),
    )


def test_hyperparameters_never_see_test_tokens(torch, tmp_path, monkeypatch):
    """Other test tokens, same choice; and what is scored while choosing and stopping is no test
    stream.
    """
    seen = []
    bits = references._bits
    monkeypatch.setattr(
        references, "_bits", lambda net, stream: (seen.append(stream), bits(net, stream))[1]
    )
    monkeypatch.setattr(references, "GRID", {**references.GRID, "rate": (4e-3, 1.6e-2)})
    monkeypatch.setattr(references, "TUNED", dict.fromkeys(references.REGIMES, ("rate",)))
    grammar, chosen, results = MotifGrammar(), [], []
    for seed, n in ((0, 100), (0, 60), (1, 60)):
        data = references.grammar_data(grammar, seed, 200, n, tuning=1, context=16)
        chosen.append(references.choose("elman", data, 1500, tmp_path))
        results.append(references.reference_scores("elman", data, seed, 1500, chosen[-1], tmp_path))
    assert chosen[0] == chosen[1] == chosen[2]
    assert results[0] != results[1] != results[2]
    tests = [
        g(200, start + seed).events["token"].tolist()
        for seed in (0, 1)
        for g, start in ((grammar.training, 10_000), (grammar.held_out, 20_000))
    ]
    validation = [
        grammar.training(50, seed).events["token"].tolist() for seed in (70_000, 50_000, 50_001)
    ]
    assert all(stream.events["token"].tolist() in validation for stream in seen)
    assert not [test for test in tests if test in validation]


def test_what_is_taken_over_is_all_but_the_learning_rate(torch, tmp_path, monkeypatch):
    """Start from a choice of other data: every trial has its other hyperparameters."""
    monkeypatch.setattr(references, "GRID", {**references.GRID, "rate": (4e-3, 1e-2, 1.6e-2)})
    start = {
        regime: {"hyperparameters": {**HOW, "length": length}}
        for regime, length in zip(references.REGIMES, (4, 8), strict=True)
    }
    chosen = references.choose("gru", of_cycle(), 1500, tmp_path, start=start)
    for regime in references.REGIMES:
        rest = {**start[regime]["hyperparameters"], "rate": None}
        tried = [how for how, _ in chosen[regime]["trials"]]
        assert len(tried) > 1 and all({**how, "rate": None} == rest for how in tried)
        assert chosen[regime]["hyperparameters"] == tried[0]


def test_windows_of_novel_phrases():
    """Motifs of held-out phrases, and those of phrases entered through a held-out pair, counted by
    the grammar's labels.
    """
    stream = NestedGrammar().held_out(400, 7)
    events, flat = stream.events, np.zeros((400, 16))
    scores = references.window_scores(flat, events)
    inside = (events["position"] >= 1) & (np.arange(400) > 0)
    for window, label in (("inside novel_phrase", "novel_phrase"), ("inside novel", "novel")):
        assert scores[window]["events"] == (inside & events[label]).sum() > 0
    assert "inside novel_phrase" not in references.window_scores(
        flat, MotifGrammar().held_out(400, 7).events
    )


def test_what_is_kept_is_not_trained_again(torch, tmp_path, monkeypatch):
    arguments = dict(
        kind="elman",
        data=of_cycle(),
        seed=0,
        parameters=1000,
        chosen=CHOSEN,
        folder=tmp_path,
    )
    first = references.reference_scores(**arguments)
    choice = references.choose("elman", of_cycle(), 1000, tmp_path, START)
    (kept, *more) = tmp_path.iterdir()
    assert kept.suffix == ".json" and len(more) == 1

    class Trained(Exception):
        pass

    def refuse(*arguments):
        raise Trained

    monkeypatch.setattr(references, "_train", refuse)
    assert references.reference_scores(**arguments) == first
    assert references.choose("elman", of_cycle(), 1000, tmp_path, START) == choice
    other = [
        {"seed": 1},
        {"parameters": 1010},
        {"data": of_cycle(training=cycle(202))},
        {"data": of_cycle(validation=cycle(102))},
        {"data": of_cycle(test=cycle(51))},
        {"data": of_cycle(context=17)},
    ]
    for change in other:
        with pytest.raises(Trained):
            references.reference_scores(**arguments | change)
    tuning = [(cycle(102), cycle(50))]
    with pytest.raises(Trained):
        references.choose("elman", of_cycle(tuning=tuning), 1000, tmp_path, START)
    with pytest.raises(Trained):
        references.choose("elman", of_cycle(), 1000, tmp_path)


@pytest.mark.slow
def test_side_by_side_as_one_after_the_other(torch, tmp_path, monkeypatch):
    """Processes give what `choose` and `reference_scores` give here, in the order of the seeds."""
    monkeypatch.setattr(compare, "KINDS", ("elman",))
    first, then = of_cycle(), of_cycle(training=cycle(81), tuning=[(cycle(91), cycle(51))])
    # The choices are made here, of the rate only; the processes find them kept.
    monkeypatch.setattr(references, "TUNED", dict.fromkeys(references.REGIMES, ("rate",)))
    chosen = references.choose("elman", first, 1000, tmp_path / "a")
    chosen = references.choose("elman", then, 900, tmp_path / "a", chosen)
    found = compare.compare([then, then], [3, 1], 900, tmp_path / "a", [(first, 1000), (then, 900)])
    expected = [
        references.reference_scores("elman", then, seed, 900, chosen, tmp_path / "b")
        for seed in (3, 1)
    ]
    assert found == {"elman": expected}
    short = compare.compare([then], [3], 900, tmp_path / "a")
    assert all(
        short["elman"][0][r]["hyperparameters"] == references.START[r] for r in short["elman"][0]
    )


def test_same_seed_same_numbers(torch, tmp_path):
    def scores(seed, folder):
        return references.reference_scores(
            "transformer", of_cycle(training=cycle(101)), seed, 3000, CHOSEN, tmp_path / folder
        )

    assert scores(3, "a") == scores(3, "b") != scores(4, "b")
