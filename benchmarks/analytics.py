"""What the analytics page costs with a month of logs: every part in the database, every page in the server.

    DATABASE_URL=postgresql://… python -m benchmarks.analytics [--logs 10000000] [--runs 5]

Makes a database of its own on that server and drops it again; ``manage.py loadgen`` fills it. Each line is the time of
all queries of one part as the database driver sees it, or of one request through Django's client: median and slowest
of the runs, in ms.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import psycopg

DATABASE = "benchmark_analytics"
PART_BUDGET_MS, PAGE_BUDGET_MS = 100, 300
DAYS = 29.9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--logs", type=int, default=10_000_000, help="logs of the month")
    parser.add_argument("--runs", type=int, default=5, help="of each part")
    options = parser.parse_args()
    admin_url = os.environ["DATABASE_URL"]
    url = urlsplit(admin_url)._replace(path=f"/{DATABASE}").geturl()
    with psycopg.connect(admin_url, autocommit=True) as admin, tempfile.TemporaryDirectory() as data_dir:
        admin.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        admin.execute(f"CREATE DATABASE {DATABASE}")
        os.environ |= {
            "DATABASE_URL": url, "PORTKEY_LOGS_DATA_DIR": data_dir, "DJANGO_SETTINGS_MODULE": "portkey_logs.settings",
            "PORTKEY_LOGS_ALLOWED_HOSTS": "testserver",
        }  # fmt: skip
        try:
            run(options)
        finally:
            from django.db import connections

            connections.close_all()
            admin.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")


def run(options: argparse.Namespace) -> None:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    workspace, person = seed(options.logs)

    from django.test import Client

    from logs.analytics import ALL

    client = Client()
    client.force_login(person)
    print(f"{options.logs:,} logs of 30 days; ms in the database\n")
    slow = []
    for tab in ALL:
        for name, part in tab.parts.items():
            compute = partial(compute_part, tab, part, workspace)
            times = [in_database(compute) for _ in range(options.runs + 1)][1:]
            slow += tell(f"{tab.name} {name}", times, PART_BUDGET_MS)
    print("\nms of the server\n")
    for tab in ALL:
        path = f"/w/{workspace.slug}/analytics/{tab.name}/"
        times = [milliseconds(partial(client.get, path)) for _ in range(options.runs + 1)][1:]
        slow += tell(path, times, PAGE_BUDGET_MS)
    print(f"\nOver their budget: {', '.join(slow) or 'none'}.")


def compute_part(tab: Any, part: Any, workspace: Any) -> object:
    from django.http import QueryDict

    return part.compute(tab.read(QueryDict("since=30d"), workspace))


def tell(name: str, times: list[float], budget_ms: int) -> list[str]:
    """Print a line; the name where the median is over the budget."""
    is_over = statistics.median(times) > budget_ms
    mark = f"  over {budget_ms}" if is_over else ""
    print(f"{name:34} {statistics.median(times):8.1f} {max(times):8.1f}{mark}", flush=True)
    return [name] if is_over else []


def milliseconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1000


def in_database(part: Callable[[], object]) -> float:
    """How long the queries of the part took, all of them together."""
    from django.db import connection

    spent = 0.0

    def timed(execute: Any, *args: Any) -> Any:
        nonlocal spent
        start = time.perf_counter()
        try:
            return execute(*args)
        finally:
            spent += time.perf_counter() - start

    with connection.execute_wrapper(timed):
        part()
    return spent * 1000


def seed(logs: int) -> tuple[Any, Any]:
    from django.core.management import call_command
    from django.db import connection

    from logs import rollups
    from portkey_logs.accounts.models import ApiKey, Membership, Organisation, User, Workspace

    organisation = Organisation.objects.create(name="Acme", slug="acme")
    workspace = Workspace.objects.create(name="Acme", slug="acme", organisation=organisation)
    person = User.objects.create_user("ada@example.org")
    Membership.objects.create(user=person, organisation=organisation)
    ApiKey.issue(workspace, "app")
    call_command("loadgen", logs=logs, days=DAYS, workspace="acme", body_kb=0.0)
    while rollups.fold(connection, datetime.now(UTC)):
        pass
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return workspace, person


if __name__ == "__main__":
    main()
