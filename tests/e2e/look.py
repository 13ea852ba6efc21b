"""Checks of a page, light and dark, wide and on a phone: nothing is cut off or jumps, and WCAG 2.2 AA is met.

axe looks at the whole of a page once, when it is wide and light. In the dark it looks at the colours of each kind of
element (``kinds.js``), and on a phone at the kinds that are not on the wide page.

``UPDATE_SCREENSHOTS=1`` also draws the pictures of docs/screenshots.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import ConsoleMessage, Page, expect

from tests.e2e.conftest import Site, sign_in
from tests.e2e.views import View

SIZES = {1440: 900, 390: 844}
THEMES = ("light", "dark")
SHIFT_LIMIT = 0.02  # a fifth of what web.dev's Core Web Vitals call good
AXE_OPTIONS = {
    "resultTypes": ["violations"],
    "selectors": False,  # naming all elements takes as long as checking them
    "preload": False,  # of style sheets, for rules that are none of these
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]},
}
# The rules among these whose verdict depends on the theme.
AXE_COLOURS = AXE_OPTIONS | {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
LOOK = Path(__file__).with_name("look.js").read_text()
KINDS = Path(__file__).with_name("kinds.js").read_text()
UNSETTLED = ".htmx-request, .skeleton, .count[aria-hidden], [aria-busy=true]"
SCREENSHOTS = Path(__file__).parents[2] / "docs" / "screenshots"
PICTURES = {
    ("list", "light", 1440), ("list", "dark", 1440), ("list", "light", 390), ("panel", "light", 1440),
    ("panel", "dark", 390), ("panel-json", "dark", 1440), ("keys", "light", 1440),
    ("sign-in", "light", 1440), ("analytics-overview", "light", 1440), ("playground-answered", "light", 1440),
}  # fmt: skip


def look_at(view: View, site: Site, page: Page) -> None:
    """Check a view at each width, in both themes."""
    page.emulate_media(color_scheme=THEMES[0])
    if view.who:
        sign_in(page.context, site.url, getattr(site.people, view.who))
    complaints, inspection = Complaints(page, site.url), Inspection(page, view.name, view.part)
    problems = []
    for width, height in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        answer = page.goto(site.url + (view.path if isinstance(view.path, str) else view.path(site)))
        assert answer is not None
        assert answer.status == view.status, f"{answer.status} from {answer.url}"
        expect(page.locator(UNSETTLED)).to_have_count(0)
        view.prepare(page)
        expect(page.locator(UNSETTLED)).to_have_count(0)
        shifts = page.evaluate("takeShifts()")
        if sum(shift["value"] for shift in shifts) > SHIFT_LIMIT:
            problems.append(f"{width}: moved {shifts}")
        problems += inspection.problems()
        problems += page.evaluate("refused")
    complaints.end()
    problems += complaints.heard
    assert not problems, "\n".join(problems)


class Inspection:
    """Checks of one page at a width after the other; ``part`` is the element that axe checks, by default all."""

    def __init__(self, page: Page, name: str, part: str | None) -> None:
        self._page = page
        self._name = name
        self._part = part
        self._kinds: dict[str, list[int]] = {theme: [] for theme in THEMES}  # of the elements that axe has checked

    def problems(self) -> Iterator[str]:
        """Problems of the page as it stands, in both themes."""
        width = self._page.viewport_size["width"]
        self._page.evaluate(AXE_SCRIPT)
        for theme in THEMES:
            self._page.emulate_media(color_scheme=theme)
            known = self._kinds[theme]
            self._kinds[theme] = known + self._page.evaluate(KINDS, {"known": known, "part": self._part})
            if theme != THEMES[0]:
                violations = accessibility(self._page, "texts", AXE_COLOURS)
            elif known:
                violations = accessibility(self._page, "examples", AXE_OPTIONS)
            else:
                whole = f"document.querySelectorAll({json.dumps(self._part or 'html')})"
                violations = accessibility(self._page, whole, AXE_OPTIONS)
            for problem in (*self._page.evaluate(LOOK), *violations):
                yield f"{width} {theme}: {problem}"
            draw(self._page, self._name, theme, width)


def accessibility(page: Page, elements: str, options: dict[str, Any]) -> Iterator[str]:
    """Violations of WCAG 2.2 A or AA that axe finds in the elements of a JavaScript expression."""
    run = f"""options => {{
        const include = [...{elements}].filter((element) => element.isConnected);
        return include.length ? axe.run({{ include }}, options) : {{ violations: [] }};
    }}"""
    result = page.evaluate(run, options)
    if result["violations"]:
        result = page.evaluate(run, options | {"selectors": True})
    for violation in result["violations"]:
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
