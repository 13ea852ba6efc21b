"""The playground in a browser, with capture and a provider behind it: from a failed call to one that works."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection
from playwright.sync_api import BrowserContext, Page, expect
from pytest_django.fixtures import Settings

from logs.ingest import rows
from portkey_logs.lib import uuid7
from tests.e2e import gateway as servers
from tests.e2e import look
from tests.e2e.conftest import WATCH, Site
from tests.e2e.test_walk import tab_to
from tests.factories import make_record
from tests.logs.processes import database_url
from tests.replay.installation import Provider, provider

pytestmark = pytest.mark.browser

HOSTILE = '<img src=x onerror="document.title=1">'
WRONG = {
    "model": "gpt-4o-mini",
    "temperature": 3,
    "x_ours": {"seed": 1.0},
    "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": HOSTILE}],
    "stream": True,
}


@pytest.fixture
def stub(site: Site, tmp_path: Path, settings: Any) -> Iterator[Provider]:
    """A provider, and capture in front of it."""
    known = {
        "DATABASE_URL": database_url(),
        "PORTKEY_LOGS_SECRET_KEY": django_settings.SECRET_KEY,
        "PORTKEY_LOGS_TRUSTED_HOSTS": "127.0.0.1",
    }
    with provider() as found, servers.capture(tmp_path, known).running() as capture:
        settings.CAPTURE_URL = capture.url
        yield found


@pytest.fixture
def log(site: Site, stub: Provider) -> Callable[..., str]:
    """Store a call that failed at the provider, and give its id."""

    def store(body: dict[str, Any], path: str = "chat/completions", **changes: Any) -> str:
        headers = {
            "content-type": "application/json",
            "x-portkey-provider": "openai",
            "x-portkey-custom-host": f"{stub.url}/x/strict/v1",
        }
        failed: dict[str, Any] = {"status_code": 400, "is_success": False, "error_message": "Invalid 'temperature'"}
        failed["request_headers"] = headers
        record = make_record(
            site.people.workspace.pk, id=uuid7.uuid7(), source="capture",
            path=f"/v1/{path}", request_body=json.dumps(body).encode(), **(failed | changes),
        )  # fmt: skip
        assert [outcome.state for outcome in rows.commit_batch(connection, [record])] == ["stored"]
        return str(record.id)

    return store


def open_playground(page: Page, site: Site, query: str = "") -> None:
    page.goto(f"{site.url}/w/acme/playground/{query}")
    expect(page.locator("form[data-ready]")).to_be_visible()


def test_a_failed_call_is_mended_by_keyboard(
    site: Site, stub: Provider, log: Any, context: BrowserContext, signed_in: Any
) -> None:
    failed = log(WRONG)
    page = signed_in(context, site.people.alice)
    complaints = look.Complaints(page, site.url)
    open_playground(page, site, f"?log={failed}")
    expect(page.locator("[data-part=checks]")).to_contain_text("temperature is 3; it goes from 0 to 2.")

    page.keyboard.press("Control+Enter")  # as it was
    answer = page.locator(".pg-answer")
    expect(answer.locator(".pg-state")).to_have_text("Failed")
    expect(answer).to_contain_text("invalid_request_error")
    expect(answer).to_contain_text("Invalid 'temperature': above the maximum of 2.")
    assert stub.bodies == [json.dumps(WRONG)]

    tab_to(page, page.get_by_label("temperature", exact=True))
    page.keyboard.press("Control+a")
    page.keyboard.type("1.5")
    expect(page.locator("[data-part=checks] li")).to_have_count(0)
    page.keyboard.press("Control+Enter")
    expect(answer.locator(".pg-state")).to_have_text("Succeeded")
    expect(answer).to_contain_text("Hello from the stub …!")
    expect(answer).to_contain_text("Tokens9 in, 6 out")
    expect(answer.locator(".pill .state")).to_have_count(4)
    sent = json.loads(stub.bodies[-1])
    assert sent == WRONG | {"temperature": 1.5}
    assert '"seed": 1.0' in stub.bodies[-1]  # as it was written, not as a parser would write it

    expect(page.locator("#attempts tbody tr")).to_have_count(2)
    tab_to(page, page.get_by_role("link", name="Compare with the original"))
    page.keyboard.press("Enter")
    expect(page.locator(".changes")).to_contain_text("temperature")
    expect(page.locator(".figures")).to_contain_text("400 Bad Request")
    page.goto(f"{site.url}/w/acme/logs/{failed}/")
    expect(page.locator(".family")).to_contain_text("Replayed twice; the last one succeeded.")
    assert complaints.heard == []
    assert page.title() != "1"


def test_an_answer_and_a_failure_look_right(
    site: Site, stub: Provider, log: Any, context: BrowserContext, signed_in: Any
) -> None:
    page = signed_in(context, site.people.alice)
    complaints = look.Complaints(page, site.url)
    found, failed = [], log(WRONG)
    answered, refused = (look.Inspection(page, f"playground-{name}", "main") for name in ("answered", "failed"))
    for width, height in look.SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        open_playground(page, site)
        page.get_by_label("Target", exact=True).select_option("provider:demo")
        page.get_by_label("Model", exact=True).fill("demo")
        page.get_by_label("Content of message 1").fill("Weather in Köln?")
        page.keyboard.press("Control+Enter")
        expect(page.locator(".pg-state")).to_have_text("Succeeded")
        found += answered.problems()
        open_playground(page, site, f"?log={failed}")
        page.keyboard.press("Control+Enter")
        expect(page.locator(".pg-state")).to_have_text("Failed")
        found += refused.problems()
    assert found + complaints.heard == []


def test_an_answer_that_is_still_coming_looks_right(
    site: Site, stub: Provider, log: Any, context: BrowserContext, signed_in: Any
) -> None:
    context.add_init_script(path=WATCH)
    page = signed_in(context, site.people.alice)
    complaints = look.Complaints(page, site.url)
    slow = {"x-portkey-provider": "openai", "x-portkey-custom-host": f"{stub.url}/x/halfway/v1"}
    found, silent = [], log(WRONG, request_headers=slow)
    streaming = look.Inspection(page, "playground-streaming", "main")
    for width, height in look.SIZES.items():
        stub.go_on.clear()
        page.set_viewport_size({"width": width, "height": height})
        open_playground(page, site, f"?log={silent}")
        page.evaluate("takeShifts()")
        page.keyboard.press("Control+Enter")
        expect(page.locator(".pg-said")).to_have_text("Hello from the")
        expect(page.get_by_role("button", name="Stop")).to_be_visible()
        found += streaming.problems()
        stub.go_on.set()
        expect(page.locator(".pg-state")).to_have_text("Succeeded")
        shifts = page.evaluate("takeShifts()")
        assert sum(shift["value"] for shift in shifts) <= look.SHIFT_LIMIT, shifts
    assert found + complaints.heard == []


def test_the_form_and_the_json_stay_in_step(site: Site, context: BrowserContext, signed_in: Any) -> None:
    page = signed_in(context, site.people.alice)
    complaints = look.Complaints(page, site.url)
    open_playground(page, site)
    body = page.locator("#pg-body")
    page.get_by_label("Content of message 1").fill("Weather in Köln?")
    page.get_by_role("button", name="assistant").click()
    page.keyboard.type("It rains.")
    page.keyboard.press("Alt+ArrowUp")
    expect(page.locator("[data-key='messages/0/content']")).to_be_focused()
    page.get_by_role("button", name="Tool call").click()
    expect(page.locator("[data-part=checks]")).to_contain_text("has no result")
    page.get_by_label("Add a parameter").select_option("max_tokens")
    page.keyboard.type("00")
    value = json.loads(body.input_value())
    assert [message["role"] for message in value["messages"]] == ["assistant", "user"]
    assert (value["messages"][0]["content"], value["max_tokens"]) == ("It rains.", 100)

    for _ in range(2):
        page.keyboard.press("Control+z")
    assert "max_tokens" not in body.input_value()
    page.keyboard.press("Control+Shift+z")
    assert "max_tokens" in body.input_value()

    page.get_by_role("button", name="JSON", exact=True).click()
    body.fill('{"model": "m", "messages": [{"role": "user", "content": "a"}], "n": }')
    expect(page.locator("[data-part=checks]")).to_contain_text("Line 1, column 69: this is no JSON value.")
    expect(page.locator("[data-part=run]")).to_be_disabled()
    body.fill('{"model": "m", "messages": [{"role": "user", "content": "a"}], "ours": [1.50]}')
    page.get_by_role("button", name="Form", exact=True).click()
    expect(page.get_by_label("Content of message 1")).to_have_value("a")

    page.reload()  # a draft survives
    expect(page.locator("[data-part=draft]")).to_be_visible()
    assert "1.50" in body.input_value()
    page.get_by_role("button", name="Start over").click()
    expect(page.locator("[data-part=draft]")).to_be_hidden()
    assert "ours" not in body.input_value()
    assert complaints.heard == []


def test_side_by_side_and_several_times_by_keyboard(
    site: Site, stub: Provider, log: Any, context: BrowserContext, signed_in: Any
) -> None:
    page = signed_in(context, site.people.alice)
    open_playground(page, site, f"?log={log(WRONG | {'temperature': 1})}")
    tab_to(page, page.get_by_label("How many times"))
    page.keyboard.press("Control+a")
    page.keyboard.type("2")
    tab_to(page, page.get_by_role("button", name="Side by side"))
    page.keyboard.press("Enter")
    other = page.get_by_label("Answers 2")
    tab_to(page, other.get_by_label("Model"))
    page.keyboard.type("other")
    tab_to(page, other.get_by_label("Other parameters, as JSON"))
    page.keyboard.type('{"temperature": 5}')
    page.keyboard.press("Control+Enter")
    expect(page.locator("#attempts tbody tr")).to_have_count(4)
    expect(page.get_by_label("Answers 1").locator(".pg-state")).to_have_text(["Succeeded"] * 2)
    expect(other.locator(".pg-state")).to_have_text(["Failed"] * 2)
    asked = sorted((body["model"], body["temperature"]) for body in map(json.loads, stub.bodies))
    assert asked == [("gpt-4o-mini", 1)] * 2 + [("other", 5)] * 2


def test_a_silent_provider_can_be_stopped(
    site: Site, stub: Provider, log: Any, context: BrowserContext, signed_in: Any
) -> None:
    page = signed_in(context, site.people.alice)
    open_playground(page, site, f"?log={log(WRONG, request_headers={'x-portkey-provider': 'openai', 'x-portkey-custom-host': f'{stub.url}/x/hang/v1'})}")  # fmt: skip
    page.keyboard.press("Control+Enter")
    assert stub.arrived.wait(20)
    page.keyboard.press("Escape")
    expect(page.locator(".pg-state")).to_have_text("Stopped")
    expect(page.locator("[data-part=run]")).to_be_visible()


@pytest.mark.parametrize(
    ("path", "kind", "body", "words"),
    [
        ("completions", "completion", {"model": "m", "prompt": "Once"}, "Hello from the stub …!"),
        ("embeddings", "embedding", {"model": "m", "input": ["Once"]}, "Cosine distance to the original0.040000"),
    ],
)
def test_completions_and_embeddings(
    path: str, kind: str, body: Any, words: str, site: Site, log: Any, context: BrowserContext, signed_in: Any
) -> None:
    was = b'{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.8,0.6]}]}'
    of_log = log(body, path, request_type=kind, response_body=was)
    page = signed_in(context, site.people.alice)
    open_playground(page, site, f"?log={of_log}")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".pg-answer")).to_contain_text(words)


def test_what_is_copied_calls_capture_and_holds_no_secret(
    site: Site, log: Any, context: BrowserContext, signed_in: Any, settings: Settings
) -> None:
    settings.CALLS_URL = "https://llm.example.org"
    page = signed_in(context, site.people.alice)
    open_playground(page, site, f"?log={log(WRONG)}")
    for kind in ("curl", "portkey", "openai", "json"):
        page.get_by_role("button", name="Copy as").click()
        page.locator(f"[data-snippet={kind}]").click()
        text = page.locator(f"[data-snippet={kind}]").get_attribute("data-copy") or ""
        assert "Be brief." in text
        assert not re.search(r"sk-|plk_|\*\*\*", text)
        page.keyboard.press("Escape")
        if kind == "json":
            assert json.loads(text) == WRONG
            continue
        assert "https://llm.example.org/v1" in text
        if kind != "curl":
            compile(text, kind, "exec")
