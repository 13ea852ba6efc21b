"""What feedback costs the database with a month of logs: every part of the dashboard, the filters, the scores.

    DATABASE_URL=postgresql://… python -m benchmarks.feedback [--logs 1000000] [--ratings 20000] [--runs 9]

Makes a database of its own on that server and drops it again. Logs are narrow rows, stored by COPY. Each line is
the time of all queries of one part, as the database driver sees it: median and slowest of the runs, in ms.
"""

from __future__ import annotations

import argparse
import random
import statistics
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from benchmarks import databases

DATABASE = "benchmark_feedback"
MONTH = timedelta(days=databases.DAYS)
MODELS = [f"model-{n}" for n in range(12)]
BUDGET_MS = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--logs", type=int, default=1_000_000, help="logs of the month")
    parser.add_argument("--ratings", type=int, default=20_000, help="of which so many are rated")
    parser.add_argument("--runs", type=int, default=9, help="of each part")
    options = parser.parse_args()
    with databases.fresh(DATABASE):
        run(options)


def run(options: argparse.Namespace) -> None:
    workspace = seed(options)
    print(f"{options.logs:,} logs and {options.ratings:,} ratings of 30 days; ms in the database\n")
    print(f"{'part':34} {'median':>8} {'slowest':>8}")
    slow = []
    for name, part in parts(workspace).items():
        part()  # what a first reader pays for cold pages is not what the queries cost
        times = [databases.milliseconds(part) for _ in range(options.runs)]
        mark = "" if statistics.median(times) < BUDGET_MS else "  over the budget"
        slow += [name] if mark else []
        print(f"{name:34} {statistics.median(times):8.1f} {max(times):8.1f}{mark}")
    print(f"\n{'Every part stays below' if not slow else 'Not all stay below'} {BUDGET_MS} ms.")


def parts(workspace: Any) -> dict[str, Callable[[], object]]:
    from django.http import QueryDict

    from feedback.dashboard_tab import PARTS
    from feedback.scope import FeedbackScope
    from logs import extensions
    from logs.explorer import filters, pagination
    from logs.models import Log

    def board(name: str, query: str) -> Callable[[], object]:
        return lambda: PARTS[name].compute(FeedbackScope.read(QueryDict(query), workspace, "feedback"))

    def page(query: str) -> Callable[[], object]:
        def fetch() -> object:
            selection = filters.select(Log.objects.in_workspace(workspace), QueryDict(query))
            found = pagination.fetch_page(selection.queryset.for_list(), from_index=selection.answers_from_index)
            assert found.rows, query
            return extensions.scores(workspace.pk, found.rows)

        return fetch

    found: dict[str, Callable[[], object]] = {name: board(name, "since=30d") for name in PARTS}
    found |= {
        f"{name}, one model": board(name, f"since=30d&model={MODELS[3]}") for name in ("trend", "user", "comments")
    }
    found |= {"trend, failed logs": board("trend", "since=30d&status=failed")}
    queries = ("", "feedback=present", "feedback=negative", "feedback=unresolved", "feedback_value_min=10",
               "feedback_min=9.9", "feedback_by=rater@example.org", "feedback=none")  # fmt: skip
    return found | {f"list {query or 'without filter'}": page(query) for query in queries}


def seed(options: argparse.Namespace) -> Any:
    from django.db import connection

    from feedback.models import Feedback, FeedbackTrace
    from logs.storage import partitions
    from portkey_logs.accounts.models import ApiKey, Membership, Organisation, User, Workspace
    from portkey_logs.lib import uuid7

    organisation = Organisation.objects.create(name="Acme", slug="acme")
    workspace = Workspace.objects.create(name="Acme", slug="acme", organisation=organisation)
    rater = User.objects.create_user("rater@example.org")
    Membership.objects.create(user=rater, organisation=organisation)
    key, _ = ApiKey.issue(workspace, "app")
    now = datetime.now(UTC)
    start_ms, span_ms = int((now - MONTH).timestamp() * 1000), int(MONTH.total_seconds() * 1000)
    chance = random.Random(11)
    partitions.ensure(connection, start_ms, start_ms + span_ms + partitions.DAY_MS)
    logs = copy_logs(connection, workspace.pk, options.logs, start_ms, span_ms, chance)
    ratings = []
    for n, (id, trace_id, model, user) in enumerate(chance.sample(logs, options.ratings)):
        at = datetime.fromtimestamp(uuid7.time_ms(id) / 1000, UTC) + timedelta(minutes=chance.expovariate(1 / 60))
        mine = n % 1000 == 0
        rating = Feedback(
            workspace=workspace, trace_id=trace_id, log_id=id, model=model, user=user, created_at=min(at, now),
            updated_at=now, value=Decimal(chance.choice((1, 1, 1, -1, 5, -4, 10))),
            weight=Decimal(chance.choice(("1", "1", "0.5"))), comment="why" if n % 5 == 0 else "",
            source="person" if mine else "api", person=rater if mine else None, api_key=None if mine else key,
        )  # fmt: skip
        ratings.append(rating)
    Feedback.objects.bulk_create(ratings, batch_size=2000)
    traces = [rating.trace_id for rating in ratings]
    FeedbackTrace.lock(workspace.pk, traces)
    FeedbackTrace.add_up(workspace.pk, traces)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return workspace


def copy_logs(
    connection: Any, workspace_id: int, count: int, start_ms: int, span_ms: int, chance: random.Random
) -> list[tuple[Any, str, str, str]]:
    """Store the logs; their ids, traces, models and users."""
    from portkey_logs.lib import uuid7

    columns = {
        "workspace_id": workspace_id, "id": None, "received_at": datetime.now(UTC), "source": "api",
        "completeness": "complete", "trace_id": None, "request_type": "chat_completion", "method": "POST", "url": "u",
        "path": "/v1/chat/completions", "provider": "openai", "model": None, "stream": False, "status_code": None,
        "is_success": None, "latency_ms": 400, "total_tokens": 20, "tokens_origin": "provider", "cache_status": "miss",
        "retry_status": "not_triggered", "retry_count": 0, "fallback_status": "disabled",
        "loadbalance_status": "disabled", "prompt_in_config_target": False, "user": None, "metadata": "{}",
        "labels": "{}", "request_bytes": 0,
        "response_bytes": 0,
    }  # fmt: skip
    names = ", ".join(f'"{name}"' for name in columns)
    made = []
    with connection.cursor() as cursor, cursor.copy(f"COPY log ({names}) FROM STDIN") as copy:
        for n in range(count):
            id = uuid7.uuid7(start_ms + span_ms * n // count)
            trace_id, model = f"{chance.getrandbits(128):032x}", chance.choice(MODELS)
            user, failed = f"user-{chance.randrange(5000)}", chance.random() < 0.03
            made.append((id, trace_id, model, user))
            own = {"id": id, "trace_id": trace_id, "model": model, "user": user, "is_success": not failed}
            copy.write_row(list((columns | own | {"status_code": 500 if failed else 200}).values()))
    return made


if __name__ == "__main__":
    main()
