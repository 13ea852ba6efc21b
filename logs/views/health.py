"""``GET /healthz``: whether this process can serve. For load balancers and start scripts: no key, no details."""

from __future__ import annotations

from functools import cache

from django.db import connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.utils import Error as DatabaseError
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from logs.ingest import writer

TIMEOUT = "2s"  # probes give up after a few seconds; a slow answer is "no"


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 when the database answers and has this version's tables, else 503 and the reason.

    ``spool_rows``: accepted logs that this process has on disk and not yet in the database.
    """
    spool_rows = writer.start().backlog  # starting it here drains what a dead process left, without traffic
    reason = _why_not()
    if reason:
        body = {"status": "unavailable", "reason": reason, "spool_rows": spool_rows}
        return JsonResponse(body, status=503)
    return JsonResponse({"status": "ok", "spool_rows": spool_rows})


def _why_not() -> str | None:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = '{TIMEOUT}'")
            cursor.execute("SELECT app, name FROM django_migrations")
            applied = set(cursor.fetchall())
    except DatabaseError:
        return "the database does not answer"
    return None if _migrations() <= applied else "the database is of another version: migrations are missing"


@cache
def _migrations() -> set[tuple[str, str]]:
    """The migrations on disk; they do not change while the process runs."""
    return set(MigrationLoader(None).disk_migrations)
