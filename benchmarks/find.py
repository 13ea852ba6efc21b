"""The log page at 100k, 1M and 10M logs: pages, every filter alone and some together, counts, opening a log.

    DATABASE_URL=postgresql://… python -m benchmarks.find [--logs 100000 1000000 …] [--runs 12] [--keep] [--write]

Each size is a database of its own on that server, filled by ``manage.py loadgen`` with logs of 29 days, and dropped
again unless ``--keep`` is given; one that is there is used as it is. Times are those of the database. The largest is
measured once more while 500 logs a second come in. ``--write`` puts the table into benchmarks/results/find.md.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import product
from typing import Any

from benchmarks import databases
from benchmarks.databases import DAYS, PROJECT

RESULTS = PROJECT / "benchmarks" / "results" / "find.md"
INGEST_BATCH, INGEST_SECONDS = 50, 0.1
# What loadgen makes often, seldom and never. {…}: the least used value, asked of the database.
FILTERS = {
    "model": ["gpt-4o-mini", "{model}", "absent"],
    "user": ["user-0", "{user}", "absent"],
    "config": ["pc-cached-6a1f02", "{config}", "absent"],
    "prompt": ["pp-greet-2c81b0", "{prompt}", "absent"],
    "virtual_key": ["openai-prod", "{virtual_key}", "absent"],
    "api_key": ["{api_key}", "absent"],
    "trace_id": ["{trace_id}", "absent"],
    "meta.env": ["prod", "dev", "absent"],
    "meta.team": ["team-0", "team-11", "absent"],
    "status": ["failed", "2xx", "503", "418"],
    "has": ["error", "image", "tools", "audio"],
    "provider": ["openai", "groq", "absent"],
    "type": ["chat_completion", "moderation", "rerank"],
    "cache": ["miss", "semantic_hit", "unknown"],
    "retry": ["success", "failed", "unknown"],
    "retries_min": ["1", "3", "9"],
    "fallback": ["active", "triggered", "unknown"],
    "option": ["0", "2", "7"],
    "loadbalance": ["active", "unknown"],
    "completeness": ["complete", "cut"],
    "source": ["api", "otlp"],
    "tokens_min": ["10", "5000", "1000000"],
    "tokens_max": ["1000", "1", "0"],
    "cost_min": ["0.001", "2", "1000"],
    "cost_max": ["1", "0.0001", "0"],
    "latency_min": ["500", "10s", "10min"],
    "latency_max": ["500", "5", "0"],
    "feedback": ["negative", "none"],
}
TOGETHER = [
    "model=gpt-4o&status=failed",
    "user=user-0&meta.env=prod",
    "provider=openai&cache=hit&since=24h",
    "model=!gpt-4o*&retry=failed",
    "config=pc-safe-77f0aa&fallback=triggered&latency_min=2s&since=7d",
]
# What stands above the rows: what rollups know, and what only the logs do (the users of a model).
ABOVE = {
    "r": [
        *product(("histogram", "facets"), ("since=24h", "since=30d")),
        ("histogram", "since=30d&model=gpt-4o-mini"),
    ],
    "2w": [
        ("facets", "since=30d&model=gpt-4o-mini"),
        *product(("histogram", "facets"), ("since=30d&status=503", "since=24h&meta.env=prod")),
    ],
}
# The budgets: of what an index or rollups answer, and of what is walked (ms in the database, p95).
INDEXED_MS, WALKED_MS, GROWTH = 100, 300, 1.5
WALKED_RUNS = 3  # they are bounded by their budget, and take it
WALKED_SLACK_MS = 30  # a statement that ran out of time takes a moment to end


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--logs", type=int, nargs="+", default=[100_000, 1_000_000, 10_000_000])
    parser.add_argument("--runs", type=int, default=12)
    parser.add_argument("--keep", action="store_true", help="leave the databases for the next time")
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.relative_to(PROJECT)}")
    parser.add_argument("--child", choices=["measure", "ingest"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        databases.use(os.environ["BENCHMARK_URL"])
        measure(options.runs) if options.child == "measure" else ingest()
        return
    columns = {}
    with tempfile.TemporaryDirectory() as data_dir:
        os.environ["PORTKEY_LOGS_DATA_DIR"] = data_dir
        for logs in options.logs:
            with databases.of_month(logs, keep=options.keep) as url:
                columns[f"{logs:,}"] = run_child(url, "measure", options.runs)
                if logs == max(options.logs):
                    with ingesting(url):
                        columns["beside ingest"] = run_child(url, "measure", options.runs)
    table = "\n".join(lines(columns, [f"{logs:,}" for logs in options.logs]))
    print(table)
    if options.write:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(f"# The log page by its number of logs\n\n{about(options)}\n\n{table}\n")


def about(options: argparse.Namespace) -> str:
    return (
        f"`python -m benchmarks.find --logs {' '.join(map(str, options.logs))} --runs {options.runs}`,"
        f" {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f} at the end.\n"
        "p50 / p95 in the database, ms; x: the last size's p50 by the first's. Budgets: what an index answers (i)"
        f" p95\nbelow {INDEXED_MS} ms and x at most {GROWTH}; what rollups answer (r) {INDEXED_MS} ms; what is walked"
        f" (w) {WALKED_MS} ms,\nwithin which the page says how far it came, or twice that for two questions (2w)."
    )


def child(url: str, what: str, runs: int) -> list[str]:
    os.environ["BENCHMARK_URL"] = url
    return [sys.executable, "-m", "benchmarks.find", "--child", what, "--runs", str(runs)]


def run_child(url: str, what: str, runs: int) -> dict[str, Any]:
    done = subprocess.run(child(url, what, runs), cwd=PROJECT, stdout=subprocess.PIPE, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@contextmanager
def ingesting(url: str) -> Iterator[None]:
    process = subprocess.Popen(child(url, "ingest", 0), cwd=PROJECT)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def ingest() -> None:
    """Store logs as they come, until the process is ended."""
    from django.db import connection

    from logs.ingest import normalise, portkey, rows
    from logs.loadgen.exchanges import Maker
    from portkey_logs.accounts.models import Workspace

    maker, workspace = Maker(7, 500), Workspace.objects.get(slug="demo")
    while True:
        body = json.dumps([maker.exchange() for _ in range(INGEST_BATCH)]).encode()
        now_ms = time.time_ns() // 1_000_000
        records = [
            normalise.to_record(exchange, workspace_id=workspace.pk, api_key_id=None, now_ms=now_ms)
            for exchange in portkey.parse(body, {}, now_ms=now_ms)
            if not isinstance(exchange, portkey.RowError)
        ]
        rows.commit_batch(connection, records)
        time.sleep(INGEST_SECONDS)


def measure(runs: int) -> None:
    """Print the times of all cases, ms, and what answers each."""
    from portkey_logs.accounts.models import Workspace

    found = {}
    for name, (kind, case) in cases(Workspace.objects.get(slug="demo")).items():
        case()  # what a first reader pays for cold pages is not what the queries cost
        times = sorted(databases.milliseconds(case) for _ in range(min(runs, WALKED_RUNS) if "w" in kind else runs))
        found[name] = {"kind": kind, "p50": statistics.median(times), "p95": times[int(len(times) * 0.95)]}
    print(json.dumps(found))


Case = Callable[[], object]


def cases(workspace: Any) -> dict[str, tuple[str, Case]]:
    """What is measured: by an index (i), by rollups (r), by walking within one budget (w) or within two (2w)."""
    from django.http import QueryDict

    from logs.analytics.list_summary.parts import shown
    from logs.explorer import filters, pagination
    from logs.explorer.filters.address import Address
    from logs.explorer.pagination import Cursor
    from logs.models import Log
    from logs.storage import body_storage
    from portkey_logs.lib import uuid7

    chance = random.Random(1)

    def select(query: str) -> Any:
        selection = filters.select(Log.objects.in_workspace(workspace), QueryDict(query))
        assert selection.is_valid, (query, selection.form.errors)
        return selection

    def page(query: str, cursor: Callable[[], Cursor | None] = lambda: None) -> tuple[str, Case]:
        def fetch() -> object:
            selection = select(query)
            return pagination.fetch_page(
                selection.queryset.for_list(), cursor(), from_index=selection.answers_from_index
            )

        return "i" if select(query).answers_from_index else "w", fetch

    def anywhere() -> Cursor:
        return Cursor(uuid7.floor(int((time.time() - chance.random() * DAYS * 86400) * 1000)))

    def open_log() -> object:
        log = Log.objects.in_workspace(workspace).older_than(anywhere().id).newest_first().first()
        assert log is not None
        pagination.neighbours(Log.objects.in_workspace(workspace), log.id, from_index=True)
        return body_storage.fetch(workspace.pk, log.id)

    def count(query: str) -> object:
        return pagination.capped_count(select(query).queryset)

    def part(name: str, query: str) -> object:
        params = QueryDict(query)
        return shown(name, workspace, params, Address("/", params))

    rare = rarest(workspace)
    found = {"first page": page(""), "page at random depth": page("", anywhere), "opening a log": ("i", open_log)}
    for name, values in FILTERS.items():
        for value in values:
            query = f"{name}={value.format(**rare)}"
            found[f"{name}={value}"] = page(query)
    found |= {query: page(query) for query in TOGETHER}
    for query in ("", "since=24h", "model=gpt-4o-mini", "cache=hit", "status=503"):
        found[f"count {query or 'of all'}"] = ("w", partial(count, query))
    for kind, parts in ABOVE.items():
        found |= {f"{name} {query}": (kind, partial(part, name, query)) for name, query in parts}
    return found


def rarest(workspace: Any) -> dict[str, str]:
    """The least used value of each dimension, and some trace."""
    from django.db.models import Sum

    from logs.models import Log, RollupCore, RollupDim

    used = RollupDim.objects.filter(workspace=workspace).values("value").annotate(n=Sum("requests")).order_by("n")
    names = ("user", "config", "prompt", "virtual_key")
    found = {name: used.filter(dimension=name).first()["value"] for name in names}
    models = RollupCore.objects.filter(workspace=workspace).values("model").annotate(n=Sum("requests")).order_by("n")
    found["model"] = models.exclude(model=None).first()["model"]
    found["api_key"] = workspace.api_keys.first().name
    found["trace_id"] = Log.objects.in_workspace(workspace).newest_first().first().trace_id
    return found


def lines(columns: dict[str, dict[str, Any]], sizes: list[str]) -> Iterator[str]:
    yield f"| | | {' | '.join(columns)} | x | |"
    yield "|---|---|" + "---:|" * (len(columns) + 1) + "---|"
    for name, last in columns[sizes[-1]].items():
        times = [f"{column[name]['p50']:.1f} / {column[name]['p95']:.1f}" for column in columns.values()]
        growth = last["p50"] / columns[sizes[0]][name]["p50"]
        kind = last["kind"]
        over = {
            "i": last["p95"] > INDEXED_MS or growth > GROWTH,
            "r": last["p95"] > INDEXED_MS,
            "w": last["p95"] > WALKED_MS + WALKED_SLACK_MS,
            "2w": last["p95"] > 2 * (WALKED_MS + WALKED_SLACK_MS),
        }[kind]
        yield f"| {name} | {kind} | {' | '.join(times)} | {growth:.2f} | {'over' if over else ''} |"


if __name__ == "__main__":
    main()
