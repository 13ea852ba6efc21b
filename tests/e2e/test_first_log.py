"""An empty workspace says how to send the first log, and shows it when it arrives."""

from typing import Any

import pytest
from playwright.sync_api import BrowserContext, expect

pytestmark = pytest.mark.browser


def test_the_first_log_appears_by_itself(site: Any, signed_in: Any, context: BrowserContext) -> None:
    from logs.ingest import writer
    from tests.factories import make_record

    page = signed_in(context, site.people.charlie)
    page.goto(f"{site.url}/w/elsewhere/logs/")
    expect(page.get_by_role("heading", name="Send your first log")).to_be_visible()
    (outcome,) = writer.submit([make_record(site.people.elsewhere.id)])
    assert outcome.state == "stored"
    expect(page.locator("tr.log")).to_have_count(1, timeout=15_000)
    expect(page.get_by_role("heading", name="Send your first log")).to_have_count(0)
