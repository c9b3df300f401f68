"""Networks trained by backpropagation on FENA's tokens, for claims C12, C13 and C24: Elman, GRU, LSTM
and transformer of equal size.

The networks are those of `fena_sim.study.reference_networks`. What is done here is to train each one
fairly:

hyperparameters
    Learning rate, its share at the end of the pass, tokens per piece, batch and layers minimise the
    bits per token of a validation stream: coordinate descent on GRID with one pair of streams, then
    the FINALISTS best on all pairs. They are chosen once, for each regime, on streams of their own,
    and serve all test seeds; nothing of the test streams is read before the networks are finished.
    All are chosen on the motif grammar only. On other data a network takes them over from there and
    chooses its learning rate anew, on one pair of streams of these data.
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

import attrs
import numpy as np

from ...analyse.select import inside_motif, narrow, scored
from ...declare.canonical import canonical, digest
from ...declare.stimulus.grammar import MotifGrammar
from ...declare.stimulus.nested import NestedGrammar
from ...declare.stimulus.stream import TokenStream
from ...errors import DeclarationError, FenaError, UnknownNameError, nearest
from ...extras import install_hint
from ...runs.store.files import write_json
from .climb import at_an_end, climb

#: Raise it whenever the reference networks, or how they are trained, give other numbers: what was kept is then made anew. As for
#: ENGINE, comments do not count.
TRAINING = 2

if TYPE_CHECKING:
    import pandas as pd

KINDS = ("elman", "gru", "lstm", "transformer")
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
#: Tokens of a validation stream, for each token of training.
VALIDATION = 0.25


def require_torch() -> None:
    """Raise FenaError, naming the extra, if PyTorch is not installed."""
    if find_spec("torch") is None:
        raise FenaError(
            "PyTorch is not installed",
            where="reference networks of claims C12, C13 and C24",
            fix=install_hint("claims"),
        )


@attrs.frozen(kw_only=True)
class Data:
    """What one network learns from, and what it is tested on.

    Parameters
    ----------
    training, validation : TokenStream
        The validation stream stops the passes of "converged"; no weight is learned from it.
    tests : {name: TokenStream}
    tuning : sequence of (TokenStream, TokenStream)
        Pairs of training and validation stream for the choice of hyperparameters.
    context : int
        Tokens that a transformer reads again before every piece.
    """

    training: TokenStream
    validation: TokenStream
    tests: Mapping[str, TokenStream]
    tuning: Sequence[tuple[TokenStream, TokenStream]]
    context: int


def grammar_data(
    grammar: MotifGrammar | NestedGrammar,
    seed: int,
    tokens: int,
    test_tokens: int,
    tuning: int,
    context: int,
) -> Data:
    """The tokens of protocols/first_contact.py with this seed and grammar, tests "familiar" and
    "held_out", and validation and `tuning` pairs of streams from seeds of their own.
    """
    validation = round(VALIDATION * tokens)
    return Data(
        training=grammar.training(tokens, 1 + seed),
        validation=grammar.training(validation, VALIDATION_SEED + seed),
        tests={
            "familiar": grammar.training(test_tokens, 10_000 + seed),
            "held_out": grammar.held_out(test_tokens, 20_000 + seed),
        },
        tuning=[
            (
                grammar.training(tokens, TUNING_SEED + k),
                grammar.training(validation, TUNING_VALIDATION_SEED + k),
            )
            for k in range(tuning)
        ],
        context=context,
    )


def choose(
    kind: str,
    data: Data,
    parameters: int,
    folder: str | Path,
    start: Mapping[str, dict] | None = None,
) -> dict[str, dict]:
    """Hyperparameters of both regimes with the least validation bits per token, meaned over the
    pairs of `data.tuning`.

    Parameters
    ----------
    kind : "elman", "gru", "lstm" or "transformer"
    data : Data
        The n-th network is drawn from seed n; the descent uses the first pair only.
    parameters : int
        Trainable numbers wanted: FENA's plastic weights.
    folder : path
        Where results are kept; what is there is not computed again.
    start : {regime: {"hyperparameters": {name: value}}}, optional
        From another choice: only the learning rate is chosen anew. Without it all are chosen.

    Returns
    -------
    dict
        {regime: {"hyperparameters": {name: value}, "bits": validation bits per token, "at_an_end":
        names that ended at an end of GRID (a wider grid might do better), "trials":
        [[hyperparameters, bits on the first pair], ...]}}

    Raises FenaError without PyTorch, UnknownNameError for another kind.
    """
    check_kind(kind)
    starts = start and {regime: dict(start[regime]["hyperparameters"]) for regime in REGIMES}
    what = {
        "choose": kind,
        "pairs": [[_tokens(s) for s in pair] for pair in data.tuning],
        "parameters": parameters,
        "context": data.context,
        "start": starts,
    }
    return _kept(
        what,
        folder,
        lambda: {
            regime: _choose(kind, regime, data, parameters, starts and starts[regime])
            for regime in REGIMES
        },
    )


def reference_scores(
    kind: str,
    data: Data,
    seed: int,
    parameters: int,
    chosen: Mapping[str, dict],
    folder: str | Path,
) -> dict[str, dict]:
    """Train one network per regime and test it, frozen.

    Parameters
    ----------
    data : Data
    seed : int
        Of the initial weights.
    chosen : dict
        From `choose`.
    kind, parameters, folder : as in `choose`

    Returns
    -------
    dict
        {regime: {"hyperparameters", "parameters": trainable numbers, "passes", "tests": {name:
        {window: scores}}}} with the windows and scores of `window_scores`. The same seed gives the
        same numbers.
    """
    check_kind(kind)
    hyperparameters = {regime: chosen[regime]["hyperparameters"] for regime in REGIMES}
    what = {
        "test": kind,
        "training": _tokens(data.training),
        "validation": _tokens(data.validation),
        "tests": {name: canonical(stream.events) for name, stream in data.tests.items()},
        "context": data.context,
        "seed": seed,
        "parameters": parameters,
        "hyperparameters": hyperparameters,
    }

    def compute():
        result = {}
        for regime, how in hyperparameters.items():
            streams = data.training, data.validation
            network, passes = _train(
                kind, regime, streams, seed, parameters, {**how, "context": data.context}
            )
            windows = {
                name: window_scores(network.log_probabilities(stream), stream.events)
                for name, stream in data.tests.items()
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
    -log2 p(token); error = mean over events and symbols of (p - onehot(token))^2. Windows: "all"
    scored events; "inside familiar" and "inside novel" motifs (`fena_sim.measure.inside_motif`), and
    "inside novel_phrase" for motifs of phrases that are held out, where the events tell them and
    there are some.

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
            "inside familiar": inside_motif(events, novel=False),
            "inside novel": inside_motif(events, novel=True),
        }
        if "novel_phrase" in events:
            inside["inside novel_phrase"] = inside_motif(events, novel=True, label="novel_phrase")
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


def _choose(kind, regime, data, parameters, start):
    def bits(how, seed=0):
        how = {**how, "context": data.context}
        try:
            network, _ = _train(kind, regime, data.tuning[seed], seed, parameters, how)
        except DeclarationError:  # no network of so many layers is of this size
            return np.inf
        return _bits(network, data.tuning[seed][1])

    names = TUNED[regime] if start is None else ("rate",)
    trials = climb(bits, GRID, START[regime] if start is None else start, names)
    finals = [
        (float(np.mean([loss, *(bits(how, seed) for seed in range(1, len(data.tuning)))])), how)
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


def _train(kind, regime, streams, seed, parameters, how):
    """The network trained on the first of `streams`, and the number of passes that made it."""
    from .backpropagation import Network

    training, validation = streams
    network = Network(kind, len(training.vocabulary), seed, parameters, **how)
    if regime == "one pass":
        network.one_pass(training)
        return network, 1
    return network, network.converge(training, lambda: _bits(network, validation))


def _bits(network, stream):
    return window_scores(network.log_probabilities(stream), stream.events)["all"]["bits"]


def check_kind(kind: str) -> None:
    """Raise FenaError without PyTorch, UnknownNameError for another kind than those of KINDS."""
    require_torch()
    if kind not in KINDS:
        raise UnknownNameError(
            f"no reference network is called {kind!r}",
            where="reference networks of the claims",
            fix=nearest(kind, KINDS),
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
