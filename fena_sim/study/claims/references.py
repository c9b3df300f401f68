"""Networks trained by backpropagation on FENA's tokens, for claim C13: Elman, GRU and transformer
of equal size.

The networks are those of `fena_sim.study.reference_networks`. What is done here is to train each one
fairly:

hyperparameters
    Learning rate, its share at the end of the pass, tokens per piece, batch and layers minimise the
    bits per token of a validation stream: coordinate descent on GRID with one pair of streams, then
    the FINALISTS best on all pairs. They are chosen once, for both regimes, on streams of seeds of
    their own, and serve all test seeds; nothing of the test streams is read before the networks are
    finished.
"one pass"
    Every training token is learned from once, as by FENA (`references.train`).
"converged"
    Passes over the training tokens until the validation stream's bits have stopped falling; then
    the best network is restored (`backpropagation.converge`).

The finished network is frozen and read by the tokens of a test; the first token of a block is not
scored, as in `fena_sim.measure.accuracy`. PyTorch comes with the extra `claims`.
"""

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...analyse.select import inside_motif, narrow, scored
from ...declare.canonical import canonical, digest
from ...declare.stimulus.grammar import MotifGrammar
from ...declare.stimulus.stream import TokenStream
from ...errors import DeclarationError, FenaError, UnknownNameError, nearest
from ...extras import install_hint
from ...runs.store.files import write_json
from .climb import at_an_end, climb

#: Raise it whenever the reference networks, or how they are trained, give other numbers: what was kept is then made anew. As for
#: ENGINE, comments do not count.
TRAINING = 1

if TYPE_CHECKING:
    import pandas as pd

KINDS = ("elman", "gru", "transformer")
REGIMES = ("one pass", "converged")
GRID = {
    "rate": tuple(1e-3 * 2**k for k in range(-4, 8)),
    "rate_at_end": (0.0, 0.05, 0.2, 1.0),
    "length": (1, 2, 4, 8, 16, 32, 64, 128),
    "batch": (1, 2, 4, 8, 16),
    "layers": (1, 2, 3, 4),
}
#: Ends of the grid beyond which there is nothing.
NATURAL_ENDS = {"rate_at_end": 0.0, "length": 1, "batch": 1, "layers": 1}
_COMMON = {"rate": 4e-3, "rate_at_end": 0.05, "length": 16, "layers": 1}
START = {"one pass": {**_COMMON, "batch": 1}, "converged": {**_COMMON, "batch": 8}}
#: With many passes, pieces and batch size decide how long it takes rather than where it ends.
TUNED = {
    "one pass": ("rate", "length", "layers", "batch", "rate_at_end"),
    "converged": ("rate", "layers"),
}
FINALISTS = {"one pass": 4, "converged": 2}
TUNING_STREAMS = 3
VALIDATION_SEED, TUNING_SEED, TUNING_VALIDATION_SEED = 50_000, 60_000, 70_000
VALIDATION_TOKENS = 4000


def require_torch() -> None:
    """Raise FenaError, naming the extra, if PyTorch is not installed."""
    if find_spec("torch") is None:
        raise FenaError(
            "PyTorch is not installed",
            where="reference networks of claim C13",
            fix=install_hint("claims"),
        )


def motif_references(
    kind: str,
    seed: int,
    parameters: int,
    folder: str | Path,
    tokens: int = 16_000,
    test_tokens: int = 1500,
    quick: bool = False,
) -> dict[str, dict]:
    """`reference_scores` of one kind on the tokens of protocols/first_contact.py with this seed:
    "familiar" and "held_out".

    Parameters
    ----------
    kind : "elman", "gru" or "transformer"
    seed : int
        Of the tokens and of the network.
    parameters : int
        Trainable numbers wanted: FENA's plastic weights.
    folder : path
        Where results are kept; what is there is not computed again.
    quick : bool
        Choose the learning rate only, on one stream.

    Raises FenaError without PyTorch, UnknownNameError for another kind.
    """
    _check(kind)
    grammar = MotifGrammar()
    pairs = [
        (
            grammar.training(tokens, TUNING_SEED + k),
            grammar.training(VALIDATION_TOKENS, TUNING_VALIDATION_SEED + k),
        )
        for k in range(1 if quick else TUNING_STREAMS)
    ]
    chosen = choose(kind, pairs, parameters, folder, quick)
    tests = {
        "familiar": grammar.training(test_tokens, 10_000 + seed),
        "held_out": grammar.held_out(test_tokens, 20_000 + seed),
    }
    return reference_scores(
        kind,
        grammar.training(tokens, 1 + seed),
        grammar.training(VALIDATION_TOKENS, VALIDATION_SEED + seed),
        tests,
        seed,
        parameters,
        chosen,
        folder,
    )


def choose(
    kind: str,
    pairs: Sequence[tuple[TokenStream, TokenStream]],
    parameters: int,
    folder: str | Path,
    quick: bool = False,
) -> dict[str, dict]:
    """Hyperparameters of both regimes with the least validation bits per token, meaned over
    `pairs`.

    Parameters
    ----------
    pairs : sequence of (TokenStream, TokenStream)
        Training and validation stream; the n-th network is drawn from seed n. The descent uses the
        first pair only.
    kind, parameters, folder, quick : as in `motif_references`

    Returns
    -------
    dict
        {regime: {"hyperparameters": {name: value}, "bits": validation bits per token, "at_an_end":
        names that ended at an end of GRID (a wider grid might do better), "trials":
        [[hyperparameters, bits on the first pair], ...]}}
    """
    _check(kind)
    what = {
        "choose": kind,
        "pairs": [[_tokens(s) for s in pair] for pair in pairs],
        "parameters": parameters,
        "quick": quick,
    }
    return _kept(
        what,
        folder,
        lambda: {regime: _choose(kind, regime, pairs, parameters, quick) for regime in REGIMES},
    )


def reference_scores(
    kind: str,
    training: TokenStream,
    validation: TokenStream,
    tests: Mapping[str, TokenStream],
    seed: int,
    parameters: int,
    chosen: Mapping[str, dict],
    folder: str | Path,
) -> dict[str, dict]:
    """Train one network per regime and test it, frozen.

    Parameters
    ----------
    training, validation : TokenStream
        The validation stream stops the passes of "converged"; no weight is learned from it.
    tests : {name: TokenStream}
    seed : int
        Of the initial weights.
    chosen : dict
        From `choose`.
    kind, parameters, folder : as in `motif_references`

    Returns
    -------
    dict
        {regime: {"hyperparameters", "parameters": trainable numbers, "passes", "tests": {name:
        {window: scores}}}} with the windows and scores of `window_scores`. The same seed gives the
        same numbers.
    """
    _check(kind)
    hyperparameters = {regime: chosen[regime]["hyperparameters"] for regime in REGIMES}
    what = {
        "test": kind,
        "training": _tokens(training),
        "validation": _tokens(validation),
        "tests": {name: canonical(stream.events) for name, stream in tests.items()},
        "seed": seed,
        "parameters": parameters,
        "hyperparameters": hyperparameters,
    }

    def compute():
        result = {}
        for regime, how in hyperparameters.items():
            network, passes = _train(kind, regime, training, validation, seed, parameters, how)
            windows = {
                name: window_scores(network.log_probabilities(stream), stream.events)
                for name, stream in tests.items()
            }
            result[regime] = {
                "hyperparameters": how,
                "parameters": network.size,
                "passes": passes,
                "tests": windows,
            }
        return result

    return _kept(what, folder, compute)


def window_scores(
    log_probabilities: np.ndarray, events: "pd.DataFrame"
) -> dict[str, dict[str, float]]:
    """Accuracy, bits and squared error in the windows of claims C12 and C13.

    Formulas: accuracy = share of events whose token has the largest p (ties go to the lower index);
    bits = mean of
    -log2 p(token); error = mean over events and symbols of (p - onehot(token))^2. Windows: "all" scored events; "inside
    familiar" and "inside novel" motifs (`fena_sim.measure.inside_motif`), where the events tell them and there are some.

    Parameters
    ----------
    log_probabilities : array, shape (event, symbol)
        Natural logarithms of the distribution before each event; rows that are not scored are not
        read.
    events : pandas.DataFrame
        Of the test's stream.

    Returns
    -------
    dict
        {window: {"accuracy", "bits", "error", "events"}}

    Raises StimulusError if no event is scored.
    """
    windows = {"all": narrow(scored(events), None, "test of a reference network")}
    if {"position", "novel"} <= set(events.columns):
        inside = {
            f"inside {name}": inside_motif(events, novel=name == "novel")
            for name in ("familiar", "novel")
        }
        windows.update({name: mask for name, mask in inside.items() if mask.any()})
    tokens = events["token"].to_numpy()
    return {name: _scores(log_probabilities[mask], tokens[mask]) for name, mask in windows.items()}


def _scores(log_probabilities, tokens):
    own = log_probabilities[np.arange(len(tokens)), tokens]
    code = np.eye(log_probabilities.shape[1])[tokens]
    return {
        "accuracy": float((log_probabilities.argmax(axis=1) == tokens).mean()),
        "bits": float(-own.mean() / np.log(2)),
        "error": float(((np.exp(log_probabilities) - code) ** 2).mean()),
        "events": len(tokens),
    }


def _choose(kind, regime, pairs, parameters, quick):
    def bits(how, seed=0):
        training, validation = pairs[seed]
        try:
            return _bits(
                _train(kind, regime, training, validation, seed, parameters, how)[0], validation
            )
        except DeclarationError:  # no network of so many layers is of this size
            return np.inf

    names = ("rate",) if quick else TUNED[regime]
    trials = climb(bits, GRID, START[regime], names)
    finals = [
        (float(np.mean([loss, *(bits(how, seed) for seed in range(1, len(pairs)))])), how)
        for how, loss in trials[: FINALISTS[regime]]
    ]
    least, best = min(finals, key=lambda final: final[0])
    ends = at_an_end(best, {name: GRID[name] for name in names}, NATURAL_ENDS)
    return {
        "hyperparameters": best,
        "bits": least,
        "at_an_end": ends,
        "trials": [list(trial) for trial in trials if np.isfinite(trial[1])],
    }


def _train(kind, regime, training, validation, seed, parameters, how):
    """The trained network and the number of passes that made it."""
    from .backpropagation import Network

    network = Network(kind, len(training.vocabulary), seed, parameters, **how)
    if regime == "one pass":
        network.one_pass(training)
        return network, 1
    return network, network.converge(training, lambda: _bits(network, validation))


def _bits(network, stream):
    return window_scores(network.log_probabilities(stream), stream.events)["all"]["bits"]


def _check(kind):
    require_torch()
    if kind not in KINDS:
        raise UnknownNameError(
            f"no reference network is called {kind!r}", where="claim C13", fix=nearest(kind, KINDS)
        )


def _tokens(stream):
    return [len(stream.vocabulary), canonical(stream.events["token"].to_numpy())]


def _kept(what, folder, compute):
    """The result kept in `folder` under the hash of `what`, of TRAINING and of PyTorch's version;
    else computed and kept.
    """
    key = digest(canonical([what, TRAINING, version("torch")]))
    path = Path(folder) / f"{key}.json"
    if not path.exists():
        write_json(path, {"what": what, "result": compute()})
    return json.loads(path.read_text())["result"]
