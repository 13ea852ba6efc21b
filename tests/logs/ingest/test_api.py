"""``POST /v1/logs`` over HTTP, and the health check."""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import zstandard
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from pytest_django.fixtures import Settings

from logs.ingest import writer
from logs.models import Log, LogBody
from tests.factories import People, make_key

LOG: dict[str, Any] = {
    "request": {
        "url": "https://api.openai.com/v1/chat/completions",
        "method": "POST",
        "body": {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Say hi"}]},
    },
    "response": {"status": 200, "body": {"model": "gpt-4o-mini", "choices": []}, "response_time": 12},
}
Post = Callable[..., HttpResponse]


@pytest.fixture
def post(client: Client, api_key: str, inline_writer: None) -> Post:
    """Post a body (JSON where it is not bytes yet) with the workspace's key."""

    def post(body: Any, **headers: str) -> HttpResponse:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"x-portkey-api-key": api_key} | {name.replace("_", "-"): value for name, value in headers.items()}
        return client.post("/v1/logs", data, content_type="application/json", headers=sent)

    return post


def test_one_log(post: Post, people: People) -> None:
    response = post(LOG)
    assert response.status_code == 200
    assert response["content-type"] == "application/json"
    assert response.json() == {"status": "success", "log_ids": [str(Log.objects.get().id)]}
    log = Log.objects.get()
    assert (log.workspace, log.model, log.source) == (people.workspace, "gpt-4o-mini", "api")
    assert log.api_key is not None
    assert log.api_key.name == "test key"


def test_a_batch_keeps_its_order(post: Post) -> None:
    batch = [{**LOG, "metadata": {"n": str(n)}} for n in range(5)]
    ids = post(batch).json()["log_ids"]
    assert [Log.objects.get(id=id).metadata["n"] for id in ids] == ["0", "1", "2", "3", "4"]
    assert post([]).json() == {"status": "success", "log_ids": []}


def test_good_rows_of_a_mixed_batch_are_kept_and_the_bad_ones_named(post: Post) -> None:
    bad = {**LOG, "response": {"status": "many"}}
    old = {**LOG, "createdAt": "2001-01-01T00:00:00Z"}
    response = post([LOG, bad, LOG, old])
    assert response.status_code == 207
    answer = response.json()
    assert len(answer["log_ids"]) == Log.objects.count() == 2
    assert [(error["index"], error["path"]) for error in answer["errors"]] == [
        (1, "[1].response.status"),
        (3, "[3].created_at"),
    ]
    assert all(error["message"] for error in answer["errors"])


def test_a_batch_without_a_good_row_is_an_error(post: Post) -> None:
    response = post({**LOG, "createdAt": "2001-01-01T00:00:00Z"})
    assert response.status_code == 400
    answer = response.json()
    assert answer["status"] == "failure"
    assert answer["message"].startswith("created_at: 2001-01-01T00:00:00+00:00 is outside what is kept")
    assert [error["path"] for error in answer["errors"]] == ["created_at"]
    assert "log_ids" not in answer


@pytest.mark.parametrize("moment", ["1960-01-01T00:00:00Z", "9999-12-31T23:59:59Z", -1, 0, 10**15, "soon", True])
def test_no_event_time_breaks_it(post: Post, moment: Any) -> None:
    assert post({**LOG, "createdAt": moment}).status_code == 400


@pytest.mark.parametrize("body", [b"", b"nonsense", b"1", b'"text"', b"{", b"[{}", b"\xff", b"null"])
def test_a_malformed_body_is_an_error_that_says_where(post: Post, body: bytes) -> None:
    response = post(body)
    assert response.status_code == 400
    assert response.json()["status"] == "failure"
    assert response.json()["message"].startswith("The body ")


def test_sending_again_stores_once(post: Post) -> None:
    import time

    moment = int(time.time() * 1000) - 60_000
    batch = [{**LOG, "createdAt": moment, "metadata": {"span_id": f"s{n}"}} for n in range(3)]
    first = post(batch)
    assert first.status_code == 200
    assert post(batch).json() == first.json()
    assert Log.objects.count() == 3


# --- who may -----------------------------------------------------------------------------------------------


def test_without_a_key(client: Client, db: None) -> None:
    for headers in ({}, {"x-portkey-api-key": "plk_wrong"}):
        response = client.post("/v1/logs", b"{}", content_type="application/json", headers=headers)
        assert response.status_code == 401
        assert response.json()["error"]["message"]


def test_a_key_that_may_only_read(client: Client, people: People) -> None:
    _, key = make_key(people.workspace, scopes=("logs.view",))
    response = client.post("/v1/logs", b"{}", content_type="application/json", headers={"x-portkey-api-key": key})
    assert response.status_code == 403


@pytest.mark.usefixtures("inline_writer")
def test_no_csrf_token_is_asked_for(people: People) -> None:
    _, key = make_key(people.workspace)
    client = Client(enforce_csrf_checks=True)
    response = client.post("/v1/logs", LOG, content_type="application/json", headers={"x-portkey-api-key": key})
    assert response.status_code == 200


# --- sizes and encodings -----------------------------------------------------------------------------------


def deflate_without_wrapper(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(data) + stream.flush()


PACKERS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "gzip in two members": ("GZip", lambda data: gzip.compress(data[:100]) + gzip.compress(data[100:])),
    "zstd": ("zstd", zstandard.ZstdCompressor().compress),
    "zstd in two frames": ("zstd", lambda data: zstandard.compress(data[:100]) + zstandard.compress(data[100:])),
    "zlib": ("deflate", zlib.compress),
    "deflate": ("deflate", deflate_without_wrapper),
    "identity": ("identity", lambda data: data),
}


@pytest.mark.parametrize("name", PACKERS)
def test_compressed_bodies(post: Post, name: str) -> None:
    encoding, pack = PACKERS[name]
    body = json.dumps(LOG).encode()
    assert post(pack(body), content_encoding=encoding).status_code == 200
    stored = LogBody.objects.get().request_body
    assert stored is not None
    assert json.loads(zstandard.decompress(stored)) == LOG["request"]["body"]


@pytest.mark.parametrize("name", [name for name in PACKERS if name != "identity"])
def test_a_damaged_body_is_the_senders_fault(post: Post, name: str) -> None:
    encoding, pack = PACKERS[name]
    packed = pack(json.dumps(LOG).encode() * 50)
    for damaged in (packed[: len(packed) // 2], b"\x00" + packed, b"not compressed"):
        assert post(damaged, content_encoding=encoding).status_code == 400


def test_an_unknown_encoding(post: Post) -> None:
    response = post(LOG, content_encoding="br")
    assert response.status_code == 415
    assert "br" in response.json()["message"]


def test_too_large(post: Post, settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
    fits = {**LOG, "request": {"body": "x" * 1_000_000}}
    exceeds = {**LOG, "request": {"body": "x" * 1_100_000}}
    assert post(fits).status_code == 200
    response = post(exceeds)
    assert response.status_code == 413
    assert response.json()["status"] == "failure"
    assert "1 MiB" in response.json()["message"]


@pytest.mark.parametrize("name", [name for name in PACKERS if "two" not in name and name != "identity"])
def test_a_bomb_is_stopped_before_it_fills_the_memory(post: Post, settings: Settings, name: str) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
    encoding, pack = PACKERS[name]
    bomb = pack(b"[" + b" " * 100_000_000)
    assert len(bomb) < 600_000
    tracemalloc.start()
    try:
        assert post(bomb, content_encoding=encoding).status_code == 413
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


# --- nothing takes it --------------------------------------------------------------------------------------


def test_when_nothing_takes_logs_the_caller_is_told_not_to_hammer(
    client: Client, api_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(records: object) -> None:
        raise writer.UnavailableError("full")

    monkeypatch.setattr(writer, "submit", refuse)
    response = client.post("/v1/logs", LOG, content_type="application/json", headers={"x-portkey-api-key": api_key})
    assert response.status_code == 503
    assert response["x-portkey-trace-id"]
    assert response["content-type"] == "application/json"
    assert response.json()["status"] == "failure"


# --- health ------------------------------------------------------------------------------------------------


@pytest.fixture
def quiet_writer() -> Iterator[None]:
    yield
    writer.stop()


@pytest.mark.usefixtures("db", "quiet_writer")
def test_healthy(client: Client) -> None:
    response = client.get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "ok", "spool_rows": 0})
    assert client.post("/healthz").status_code == 405


@pytest.mark.usefixtures("db", "quiet_writer")
def test_missing_migrations_are_a_reason(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'logs'")
    response = client.get("/healthz")
    assert response.status_code == 503
    assert response.json()["reason"] == "the database is of another version: migrations are missing"


@contextmanager
def closed_database() -> Iterator[None]:
    """A port where nobody listens, for this thread's connection."""
    connection.close()
    before = dict(connection.settings_dict)
    connection.settings_dict.update(HOST="127.0.0.1", PORT="1")
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(before)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("quiet_writer")
def test_a_database_away_is_a_reason_without_details(client: Client) -> None:
    with closed_database():
        response = client.get("/healthz")
    assert response.status_code == 503
    assert response.json() == {"status": "unavailable", "reason": "the database does not answer", "spool_rows": 0}
