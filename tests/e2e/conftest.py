"""A running server with a day of logs, and browsers to look at it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.conftest import NO_CHROMIUM

if TYPE_CHECKING:
    from portkey_logs.accounts.models import User
    from tests.e2e.seeding import Seed
    from tests.factories import People

WATCH = Path(__file__).with_name("watch.js")
# A new context takes half as much CPU in the shell, which has no windows to prepare.
CHROMIUM = next(filter(None, map(shutil.which, ("chromium-headless-shell", "chromium", "chromium-browser"))), None)
QUIET = (
    "--no-sandbox",  # the suite also runs as root
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-features="
    # What drops down from the address bar is two pages of the browser's own for each window: loading them takes twice as
    # long as all that a test opens in it.
    "WebUIOmniboxPopup,WebUIOmniboxAimPopup,AimEnabled,"
    # This option takes the place of Playwright's, which has these too.
    "AvoidCorsURLLoaderRestartOnRedirect,AvoidUnnecessaryBeforeUnloadCheckSync,DestroyProfileOnBrowserClose,"
    "HttpsFirstBalancedModeAutoEnable,HttpsUpgrades,LensOverlay,MediaRouter,NetworkTimeServiceQuerying,"
    "OptimizationHints,PaintHolding,PreconnectToSearch,ThirdPartyStoragePartitioning",
)

expect.set_options(timeout=20_000)  # ms, for a busy machine; whoever is answered sooner does not wait


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if CHROMIUM is None:
        for item in items:
            if item.get_closest_marker("browser"):
                item.add_marker(pytest.mark.skip(reason=NO_CHROMIUM))


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    # Playwright's event loop stays in this thread from here on, and Django takes it for asynchronous code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    return {"executable_path": CHROMIUM, "args": list(QUIET)}


@pytest.fixture(scope="session")
def browser_context_args() -> dict[str, Any]:
    return {
        "viewport": {"width": 1440, "height": 900},
        "timezone_id": "UTC",
        "locale": "en-GB",
        "reduced_motion": "reduce",
    }


@pytest.fixture
def server(live_server: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a server with an empty database, and with its own writer of logs."""
    from django.db import connections

    from logs.ingest import writer

    # A client that keeps its connection keeps a thread of the server, which would keep the database in use.
    monkeypatch.setitem(connections.settings["default"], "CONN_MAX_AGE", 0)
    yield live_server.url
    writer.stop()


@dataclass(frozen=True)
class Site:
    """A server with people and logs: ``logs`` has the id of one log of each capture, by the capture's name."""

    url: str
    people: People
    api_key: str
    logs: dict[str, str]

    def log(self, name: str) -> str:
        """The path of the page of that capture's log."""
        return f"/w/acme/logs/{self.logs[name]}/"


@pytest.fixture(scope="session")
def seeds() -> list[Seed]:
    """What was sown last."""
    return []


@pytest.fixture
def site(server: str, seeds: list[Seed]) -> Site:
    from tests.e2e.seeding import Seed

    if seeds and seeds[-1].is_fresh:
        seeds[-1].restore()
    else:
        seeds[:] = [Seed.sow(server)]
    seed = seeds[-1]
    return Site(server, deepcopy(seed.people), seed.api_key, seed.logs)


def sign_in(context: BrowserContext, url: str, user: User) -> None:
    """Let the browser be that person's."""
    from django.conf import settings
    from django.test import Client

    client = Client()
    client.force_login(user)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": url}])


@pytest.fixture
def signed_in(site: Site) -> Callable[[BrowserContext, User], Page]:
    """Gives a new page of the context, in which that person is signed in."""

    def open_page(context: BrowserContext, user: User) -> Page:
        sign_in(context, site.url, user)
        return context.new_page()

    return open_page


@pytest.fixture(scope="module")
def window(browser: Browser, browser_context_args: dict[str, Any]) -> Iterator[Page]:
    """A page that finds what all pages load and run in its caches: half of the work of a new one."""
    context = browser.new_context(**browser_context_args)
    context.add_init_script(path=WATCH)
    yield context.new_page()
    context.close()


@pytest.fixture
def shared_page(window: Page, site: Site) -> Iterator[Page]:
    """The module's page as if it were new: nobody is signed in, nothing is kept, the mouse is out of the way."""
    window.context.clear_cookies()
    window.mouse.move(0, 0)
    yield window
    window.goto(f"{site.url}/healthz")  # where no script works on
    window.evaluate("() => { localStorage.clear(); sessionStorage.clear(); }")
