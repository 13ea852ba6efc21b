"""Without JavaScript nothing is lost but comfort: every page and every form works by itself."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.e2e.conftest import Site
from tests.factories import PASSWORD
from tests.logs.ingest.gateway_fixtures import FIXTURES

pytestmark = pytest.mark.browser


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    return browser_context_args | {"java_script_enabled": False}


@pytest.fixture
def page(site: Site, context: BrowserContext, signed_in: Any) -> Page:
    """The list, as alice has it before her."""
    page: Page = signed_in(context, site.people.alice)
    page.goto(site.url + "/w/acme/logs/")
    return page


def rows(page: Page) -> Locator:
    return page.locator("tr.log")


def open_log(page: Page, row: Locator) -> str:
    id = row.get_attribute("data-log-id")
    row.locator(".row-link").click()
    expect(page.locator("#log-panel")).to_have_attribute("data-log-id", id or "")
    assert urlsplit(page.url).path == f"/w/acme/logs/{id}/"
    return id or ""


def sign_in(page: Page, email: str) -> None:
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def test_signing_in_and_out(site: Site, context: BrowserContext) -> None:
    page = context.new_page()
    page.goto(site.url + site.log("chat_plain"))
    sign_in(page, "bob@example.org")
    expect(page.locator("#log-panel")).to_have_attribute("data-log-id", site.logs["chat_plain"])
    page.get_by_role("button", name="Account").click()
    page.get_by_role("button", name="Sign out").click()
    page.goto(site.url + "/w/acme/logs/")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_the_list_says_its_states_times_and_days(page: Page) -> None:
    assert rows(page).count() == 50
    expect(page.locator("tr.day").first).to_have_text("Today")
    expect(rows(page).first.locator(".pill")).to_contain_text("Cache Disabled, Retry Not Triggered, Fallback Disabled")
    page.locator("[popovertarget=guide]:visible").first.click()
    expect(page.locator("#guide")).to_contain_text("Cache Semantic Hit")


def test_paging(page: Page, site: Site) -> None:
    first = rows(page).first.get_attribute("data-log-id") or ""
    page.get_by_role("link", name="Older").first.click()
    expect(rows(page).first).not_to_have_attribute("data-log-id", first)
    page.get_by_role("link", name="Newer").first.click()
    expect(rows(page).first).to_have_attribute("data-log-id", first)


def test_filters(page: Page, site: Site) -> None:
    page.get_by_role("button", name="Filters").click()
    form = page.locator("form.filters")
    form.get_by_label("Cache").select_option("Cache Hit")
    form.get_by_role("button", name="Show logs").click()
    expect(page.locator(".chip")).to_have_text("Cache Hit")
    assert rows(page).count() == page.locator('tr.log [data-status="cache"][data-state="hit"]').count() > 0
    page.get_by_role("link", name="Remove the filter").click()
    assert rows(page).count() == 50

    page.get_by_role("combobox", name="Filter logs").fill("status:>=500 -provider:nobody")
    page.get_by_role("combobox", name="Filter logs").press("Enter")
    expect(page.locator(".chip")).to_have_count(2)
    page.get_by_role("link", name="Clear all").click()

    rows(page).first.hover()
    rows(page).first.get_by_role("link", name="Only openai").click()
    expect(page.locator(".chip")).to_have_text("Provider openai")
    page.get_by_role("link", name="Remove the filter").click()

    page.get_by_role("link", name="1 h", exact=True).click()
    assert 0 < rows(page).count() < 50


def test_a_view_with_its_columns_is_saved_and_opened(page: Page, site: Site) -> None:
    page.get_by_role("button", name="Columns").click()
    chooser = page.locator("form.columns")
    chooser.get_by_role("checkbox", name="User").uncheck()
    chooser.get_by_role("checkbox", name="Provider").check()
    chooser.get_by_role("button", name="Move Status to the left").click()
    heads = page.locator("thead th")
    expect(heads).to_have_text(
        ["Timestamp", "Type", "Model", "Status", "Tokens (cost)", "Latency", "Score", "Provider"]
    )

    page.get_by_role("link", name="24 h", exact=True).click()
    page.get_by_role("button", name="Views").click()
    page.get_by_label("Save these filters as").fill("Today")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("button", name="View: Today")).to_be_visible()
    page.get_by_role("link", name="1 h", exact=True).click()
    page.get_by_role("button", name="View: Today changed").click()
    page.get_by_role("button", name="Save the changes to Today").click()
    page.get_by_role("button", name="View: Today").click()
    page.get_by_role("link", name="Settings of Today").click()
    page.get_by_label("The list opens with it").check()
    page.get_by_role("button", name="Save").click()
    page.goto(site.url + "/w/acme/logs/")
    expect(page.get_by_role("link", name="1 h", exact=True)).to_have_attribute("aria-current", "true")
    page.get_by_role("button", name="View: Today").click()
    page.get_by_role("link", name="All logs").click()
    assert rows(page).count() == 50


def test_a_bad_filter_says_so_beside_its_field(page: Page, site: Site) -> None:
    page.goto(site.url + "/w/acme/logs/?status=abc")
    expect(page.locator(".filters .field-error")).to_be_visible()
    expect(rows(page)).to_have_count(0)
    page.locator("form.filters").get_by_label("HTTP status").fill("429")
    page.get_by_role("button", name="Show logs").click()
    expect(rows(page).first.locator(".code")).to_have_text("429")


def test_a_log_its_neighbours_and_the_way_back(page: Page, site: Site) -> None:
    opened = open_log(page, rows(page).nth(1))
    page.get_by_role("link", name="Older log").click()
    expect(page.locator("#log-panel")).not_to_have_attribute("data-log-id", opened)
    page.get_by_role("link", name="Newer log").click()
    expect(page.locator("#log-panel")).to_have_attribute("data-log-id", opened)
    page.get_by_role("link", name="Widen to the full page").click()
    page.get_by_role("link", name="Narrow to the side").click()
    page.get_by_role("link", name="Close").click()
    expect(page.locator("#log-panel")).to_be_hidden()
    assert urlsplit(page.url).path == "/w/acme/logs/"


def test_the_three_views_of_a_body(page: Page, site: Site) -> None:
    page.goto(site.url + site.log("chat_tools"))
    request, response = page.locator("#request"), page.locator("#response")
    expect(request.locator(".message").first).to_be_visible()
    request.get_by_role("link", name="JSON").click()
    expect(request.locator(".tree")).to_contain_text("messages")
    response.get_by_role("link", name="Raw").click()
    body = FIXTURES["chat_tools"]["response"]["body"]
    shown = response.locator("pre.raw").text_content() or ""
    assert json.loads(shown) == (json.loads(body) if isinstance(body, str) else body)
    response.get_by_role("link", name="Pretty").click()
    expect(response.locator(".message").first).to_be_visible()
    with page.expect_download() as download:
        response.get_by_role("link", name="Download the response, to the byte").click()
    assert download.value.path().read_text() == shown


def test_a_key_is_made_used_and_revoked(page: Page, site: Site) -> None:
    page.get_by_role("link", name="API keys").click()
    page.get_by_label("Name").fill("Notebook")
    expect(page.locator("[name=scopes]:checked")).to_have_count(1)  # logs.write alone
    page.locator("[name=scopes][value='logs.view']").check()
    page.get_by_role("button", name="Make the key").click()
    key = page.get_by_role("textbox", name="API key").input_value()
    headers = {"x-portkey-api-key": key}
    assert httpx.get(site.url + "/v1/logs", headers=headers, trust_env=False).status_code == 200

    page.get_by_role("link", name="Revoke Notebook").click()
    page.get_by_role("button", name="Revoke the key").click()
    expect(page.get_by_text("is revoked")).to_be_visible()
    expect(page.get_by_role("row", name="Notebook")).to_contain_text("Revoked")


def test_a_colleague_is_invited_and_joins(page: Page, site: Site, new_context: Any) -> None:
    page.get_by_role("link", name="Members").click()
    page.get_by_role("button", name="Make a link").click()
    link = page.get_by_role("textbox", name="Invitation link").input_value()

    colleague = new_context().new_page()
    colleague.goto(link)
    colleague.get_by_label("E-mail").fill("dora@example.org")
    colleague.get_by_label("Name").fill("Dora")
    colleague.get_by_label("Password").fill("a quite unusual sentence")
    colleague.get_by_role("button", name="Make an account and join").click()
    expect(colleague.get_by_text("Welcome to Acme.")).to_be_visible()
    expect(rows(colleague).first).to_be_visible()

    page.reload()
    page.get_by_role("link", name="Members").click()
    expect(page.get_by_role("row", name="Dora")).to_contain_text("dora@example.org")
    again = new_context().new_page()
    answer = again.goto(link)
    assert answer is not None
    assert answer.status == 410
