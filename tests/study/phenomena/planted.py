"""Observers in NumPy whose verdicts are known before anything is judged: they respond to the tokens of
an oddball, of a cascade and of many standards.

`perfect` knows the generator of each stream and responds with the surprise -ln p. `adapter` knows
nothing: each token's channel loses half of its resources and recovers (tau 1.5 s), and the response
is what is used. `silent` never responds, `broken` responds with NaN.
"""

import numpy as np

#: Tokens per stream, their asynchrony in s, and how many tokens and of what probability there are.
LENGTH, ASYNCHRONY, TOKENS, RARE = 800, 0.25, 10, 0.1
#: The token that is compared as deviant, as standard and in the control sequences.
TOKEN, OTHER = 5, 6


def oddball(rng, deviant, standard):
    return np.where(rng.random(LENGTH) < RARE, deviant, standard)


def cascade(rng):
    return np.arange(LENGTH) % TOKENS


def perfect(tokens, kind, deviant):
    """-ln p(token | the rule of its stream)."""
    if kind == "cascade":
        return np.zeros(len(tokens))
    return -np.log(np.where(tokens == deviant, RARE, 1 - RARE))


def adapter(tokens, kind, deviant):
    """U*R of the token's own channel, R recovering to 1."""
    resources, last, out = np.ones(TOKENS), np.full(TOKENS, -np.inf), np.zeros(len(tokens))
    for i, token in enumerate(tokens):
        pause = ASYNCHRONY * (i - last[token])
        recovered = 1 - (1 - resources[token]) * np.exp(-pause / 1.5)
        out[i], resources[token], last[token] = 0.5 * recovered, 0.5 * recovered, i
    return out


def silent(tokens, kind, deviant):
    return np.zeros(len(tokens))


def broken(tokens, kind, deviant):
    return np.full(len(tokens), np.nan)


def measured(observer, networks=20, noise=0.02):
    """{criterion: values per network} of an observer with private noise on its mean responses.

    mmr: deviant minus standard, of the same token; ipe: (D - C)/sqrt(D^2 + S^2 + C^2) against the
    cascade; place: response to the first half of the cascade's tokens minus that to the second.
    """
    found = {"mmr": [], "ipe": [], "place": []}
    for seed in range(networks):
        rng = np.random.default_rng(seed)
        streams = {
            "deviant": (oddball(rng, TOKEN, OTHER), "oddball", TOKEN),
            "standard": (oddball(rng, OTHER, TOKEN), "oddball", OTHER),
            "control": (cascade(rng), "cascade", None),
        }
        traces = {name: (stream[0], observer(*stream)) for name, stream in streams.items()}
        mean = {
            name: trace[tokens == TOKEN].mean() * (1 + noise * rng.standard_normal())
            for name, (tokens, trace) in traces.items()
        }
        d, s, c = (mean[name] for name in ("deviant", "standard", "control"))
        norm = np.sqrt(d**2 + s**2 + c**2)
        tokens, trace = traces["control"]
        place = trace[tokens < TOKENS // 2].mean() - trace[tokens >= TOKENS // 2].mean()
        found["mmr"].append(d - s)
        found["ipe"].append((d - c) / norm if norm else 0.0)
        found["place"].append(place + 0.01 * noise * rng.standard_normal())
    return {name: np.array(values) for name, values in found.items()}
