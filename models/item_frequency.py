"""Leaky item frequencies: a null model that knows how often each token came, and no order.

An observer of frequencies counts every token, and forgets with the time constant tau_count. When a token
appears, its surprise follows from the counts before it::

    p(token) = (count + prior)/(sum of counts + N prior);    error = -ln p(token)

This is the posterior mean of a multinomial with a symmetric Dirichlet prior, with leaky counts: the
"item frequency" model of Maheu, Dehaene & Meyniel (2019), "Brain signatures of a multiscale process of
sequence learning in humans", eLife 8:e41541, doi 10.7554/eLife.41541 (Meyniel, Maheu & Dehaene 2016, doi
10.1371/journal.pcbi.1005260).

So that the protocols of FENA can be run and measured, the surprise has the name of their measured signal:
`error_0.error`, in nats, of the unit whose token it is, while the token is presented. A rare token
surprises, whatever came before it, and that is all.
"""

from brian2 import ms, second

from fena_sim import Hierarchy, Parameter, Population, Projection, Readout

# -- parameters: value with unit, meaning ----------------------------------------------------------

COUNTS = dict(
    tau_count=Parameter(60 * second, "time in which a count falls to 1/e"),
    prior=Parameter(1.0, "count of every token before the first one"),
)

# -- equations -------------------------------------------------------------------------------------
# One Euler step of x' = (y - x)/dt makes x equal to y. In the step in which a token appears, its
# count rises by one, and `before` takes what it was.

ITEM = """
dcount/dt = plasticity_gain*(arriving*gate*token_code/dt - count/tau_count) : 1
dbefore/dt = arriving*(count - before)/dt : 1
evidence = before + prior : 1
"""
TOTAL = "total : 1"
SURPRISE = "derror/dt = (gate*token_code*log(total/evidence) - error)/dt : 1"
LEVEL = """
mean_square : 1
precision : 1
"""


def hierarchy(input_size=16, dt=0.5 * ms):
    """One count and one error unit for each of `input_size` units of the token code."""
    return Hierarchy(
        name="item_frequency",
        dt=dt,
        description="Leaky item frequencies: surprise without order",
        reference="Maheu, Dehaene & Meyniel 2019, eLife 8:e41541, doi 10.7554/eLife.41541",
        populations=[
            Population(
                name="item",
                size=input_size,
                level=0,
                role="input",
                order=-20,
                equations=ITEM,
                parameters=COUNTS,
            ),
            Population(name="total", size=1, level=0, role="count", order=-10, equations=TOTAL),
            Population(
                name="error_0",
                size=input_size,
                level=0,
                role="error",
                equations=SURPRISE,
                links=dict(evidence="item.evidence", total="total.total"),
            ),
            Population(
                name="precision_0",
                size=1,
                level=0,
                role="precision",
                order=10,
                equations=LEVEL,
                initial=dict(precision=1.0),
            ),
        ],
        projections=[
            Projection(
                name="sum_of_items",
                source="item",
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
