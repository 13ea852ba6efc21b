"""Differences between JSON values and between texts."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portkey_logs.lib.diff import Stretch, align, changes, cosine_distance, split, words

SYSTEM = {"role": "system", "content": "Be brief."}
HI = {"role": "user", "content": "hi"}
FIRST = {"model": "x", "messages": [SYSTEM, HI], "tools": [{"type": "function", "function": {"name": "f", "n": 1}}]}


def said(before: Any, after: Any) -> list[tuple[str, str]]:
    return [(change.kind, change.path) for change in changes(before, after)]


@pytest.mark.parametrize(
    ("difference", "expected"),
    [
        ({}, []),
        ({"model": "y"}, [("changed", "model")]),
        ({"temperature": 1}, [("added", "temperature")]),
        ({"messages": [SYSTEM]}, [("removed", "messages[1]")]),
        ({"messages": [HI, SYSTEM, HI]}, [("added", "messages[0]")]),
        ({"messages": [SYSTEM, HI | {"content": "ho"}]}, [("changed", "messages[1].content")]),
        # A new message in front: the changed one is still told by its role.
        (
            {"messages": [{"role": "developer", "content": "new"}, SYSTEM, {"role": "user", "content": "ho"}]},
            [("added", "messages[0]"), ("changed", "messages[2].content")],
        ),
        # Tools go by name, wherever they stand.
        (
            {"tools": [{"type": "function", "function": {"name": "g"}}, {"type": "function", "function": {"name": "f", "n": 2}}]},
            [("added", "tools[0]"), ("changed", "tools[1].function.n")],
        ),
        ({"stop": ["a"], "a b": 1}, [("added", "stop"), ("added", '["a b"]')]),
    ],
)  # fmt: skip
def test_each_change_has_its_place(difference: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert said(FIRST, FIRST | difference) == expected


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [({"a": 1, "b": 2}, {"b": 2, "a": 1}, True), (True, 1, False), (1, 1.0, False), (None, {}, False), ([], [], True)],
)
def test_what_is_the_same_json(before: Any, after: Any, same: bool) -> None:
    assert (said(before, after) == []) is same


@pytest.mark.parametrize(
    ("path", "part"),
    [("messages[0].content", "messages"), ("input", "messages"), ("tools[1]", "tools"), ("tool_choice.type", "tools"),
     ("temperature", "parameters"), ("toolsmith", "parameters"), ("", "parameters")],
)  # fmt: skip
def test_each_change_belongs_to_a_part(path: str, part: str) -> None:
    from portkey_logs.lib.diff import Change

    assert Change(path, "changed").part == part


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("", "", []),
        ("a", "", [("removed", "a")]),
        ("The sky is blue", "The sky was very blue",
         [("same", "The sky "), ("removed", "is"), ("added", "was very"), ("same", " blue")]),
        # What two rewritten texts share by chance, a space and a comma, is no part of either.
        ("one two, three", "uno dos, tres", [("removed", "one two, three"), ("added", "uno dos, tres")]),
        ("天気は良い", "天気は悪い", [("same", "天気は"), ("removed", "良"), ("added", "悪"), ("same", "い")]),
        ("Straße in Köln", "Straße in Bonn", [("same", "Straße in "), ("removed", "Köln"), ("added", "Bonn")]),
        ("שלום עולם", "שלום לכם", [("same", "שלום "), ("removed", "עולם"), ("added", "לכם")]),
        ("a\nb", "a\nc", [("same", "a\n"), ("removed", "b"), ("added", "c")]),
    ],
)  # fmt: skip
def test_words(before: str, after: str, expected: list[tuple[str, str]]) -> None:
    assert words(before, after).stretches == [Stretch(kind, text) for kind, text in expected]  # type: ignore[arg-type]


def test_a_letter_keeps_what_sits_on_it() -> None:
    assert split("हिन्दी e\u0301!") == ["हि", "न्", "दी", " ", "e\u0301", "!"]


@pytest.mark.parametrize("text", ["a b " * 20_000, "x" * 1_000_000, "\n" * 100_000, "word. " * 50_000])
def test_long_texts_do_not_hold_the_page_up(text: str) -> None:
    start = time.perf_counter()
    difference = words(text, text[7:] + "end")
    assert time.perf_counter() - start < 5
    assert "".join(stretch.text for stretch in difference.before) == text


TEXT = st.text(st.sampled_from("ab .,\n\u0301天\u200d😀\ud800"), max_size=60)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from("abc"),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "role", "b c"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(TEXT, TEXT)
def test_the_two_texts_can_be_read_back(before: str, after: str) -> None:
    difference = words(before, after)
    assert "".join(stretch.text for stretch in difference.before) == before
    assert "".join(stretch.text for stretch in difference.after) == after
    assert 0 <= difference.alike <= 1
    assert difference.is_same == (before == after)


@given(JSON, JSON)
def test_there_are_changes_exactly_where_the_json_differs(before: Any, after: Any) -> None:
    assert bool(changes(before, after)) == (json.dumps(before, sort_keys=True) != json.dumps(after, sort_keys=True))


@given(st.lists(JSON, max_size=6), st.lists(JSON, max_size=6))
def test_every_item_is_aligned_once(before: list[Any], after: list[Any]) -> None:
    pairs = align(before, after)
    assert sorted(old for old, _ in pairs if old is not None) == list(range(len(before)))
    assert sorted(new for _, new in pairs if new is not None) == list(range(len(after)))


@pytest.mark.parametrize(
    ("before", "after", "distance"),
    [([1, 0], [2, 0], 0), ([1, 0], [0, 3], 1), ([1, 0], [-1, 0], 2), ([1], [1, 2], None), ([0, 0], [1, 1], None),
     ([], [], None), ([1e300, 1e300], [1e300, 1e300], None)],
)  # fmt: skip
def test_cosine_distance(before: list[float], after: list[float], distance: float | None) -> None:
    assert cosine_distance(before, after) == (distance if distance is None else pytest.approx(distance))
