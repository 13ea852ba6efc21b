"""What the analytics page costs with a month of logs: every part in the database, every page in the server.

    DATABASE_URL=postgresql://… python -m benchmarks.analytics [--logs 10000000] [--runs 5] [--keep]

Uses the month that ``benchmarks.find`` uses. Each line is the time of all queries of one part as the database driver
sees it, or of one request through Django's client: median and slowest of the runs, in ms.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks import databases

PART_BUDGET_MS, PAGE_BUDGET_MS = 100, 300


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--logs", type=int, default=10_000_000, help="logs of the month")
    parser.add_argument("--runs", type=int, default=5, help="of each part")
    parser.add_argument("--keep", action="store_true", help="leave the database for the next time")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as data_dir:
        os.environ["PORTKEY_LOGS_DATA_DIR"] = data_dir
        with databases.of_month(options.logs, keep=options.keep) as url:
            databases.use(url)
            run(options)


def run(options: argparse.Namespace) -> None:
    from django.db import connections
    from django.test import Client

    from logs.analytics import ALL
    from portkey_logs.accounts.models import User, Workspace

    workspace, person = Workspace.objects.get(slug="demo"), User.objects.get()
    client = Client()
    client.force_login(person)
    print(f"{options.logs:,} logs of 30 days; ms in the database\n")
    slow = []
    for tab in ALL:
        for name, part in tab.parts.items():
            compute = partial(compute_part, tab, part, workspace)
            times = [databases.milliseconds(compute) for _ in range(options.runs + 1)][1:]
            slow += tell(f"{tab.name} {name}", times, PART_BUDGET_MS)
    print("\nms of the server\n")
    for tab in ALL:
        path = f"/w/{workspace.slug}/analytics/{tab.name}/"
        times = [server_ms(partial(client.get, path)) for _ in range(options.runs + 1)][1:]
        slow += tell(path, times, PAGE_BUDGET_MS)
    print(f"\nOver their budget: {', '.join(slow) or 'none'}.")
    connections.close_all()


def compute_part(tab: Any, part: Any, workspace: Any) -> object:
    from django.http import QueryDict

    return part.compute(tab.read(QueryDict("since=30d"), workspace))


def tell(name: str, times: list[float], budget_ms: int) -> list[str]:
    """Print a line; the name where the median is over the budget."""
    is_over = statistics.median(times) > budget_ms
    mark = f"  over {budget_ms}" if is_over else ""
    print(f"{name:34} {statistics.median(times):8.1f} {max(times):8.1f}{mark}", flush=True)
    return [name] if is_over else []


def server_ms(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1000


if __name__ == "__main__":
    main()
