"""Every page, light and dark, wide and on a phone: nothing cut off, nothing jumps, everybody can use it.

``UPDATE_SCREENSHOTS=1`` also draws the pictures of docs/screenshots.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import ConsoleMessage, Page, expect

from tests.e2e.conftest import Site, sign_in
from tests.e2e.views import VIEWS, View

pytestmark = pytest.mark.browser

SIZES = {1440: 900, 390: 844}
THEMES = ("light", "dark")
SHIFT_LIMIT = 0.02  # a fifth of what web.dev's Core Web Vitals call good
AXE_OPTIONS = {
    "resultTypes": ["violations"],
    "selectors": False,  # to name all places takes as long as to look at them
    "preload": False,  # of style sheets, for rules that are none of these
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]},
}
# Of these rules those whose verdict a theme changes; the others have spoken after the first one.
AXE_COLOURS = AXE_OPTIONS | {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
LOOK = Path(__file__).with_name("look.js").read_text()
UNSETTLED = ".htmx-request, .skeleton, .count[aria-hidden], [aria-busy=true]"
SCREENSHOTS = Path(__file__).parents[2] / "docs" / "screenshots"
PICTURES = {
    ("list", "light", 1440), ("list", "dark", 1440), ("list", "light", 390), ("panel", "light", 1440),
    ("panel", "dark", 390), ("panel-json", "dark", 1440), ("keys", "light", 1440),
    ("sign-in", "light", 1440), ("analytics-overview", "light", 1440), ("playground-answered", "light", 1440),
}  # fmt: skip


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_look(view: View, site: Site, shared_page: Page) -> None:
    page = shared_page
    page.emulate_media(color_scheme=THEMES[0])
    if view.who:
        sign_in(page.context, site.url, getattr(site.people, view.who))
    complaints = Complaints(page, site.url)
    found = []
    for width, height in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        answer = page.goto(site.url + (view.path if isinstance(view.path, str) else view.path(site)))
        assert answer is not None
        assert answer.status == view.status
        expect(page.locator(UNSETTLED)).to_have_count(0)
        view.prepare(page)
        expect(page.locator(UNSETTLED)).to_have_count(0)
        shifts = page.evaluate("takeShifts()")
        if sum(shift["value"] for shift in shifts) > SHIFT_LIMIT:
            found.append(f"{width}: moved {shifts}")
        found += [f"{width} {problem}" for problem in problems(page, view.name, view.part, width)]
        found += page.evaluate("refused")
    complaints.end()
    assert found + complaints.heard == []


def problems(page: Page, name: str, part: str | None, width: int) -> Iterator[str]:
    """What is wrong with a page as it stands, in both themes."""
    page.evaluate(AXE_SCRIPT)
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)
        options = AXE_OPTIONS if theme == THEMES[0] else AXE_COLOURS
        yield from (f"{theme}: {problem}" for problem in (*page.evaluate(LOOK), *accessibility(page, part, options)))
        draw(page, name, theme, width)


def accessibility(page: Page, part: str | None, options: dict[str, Any]) -> Iterator[str]:
    """Each place where the page breaks a rule of WCAG 2.2 A or AA that axe can check."""
    run = "([part, options]) => axe.run(part ?? document, options)"
    seen = page.evaluate(run, [part, options])
    if seen["violations"]:
        seen = page.evaluate(run, [part, options | {"selectors": True}])
    for violation in seen["violations"]:
        for node in violation["nodes"]:
            yield f"{violation['id']} {node['target']} {node['failureSummary']} {node['html'][:200]}"


class Complaints:
    """What the browser says against a page, and every request that leaves for elsewhere."""

    def __init__(self, page: Page, base_url: str) -> None:
        self.heard: list[str] = []
        self._page = page
        self._base_url = base_url
        page.on("console", self._console)
        page.on("pageerror", self._error)
        page.on("request", self._request)

    def end(self) -> None:
        self._page.remove_listener("console", self._console)
        self._page.remove_listener("pageerror", self._error)
        self._page.remove_listener("request", self._request)

    def _console(self, message: ConsoleMessage) -> None:
        is_own_status = message.text.startswith("Failed to load resource") and message.location["url"] == self._page.url
        if message.type in ("error", "warning") and not is_own_status:
            self.heard.append(message.text)

    def _error(self, error: Any) -> None:
        self.heard.append(str(error))

    def _request(self, request: Any) -> None:
        if not request.url.startswith((self._base_url + "/", "data:")):
            self.heard.append(f"request to {request.url}")


def draw(page: Page, name: str, theme: str, width: int) -> None:
    if os.environ.get("UPDATE_SCREENSHOTS") and (name, theme, width) in PICTURES:
        SCREENSHOTS.mkdir(exist_ok=True)
        page.screenshot(path=SCREENSHOTS / f"{name}-{theme}-{width}.png")
