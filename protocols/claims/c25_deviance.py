"""C25: deviance against rarity, and the global oddball."""

import numpy as np
from brian2 import second
from networks import MODELS, PROTOCOLS, first_contact

from fena_sim import load_protocol
from fena_sim.claims import Experiment, Measured, Reported, Threshold
from fena_sim.load.user_file import load_file
from fena_sim.measure import accuracy, depression, share, summarise
from fena_sim.plot import PAGE_WIDTH, level_colour, new_figure, sheet
from fena_sim.show.style import letter

ID = "C25"
CLAIM = "A hierarchy responds to what is deviant, not to what is rare, and its higher levels to what is deviant in a group."
DEFINITION = """Networks of models/fena.py, two hidden levels (levels 0, 1, 2), that know all 16 tokens and expect none: they have
heard 2,000 in random order (block "familiarisation" of protocols/many_standards.py). The two phenomena start from there; learning
stays on, as in the brain. Response of a level to a token: sum over its error units of |error| times the level's precision at that
time (as errors are sent upwards), mean over a window from the token's onset minus mean over the 50 ms before.
Deviance: protocols/many_standards.py, 800 tokens per block, of which the first 200 are not counted; window 0 to 250 ms; the same
two tokens as deviant D, standard S, and among ten equally rare tokens C. iPE = (D - C)/sqrt(D^2 + S^2 + C^2) (Parras et al. 2017,
doi 10.1038/s41467-017-02038-6). Criterion of a network: iPE >= .10 at both top levels, 1 and 2. Controls: with the precisions
clamped (each level keeps the trust that it had at the start: tau_precision = 1e9 s, and no progress: most = 1) the
criterion must not be met; and synaptic depression alone (May 2021, doi 10.3389/fnhum.2021.721574; fena_sim.measure.depression:
one channel per token, tuning of 1 token, recovery 1.5 s, use .5; computed on the same tokens and onsets) must stay below .10.
Reported: the weight-free read-out (the same without precision; since what is deviant is told by the precision, it need not show
it), and a frozen copy (plasticity 0, 300 tokens, of which 75 are not counted), whose precisions are constant as well.
Global oddball: protocols/global_oddball.py (Bekinschtein et al. 2009, doi 10.1073/pnas.0809667106), 30 and 120 trials in each of
four blocks. Local effect of a level: Y minus x as fifth token, window 0 to 300 ms. Pure global effect: xxxxx when rare minus xxxxx
when frequent, 0 to 700 ms. A network meets the criterion if (c2) the local effect of level 1 where xxxxY is frequent is .3 to 1
times that where xxxxx is frequent: it persists, but is not larger, where it is expected; (c3) the pure global effect of level 2
is above 0; and the global effect is absent at level 0: the absolute value of its pure global effect is below a tenth of its local
effect (mean of both kinds of block, window 0 to 700 ms). Control: of depression alone the pure global effect must be below a
tenth of its local effect as well. Networks of the same seeds must learn the grammar: next-token accuracy on new tokens, learning
frozen, after one pass (protocols/first_contact.py). Reported: both phenomena from the end of that pass (600 tokens, 150 not
counted; 60 trials), where tokens have a past; parts of the criterion, every level, the share global/(global + local), with global = rare minus frequent
of both trials, and a frozen copy (20 trials). Criteria c4 of P01, c2 and c3 of P02 in a list of phenomena that was fixed before the
model was; a tenth, for absence, and the past of the networks were chosen on seeds 0 and 1."""
DEVIANCE = load_file(PROTOCOLS / "many_standards.py", "protocol")
GLOBAL = load_file(PROTOCOLS / "global_oddball.py", "protocol")
INTACT, CLAMPED, FROZEN, GRAMMAR = "intact", "clamped", "frozen", "after the grammar"
CLAMP = dict(most=1.0, tau_precision=1e9 * second)
NONE = dict(familiarisation=0)
#: Parameters, and options of the protocol, of each variant. The intact one has the familiarisation.
OF_DEVIANCE = {
    INTACT: ({}, dict(tokens=800)),
    CLAMPED: (CLAMP, dict(tokens=800, **NONE)),
    FROZEN: ({}, dict(tokens=300, plasticity_gain=0.0, **NONE)),
    GRAMMAR: ({}, dict(tokens=600, **NONE)),
}
OF_GLOBAL = {INTACT: {}, FROZEN: dict(trials=20, plasticity_gain=0.0), GRAMMAR: dict(trials=60)}
QUICK_TOKENS, QUICK_TRIALS = dict(tokens=60), dict(trials=5, habituation=2)
QUICK_PAST = 200
MOST, LEAST_PREDICTION, ABSENT, RATIO = 0.9, 0.10, 0.1, (0.3, 1.0)
TOP = (1, 2)
TRAINED, MANY, GROUPS = "trained", "many standards, ", "global oddball, "


def experiments(seed, quick):
    def asked(file, parameters, options, start=None):
        return Experiment(
            model=MODELS / "fena.py",
            protocol=load_protocol(PROTOCOLS / file, seed=seed, **options).protocol,
            seed=seed,
            parameters=parameters,
            start=start,
        )

    found, many = {TRAINED: first_contact(seed, quick)}, "many_standards.py"
    tokens, trials = (QUICK_TOKENS, QUICK_TRIALS) if quick else ({}, {})
    parameters, options = OF_DEVIANCE[INTACT]
    past = dict(familiarisation=QUICK_PAST) if quick else {}
    found[MANY + INTACT] = asked(many, parameters, options | tokens | past)
    starts = dict.fromkeys((*OF_DEVIANCE, *OF_GLOBAL), (found[MANY + INTACT], "familiarisation"))
    starts[GRAMMAR] = (found[TRAINED], "training")
    for name, (parameters, options) in OF_DEVIANCE.items():
        if name != INTACT:
            found[MANY + name] = asked(many, parameters, options | tokens, starts[name])
    for name, options in OF_GLOBAL.items():
        found[GROUPS + name] = asked("global_oddball.py", {}, options | trials, starts[name])
    return found


def measure(runs, quick):
    return [*_deviance(runs), *_global(runs)]


def prediction_errors(runs, weighted=True):
    """iPE of every level, array (network, level)."""
    return np.array(
        [DEVIANCE.deviance(run, weighted)["prediction_error"].to_numpy() for run in runs]
    )


def _deviance(runs):
    errors = {name: prediction_errors(runs[MANY + name]) for name in OF_DEVIANCE}
    unweighted = prediction_errors(runs[MANY + INTACT], weighted=False)
    adapted = [DEVIANCE.adaptation(run) for run in runs[MANY + INTACT]]

    def meets(values):
        return share((values[:, TOP] >= LEAST_PREDICTION).all(axis=1))

    text = "share of networks with iPE >= .10 at levels 1 and 2"
    rows = [
        Measured(f"deviance: {text}", meets(errors[INTACT]), Threshold(">=", MOST)),
        *(
            Measured(
                f"deviance: iPE of level {level}",
                summarise(errors[INTACT][:, level]),
                Threshold(">", 0, interval=True),
            )
            for level in TOP
        ),
        Measured(
            f"deviance, precisions clamped: {text}",
            meets(errors[CLAMPED]),
            Threshold("<=", 1 - MOST),
        ),
        Measured(
            "deviance, depression alone: iPE",
            summarise([float(of["prediction_error"][0]) for of in adapted]),
            Threshold("<", LEAST_PREDICTION),
        ),
        Reported("deviance, weight-free: " + text, meets(unweighted)),
        *(Reported(f"deviance, {name}: {text}", meets(errors[name])) for name in (FROZEN, GRAMMAR)),
        Reported(
            "deviance, depression alone: repetition suppression",
            summarise([float(of["repetition_suppression"][0]) for of in adapted]),
        ),
    ]
    for name, values in {**errors, "weight-free": unweighted}.items():
        rows += [
            Reported(f"deviance, {name}: iPE of level {level}", summarise(of_level))
            for level, of_level in enumerate(values.T)
        ]
    return rows


def _global(runs):
    intact = runs[GROUPS + INTACT]
    found = {name: [effects(run) for run in runs[GROUPS + name]] for name in OF_GLOBAL}

    def each(name, part):
        return np.array([of[part] for of in found[name]])

    adapted = [effects(run, depression, depression)["relative"][0] for run in intact]
    parts = [
        ("ratio_met", "local effect of level 1 persists (.3 to 1)"),
        ("top_met", "global effect at level 2"),
        ("absent", "no global effect at level 0"),
    ]
    rows = [
        Measured(
            "global oddball: share of networks that meet all three criteria",
            share(each(INTACT, "met")),
            Threshold(">=", 0.6),
        ),
        Measured(
            "global oddball: pure global effect of level 2",
            summarise(each(INTACT, "global")[:, -1]),
            Threshold(">", 0, interval=True),
        ),
        Measured(
            "global oddball, depression alone: pure global effect, of the local one",
            summarise(np.abs(adapted)),
            Threshold("<", ABSENT),
        ),
        Measured(
            "the same seeds: next-token accuracy on the grammar, frozen",
            summarise([accuracy(run, "familiar") for run in runs[TRAINED]]),
            Threshold(">=", 0.9),
        ),
    ]
    for name in OF_GLOBAL:
        rows += [
            Reported(f"global oddball, {name}: {text}", share(each(name, part)))
            for part, text in [("met", "all three criteria"), *parts][name == INTACT :]
        ]
        rows.append(
            Reported(
                f"global oddball, {name}: local effect of level 1, frequent over rare",
                summarise(each(name, "ratio")),
            )
        )
        for part, text in (
            ("relative", "pure global effect, of the local one"),
            ("share", "share global/(global + local)"),
        ):
            rows += [
                Reported(f"global oddball, {name}: {text}, level {level}", summarise(values))
                for level, values in enumerate(each(name, part).T)
            ]
    return rows


def effects(run, short=GLOBAL.read_out(GLOBAL.SHORT), long=GLOBAL.read_out(GLOBAL.LONG)):
    """What is measured of a network's global oddball.

    Parameters
    ----------
    run : Run
    short, long : function
        The read-outs of both windows.

    Returns
    -------
    dict
        Arrays (level,): "global" (pure), "relative" (pure global over local, in the long window) and
        "share" (rare minus frequent over itself plus local). "ratio": local effect of level 1 where it
        is expected over that where it is not. "ratio_met", "top_met", "absent" and "met": bool.
    """
    local, of = GLOBAL.local(run, short), GLOBAL.responses(run, long)
    local_long = (
        of["xxxxY", True] - of["xxxxY", False] + of["xxxxx", True] - of["xxxxx", False]
    ) / 2
    pure = of["xxxxY", False] - of["xxxxx", False]
    rare = (pure + of["xxxxx", True] - of["xxxxY", True]) / 2
    level = min(1, len(pure) - 1)  # depression alone has one level
    ratio = local["xxxxY"][level] / local["xxxxx"][level]
    met = dict(
        ratio_met=bool(RATIO[0] <= ratio <= RATIO[1] and local["xxxxx"][level] > 0),
        top_met=bool(pure[-1] > 0),
        absent=bool(abs(pure[0]) < ABSENT * local_long[0]),
    )
    found = {"global": pure, "relative": pure / local_long, "share": rare / (rare + local_long)}
    return {**found, "ratio": ratio, **met, "met": all(met.values())}


def figure(runs):
    """Every network: (a) iPE by level, of every variant and weight-free, and of depression alone;
    (b) the two criteria of the global oddball that are no sign, met in the shaded field; (c) pure
    global effect of every level, of its local one.
    """
    drawn = new_figure(PAGE_WIDTH, 70)
    with sheet():
        axes = drawn.subplots(1, 3, width_ratios=(2.3, 1, 0.8))
        _draw_deviance(axes[0], runs)
        found = [effects(run) for run in runs[GROUPS + INTACT]]
        axes[1].plot(
            [of["ratio"] for of in found],
            [of["relative"][0] for of in found],
            "o",
            color=level_colour(0),
            alpha=0.6,
            markeredgewidth=0,
        )
        axes[1].fill_between(RATIO, -ABSENT, ABSENT, color="#8C8C8C", alpha=0.16, linewidth=0)
        axes[1].axhline(0, color="#8C8C8C", linewidth=0.5)
        axes[1].set(
            xlabel="local effect of level 1,\nexpected over unexpected",
            ylabel="global effect of level 0\n(share of the local one)",
            xlim=(min(0, axes[1].get_xlim()[0]), max(1.05, axes[1].get_xlim()[1])),
        )
        for level in range(3):
            _column(axes[2], level, [of["relative"][level] for of in found], level_colour(level))
        axes[2].axhline(0, color="#8C8C8C", linewidth=0.5)
        axes[2].set_xticks(range(3), range(3))
        axes[2].set(
            xlabel="level", ylabel="pure global effect\n(share of the local one)", xlim=(-0.5, 2.5)
        )
        for ax, text in zip(axes, "abc"):
            letter(ax, text)
    return drawn


def _draw_deviance(ax, runs):
    variants = {name: prediction_errors(runs[MANY + name]) for name in OF_DEVIANCE}
    variants["weight-free"] = prediction_errors(runs[MANY + INTACT], weighted=False)
    for group, values in enumerate(variants.values()):
        for level in range(3):
            _column(ax, 4 * group + level, values[:, level], level_colour(level))
    adapted = [
        float(DEVIANCE.adaptation(run)["prediction_error"][0]) for run in runs[MANY + INTACT]
    ]
    _column(ax, 4 * len(variants) + 1, adapted, "#8C8C8C")
    ax.axhline(0, color="#8C8C8C", linewidth=0.5)
    ax.axhline(LEAST_PREDICTION, color="#8C8C8C", linewidth=0.7, linestyle=(0, (4, 2)))
    ax.set_xticks(
        [4 * group + 1 for group in range(len(variants) + 1)],
        [name.replace("-", "-\n").replace("the ", "the\n") for name in variants]
        + ["depression\nalone"],
    )
    for level in range(3):
        ax.plot([], [], "o", color=level_colour(level), label=f"level {level}")
    ax.figure.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=3)
    ax.set_ylabel("prediction error (iPE)")


def _column(ax, place, values, colour):
    """The value of every network in a column, and their median."""
    spread = place + np.linspace(-0.3, 0.3, len(values) + 2)[1:-1]
    ax.plot(spread, values, "o", color=colour, alpha=0.6, markersize=3, markeredgewidth=0)
    ax.plot(place, np.median(values), "_", color="black", markersize=10)
