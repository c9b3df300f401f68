"""Leaky transitions: a null model that knows which token follows which, and no hierarchy.

An observer of transitions counts, for every pair of tokens, how often the second came right after the
first, and forgets with the time constant tau_count. When a token appears, its surprise follows from the
counts of the token before it::

    p(token | last) = (count(last, token) + prior)/(sum over tokens of count(last, .) + N prior)
    error = -ln p(token | last)

This is the posterior mean of a first-order Markov chain with a symmetric Dirichlet prior, with leaky
counts: the "transition probability" model of Maheu, Dehaene & Meyniel (2019), "Brain signatures of a
multiscale process of sequence learning in humans", eLife 8:e41541, doi 10.7554/eLife.41541. The last
token is the last one that was heard, however long ago: an omitted token does not replace it.

So that the protocols of FENA can be run and measured, the surprise has the name of their measured signal:
`error_0.error`, in nats, of the unit whose token it is, while the token is presented.
"""

from brian2 import ms, second

from fena_sim import Hierarchy, Parameter, Plasticity, Population, Projection, Readout

# -- parameters: value with unit, meaning ----------------------------------------------------------

PRIOR = dict(prior=Parameter(1.0, "count of every transition before the first one"))
COUNTS = dict(tau_count=Parameter(60 * second, "time in which a count falls to 1/e"))

# -- equations -------------------------------------------------------------------------------------
# One Euler step of x' = (y - x)/dt makes x equal to y. In the step in which a token appears, `before`
# takes what the last token foretold, and then, at the end of the step, the counts learn.

MEMORY = """
heard : 1
last : 1
"""
FORGET, HEAR = "last = heard", "heard = gate*token_code + (1 - gate)*heard"
EXPECTATION = """
foretold : 1
dbefore/dt = arriving*(foretold - before)/dt : 1
evidence = before + prior : 1
learned = arriving*gate*token_code : 1 (constant over dt)
"""
FORETELL = "foretold_post = count*last_pre : 1 (summed)"
COUNT = "dcount/dt = plasticity_gain_post*(learned_post*last_pre/dt - count/tau_count) : 1"
SURPRISE = "derror/dt = (gate*token_code*log(total/evidence) - error)/dt : 1"
LEVEL = """
mean_square : 1
precision : 1
"""


def hierarchy(input_size=16, dt=0.5 * ms):
    """A memory of the last token, and counts from each of its units to each error unit."""

    def units(name, size, role, equations, **options):
        return Population(name=name, size=size, level=0, role=role, equations=equations, **options)

    links = dict(evidence="expectation.evidence", total="total.total")
    on = dict(blank_onset=FORGET, onset=HEAR)
    return Hierarchy(
        name="transition_observer",
        dt=dt,
        description="Leaky transitions: surprise from the last token, without hierarchy",
        reference="Maheu, Dehaene & Meyniel 2019, eLife 8:e41541, doi 10.7554/eLife.41541",
        populations=[
            units("memory", input_size, "memory", MEMORY, order=-40, on=on),
            units(
                "expectation", input_size, "prediction", EXPECTATION, order=-20, parameters=PRIOR
            ),
            units("total", 1, "count", "total : 1", order=-10),
            units("error_0", input_size, "error", SURPRISE, links=links),
            units("precision_0", 1, "precision", LEVEL, order=10, initial=dict(precision=1.0)),
        ],
        projections=[
            Projection(
                name="transitions",
                source="memory",
                target="expectation",
                equations=FORETELL,
                plasticity=Plasticity(equations=COUNT, clock=None, parameters=COUNTS),
            ),
            Projection(
                name="sum_of_transitions",
                source="expectation",
                target="total",
                equations="total_post = evidence_pre : 1 (summed)",
            ),
            Projection(
                name="pool_0",
                source="error_0",
                target="precision_0",
                equations="mean_square_post = error_pre**2/N_pre : 1 (summed)",
            ),
        ],
        readouts=[Readout(name="error", variables=["precision_0.mean_square"], when="mean")],
    )
