from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
import time_machine

from portkey_logs.accounts import internal_tokens
from portkey_logs.accounts.api_key_cache import Grant

GRANT = Grant(None, 7, "acme", "acme", ("logs.write",), metrics_only=False, log_id=UUID(int=1))


def test_a_pass_says_what_it_was_made_for_and_for_a_minute_only() -> None:
    with time_machine.travel("2026-11-23T12:00:00Z", tick=False) as clock:
        text = internal_tokens.issue(GRANT)
        assert internal_tokens.read(text) == GRANT
        clock.shift(timedelta(seconds=61))
        assert internal_tokens.read(text) is None


def test_nobody_else_can_make_or_change_one(settings: object) -> None:
    text = internal_tokens.issue(GRANT)
    _, rest = text.removeprefix(internal_tokens.PREFIX).split(":", 1)
    other = (
        internal_tokens.issue(Grant(None, 8, "other", "other", ("logs.write",)))
        .removeprefix(internal_tokens.PREFIX)
        .split(":", 1)[0]
    )
    assert internal_tokens.read(f"{internal_tokens.PREFIX}{other}:{rest}") is None
    settings.SECRET_KEY = "another installation's"  # type: ignore[attr-defined]
    assert internal_tokens.read(text) is None


@pytest.mark.parametrize(
    "text", ["", "plk_pass_", "plk_pass_::", "plk_pass_a:b:c", "plk_" + "x" * 40, "plk_pass_\0", "é"]
)
def test_anything_else_is_none(text: str) -> None:
    assert internal_tokens.read(text) is None
