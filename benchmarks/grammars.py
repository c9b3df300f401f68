"""What each grammar asks of memory, and the time that its streams and its ideal observer take.

``python benchmarks/grammars.py [TOKENS]`` counts tables on one training stream of TOKENS tokens
(default 100,000) of every grammar and scores them on another: n-grams of 1 to 6 tokens, tables that
are told the true labels of the token before (`KNOWN`), and the ideal observer. Accuracy and bits are
of all tokens, then accuracy of the tokens that the labels at the heads of the columns choose. The
times are CPU seconds of one process. docs/grammars.md holds what it printed.
"""

import sys
import time

import numpy as np
import pandas as pd

from fena_sim.measure import IdealObserver, NGram
from fena_sim.stimulus import LONG_MOTIFS, AgreementGrammar, MotifGrammar, NestedGrammar

GRAMMARS = {
    "MotifGrammar": MotifGrammar(),
    "MotifGrammar, LONG_MOTIFS": MotifGrammar(motifs=LONG_MOTIFS),
    "NestedGrammar": NestedGrammar(),
    "AgreementGrammar": AgreementGrammar(),
}
#: Per grammar: what a table is told of the token before the one that it predicts.
_MOTIFS = {
    "motif": ["motif", "position"],
    "motif, and the one before": ["previous_motif", "motif", "position"],
}
KNOWN = {
    MotifGrammar: _MOTIFS,
    NestedGrammar: {
        **_MOTIFS,
        "phrase": ["phrase", "position_in_phrase"],
        "phrase, and the one before": ["previous_phrase", "phrase", "position_in_phrase"],
    },
    AgreementGrammar: {
        "motif": ["motif", "position", "ending"],
        "motif, and its place": ["motif", "position_in_sentence", "ending"],
        "motif, its place, and the opening": [
            *("opening", "motif", "position_in_sentence", "ending")
        ],
    },
}
#: Per grammar: the tokens of a column.
PARTS = {
    MotifGrammar: {"first of a motif": lambda e: e["position"] == 0},
    NestedGrammar: {
        "first of a motif inside a phrase": lambda e: (e["position"] == 0) & (e["place"] > 0),
        "first of a phrase": lambda e: e["position_in_phrase"] == 0,
    },
    AgreementGrammar: {
        "first of a motif or an ending": lambda e: (
            (e["position"] == 0) | (e["ending"] & ~e["agrees"])
        ),
        "agreeing": lambda e: e["agrees"],
    },
}


def by_label(columns, train, test, n_symbols):
    """Distribution before each token of `test`, from what followed the same labels in `train`.

    Shape (event, symbol). Before the first token, and after labels that never occurred, uniform.
    """
    both = pd.concat([train[columns], test[columns]])
    context = both.groupby(columns).ngroup().to_numpy()
    known, asked = context[: len(train)], context[len(train) :]
    counts = np.zeros((context.max() + 1, n_symbols))
    np.add.at(counts, (known[:-1], train["token"].to_numpy()[1:]), 1)
    p = (counts + 1 / n_symbols) / (counts.sum(axis=1, keepdims=True) + 1)
    return np.vstack([np.full(n_symbols, 1 / n_symbols), p[asked[:-1]]])


def scores(p, test, parts):
    """Accuracy and bits of all tokens but the first, and accuracy of each part of them."""
    token = test["token"].to_numpy()
    right = (p.argmax(axis=1) == token)[1:]
    bits = -np.log2(p[np.arange(len(token)), token])[1:]
    chosen = [part(test).to_numpy()[1:] for part in parts.values()]
    return [right.mean(), bits.mean(), *(right[mask].mean() for mask in chosen)]


def seconds(call):
    """(CPU seconds, result) of a call."""
    begun = time.process_time()
    result = call()
    return time.process_time() - begun, result


def main(n):
    times = []
    for name, grammar in GRAMMARS.items():
        kind, size = type(grammar), len(grammar.vocabulary)
        train, test = (grammar.training(n, seed).events for seed in (1, 2))
        rows = {
            f"n-gram of {order} token{'s' * (order > 1)}": NGram(order, size)
            .fit(train["token"])
            .probabilities(test["token"])
            for order in range(1, 7)
        }
        for known, columns in KNOWN[kind].items():
            rows[f"knows {known}"] = by_label(columns, train, test, size)
        rows["ideal observer"] = IdealObserver(grammar).probabilities(test["token"])
        parts = PARTS[kind]
        print(f"\n### {name}\n")
        table = pd.DataFrame(
            {row: scores(p, test, parts) for row, p in rows.items()},
            index=["accuracy", "bits", *(f"accuracy, {part}" for part in parts)],
        ).T
        print(table.round(3).to_markdown(floatfmt=".3f"))
        row = {"grammar": name, "states": len(grammar.hidden_states().token)}
        for length in (16_000, 100_000):
            row[f"stream of {length:,}"], stream = seconds(lambda: grammar.training(length, 3))
            tokens = stream.events["token"]
            row[f"observer of {length:,}"], _ = seconds(
                lambda: IdealObserver(grammar).probabilities(tokens)
            )
        times.append(row)
    print("\n### CPU seconds\n")
    print(pd.DataFrame(times).to_markdown(index=False, floatfmt=".2f"))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
