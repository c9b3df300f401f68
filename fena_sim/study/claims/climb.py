"""Choosing hyperparameters on a grid that is too large to try as a whole: coordinate descent."""

from collections.abc import Callable, Iterable, Mapping, Sequence


def climb(
    loss: Callable[[dict], float],
    grid: Mapping[str, Sequence[float]],
    start: Mapping[str, float],
    names: Iterable[str],
) -> list[tuple[dict[str, float], float]]:
    """Move to the better neighbour along one hyperparameter after the other until no neighbour is
    better.

    The best trial is at least as good as every neighbour on the grid (one step along one of
    `names`), so it stands at an end of the grid only if the loss falls towards that end.
    Interactions may hide a better point further away.

    Parameters
    ----------
    loss : function(dict) -> float
        Called once per point; what is not a number counts as infinite.
    grid : {name: sequence of values in order}
    start : {name: value on the grid}
    names : names to move along, in this order; the others stay at `start`

    Returns
    -------
    list of (point, loss)
        Every point tried, best first; equal ones in the order tried.
    """
    known = {}

    def value(point):
        key = tuple(point.values())
        if key not in known:
            found = loss(point)
            known[key] = found if found == found else float("inf")
        return known[key]

    best, moved = dict(start), True
    while moved:
        moved = False
        for name in names:
            for step in (1, -1):
                while (after := _neighbour(best, grid, name, step)) and value(after) < value(best):
                    best, moved = after, True
    trials = [(dict(zip(start, key, strict=True)), found) for key, found in known.items()]
    return sorted(trials, key=lambda trial: trial[1])


def at_an_end(
    point: Mapping[str, float], grid: Mapping[str, Sequence[float]], natural: Mapping[str, float]
) -> list[str]:
    """Names whose value is the first or last on the grid, where one could have gone on: not at a
    `natural` end {name: value}.
    """
    return [
        name
        for name, values in grid.items()
        if point[name] in (values[0], values[-1]) and point[name] != natural.get(name)
    ]


def _neighbour(point, grid, name, step):
    position = grid[name].index(point[name]) + step
    return {**point, name: grid[name][position]} if 0 <= position < len(grid[name]) else None
