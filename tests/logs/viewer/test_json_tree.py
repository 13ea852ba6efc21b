"""The JSON tree shows what was written, however it was written, and however much of it there is."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logs.viewer import json_scan, json_tree
from logs.viewer.json_scan import Cursor, Locator, Member, QuickCursor
from logs.viewer.json_tree import Node, build

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from([']},"', '\\"', "\\", "é", "[", "😀"]),
    lambda below: st.lists(below) | st.dictionaries(st.text() | st.sampled_from(['a,"', "{"]), below),
)
SPELLINGS = st.sampled_from(
    [{}, {"ensure_ascii": False}, {"indent": 1}, {"separators": (",", ":")}, {"separators": (" , ", " : ")}]
)


def leaves(node: Node) -> list[str]:
    return [node.value] if not node.children and node.value else [v for child in node.children for v in leaves(child)]


@pytest.mark.parametrize("number", ["1e400", "1.0", "-0", "12345678901234567890", "1E5", "NaN", "-Infinity"])
def test_numbers_keep_their_spelling(number: str) -> None:
    body = f'{{"n": {number}}}'.encode()
    assert json_scan.is_json(body)
    assert leaves(build(body)) == [number]


def test_repeated_keys_stay_apart() -> None:
    body = b'{"b": 1, "a": 2, "b": [7, 8]}'
    node = build(body)
    assert [(child.key, child.value) for child in node.children] == [("b", "1"), ("a", "2"), ("b", "")]
    assert leaves(build(body, path="/2")) == ["7", "8"]


@pytest.mark.parametrize(
    "body",
    [b"", b" ", b"{", b"\xff", b"[" * 100_000, b"nope", b"[1,]", b'{"a":1,}', b"[,]", b"[}", b"[[],]", b"[] []",
     b'{"a"}', b"[1 2]", b'["\x01"]', b"[01]", b'["\\q"]', b"[" * 100_000 + b"]" * 99_999],
)  # fmt: skip
def test_what_is_no_json_is_told_apart(body: bytes) -> None:
    assert not json_scan.is_json(body)


@settings(deadline=None)
@given(VALUES, SPELLINGS, st.data())
def test_the_grammar_is_that_of_pythons_parser(value: object, spelling: dict[str, Any], data: st.DataObject) -> None:
    text = json.dumps(value, **spelling)
    assert json_scan._check(text.encode())
    at = data.draw(st.integers(0, len(text)))
    broken = text[:at] + data.draw(st.sampled_from([",", '"', "[", "]", "{", "}", ":", "1", "\\", " ", ""]))
    broken += text[at + data.draw(st.integers(0, 1)) :]
    try:
        json.loads(broken)
    except ValueError:
        assert not json_scan._check(broken.encode())
    else:
        assert json_scan._check(broken.encode())


@settings(deadline=None)
@given(VALUES, SPELLINGS)
def test_both_walks_find_every_member_by_number_and_by_place(value: object, spelling: dict[str, Any]) -> None:
    doc = json.dumps(value, **spelling).encode()

    def read(member: Member) -> object:
        if not json_scan.is_container(doc, member.start):
            return json.loads(doc[member.start : member.end])
        members = list(json_scan.walk(doc, member).members())
        walks: list[Callable[[], Cursor | QuickCursor]] = [
            lambda: json_scan.walk(doc, member),
            lambda: Cursor(doc, member.start),
        ]
        for make in walks:
            assert list(make().members()) == members
            assert make().count() == len(members)
            for each in members:
                assert make().seek(index=each.position) == each
                assert make().seek(offset=each.start) == make().seek(offset=each.end - 1) == each
        if doc[member.start : member.start + 1] == b"[":
            return [read(each) for each in members]
        return {json_tree.text_of(doc, *each.key): read(each) for each in members if each.key}

    assert read(json_scan.document(doc)) == value


@settings(deadline=None)
@given(VALUES)
def test_places_are_found_in_order_as_by_themselves(value: object) -> None:
    doc = json.dumps(value).encode()
    locator = Locator(doc)
    for offset in range(0, len(doc), 3):
        assert locator.find(offset) == Locator(doc).find(offset)


@pytest.mark.parametrize("path", ["/9", "/x", "/0/0", "/-1", "/²", "/99999999999"])
def test_a_place_that_is_not_there(path: str) -> None:
    with pytest.raises(LookupError):
        build(b'{"a": 1}', path=path)


def test_a_wide_node_comes_in_slices() -> None:
    body = json.dumps({"few": [1, 2], "many": list(range(5_000))}).encode()
    few, many = build(body).children
    assert leaves(few) == ["1", "2"]
    assert (many.count, len(many.children), many.after) == (5_000, json_tree.SLICE, 5_000 - json_tree.SLICE)
    part = build(body, path=many.path, first=4_900)
    assert leaves(part) == [str(number) for number in range(4_900, 5_000)]
    assert [child.key for child in part.children[:2]] == ["4900", "4901"]
    assert part.after == 0


def test_depth_is_bounded_and_can_be_opened() -> None:
    body = b'{"a":' * 1_000 + b"1" + b"}" * 1_000
    node, levels = build(body), 0
    while node.children:
        node, levels = node.children[0], levels + 1
    assert levels == json_tree.MAX_DEPTH
    assert node.is_deferred
    assert build(body, path=node.path).children
    deepest = build(body, path="/0" * json_scan.MAX_LEVELS)
    assert deepest.is_too_deep
    assert not deepest.children
    with pytest.raises(LookupError):
        build(body, path="/0" * (json_scan.MAX_LEVELS + 1))


def test_a_place_deep_inside_is_named_as_far_as_it_is_walked() -> None:
    body = b"[1," * 100_000 + b"7" + b"]" * 100_000
    assert json_scan.is_json(body)
    assert build(body).children
    members = Locator(body).find(len(body) // 2)
    assert len(members) == json_scan.levels(body)
    assert [member.position for member in members] == [1] * len(members)


def test_a_shown_place_stands_open_in_its_slice() -> None:
    body = json.dumps({"a": [{"x": number} for number in range(1_000)]}).encode()
    many = build(body, show="/0/777/0").children[0]
    assert (many.first, many.open) == (600, True)
    (hit,) = [child for child in many.children if child.key == "777"]
    assert hit.open
    assert hit.children[0].is_shown


@settings(deadline=None)
@given(VALUES)
def test_every_leaf_is_there(value: object) -> None:
    def texts(value: object) -> list[str]:
        if isinstance(value, dict):
            return [t for v in value.values() for t in texts(v)]
        if isinstance(value, list):
            return [t for v in value for t in texts(v)]
        return [json.dumps(value, ensure_ascii=False)]

    assert leaves(build(json.dumps(value).encode())) == texts(value)


def test_a_long_string_is_cut_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_tree, "PIECE_BYTES", 31)  # so that pieces end inside escapes and characters
    text = 'é\\"😀\n' * 10_000
    for ascii_only in (True, False):
        body = json.dumps({"a": text}, ensure_ascii=ascii_only).encode()
        (leaf,) = build(body).children
        assert (leaf.characters, leaf.cut) == (json_tree.STRING_CHARACTERS, len(text) - json_tree.STRING_CHARACTERS)
        rest = build(body, path=leaf.path, first=leaf.characters)
        assert json.loads(leaf.value) + json.loads(rest.value) == text


def test_lone_surrogates_stay_escaped_so_that_a_page_can_carry_them() -> None:
    tree = build(rb'{"\ud800": ["\udfff x", "\ud83d\ude00"]}')
    assert tree.children[0].key == r"\ud800"
    assert [child.value for child in tree.children[0].children] == [r'"\udfff x"', '"😀"']
    assert tree.preview.encode()
