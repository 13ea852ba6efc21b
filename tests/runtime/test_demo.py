"""The demo: plausible, the same every time, and everything the product can show is in it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from portkey_logs.runtime.demo.load import BATCH, HOURS, demo_logs, load_demo

NOW = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def logs() -> list[dict[str, Any]]:
    return demo_logs(NOW)


def test_it_is_the_same_every_time(logs: list[dict[str, Any]]) -> None:
    assert demo_logs(NOW) == logs


def test_it_looks_like_a_team_at_work(logs: list[dict[str, Any]]) -> None:
    assert 150 <= len(logs) <= 250
    assert len({log["metadata"]["_user"] for log in logs}) >= 4
    succeeded = sum(log["response"]["status"] < 400 for log in logs)
    assert 0.75 < succeeded / len(logs) < 0.97


def test_times_spread_over_the_last_hours(logs: list[dict[str, Any]]) -> None:
    times = [datetime.fromisoformat(log["createdAt"]) for log in logs]
    assert times == sorted(times)
    assert NOW - timedelta(hours=HOURS) <= times[0] < NOW - timedelta(hours=HOURS - 3)
    assert NOW - timedelta(hours=1) < times[-1] <= NOW
    assert len({(time.day, time.hour) for time in times}) > HOURS / 2


def test_every_log_can_be_told_from_the_others(logs: list[dict[str, Any]]) -> None:
    assert len({log["span_id"] for log in logs}) == len(logs)


def test_some_traces_hold_more_than_one_log(logs: list[dict[str, Any]]) -> None:
    assert max(Counter(log["trace_id"] for log in logs).values()) == 2


def test_metadata_is_text(logs: list[dict[str, Any]]) -> None:
    assert all(isinstance(value, str) for log in logs for value in log["metadata"].values())


@pytest.mark.parametrize("word", ["x-portkey-config", "x-portkey-cache-status", "tool_calls", "image_url"])
def test_what_the_product_shows_is_in_it(logs: list[dict[str, Any]], word: str) -> None:
    assert any(word in json.dumps(log) for log in logs)


def test_streams_are_event_streams(logs: list[dict[str, Any]]) -> None:
    streams = [log["response"] for log in logs if log["response"].get("streamingMode")]
    assert len(streams) > 10
    assert all(stream["body"].startswith(("data:", "event:")) for stream in streams)


class Receiver(ThreadingHTTPServer):
    """An API that takes logs, refusing the first of each batch if told to."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.batches: list[tuple[str | None, list[Any]]] = []
        self.refuse = False
        self.url = f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        batch = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.batches.append((self.headers["x-portkey-api-key"], batch))
        answer: dict[str, Any] = {"status": "success", "log_ids": ["id" for _ in batch]}
        if self.server.refuse:
            answer["errors"] = [{"index": 0, "path": "createdAt", "message": "too old"}]
        body = json.dumps(answer).encode()
        self.send_response(207 if self.server.refuse else 200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Stay silent."""


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # must not be asked for our own address
    with Receiver() as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_it_is_sent_in_batches_with_the_key(receiver: Receiver) -> None:
    count = load_demo(receiver.url, "plk_key")
    assert count == sum(len(batch) for _, batch in receiver.batches)
    assert {key for key, _ in receiver.batches} == {"plk_key"}
    assert max(len(batch) for _, batch in receiver.batches) == BATCH


def test_a_refused_log_is_an_error(receiver: Receiver) -> None:
    receiver.refuse = True
    with pytest.raises(ValueError, match="too old"):
        load_demo(receiver.url, "plk_key")


def test_an_api_that_is_away_is_an_error() -> None:
    with pytest.raises(OSError, match="refused"):
        load_demo("http://127.0.0.1:9", "plk_key")
