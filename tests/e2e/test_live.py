"""Following the list: what arrives is shown in its place, and what is being read stays where it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.conftest import Site

pytestmark = pytest.mark.browser


def send(site: Site, *users: str, ago: timedelta = timedelta()) -> None:
    time = datetime.now(UTC) - ago
    logs = [
        {
            "request": {"url": "https://api.openai.com/v1/chat/completions", "body": {"model": "gpt-live"}},
            "response": {"status": 200, "body": {"choices": []}},
            "metadata": {"_user": user},
            "createdAt": (time + timedelta(milliseconds=n)).isoformat(timespec="milliseconds"),
        }
        for n, user in enumerate(users)
    ]
    answer = httpx.post(f"{site.url}/v1/logs", json=logs, headers={"x-portkey-api-key": site.api_key}, trust_env=False)
    answer.raise_for_status()


def users(page: Page, part: str = "tbody") -> list[str]:
    return page.locator(f"{part} tr.log .c-user > .cut").all_inner_texts()


def test_live(site: Site, context: BrowserContext, signed_in: Any) -> None:
    page = signed_in(context, site.people.alice)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{site.url}/w/acme/logs/")
    live = page.get_by_role("button", name="Live")
    page.keyboard.press("l")
    expect(live).to_have_attribute("aria-pressed", "true")

    # At the top new rows are simply there, in the order of their time.
    send(site, "new-1", "new-2")
    expect(page.locator("tr.log").first).to_contain_text("new-2")
    assert users(page)[:2] == ["new-2", "new-1"]
    expect(page.locator("#announce")).to_have_text("2 new logs arrived")
    expect(page.locator("[data-news]")).to_be_hidden()

    # Where somebody reads further down, nothing moves, and a note says what came.
    row = page.locator("tr.log").nth(20)
    row.evaluate("row => scrollTo(0, row.getBoundingClientRect().top - 200)")
    before = row.evaluate("row => row.getBoundingClientRect().top")
    row_id = row.get_attribute("data-log-id")
    send(site, "new-3", "new-4", "new-5")
    expect(page.locator("[data-news]")).to_have_text("3 new logs")
    assert page.locator(f'[data-log-id="{row_id}"]').evaluate(
        "row => row.getBoundingClientRect().top"
    ) == pytest.approx(before, abs=1)
    page.locator("[data-news]").click()
    expect(page.locator("[data-news]")).to_be_hidden()
    assert users(page)[:3] == ["new-5", "new-4", "new-3"]

    # An open log stays open, and the rows behind it stay where they are.
    page.locator("tr.log .row-link").nth(2).click()
    expect(page.locator("#panel-title")).to_be_visible()
    before = page.locator('tr.log[aria-current="true"]').evaluate("row => row.getBoundingClientRect().top")
    send(site, "new-6")
    expect(page.locator("tr.log").first).to_contain_text("new-6")
    assert page.locator('tr.log[aria-current="true"]').evaluate(
        "row => row.getBoundingClientRect().top"
    ) == pytest.approx(before, abs=1)
    page.keyboard.press("Escape")

    # Late ones: in their place where the page reaches back to it, else above all.
    send(site, "late", ago=timedelta(minutes=10))
    expect(page.get_by_text("late", exact=True)).to_be_attached()
    assert users(page, "tbody:not(.late)").index("late") > 5
    send(site, "very late", ago=timedelta(days=3))
    expect(page.locator("tbody.late tr.log")).to_contain_text("very late")
    expect(page.locator("tbody.late th")).to_have_text("Arrived late")

    # Filters are honoured, and the rows that come are real ones.
    page.goto(f"{site.url}/w/acme/logs/?user=wanted")
    page.get_by_role("button", name="Live").click()
    send(site, "unwanted", "wanted")
    expect(page.locator("tr.log")).to_have_count(1)
    page.get_by_role("button", name="Live").click()
    send(site, "wanted")
    page.get_by_role("button", name="Live").click()
    expect(page.locator("tr.log")).to_have_count(2)
    page.locator("tr.log .row-link").first.click()
    expect(page.locator("#panel-title")).to_contain_text("gpt-live")
    assert errors == []


def held(page: Page) -> tuple[float, float]:
    """DOM nodes and bytes of JavaScript that the page holds."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable")
    devtools.send("HeapProfiler.collectGarbage")
    metrics = {each["name"]: each["value"] for each in devtools.send("Performance.getMetrics")["metrics"]}
    devtools.detach()
    return metrics["Nodes"], metrics["JSHeapUsedSize"]


def test_a_flood_neither_jumps_nor_grows(site: Site, context: BrowserContext, signed_in: Any) -> None:
    page = signed_in(context, site.people.alice)
    page.goto(f"{site.url}/w/acme/logs/")
    page.get_by_role("button", name="Live").click()
    row = page.locator("tr.log").nth(10)
    row.evaluate("row => scrollTo(0, row.getBoundingClientRect().top - 100)")
    row_id, before = row.get_attribute("data-log-id"), row.evaluate("row => row.getBoundingClientRect().top")
    looks = []
    for n in range(5):
        note = page.locator("[data-news]").inner_text()
        send(site, *(f"flood-{n}-{m}" for m in range(120)))
        expect(page.locator("[data-news]")).not_to_have_text(note)
        assert page.locator(f'[data-log-id="{row_id}"]').evaluate(
            "row => row.getBoundingClientRect().top"
        ) == pytest.approx(before, abs=1)
        looks.append((page.locator("tr.log").count(), *held(page)))
    expect(page.locator("[data-news]")).to_contain_text("More than")
    # All that is above a reader's place is kept: from some point on nothing more is put there.
    rows, nodes, heap = zip(*looks, strict=True)
    assert max(rows) <= 300
    assert nodes[-1] < 1.1 * nodes[2]
    assert heap[-1] < heap[2] + 2_000_000
    page.locator("[data-news]").click()
    expect(page.locator("tr.log")).to_have_count(50)
