"""Text streams. Oracles: an independent folding of ASCII, character by character; spellings of
European languages without accents, by hand; and the documented warnings and refusals.
"""

import string
import unicodedata
import warnings
from pydoc_data.topics import topics

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fena_sim import load_protocol
from fena_sim.errors import StimulusError, StimulusWarning
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
    prose = "\n".join(topics[key] for key in sorted(topics))
    assert {c for c in prose if c.isalpha() and not c.isascii()} <= {"ß"}
    expected = slow_fold(prose.replace("ß", "ss"))
    assert spelled(stream) == expected
    assert stream.events["word_position"].tolist() == slow_word_positions(expected)
    assert stream.vocabulary == one_hot(FOLDED)


#: Any character but NUL that is no letter, accent or soft hyphen beyond ASCII, which fold alike.
PLAIN = st.characters(
    exclude_characters="\0\xad",
    exclude_categories=["Cs", "L", "M"],
    include_characters=string.ascii_letters,
)


@given(st.text(PLAIN, min_size=1))
@example("Don't  stop,\r\n\tnow. ")
@example("\ufeffa \u2018quoted\u2019\u2026 text")
def test_folding_a_text_of_ascii_letters(tmp_path_factory, prose):
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


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
@example("a line\r\nand another\rand one more\n")
@example("Ünïcode İstanbul")
def test_any_text_as_it_is_or_folded(tmp_path_factory, prose):
    path = tmp_path_factory.mktemp("t") / "t.txt"
    path.write_bytes(prose.encode())
    prose = prose.removeprefix("\ufeff")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StimulusWarning)
        try:
            folded = spelled(text(path))
        except StimulusError as error:
            assert "empty after folding" in error.what or "become spaces" in error.what
        else:
            assert set(folded) <= set(FOLDED) and "  " not in folded and folded.strip() == folded
            # No letter of ASCII is lost or moved.
            own = iter(folded)
            assert all(c in own for c in prose.lower() if c in string.ascii_lowercase)
    if prose:
        stream = text(path, fold=False, max_symbols=2000)
        assert spelled(stream) == prose
        assert stream.vocabulary.symbols == tuple(sorted(set(prose)))
        assert stream.events["word_position"].tolist() == slow_word_positions(prose)


@pytest.mark.parametrize(
    "prose, expected",
    [
        ("Über größere Straßen fährt Öl", "uber grossere strassen fahrt ol"),
        ("L'été, naïf garçon, Œuvre où", "l ete, naif garcon, oeuvre ou"),
        ("Işık ağaçta, İstanbul ĞÜŞÖÇ", "isik agacta, istanbul gusoc"),
        ("Zażółć gęślą jaźń Łódź", "zazolc gesla jazn lodz"),
        ("Þór og ÆÐI, Ærøskøbing på Åland", "thor og aedi, aeroskobing pa aland"),
        ("Đà Nẵng, ħobż, ŋo, ŧuŋ, Ǽ", "da nang, hobz, ngo, tung, ae"),
        ("ə ɛ ɔ ƒ ſ ﬁ ĳ", "e e o f s fi ij"),
        ("Wort\xadtrennung", "worttrennung"),
        ("ĈirkaŭŜanĝo Ăștia Ķēde Žluťoučký", "cirkausango astia kede zlutoucky"),
    ],
)
def test_latin_letters_fold_to_their_base_letter(write, prose, expected):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for form in ("NFC", "NFD"):
            assert spelled(text(write(unicodedata.normalize(form, prose)))) == expected


@given(
    st.lists(
        st.tuples(
            st.sampled_from(string.ascii_letters),
            st.text(st.characters(categories=["Mn"]), max_size=2),
        ),
        min_size=1,
    )
)
def test_accents_never_part_or_lose_letters(tmp_path_factory, letters):
    """However they are composed."""
    path = tmp_path_factory.mktemp("t") / "t.txt"
    for form in ("NFC", "NFD"):
        path.write_text(unicodedata.normalize(form, "".join(a + b for a, b in letters)), "utf-8")
        assert spelled(text(path)) == "".join(letter.lower() for letter, _ in letters)


@given(st.lists(st.sampled_from("abcdefghßé.,1 –"), min_size=100, max_size=300), st.integers(0, 12))
def test_the_share_of_letters_that_become_spaces(tmp_path_factory, characters, lost):
    """Greek has no Latin base letters. Three letters in a hundred are too many."""
    path = tmp_path_factory.mktemp("t") / "t.txt"
    prose = "abc" + "".join(characters) + "λόγος ψυχή ένας"[:lost]
    path.write_text(prose, "utf-8")
    gone = sum("GREEK" in unicodedata.name(c) for c in prose)
    share = gone / sum(c.isalpha() for c in prose)
    said = f"{100 * share:.2g} % of the text's letters"
    if share > 0.03:
        with pytest.raises(StimulusError, match=said) as caught:
            text(path)
        assert "fold=False" in caught.value.fix and caught.value.where == str(path)
    elif gone:
        with pytest.warns(StimulusWarning, match=said) as caught:
            text(path)
        assert "fold=False" in str(caught[0].message) and caught[0].filename == __file__
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            text(path)


def test_letters_beyond_the_characters_asked_for_are_not_lost(write):
    path = write("  ab cd" + "ж" * 50)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert spelled(text(path, characters=5)) == "ab cd"
    with pytest.raises(StimulusError, match="20 % of the text's letters"):
        text(path, characters=6)


def test_the_protocol_takes_a_text_as_it_is(write):
    path = str(write("Zwölf größere Straßen. " * 4))
    options = dict(path=path, characters=40, test_characters=20)
    folded = load_protocol("protocols/read_text.py", **options).protocol
    whole = load_protocol("protocols/read_text.py", **options, fold=False).protocol
    assert folded.vocabulary == one_hot(FOLDED)
    assert whole.vocabulary.symbols == tuple(sorted(set("Zwölf größere Straßen. ")))
    assert spelled(whole.blocks[1].stream) == ("Zwölf größere Straßen. " * 4)[:40]


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
