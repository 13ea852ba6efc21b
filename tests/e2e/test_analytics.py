"""The analytics page in a browser: a month of logs, one log, none; light and dark, wide and on a phone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e import look
from tests.e2e.conftest import Site
from tests.e2e.views import View

pytestmark = pytest.mark.browser

TABS = ("overview", "users", "errors", "cache", "routing", "summary")


def trace_of(site: Site, name: str) -> str:
    from logs.models import Log

    trace_id = Log.objects.get(id=site.logs[name]).trace_id
    assert trace_id is not None
    return trace_id


def test_look_of_a_month(site: Site, shared_page: Page) -> None:
    from django.core.management import call_command
    from django.db import connection

    from logs.storage import rollups

    call_command("loadgen", logs=2000, days=29.0, workspace="acme", body_kb=0.0)
    rollups.fold(connection, datetime.now(UTC))  # a part of it, as on a busy day
    for tab in TABS:
        view = View(f"analytics-{tab}", f"/w/acme/analytics/{tab}/?compare=1", part="main")
        look.look_at(view, site, shared_page)


def test_look_with_one_log_and_none(site: Site, shared_page: Page) -> None:
    for path in (
        f"overview/?trace_id={trace_of(site, 'chat_tools')}",
        f"errors/?trace_id={trace_of(site, 'provider_error_429')}",
        "?model=none-of-ours",
        "metadata-keys/",
    ):
        look.look_at(View("analytics-little", f"/w/acme/analytics/{path}"), site, shared_page)
    look.look_at(View("analytics-none", "/w/elsewhere/analytics/", who="charlie"), site, shared_page)


def test_a_bar_is_reached_by_keyboard_says_its_value_and_leads_to_its_logs(
    site: Site, context: BrowserContext, signed_in: Any
) -> None:
    page = signed_in(context, site.people.alice)
    page.goto(f"{site.url}/w/acme/analytics/errors/?since=7d")
    expect(page.locator(look.UNSETTLED)).to_have_count(0)
    bar = page.locator("#part-codes .chart a").last
    bar.focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")  # so that the focus is the keyboard's
    words = bar.get_attribute("data-words")
    assert words is not None
    expect(page.locator(".tip")).to_have_text(words)
    count = int(words.split(": ")[1].split(" ")[0])
    page.keyboard.press("Enter")
    expect(page.locator("tr.log")).to_have_count(count)
