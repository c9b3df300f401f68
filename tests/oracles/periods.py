"""Running the NumPy networks: each hands out its tokens as periods, generators of single steps."""

import numpy as np


def finish(period):
    while True:
        try:
            next(period)
        except StopIteration as end:
            return end.value


def run_together(networks, tokens, blank_steps=12, presentation_steps=48):
    """Several networks that share their weights, each with a column of `tokens` (n, networks).

    In every step each network takes its own from the same weights, which then change by the sum of
    what the networks made of them. Returns one dict as of the `run` of a network for each network.
    """
    weights, kept = [name for name in networks[0].v if name[0] in "WAFGV"], [[] for _ in networks]
    for row in np.asarray(tokens):
        periods = [
            n.period(token, 1.0, blank_steps, presentation_steps) for n, token in zip(networks, row)
        ]
        for _ in range(blank_steps + presentation_steps):
            before = {name: networks[0].v[name].copy() for name in weights}
            for period in periods:
                next(period)
            for name, old in before.items():
                changed = old + sum(n.v[name] - old for n in networks)
                for n in networks:
                    n.v[name] = changed.copy()
        for found, period in zip(kept, periods):
            found.append(finish(period))
    return [
        {name: np.array([period[name] for period in found]) for name in found[0]} for found in kept
    ]
