"""The demo: exchanges captured at a real gateway, told as one day of a small team, sent through the API.

``exchanges.jsonl`` holds the request and response of each capture as ``POST
/v1/logs`` takes them. The provider behind that gateway was a stub that answers
at once; the time a model would have taken is added here. Knows no Django.
"""

from __future__ import annotations

import json
import math
import random
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from portkey_logs.runtime import ports

EXCHANGES = Path(__file__).with_name("exchanges.jsonl")
SEED = 17
LOGS = 240
HOURS = 30
BATCH = 50
TIMEOUT_SECONDS = 60

# How often an exchange comes up beside its one certain time; what is not named here is rare.
COMMON = {
    "chat_plain": 8,
    "chat_stream_usage": 10,
    "chat_tools": 8,
    "chat_to_anthropic": 6,
    "messages_anthropic": 4,
    "embeddings": 7,
    "responses": 3,
    "vision_data_uri": 3,
    "cache_miss": 8,
    "cache_hit": 14,
    "cache_refreshed": 3,
    "cache_stream_1": 3,
    "loadbalance_weights": 7,
    "loadbalance_default_weights": 5,
    "nested_fallback_option0_in_loadbalance": 3,
    "fallback_active_option0": 8,
    "fallback_option1": 6,
    "fallback_stream_option1": 3,
    "fallback_option2": 2,
    "retry_configured_not_triggered": 3,
    "retry_success_1": 6,
    "retry_success_3": 3,
    "provider_error_429": 1,
}
# An agent calls a tool and goes on with its result: one trace, seconds apart.
FOLLOWED_BY = {"chat_tools": "chat_tool_result"}

USERS = ["user-17", "user-17", "user-17", "user-4", "user-4", "user-23", "user-8", "user-31"]
FEATURES = ["support-chat", "support-chat", "search", "summaries", "onboarding"]
ENVIRONMENTS = ["prod", "prod", "prod", "staging"]

Log = dict[str, Any]


def load_demo(base_url: str, api_key: str) -> int:
    """Send the demo's logs, up to now, to the installation at ``base_url``; returns how many it stored.

    Raises OSError when the API refuses or cannot be reached, ValueError when it refuses some of them.
    """
    logs = demo_logs(datetime.now(UTC))
    return sum(_send(base_url, api_key, logs[start : start + BATCH]) for start in range(0, len(logs), BATCH))


def demo_logs(now: datetime) -> list[Log]:
    """Return bodies for ``POST /v1/logs`` over the HOURS before ``now``, oldest first; the same for the same time."""
    random_ = random.Random(SEED)  # noqa: S311 - nothing secret
    exchanges = {exchange.pop("name"): exchange for exchange in map(json.loads, EXCHANGES.read_text().splitlines())}
    names = [*exchanges, *random_.choices([*COMMON], [*COMMON.values()], k=LOGS - len(exchanges))]
    logs = []
    for name in names:
        time = now - _age(random_)
        story = {
            "trace_id": f"{random_.getrandbits(128):032x}",
            "metadata": {
                "_user": random_.choice(USERS),
                "env": random_.choice(ENVIRONMENTS),
                "feature": random_.choice(FEATURES),
            },
        }
        logs.append(_log(random_, exchanges[name], time, story))
        if follower := FOLLOWED_BY.get(name):
            later = min(time + timedelta(seconds=random_.uniform(2, 6)), now)
            logs.append(_log(random_, exchanges[follower], later, story))
    return sorted(logs, key=lambda log: str(log["createdAt"]))


def _log(random_: random.Random, exchange: Log, time: datetime, story: Log) -> Log:
    response = dict(exchange["response"])
    response["response_time"] += _model_time_ms(random_, exchange)
    return {
        **exchange,
        "response": response,
        **story,
        "span_id": f"{random_.getrandbits(64):016x}",
        "createdAt": time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }


def _model_time_ms(random_: random.Random, exchange: Log) -> int:
    """Draw the time a model would have taken; none where no model answered."""
    response = exchange["response"]
    if response["status"] >= 400 or response["headers"].get("x-portkey-cache-status") == "HIT":
        return 0
    median = 90 if "embeddings" in exchange["request"]["url"] else 850
    return round(random_.lognormvariate(math.log(median), 0.6))


def _age(random_: random.Random) -> timedelta:
    """Draw how long ago: more of it recent, so that the first page spans hours and the last one yesterday."""
    return timedelta(hours=HOURS * random_.random() ** 1.6)


def _send(base_url: str, api_key: str, logs: list[Log]) -> int:
    headers = {"x-portkey-api-key": api_key, "content-type": "application/json"}
    request = urllib.request.Request(f"{base_url}/v1/logs", json.dumps(logs).encode(), headers)  # noqa: S310 - our own address
    with ports.call(request, TIMEOUT_SECONDS) as response:
        answer = json.load(response)
    if errors := answer.get("errors"):
        raise ValueError(f"{len(errors)} demo logs were refused, the first because {errors[0]['message']}")
    return len(answer["log_ids"])
