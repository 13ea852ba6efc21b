"""The walk through the logs with nothing but a keyboard, and what a shared address shows to whom.

Back and forward are the browser's own: a browser without a window has no keys for them.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, Route, expect

from tests.e2e.conftest import Site
from tests.factories import PASSWORD

pytestmark = pytest.mark.browser

PANEL = "#log-panel"
TITLE = "#panel-title"
LONGEST_WAY = 90  # presses of Tab


@pytest.fixture
def page(site: Site, context: BrowserContext, signed_in: Any) -> Page:
    """The list, as alice has it before her."""
    page: Page = signed_in(context, site.people.alice)
    page.goto(site.url + "/w/acme/logs/")
    return page


def rows(page: Page) -> Locator:
    return page.locator("tr.log .row-link")


def path_of(page: Page) -> str:
    return urlsplit(page.url).path


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def tab_to(page: Page, target: Locator, key: str = "Tab") -> None:
    """Press Tab until the target has the focus: whatever is reached so is within reach of a keyboard."""
    target.wait_for()
    for _ in range(LONGEST_WAY):
        page.keyboard.press(key)
        if target.evaluate("element => element === document.activeElement"):
            return
    pytest.fail(f"Tab does not reach {target}")


def expect_log(page: Page, row: Locator) -> None:
    """The panel shows the log of that row, under the log's own address."""
    id = row.locator("xpath=ancestor::tr").get_attribute("data-log-id")
    expect(page.locator(PANEL)).to_have_attribute("data-log-id", id or "")
    expect(page.locator(TITLE)).to_be_focused()
    expect(page).to_have_url(re.compile(rf"/w/acme/logs/{id}/(\?.*)?$"))


def test_signing_in_leads_back_to_the_log_that_was_asked_for(site: Site, context: BrowserContext) -> None:
    page = context.new_page()
    page.goto(site.url + site.log("chat_tools"))
    assert path_of(page) == "/accounts/login/"
    expect(page.get_by_label("E-mail")).to_be_focused()
    page.keyboard.type("alice@example.org")
    press(page, "Tab")
    page.keyboard.type(PASSWORD)
    press(page, "Enter")
    expect(page).to_have_url(site.url + site.log("chat_tools"))
    expect(page.locator(PANEL)).to_have_attribute("data-log-id", site.logs["chat_tools"])


def test_a_log_opens_and_closes_and_the_focus_comes_back(page: Page, site: Site) -> None:
    press(page, "j")
    expect(rows(page).nth(0)).to_be_focused()
    press(page, "j", "j", "k")
    expect(rows(page).nth(1)).to_be_focused()
    press(page, "Enter")
    expect_log(page, rows(page).nth(1))

    page.go_back()
    expect(page.locator(PANEL)).to_be_hidden()
    expect(page).to_have_url(site.url + "/w/acme/logs/")
    expect(rows(page).nth(1)).to_be_focused()

    page.go_forward()
    expect_log(page, rows(page).nth(1))
    press(page, "Escape")
    expect(page.locator(PANEL)).to_be_hidden()
    expect(page).to_have_url(site.url + "/w/acme/logs/")
    expect(rows(page).nth(1)).to_be_focused()


def test_walking_from_log_to_log_and_back_to_the_list_in_one_step(page: Page, site: Site) -> None:
    press(page, "j", "Enter")
    expect_log(page, rows(page).nth(0))
    press(page, "j")
    expect_log(page, rows(page).nth(1))
    press(page, "j")
    expect_log(page, rows(page).nth(2))
    press(page, "k")
    expect_log(page, rows(page).nth(1))
    expect(page.locator("tr.log[aria-current=true] .row-link")).to_have_count(1)
    page.go_back()
    expect(page.locator(PANEL)).to_be_hidden()
    expect(page).to_have_url(site.url + "/w/acme/logs/")
    expect(rows(page).nth(1)).to_be_focused()


def test_walking_goes_on_past_the_end_of_the_page(page: Page) -> None:
    count = rows(page).count()
    rows(page).nth(count - 1).focus()
    press(page, "Enter")
    expect_log(page, rows(page).nth(count - 1))
    last = page.locator(PANEL).get_attribute("data-log-id")
    press(page, "j")
    expect(page.locator(PANEL)).not_to_have_attribute("data-log-id", last or "")
    expect(page.locator(TITLE)).to_be_focused()
    press(page, "k")
    expect_log(page, rows(page).nth(count - 1))


def test_sharing_copies_the_address(page: Page, site: Site, context: BrowserContext) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=site.url)
    press(page, "j", "Enter")
    expect_log(page, rows(page).nth(0))
    tab_to(page, page.get_by_role("button", name="Share"), "Shift+Tab")
    press(page, "Enter")
    expect(page.get_by_text("Link copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == page.url

    press(page, "j")
    expect_log(page, rows(page).nth(1))
    press(page, "c")
    expect(page.get_by_text("Link copied")).to_have_count(2)
    assert page.evaluate("navigator.clipboard.readText()") == page.url


def test_the_three_views_of_a_body(page: Page, site: Site) -> None:
    page.goto(site.url + site.log("chat_tools"))
    request = page.locator("#request")
    tab_to(page, request.get_by_role("link", name="JSON"))
    press(page, "Enter")
    expect(request.locator(".tree")).to_contain_text("messages")
    expect(request.get_by_role("link", name="JSON")).to_be_focused()
    assert parse_qs(urlsplit(page.url).query) == {"request": ["json"]}

    press(page, "Tab")
    expect(request.get_by_role("link", name="Raw")).to_be_focused()
    press(page, "Enter")
    expect(request.locator("pre.raw")).to_contain_text('{"model":')
    expect(request.get_by_role("link", name="Raw")).to_be_focused()
    assert parse_qs(urlsplit(page.url).query) == {"request": ["raw"]}
    page.reload()
    expect(request.locator("pre.raw")).to_be_visible()
    expect(page.locator("#response .talk")).to_be_visible()

    tab_to(page, request.get_by_role("link", name="Pretty"))
    press(page, "Enter")
    expect(request.locator(".message").first).to_be_visible()


def test_the_help_and_the_guide_open_and_close(page: Page) -> None:
    press(page, "?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    press(page, "Escape")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_hidden()

    button = page.get_by_role("button", name="What do these mean?")
    tab_to(page, button)
    press(page, "Enter")
    guide = page.get_by_role("dialog", name="What the status shows")
    expect(guide).to_be_visible()
    for text in ("Cache Semantic Hit", "Retry Failed", "Fallback Triggered on Option", "Loadbalancer Active"):
        expect(guide).to_contain_text(text)
    press(page, "Escape")
    expect(guide).to_be_hidden()
    expect(button).to_be_focused()


def test_status_words_show_on_focus_and_on_hover(page: Page, site: Site) -> None:
    words = re.compile("Cache (Disabled|Miss|Hit).Retry .+.Fallback .+.Loadbalancer .+", re.DOTALL)
    press(page, "j")
    expect(page.locator(".tip")).to_have_text(words)
    press(page, "Escape")
    expect(page.locator(".tip")).to_be_hidden()

    page.locator(f'[data-log-id="{site.logs["fallback_option1"]}"] .pill').hover()
    expect(page.locator(".tip")).to_contain_text("Fallback Triggered on Option 1")


def test_filters(page: Page, site: Site) -> None:
    everything = rows(page).count()
    press(page, "f")
    form = page.locator("form.filters")
    expect(form.locator("input, select").first).to_be_focused()
    tab_to(page, form.get_by_label("Cache"))
    page.keyboard.type("Cache Hit")
    tab_to(page, form.get_by_role("button", name="Show logs"))
    press(page, "Enter")
    expect(page.locator(".chip")).to_have_text("Cache Hit")
    expect(page).to_have_url(site.url + "/w/acme/logs/?cache=hit")
    assert 0 < rows(page).count() < everything
    assert page.locator('tr.log [data-status="cache"][data-state="hit"]').count() == rows(page).count()

    press(page, "j", "Enter")
    expect_log(page, rows(page).nth(0))
    assert urlsplit(page.url).query == "cache=hit"
    press(page, "Escape")
    expect(page).to_have_url(site.url + "/w/acme/logs/?cache=hit")

    tab_to(page, page.get_by_role("link", name="Remove the filter"))
    press(page, "Enter")
    expect(page.locator(".chip")).to_have_count(0)
    expect(page).to_have_url(site.url + "/w/acme/logs/")
    page.go_back()
    expect(page.locator(".chip")).to_have_text("Cache Hit")


def test_the_query_bar(page: Page, site: Site) -> None:
    press(page, "/")
    bar = page.get_by_role("combobox", name="Filter logs")
    expect(bar).to_be_focused()
    options = page.get_by_role("option")
    page.keyboard.type("cac")
    expect(options.first).to_have_text(re.compile("cache:"))
    expect(bar).to_have_attribute("aria-expanded", "true")
    press(page, "ArrowDown", "Enter")
    expect(bar).to_have_value("cache:")
    expect(options).not_to_have_count(0)
    page.keyboard.type("h")
    expect(options).to_have_count(3)
    press(page, "ArrowDown")
    expect(bar).to_have_attribute("aria-activedescendant", "query-option-1")
    press(page, "Enter")
    expect(bar).to_have_value("cache:hit ")
    press(page, "Enter")
    expect(page).to_have_url(site.url + "/w/acme/logs/?cache=hit")
    expect(page.locator(".chip")).to_have_text("Cache Hit")
    assert page.locator('tr.log [data-status="cache"][data-state="hit"]').count() == rows(page).count() > 0

    press(page, "/")
    page.keyboard.type(" -modle:x")
    press(page, "Escape", "Enter")
    expect(page.locator("#query-error")).to_contain_text("There is no filter modle")
    expect(rows(page)).to_have_count(0)
    page.go_back()
    expect(bar).to_have_value("cache:hit")


def test_the_histogram_narrows_the_time(page: Page, site: Site) -> None:
    columns = page.locator("[data-histogram] a")
    expect(columns).not_to_have_count(0)
    tab_to(page, columns.first)
    press(page, "Shift+ArrowRight", "Enter")
    expect(page.locator(".chip")).to_have_count(2)
    asked = parse_qs(urlsplit(page.url).query)
    assert set(asked) == {"since", "until"}
    page.go_back()
    expect(page.locator(".chip")).to_have_count(0)

    expect(columns).not_to_have_count(0)
    first, last = (columns.nth(at).locator(".room").bounding_box() for at in (0, -1))
    assert first is not None
    assert last is not None
    page.mouse.move(first["x"] + 2, first["y"] + 20)
    page.mouse.down()
    page.mouse.move(last["x"] + 2, last["y"] + 20, steps=5)
    page.mouse.up()
    expect(page.locator(".chip")).to_have_count(2)
    assert rows(page).count() > 0


def test_from_a_value_to_the_logs_that_have_it(page: Page, site: Site) -> None:
    press(page, "j")
    only = rows(page).first.locator("xpath=ancestor::tr").get_by_role("link", name="Only openai")
    tab_to(page, only)
    expect(only).to_be_visible()
    press(page, "Enter")
    expect(page.locator(".chip")).to_have_text("Provider openai")
    expect(page).to_have_url(site.url + "/w/acme/logs/?provider=openai")

    press(page, "j", "Enter")
    expect_log(page, rows(page).nth(0))
    tab_to(page, page.locator(".facts").get_by_role("link", name="Without openai"))
    press(page, "Enter")
    expect(page.locator(".chip")).to_have_text("Provider not openai")
    expect(page.locator("#log-panel")).to_be_hidden()


def test_a_filter_that_cannot_be_understood_says_so_beside_its_field(page: Page) -> None:
    press(page, "f")
    field = page.locator("form.filters").get_by_label("HTTP status")
    tab_to(page, field)
    page.keyboard.type("abc")
    press(page, "Enter")
    expect(page.locator(".filters .field-error")).to_be_visible()
    expect(field).to_have_value("abc")
    expect(rows(page)).to_have_count(0)


def test_older_and_newer(page: Page, site: Site) -> None:
    top = page.locator("tr.log").first
    newest = top.get_attribute("data-log-id") or ""
    tab_to(page, page.get_by_role("link", name="Older").first)
    press(page, "Enter")
    expect(top).not_to_have_attribute("data-log-id", newest)
    assert "cursor" in parse_qs(urlsplit(page.url).query)
    press(page, "j")
    expect(rows(page).first).to_be_focused()
    page.go_back()
    expect(top).to_have_attribute("data-log-id", newest)
    expect(page).to_have_url(site.url + "/w/acme/logs/")
    page.go_forward()
    expect(top).not_to_have_attribute("data-log-id", newest)
    tab_to(page, page.get_by_role("link", name="Newer").first)
    press(page, "Enter")
    expect(top).to_have_attribute("data-log-id", newest)


def test_a_log_that_is_opened_while_another_list_is_on_its_way_stays_open(page: Page, site: Site) -> None:
    late: list[Route] = []
    page.route("**/logs/?feedback=unresolved", lambda route: late.append(route))
    with page.expect_request("**/logs/?feedback=unresolved"):
        page.get_by_role("link", name="Needs a look").click()
    opened = rows(page).nth(1)
    id = opened.locator("xpath=ancestor::tr").get_attribute("data-log-id") or ""
    opened.click()
    expect_log(page, opened)
    late[0].continue_()
    expect(rows(page)).to_have_count(0)  # the list has come
    expect(page.locator(PANEL)).to_have_attribute("data-log-id", id)
    assert path_of(page) == f"/w/acme/logs/{id}/"
    press(page, "Escape")
    expect(page).to_have_url(site.url + "/w/acme/logs/")


def test_two_tabs_do_not_disturb_each_other(page: Page, site: Site, context: BrowserContext) -> None:
    press(page, "j")
    with context.expect_page() as opened:
        press(page, "Control+Enter")
    other = opened.value
    expect(other.locator(TITLE)).to_be_visible()
    expect(page.locator(PANEL)).to_be_hidden()
    expect(page).to_have_url(site.url + "/w/acme/logs/")

    press(page, "j", "Enter")
    expect_log(page, rows(page).nth(1))
    press(other, "Escape")
    expect(other.locator(PANEL)).to_be_hidden()
    expect_log(page, rows(page).nth(1))


def test_a_shared_address_opens_for_colleagues_and_for_nobody_else(
    page: Page, site: Site, new_context: Any, signed_in: Any
) -> None:
    press(page, "j", "j", "Enter")
    expect_log(page, rows(page).nth(1))
    address = page.url
    colleague = signed_in(new_context(), site.people.bob)
    colleague.goto(address)
    expect(colleague.locator(PANEL)).to_have_attribute("data-log-id", address.rstrip("/").rpartition("/")[2])
    expect(rows(colleague).first).to_be_visible()

    stranger = signed_in(new_context(), site.people.charlie)
    answer = stranger.goto(address)
    assert answer is not None
    assert answer.status == 404
    expect(stranger.get_by_role("heading", name="There is nothing here")).to_be_visible()


def test_the_first_press_of_tab_offers_the_way_past_the_navigation(page: Page) -> None:
    press(page, "Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    press(page, "Enter", "Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")


def test_signing_out(page: Page, site: Site) -> None:
    tab_to(page, page.get_by_role("button", name="Account"))
    press(page, "Enter")
    tab_to(page, page.get_by_role("button", name="Sign out"))
    press(page, "Enter")
    expect(page).to_have_url(site.url + "/accounts/login/")
    page.goto(site.url + "/w/acme/logs/")
    assert path_of(page) == "/accounts/login/"
