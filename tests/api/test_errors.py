"""Errors of the JSON APIs: one shape, in which Portkey's SDKs find what they read."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from django.test import Client

from logs.capture.replies import failure
from portkey_logs.accounts.models import ApiKey
from tests.factories import PASSWORD, People, make_key

UNKNOWN_ID = "0192f0c1-7a2b-7c3d-8e4f-5a6b7c8d9e0f"  # the same in every worker of the suite

CALLS = [
    ("GET", "/v1/logs?status=x", 400),
    ("POST", "/v1/logs", 400),
    ("GET", f"/v1/logs/{UNKNOWN_ID}", 404),
    ("POST", "/v1/feedback", 400),
    ("GET", "/v1/feedback", 405),
    ("PUT", f"/v1/feedback/{UNKNOWN_ID}", 400),
    ("POST", "/v1/logs/exports", 400),
    ("GET", f"/v1/logs/exports/{UNKNOWN_ID}", 404),
    ("POST", "/v1/configs", 400),
    ("GET", "/v1/prompts/pp-none", 404),
    ("PATCH", "/v1/virtual-keys", 405),
    ("GET", "/v1/analytics/graphs/requests", 400),
    ("GET", "/v1/nothing", 404),
]


def _check(body: Any) -> None:
    message, code = body["message"], body["error"]["code"]
    assert message
    assert body["status"] == "failure"
    assert body["error"] == {"message": message, "type": body["error"]["type"], "param": None, "code": code}


@pytest.mark.parametrize(("method", "path", "status"), CALLS)
def test_a_bad_call(method: str, path: str, status: int, client: Client, people: People) -> None:
    key = make_key(people.workspace, scopes=list(ApiKey.SCOPES))[1]
    answer = client.generic(
        method, path, b"nonsense", content_type="application/json", headers={"x-portkey-api-key": key}
    )
    assert answer.status_code == status
    _check(answer.json())


def test_the_catalog_has_what_the_control_plane_has_too(client: Client, people: People) -> None:
    key = make_key(people.workspace, scopes=list(ApiKey.SCOPES))[1]
    body = client.get("/v1/configs/pc-none", headers={"x-portkey-api-key": key}).json()
    assert (body["success"], body["data"]) == (False, {"message": body["message"], "errorCode": "AB02"})


def test_an_error_of_a_list_has_no_rows(client: Client, people: People) -> None:
    key = make_key(people.workspace, scopes=list(ApiKey.SCOPES))[1]
    assert "data" not in client.get("/v1/logs?status=x", headers={"x-portkey-api-key": key}).json()


@pytest.mark.parametrize("path", ["/v1/logs", "/v1/feedback", "/v1/configs", "/v1/logs/exports"])
def test_a_call_without_a_key_and_one_without_the_scope(path: str, client: Client, people: People) -> None:
    assert client.post(path).status_code == 401
    _check(client.post(path).json())
    key = make_key(people.workspace, scopes=["analytics.view"])[1]
    lacking = client.post(path, headers={"x-portkey-api-key": key})
    assert lacking.status_code == 403
    _check(lacking.json())


def test_the_json_of_the_pages(client: Client, people: People) -> None:
    _check(client.get("/w/acme/logs.json").json())
    client.login(username="alice@example.org", password=PASSWORD)
    _check(client.get("/w/acme/logs.json?status=x").json())
    _check(client.get("/w/nowhere/logs.json").json())


def test_capture() -> None:
    _check(msgspec.json.decode(failure("No such route", "not_found")))
