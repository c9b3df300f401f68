"""Oracles: parameter counts in closed form, causality, what a one-token memory can and cannot know,
the stream's own order.
"""

import subprocess
import sys

import numpy as np
import pytest

from fena_sim.extras import install_hint

NAMES = ("elman", "gru", "lstm", "transformer")


@pytest.fixture(scope="module")
def references():
    pytest.importorskip(
        "torch", reason=f"the reference networks need PyTorch, an extra: {install_hint('bench')}"
    )
    import fena_sim.study.reference_networks as references

    references.torch.set_num_threads(
        1
    )  # threads that wait for a busy core make such small networks far slower
    return references


def test_without_torch_the_error_names_the_extra():
    """PyTorch is hidden from a process of its own, so this also holds where it is installed."""
    code = """
import sys
class Hidden:
    def find_spec(name, path=None, target=None):
        if name == "torch":
            raise ModuleNotFoundError("hidden", name=name)
sys.meta_path.insert(0, Hidden)
import fena_sim.study.reference_networks
"""
    finished = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert finished.returncode != 0
    assert "FenaError: PyTorch is not installed" in finished.stderr
    assert install_hint("bench") in finished.stderr


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("name", NAMES)
def test_parameters_in_closed_form(references, name, layers):
    sizes = references.sizes(name, 16, 5000, layers)
    network = references.make(name, 16, seed=0, **sizes)
    if name == "transformer":
        expected = references.transformer_parameters(16, **sizes)
    else:
        expected = references.recurrent_parameters(references.NETWORKS[name][0], 16, **sizes)
    assert references.count_parameters(network) == expected


def test_parameters_by_hand(references):
    """GRU 2 -> 3 -> 2: 3 gates of 2*3 + 3*3 weights and 2*3 biases, read out by 3*2 + 2."""
    assert references.recurrent_parameters(3, 2, 3) == 3 * (6 + 9 + 6) + 8
    assert references.recurrent_parameters(1, 2, 3, layers=2) == (6 + 9 + 6) + (9 + 9 + 6) + 8


@pytest.mark.parametrize("parameters", [2000, 31744, 1_000_000])
@pytest.mark.parametrize("name", NAMES)
def test_equal_size_within_five_percent(references, name, parameters):
    network = references.make(name, 16, seed=0, **references.sizes(name, 16, parameters))
    assert references.count_parameters(network) == pytest.approx(parameters, rel=0.05)


@pytest.mark.parametrize("name", NAMES)
def test_a_deterministic_cycle_is_learned_completely(references, name):
    """In "abcabdab..." the token after "ab" is known only from the cycle's other half: one token of
    memory gives 2/3.
    """
    tokens = np.tile([0, 1, 2, 0, 1, 3], 400)
    network = references.make(name, 4, seed=0, **references.sizes(name, 4, 3000))
    assert references.train(network, tokens, rate=1e-2, length=12, batch=1) == len(tokens) - 1
    accuracy, scored = references.evaluate(network, tokens[:481], length=12)
    assert scored == 480
    assert (
        accuracy >= 479 / 480
    )  # the third token follows "ab" at the beginning, where the half cannot be known


@pytest.mark.parametrize("name", NAMES)
def test_no_network_sees_its_target(references, name):
    """A change of a token changes no logit before it, and some after."""
    torch = references.torch
    network = references.make(name, 5, seed=1, **references.sizes(name, 5, 3000)).eval()
    tokens = torch.tensor([[0, 1, 2, 3, 4, 0, 1, 2]])
    changed = tokens.clone()
    changed[0, 5] = 3
    with torch.inference_mode():
        before, after = network(tokens)[0], network(changed)[0]
    torch.testing.assert_close(before[:, :5], after[:, :5])
    assert not torch.allclose(before[:, 5:], after[:, 5:])


@pytest.mark.parametrize("name", ("elman", "gru", "lstm"))
def test_recurrent_state_carries_the_past(references, name):
    """Two pieces with the state between them give the logits of the whole."""
    torch = references.torch
    network = references.make(name, 5, seed=1, **references.sizes(name, 5, 3000)).eval()
    tokens = torch.randint(0, 5, (2, 20), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        whole, _ = network(tokens)
        first, state = network(tokens[:, :6])
        second, _ = network(tokens[:, 6:], state)
    torch.testing.assert_close(whole, torch.cat([first, second], dim=1), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("given", [None, 24])
def test_transformer_sees_its_window_and_nothing_older(references, given):
    """After `context` tokens, logits depend on the last `context` tokens and not on the one before
    them.
    """
    torch = references.torch
    sizes = references.sizes("transformer", 5, 3000) | ({"context": given} if given else {})
    network = references.make("transformer", 5, seed=1, **sizes).eval()
    context = given or references.CONTEXT
    before = torch.randint(0, 5, (1, context + 1), generator=torch.Generator().manual_seed(0))
    logits = []
    for changed in (None, 0, 1):  # nothing, a token outside the window, the oldest one in it
        past = before.clone()
        if changed is not None:
            past[0, changed] = (past[0, changed] + 1) % 5
        with torch.inference_mode():
            _, state = network(past)
            logits.append(network(torch.tensor([[2, 3]]), state)[0])
    assert torch.equal(logits[0], logits[1])
    assert not torch.allclose(logits[0], logits[2])


def test_a_batch_keeps_the_order(references):
    inputs, targets = references.batch_of(np.arange(12), 1)
    assert inputs.tolist() == [list(range(11))] and targets.tolist() == [list(range(1, 12))]
    inputs, targets = references.batch_of(np.arange(12), 3)
    assert inputs.tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    assert (targets == inputs + 1).all()


def test_same_seed_same_network(references):
    torch = references.torch
    tokens = np.random.default_rng(0).integers(0, 4, 200)
    outcome = []
    for seed in (3, 3, 4):
        network = references.make("gru", 4, seed=seed, width=6)
        references.train(network, tokens, rate=1e-2, length=10, batch=2)
        outcome.append(network.readout.weight.detach().clone())
    assert torch.equal(outcome[0], outcome[1]) and not torch.equal(outcome[0], outcome[2])


def test_torch_is_looked_for_only_when_needed():
    """`fena bench` must start without PyTorch."""
    code = (
        "import sys; from fena_sim.bench import training, training_claims, training_report; "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
