"""Every ``analytics`` call of the real ``portkey-ai`` SDK, compared with a plain calculation over the same logs."""

from __future__ import annotations

import json
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from portkey_ai import Portkey
from portkey_ai.api_resources.exceptions import (
    AuthenticationError,
    BadRequestError,
    PermissionDeniedError,
)

from logs.analytics.percentiles import ERROR_BOUND
from logs.llm.gateway_status import GatewayStatus
from logs.record import LogRecord
from logs.storage import rollups
from portkey_logs.lib import uuid7
from tests.factories import make_key, make_people, make_record

NOW = datetime.now(UTC).replace(microsecond=0)
SINCE = NOW - timedelta(days=20)
TIMES = {"time_of_generation_min": SINCE.isoformat(), "time_of_generation_max": NOW.isoformat()}
HITS = ("hit", "semantic_hit")
GRAPHS = [
    "requests", "cost", "latency", "tokens", "users", "users_requests", "errors", "errors_rate", "errors_stacks",
    "errors_status_codes", "requests_rescued", "cache_hit_rate", "cache_latency", "feedbacks", "feedbacks_scores",
    "feedbacks_weighted", "feedbacks_ai_models",
]  # fmt: skip


@dataclass(frozen=True)
class Seeded:
    """The client, and what it should find: the logs in its time, and the ratings (value, weight, model)."""

    client: Portkey
    logs: list[LogRecord]
    ratings: list[tuple[Decimal, Decimal, str | None]]
    key_id: int
    base_url: str


def plain_logs(workspace_id: int, key_id: int) -> list[LogRecord]:
    chance = random.Random(7)
    logs = []
    for _ in range(150):
        code = chance.choice([200, 200, 200, 429, 500])
        retry = chance.choice(["not_triggered", "success", "failed"])
        tokens = (chance.randrange(1, 500), chance.randrange(1, 500))
        logs.append(
            make_record(
                workspace_id,
                id=uuid7.uuid7(uuid7.ms_of(NOW) - chance.randrange(1, 25 * 24 * 3_600_000)),
                model=chance.choice(["gpt-4o", "o1"]),
                provider=chance.choice(["openai", "azure"]),
                status_code=code,
                is_success=code == 200,
                cost=chance.choice([None, Decimal("0.25"), Decimal("1.5")]),
                latency_ms=chance.randrange(1, 9000),
                input_tokens=tokens[0],
                output_tokens=tokens[1],
                total_tokens=sum(tokens),
                user=chance.choice(["ada", "bo", "cy", None]),
                config=chance.choice(["pc-1", "pc-2", None]),
                prompt=chance.choice(["pp-1", None]),
                virtual_key=chance.choice(["openai-prod", None]),
                api_key_id=chance.choice([key_id, None]),
                metadata=chance.choice([{}, {"env": "prod"}, {"env": "test"}]),
                span_id=chance.choice(["s1", "s2", None]),
                gateway=GatewayStatus(
                    cache_status=chance.choice(["disabled", "miss", "hit", "semantic_hit"]),
                    retry_status=retry,
                    retry_count=chance.randrange(1, 4) if retry == "success" else 0,
                    fallback_status=chance.choice(["disabled", "active", "triggered"]),
                ),
            )
        )
    return logs


@pytest.fixture
def seeded(server: str, monkeypatch: pytest.MonkeyPatch) -> Seeded:
    from django.db import connection

    from feedback.models import Feedback, Given
    from logs.ingest.rows import commit_batch

    monkeypatch.setenv("NO_PROXY", "*")
    workspace = make_people().workspace
    key, text = make_key(workspace)
    logs = plain_logs(workspace.pk, key.pk)
    commit_batch(connection, logs[:100])
    rollups.fold(connection, NOW)
    commit_batch(connection, logs[100:])
    chance, ratings, given = random.Random(8), [], []
    for log in logs[:30]:
        value, weight = Decimal(chance.choice(["-3", "1", "0.5"])), Decimal(chance.choice(["1", "0.5"]))
        given.append(Given(log.trace_id, value, weight))
        ratings.append((value, weight, log.model))
    Feedback.record(workspace.pk, key.pk, given)
    Feedback.objects.update(created_at=NOW - timedelta(hours=30))
    inside = [log for log in logs if uuid7.ms_of(SINCE) <= uuid7.time_ms(log.id) < uuid7.ms_of(NOW)]
    return Seeded(Portkey(api_key=text, base_url=f"{server}/v1"), inside, ratings, key.pk, server)


def close(value: Any) -> Any:
    return pytest.approx(float(value)) if value is not None else None


def mean(values: Iterable[float | None]) -> Any:
    known = [value for value in values if value is not None]
    return close(sum(known) / len(known)) if known else None


def by_point(answer: Any, logs: list[LogRecord]) -> list[tuple[dict[str, Any], list[LogRecord]]]:
    """The points with their logs; together they have all of them."""
    points = answer["data_points"]
    starts = [uuid7.ms_of(datetime.fromisoformat(point["timestamp"])) for point in points]
    assert starts == sorted(starts)
    ends = [*starts[1:], 2**48]
    groups = [
        [log for log in logs if start <= uuid7.time_ms(log.id) < end] for start, end in zip(starts, ends, strict=True)
    ]
    assert sum(map(len, groups)) == len(logs)
    return list(zip(points, groups, strict=True))


def rescued(logs: list[LogRecord]) -> tuple[Counter[int], int]:
    good = [log for log in logs if log.is_success]
    tries = Counter(log.gateway.retry_count for log in good if log.gateway.retry_status == "success")
    return tries, sum(log.gateway.fallback_status == "triggered" for log in good)


def spent(logs: list[LogRecord]) -> list[Decimal]:
    return [log.cost for log in logs if log.cost is not None and log.gateway.cache_status not in HITS]


def check_percentiles(point: dict[str, Any], logs: list[LogRecord]) -> None:
    latencies = sorted(log.latency_ms for log in logs if log.latency_ms is not None)
    assert point["avg"] == mean(latencies)
    for name, percent in (("p50", 50), ("p90", 90), ("p99", 99)):
        if not latencies:
            assert point[name] is None
            continue
        exact = latencies[-(-percent * len(latencies) // 100) - 1]
        assert abs(point[name] - exact) <= ERROR_BOUND * exact


def test_every_graph(seeded: Seeded) -> None:
    logs, ratings = seeded.logs, seeded.ratings
    graphs = {}
    for name in GRAPHS:
        graphs[name] = graph = getattr(seeded.client.analytics.graphs, name)(**TIMES)
        assert graph.object == "analytics-graph", name
    failed = [log for log in logs if not log.is_success]
    users = {log.user for log in logs if log.user}

    def each(name: str, check: Callable[[dict[str, Any], list[LogRecord]], None]) -> dict[str, Any]:
        for point, group in by_point(graphs[name], logs):
            check(point, group)
        summary: dict[str, Any] = graphs[name]["summary"]
        return summary

    def same(name: str, expected: Callable[[list[LogRecord]], dict[str, Any]]) -> dict[str, Any]:
        def check(point: dict[str, Any], group: list[LogRecord]) -> None:
            assert {key: point[key] for key in expected(group)} == expected(group), name

        return each(name, check)

    assert same("requests", lambda g: {"total": len(g)}) == {"total": len(logs)}
    cost = same("cost", lambda g: {"total": close(sum(spent(g))), "avg": mean(map(float, spent(g)))})
    assert cost["total"] == close(sum(spent(logs)))
    assert cost["requests_without_price"] == sum(log.cost is None for log in logs)
    check_percentiles(each("latency", check_percentiles), logs)
    tokens = same("tokens", lambda g: {"total": sum(x.total_tokens for x in g), "avg": mean(x.total_tokens for x in g)})
    assert tokens["total"] == sum(log.total_tokens for log in logs)
    assert same("users", lambda g: {"total": len({x.user for x in g if x.user})}) == {"total": len(users)}
    known = [log for log in logs if log.user]
    per_user = same(
        "users_requests",
        lambda g: {"avg": mean(Counter(x.user for x in g if x.user).values())},
    )
    assert per_user == {"total": len(known), "unique": len(users), "avg": close(len(known) / len(users))}
    assert same("errors", lambda g: {"total": sum(not x.is_success for x in g)}) == {"total": len(failed)}
    rate = same("errors_rate", lambda g: {"rate": mean(100.0 * (not x.is_success) for x in g)})
    assert rate == {"rate": close(100 * len(failed) / len(logs))}
    stacks = same(
        "errors_stacks",
        lambda g: {
            "stats": [
                {"response_status_code": code, "count": count}
                for code, count in sorted(Counter(x.status_code for x in g if not x.is_success).items())
            ]
        },
    )
    assert stacks == {"total": len(failed)}
    codes = Counter(log.status_code for log in failed)
    assert graphs["errors_status_codes"]["summary"] == {"total_errors": len(failed), "unique_error_codes": len(codes)}
    assert {p["status_code"]: p["count"] for p in graphs["errors_status_codes"]["data_points"]} == codes
    saves = same(
        "requests_rescued",
        lambda g: {
            "retry": [{"retry_success_count": n, "count": count} for n, count in sorted(rescued(g)[0].items())],
            "fallback": rescued(g)[1],
        },
    )
    assert saves == {"retry": rescued(logs)[0].total(), "fallback": rescued(logs)[1]}
    hits = same(
        "cache_hit_rate",
        lambda g: {
            "simple_hits": sum(x.gateway.cache_status == "hit" for x in g),
            "semantic_hits": sum(x.gateway.cache_status == "semantic_hit" for x in g),
            "rate": mean(100.0 * (x.gateway.cache_status in HITS) for x in g),
        },
    )
    assert hits["total"] == sum(log.gateway.cache_status in HITS for log in logs)
    last = graphs["cache_hit_rate"]["data_points"][-1]
    for name, state in (("simple", "hit"), ("semantic", "semantic_hit")):
        saved = sum(log.cost or 0 for log in logs if log.gateway.cache_status == state)
        assert last[f"cumulative_{name}_cache_savings"] == close(saved)
    same("cache_latency", lambda g: {"avg": mean(x.latency_ms for x in g if x.gateway.cache_status in HITS)})

    average = sum(value * weight for value, weight, _ in ratings) / sum(weight for _, weight, _ in ratings)
    assert graphs["feedbacks"]["summary"] == {"total": 30}
    assert sum(point["total"] for point in graphs["feedbacks"]["data_points"]) == 30
    assert graphs["feedbacks_weighted"]["summary"] == {"avg": close(average)}
    assert {p["score"]: p["total"] for p in graphs["feedbacks_scores"]["data_points"]} == Counter(
        float(value) for value, _, _ in ratings
    )
    models: dict[Any, list[Any]] = defaultdict(list)
    for value, weight, model in ratings:
        models[model].append((value, weight))
    assert {
        p["ai_model"]: (p["total"], p["avg_weighted_feedback"]) for p in graphs["feedbacks_ai_models"]["data_points"]
    } == {
        model: (len(each), close(sum(v * w for v, w in each) / sum(w for _, w in each)))
        for model, each in models.items()
    }


def test_every_group_and_the_summary(seeded: Seeded) -> None:
    logs, analytics = seeded.logs, seeded.client.analytics

    def grouped(key: Callable[[LogRecord], Any]) -> dict[Any, list[LogRecord]]:
        found: dict[Any, list[LogRecord]] = defaultdict(list)
        for log in logs:
            if key(log) is not None:
                found[key(log)].append(log)
        return found

    users = analytics.groups.users(**TIMES)
    expected = grouped(lambda log: log.user)
    assert (users.object, users.total) == ("list", len(expected))
    assert {row["user"]: (row["requests"], float(row["cost"])) for row in users.data} == {
        user: (str(len(each)), close(sum(spent(each)))) for user, each in expected.items()
    }
    models = analytics.groups.ai_models(**TIMES)
    assert {row["ai_model"]: row["requests"] for row in models.data} == {
        model: str(len(each)) for model, each in grouped(lambda log: log.model).items()
    }
    assert {row["object"] for row in [*users.data, *models.data]} == {"analytics-group"}
    (workspace,) = analytics.groups.workspaces(**TIMES).data
    assert (workspace["workspace"], workspace["requests"]) == ("acme", len(logs))

    rated = {log.id for log in plain_order(seeded)}
    by_env = analytics.groups.metadata(metadata_key="env", **TIMES)
    expected = grouped(lambda log: log.metadata.get("env"))
    assert by_env.total == len(expected)
    for row in by_env.data:
        each = expected[row["metadata_value"]]
        assert (row["requests"], row["cost"]) == (len(each), close(sum(spent(each))))
        assert row["avg_tokens"] == mean(log.total_tokens for log in each)
        assert uuid7.ms_of(datetime.fromisoformat(row["last_seen"])) == max(uuid7.time_ms(log.id) for log in each)
        assert row["requests_with_feedback"] == sum(log.id in rated for log in each)

    names: dict[str, Callable[[LogRecord], Any]] = {
        "ai_service": lambda log: log.provider, "provider": lambda log: log.provider, "model": lambda log: log.model,
        "status_code": lambda log: log.status_code, "config": lambda log: log.config, "prompt": lambda log: log.prompt,
        "api_key": lambda log: "test key" if log.api_key_id else None, "workspace": lambda log: "acme",
    }  # fmt: skip
    columns = "cost,total_tokens,avg_tokens,avg_input_tokens,avg_output_tokens,avg_latency,success_rate,error_count,cache_hit_rate,last_seen,first_seen"
    for name, key in names.items():
        more = "" if name == "workspace" else ",p95_latency,p99_latency"
        found = analytics.groups.group_by(group_by=name, columns=columns + more, **TIMES)
        expected = grouped(key)
        assert {row[name] for row in found.data} == set(expected), name
        for row in found.data:
            each = expected[row[name]]
            assert row["requests"] == len(each)
            assert row["cost"] == close(sum(spent(each)))
            assert row["avg_input_tokens"] == mean(log.input_tokens for log in each)
            assert row["avg_latency"] == mean(log.latency_ms for log in each)
            assert row["success_rate"] == mean(100.0 * log.is_success for log in each)
            assert row["error_count"] == sum(not log.is_success for log in each)
            assert row["cache_hit_rate"] == mean(100.0 * (log.gateway.cache_status in HITS) for log in each)
            if more:
                exact = sorted(log.latency_ms for log in each)[-(-95 * len(each) // 100) - 1]
                assert abs(row["p95_latency"] - exact) <= ERROR_BOUND * exact

    cache = analytics.summary.cache(**TIMES)
    hits = [log for log in logs if log.gateway.cache_status in HITS]
    others = [log for log in logs if log.is_success and log.gateway.cache_status not in HITS]
    fast = sum(log.latency_ms for log in hits) / len(hits)
    slow = sum(log.latency_ms for log in others) / len(others)
    assert cache.object == "analytics-summary"
    assert cache["summary"] == {
        "hits": len(hits), "total_requests": len(logs), "avg_latency": close(fast),
        "cache_speedup": close(100 * (slow - fast) / slow),
    }  # fmt: skip


def plain_order(seeded: Seeded) -> list[LogRecord]:
    """The logs that were rated: of those that were made, the first thirty, as far as they are in the time."""
    from feedback.models import FeedbackTrace

    traces = set(FeedbackTrace.objects.values_list("trace_id", flat=True))
    return [log for log in seeded.logs if log.trace_id in traces]


def test_every_filter(seeded: Seeded) -> None:
    logs = seeded.logs
    some = logs[:2]
    filters: list[tuple[dict[str, Any], Callable[[LogRecord], bool]]] = [
        ({"total_units_min": 300, "total_units_max": 700}, lambda log: 300 <= log.total_tokens <= 700),
        ({"cost_min": 0.5}, lambda log: log.cost is not None and log.cost >= Decimal("0.5")),
        ({"cost_max": 0.5}, lambda log: log.cost is not None and log.cost <= Decimal("0.5")),
        ({"prompt_token_min": 100, "prompt_token_max": 300}, lambda log: 100 <= log.input_tokens <= 300),
        ({"completion_token_min": 100, "completion_token_max": 300}, lambda log: 100 <= log.output_tokens <= 300),
        ({"status_code": "429,500"}, lambda log: log.status_code in (429, 500)),
        ({"virtual_keys": "openai-prod,other"}, lambda log: log.virtual_key == "openai-prod"),
        ({"configs": "pc-1,pc-2"}, lambda log: log.config in ("pc-1", "pc-2")),
        ({"api_key_ids": str(seeded.key_id)}, lambda log: log.api_key_id == seeded.key_id),
        ({"metadata": json.dumps({"env": "prod"})}, lambda log: log.metadata.get("env") == "prod"),
        ({"ai_org_model": "openai__gpt-4o,azure__o1"}, lambda log: (log.provider, log.model) in (("openai", "gpt-4o"), ("azure", "o1"))),
        ({"trace_id": ",".join(log.trace_id for log in some)}, lambda log: log in some),
        ({"span_id": "s1,s2"}, lambda log: log.span_id is not None),
        ({"prompt_slug": "pp-1"}, lambda log: log.prompt == "pp-1"),
        ({"cache_status": "SEMANTIC HIT,hit"}, lambda log: log.gateway.cache_status in HITS),
        ({"weighted_feedback_min": 0.1}, lambda log: log.trace_id in good),
        ({"workspace_slug": "acme"}, lambda log: True),
    ]  # fmt: skip
    from feedback.models import FeedbackTrace

    good = set(FeedbackTrace.objects.filter(average__gte=0.1).values_list("trace_id", flat=True))
    for given, passes in filters:
        answer = seeded.client.analytics.graphs.requests(**TIMES, **given)
        assert answer["summary"] == {"total": sum(map(passes, logs))}, given


def test_order_and_pages(seeded: Seeded) -> None:
    groups = seeded.client.analytics.groups
    ranked = Counter(log.user for log in seeded.logs if log.user)
    pages = [groups.users(current_page=n, page_size=1, **TIMES) for n in range(4)]
    assert [row["requests"] for page in pages for row in page.data] == [str(n) for _, n in ranked.most_common()]
    assert {page.total for page in pages} == {3}
    found = groups.group_by(group_by="config", order_by="cost", order_by_type="asc", columns="cost", **TIMES)
    costs = [row["cost"] for row in found.data]
    assert costs == sorted(costs)


def test_what_is_wrong_is_said(seeded: Seeded) -> None:
    from portkey_logs.accounts.models import Workspace

    graphs, groups = seeded.client.analytics.graphs, seeded.client.analytics.groups
    for given, name in [
        ({"time_of_generation_min": "soon"}, "time_of_generation_min"),
        ({"time_of_generation_max": SINCE.isoformat()}, "time_of_generation_max"),
        ({"time_of_generation_min": "2001-01-01"}, "time_of_generation_min"),
        ({"total_units_min": "many"}, "total_units_min"),
        ({"status_code": "good"}, "status_code"),
        ({"metadata": "env"}, "metadata"),
        ({"ai_org_model": "gpt-4o"}, "ai_org_model"),
        ({"api_key_ids": "x"}, "api_key_ids"),
        ({"weighted_feedback_min": 11}, "weighted_feedback_min"),
    ]:
        with pytest.raises(BadRequestError, match=name):
            graphs.requests(**TIMES | given)
    for given, name in [
        ({"group_by": "colour"}, "colour"), ({"group_by": "model", "columns": "colour"}, "columns"),
        ({"group_by": "model", "order_by": "colour"}, "order_by"), ({"group_by": "model", "page_size": 0}, "page_size"),
    ]:  # fmt: skip
        with pytest.raises(BadRequestError, match=name):
            groups.group_by(**TIMES | given)
    with pytest.raises(PermissionDeniedError):
        graphs.requests(workspace_slug="elsewhere", **TIMES)
    writer = make_key(Workspace.objects.get(slug="acme"), scopes=("logs.write",))[1]
    for key, refusal in (("plk_wrong", AuthenticationError), (writer, PermissionDeniedError)):
        with pytest.raises(refusal):
            Portkey(api_key=key, base_url=f"{seeded.base_url}/v1").analytics.graphs.requests(**TIMES)
    other = make_key(Workspace.objects.get(slug="elsewhere"))[1]
    theirs = Portkey(api_key=other, base_url=f"{seeded.base_url}/v1").analytics
    assert theirs.graphs.requests(**TIMES)["summary"] == {"total": 0}
    assert theirs.groups.users(**TIMES).data == []
