"""Columns that need more room than there is, and widths that somebody gives them."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.conftest import Site

pytestmark = pytest.mark.browser

MANY = "columns=model,provider,status,status_code,trace_id,api_key,latency,meta.env,config,prompt,tokens,user"


def box(page: Page, selector: str) -> dict[str, float]:
    found = page.locator(selector).first.bounding_box()
    assert found is not None
    return dict(found)


def width(page: Page, heading: str) -> float:
    return box(page, f"thead th:text-is('{heading}')")["width"]


def test_headings_and_times_stay_in_sight(site: Site, context: BrowserContext, signed_in: Any) -> None:
    page = signed_in(context, site.people.alice)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"{site.url}/w/acme/logs/?{MANY}")
    still = ["#main > .results > .page-header", ".rail", "tr.log .c-time", "tr.day span"]
    before = [box(page, each)["x"] for each in still]
    page.evaluate("scrollTo(300, 700)")
    expect(page.locator("thead th").nth(2)).to_be_in_viewport()
    assert page.evaluate("[scrollX, scrollY]") == [300, 700]
    assert [box(page, each)["x"] for each in still] == before
    assert box(page, "thead .c-time")["y"] == 0
    assert box(page, "thead .c-model")["x"] < box(page, "thead .c-time")["x"]

    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.scrollingElement.scrollWidth") == 390
    expect(page.get_by_role("link", name="Export")).to_be_hidden()
    page.get_by_role("button", name="More to do with these logs").click()
    expect(page.get_by_role("link", name="Export")).to_be_visible()


def test_widths(site: Site, context: BrowserContext, signed_in: Any) -> None:
    page = signed_in(context, site.people.alice)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"{site.url}/w/acme/logs/")
    before = width(page, "Model")
    grip = box(page, "thead .c-model [data-grip]")
    page.mouse.move(grip["x"] + 4, grip["y"] + 10)
    page.mouse.down()
    page.mouse.move(grip["x"] + 124, grip["y"] + 10, steps=3)
    with page.expect_response("**/logs/columns/") as saved:
        page.mouse.up()
    assert saved.value.status == 303
    assert width(page, "Model") == pytest.approx(before + 120, abs=4)
    drawn = width(page, "Model")
    page.goto(f"{site.url}/w/acme/logs/?since=1h")
    assert width(page, "Model") == drawn

    page.get_by_role("button", name="Columns").click()
    field = page.get_by_role("spinbutton", name="Width of Model in pixels")
    field.focus()
    with page.expect_response("**/logs/columns/") as saved:
        for _ in range(5):
            page.keyboard.press("ArrowDown")
    assert saved.value.status == 303
    assert width(page, "Model") == drawn - 20
    page.get_by_role("button", name="The usual ones").click()
    expect(page.locator("col[width]")).to_have_count(0)
