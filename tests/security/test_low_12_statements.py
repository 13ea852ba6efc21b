"""Low 12: the database ends statements of web and capture that take too long."""

from __future__ import annotations

import pytest
from django.db import connections

from portkey_logs.database import limit_statements


def test_statements_of_web_and_capture_end(monkeypatch: pytest.MonkeyPatch) -> None:
    options = connections["default"].settings_dict["OPTIONS"]
    monkeypatch.setitem(options, "options", options["options"])
    limit_statements()
    assert options["options"].endswith("-c statement_timeout=300000")
