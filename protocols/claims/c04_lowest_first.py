"""C04: which level learns first."""

import attrs
import numpy as np
from networks import FROZEN, PACE, first_contact, in_random_order

from fena_sim import INITIAL, Block
from fena_sim.claims import Measured, Reported, Threshold
from fena_sim.measure import accuracy, error_curve, halfway_token, share, summarise
from fena_sim.plot import PAGE_WIDTH, level_colour, new_figure, panels, sheet, style
from fena_sim.show.colours import GREY
from fena_sim.stimulus import MotifGrammar

ID = "C04"
CLAIM = "Learning starts at the lowest level."
DEFINITION = """models/fena.py. Errors: training block of protocols/first_contact.py (one pass), error of every level in 40
bins of equal width: level 0 squared error at onset, hidden levels squared error over the presentation, per unit. Halfway
token of a level = centre of the first bin whose error is at or below sqrt(first bin * last bin)
(fena_sim.measure.halfway_token); a level whose error does not fall never gets there. Level 0 is first in a network if no
other level's halfway token is smaller: ties count for level 0. Onset of contribution: the same network, tokens and falling
plasticity, stopped every 400 tokens of the first 8,000. At every stop, copies of it with plasticity off read the same 200
tokens of the grammar, which are not those of training: one as it is, and one for every hidden level with the predictions of
this level knocked out. Contribution of a level = accuracy as it is minus accuracy without the level. It lasts from the first
stop at which this and all later contributions are above 0, if these are at least 5 stops; otherwise the level never
contributes. Level 1 is before level 2 in a network if its contribution lasts from an earlier stop; ties count against it,
and so do networks in which either level never contributes. What comes from level 2 reaches the tokens through level 1 only,
so level 2 cannot be far before level 1: what the order tells is that level 1 is of use alone, before it is told anything.
Sensitivity: contributions above .02 instead of 0. Control: the same, trained and tested on tokens in random order, which
leaves nothing to predict but how frequent tokens are; what lasts there comes from that or from chance."""
#: Tokens between stops, of the whole of them, and of a copy's test; fewest stops of what lasts.
EVERY, LAST, TEST, LEAST = 400, 8000, 200, 5
QUICK = dict(every=100, last=600, test=40)
HIDDEN = (1, 2)
AS_IT_IS = 0
SHUFFLED = "shuffled"


def experiments(seed, quick):
    network = first_contact(seed, quick)
    sizes = QUICK if quick else {}
    return {
        "network": network,
        "stops": stops(network, **sizes),
        SHUFFLED: stops(network, shuffled=True, **sizes),
    }


def stops(network, shuffled=False, every=EVERY, last=LAST, test=TEST):
    """The training of a network of first_contact, cut every so many tokens, with the copies that
    are tested there; all tokens in random order if `shuffled`.
    """
    training = next(block for block in network.protocol.blocks if block.name == "training")
    familiar = MotifGrammar().training(test, seed=10_000 + network.seed)
    learned = training.stream
    if shuffled:
        learned, familiar = (in_random_order(s, network.seed) for s in (learned, familiar))
    gain, blocks, before = training.controls["plasticity_gain"], [], INITIAL
    for stop in range(every, last + 1, every):
        part = slice(stop - every, stop)
        learning = f"training_{stop}"
        blocks.append(
            attrs.evolve(
                training,
                name=learning,
                stream=learned[part],
                controls=dict(plasticity_gain=gain[part]),
                start_from=before,
            )
        )
        before = learning
        blocks += [
            Block(
                name=copy(level, stop),
                stream=familiar,
                pace=PACE,
                controls=FROZEN | dict(knocked_out=level),
                start_from=learning,
            )
            for level in (AS_IT_IS, *HIDDEN)
        ]
    protocol = attrs.evolve(
        network.protocol,
        name="stops_shuffled" if shuffled else "stops",
        description="Training with stops, at which copies are tested with a level knocked out",
        blocks=blocks,
    )
    return attrs.evolve(network, protocol=protocol)


def copy(level, stop):
    """Name of the block of a copy that is tested without a level."""
    return f"as_it_is_{stop}" if level == AS_IT_IS else f"without_{level}_{stop}"


def stops_of(run):
    """Tokens of training at every stop: list of int."""
    return [int(name.rpartition("_")[2]) for name in run.blocks if name.startswith("training_")]


def contributions(run):
    """Accuracy that is lost without a hidden level at every stop: shape (level, stop)."""
    found = np.array(
        [
            [accuracy(run, copy(level, stop)) for stop in stops_of(run)]
            for level in (AS_IT_IS, *HIDDEN)
        ]
    )
    return found[AS_IT_IS] - found[1:]


def lasting(contribution, tokens, above=0.0):
    """Tokens at the first stop from which on a contribution stays above a value, at LEAST stops;
    NaN if there is none.

    Parameters
    ----------
    contribution : array, shape (stop,)
    tokens : sequence of int, shape (stop,)
    """
    missed = np.flatnonzero(~(np.asarray(contribution) > above))
    first = missed[-1] + 1 if len(missed) else 0
    return float(tokens[first]) if len(tokens) - first >= LEAST else np.nan


def in_order(onsets):
    """Whether every level's contribution lasts, each from a later stop than that of the level
    below: `onsets` (level,), NaN = never.
    """
    return bool(np.isfinite(onsets).all() and (np.diff(onsets) > 0).all())


def onsets_of(run, above=0.0):
    """Tokens from which on every hidden level's contribution lasts: shape (level,)."""
    return np.array([lasting(c, stops_of(run), above) for c in contributions(run)])


def measure(runs, quick):
    halfway = np.array([halfway_token(run).to_numpy() for run in runs["network"]])
    first = [lowest_first(tokens) for tokens in halfway]
    onsets = np.array([onsets_of(run) for run in runs["stops"]])
    rows = [
        Measured(
            "share of networks in which level 0 is halfway first",
            share(first),
            Threshold(">=", 0.8),
        ),
        Measured(
            "share of networks in which level 1 contributes before level 2",
            share([in_order(of) for of in onsets]),
            Threshold(">=", 0.8),
        ),
    ]
    for level, tokens in enumerate(halfway.T):
        rows += _reached(f"halfway token of level {level}", tokens, "error fell")
    for level, tokens in zip(HIDDEN, onsets.T, strict=True):
        rows += _reached(f"onset of contribution of level {level}, tokens", tokens, "it lasted")
    rows += _reached(
        "tokens from the onset of level 1 to that of level 2",
        onsets[:, 1] - onsets[:, 0],
        "both lasted",
    )
    stricter = np.array([onsets_of(run, above=0.02) for run in runs["stops"]])
    rows.append(
        Reported(
            "share of networks in which level 1 contributes before level 2, contributions above .02",
            share([in_order(of) for of in stricter]),
        )
    )
    for level, tokens in zip(HIDDEN, stricter.T, strict=True):
        rows += _reached(
            f"onset of contribution of level {level}, tokens, contributions above .02",
            tokens,
            "it lasted",
        )
    control = np.array([onsets_of(run) for run in runs[SHUFFLED]])
    rows.append(
        Reported(
            "tokens in random order: share of networks in which level 1 contributes before level 2",
            share([in_order(of) for of in control]),
        )
    )
    rows += [
        Reported(
            f"tokens in random order: share of networks in which the contribution of level {level} lasts",
            share(np.isfinite(tokens)),
        )
        for level, tokens in zip(HIDDEN, control.T, strict=True)
    ]
    last = np.array([contributions(run)[:, -LEAST:].mean(axis=1) for run in runs["stops"]])
    return rows + [
        Reported(
            f"contribution of level {level} to accuracy, mean of the last {LEAST} stops",
            summarise(values),
        )
        for level, values in zip(HIDDEN, last.T, strict=True)
    ]


def _reached(what, tokens, happened):
    """A Reported over the networks that got there, if any did; NaN = never."""
    reached = tokens[np.isfinite(tokens)]
    note = f"{happened} in {len(reached)} of {len(tokens)} networks"
    return [Reported(what, summarise(reached), note=note)] if len(reached) else []


def lowest_first(halfway):
    """Whether level 0 got halfway, and no level before it: `halfway` (level,), NaN = never."""
    return bool(np.isfinite(halfway[0]) and halfway[0] <= np.nanmin(halfway))


def figure(runs):
    """Errors over training, with each level's median halfway token; contributions, with every
    network's onset.
    """
    of = runs["network"]
    curves = [error_curve(run) for run in of]
    with sheet():
        fig = new_figure(PAGE_WIDTH, 66)
        ax, right = fig.subplots(1, 2)
        panels.errors(ax, curves)
        halfway = np.array([halfway_token(run).to_numpy() for run in of])
        for level, tokens in enumerate(halfway.T):
            if np.isfinite(tokens).any():
                place, height = np.nanmedian(tokens) / 1000, 0.03 + 0.04 * level
                ax.plot(
                    place,
                    height,
                    "^",
                    color=level_colour(level),
                    transform=ax.get_xaxis_transform(),
                )
        ax.text(
            np.nanmax(halfway) / 1000 + 0.03 * ax.get_xlim()[1],
            0.03,
            "halfway",
            transform=ax.get_xaxis_transform(),
            fontsize=6,
            va="center",
        )
        _draw_contributions(right, runs["stops"])
        for axes, text in zip((ax, right), "ab", strict=True):
            style.letter(axes, text)
        panels.level_legend(fig, curves[0]["level"].to_numpy())
    return fig


def _draw_contributions(ax, of):
    """Contributions of all networks and their median; triangles at the networks' onsets."""
    tokens = np.array(stops_of(of[0])) / 1000
    values = np.array([contributions(run) for run in of])
    onsets = np.array([onsets_of(run) for run in of]) / 1000
    for k, level in enumerate(HIDDEN):
        colour = level_colour(level)
        ax.plot(tokens, values[:, k].T, color=colour, linewidth=0.4, alpha=0.5)
        ax.plot(tokens, np.median(values[:, k], axis=0), color=colour, linewidth=1.2)
        ax.plot(
            onsets[:, k],
            np.full(len(of), -0.04 * (1 + k)),
            "^",
            color=colour,
            alpha=0.5,
            markeredgewidth=0,
        )
    ax.axhline(0, color=GREY, linewidth=0.7, zorder=0)
    ax.set_xlim(left=0)
    ax.set_xlabel("training tokens (thousands)")
    ax.set_ylabel("accuracy lost without the level\n(triangles: onsets that last)")
