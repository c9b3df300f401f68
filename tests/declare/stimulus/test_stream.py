"""Token streams. Oracle: the documented contract of the two columns, slices, concatenation and
refusals.
"""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fena_sim.errors import StimulusError, UnknownNameError
from fena_sim.stimulus import OMITTED, TokenStream, one_hot

ABC = one_hot("abc")


def frame():
    return pd.DataFrame({"token": [0, 1], "symbol": ["a", "b"], "x": [1, 2], "y": [3, 4]})


@given(st.lists(st.sampled_from(["a", "b", "c", OMITTED]), min_size=1))
def test_from_list_numbers_symbols_and_marks_omissions(tokens):
    stream = TokenStream.from_list(tokens, ABC, place=list(range(len(tokens))))
    assert len(stream) == len(tokens)
    assert stream.events.columns.tolist() == ["token", "symbol", "place"]
    assert stream.events["token"].dtype == np.int64
    assert stream.events["token"].tolist() == ["abc".index(t) if t else -1 for t in tokens]
    assert stream.events["symbol"].tolist() == [t or "" for t in tokens]
    assert stream.events["place"].tolist() == list(range(len(tokens)))


@given(st.integers(-12, 12), st.integers(-12, 12))
def test_slices_follow_python_and_restart_the_index(start, stop):
    stream = TokenStream.from_list("abcabcabca", ABC, place=range(10))
    expected = list("abcabcabca")[start:stop]
    if not expected:
        with pytest.raises(StimulusError, match="at least one"):
            stream[start:stop]
        return
    part = stream[start:stop]
    assert part.events["symbol"].tolist() == expected
    assert part.events["place"].tolist() == list(range(10))[start:stop]
    assert part.events.index.equals(pd.RangeIndex(len(expected)))
    assert part.vocabulary is stream.vocabulary


def test_concat_undoes_slicing():
    stream = TokenStream.from_list(["a", OMITTED, "c", "b"], ABC, novel=[True, False, True, False])
    joined = TokenStream.concat([stream[:1], stream[1:3], stream[3:]])
    assert joined == stream
    assert joined.events["novel"].dtype == bool
    assert joined.events.index.equals(pd.RangeIndex(4))


def test_concat_takes_equal_vocabularies_that_are_not_the_same_object():
    joined = TokenStream.concat([TokenStream.from_list("ab", one_hot("ab")) for _ in range(2)])
    assert joined.events["token"].tolist() == [0, 1, 0, 1]


def test_a_stream_keeps_its_events_when_the_callers_frame_changes():
    frame = pd.DataFrame({"token": [0, 1], "symbol": ["a", "b"]})
    stream = TokenStream(ABC, frame)
    frame.loc[0, "token"] = 2
    assert stream.events["token"].tolist() == [0, 1]


def test_repr_is_short():
    stream = TokenStream.from_list("abc" * 500, ABC)
    assert "1500 events" in repr(stream) and len(repr(stream)) < 300


@pytest.mark.parametrize(
    "build, words",
    [
        (lambda: TokenStream.from_list([], ABC), "at least one"),
        (lambda: TokenStream.from_list("ab", ABC, place=[1]), "'place' has shape (1,) for 2"),
        (lambda: TokenStream.from_list("ab", ABC, place=5), "'place'"),
        (lambda: TokenStream.from_list("ab", ABC, place=np.zeros((2, 2))), "'place'"),
        (lambda: TokenStream.from_list("ab", ABC, token=[0, 1]), "'token'"),
        (lambda: TokenStream.from_list("ab", ABC, onset=[0, 1]), "'onset'"),
        (lambda: TokenStream.from_list("ab", "abc"), "vocabulary"),
        (lambda: TokenStream.from_ids([0, 3], ABC), "token 3 of event 1"),
        (lambda: TokenStream.from_ids([0, -2], ABC), "token -2 of event 1"),
        (lambda: TokenStream.from_ids([0.0, 1.0], ABC), "float64"),
        (lambda: TokenStream.from_ids([[0, 1]], ABC), "shape (1, 2)"),
        (lambda: TokenStream(ABC, pd.DataFrame({"token": [0]})), "columns"),
        (lambda: TokenStream(ABC, [0, 1]), "list"),
        (lambda: TokenStream(ABC, pd.DataFrame({"token": [5], "symbol": ["a"]})), "do not fit"),
        (lambda: TokenStream(ABC, pd.DataFrame({"token": [-2], "symbol": ["c"]})), "do not fit"),
        (
            lambda: TokenStream(ABC, pd.DataFrame({"token": [0, 1], "symbol": ["a", "c"]})),
            "event 1",
        ),
        (lambda: TokenStream("abc", pd.DataFrame({"token": [0], "symbol": ["a"]})), "vocabulary"),
        (lambda: TokenStream.from_list("abc", ABC)[1], "indexed with 1"),
        (lambda: TokenStream.concat([]), "no streams"),
        (
            lambda: TokenStream.concat(
                [TokenStream.from_list("ab", ABC), TokenStream.from_list("ab", one_hot("ab"))]
            ),
            "stream 1 has another vocabulary",
        ),
        (
            lambda: TokenStream.concat(
                [TokenStream.from_list("ab", ABC), TokenStream.from_list("ab", ABC, x=[1, 2])]
            ),
            "labels x",
        ),
        (
            lambda: TokenStream.from_list("ab", ABC, role=["x", "\udc80"]),
            "label 'role' '\\udc80' (at 1) holds half of a surrogate pair",
        ),
        (
            lambda: TokenStream.from_list("ab", ABC, **{"\ud800": [1, 2]}),
            "the name of a label '\\ud800' (at 0) holds half",
        ),
        (lambda: TokenStream.from_list("ab", ABC, **{"": [1, 2]}), "name of a label is ''"),
        (lambda: TokenStream(ABC, frame().assign(**{"onset": 1.0})), "cannot be called 'onset'"),
        (lambda: TokenStream(ABC, frame().rename(columns={"x": 3})), "name of a label is 3"),
        (lambda: TokenStream(ABC, frame().rename(columns={"x": "y"})), "cannot be called 'y'"),
    ],
)
def test_refusals_say_what_where_and_how_to_fix(build, words):
    with pytest.raises(StimulusError) as caught:
        build()
    assert words in caught.value.what
    assert caught.value.where and caught.value.fix


def test_unknown_symbol_says_where_and_names_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean 'tone'") as caught:
        TokenStream.from_list(["noise", "tonne"], one_hot(["tone", "noise"]))
    assert caught.value.where == "token 1 of the list"
