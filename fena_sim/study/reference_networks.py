"""Alternatives trained by backpropagation in PyTorch: Elman network, GRU, LSTM and transformer.

All four read token numbers and give logits of the next token; they share one interface, so that
one `train` and one `evaluate` serve them:

    logits, state = network(tokens, state)

tokens: int64 (batch, length); logits: float32 (batch, length, symbols); state: what the network
carries from one piece of the stream to the next, None at its beginning. Recurrent networks carry
their hidden state; the transformer carries the last `context` tokens, which it reads again before
the new ones.

PyTorch comes with the extra `bench`; importing this module without it raises
FenaError. Sources: Elman 1990, Cogn Sci 14:179; Cho et al. 2014, EMNLP 1724;
Hochreiter & Schmidhuber 1997, Neural Comput 9:1735; Vaswani et al. 2017,
NeurIPS 30 (decoder only, normalisation first, fixed sinusoidal positions); truncated
backpropagation through time: Williams & Peng 1990, Neural Comput 2:490; Adam: Kingma & Ba 2015,
ICLR.
"""

from collections.abc import Iterator
from math import log
from typing import TYPE_CHECKING

from ..errors import FenaError
from ..extras import install_hint

try:
    import torch
except ImportError as error:
    raise FenaError(
        "PyTorch is not installed",
        where="reference networks trained by backpropagation",
        fix=install_hint("bench"),
    ) from error
from torch import nn
from torch.nn.functional import cross_entropy, one_hot

if TYPE_CHECKING:
    import numpy as np

#: Tokens that the transformer reads again before every piece of the stream, if nothing else is said:
#: four motifs of the motif grammar.
CONTEXT = 16
HEADS = 4
#: Gradients of a larger norm are scaled down to it (Pascanu et al. 2013, ICML 28:1310).
CLIP = 1.0
#: The learning rate falls linearly to this share of itself over the pass, as FENA's plasticity does
#: in first_contact.
RATE_AT_END = 0.2


class Recurrent(nn.Module):
    """One-hot tokens -> `layers` recurrent layers of `width` units -> logits. `cell`: nn.RNN
    (Elman), nn.GRU or nn.LSTM.
    """

    def __init__(self, cell: "type[nn.RNNBase]", symbols: int, width: int, layers: int = 1) -> None:
        super().__init__()
        self.symbols = symbols
        self.recurrent = cell(symbols, width, num_layers=layers, batch_first=True)
        self.readout = nn.Linear(width, symbols)

    def forward(
        self, tokens: "torch.Tensor", state: "torch.Tensor | tuple | None" = None
    ) -> "tuple[torch.Tensor, torch.Tensor | tuple]":
        hidden, state = self.recurrent(one_hot(tokens, self.symbols).float(), state)
        if isinstance(state, tuple):  # of an LSTM: units and cells
            return self.readout(hidden), tuple(part.detach() for part in state)
        return self.readout(hidden), state.detach()


class Transformer(nn.Module):
    """Decoder-only transformer over a sliding window of `context` tokens and the new ones.

    `width` is the model's, `inner` that of the feed-forward layers. The first new token always
    stands at position `context`, so that positions mean the same at the beginning of a stream.
    """

    def __init__(
        self, symbols: int, width: int, inner: int, layers: int = 2, context: int = CONTEXT
    ) -> None:
        super().__init__()
        self.width, self.context = width, context
        self.embedding = nn.Embedding(symbols, width)
        layer = nn.TransformerEncoderLayer(
            width, HEADS, inner, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(
            layer, layers, norm=nn.LayerNorm(width), enable_nested_tensor=False
        )
        self.readout = nn.Linear(width, symbols)

    def forward(
        self, tokens: "torch.Tensor", state: "torch.Tensor | None" = None
    ) -> "tuple[torch.Tensor, torch.Tensor]":
        window = tokens if state is None else torch.cat([state, tokens], dim=1)
        before, length = window.shape[1] - tokens.shape[1], window.shape[1]
        x = self.embedding(window) + self._positions(self.context - before, length)
        mask = nn.Transformer.generate_square_subsequent_mask(length)
        x = self.layers(x, mask=mask, is_causal=True)
        return self.readout(x[:, before:]), window[:, -self.context :]

    def _positions(self, first, length):
        position = torch.arange(first, first + length).float()[:, None]
        angle = position * torch.exp(torch.arange(0, self.width, 2) * (-log(10_000.0) / self.width))
        return torch.stack([angle.sin(), angle.cos()], dim=2).flatten(1)


def recurrent_parameters(gates: int, symbols: int, width: int, layers: int = 1) -> int:
    """Trainable parameters in closed form; `gates` is 1 for Elman, 3 for GRU and 4 for LSTM
    (PyTorch has two biases per gate).
    """
    inputs = [symbols] + [width] * (layers - 1)
    return sum(gates * (n * width + width**2 + 2 * width) for n in inputs) + (width + 1) * symbols


def transformer_parameters(symbols: int, width: int, inner: int, layers: int = 2) -> int:
    """Trainable parameters in closed form: attention, feed-forward and two normalisations per
    layer, and the ends.
    """
    layer = 4 * (width**2 + width) + 2 * width * inner + inner + width + 4 * width
    return symbols * width + layers * layer + 2 * width + (width + 1) * symbols


#: {network: (gates, layers)}; the transformer has no gates.
NETWORKS = {"elman": (1, 1), "gru": (3, 1), "lstm": (4, 1), "transformer": (None, 2)}


def sizes(name: str, symbols: int, parameters: int, layers: int | None = None) -> dict[str, int]:
    """Arguments of `make` for the network whose number of parameters is closest to `parameters`: a
    dict.

    The transformer's width is the largest multiple of 2*HEADS whose feed-forward layers are at
    least four times as wide; their width then takes up the rest.
    """
    gates, usual = NETWORKS[name]
    layers = layers or usual
    if gates:
        count, width = recurrent_parameters, 1
        while abs(count(gates, symbols, width + 1, layers) - parameters) < abs(
            count(gates, symbols, width, layers) - parameters
        ):
            width += 1
        return dict(width=width, layers=layers)
    width = 2 * HEADS
    while (
        transformer_parameters(symbols, width + 2 * HEADS, 4 * (width + 2 * HEADS), layers)
        <= parameters
    ):
        width += 2 * HEADS
    missing = parameters - transformer_parameters(symbols, width, 0, layers)
    return dict(
        width=width, inner=max(1, round(missing / (layers * (2 * width + 1)))), layers=layers
    )


def make(name: str, symbols: int, seed: int, **sizes: int) -> "Recurrent | Transformer":
    """The network `name` ("elman", "gru", "lstm" or "transformer") with PyTorch's initial weights,
    drawn from `seed`.
    """
    torch.manual_seed(seed)
    if name == "transformer":
        return Transformer(symbols, **sizes)
    return Recurrent({"elman": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}[name], symbols, **sizes)


def count_parameters(network: "nn.Module") -> int:
    """Trainable numbers of a network."""
    return sum(p.numel() for p in network.parameters() if p.requires_grad)


def batch_of(
    tokens: "np.ndarray | torch.Tensor", batch: int
) -> "tuple[torch.Tensor, torch.Tensor]":
    """The stream cut into `batch` rows of equal length that are read side by side: inputs and the
    tokens after them.

    Both int64 (batch, (len(tokens) - 1)//batch); what does not fill a row is left out. With one
    row the order is the stream's.
    """
    tokens = torch.tensor(tokens, dtype=torch.int64)
    each = (len(tokens) - 1) // batch
    return tokens[: batch * each].reshape(batch, each), tokens[1 : batch * each + 1].reshape(
        batch, each
    )


def train(
    network: "nn.Module",
    tokens: "np.ndarray | torch.Tensor",
    rate: float,
    length: int,
    batch: int = 1,
    rate_at_end: float = RATE_AT_END,
) -> int:
    """One pass of next-token prediction over `tokens`: one step of Adam per `length` tokens of
    every row.

    `rate` is the learning rate at the start; it falls linearly to `rate_at_end` of it. Returns the
    number of tokens learned from.
    """
    optimiser = torch.optim.Adam(network.parameters(), lr=rate)
    return one_pass(network, tokens, optimiser, length, batch, rate_at_end)


def one_pass(
    network: "nn.Module",
    tokens: "np.ndarray | torch.Tensor",
    optimiser: "torch.optim.Optimizer",
    length: int,
    batch: int = 1,
    rate_at_end: float = 1.0,
) -> int:
    """One pass over `tokens` with an optimiser that may know others; its learning rate falls
    linearly to `rate_at_end` of itself.

    The state is carried on and gradients are cut between pieces (truncated backpropagation through
    time). Returns the number of tokens learned from.
    """
    inputs, targets = batch_of(tokens, batch)
    starts = range(0, inputs.shape[1], length)
    (group,) = optimiser.param_groups
    rate = group["lr"]
    network.train()
    state = None
    for k, start in enumerate(starts):
        group["lr"] = rate * (1 - (1 - rate_at_end) * k / len(starts))
        logits, state = network(inputs[:, start : start + length], state)
        loss = cross_entropy(logits.flatten(0, 1), targets[:, start : start + length].flatten())
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), CLIP)
        optimiser.step()
    return inputs.numel()


@torch.inference_mode()
def frozen(
    network: "nn.Module", tokens: "np.ndarray | torch.Tensor", length: int, batch: int = 1
) -> "Iterator[tuple[torch.Tensor, torch.Tensor]]":
    """Piece by piece, the frozen network's logits (batch, length, symbols) and the tokens that they
    are of (batch, length).
    """
    inputs, targets = batch_of(tokens, batch)
    network.eval()
    state = None
    for start in range(0, inputs.shape[1], length):
        logits, state = network(inputs[:, start : start + length], state)
        yield logits, targets[:, start : start + length]


def evaluate(
    network: "nn.Module", tokens: "np.ndarray | torch.Tensor", length: int, batch: int = 1
) -> tuple[float, int]:
    """Share of tokens that are the most probable next token of the frozen network; the first is not
    scored.

    Returns (accuracy, number of scored tokens).
    """
    correct = scored = 0
    for logits, targets in frozen(network, tokens, length, batch):
        correct += int((logits.argmax(2) == targets).sum())
        scored += targets.numel()
    return correct / scored, scored
