"""Logs in the panel, and what belongs to one: light and dark, wide and on a phone."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.e2e.conftest import Site
from tests.e2e.look import look_at
from tests.e2e.views import PANEL_VIEWS, View

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("view", PANEL_VIEWS, ids=lambda view: view.name)
def test_look(view: View, site: Site, shared_page: Page) -> None:
    look_at(view, site, shared_page)
