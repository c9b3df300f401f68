"""Leaky n-grams: a null model that knows what follows the last few tokens, on one level.

An observer of contexts counts how often each token came after the last k tokens, for k from 0 to `order`,
and forgets with the time constant tau_count. When a token appears, what a context foretells is mixed with
what the next shorter one does, the more so the less often the context was seen::

    p_k(token) = (count_k + strength p_(k-1)(token))/(sum of count_k over tokens + strength),  p_-1 = 1/N
    error = -ln p_order(token)

The mixture is MacKay & Peto (1995), "A hierarchical Dirichlet language model", Nat Lang Eng 1:289-308, doi
10.1017/S1351324900000218, with leaky counts. It knows order but has no hierarchy: there is a unit for
every context, N**order of them, and nothing is abstracted. Contexts are of tokens that were heard, however
long ago: an omitted token is none.

So that the protocols of FENA can be run and measured, the surprise has the name of their measured signal:
`error_0.error`, in nats, of the unit whose token it is, while the token is presented.
"""

from brian2 import ms, second

from fena_sim import Hierarchy, Parameter, Plasticity, Population, Projection, Readout

# -- parameters: value with unit, meaning ----------------------------------------------------------

MIXTURE = dict(strength=Parameter(1.0, "count that the next shorter context is worth"))
COUNTS = dict(tau_count=Parameter(300 * second, "time in which a count falls to 1/e"))

# -- equations -------------------------------------------------------------------------------------
# One Euler step of x' = (y - x)/dt makes x equal to y. In the step in which a token appears, `before`
# takes what the contexts foretold, and then, at the end of the step, the counts learn. A unit of a
# longer context is active if its newest token was heard after the shorter context of the others.

NOTHING = "last = 1 : 1"
TOKEN = "now = token_code : 1 (constant over dt)"
CONTEXT = """
newest : 1
older : 1
dheard/dt = arriving*gate*(newest*older - heard)/dt : 1
last : 1
"""
FORGET = "last = heard"
EXPECTATION = """
foretold : 1
dbefore/dt = arriving*(foretold - before)/dt : 1
learned = arriving*gate*token_code : 1 (constant over dt)
"""
NEWEST, OLDER = "newest_post = now_pre : 1 (summed)", "older_post = last_pre : 1 (summed)"
FORETELL = "foretold_post = count*last_pre : 1 (summed)"
COUNT = "dcount/dt = plasticity_gain_post*(learned_post*last_pre/dt - count/tau_count) : 1"
PROBABILITY = "p_{k} = (before_{k} + strength*{shorter})/(total_{k} + strength) : 1"
SURPRISE = "derror/dt = (-gate*token_code*log(p_{k}) - error)/dt : 1"
LEVEL = "mean_square : 1\nprecision : 1"


def units(name, size, role, equations, **options):
    return Population(name=name, size=size, level=0, role=role, equations=equations, **options)


def sums(name, source, target, equations, **options):
    return Projection(name=name, source=source, target=target, equations=equations, **options)


def contexts(k, size):
    """The units of all contexts of k tokens (newest*size**(k - 1) + the others), and their inputs."""
    name = f"context_{k}"
    if k == 0:
        return units(name, 1, "memory", NOTHING, order=-60), []
    memory = units(name, size**k, "memory", CONTEXT, order=k - 60, on=dict(blank_onset=FORGET))
    return memory, [
        sums(f"newest_{k}", "token", name, NEWEST, connect="i == (j*N_pre)//N_post"),
        sums(f"older_{k}", f"context_{k - 1}", name, OLDER, connect="i == j % N_pre"),
    ]


def hierarchy(input_size=16, order=2, dt=0.5 * ms):
    """Contexts of up to `order` tokens, and an error unit for each of `input_size` tokens."""
    populations = [units("token", input_size, "input", TOKEN, order=-70)]
    projections, links, mixed = [], {}, []
    learns = Plasticity(equations=COUNT, clock=None, parameters=COUNTS)
    for k in range(order + 1):
        memory, inputs = contexts(k, input_size)
        seen, total = f"expectation_{k}", f"total_{k}"
        populations += [
            memory,
            units(seen, input_size, "prediction", EXPECTATION, order=-20),
            units(total, 1, "count", "total : 1", order=-10),
        ]
        projections += [
            *inputs,
            sums(f"counts_{k}", memory.name, seen, FORETELL, plasticity=learns),
            sums(f"sum_of_counts_{k}", seen, total, "total_post = before_pre : 1 (summed)"),
        ]
        links |= {f"before_{k}": f"{seen}.before", total: f"{total}.total"}
        mixed.append(PROBABILITY.format(k=k, shorter=f"p_{k - 1}" if k else f"(1/{input_size})"))
    equations = "\n".join([*mixed, SURPRISE.format(k=order)])
    return Hierarchy(
        name="ngram_observer",
        dt=dt,
        description="Leaky n-grams: surprise from the last few tokens, without hierarchy",
        reference="MacKay & Peto 1995, Nat Lang Eng 1:289-308, doi 10.1017/S1351324900000218",
        populations=[
            *populations,
            units("error_0", input_size, "error", equations, parameters=MIXTURE, links=links),
            units("precision_0", 1, "precision", LEVEL, order=10, initial=dict(precision=1.0)),
        ],
        projections=[
            *projections,
            sums(
                "pool_0",
                "error_0",
                "precision_0",
                "mean_square_post = error_pre**2/N_pre : 1 (summed)",
            ),
        ],
        readouts=[Readout(name="error", variables=["precision_0.mean_square"], when="mean")],
    )
