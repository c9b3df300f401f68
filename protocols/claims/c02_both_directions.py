"""C02: predictions descend while errors ascend, in every step."""

import numpy as np
from networks import MODELS

from fena_sim import Block, load_model
from fena_sim.claims import Measured, Threshold
from fena_sim.declare.protocol.timeline import timeline
from fena_sim.device.default import choose_device
from fena_sim.measure import share, summarise
from fena_sim.network.initial_state import initial_state
from fena_sim.network.pacemaker import NAME as PACEMAKER
from fena_sim.network.pacemaker import BlockShape, table_values
from fena_sim.stimulus import TokenStream, one_hot

ID = "C02"
CLAIM = "Predictions descend and errors ascend at the same time, in every step; nothing waits for the other direction."
DEFINITION = """Every FENA model, untrained, third of three tokens. The network goes on from one
state twice. Down: the top level's r is moved by normal random numbers (sd 0.1) in the middle of the presentation, and again in
the blank; steps until the sensory prediction differs. Up: another token arrives; steps, from the one in which it arrives, until
the top level's r differs. Each within as many steps as there are levels, sensory level included. Nothing may differ before the
token arrives (a prediction that knows its token)."""
NAMES = (
    "fena",
    "fena_flat_memory",
    "fena_learned_feedback",
    "fena_gaussian",
    "fena_errors_only",
)
TOKENS, OTHER = (0, 1, 2), 3
MOVE = 0.1


def check(seeds, quick):
    down, up, early, levels = [], [], [], []
    for name in NAMES:
        network = _Network(load_model(MODELS / f"{name}.py"))
        levels.append(len(network.model.levels))
        found = [network.steps(seed) for seed in seeds]
        down.append([max(f["down in the blank"], f["down while presented"]) for f in found])
        up.append([f["up"] for f in found])
        early += [f["before arrival"] for f in found]
    rows = []
    for name, d, u, bound in zip(NAMES, down, up, levels):
        rows += [
            Measured(
                f"{name}: steps from the top state to the sensory prediction, the slower of blank and presentation",
                summarise(d),
                Threshold("<=", bound, interval=True),
            ),
            Measured(
                f"{name}: steps from the token to the top state",
                summarise(u),
                Threshold("<=", bound, interval=True),
            ),
        ]
    return rows + [
        Measured(
            "share of networks in which something knows the token before it arrives",
            share(early),
            Threshold("<=", 0),
        )
    ]


class _Network:
    """A built network that goes on from one state in two ways."""

    def __init__(self, model):
        self.model = model
        size = next(p.size for p in model.populations if p.uses("token_code"))
        vocabulary = one_hot([f"s{k}" for k in range(size)])
        blocks = [
            Block(name="tokens", stream=TokenStream.from_ids(ids, vocabulary))
            for ids in ((*TOKENS, 0), (*TOKENS[:-1], OTHER, 0))
        ]
        self.line = timeline(blocks[0], model.dt)
        shape = BlockShape.of(self.line, len(self.line) + 1)
        self.tables = [table_values(timeline(block, model.dt), 0, shape) for block in blocks]
        self.program = choose_device("auto")[0].build(model, vocabulary, shape)
        self.top = f"{model.settling.populations[-1]}.r"
        self.prediction = next(
            f"{p.target}.prediction" for p in model.projections if p.name == "W_1"
        )

    def steps(self, seed):
        """Steps until something differs: {direction: int}; one more than the presentation has where
        nothing ever does.
        """
        period, blank = int(self.line.most_steps[0]), int(self.line.blank[0])
        onset = (len(TOKENS) - 1) * period
        state = self.program.complete(initial_state(self.model, seed))
        state[f"{PACEMAKER}.hold"][:] = self.line.hold
        state = self._after(state, 0, 0, onset)
        found = {"before arrival": self._differ(state, state, onset, blank, list(state), (0, 1))}
        for name, wait in (
            ("down in the blank", blank // 2),
            ("down while presented", (blank + period) // 2),
        ):
            here = self._after(state, 0, onset, wait)
            moved = {
                **here,
                self.top: here[self.top]
                + MOVE * np.random.default_rng(seed).normal(size=here[self.top].shape),
            }
            found[name] = self._first(here, moved, onset + wait, 0, self.prediction, (0, 0))
        found["up"] = self._first(state, state, onset, blank, self.top, (0, 1))
        return found

    def _first(self, one, other, start, skipped, name, tables):
        most = int(self.line.most_steps[0] - self.line.blank[0])
        return next(
            (
                n
                for n in range(1, most + 1)
                if self._differ(one, other, start, skipped + n, [name], tables)
            ),
            most + 1,
        )

    def _differ(self, one, other, start, steps, names, tables):
        """Whether variables of the network (not of its pacemaker, which holds the token) differ
        after `steps`.
        """
        a, b = (
            self._after(state, table, start, steps) for state, table in zip((one, other), tables)
        )
        own = [name for name in names if not name.startswith(f"{PACEMAKER}.")]
        return any((a[name] != b[name]).any() for name in own)

    def _after(self, state, table, start, steps):
        return self.program.run(state, self.tables[table], start, steps)[0] if steps else state
