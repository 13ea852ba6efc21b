"""Thirty hours of logs from the captured exchanges, sent through ``POST /v1/logs``."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from tests.logs.ingest.gateway_fixtures import FIXTURES
from tests.logs.test_logs_api import as_log

HOURS = 30
USERS = ("ada@example.org", "user-17", "user-17", "user-4", "user-23", "user-a-very-long-identifier-8c1f9d2e7b")
# What a gateway sees most; the logs of the last hour are these.
COMMON = (
    "chat_plain", "chat_stream_usage", "cache_hit", "chat_tools", "fallback_option1", "embeddings", "vision_data_uri",
    "retry_success_1", "chat_to_anthropic", "cache_miss", "provider_error_429", "loadbalance_weights",
    "cache_refreshed", "chat_stream", "fallback_active_option0", "cache_semantic_1", "retry_exhausted_2",
    "chat_tool_result", "chat_stream_cut",
)  # fmt: skip


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
