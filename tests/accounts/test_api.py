"""The API's door: which keys open it, and what those hear that do not."""

from __future__ import annotations

import json

import pytest
from django.http import HttpResponse, JsonResponse
from django.test import RequestFactory

from portkey_logs.api.keys import ApiRequest, api_key_required
from tests.factories import People, make_key


@api_key_required("logs.write", "logs.view")
def either(request: ApiRequest) -> HttpResponse:
    return JsonResponse({"workspace": request.grant.workspace_slug})


@api_key_required("logs.write")
def write(request: ApiRequest) -> HttpResponse:
    return JsonResponse({"workspace": request.grant.workspace_slug})


def call(view: object, **headers: str) -> tuple[int, dict[str, object]]:
    response = view(RequestFactory().post("/v1/logs", headers=headers))  # type: ignore[operator]
    return response.status_code, json.loads(response.content)


@pytest.fixture
def key(people: People) -> str:
    return make_key(people.workspace)[1]


def test_the_key_in_its_own_header(key: str) -> None:
    assert call(write, **{"x-portkey-api-key": key}) == (200, {"workspace": "acme"})


def test_beside_the_placeholder_of_an_sdk(key: str) -> None:
    headers = {"x-portkey-api-key": key, "Authorization": "Bearer OPENAI_API_KEY"}
    assert call(write, **headers) == (200, {"workspace": "acme"})


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_as_a_bearer_token(key: str, scheme: str) -> None:
    assert call(write, Authorization=f"{scheme} {key}") == (200, {"workspace": "acme"})


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-portkey-api-key": ""},
        {"x-portkey-api-key": "plk_unknown"},
        {"x-portkey-api-key": "ключ"},
        {"Authorization": "Bearer OPENAI_API_KEY"},
        {"Authorization": "Basic YTpi"},
    ],
)
def test_without_a_key_of_ours(db: None, headers: dict[str, str]) -> None:
    message = "Portkey Error: Invalid API Key. Error Code: 03"
    assert call(write, **headers) == (
        401,
        {
            "status": "failure",
            "message": message,
            "error": {"message": message, "type": "03", "param": None, "code": "03"},
        },
    )


def test_a_wrong_key_in_its_own_header_is_not_made_good_by_a_bearer_token(key: str) -> None:
    assert call(write, **{"x-portkey-api-key": "plk_unknown", "Authorization": f"Bearer {key}"})[0] == 401


def test_any_one_of_the_scopes_suffices(people: People) -> None:
    _, viewer = make_key(people.workspace, scopes=("logs.view",))
    assert call(either, **{"x-portkey-api-key": viewer})[0] == 200


def test_a_missing_scope_is_named(people: People) -> None:
    _, viewer = make_key(people.workspace, scopes=("logs.view",))
    status, body = call(write, **{"x-portkey-api-key": viewer})
    assert status == 403
    assert "logs.write" in str(body["message"])
