"""The captured exchanges of ``tests/fixtures/gateway.jsonl`` as the shapes of the write path."""

from __future__ import annotations

import json
from typing import Any

from logs.record import Exchange
from tests.recorded import recorded

FIXTURES: dict[str, dict[str, Any]] = {exchange["name"]: exchange for exchange in recorded("gateway")}
STREAMS = [name for name, fixture in FIXTURES.items() if "chunks" in fixture["response"]]


def body_bytes(body: Any) -> bytes | None:
    if body is None:
        return None
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()


def response_bytes(fixture: dict[str, Any]) -> bytes | None:
    response = fixture["response"]
    return "".join(response["chunks"]).encode() if "chunks" in response else body_bytes(response.get("body"))


def exchange_of(name: str) -> Exchange:
    """The exchange as capture sees it."""
    fixture = FIXTURES[name]
    request, response = fixture["request"], fixture["response"]
    return Exchange(
        source="capture",
        url="http://127.0.0.1:8787" + request["path"],
        method=request["method"],
        request_headers=request["headers"],
        request_body=body_bytes(request["body"]),
        response_headers=response["headers"],
        response_body=response_bytes(fixture),
        status_code=response["status"],
        latency_ms=round(fixture["duration_ms"]),
    )
