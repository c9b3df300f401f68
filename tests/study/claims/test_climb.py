"""Oracle: minima in closed form."""

import pytest

from fena_sim.study.claims.climb import at_an_end, climb

GRID = {"x": tuple(range(-5, 6)), "y": (1, 2, 4, 8, 16)}


@pytest.mark.parametrize("start", [{"x": x, "y": y} for x in (-5, 0, 5) for y in (1, 16)])
def test_a_bowl_ends_at_its_bottom(start):
    seen = []

    def loss(point):
        seen.append((point["x"], point["y"]))
        return (point["x"] - 3) ** 2 + (point["y"] - 4) ** 2

    trials = climb(loss, GRID, start, ("x", "y"))
    assert trials[0] == ({"x": 3, "y": 4}, 0)
    assert len(seen) == len(set(seen)) == len(trials)
    assert {(2, 4), (4, 4), (3, 2), (3, 8)} <= set(
        seen
    )  # every neighbour of the bottom was looked at
    assert [found for _, found in trials] == sorted(found for _, found in trials)


def test_only_the_names_given_are_moved():
    trials = climb(lambda point: point["x"] + point["y"], GRID, {"x": 0, "y": 16}, ("x",))
    assert trials[0] == ({"x": -5, "y": 16}, 11)
    assert {point["y"] for point, _ in trials} == {16}


def test_what_is_not_a_number_is_never_chosen():
    trials = climb(
        lambda point: float("nan") if point["x"] == 1 else -point["x"],
        GRID,
        {"x": 0, "y": 1},
        ("x",),
    )
    assert trials[0] == ({"x": 0, "y": 1}, 0)


def test_ends():
    assert at_an_end({"x": -5, "y": 16}, GRID, {}) == ["x", "y"]
    assert at_an_end({"x": 5, "y": 1}, GRID, {"y": 1}) == ["x"]
    assert at_an_end({"x": 4, "y": 8}, GRID, {"y": 1}) == []
