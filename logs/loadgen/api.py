"""Generated logs through ``POST /v1/logs``: the way real ones come. Knows no Django."""

from __future__ import annotations

import json
import random
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from logs.loadgen.exchanges import Exchange, Maker
from portkey_logs.runtime import ports

BATCH = 100
CONNECTIONS = 4  # as many batches wait for their answer at once
TIMEOUT_SECONDS = 60


def send(url: str, api_key: str, *, logs: int, days: float, seed: int, body_bytes: int) -> Iterator[int]:
    """Send the logs to the installation at ``url``; yields how many each answered batch stored.

    Raises OSError where the API cannot be reached or refuses a batch, ValueError where it refuses a log.
    """
    batches = _batches(logs, days, seed, body_bytes)
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        while portion := [batch for _, batch in zip(range(CONNECTIONS), batches, strict=False)]:
            yield from pool.map(lambda batch: _post(url, api_key, batch), portion)


def _batches(logs: int, days: float, seed: int, body_bytes: int) -> Iterator[list[Exchange]]:
    maker, chance, now = Maker(seed, body_bytes), random.Random(seed), datetime.now(UTC)  # noqa: S311
    for start in range(0, logs, BATCH):
        yield [_dated(maker.exchange(), chance, now, days) for _ in range(min(BATCH, logs - start))]


def _dated(exchange: Exchange, chance: random.Random, now: datetime, days: float) -> Exchange:
    time = now - timedelta(days=days * chance.random())
    ids = {"trace_id": f"{chance.getrandbits(128):032x}", "span_id": f"{chance.getrandbits(64):016x}"}
    return exchange | ids | {"createdAt": time.isoformat(timespec="milliseconds")}


def _post(url: str, api_key: str, batch: list[Exchange]) -> int:
    headers = {"x-portkey-api-key": api_key, "content-type": "application/json"}
    request = urllib.request.Request(f"{url}/v1/logs", json.dumps(batch).encode(), headers)  # noqa: S310
    with ports.call(request, TIMEOUT_SECONDS) as response:
        answer = json.load(response)
    if errors := answer.get("errors"):
        raise ValueError(f"{len(errors)} logs were refused, the first because {errors[0]['message']}")
    return len(answer["log_ids"])
