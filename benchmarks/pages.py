"""What a page costs the web process: its processor time, the time of its queries, and what goes over the wire.

    DATABASE_URL=postgresql://… python -m benchmarks.pages [--logs 100000] [--runs 25] [--keep]

Medians of the runs, after some to warm up. Processor time is that of this process alone, so that other work on the
machine counts little; PostgreSQL's is in the time of the queries.
"""

from __future__ import annotations

import argparse
import statistics
import time

from benchmarks import databases

WARM_UP = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--logs", type=int, default=100_000, help="logs of the month")
    parser.add_argument("--runs", type=int, default=25, help="of each page")
    parser.add_argument("--keep", action="store_true", help="leave the database for the next time")
    options = parser.parse_args()
    with databases.of_month(options.logs, keep=options.keep) as url:
        databases.use(url)
        run(options)


def run(options: argparse.Namespace) -> None:
    from django.db import connections
    from django.test import Client

    from logs.models import Log
    from portkey_logs.accounts.models import User

    client = Client(headers={"accept-encoding": "gzip"})
    client.force_login(User.objects.get(email="owner@localhost"))
    log = Log.objects.order_by("-id").first()
    panel = {"hx-request": "true", "hx-target": "log-panel"}
    pages = {
        "list": ("/w/demo/logs/", {}),
        "list, filtered": ("/w/demo/logs/?model=gpt-4o*&cache=hit", {}),
        "list with a log": (f"/w/demo/logs/{log.id}/", {}),
        "a log's panel": (f"/w/demo/logs/{log.id}/", panel),
        "list as JSON": ("/w/demo/logs.json", {}),
        "histogram": ("/w/demo/logs/glance/histogram/", {}),
        "facets": ("/w/demo/logs/glance/facets/", {}),
        "analytics": ("/w/demo/analytics/", {}),
    }
    print("| page | processor, ms | queries, ms | sent, KB |\n|---|---:|---:|---:|")
    for name, (address, headers) in pages.items():
        spent, asked, sent = [], [], 0

        def get(address: str = address, headers: dict[str, str] = headers) -> None:
            nonlocal sent
            answer = client.get(address, headers=headers)
            assert answer.status_code == 200, address
            sent = len(answer.content)

        for _ in range(WARM_UP + options.runs):
            began = time.process_time()
            asked.append(databases.milliseconds(get))
            spent.append((time.process_time() - began) * 1000)
        cpu, queries = statistics.median(spent[WARM_UP:]), statistics.median(asked[WARM_UP:])
        print(f"| {name} | {cpu:.0f} | {queries:.1f} | {sent / 1000:.0f} |", flush=True)
    connections.close_all()


if __name__ == "__main__":
    main()
