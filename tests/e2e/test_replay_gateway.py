"""Calls of an SDK that fail behind the real gateway, mended in a browser: from the list to an attempt that succeeds."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import openai
import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from portkey_logs.accounts.models import Actor
from portkey_logs.catalog.models import VirtualKey
from tests.e2e.conftest import Site
from tests.e2e.look import Complaints
from tests.e2e.test_walk import tab_to
from tests.logs.processes import wait_until
from tests.replay.conftest import Servers, gateway_servers
from tests.replay.installation import Provider

__all__ = ["gateway_servers"]
pytestmark = [pytest.mark.browser, pytest.mark.processes]

ASK = [{"role": "user", "content": "Say hi"}]
SAID = "Hello from the stub …!"


@pytest.fixture
def provider(site: Site, gateway_servers: Servers, settings: Any) -> Provider:
    """A provider behind capture and the gateway; the workspace has a virtual key for it."""
    settings.CAPTURE_URL = gateway_servers.capture.url
    settings.TRUSTED_HOSTS = ["127.0.0.1"]
    gateway_servers.provider.reset()
    VirtualKey.create(
        site.people.workspace, "OpenAI", "openai", "sk-of-the-provider", by=Actor(site.people.alice), slug="openai",
        custom_host=f"{gateway_servers.provider.url}/x/strict/v1",
    )  # fmt: skip
    return gateway_servers.provider


@pytest.fixture
def client(site: Site, provider: Provider, gateway_servers: Servers) -> openai.OpenAI:
    """The SDK, as soon as capture knows its key."""
    headers = {"x-portkey-api-key": site.api_key, "x-portkey-virtual-key": "openai"}
    base_url = f"{gateway_servers.capture.url}/v1"
    made = openai.OpenAI(api_key="none", base_url=base_url, default_headers=headers, max_retries=0)

    def is_known() -> bool:
        try:
            made.embeddings.create(model="m", input="ready?")
        except (openai.AuthenticationError, openai.NotFoundError):
            return False
        return True

    wait_until(is_known)
    provider.reset()
    return made


@pytest.fixture
def page(site: Site, context: BrowserContext, signed_in: Any) -> Iterator[Page]:
    found = signed_in(context, site.people.alice)
    complaints = Complaints(found, site.url)
    yield found
    assert complaints.heard == []


def refused(call: Callable[..., Any], **asked: Any) -> str:
    """The id of the log of a call that the provider refused."""
    with pytest.raises(openai.BadRequestError, match="above the maximum of") as caught:
        call(**asked)
    found: str = caught.value.response.headers["x-portkey-log-id"]
    return found


def row_of(page: Page, site: Site, log_id: str) -> Locator:
    """The row of a log that capture has just stored, in the list."""

    def is_there() -> bool:
        page.goto(f"{site.url}/w/acme/logs/")
        return page.locator(f"tr[data-log-id='{log_id}']").count() == 1

    wait_until(is_there)
    return page.locator(f"tr[data-log-id='{log_id}'] .row-link")


def open_playground(page: Page) -> None:
    """From a row that has the focus, or from a log's page."""
    page.wait_for_load_state()  # keys do nothing before the scripts are there
    page.keyboard.press("r")
    expect(page.locator("form[data-ready]")).to_be_visible()


def run(page: Page, state: str) -> Locator:
    """Run the request as it stands; its answer, once it is there."""
    page.keyboard.press("Control+Enter")
    answer = page.locator(".pg-answer")
    expect(answer.locator(".pg-state")).to_have_text(state)
    return answer


def type_over(page: Page, field: Locator, text: str) -> None:
    tab_to(page, field)
    page.keyboard.press("Control+a")
    page.keyboard.type(text)


def follow(page: Page, link: Locator) -> None:
    tab_to(page, link)
    page.keyboard.press("Enter")


def sent(provider: Provider, name: str) -> list[Any]:
    """What the provider received of a parameter, call by call."""
    return [json.loads(body).get(name) for body in provider.bodies]


def test_a_failed_chat_is_mended_with_nothing_but_a_keyboard(
    site: Site, provider: Provider, client: openai.OpenAI, page: Page
) -> None:
    asked = {"model": "gpt-4o-mini", "messages": ASK, "logprobs": True, "top_logprobs": 50, "stream": True}
    failed = refused(client.chat.completions.create, **asked)
    row_of(page, site, failed)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("#log-panel")).to_have_attribute("data-log-id", failed)
    open_playground(page)
    expect(page.locator("[data-part=checks]")).to_contain_text("top_logprobs is 50; it goes from 0 to 20.")
    answer = run(page, "Failed")
    expect(answer).to_contain_text("Invalid 'top_logprobs': above the maximum of 20.")

    type_over(page, page.get_by_label("top_logprobs", exact=True), "5")
    answer = run(page, "Succeeded")
    expect(answer).to_contain_text(SAID)
    assert sent(provider, "top_logprobs") == [50, 50, 5]
    expect(page.locator("#attempts tbody tr")).to_have_count(2)

    follow(page, answer.get_by_role("link", name="Compare with the original"))
    expect(page.locator(".figures")).to_contain_text("400 Bad Request")
    expect(page.locator(".changes .place")).to_have_text(["top_logprobs changed"])
    expect(page.locator(".changes del")).to_have_text("50")
    expect(page.locator(".changes ins")).to_have_text("5")
    page.go_back()

    follow(page, page.locator("#attempts").get_by_role("link", name="Log").first)
    family = page.locator("#log-panel .family")
    expect(family).to_contain_text("A replay of an earlier log, by alice")
    follow(page, family.get_by_role("link", name="an earlier log"))
    expect(page.locator("#log-panel")).to_have_attribute("data-log-id", failed)
    expect(family).to_contain_text("Replayed twice; the last one succeeded.")
    expect(family.get_by_label("Replays of this log").locator(".run-state")).to_have_text(["Succeeded", "Failed"])


def test_a_failed_completion_is_mended(site: Site, provider: Provider, client: openai.OpenAI, page: Page) -> None:
    failed = refused(client.completions.create, model="gpt-3.5-turbo-instruct", prompt="Say hi", best_of=50)
    row_of(page, site, failed).focus()
    open_playground(page)
    page.get_by_label("best_of", exact=True).fill("5")
    answer = run(page, "Succeeded")
    expect(answer).to_contain_text(SAID)
    assert sent(provider, "best_of") == [50, 5]
    answer.get_by_role("link", name="Compare with the original").click()
    expect(page.locator(".changes .place")).to_have_text(["best_of changed"])
    page.goto(f"{site.url}/w/acme/logs/{failed}/")
    expect(page.locator(".family")).to_contain_text("Replayed once; it succeeded.")


def test_a_failed_embedding_is_mended_and_compared_with_that_of_another_model(
    site: Site, provider: Provider, client: openai.OpenAI, page: Page
) -> None:
    failed = refused(client.embeddings.create, model="text-embedding-3-small", input=["Say hi"], dimensions=5000)
    row_of(page, site, failed).focus()
    open_playground(page)
    page.get_by_label("dimensions", exact=True).fill("2")
    answer = run(page, "Succeeded")
    expect(answer).to_contain_text("Embedding 0: 2 dimensions, norm 1")
    assert sent(provider, "dimensions") == [5000, 2]
    answer.get_by_role("link", name="Its log").click()
    expect(page.locator(".family")).to_contain_text("A replay of an earlier log")

    open_playground(page)  # the failed one has no vector to be far from
    page.get_by_label("Model", exact=True).fill("text-embedding-3-large")
    expect(run(page, "Succeeded")).to_contain_text("Cosine distance to the original0.040000")
    page.get_by_role("link", name="Compare with the original").click()
    expect(page.locator(".changes .place")).to_have_text(["model changed"])
    expect(page.locator(".vectors tbody tr")).to_contain_text("0.040000")
