"""C01: every synapse changes by what it sees."""

from networks import MODELS

from fena_sim import Block, load_model
from fena_sim.claims import Measured, Reported, Threshold
from fena_sim.errors import LocalityError
from fena_sim.measure import share, summarise
from fena_sim.stimulus import TokenStream, one_hot
from fena_sim.study.claims.influences import influences, planted

ID = "C01"
CLAIM = "Learning is local: no synapse reads a loss, an optimiser's memory or an error passed backwards; settling is training."
DEFINITION = """Of every model in models/. Static: a plasticity rule may read variables of its synapse, of the two units that it
joins, and scalars of their levels computed from these levels alone (fena_sim.declare.model.plasticity.check_local); four rules that
break this are planted into every plastic projection and must be refused. Dynamic: from one state of the running network each
rule is evaluated twice, the second time with all variables of all other levels and synapses moved by normal random numbers
(sd 1); influence = max |dw' - dw| / max |dw|, tolerance 1e-12 (rounding of float64), after at most four tokens."""
TOLERANCE = 1e-12
TOKENS = 4


def check(seeds, quick):
    accepted, refused, unmoved, largest = [], [], [], [0.0] * len(seeds)
    for path in sorted(MODELS.glob("*.py")):
        if "def hierarchy(" not in path.read_text(encoding="utf-8"):
            continue  # a helper of the models
        try:
            model = load_model(path)
        except LocalityError:
            accepted.append(False)
            continue
        accepted.append(True)
        refused += planted(model).values()
        found = influences(model, _block(model), seeds)
        unmoved += [value <= TOLERANCE for values in found.values() for value in values]
        largest = [
            max(largest[k], *[values[k] for values in found.values()], 0.0)
            for k in range(len(seeds))
        ]
    return [
        Measured(
            "share of shipped models whose rules are all local, by their equations",
            share(accepted),
            Threshold(">=", 1),
        ),
        Measured("share of planted rules that are refused", share(refused), Threshold(">=", 1)),
        Measured(
            "share of rules, in every network, unmoved when everything else changes",
            share(unmoved),
            Threshold(">=", 1),
        ),
        Reported("largest influence from elsewhere on any rule", summarise(largest)),
    ]


def _block(model):
    """Tokens in turn, one after the other."""
    size = next(p.size for p in model.populations if p.uses("token_code"))
    vocabulary = one_hot([f"s{k}" for k in range(size)])
    return Block(
        name="learning", stream=TokenStream.from_ids([k % size for k in range(TOKENS)], vocabulary)
    )
