"""What fena.py, fena_flat_memory.py and their variants share. No model of its own.

Hidden levels are states that descend their errors. Predictions W f(r) descend and errors ascend over
the same synapses; a level's prior is what it expects from held traces of its own activity and of the
level below. A level whose predictions are knocked out (the control signal `knocked_out`) goes on, but
the level below hears nothing of it.
"""

from brian2 import ms

from fena_sim import (
    Categorical,
    Hierarchy,
    Normal,
    Parameter,
    Plasticity,
    Population,
    Projection,
    Readout,
    Settling,
)

# -- parameters: value with unit, meaning ----------------------------------------------------------
# Several values are those of levels 1, 2, ...; the last one serves all higher levels.

STEPS = dict(
    dt=Parameter(1 * ms, "time step"),
    slow=Parameter(4 * ms, "time step of priors and plasticity"),
    tolerance=Parameter(0.004 / ms, "RMS drift of the states at which a token counts as settled"),
)
STATES_AND_ERRORS = dict(
    tau=Parameter((14 * ms, 28 * ms, 56 * ms), "time constant of the states"),
    older=Parameter((0.5, 0.25, 0.12), "share of the latest activity in the older trace"),
    tau_e=Parameter(1 * ms, "time constant of the errors"),
)
LEARNING = dict(
    eta=Parameter(0.01 / ms, "learning rate of a level without errors"),
    adaptive=Parameter(1.0, "how far errors slow a level's learning down; 0: not at all"),
    fastest=Parameter(0.05 / ms, "eta*precision*(RMS error) at which learning has half its rate"),
    share=Parameter(0.1, "rate of synapses between states and errors, relative to the level's"),
    own_share=Parameter(0.3, "rate of synapses from a level's own traces, relative to the level's"),
    below_share=Parameter(1.0, "rate of synapses from the traces below, relative to the level's"),
    bias_share=Parameter(0.1, "rate of the biases of the tokens, relative to the level's"),
)
INITIAL = dict(
    sensory_precision=Parameter(8.0, "precision of level 0 at first"),
    hidden_precision=Parameter(0.3, "precision of hidden levels at first"),
    state=Parameter(0.1, "standard deviation of the states at first"),
    bias=Parameter(0.0, "biases of the priors at first"),
    spent=Parameter(10.0, "`spent` of what has never changed"),
    token_norm=Parameter(4.0, "norm of a unit's first weights to the tokens"),
    hidden_norm=Parameter(0.1, "norm of a unit's first weights to a hidden level"),
    prior_spread=Parameter(1.0, "the priors' first weights: standard deviation * sqrt(2*size)"),
    token_spread=Parameter(0.1, "standard deviation of the first weights from the tokens' traces"),
)

# -- equations -------------------------------------------------------------------------------------

STATE = """
dr/dt = drift + sqrt(2*temperature/tau)*noise : 1
drift = (-precision*error + slope*precision_below*feedback)/tau : Hz
feedback : 1
trace_recent : 1
trace_older : 1
descending = predicting*f : 1 (constant over dt)
"""
SMOOTH = """
f = tanh(r) : 1 (constant over dt)
slope = 1 - f**2 : 1
"""
RECTIFIED = """
f = tanh(clip(r, 0, inf)) : 1 (constant over dt)
slope = int(r > 0)*(1 - f**2) : 1
"""
INHIBITION = "pooled : 1"
MEAN_SQUARE = "mean_square_post = error_pre**2/N_pre : 1 (summed)"
PREDICT = "prediction_post = w*descending_pre : 1 (summed)"
FEED_BACK = "feedback_pre = w*error_post : 1 (summed)"
EXPECT = dict(
    own="from_own_post = w_recent*trace_recent_pre + w_older*trace_older_pre : 1 (summed)",
    below="from_below_post = w_recent*trace_recent_pre + w_older*trace_older_pre : 1 (summed)",
)

# -- parts of a level ------------------------------------------------------------------------------


def units(role, level, size, equations, parameters=None, **options):
    """A population, named after its role and level unless the options name it."""
    options = dict(name=f"{role}_{level}", equations=equations, parameters=parameters) | options
    return Population(role=role, level=level, size=size, **options)


def reads(population, *variables):
    """Links to variables of one population, under the same names."""
    return {variable: f"{population}.{variable}" for variable in variables}


def sums(name, source, target, equations):
    """Synapses without weights, over which one population sums what another one has."""
    return Projection(name=name, source=source, target=target, equations=equations)


def pool_errors(level):
    """The mean squared error of a level, for its precision."""
    return sums(f"pool_{level}", f"error_{level}", f"precision_{level}", MEAN_SQUARE)


def prior_synapses(level, slot, source, plasticity, spread, initial=None):
    """What a level expects from the traces of a population: of its "own" activity, or of the level
    "below".
    """
    return Projection(
        name=f"A_{level}_{slot}",
        source=source,
        target=f"prior_{level}",
        equations=EXPECT[slot],
        plasticity=plasticity,
        initial=dict(w_recent=Normal(sd=spread), w_older=Normal(sd=spread)) | (initial or {}),
    )


def learn(rule, share):
    """Plasticity at a `share` of the rate of the level where the synapses end."""
    return Plasticity(equations=rule, clock=STEPS["slow"].value, parameters=dict(share=share))


# -- a hierarchy of levels -------------------------------------------------------------------------


def stack(levels, name, description, tolerance, prediction, likelihood, more=()):
    """The hierarchy of levels (populations, projections). Of every token it keeps the `prediction`,
    errors and precisions of all levels, and `more`.
    """
    squares = [f"precision_{level}.mean_square" for level in range(len(levels))]
    precisions = [f"precision_{level}.precision" for level in range(len(levels))]
    states = [f"state_{level}" for level in range(1, len(levels))]
    return Hierarchy(
        name=name,
        description=description,
        populations=[p for populations, _ in levels for p in populations],
        projections=[p for _, projections in levels for p in projections],
        dt=STEPS["dt"].value,
        settling=Settling(populations=states, variable="drift", tolerance=tolerance),
        likelihood=likelihood,
        readouts=[
            prediction,
            Readout(name="onset_error", variables=squares, when="first"),
            Readout(name="error", variables=squares, when="mean"),
            Readout(name="settled_error", variables=squares, when="last"),
            Readout(name="precision", variables=precisions, when="last"),
            *more,
        ],
    )


def stack_categorical(levels, name, description, more=()):
    """The hierarchy of levels whose level 0 gives probabilities of tokens. Of every token it keeps
    these before, at the beginning and at the end of the presentation, the states, and `more`.
    """
    probability = ["error_0.probability"]
    return stack(
        levels,
        name=name,
        description=description,
        tolerance=STEPS["tolerance"].value,
        prediction=Readout(name="probability", variables=probability, when="before_onset"),
        likelihood=Categorical(),
        more=[
            *(
                Readout(name=f"state_{level}", variables=[f"state_{level}.f"], when="last")
                for level in range(1, len(levels))
            ),
            *more,
            Readout(name="presented", variables=["sensory.x"], when="last"),
            Readout(name="onset_probability", variables=probability, when="first"),
            Readout(name="settled_probability", variables=probability, when="last"),
        ],
    )


# -- parameters of a table -------------------------------------------------------------------------


def pick(table, *names):
    """Some parameters of a table."""
    return {name: table[name] for name in names}


def changed(table, **values):
    """A table with other values, where they are given; the meanings stay."""
    given = {name: value for name, value in values.items() if value is not None}
    return table | {name: table[name].with_value(value) for name, value in given.items()}


def at_level(level, table, *names):
    """Parameters of a table at one level, where it holds values for levels 1, 2, ..."""
    found = pick(table, *names)
    return {
        name: p.with_value(p.value[:level][-1]) if isinstance(p.value, tuple) else p
        for name, p in found.items()
    }
