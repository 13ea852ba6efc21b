"""Pictures and sounds in the panel, and a hostile log: all is seen, nothing is fetched from elsewhere, nothing runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.conftest import Site
from tests.factories import make_key, make_people
from tests.logs.viewer.pictures import base64_of, data_uri, png, wav

pytestmark = pytest.mark.browser

OPENAI = "https://api.openai.com/v1/"
EVIL = "<script>document.title='owned'</script><img src=https://evil.example/a.png onerror=\"document.title='owned'\">"
SVG = data_uri(b"<svg xmlns='http://www.w3.org/2000/svg' onload=\"document.title='owned'\"/>", "image/svg+xml")

EXCHANGES: dict[str, tuple[str, Any, Any]] = {
    "sent": (
        "chat/completions",
        {"model": "gpt-4o", "messages": [{"role": "user", "content": [
            {"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": data_uri(png(320, 200))}}]}]},
        {"choices": [{"index": 0, "message": {"role": "assistant", "content": "A rectangle."}, "finish_reason": "stop"}]},
    ),
    "generated": (
        "images/generations",
        {"model": "gpt-image-1", "prompt": "A rectangle"},
        {"created": 1, "data": [{"b64_json": base64_of(png(640, 400))}]},
    ),
    "spoken": (
        "chat/completions",
        {"model": "gpt-4o-audio-preview", "messages": [{"role": "user", "content": "Speak"}]},
        {"choices": [{"index": 0, "finish_reason": "stop", "message": {
            "role": "assistant", "content": None, "audio": {"id": "a", "data": base64_of(wav(2)), "transcript": "Hello."}}}]},
    ),
    "hostile": (
        "chat/completions",
        {"model": EVIL, "messages": [{"role": EVIL, "content": [
            {"type": "text", "text": f"{EVIL}\n\n![x](https://evil.example/b.png)\n\n<style>@import 'https://evil.example/c.css'</style>"},
            {"type": "image_url", "image_url": {"url": "https://evil.example/d.png"}},
            {"type": "image_url", "image_url": {"url": SVG}},
            {"type": "image_url", "image_url": {"url": "javascript:document.title='owned'"}},
            {"type": "input_audio", "input_audio": {"data": "https://evil.example/e.mp3"}}]}]},
        {"choices": [{"index": 0, "message": {"role": "assistant", "content": f"[x](javascript:alert(1)) {EVIL}",
         "annotations": [{"type": "url_citation", "url_citation": {"url": "https://evil.example/f", "title": EVIL}}]}}]},
    ),
}  # fmt: skip


@pytest.fixture
def site(server: str) -> Site:
    """A server with these few logs."""
    people = make_people()
    key = make_key(people.workspace, created_by=people.alice)[1]
    logs = [
        {
            "request": {"url": OPENAI + path, "method": "POST", "body": asked},
            "response": {"status": 200, "body": answer},
        }
        for path, asked, answer in EXCHANGES.values()
    ]
    headers = {"x-portkey-api-key": key}
    sent = httpx.post(f"{server}/v1/logs", json=logs, headers=headers, timeout=30, trust_env=False).raise_for_status()
    return Site(server, people, key, dict(zip(EXCHANGES, sent.json()["log_ids"], strict=True)))


@pytest.fixture
def page(site: Site, context: BrowserContext, signed_in: Any) -> Iterator[Page]:
    """alice's page. Whatever happens in it: no request goes elsewhere, and nothing is refused or reported."""
    opened: Page = signed_in(context, site.people.alice)
    elsewhere: list[str] = []
    complaints: list[str] = []
    ours = urlsplit(site.url).netloc
    opened.on(
        "request", lambda request: None if urlsplit(request.url).netloc == ours else elsewhere.append(request.url)
    )
    opened.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    yield opened
    assert elsewhere == []
    assert complaints == []


@pytest.mark.parametrize(
    ("name", "side", "size"), [("sent", "request", (320, 200)), ("generated", "response", (640, 400))]
)
def test_the_picture_is_seen_and_enlarged(name: str, side: str, size: tuple[int, int], page: Page, site: Site) -> None:
    page.goto(site.url + site.log(name))
    thumb = page.locator(f"#{side} .thumb")
    expect(page.locator(f"#{side} figcaption")).to_contain_text(f"PNG · {size[0]} × {size[1]} pixels")
    picture = thumb.locator("img")
    picture.scroll_into_view_if_needed()
    page.wait_for_function("picture => picture.complete && picture.naturalWidth > 0", arg=picture.element_handle())
    assert picture.evaluate("picture => [picture.naturalWidth, picture.naturalHeight]") == list(size)
    thumb.click()
    enlarged = page.locator(f"#{side} .zoom img")
    expect(enlarged).to_be_visible()
    page.wait_for_function("picture => picture.naturalWidth > 0", arg=enlarged.element_handle())
    page.keyboard.press("Escape")
    expect(enlarged).to_be_hidden()
    expect(page.locator("#log-panel")).to_be_visible()


def test_the_picture_can_be_saved(page: Page, site: Site) -> None:
    page.goto(site.url + site.log("generated"))
    with page.expect_download() as download:
        page.locator("#response figcaption").get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == f"{site.logs['generated']}-response.png"
    assert download.value.path().read_bytes() == png(640, 400)


def test_the_sound_plays_and_its_words_are_there(page: Page, site: Site) -> None:
    page.goto(site.url + site.log("spoken"))
    expect(page.locator("#response .transcript")).to_have_text("Hello.")
    player = page.locator("#response audio")
    player.evaluate("player => { player.preload = 'auto'; player.load() }")
    page.wait_for_function("player => player.readyState > 0", arg=player.element_handle())
    assert player.evaluate("player => player.duration") == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize("view", ["pretty", "json", "raw"])
def test_a_hostile_log_does_nothing(view: str, page: Page, site: Site) -> None:
    page.goto(f"{site.url}{site.log('hostile')}?request={view}&response={view}")
    expect(page.locator("#request")).to_contain_text("evil.example")
    page.wait_for_load_state("networkidle")
    assert page.title() != "owned"
    assert page.locator(".talk img, .talk audio, .talk iframe, .talk svg:not(.icon)").count() == 0
    if view == "pretty":
        link = page.get_by_role("link", name="Load from evil.example")
        assert (link.get_attribute("target"), link.get_attribute("rel")) == ("_blank", "noopener noreferrer nofollow")
