"""What a page must hold to look right, measured in a browser: each check returns what breaks it, empty when fine."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]

_VISIBLE = "e => e.checkVisibility({visibilityProperty: true, opacityProperty: true})"

_SMALL = f"""() => [...document.querySelectorAll('a, button, input, select, textarea, summary')]
  .filter({_VISIBLE}).map(e => [e, e.getBoundingClientRect()])
  .filter(([, box]) => box.width > 1 && (Math.round(box.width) < 24 || Math.round(box.height) < 24))
  .filter(([e]) => !(e.matches('.prose a')))  // a link in running text is exempt (WCAG 2.5.8)
  .map(([e, box]) => `${{e.outerHTML.slice(0, 120)}} is ${{box.width}} x ${{box.height}}`)"""

# Text that is cut off is fine only where its whole is at hand: a title, or a summary that unfolds it.
_CLIPPED = f"""() => [...document.querySelectorAll('body *')]
  .filter({_VISIBLE})
  .filter(e => e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 1 && e.textContent.trim())
  .filter(e => ['hidden', 'clip'].includes(getComputedStyle(e).overflowX))
  .filter(e => !e.closest('.sr, [title], [data-words], summary, .rail'))
  .map(e => e.outerHTML.slice(0, 120))"""

_SHIFT = """() => new Promise(done => {
  let sum = 0;
  new PerformanceObserver(list => { for (const entry of list.getEntries()) sum += entry.value; })
    .observe({type: 'layout-shift', buffered: true});
  requestAnimationFrame(() => requestAnimationFrame(() => done(sum)));
})"""


def scrolls_sideways(page: Page) -> bool:
    return bool(page.evaluate("() => document.documentElement.scrollWidth > innerWidth"))


def small_targets(page: Page) -> list[str]:
    """Whatever can be clicked and is smaller than 24 x 24 CSS px (WCAG 2.2, 2.5.8)."""
    return list(page.evaluate(_SMALL))


def clipped_text(page: Page) -> list[str]:
    """Elements that hide part of their text without a way to read the rest."""
    return list(page.evaluate(_CLIPPED))


def layout_shift(page: Page) -> float:
    """The sum of layout shifts since the page was loaded, without those that follow a click (CLS)."""
    return float(page.evaluate(_SHIFT))


def axe_violations(page: Page) -> list[dict[str, Any]]:
    """Violations of WCAG A and AA, no rule left out."""
    found = Axe().run(page, options={"runOnly": AXE_TAGS}).response["violations"]
    return [
        {"rule": each["id"], "help": each["help"], "at": [node["target"] for node in each["nodes"][:5]]}
        for each in found
    ]
