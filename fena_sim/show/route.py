"""Placement of boxes and wires: boxes in rows, and orthogonal routes that cross no box.

Wires between neighbours in a row are straight. All others run in the channel above or below a row,
each on a track of its own where they would touch, or, past whole rows, in a lane on the right.
Lengths are millimetres, y points up.
"""

from collections.abc import Mapping, Sequence
from itertools import permutations

import attrs

PORT, TRACK, LANE = (
    3.2,
    4.0,
    3.0,
)  # distances between parallel wires: at a box, in a channel, on the right
CLEAR = 3.8  # from a box to the nearest track, so that an arrowhead fits
SIDE = 3.8  # between parallel wires that join neighbours


@attrs.define(eq=False)
class Wire:
    """A line from one box to others. `points` are polylines, `ends` (x, y, dx, dy) where it enters
    a target.

    `start` is the end at the source, `dots` the junctions; `length` is what a label needs on it.
    """

    key: str
    source: str
    targets: tuple
    length: float = 0.0
    points: list = attrs.Factory(list)
    ends: list = attrs.Factory(list)
    start: tuple = ()
    dots: list = attrs.Factory(list)


@attrs.define
class Grid:
    """Boxes in rows and columns: `slot[name]` is (row, column), `x[column]`, `y[row]` are the
    middles.
    """

    slot: dict
    width: float
    height: float
    x: list
    y: list = attrs.Factory(list)

    def neighbours(self, a: str, b: str) -> bool:
        """Whether two boxes stand in one row with no box between them."""
        (row, left), (other, right) = sorted([self.slot[a], self.slot[b]], key=lambda s: s[1])
        return (
            a != b
            and row == other
            and not any(r == row and left < c < right for r, c in self.slot.values())
        )


def place(
    rows: Sequence[Sequence[str]], roles: Mapping[str, str], edges: list[tuple[str, str, float]]
) -> dict[str, tuple[int, int]]:
    """Columns for the boxes of each row that keep wires short and roles in one column.

    Parameters
    ----------
    rows : list of list of str
        Names from the lowest row to the highest.
    roles : dict
        Role of every name.
    edges : list of (str, str, float)
        Names that are joined, and how much a short wire between them matters.

    Returns
    -------
    dict
        (row, column) of every name.
    """
    n = max(map(len, rows))
    padded = [[*row, *[None] * (n - len(row))] for row in rows]
    kin = [
        (a, b, 5.0)
        for i, row in enumerate(rows)
        for a in row
        for other in rows[i + 1 : i + 2]
        for b in other
        if roles[a] == roles[b]
    ]

    def cost(grid):
        slot = {name: (r, c) for r, row in enumerate(grid) for c, name in enumerate(row) if name}
        total = sum(w * abs(slot[a][1] - slot[b][1]) for a, b, w in edges + kin)
        for a, b, w in edges:
            (row, left), (other, right) = slot[a], slot[b]
            total += w * (row == other and any(grid[row][min(left, right) + 1 : max(left, right)]))
        return total

    def swapped(grid, r, i, j):
        new = [list(row) for row in grid]
        for row in new if r is None else [new[r]]:
            row[i], row[j] = row[j], row[i]
        return new

    best, chosen = float("inf"), padded
    moves = [(r, i, j) for r in (None, *range(len(rows))) for i in range(n) for j in range(i)]
    for order in list(permutations(range(n)))[:120]:
        grid = [[row[i] for i in order] for row in padded]
        here = cost(grid)
        while moves:
            there, trial = min(
                ((cost(g), g) for g in (swapped(grid, *m) for m in moves)), key=lambda t: t[0]
            )
            if there >= here:
                break
            here, grid = there, trial
        if here < best:
            best, chosen = here, grid
    return {name: (r, c) for r, row in enumerate(chosen) for c, name in enumerate(row) if name}


def route(grid: Grid, wires: Sequence[Wire], base: float) -> float:
    """Route all `wires`, set the heights of the rows of `grid` from `base` up; returns the upper
    edge.
    """
    rows = 1 + max(r for r, _ in grid.slot.values())
    right = max(grid.x) + grid.width / 2
    pieces: list[_Piece] = []
    beside: dict[tuple[str, ...], list[Wire]] = {}
    lanes = 0
    for wire in wires:
        source = grid.slot[wire.source]
        for target in wire.targets:
            row, _ = grid.slot[target]
            if grid.neighbours(wire.source, target):
                beside.setdefault(tuple(sorted((wire.source, target))), []).append(wire)
            elif abs(row - source[0]) <= 1:
                channel = min(row, source[0])
                piece = next(
                    (
                        p
                        for p in pieces
                        if p.wire is wire and p.channel == channel and p.lane is None
                    ),
                    None,
                )
                if piece is None:
                    piece = _Piece(wire, channel, [_port(grid, wire.source, channel)])
                    pieces.append(piece)
                piece.terminals.append(_port(grid, target, channel))
            else:
                lanes += 1
                lane, up = right + LANE * lanes, row > source[0]
                first, last = (source[0], row - 1) if up else (source[0] - 1, row)
                pieces.append(_Piece(wire, first, [_port(grid, wire.source, first)], lane))
                pieces.append(_Piece(wire, last, [_port(grid, target, last)], lane))
    _set_ports(grid, pieces)
    y = base
    floors = []
    for row in range(rows):
        grid.y.append(y + grid.height / 2)
        floors.append(y + grid.height)
        members = [p for p in pieces if p.channel == row]
        used = _tracks([p for p in members if not p.straight])
        parallel = max(
            (
                sum(
                    p.straight
                    and q.straight
                    and p.terminals[0].name in (t.name for t in q.terminals)
                    for q in members
                )
                for p in members
            ),
            default=0,
        )
        tracks = 2 * CLEAR + TRACK * (used - 1) if used else 0
        y = floors[row] + max(
            tracks, 8.5 * bool(parallel), 3.0 * parallel, 5.0
        )  # labels of parallel lines are staggered
    for (a, b), joined in beside.items():
        _straight_across(grid, sorted((a, b), key=lambda n: grid.slot[n][1]), joined)
    for piece in pieces:
        piece.draw(grid, floors[piece.channel])
    for wire in wires:
        halves = [p for p in pieces if p.wire is wire and p.lane is not None]
        for first, last in zip(halves[::2], halves[1::2], strict=True):
            path = first.path + last.path[::-1]
            wire.points.append(path)
            wire.ends.append(_end(path[-2], path[-1]))
            wire.start = _end(path[1], path[0])
    top = floors[-1] + (CLEAR + TRACK * (used - 1) + 2.6 if used else 0)
    return top


@attrs.define(eq=False)
class _Terminal:
    name: str
    upper: bool  # the box lies above the channel
    x: float


@attrs.define(eq=False)
class _Piece:
    """The part of a wire that lies in one channel; `terminals` begin with the source, `lane` is the
    x of a lane.
    """

    wire: Wire
    channel: int
    terminals: list
    lane: float | None = None
    track: int = 0
    path: list = attrs.Factory(list)

    @property
    def straight(self):
        return (
            self.lane is None
            and len(self.terminals) == 2
            and self.terminals[0].upper != self.terminals[1].upper
            and abs(self.terminals[0].x - self.terminals[1].x) < 0.01
        )

    @property
    def xs(self):
        return [t.x for t in self.terminals] + [self.lane] * (self.lane is not None)

    @property
    def span(self):
        low, high = min(self.xs), max(self.xs)
        missing = max(0.0, self.wire.length - (high - low)) / 2
        return low - missing, high + missing

    def draw(self, grid, floor):
        y = floor + CLEAR + TRACK * self.track
        at = [
            (t.x, floor if not t.upper else grid.y[self.channel + 1] - grid.height / 2)
            for t in self.terminals
        ]
        if self.lane is not None:
            self.path = [at[0], (at[0][0], y), (self.lane, y)]
            return
        wire, (x0, _) = self.wire, at[0]
        wire.start = (*at[0], 0, 1 if self.terminals[0].upper else -1)
        if self.straight:
            wire.points.append(at)
            wire.ends.append(_end(*at))
            return
        left = [p for p in at[1:] if p[0] < x0]
        right = [p for p in at[1:] if p[0] >= x0]
        for side, outer in ((left, min), (right, max)):
            if not side:
                continue
            far = outer(side)
            start = [at[0]] if side is left or not left else []
            wire.points.append([*start, (x0, y), (far[0], y), far])
            wire.dots += [(x0, y)] if not start else []
            for near in side:
                if near is not far:
                    wire.points.append([(near[0], y), near])
                    wire.dots.append((near[0], y))
                wire.ends.append(_end((near[0], y), near))


def _end(before, last):
    dx, dy = last[0] - before[0], last[1] - before[1]
    length = abs(dx) + abs(dy)
    return (*last, dx / length, dy / length)


def _port(grid, name, channel):
    row, column = grid.slot[name]
    return _Terminal(name, row > channel, grid.x[column])


def _set_ports(grid, pieces):
    """Spread the wires that enter a box from one channel: straight ones in the middle, others to
    their side.
    """
    sides = {}
    for piece in pieces:
        straight = piece.straight
        for i, terminal in enumerate(piece.terminals):
            others = [x for j, x in enumerate(piece.xs) if j != i]
            reach = 0 if straight else max((x - terminal.x for x in others), key=abs)
            if reach == 0 and not straight:  # a loop on one box
                reach = (-0.1, 0.1)[i]
            sides.setdefault((terminal.name, terminal.upper), []).append(
                (straight, reach, terminal)
            )
    for (_, upper), ends in sides.items():
        middle = [t for straight, _, t in ends if straight]
        if middle:  # a loop on one box stands beside the straight wires
            ends = [
                (straight, abs(reach) if abs(reach) == 0.1 else reach, t)
                for straight, reach, t in ends
            ]
        for i, terminal in enumerate(middle):
            terminal.x += PORT * 1.5 * (i - (len(middle) - 1) / 2)
        inner = PORT * 1.5 * (len(middle) - 1) / 2 if middle else -PORT / 2
        inner += PORT / 2 * upper  # verticals from below and from above must not meet
        for sign in (-1, 1):
            outward = sorted(
                (e for e in ends if not e[0] and e[1] * sign > 0), key=lambda e: abs(e[1])
            )
            room = (grid.width / 2 - 1.5 - inner) / max(len(outward), 1)
            for i, (_, _, terminal) in enumerate(outward):
                terminal.x += sign * (inner + min(PORT, room) * (i + 1))


def _tracks(pieces):
    """Give every piece of a channel a track, with few crossings; returns the number of tracks."""

    def cost():
        total = 4 * (1 + max(p.track for p in pieces))
        for i, a in enumerate(pieces):
            for b in pieces[:i]:
                if a.track == b.track and a.span[0] < b.span[1] + 2 and b.span[0] < a.span[1] + 2:
                    total += 1000
            for t in a.terminals:
                for b in pieces:
                    if b is a:
                        continue
                    passes = b.track > a.track if t.upper else b.track < a.track
                    total += passes and min(b.xs) - 0.5 < t.x < max(b.xs) + 0.5
                    for u in b.terminals:  # two verticals at one place
                        if t.upper and not u.upper and abs(t.x - u.x) < 1 and b.track >= a.track:
                            total += 100
        return total

    if not pieces:
        return 0
    for i, piece in enumerate(sorted(pieces, key=lambda p: p.span[1] - p.span[0])):
        piece.track = i
    here, improved = cost(), True
    while improved:
        improved = False
        for i, a in enumerate(pieces):
            for other in [*range(len(pieces)), *pieces[:i]]:
                before = a.track, getattr(other, "track", None)
                if before[1] is None:
                    a.track = other
                else:
                    a.track, other.track = before[1], before[0]
                there = cost()
                if there < here:
                    here, improved = there, True
                else:
                    a.track = before[0]
                    if before[1] is not None:
                        other.track = before[1]
    for i, track in enumerate(sorted({p.track for p in pieces})):
        for piece in pieces:
            if piece.track == track:
                piece.track = i
    return 1 + max(p.track for p in pieces)


def _straight_across(grid, names, wires):
    """Parallel lines between neighbours; `names` from left to right."""
    row = grid.slot[names[0]][0]
    edges = [
        grid.x[grid.slot[names[0]][1]] + grid.width / 2,
        grid.x[grid.slot[names[1]][1]] - grid.width / 2,
    ]
    for i, wire in enumerate(wires):
        y = grid.y[row] + SIDE * ((len(wires) - 1) / 2 - i)
        path = [(edges[0], y), (edges[1], y)]
        path = path if wire.source == names[0] else path[::-1]
        wire.points.append(path)
        wire.ends.append(_end(*path))
        wire.start = wire.start or _end(*path[::-1])
