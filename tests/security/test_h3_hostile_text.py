"""H3: text that is logged cannot hang whoever looks at it.

The ceilings are CPU time: a base, which is the budget of a card with room for a machine half as fast, and some ms per
KB for what is linear. The texts of the finding took 16 s for 1.2 KB and 4 s for 7 KB.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from time import process_time
from typing import Any

import pytest
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from logs.llm import request_context
from logs.llm.request_context import DROPPED_KEYS, MAX_METADATA_KEYS
from logs.models import Log
from logs.viewer import conversation, highlighting, invisible_characters, json_tree, markdown
from logs.viewer.drawing import PLAIN_NOTE, DrawingBudget
from logs.viewer.highlighting import MAX_CODE
from tests.factories import PASSWORD, People
from tests.security.hostile import JSON, MARKDOWN, chats

BASE_SECONDS = 1.0
SECONDS_PER_KB = 0.010


@contextmanager
def ceiling(size: int, base: float = BASE_SECONDS) -> Iterator[None]:
    """Fail where the block takes more CPU time than a text of so many characters may."""
    start = process_time()
    yield
    taken, allowed = process_time() - start, base + SECONDS_PER_KB * size / 1000
    assert taken < allowed, f"{size:,} characters took {taken:.2f} s, more than {allowed:.2f} s"


# --- single functions ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MARKDOWN)
def test_markdown_is_formatted_within_its_time(name: str) -> None:
    """With a small budget: what is above it are steps that cannot be interrupted, and the HTML's cleaning."""
    for size in (1_200, 99_000):
        text = MARKDOWN[name](size)[: markdown.MAX_CHARACTERS]
        with ceiling(len(text), base=0.5):
            html = markdown.to_html(text, DrawingBudget(0.1))
        assert len(html or "") < 2_500_000


@pytest.mark.parametrize("name", sorted({lexer.aliases[0] for lexer, _ in highlighting._LEXERS.values()}))
def test_no_match_of_a_language_is_slow(name: str) -> None:
    """Each token is a step that cannot be interrupted."""
    lexer, bound = highlighting._LEXERS[name]
    for piece in (" ", "\t", "a ", "a\n", "a.", "@=", "&", "\\", '"', "(", "<", "/*", "::"):
        for before, behind in (("", "\x01"), ("a\n", "a(")):
            code = before + (piece * bound)[: min(bound, MAX_CODE) - 4] + behind
            start, slowest = process_time(), 0.0
            for _ in islice(lexer.get_tokens(code), 20):  # the first scan as far as the others
                slowest, start = max(slowest, process_time() - start), process_time()
            assert slowest < 0.25  # 30 ms, on a machine that is busy and slow


def test_other_languages_and_long_blocks_have_no_colours() -> None:
    budget = DrawingBudget()
    assert highlighting.code_to_html("a", "mathematica", budget) is None
    assert highlighting.code_to_html("a" * (MAX_CODE + 1), "python", budget) is None
    assert '<span class="k">def</span>' in (highlighting.code_to_html("def f(): pass", "py", budget) or "")


@pytest.mark.parametrize("name", JSON)
def test_json_is_coloured_and_drawn_as_a_tree_within_its_time(name: str) -> None:
    text = JSON[name](100_000)
    with ceiling(len(text)):
        html = highlighting.json_to_html(text, DrawingBudget())
    assert len(html) < 8_000_000
    with ceiling(len(text)):
        json_tree.build(text.encode())


@pytest.mark.parametrize("name", chats(1_000))
def test_a_conversation_is_read_within_its_time(name: str) -> None:
    body = chats(100_000)[name]
    with ceiling(100_000):
        talk = conversation.of_request("chat_completion", body)
    assert talk is not None
    assert sum(len(part.text) + len(part.arguments) for part in talk.all_parts()) <= 400_000
    assert sum(1 for _ in talk.all_parts()) <= 1_001
    assert sum(len(tool.schema_json) for tool in talk.tools) <= 400_000


def test_hidden_characters_are_all_there_and_the_first_have_a_mark() -> None:
    with ceiling(400_000):
        html = invisible_characters.mark("\u202e" * 400_000)
    assert html.count("⟦U+202E⟧") == 400_000
    assert len(html) < 8_000_000


def test_many_short_texts_have_few_marks() -> None:
    """A card has a thousand texts: with 200 marks in each, 2 MB of hidden characters were a page of 16 MB."""
    hidden = "\u202e\u200b" * 200
    assert len(invisible_characters.mark(hidden)) < 8_000
    assert invisible_characters.mark("pay\u202eload\u200b").count('class="ctrl"') == 2


def test_a_tree_has_no_more_text_than_a_page_can_take() -> None:
    hidden = "\u202e" * 200
    for value in (
        [{f"{hidden}{number}": hidden for number in range(30)}] * 100,
        {f"{'a' * 10_000}{number}": 0 for number in range(200)},
        [[hidden] * 20] * 100,
    ):
        text = json.dumps(value).encode()
        with ceiling(len(text)):
            tree = json_tree.build(text)
        nodes, size = [tree], 0
        while nodes:
            node = nodes.pop()
            nodes += node.children
            size += (
                len(invisible_characters.mark(node.key))
                + len(invisible_characters.mark(node.value))
                + len(invisible_characters.mark(node.preview))
            )
        assert size < 4_000_000
    (number,) = json_tree.build(b"[" + b"1" * 100_000 + b"]").children
    assert number.value == "1" * json_tree.LINE_CHARACTERS + "…"


# --- the budget ------------------------------------------------------------------------------------------------


def test_what_is_not_drawn_in_time_is_plain_and_says_so_once() -> None:
    budget = DrawingBudget(0.0)
    assert markdown.to_html("**bold**", budget) is None
    assert highlighting.json_to_html('{"a": 1}', budget) == "{&quot;a&quot;: 1}"
    assert (budget.announcement(), budget.announcement()) == (PLAIN_NOTE, "")


def test_a_budget_that_is_left_says_nothing() -> None:
    budget = DrawingBudget()
    assert markdown.to_html("**bold**", budget) == "<p><strong>bold</strong></p>\n"
    assert budget.announcement() == ""


# --- metadata --------------------------------------------------------------------------------------------------


def test_metadata_is_stored_with_a_hundred_keys_and_says_how_many_are_missing() -> None:
    with ceiling(2_000_000):
        found = request_context.tidy_metadata({f"key{number}": "a" for number in range(200_000)} | {"_user": "ada"})
    assert len(found) == MAX_METADATA_KEYS + 1
    assert found[DROPPED_KEYS] == "199901"
    assert found["_user"] == "ada"
    assert request_context.first_keys(found) == found


def test_few_keys_stay_as_they_are() -> None:
    metadata = {f"key{number}": str(number) for number in range(MAX_METADATA_KEYS)}
    assert request_context.tidy_metadata(metadata) == metadata


# --- the panel -------------------------------------------------------------------------------------------------


@pytest.fixture
def panel(client: Client, people: People, store: Any) -> Any:
    """A function that stores a log and returns the HTML of its panel, within the ceiling of its size."""
    assert client.login(username="alice@example.org", password=PASSWORD)
    client.get("/w/acme/logs/")  # templates are compiled once

    def open_panel(size: int, **fields: Any) -> str:
        (record,) = store(fields)
        with ceiling(size, base=2.5):  # two cards
            answer = client.get(f"/w/acme/logs/{record.id}/", headers={"HX-Request": "true", "HX-Target": "log-panel"})
        assert answer.status_code == 200
        return answer.content.decode()

    return open_panel


def chat_of(text: str) -> bytes:
    return json.dumps({"messages": [{"role": "user", "content": text}]}).encode()


def answer_of(text: str) -> bytes:
    return json.dumps({"choices": [{"message": {"role": "assistant", "content": text}}]}).encode()


@pytest.mark.usefixtures("inline_writer")
@pytest.mark.parametrize(
    "name", ["wide tables", "short paragraphs", "expanded references", "overrides", "c code", "java code"]
)
def test_the_panel_opens_on_hostile_text(name: str, panel: Any) -> None:
    text = MARKDOWN[name](90_000)
    html = panel(2 * len(text), request_body=chat_of(text), response_body=answer_of(text))
    assert len(html) < 6_000_000


@pytest.mark.usefixtures("inline_writer")
@pytest.mark.parametrize("name", chats(1_000))
def test_the_panel_opens_on_hostile_requests(name: str, panel: Any) -> None:
    body = json.dumps(chats(400_000)[name]).encode()
    assert len(panel(len(body), request_body=body)) < 6_000_000


@pytest.mark.usefixtures("inline_writer")
@pytest.mark.parametrize("name", JSON)
def test_the_panel_opens_on_hostile_json(name: str, panel: Any) -> None:
    text = JSON[name](400_000)
    assert len(panel(len(text), request_body=text.encode(), response_body=answer_of(text))) < 6_000_000


@pytest.mark.usefixtures("inline_writer")
def test_the_panel_says_where_it_is_plain(panel: Any) -> None:
    html = panel(200_000, request_body=chat_of(MARKDOWN["headings"](99_000)))
    assert html.count(PLAIN_NOTE) == 1
    assert PLAIN_NOTE not in panel(100, request_body=chat_of("A *plain* question"))


@pytest.mark.usefixtures("inline_writer")
def test_old_logs_with_many_keys_and_headers_are_bounded_too(panel: Any, client: Client) -> None:
    many = {f"key{number}": "a" for number in range(20_000)}
    html = panel(400_000, metadata=many, request_headers=many | {"long": "a" * 1_000_000})
    assert len(html) < 1_000_000
    assert "20,001 headers" in html
    (item,) = client.get("/w/acme/logs.json").json()["data"]
    assert len(item["metadata"]) == MAX_METADATA_KEYS + 1
    assert item["metadata"][DROPPED_KEYS] == "19900"


@pytest.mark.usefixtures("inline_writer")
def test_posted_metadata_is_bounded_in_columns_and_labels(panel: Any) -> None:
    panel(100, metadata=request_context.tidy_metadata({f"key{number}": "a" for number in range(5_000)}))
    log = Log.objects.get()
    assert (len(log.metadata), len(log.labels)) == (MAX_METADATA_KEYS + 1, MAX_METADATA_KEYS + 1)


# --- texts that grow by themselves -----------------------------------------------------------------------------

SIGNS = st.sampled_from(
    ["*", "**", "_", "~~", "`", "[", "]", "](", ")", "![", "<", ">", "<a:", "&", "\\", "|", "-", "#", "+ ", "1. ", "> ", "  ",
     "\t", "\n", "\n\n", "a", "a ", "é", "\u202e", "\u200d", "\U0001f600", "\x1b[0m", "\0", "[a]: ", "```", "~~~", "data: "]
)  # fmt: skip
LANGUAGES = st.sampled_from(sorted(highlighting._LEXERS))
REPEATED = st.builds(
    lambda signs, times: "".join(signs) * times, st.lists(SIGNS, min_size=1, max_size=4), st.integers(1, 3_000)
)
FENCED = st.builds(lambda language, text: f"\n```{language}\n{text[:4_000]}\n```\n", LANGUAGES, REPEATED)
TABLES = st.builds(
    lambda columns, rows, cell: "\n" + "|a" * columns + "\n" + "|-" * columns + "\n" + f"|{cell}\n" * rows + "\n",
    st.integers(1, 300), st.integers(1, 300), st.sampled_from(["a", "", "`", "\\|", "[a]"]),
)  # fmt: skip
TEXTS = st.lists(st.one_of(REPEATED, FENCED, TABLES), min_size=1, max_size=4).map("".join)


@settings(max_examples=40)
@given(TEXTS)
def test_any_mixture_is_formatted_within_its_time(text: str) -> None:
    with ceiling(len(text), base=0.6):
        markdown.to_html(text[: markdown.MAX_CHARACTERS], DrawingBudget(0.1))


VALUES = st.recursive(
    st.one_of(st.none(), st.integers(), REPEATED.map(lambda text: text[:500]), st.booleans()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=5),
        st.builds(lambda value, times: [value] * times, inner, st.integers(1, 30)),
        st.dictionaries(
            st.sampled_from(["type", "text", "content", "role", "tool_calls", "source", "title", "input"]), inner
        ),
    ),
    max_leaves=12,
)
KINDS = st.sampled_from(sorted(conversation._REQUESTS))


@settings(max_examples=60)
@given(KINDS, st.dictionaries(st.sampled_from(["messages", "input", "tools", "prompt", "system", "documents"]), VALUES))
def test_any_request_is_read_within_its_time(kind: str, body: dict[str, Any]) -> None:
    with ceiling(len(json.dumps(body))):
        conversation.of_request(kind, body)
