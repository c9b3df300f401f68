"""Oracle: planted rules that read another level, in closed form, and the locality check itself."""

import pytest
from brian2 import ms

import fena_sim as fs
from fena_sim.errors import DeclarationError
from fena_sim.stimulus import TokenStream, one_hot
from fena_sim.study.claims.influences import influences, planted


def hierarchy(rule, **links):
    """Level 0 follows its token, level 2 follows nothing; the rule may read both through links of
    the target.
    """
    follow = "dx/dt = (gate*token_code - x)/(5*ms) : 1"
    return fs.Hierarchy(
        name="planted",
        populations=[
            fs.Population(name="source", size=3, level=0, equations=follow),
            fs.Population(
                name="target",
                size=3,
                level=1,
                links=links,
                equations="dy/dt = (sum_w - y)/(5*ms) : 1\nsum_w : 1",
            ),
            fs.Population(
                name="far", size=3, level=2, equations="dz/dt = -z/(5*ms) : 1", initial=dict(z=1.0)
            ),
        ],
        projections=[
            fs.Projection(
                name="W",
                source="source",
                target="target",
                initial=dict(w=0.5),
                equations="sum_w_post = w*x_pre : 1 (summed)",
                plasticity=fs.Plasticity(
                    equations=f"dw/dt = {rule} : 1", parameters=dict(eta=1e-3 / ms)
                ),
            )
        ],
    )


@pytest.fixture
def block():
    return fs.Block(name="learning", stream=TokenStream.from_ids([0, 1, 2], one_hot("abc")))


@pytest.mark.slow
def test_a_local_rule_is_not_moved(block):
    assert influences(hierarchy("eta*x_pre*y_post"), block, [0, 1]) == {"W": [0.0, 0.0]}


def test_a_rule_that_acts_only_when_the_token_comes_on_is_seen(block):
    assert influences(hierarchy("arriving_post*eta*x_pre"), block, [0]) == {"W": [0.0]}


def test_a_rule_that_reads_another_level_is_found(block, monkeypatch):
    monkeypatch.setattr(
        "fena_sim.declare.model.hierarchy.check_local", lambda projection, model: None
    )
    (value,) = influences(hierarchy("eta*x_pre*z_post", z="far.z"), block, [0])["W"]
    assert value > 0.1


@pytest.mark.slow
def test_a_rule_that_learns_nothing_is_refused(block):
    with pytest.raises(DeclarationError, match="'W' did not change"):
        influences(hierarchy("0*eta*x_pre*y_post"), block, [0])


def test_planted_rules_are_refused_and_an_open_door_is_seen(monkeypatch):
    found = planted(hierarchy("eta*x_pre*y_post"))
    assert len(found) == 4 and all(found.values())
    monkeypatch.setattr(
        "fena_sim.declare.model.hierarchy.check_local", lambda projection, model: None
    )
    assert not any(planted(hierarchy("eta*x_pre*y_post")).values())
