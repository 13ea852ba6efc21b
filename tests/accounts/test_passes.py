from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
import time_machine

from portkey_logs.accounts import passes
from portkey_logs.accounts.keyring import Grant

GRANT = Grant(None, 7, "acme", "acme", ("logs.write",), metrics_only=False, log_id=UUID(int=1))


def test_a_pass_says_what_it_was_made_for_and_for_a_minute_only() -> None:
    with time_machine.travel("2026-11-23T12:00:00Z", tick=False) as clock:
        text = passes.issue(GRANT)
        assert passes.read(text) == GRANT
        clock.shift(timedelta(seconds=61))
        assert passes.read(text) is None


def test_nobody_else_can_make_or_change_one(settings: object) -> None:
    text = passes.issue(GRANT)
    _, rest = text.removeprefix(passes.PREFIX).split(":", 1)
    other = passes.issue(Grant(None, 8, "other", "other", ("logs.write",))).removeprefix(passes.PREFIX).split(":", 1)[0]
    assert passes.read(f"{passes.PREFIX}{other}:{rest}") is None
    settings.SECRET_KEY = "another installation's"  # type: ignore[attr-defined]
    assert passes.read(text) is None


@pytest.mark.parametrize(
    "text", ["", "plk_pass_", "plk_pass_::", "plk_pass_a:b:c", "plk_" + "x" * 40, "plk_pass_\0", "é"]
)
def test_anything_else_is_none(text: str) -> None:
    assert passes.read(text) is None
