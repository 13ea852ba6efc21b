"""An open live page while many logs arrive: does it grow, and does what is being read move?

    python -m benchmarks.live SIGN_IN_LINK --api-key "$(cat var/api_key)" [--rate 200] [--seconds 180] [--at-top]

Against a product that runs (``make up`` prints the link), with Chromium. The page is scrolled to its 20th row, as
somebody reads it, or left ``--at-top`` where new rows come in; a client sends logs in batches of a tenth of a second
meanwhile. Prints a table of the page's heap after a collection of garbage, its DOM nodes, event listeners and rows, and
how far the row that is read has moved.
"""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
from playwright.sync_api import Page, sync_playwright

EVERY = 15  # seconds between two looks
BATCHES = 10  # a second
LOG = {
    "request": {
        "url": "https://api.openai.com/v1/chat/completions",
        "body": {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Say hi " * 40}]},
    },
    "response": {"status": 200, "body": {"choices": [{"message": {"role": "assistant", "content": "hi"}}]}},
    "metadata": {"_user": "live"},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("link", help="a fresh sign-in link")
    parser.add_argument("--api-key", required=True)
    parser.add_argument("--workspace", default="demo")
    parser.add_argument("--rate", type=int, default=200, help="logs a second")
    parser.add_argument("--seconds", type=int, default=180)
    parser.add_argument("--at-top", action="store_true", help="watch the newest rows instead of reading others")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    options = parser.parse_args()
    base = "{0.scheme}://{0.netloc}".format(urlsplit(options.link))
    sender = Sender(base, options.api_key, options.rate)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=options.chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(options.link)
        page.locator("main form button").click()
        page.goto(f"{base}/w/{options.workspace}/logs/")
        page.get_by_role("button", name="Live").click()
        print("| seconds | logs sent | heap, MB | DOM nodes | listeners | rows | moved, px |")
        print("|---:|---:|---:|---:|---:|---:|---:|")
        for second, numbers in look(page, options.seconds, options.at_top, sender):
            print(f"| {second} | {sender.sent:,} | " + " | ".join(numbers) + " |", flush=True)
        browser.close()


class Sender:
    """Sends logs at a steady rate from a thread of its own, as far as the server keeps up."""

    def __init__(self, base: str, api_key: str, rate: int) -> None:
        self.sent = 0
        self._url, self._headers, self._size = f"{base}/v1/logs", {"x-portkey-api-key": api_key}, rate // BATCHES
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._send)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *error: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _send(self) -> None:
        start = time.monotonic()
        with httpx.Client(trust_env=False, headers=self._headers, timeout=30) as client:
            while not self._is_over.is_set():
                client.post(self._url, json=[LOG] * self._size).raise_for_status()
                self.sent += self._size
                due = start + self.sent / (self._size * BATCHES)
                self._is_over.wait(max(due - time.monotonic(), 0))


def look(page: Page, seconds: int, at_top: bool, sender: Sender) -> Iterator[tuple[int, list[str]]]:
    """What the page holds, now and then, while the logs arrive."""
    row = page.locator(f'[data-log-id="{page.locator("tr.log").nth(20).get_attribute("data-log-id")}"]')
    place = "row => row.getBoundingClientRect().top"
    if not at_top:
        row.evaluate(f"row => scrollTo(0, ({place})(row) - 300)")
    top = row.evaluate(place)
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable")
    start = time.monotonic()
    with sender:
        for second in range(0, seconds + 1, EVERY):
            page.wait_for_timeout(max(start + second - time.monotonic(), 0) * 1000)
            devtools.send("HeapProfiler.collectGarbage")
            metrics: dict[str, Any] = {
                each["name"]: each["value"] for each in devtools.send("Performance.getMetrics")["metrics"]
            }
            numbers = [
                f"{metrics['JSHeapUsedSize'] / 1e6:.1f}",
                f"{metrics['Nodes']:,.0f}",
                f"{metrics['JSEventListeners']:,.0f}",
                str(page.locator("tr.log").count()),
                "–" if at_top else f"{row.evaluate(place) - top:.1f}",
            ]
            yield second, numbers


if __name__ == "__main__":
    main()
