"""The language of filters: what a line means, what is drawn for an address, and where a mistake is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logs.explorer.query import Item, Names, QueryError, Values, draw_line, exactly, parse_line, parse_values

NAMES = Names(
    values={"model", "provider", "status", "cache", "user", "trace_id"},
    plain={"since", "feedback", "feedback_min", "feedback_max", "cost_min", "cost_max", "latency_min", "latency_max",
           "retries_min"},
)  # fmt: skip


@pytest.mark.parametrize(
    ("line", "params"),
    [
        ("", {}),
        ("   ", {}),
        ("model:gpt-4o*", {"model": "gpt-4o*"}),
        ("-provider:openai", {"provider": "!openai"}),
        ("provider:!openai", {"provider": "!openai"}),
        ("-model:a,b*", {"model": "!a,b*"}),
        ("status:>=400", {"status": ">=400"}),
        ("status:4xx,500", {"status": "4xx,500"}),
        ("meta.env:prod -meta.team:a", {"meta.env": "prod", "meta.team": "!a"}),
        ('meta."my key":x', {"meta.my key": "x"}),
        ("meta.a.b:c", {"meta.a.b": "c"}),
        ("cost:>2", {"cost_min": ">2"}),
        ("cost:>=2", {"cost_min": "2"}),
        ("cost:<2.5", {"cost_max": "<2.5"}),
        ("cost:<=2", {"cost_max": "2"}),
        ("cost:1..2.5", {"cost_min": "1", "cost_max": "2.5"}),
        ("cost:2", {"cost_min": "2", "cost_max": "2"}),
        ("cost:>1 cost:<2", {"cost_min": ">1", "cost_max": "<2"}),
        ("latency:>2s", {"latency_min": ">2s"}),
        ("retries:>=2", {"retries_min": "2"}),
        ("feedback:negative", {"feedback": "negative"}),
        ("feedback:>=-1", {"feedback_min": "-1"}),
        ('user:"Doe, J"', {"user": '"Doe, J"'}),
        ('user:"a b"*,c', {"user": '"a b"*,c'}),
        ("user:a:b", {"user": "a:b"}),
        ("user:-x", {"user": "-x"}),
        ("since:2026-11-23T15:00Z", {"since": "2026-11-23T15:00Z"}),
        ('since:"2026-11-23 15:00"', {"since": "2026-11-23 15:00"}),
        ('hello "exact words" model:a world', {"q": 'hello "exact words" world', "model": "a"}),
        ('"model:a"', {"q": '"model:a"'}),
        ("café 天气 مرحبا", {"q": "café 天气 مرحبا"}),
    ],
)
def test_what_a_line_means(line: str, params: dict[str, str]) -> None:
    assert parse_line(line, NAMES) == params
    assert parse_line(draw_line(params, NAMES).text, NAMES) == params


@pytest.mark.parametrize(
    ("line", "position", "words"),
    [
        ("modle:gpt", 0, "no filter modle"),
        ("a https://x", 2, "no filter https"),
        ("model:", 6, "missing"),
        ("model: gpt", 6, "missing"),
        ("model:a,,b", 8, "missing"),
        ('model:"a', 6, "never closed"),
        ('model:"a"b', 9, "space is missing"),
        ('x "y', 2, "never closed"),
        ("model:a model:b", 8, "already"),
        ("cost:>1 cost:>2", 8, "already"),
        ("cost:many", 5, "range"),
        ("cost:>", 5, "range"),
        ("cost:1..", 6, "space is missing"),
        ("-cost:>2", 0, "turn its sign"),
        ("retries:<2", 8, "no upper end"),
        ("-since:1h", 0, "turned around"),
        ("-model:!a", 0, "twice"),
        ("-word", 0, "expected"),
        (":", 0, "expected"),
        ("meta.:x", 0, "expected"),
        ("user:" + "x" * 301, 5, "300 characters"),
        ("user:" + ",".join(["x"] * 101), 205, "100 values"),
    ],
)
def test_a_mistake_is_told_where_it_is(line: str, position: int, words: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse_line(line, NAMES)
    assert caught.value.position == position
    assert words in caught.value.message


def test_the_line_is_drawn_from_the_address() -> None:
    params = {
        "since": "24h", "model": "!a, b", "cost_min": ">2", "status": "5xx", "cost_max": "9", "retries_min": "1",
        "cursor": "x", "meta.my key": "v", "q": "weather https://x -y \"two words\"", "cache": "",
    }  # fmt: skip
    line = draw_line(params, NAMES)
    assert line.text == (
        'since:24h -model:a,b cost:>2 cost:<=9 status:5xx retries:>=1 meta."my key":v'
        ' weather "https://x" "-y" "two words"'
    )
    assert line.text[line.places["status"] :].startswith("5xx")
    assert line.text[line.places["cost_max"] :].startswith("<=9")


def test_what_cannot_be_understood_is_drawn_too() -> None:
    assert (
        draw_line({"model": '"a', "cost_min": "x", "since": "!a b"}, NAMES).text
        == 'model:"\\"a" cost_min:x since:"!a b"'
    )


@pytest.mark.parametrize("value", ["1meta.", "1..2;", ">1,", '1"'])
def test_what_only_begins_like_a_range_is_none(value: str) -> None:
    line = draw_line({"feedback": value}, NAMES).text
    assert parse_line(line, NAMES) == {"feedback": value}


@given(st.text())
def test_any_text_is_one_exact_value(text: str) -> None:
    text = text[:300]
    if text:
        assert parse_values(exactly(text)) == Values((Item(text),))


@given(st.lists(st.builds(Item, st.text(max_size=9), st.booleans()), min_size=1, max_size=4), st.booleans())
def test_values_are_read_as_they_are_written(items: list[Item], is_negated: bool) -> None:
    values = Values(tuple(items), is_negated)
    assert parse_values(str(values)) == values


pieces = st.sampled_from(
    [
        "model",
        "meta.",
        "cost",
        "since",
        "feedback",
        ":",
        "-",
        "!",
        ",",
        "*",
        '"',
        "\\",
        ">=",
        "<",
        "..",
        " ",
        "1",
        "a",
        "\0",
        "\ud800",
        "‮",
    ]
)


@given(st.lists(pieces | st.text(max_size=3)).map("".join))
def test_any_line_means_something_or_is_refused_where_it_is_wrong(line: str) -> None:
    try:
        params = parse_line(line, NAMES)
    except QueryError as error:
        refused = error.position
    else:
        refused = None
    if refused is not None:
        assert 0 <= refused <= len(line)
        return
    assert all(name in NAMES or name == "q" for name in params)
    drawn = draw_line(params, NAMES).text
    assert parse_line(drawn, NAMES) == params
    assert draw_line(parse_line(drawn, NAMES), NAMES).text == drawn


@given(
    st.dictionaries(
        st.sampled_from([*NAMES.values, *NAMES.plain, "meta.env", 'meta.a "b"', "q", "cursor"]),
        st.lists(pieces | st.text(max_size=3), max_size=9).map("".join),
    )
)
def test_whatever_an_address_holds_the_line_can_be_read(params: dict[str, str]) -> None:
    parse_line(draw_line(params, NAMES).text, NAMES)
