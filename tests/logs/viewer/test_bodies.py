"""Bodies of every kind in every view: nothing fails, nothing is silently something else than it was."""

from __future__ import annotations

import gzip
import json
import re
from html import unescape
from typing import Any

import pytest
from django.test import Client

from logs.viewer import body_search
from tests.factories import PASSWORD, People

pytestmark = pytest.mark.usefixtures("inline_writer")


@pytest.fixture
def look(client: Client, people: People, store: Any) -> Any:
    """Stores a request body and gives its card for a query."""
    assert client.login(username="alice@example.org", password=PASSWORD)

    def look(body: bytes | None, query: str = "", **record: Any) -> str:
        (stored,) = store({"request_body": body} | record)
        look.path = f"/w/acme/logs/{stored.id}/body/request/"  # type: ignore[attr-defined]
        answer = client.get(look.path + query, headers={"HX-Request": "true"})  # type: ignore[attr-defined]
        assert answer.status_code == 200
        return answer.content.decode()

    return look


DEEP = 100_000
HOSTILE: dict[str, bytes] = {
    "empty": b"",
    "null": b"null",
    "space": b"  ",
    "text": b"upstream connect error",
    "not UTF-8": b'{"messages":[{"role":"user","content":"\xff\xfe\x00"}]}',
    "binary": bytes(range(256)) * 40,
    "cut": b'{"messages":[{"role":"user","content":"Say h',
    "NUL": rb'{"messages":[{"role":"user","content":"a\u0000b"}]}',
    "surrogates": rb'{"messages":[{"role":"user","content":"\ud800 \udfff"}], "\udc00": 1}',
    "surrogates, raw": b'{"messages":[{"role":"user","content":"\xed\xa0\x80"}]}',
    "repeated keys": b'{"messages":[], "messages":[{"role":"user","content":"x"}], "model": "a", "model": 1}',
    "numbers": b'{"temperature":1e400,"top_p":NaN,"n":-Infinity,"messages":[{"role":"user","content":"x"}]}',
    "byte order mark": b'\xef\xbb\xbf{"messages":[{"role":"user","content":"x"}]}',
    "wrong types": b'{"messages":{"role":[]},"tools":3,"model":[{}]}',
    "deep": b"[" * DEEP + b"]" * DEEP,
    "deep, cut": b'{"a":' * DEEP,
    "deep content": b'{"messages":[{"role":"user","content":' + b"[" * DEEP + b"]" * DEEP + b"}]}",
    "one line": json.dumps({"messages": [{"role": "user", "content": "x" * 2_000_000}]}).encode(),
    "brackets": b"[" + b",".join([b"[]"] * 400_000) + b"]",
} | {
    f"{depth} deep": b'{"messages":[{"role":"user","content":%b}]}' % (b"[" * depth + b"]" * depth)
    for depth in (90, 150, 300, 500, 900, 1000, 3000)
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_every_view_of_every_body_opens(name: str, client: Client, people: People, store: Any) -> None:
    body = HOSTILE[name]
    (stored,) = store({"request_body": body, "response_body": body})
    client.login(username="alice@example.org", password=PASSWORD)
    for query in ("", "?request=json&response=json", "?request=raw&response=raw"):
        answer = client.get(
            f"/w/acme/logs/{stored.id}/{query}", headers={"HX-Request": "true", "HX-Target": "log-panel"}
        )
        assert answer.status_code == 200
        assert answer.content.decode()
    for query in ("?find=x", "?find=é&hit=1", "?view=json&at=/0&from=1", "?view=raw&from=7", "?anyway=1"):
        assert client.get(f"/w/acme/logs/{stored.id}/body/response/{query}").status_code == 200
    assert client.get(f"/w/acme/logs/{stored.id}.json").json()["_id"] == str(stored.id)
    download = client.get(f"/w/acme/logs/{stored.id}/raw/request")
    assert b"".join(download) == body
    assert int(download["Content-Length"]) == len(body)


@pytest.mark.parametrize("name", [name for name in HOSTILE if name != "brackets"])
def test_every_body_is_taken_in(name: str, client: Client, people: People, api_key: str) -> None:
    """As the text of a JSON string, which holds whatever it likes."""
    text = HOSTILE[name].decode("utf-8", "replace")
    log = {"request": {"url": "/v1/chat/completions", "body": text}, "response": {"body": text}}
    answer = client.post("/v1/logs", log, "application/json", headers={"x-portkey-api-key": api_key})
    assert answer.status_code == 200, answer.content


def test_a_stream_of_deep_json_opens(client: Client, people: People, store: Any) -> None:
    deep = b"[" * DEEP + b"]" * DEEP
    body = b'data: {"choices":[{"delta":{"content":%b}}]}\n\ndata: [DONE]\n\n' % deep
    (stored,) = store({"response_body": body, "stream": True})
    client.login(username="alice@example.org", password=PASSWORD)
    assert client.get(f"/w/acme/logs/{stored.id}/").status_code == 200


def test_what_the_card_says_of_a_body(look: Any) -> None:
    assert "The body is empty: 0 bytes." in look(b"")
    assert "There is no body." in look(None)
    assert '<span class="null">null</span>' in look(b"null")
    assert "no UTF-8" in look(b"caf\xe9 \xff")
    assert "no UTF-8" not in look("café".encode())
    packed = look(gzip.compress(b'{"a": 1}', mtime=0), request_headers={"content-encoding": "gzip"})
    assert "still compressed (gzip)" in packed
    assert "compressed" not in look(b'{"a": 1}', request_headers={"content-encoding": "gzip"})


def test_a_window_of_the_text_never_divides_a_character(look: Any, client: Client) -> None:
    body = ("é" * 49_999 + "x" + "é" * 60_000).encode()
    first = look(body, "?view=raw")
    assert "�" not in first
    (address,) = re.findall(r'href="([^"]+)"[^>]*>Next part', first)
    second = client.get(unescape(address), headers={"HX-Request": "true"}).content.decode()
    assert "�" not in second
    texts = [re.search(r"<pre[^>]*>(.*)</pre>", page, re.S)[1] for page in (first, second)]  # type: ignore[index]
    assert "".join(texts).startswith(body.decode()[:100_000])
    assert "Previous part" in second


def test_a_long_talk_is_left_to_the_tree_and_drawn_when_asked(look: Any, client: Client) -> None:
    text = "word " * 500_000
    card = look(json.dumps({"messages": [{"role": "user", "content": text}]}).encode())
    assert "too long to be set as a conversation" in card
    assert 'class="tree"' in card
    drawn = client.get(look.path + "?view=pretty&anyway=1", headers={"HX-Request": "true"}).content.decode()
    assert 'class="talk"' in drawn


def test_a_picture_is_no_long_text(look: Any) -> None:
    url = "data:image/png;base64," + "iVBORw0KGgo" + "A" * 3_000_000
    content = [{"type": "image_url", "image_url": {"url": url}}]
    card = look(json.dumps({"messages": [{"role": "user", "content": content}]}).encode())
    assert 'class="talk"' in card


def test_without_a_script_a_card_is_a_page(look: Any, client: Client) -> None:
    look(b'{"a": "needle"}')
    page = client.get(look.path + "?find=NEEDLE").content.decode()
    assert page.startswith("<!doctype html>")
    assert "<mark>needle</mark>" in page
    assert f'action="{look.path}"' in page


@pytest.mark.parametrize("path", ["?at=/9", "?at=/x", "?at=/0/0", "?at=/" + "9" * 50])
def test_a_node_that_is_not_there(path: str, look: Any, client: Client) -> None:
    look(b'{"a": 1}')
    assert client.get(look.path + "node/" + path).status_code == 404


def test_every_member_of_a_wide_node_can_be_reached(look: Any, client: Client) -> None:
    page = look(json.dumps({"many": [f"<{number}>" for number in range(1_000)]}).encode(), "?view=json")
    seen: list[str] = []
    while True:
        seen += re.findall(r"&quot;&lt;(\d+)&gt;&quot;", re.sub(r'<span class="preview">.*?</span>', "", page))
        more = re.search(r'hx-get="([^"]+of=after)"', page)
        if more is None:
            break
        page = client.get(unescape(more[1]), headers={"HX-Request": "true"}).content.decode()
    assert seen == [str(number) for number in range(1_000)]


# --- searching -----------------------------------------------------------------------------------------------

DOCUMENT = {
    "model": "m",
    "messages": [{"role": "user", "content": 'Ein Café\nin C:\\users, 😀 "quoted" a/b \\u00e9 É'}],
    "odd key, é": 1.5,
}


@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize(
    ("query", "places"),
    [
        ("CAFÉ", ["messages[0].content"]),
        ("é", ["messages[0].content", "messages[0].content", '["odd key, é"]']),
        ("sers", ["messages[0].content"]),
        ("\\u00e9", ["messages[0].content"]),
        ("😀", ["messages[0].content"]),
        ('"quoted"', ["messages[0].content"]),
        ("A/B", ["messages[0].content"]),
        ("1.5", ['["odd key, é"]']),
        ("model", ["model"]),
        ("d83d", []),
        ("nin", []),
        ("nothing like it", []),
        ("00e9", ["messages[0].content"]),
    ],
)
def test_text_is_found_however_it_is_spelled(query: str, places: list[str], ascii_only: bool) -> None:
    doc = json.dumps(DOCUMENT, ensure_ascii=ascii_only).encode()
    found = body_search.find(doc, query, in_json=True)
    assert [hit.place for hit in found.hits] == places
    assert all(hit.text.lower() == query.lower() for hit in found.hits)


@pytest.mark.parametrize("lead", range(40))
def test_no_hit_is_lost_between_two_pieces(lead: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_search, "PIECE_BYTES", 64)
    doc = json.dumps({"a": "x" * lead + "\\\n é needle " * 20}).encode()
    assert len(body_search.find(doc, "É NEEDLE", in_json=True).hits) == 20
    assert len(body_search.find(doc, "\\", in_json=True).hits) == 20


def test_hits_are_listed_walked_and_opened(look: Any, client: Client) -> None:
    body = {"messages": [{"role": "user", "content": f"<b>{number}</b> needle"} for number in range(500)]}
    card = look(json.dumps(body).encode(), "?find=Needle")
    assert card.count("<mark>needle</mark>") == 100
    assert "100+ hits" in card
    assert "<b>" not in card
    shown = client.get(look.path + "?find=Needle&hit=100", headers={"HX-Request": "true"}).content.decode()
    assert "100 of 100+" in shown
    assert "messages[99].content" in shown
    assert shown.count("<mark>needle</mark>") == 1
    assert "hit=99" in shown
    assert "hit=101" not in shown
    assert "No hit" in client.get(look.path + "?find=absent", headers={"HX-Request": "true"}).content.decode()


def test_a_hit_far_inside_a_long_string_is_shown(look: Any) -> None:
    body = json.dumps({"a": "é " * 300_000 + "needle" + " é" * 300_000}).encode()
    shown = look(body, "?find=needle&hit=1")
    assert "<mark>needle</mark>" in shown
    assert len(shown) < 400_000


def test_a_hit_deep_inside_is_shown(look: Any) -> None:
    body = b'{"a":' * 60 + b'"needle"' + b"}" * 60
    assert "<mark>needle</mark>" in look(body, "?find=needle&hit=1")


def test_text_that_is_no_json_is_searched_too(look: Any) -> None:
    body = b"x" * 150_000 + b" Needle " + b"y" * 100
    assert "byte 150,001" in look(body, "?find=needle")
    shown = look(body, "?find=needle&hit=1")
    assert "<mark>Needle</mark>" in shown
