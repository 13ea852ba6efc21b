"""Words of any script, and what a search for them finds: a text that has a word is found by it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portkey_logs.lib.search_words import (
    MAX_TERMS,
    NothingAsked,
    Query,
    Span,
    fold,
    hashed,
    occurrences,
    snippet,
    terms,
    words,
)

SCRIPTS = [
    st.characters(codec="utf-8"),
    st.sampled_from("abz AZ0 9_-.,:/\"'(){}\n\t"),
    st.characters(min_codepoint=0x4E00, max_codepoint=0x4E20),
    st.sampled_from("ñÉßİıſﬁ①Ⓐ²ςΣσ\u0301\u200b\u00ad\ufe0f"),
    st.sampled_from("ءاآبةىﷺ\u064b\u0640۰"),
    st.sampled_from("हिन्दीक्षত\u0e01\u0e33\u0e49한글각가がガｶﾞ東京、。🎉👍"),
]
ANY_TEXT = st.lists(st.one_of(SCRIPTS), max_size=60).map("".join)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Hello, World!", {"hello", "world"}),
        ("Café CRÈME naïve", {"cafe", "creme", "naive"}),
        ("cafe\u0301", {"cafe"}),
        ("Straße", {"strasse"}),
        ("def get_weather(city):", {"def", "get", "weather", "city"}),
        ("call_9f3Ab-77", {"call", "9f3ab", "77"}),
        ("3.14 1,000 $5", {"3", "14", "1", "000", "5"}),
        ("今天天气", {"今", "天", "气", "今天", "天天", "天气"}),
        ("東京タワーを", {"東", "京", "タ", "ワ", "ー", "を", "東京", "京タ", "タワ", "ワー", "ーを"}),
        ("서울에서", {"서", "울", "에", "서울", "울에", "에서"}),
        ("GPT模型v2", {"gpt", "模", "型", "模型", "v2"}),
        ("الْعَرَبِيَّةُ", {"العربية"}),
        ("हिन्दी में", {"हिन्दी", "में"}),
        ("pass\u200bword soft\u00adhyphen", {"password", "softhyphen"}),
        ("ＦＵＬＬ　ｗｉｄｔｈ", {"full", "width"}),
        ("ﬁne", {"fine"}),
        ("ΟΔΟΣ οδός", {"οδοσ"}),
        ("🎉!", {"🎉"}),
        ("— … !? \0 \ud800", set()),
    ],
)  # fmt: skip
def test_words(text: str, wanted: set[str]) -> None:
    assert set(words(fold(text))) == wanted


@given(ANY_TEXT)
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(ANY_TEXT)
def test_every_word_of_a_text_finds_it(text: str) -> None:
    folded = fold(text)
    indexed, _ = terms(folded, 7)
    asked = {*words(folded), *text.split()}
    for each in asked:
        try:
            query = Query.parse(f'"{each}"')
        except NothingAsked:
            continue
        if '"' in each or "\0" in each or "\0" in folded:
            continue
        assert {hashed(word, 7) for word in query.words} <= indexed
        assert query.matches(folded), each


@given(ANY_TEXT, st.data())
def test_what_matches_has_all_words_of_the_search(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    asked = text[start : start + data.draw(st.integers(0, 20))].replace('"', "")
    try:
        query = Query.parse(f'"{asked}"')
    except NothingAsked:
        return
    if query.matches(fold(text)):
        assert query.words <= set(words(fold(text)))


@given(st.lists(st.sampled_from(["ab", "b", "a b", " ", ".", "é", "天", "天气", "_", "A"]), max_size=12).map("".join),
       st.sampled_from(["a", "ab", "a b", "b.", "e", "天", "天气", "b_a", "A B", ". a", "é天"]))  # fmt: skip
def test_phrases_are_what_plain_python_finds_between_words(text: str, asked: str) -> None:
    folded, wanted = fold(text), fold(asked)
    inside = re.compile("[a-z0-9]")
    plain = re.sub(r"\s+", " ", folded)
    expected = any(
        plain[at : at + len(wanted)] == wanted
        and not (inside.match(wanted[0]) and inside.match(plain[max(at - 1, 0) : at]))
        and not (inside.match(wanted[-1]) and inside.match(plain[at + len(wanted) :][:1]))
        for at in range(len(plain))
    )
    assert Query(asked, (wanted,)).matches(folded) is expected
    if expected:
        assert wanted in plain


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("two words", ("two", "words")),
        ('"Exact  Words" and more', ("exact words", "and", "more")),
        ('user:"an id"', ("user:", "an id")),
        ('"never closed', ("never closed",)),
        ('same same "same"', ("same",)),
        ("gpt-4o-mini", ("gpt-4o-mini",)),
        ("-- x", ("--", "x")),
        ("x\0y", ("x", "y")),
    ],
)
def test_queries(text: str, asked: tuple[str, ...]) -> None:
    assert Query.parse(text).asked == asked


@pytest.mark.parametrize("text", ["", "  ", '""', "...", '"—"', "\ud800", "\u200b"])
def test_a_search_needs_a_word(text: str) -> None:
    with pytest.raises(NothingAsked):
        Query.parse(text)


@pytest.mark.parametrize(
    ("asked", "text", "is_found"),
    [
        ("weather", "get_weather()", True),
        ("weather", "weatherman", False),
        ("get_weather", "call get_weather(x)", True),
        ("get_weather", "get weather", False),
        ('"the weather"', "The\n  WEATHER.", True),
        ('"x == y"', "if X == Y:", True),
        ("3.14", "is 3.14159", False),
        ("天气", "今天天气好", True),
        ("气天", "天气", False),
        ("서울", "서울에서 만나요", True),
        ("password", "pass\u2060word", True),
        ("cafe", "un café", True),
        ("café", "a cafe", True),
    ],
)
def test_what_a_search_finds(asked: str, text: str, is_found: bool) -> None:
    assert Query.parse(asked).matches(fold(text)) is is_found


def test_more_words_than_are_indexed() -> None:
    text = " ".join(map(str, range(MAX_TERMS)))
    found, has_more = terms(text, 1)
    assert (len(found) > MAX_TERMS - 5, has_more) == (True, False)  # a few hashes may be equal
    assert terms(text + " one more", 1)[1] is True


def test_a_long_line_is_read_in_parts_that_end_between_words() -> None:
    text = "word" * 200_000 + " " + "天" * 300_000 + "地"
    found, has_more = terms(text, 1)
    assert found == {hashed(each, 1) for each in ("word" * 200_000, "天", "地", "天天", "天地")}
    assert not has_more


def test_each_workspace_has_its_own_hashes() -> None:
    assert hashed("word", 1) != hashed("word", 2)
    assert -(2**31) <= hashed("x", 1) < 2**31


def test_a_snippet_marks_each_match_in_its_own_spelling() -> None:
    text = "x " * 100 + "Ich sah das\nWetter in der ‹STRASSE›, eine ﬁne Straße, Strassen" + " y" * 300
    spans = snippet(Query.parse('straße "das wetter"'), text, before=20, after=70)
    assert [span.text for span in spans if span.is_match] == ["das Wetter", "STRASSE", "Straße"]
    joined = "".join(span.text for span in spans)
    assert joined.startswith("… x x")
    assert joined.endswith(" …")
    assert "Ich sah das Wetter in der ‹STRASSE›, eine ﬁne Straße, Strassen" in joined
    assert snippet(Query.parse("none"), text) == []
    assert snippet(Query.parse("a"), "A") == [Span("A", is_match=True)]


@given(ANY_TEXT, st.data())
def test_a_snippet_shows_what_was_found(text: str, data: st.DataObject) -> None:
    text = text.replace("\0", " ")
    found = sorted(set(words(fold(text))))
    if not found:
        return
    word = data.draw(st.sampled_from(found))
    spans = snippet(Query(word, (word,)), text)
    assert word in fold("".join(span.text for span in spans if span.is_match))
    assert next(occurrences(word, fold(text)))
