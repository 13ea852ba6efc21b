"""Every call with a body takes it in chunks and compressed, and refuses it by the same rules."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
import zstandard
from django.test import Client
from pytest_django import Settings

from portkey_logs.accounts.models import ApiKey
from tests.factories import People, make_key

pytestmark = pytest.mark.usefixtures("inline_writer")

EXPORT = {"filters": {}, "requested_data": ["id"]}
CALLS: dict[str, tuple[str, Any]] = {
    "logs": ("/v1/logs", {"request": {"body": {"model": "gpt-4o"}}, "response": {"body": {}}}),
    "feedback": ("/v1/feedback", {"trace_id": "t", "value": 1}),
    "exports": ("/v1/logs/exports", EXPORT),
    "configs": ("/v1/configs", {"name": "a", "config": {"virtual_key": "openai-1"}}),
    "prompts": ("/v1/prompts", {"name": "a", "string": "Say hi", "model": "gpt-4o"}),
    "virtual keys": ("/v1/virtual-keys", {"name": "a", "provider": "openai", "key": "sk-0123456789"}),
}

type Send = Callable[..., Any]


@pytest.fixture
def send(client: Client, people: People) -> Send:
    key = make_key(people.workspace, scopes=list(ApiKey.SCOPES))[1]

    def send(path: str, body: bytes, method: str = "POST", **environ: Any) -> Any:
        return client.generic(
            method, path, body, content_type="application/json", headers={"x-portkey-api-key": key}, **environ
        )

    return send


def _chunked(body: bytes) -> dict[str, Any]:
    """What a WSGI server gives for a body of unknown length."""
    return {"wsgi.input": BytesIO(body), "CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"}


@pytest.mark.parametrize("name", CALLS)
def test_a_chunked_body_is_read(name: str, send: Send) -> None:
    path, body = CALLS[name]
    answer = send(path, b"", **_chunked(json.dumps(body).encode()))
    assert answer.status_code == 200, answer.content


def test_a_chunked_put_of_an_export_is_read(send: Send) -> None:
    id = send("/v1/logs/exports", json.dumps(EXPORT).encode()).json()["id"]
    path = f"/v1/logs/exports/{id}"
    changed = json.dumps({"description": "second"}).encode()
    assert send(path, b"", method="PUT", **_chunked(changed)).status_code == 200
    assert send(path, b"", method="GET").json()["description"] == "second"


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(("encoding", "compress"), [("gzip", gzip.compress), ("zstd", zstandard.compress)])
def test_a_compressed_body_is_read(name: str, encoding: str, compress: Callable[[bytes], bytes], send: Send) -> None:
    path, body = CALLS[name]
    answer = send(path, compress(json.dumps(body).encode()), HTTP_CONTENT_ENCODING=encoding)
    assert answer.status_code == 200, answer.content


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_body_over_the_limit_is_413(name: str, is_chunked: bool, send: Send, settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    large = json.dumps(CALLS[name][1] | {"padding": "x" * 1000}).encode()
    path = CALLS[name][0]
    answer = send(path, b"", **_chunked(large)) if is_chunked else send(path, large)
    assert answer.status_code == 413
    assert answer.json()["error"]["message"] == answer.json()["message"]
    packed = send(path, gzip.compress(large), HTTP_CONTENT_ENCODING="gzip")
    assert packed.status_code == 413


@pytest.mark.parametrize("name", CALLS)
def test_an_unknown_encoding_is_415_and_a_broken_one_400(name: str, send: Send) -> None:
    path = CALLS[name][0]
    assert send(path, b"{}", HTTP_CONTENT_ENCODING="br").status_code == 415
    assert send(path, b"{}", HTTP_CONTENT_ENCODING="gzip").status_code == 400
