"""People and thirty hours of logs from the captured exchanges, sent through ``POST /v1/logs``."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from django.db import connection, transaction

from tests.emptying import filled_tables
from tests.factories import People, make_key, make_people
from tests.logs.ingest.gateway_fixtures import FIXTURES
from tests.logs.viewer.test_logs_api import as_log

HOURS = 30
USERS = ("ada@example.org", "user-17", "user-17", "user-4", "user-23", "user-a-very-long-identifier-8c1f9d2e7b")
# What a gateway sees most; the logs of the last hour are these.
COMMON = (
    "chat_plain", "chat_stream_usage", "cache_hit", "chat_tools", "fallback_option1", "embeddings", "vision_data_uri",
    "retry_success_1", "chat_to_anthropic", "cache_miss", "provider_error_429", "loadbalance_weights",
    "cache_refreshed", "chat_stream", "fallback_active_option0", "cache_semantic_1", "retry_exhausted_2",
    "chat_tool_result", "chat_stream_cut",
)  # fmt: skip

FRESH_SECONDS = 300  # so little older than they say may the logs be


@dataclass
class Seed:
    """Who and what was seeded, and the rows as they were then: copied in, they are there ten times as fast."""

    people: People
    api_key: str
    logs: dict[str, str]
    rows: dict[str, bytes] = field(default_factory=dict)
    _sown_at: float = field(default_factory=time.monotonic)

    @classmethod
    def sow(cls, base_url: str) -> Seed:
        people = make_people()
        api_key = make_key(people.workspace, name="Gateway in production", created_by=people.alice)[1]
        seed = cls(people, api_key, send_logs(base_url, api_key))
        with connection.cursor() as cursor:
            for table in filled_tables(cursor):
                with cursor.copy(f'COPY (SELECT * FROM "{table}") TO STDOUT (FORMAT binary)') as rows:
                    seed.rows[table] = b"".join(rows)
        return seed

    @property
    def is_fresh(self) -> bool:
        return time.monotonic() - self._sown_at < FRESH_SECONDS

    def restore(self) -> None:
        """Put the rows into the empty tables. Foreign keys are looked at when all are there."""
        with transaction.atomic(), connection.cursor() as cursor:
            for table, rows in self.rows.items():
                with cursor.copy(f'COPY "{table}" FROM STDIN (FORMAT binary)') as copy:
                    copy.write(rows)


def send_logs(base_url: str, api_key: str) -> dict[str, str]:
    """Send them all and return the id of the newest log of each capture, by the capture's name."""
    names = [*COMMON, *FIXTURES, *COMMON]
    chance = random.Random(5)
    now = datetime.now(UTC)
    logs = [_log(name, now - _age(index / len(names)), chance) for index, name in enumerate(names)]
    answer = httpx.post(
        f"{base_url}/v1/logs", json=logs, headers={"x-portkey-api-key": api_key}, timeout=30, trust_env=False
    )
    answer.raise_for_status()
    ids = answer.json()["log_ids"]
    assert len(ids) == len(logs)
    return dict(zip(reversed(names), reversed(ids), strict=True))


def _age(part: float) -> timedelta:
    """How long ago, for the log that this part of all others is newer than: most of them are recent."""
    return timedelta(seconds=20) + timedelta(hours=HOURS) * part**2


def _log(name: str, time: datetime, chance: random.Random) -> dict[str, Any]:
    log = as_log(FIXTURES[name])
    if log["response"]["status"] == 200 and "cache_hit" not in name:
        log["response"]["response_time"] += chance.randrange(180, 2400)  # the captures' provider answers at once
    return log | {
        "createdAt": time.isoformat(timespec="milliseconds"),
        "trace_id": f"{chance.getrandbits(128):032x}",
        "span_id": f"{chance.getrandbits(64):016x}",
        "metadata": {"_user": chance.choice(USERS), "env": "prod", "feature": "support-chat"},
    }
