"""One reference network of `fena_sim.study.reference_networks`, trained on a token stream and read, with
the same numbers each time.

Importing this module without PyTorch raises FenaError. Early stopping: Prechelt 1998, LNCS 1524:55.
"""

from collections.abc import Callable
from contextlib import contextmanager
from copy import deepcopy
from itertools import count

import numpy as np
from scipy.special import log_softmax

from ...declare.stimulus.stream import TokenStream
from ...errors import DeclarationError, StimulusError
from .. import reference_networks as references
from ..reference_networks import torch

#: A network whose size cannot be brought this close to the one asked for is refused.
SIZE_TOLERANCE = 0.05
#: Passes end when this many in a row have not lowered the loss by MIN_GAIN (bits per token).
PATIENCE = 3
MIN_GAIN = 1e-3
#: After every such pass the learning rate is multiplied by this.
RATE_DROP = 0.3


class Network:
    """An Elman network, GRU, LSTM or transformer with about `parameters` trainable numbers.

    Parameters
    ----------
    kind : "elman", "gru", "lstm" or "transformer"
    symbols : int
    seed : int
        Of the initial weights.
    parameters : int
        Trainable numbers wanted; `size` says how many there are.
    rate : float
        Learning rate of Adam at the beginning.
    rate_at_end : float
        Share of it that is left at the end of `one_pass`.
    length, batch, layers : int
        Tokens per piece, pieces side by side, layers of the network.
    context : int
        Tokens that a transformer reads again before every piece; the others carry their state.

    Raises
    ------
    DeclarationError
        If no width brings `size` within SIZE_TOLERANCE of `parameters`.
    """

    def __init__(
        self,
        kind: str,
        symbols: int,
        seed: int,
        parameters: int,
        *,
        rate: float,
        rate_at_end: float,
        length: int,
        batch: int,
        layers: int,
        context: int = references.CONTEXT,
    ) -> None:
        self.rate, self.rate_at_end, self.length, self.batch = rate, rate_at_end, length, batch
        sizes = references.sizes(kind, symbols, parameters, layers)
        if kind == "transformer":
            sizes["context"] = context
        with _repeatable():
            self._network = references.make(kind, symbols, seed, **sizes)
        self.size = references.count_parameters(self._network)
        if abs(self.size - parameters) > SIZE_TOLERANCE * parameters:
            raise DeclarationError(
                f"the nearest size has {self.size} parameters, not {parameters}",
                where=f"reference network {kind!r}, {layers} layers",
                fix="ask for more parameters or fewer layers",
            )

    def one_pass(self, stream: TokenStream) -> None:
        """Learn every token of the stream once (`references.train`)."""
        with _repeatable():
            references.train(
                self._network, _tokens(stream), self.rate, self.length, self.batch, self.rate_at_end
            )

    def converge(self, stream: TokenStream, loss: Callable[[], float]) -> int:
        """Learn the stream again and again while `loss()`, in bits per token, falls; end with the
        best weights.

        Returns the number of passes up to them.
        """
        optimiser = torch.optim.Adam(self._network.parameters(), lr=self.rate)
        least, passes, weights = np.inf, 0, deepcopy(self._network.state_dict())
        for k in count(1):
            with _repeatable():
                references.one_pass(
                    self._network, _tokens(stream), optimiser, self.length, self.batch
                )
            if (now := loss()) < least - MIN_GAIN:
                least, passes, weights = now, k, deepcopy(self._network.state_dict())
                continue
            if k - passes >= PATIENCE:
                break
            optimiser.param_groups[0]["lr"] *= RATE_DROP
        self._network.load_state_dict(weights)
        return passes

    def log_probabilities(self, stream: TokenStream) -> np.ndarray:
        """Of every symbol before every event, learning off: float64, shape (event, symbol); NaN
        before the first.

        Read in pieces of `length` tokens, as in training: a transformer knows no positions beyond
        them.
        """
        with _repeatable():
            pieces = references.frozen(self._network, _tokens(stream), self.length)
            logits = np.concatenate([piece[0].double().numpy() for piece, _ in pieces])
        return np.concatenate([np.full((1, logits.shape[1]), np.nan), log_softmax(logits, axis=1)])


def _tokens(stream):
    tokens = stream.events["token"].to_numpy()
    if (tokens < 0).any():
        raise StimulusError(
            "the stream has omitted tokens",
            where="reference network",
            fix="give a stream without omissions",
        )
    return tokens


@contextmanager
def _repeatable():
    """One thread, deterministic algorithms and a random generator of its own, inside only."""
    threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    with torch.random.fork_rng(devices=[]):
        try:
            torch.set_num_threads(1)
            torch.use_deterministic_algorithms(True)
            yield
        finally:
            torch.set_num_threads(threads)
            torch.use_deterministic_algorithms(strict)
