"""Limits on what this process asks of the database."""

from __future__ import annotations

from django.conf import settings
from django.db import connections


def limit_statements() -> None:
    """Have the database end each statement of this process that runs for ``STATEMENT_SECONDS``.

    For processes that answer people and programs. The worker and management commands have no limit: migrations, sums
    and exports take what they take. Call it before the first connection.
    """
    connections["default"].settings_dict["OPTIONS"]["options"] += (
        f" -c statement_timeout={settings.STATEMENT_SECONDS * 1000}"
    )
