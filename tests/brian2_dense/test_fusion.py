"""When passes over the same synapses may become one. Oracle: the rule in the docstring of
`can_fuse`, case by case.
"""

import pytest

from brian2_dense.kernel import Pass, can_fuse


def one_pass(kind, reads=(), writes=(), target=None, ordered=False):
    return Pass(
        code_object=None,
        dense=None,
        kind=kind,
        scalar="",
        vector="",
        pointers="",
        support=(),
        defines=(),
        reads=frozenset(reads),
        writes=frozenset({*writes, *([target] if target else [])}),
        target=target,
        ordered=ordered,
    )


FORWARD = one_pass("post", {"w", "r"}, target="prediction")
BACKWARD = one_pass("pre", {"w", "error"}, target="feedback")
LEARNING = one_pass("state", {"w", "r", "error"}, {"w"})
NOTHING = (set(), set(), "bystander")
CASES = {
    "two sums over the same weights": ([FORWARD, BACKWARD], [NOTHING], True),
    "a sum and the plasticity of its weights": ([BACKWARD, LEARNING], [], True),
    "something else happens between them": (
        [FORWARD, BACKWARD],
        [({"elsewhere"}, {"somewhere"}, "neurons")],
        True,
    ),
    "both read what is read between them": (
        [FORWARD, BACKWARD],
        [({"w", "r"}, set(), "reader")],
        True,
    ),
    "the errors change between them": (
        [FORWARD, BACKWARD],
        [({"x"}, {"error"}, "error units")],
        False,
    ),
    "the states change before the plasticity": (
        [BACKWARD, LEARNING],
        [({"drift"}, {"r"}, "state units")],
        False,
    ),
    "the first sum is read between them": (
        [FORWARD, BACKWARD],
        [({"prediction"}, set(), "error units")],
        False,
    ),
    "a sum is cleared between them": ([FORWARD, BACKWARD], [(set(), {"feedback"}, "reset")], False),
    "one reads what the other sums": (
        [FORWARD, one_pass("pre", {"w", "prediction"}, target="feedback")],
        [],
        False,
    ),
    "plasticity reads a sum": ([BACKWARD, one_pass("state", {"w", "feedback"}, {"w"})], [], False),
    "both sum into one variable": (
        [FORWARD, one_pass("post", {"v"}, target="prediction")],
        [],
        False,
    ),
    "one changes neurons": ([FORWARD, one_pass("state", {"w"}, {"r"}, ordered=True)], [], False),
}


@pytest.mark.parametrize("case", CASES)
def test_rule(case):
    passes, between, expected = CASES[case]
    fuse, why = can_fuse(passes, between)
    assert fuse is expected and why
