"""Text streams. Oracles: an independent folding, character by character, and the documented
refusals.
"""

import string
from pydoc_data.topics import topics

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fena_sim.errors import StimulusError
from fena_sim.stimulus import dense_random, one_hot, text

FOLDED = " ,." + string.ascii_lowercase


def slow_fold(prose):
    kept = "".join(c if c in FOLDED else " " for c in prose.lower())
    return " ".join(kept.split())


def slow_word_positions(prose):
    positions, count = [], -1
    for character in prose:
        count = count + 1 if character.isalpha() else -1
        positions.append(count)
    return positions


def spelled(stream):
    return "".join(stream.events["symbol"])


@pytest.fixture
def write(tmp_path):
    def write(content):
        path = tmp_path / "text.txt"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_default_text_is_the_folded_python_documentation():
    stream = text()
    expected = slow_fold("\n".join(topics[key] for key in sorted(topics)))
    assert spelled(stream) == expected
    assert stream.events["word_position"].tolist() == slow_word_positions(expected)
    assert stream.vocabulary == one_hot(FOLDED)


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
@example("Don't  stop,\r\n\tnow. ")
@example("Ünïcode İstanbul")
def test_folding_any_text(tmp_path_factory, prose):
    path = tmp_path_factory.mktemp("t") / "t.txt"
    path.write_bytes(prose.encode())
    prose = prose.removeprefix("\ufeff")
    expected = slow_fold(prose)
    if not expected:
        with pytest.raises(StimulusError, match="empty after folding"):
            text(path)
    else:
        stream = text(path)
        assert spelled(stream) == expected
        assert stream.vocabulary.symbols == tuple(FOLDED)
        assert stream.events["word_position"].tolist() == slow_word_positions(expected)
    if prose:
        stream = text(path, fold=False, max_symbols=2000)
        assert spelled(stream) == prose
        assert stream.vocabulary.symbols == tuple(sorted(set(prose)))
        assert stream.events["word_position"].tolist() == slow_word_positions(prose)


def test_characters_are_counted_after_folding(write):
    stream = text(write("A   b\n\nC d"), characters=4)
    assert spelled(stream) == "a b "
    assert stream.events["word_position"].tolist() == [0, -1, 0, -1]
    assert len(text(characters=1234)) == 1234


def test_a_byte_order_mark_is_not_text(write):
    assert spelled(text(write(b"\xef\xbb\xbfab"), fold=False)) == "ab"


def test_a_given_vocabulary_is_used_and_max_symbols_is_then_no_limit(write):
    vocabulary = dense_random("zyxwvutsrqponmlkjihgfedcba ", 30, 0)
    stream = text(write("the cat"), vocabulary=vocabulary, max_symbols=2)
    assert stream.vocabulary is vocabulary
    assert stream.events["token"].tolist() == [vocabulary.index(c) for c in "the cat"]


def test_missing_file(tmp_path):
    with pytest.raises(StimulusError, match="does not exist") as caught:
        text(tmp_path / "nothing.txt")
    assert "nothing.txt" in caught.value.where and caught.value.fix


def test_directory(tmp_path):
    with pytest.raises(StimulusError, match="is a directory"):
        text(str(tmp_path))


@pytest.mark.parametrize(
    "content, options, words",
    [
        (b"", {}, "text is empty"),
        (b"", {"fold": False}, "text is empty"),
        (b"123 ;;\n", {}, "empty after folding"),
        (b"abc\0def", {}, "byte 3 is NUL"),
        (b"abc\xff def", {}, "byte 3 is 0xff"),
        ("caf\u00e9".encode("latin-1"), {}, "byte 3 is 0xe9"),
        (
            b"abcdef",
            {"max_symbols": 4},
            "6 distinct characters, more than max_symbols=4; the first beyond are 'e', 'f'",
        ),
        (b"fedcba", {"max_symbols": 4, "fold": False}, "'b', 'a'"),
        (b"abcdefghijklm", {"max_symbols": 2}, "'c', 'd', 'e', 'f', 'g', ..."),
        (
            b"a cat, b",
            {"vocabulary": one_hot("abc ")},
            "2 of the text's characters are not in the vocabulary: 't', ','",
        ),
        (b"abc", {"vocabulary": "abc"}, "vocabulary is 'abc'"),
        (b"a  b", {"characters": 4}, "has 3 characters, fewer than the 4"),
        (b"ab", {"characters": 0}, "characters"),
        (b"ab", {"characters": 1.5}, "characters"),
        (b"ab", {"max_symbols": 0}, "max_symbols"),
    ],
)
def test_refusals_say_what_where_and_how_to_fix(write, content, options, words):
    with pytest.raises(StimulusError) as caught:
        text(write(content), **options)
    assert words in caught.value.what
    assert caught.value.where and caught.value.fix


def test_characters_beyond_those_asked_for_do_not_count_as_distinct(write):
    assert len(text(write("aabbcc"), characters=4, max_symbols=2)) == 4


def test_default_text_says_so_when_too_short():
    with pytest.raises(StimulusError, match="fewer than") as caught:
        text(characters=10**9)
    assert caught.value.where == "the default text"
