"""The JSON tree shows what was written, however it was written."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logs import jsontree
from logs.jsontree import Node


def leaves(node: Node) -> list[str]:
    return [node.value] if not node.children and node.value else [v for child in node.children for v in leaves(child)]


@pytest.mark.parametrize("number", ["1e400", "1.0", "-0", "12345678901234567890", "1E5", "NaN"])
def test_numbers_keep_their_spelling(number: str) -> None:
    assert leaves(jsontree.build(jsontree.parse(f'{{"n": {number}}}'.encode()))) == [number]


def test_repeated_keys_stay_apart() -> None:
    node = jsontree.build(jsontree.parse(b'{"b": 1, "a": 2, "b": 3}'))
    assert [(child.key, child.value) for child in node.children] == [("b", "1"), ("a", "2"), ("b", "3")]
    assert jsontree.build(jsontree.parse(b'{"b": 1, "a": [5], "b": [7]}'), path="/2").children[0].value == "7"


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000, b"nope"])
def test_what_is_no_json_says_so(body: bytes) -> None:
    with pytest.raises(jsontree.NotJson):
        jsontree.parse(body)


@pytest.mark.parametrize("path", ["/9", "/x", "/0/0", "/-1"])
def test_a_place_that_is_not_there(path: str) -> None:
    with pytest.raises(LookupError):
        jsontree.build(jsontree.parse(b'{"a": 1}'), path=path)


def test_a_wide_node_is_left_for_later_and_can_be_fetched() -> None:
    body = json.dumps({"few": [1, 2], "many": list(range(5_000))}).encode()
    tree = jsontree.build(jsontree.parse(body))
    few, many = tree.children
    assert [child.value for child in few.children] == ["1", "2"]
    assert many.is_deferred
    assert not many.children
    assert many.count == 5_000
    assert len(jsontree.build(jsontree.parse(body), path=many.path).children) == 5_000


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_every_leaf_is_there(value: object) -> None:
    def texts(value: object) -> list[str]:
        if isinstance(value, dict):
            return [t for v in value.values() for t in texts(v)]
        if isinstance(value, list):
            return [t for v in value for t in texts(v)]
        return [json.dumps(value, ensure_ascii=False)]

    assert leaves(jsontree.build(jsontree.parse(json.dumps(value).encode()))) == texts(value)


def test_lone_surrogates_stay_escaped_so_that_a_page_can_carry_them() -> None:
    tree = jsontree.build(jsontree.parse(rb'{"\ud800": ["\udfff x", "\ud83d\ude00"]}'))
    assert tree.children[0].key == r"\ud800"
    assert [child.value for child in tree.children[0].children] == [r'"\udfff x"', '"😀"']
    assert tree.preview.encode()
