from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from feedback.models import Feedback, Given
from logs.models import Log
from logs.record import LogRecord
from portkey_logs.accounts.models import User
from tests.factories import People


@pytest.fixture
def rate(people: People) -> Callable[..., Feedback]:
    """Rate a stored log as a person: alice, unless somebody else is named."""

    def rate(record: LogRecord, value: float, who: User | None = None, **said: Any) -> Feedback:
        log = Log.objects.get(workspace_id=record.workspace_id, id=record.id)
        numbers = {name: Decimal(str(said.pop(name))) for name in ("weight",) if name in said}
        return Feedback.rate(log, who or people.alice, Given(log.trace_id, Decimal(str(value)), **numbers, **said))

    return rate
