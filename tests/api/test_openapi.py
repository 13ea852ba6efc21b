"""The OpenAPI document holds what the API does: every route, field and parameter, and no other."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from django.http import QueryDict
from django.test import Client
from django.urls import resolve
from openapi_spec_validator import validate

from feedback import api_types as feedback_types
from feedback import wire as feedback_wire
from feedback.models import Given
from logs.analytics import report_query
from logs.capture.request import Request
from logs.exports import api_types as export_types
from logs.exports import wire as exports_wire
from logs.exports.models import Export
from portkey_logs.accounts.models import ApiKey
from portkey_logs.api import openapi
from portkey_logs.api.endpoints import Operation
from portkey_logs.api.types import ApiError
from portkey_logs.catalog.api import common, types
from tests.factories import People, make_key

pytestmark = pytest.mark.usefixtures("inline_writer")

SPAN = "time_of_generation_min=2020-01-01T00:00:00Z&time_of_generation_max=2020-02-01T00:00:00Z"


@pytest.fixture
def key(people: People) -> str:
    return make_key(people.workspace, scopes=list(ApiKey.SCOPES))[1]


class Calls:
    """Calls the API, and holds each answer against the type that documents it."""

    def __init__(self, client: Client, key: str) -> None:
        self._client, self._key = client, key
        self.covered: set[tuple[str, str]] = set()
        self.faults: list[str] = []

    def __call__(self, method: str, path: str, body: Any = None, *, status: int = 200) -> Any:
        match = resolve(path.partition("?")[0])
        operation: Operation = match.func.operations[method]  # type: ignore[attr-defined]
        sent = b"" if body is None else json.dumps(body)
        headers = {"x-portkey-api-key": self._key}
        answer = self._client.generic(method, path, sent, content_type="application/json", headers=headers)
        content = b"".join(answer) if answer.streaming else answer.content
        found = json.loads(content)
        assert answer.status_code == status, (method, path, found)
        self.covered.add((f"/{match.route}", method))
        documented = {200: operation.answer, **operation.answers}.get(status, ApiError)
        try:
            known = msgspec.to_builtins(msgspec.convert(found, documented))
        except msgspec.ValidationError as error:
            self.faults.append(f"{method} {path}: {error}")
        else:
            if known != found:
                self.faults.append(f"{method} {path}: not documented: {_difference(found, known)}")
        if body is not None and status == 200:
            msgspec.convert(body, operation.body)  # what works is also as documented
        return found


def _difference(found: Any, known: Any, path: str = "") -> list[str]:
    if isinstance(found, dict) and isinstance(known, dict):
        return [
            each
            for name in found.keys() | known.keys()
            for each in _difference(found.get(name), known.get(name), f"{path}.{name}")
        ]
    if isinstance(found, list) and isinstance(known, list) and len(found) == len(known):
        return [each for pair in zip(found, known, strict=True) for each in _difference(*pair, f"{path}[]")]
    return [] if found == known else [path]


def test_the_document_is_valid_and_needs_no_key(client: Client, db: None) -> None:
    answer = client.get("/v1/openapi.json")
    assert answer.status_code == 200
    validate(answer.json())


def test_every_route_is_documented_and_capture_passes_it_on(db: None) -> None:
    document = openapi.document()
    for route, view in openapi.api_views().items():
        path = openapi._PARAMETER.sub(r"{\2}", route)
        assert {method.lower() for method in view.operations} == document["paths"][path].keys()
        assert Request("GET", path, {}).is_control, path  # type: ignore[arg-type]
    assert Request("GET", "/v1/openapi.json", {}).is_control  # type: ignore[arg-type]


def test_a_route_without_a_declaration_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openapi, "api_views", lambda: {"/v1/new": lambda request: None})
    with pytest.raises(AttributeError):
        openapi.document()


def test_every_operation_needs_a_scope_that_exists(db: None) -> None:
    for route, view in openapi.api_views().items():
        for method, operation in view.operations.items():
            assert operation.scopes, (route, method)
            assert set(operation.scopes) <= set(ApiKey.SCOPES), (route, method)


@pytest.mark.django_db
def test_every_answer_is_as_documented(client: Client, key: str, people: People, store: Any, given_rating: Any) -> None:
    call = Calls(client, key)
    failed = {"is_success": False, "status_code": 429, "error_type": "rate_limit", "error_message": "no"}
    good, _ = store({"cost": Decimal("0.5"), "trace_id": "t", "user": "ada", "metadata": {"env": "prod"}}, failed)
    call("GET", "/v1/logs")
    call("GET", "/v1/logs?q=nothing")
    call("GET", "/v1/logs?status=x", status=400)
    call("GET", f"/v1/logs/{good.id}")
    call("GET", f"/v1/logs/{uuid.uuid4()}", status=404)
    row = {"request": {"url": "https://x", "body": {}}, "response": {"status": 200, "body": {}}}
    call("POST", "/v1/logs", [row])
    call("POST", "/v1/logs", [row, {"response": {"status": "x"}}], status=207)
    call("POST", "/v1/logs", [{"response": {"status": "x"}}], status=400)
    _feedback(call)
    _exports(call)
    _configs(call)
    _prompts(call)
    for path in ("virtual-keys", "providers"):
        _virtual_keys(call, path)
    _analytics(call)
    assert call.faults == []
    operations = {(route, method) for route, view in openapi.api_views().items() for method in view.operations}
    assert operations == call.covered


@pytest.fixture
def given_rating(people: People) -> None:
    from feedback.models import Feedback

    Feedback.record(people.workspace.id, None, [Given("t", Decimal(1))])


def _feedback(call: Calls) -> None:
    id = call("POST", "/v1/feedback", {"trace_id": "t", "value": 1})["feedback_ids"][0]
    call("PUT", f"/v1/feedback/{id}", {"value": 2, "weight": 0.5, "metadata": {"a": "b"}})
    call("POST", "/v1/feedback", {"value": 1}, status=400)


def _exports(call: Calls) -> None:
    path = "/v1/logs/exports"
    body = {"filters": {"ai_model": "gpt-4o", "cost_min": 0}, "requested_data": ["id"], "description": "x"}
    id = call("POST", path, body)["id"]
    call("GET", path)
    call("GET", f"{path}/{id}")
    call("PUT", f"{path}/{id}", {"description": "y"})
    call("POST", f"{path}/{id}/start")
    call("PUT", f"{path}/{id}", {"description": "y"}, status=409)
    call("POST", f"{path}/{id}/cancel")
    call("GET", f"{path}/{id}/download", status=409)
    call("POST", f"{path}/{id}/start")
    Export.objects.get().finish(Export.Status.SUCCESS)
    Export.objects.update(status=Export.Status.SUCCESS)
    call("GET", f"{path}/{id}/download")
    call("GET", f"{path}/field-restrictions")


def _configs(call: Calls) -> None:
    body = {"name": "a", "config": {"virtual_key": "none"}, "isDefault": 0}
    slug = call("POST", "/v1/configs", body)["slug"]
    call("GET", "/v1/configs")
    call("GET", f"/v1/configs/{slug}")
    call("PUT", f"/v1/configs/{slug}", {"name": "b", "config": {"virtual_key": "other"}})
    call("GET", f"/v1/configs/{slug}/versions")
    call("PUT", f"/v1/configs/{slug}", {"config": {"retry": 1}}, status=400)
    call("DELETE", f"/v1/configs/{slug}")
    call("GET", f"/v1/configs/{slug}", status=404)


def _prompts(call: Calls) -> None:
    slug = call("POST", "/v1/prompts", {"name": "a", "string": "Say {{word}}", "model": "gpt-4o"})["slug"]
    call("GET", "/v1/prompts")
    call("GET", f"/v1/prompts/{slug}")
    call("PUT", f"/v1/prompts/{slug}", {"string": "Say it", "version_description": "short"})
    call("GET", f"/v1/prompts/{slug}/versions")
    call("GET", f"/v1/prompts/{slug}/versions/1")
    call("PUT", f"/v1/prompts/{slug}/makeDefault", {"version": 2})
    call("POST", f"/v1/prompts/{slug}/render", {"variables": {"word": "hi"}})
    call("DELETE", f"/v1/prompts/{slug}")


def _virtual_keys(call: Calls, name: str) -> None:
    body = {"name": "a", "provider": "azure-openai", "key": "sk-0123456789", "resourceName": "r", "deploymentName": "d"}
    slug = call("POST", f"/v1/{name}", body)["slug"]
    call("GET", f"/v1/{name}")
    call("GET", f"/v1/{name}/{slug}")
    call("PUT", f"/v1/{name}/{slug}", {"note": "x", "expires_at": "2050-01-01T00:00:00Z"})
    call("DELETE", f"/v1/{name}/{slug}")


def _analytics(call: Calls) -> None:
    from datetime import UTC, datetime, timedelta

    now = datetime.now(UTC)
    first, last = (f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in (now - timedelta(hours=2), now + timedelta(hours=1)))
    span = f"time_of_generation_min={first}&time_of_generation_max={last}"
    base = "/v1/analytics"
    for route in openapi.api_views():
        if route.startswith(f"{base}/") and "<" not in route:
            call("GET", f"{route}?{span}")
    call("GET", f"{base}/graphs/requests", status=400)
    call("GET", f"{base}/groups/metadata/env?{span}")
    every = ",".join(("requests", *types_of_columns()))
    for dimension in ("provider", "model", "status_code", "api_key", "config", "user", "ai_service", "virtual_key"):
        call("GET", f"{base}/groups/{dimension}?{span}&columns={every}")


def types_of_columns() -> Iterator[str]:
    from logs.analytics import group_lists

    return (name for name in (*group_lists.COLUMNS, *group_lists.PERCENTILES) if name != "requests")


# --- what is sent ------------------------------------------------------------------------------------------


class Recorded(dict[str, Any]):
    """An object that notes which of its members were looked up."""

    def __init__(self, *args: Any, seen: set[str]) -> None:
        super().__init__(*args)
        self.seen = seen

    def get(self, key: str, default: Any = None) -> Any:
        self.seen.add(key)
        return super().get(key, default)

    def __contains__(self, key: object) -> bool:
        self.seen.add(str(key))
        return super().__contains__(key)

    def __getitem__(self, key: str) -> Any:
        self.seen.add(key)
        return super().__getitem__(key)


def _fields(kind: Any) -> set[str]:
    return {each.encode_name for each in msgspec.structs.fields(kind)}


BODIES: list[tuple[str, str, Any, Any]] = [
    ("POST", "/v1/configs", types.NewConfig, {"name": "a", "config": {"virtual_key": "x"}}),
    ("PUT", "/v1/configs/{config}", types.ConfigUpdate, {"name": "b", "config": {"virtual_key": "y"}}),
    ("POST", "/v1/prompts", types.NewPrompt, {"name": "a", "string": "x", "functions": [{}]}),
    ("PUT", "/v1/prompts/{prompt}", types.PromptUpdate, {"name": "b", "string": "y", "functions": [{}]}),
    ("PUT", "/v1/prompts/{prompt}/makeDefault", types.PromptPublication, {"version": 1}),
    ("POST", "/v1/prompts/{prompt}/render", types.PromptVariables, {"variables": {}}),
]


@pytest.mark.parametrize(("method", "path", "kind", "body"), BODIES)
def test_every_member_of_a_catalog_body_is_documented(
    method: str, path: str, kind: Any, body: Any, client: Client, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = _sender(client, key)
    slugs = {
        "config": send("POST", "/v1/configs", BODIES[0][3])["slug"],
        "prompt": send("POST", "/v1/prompts", BODIES[2][3])["slug"],
    }
    seen: set[str] = set()
    monkeypatch.setattr(common, "decode_object", lambda body: Recorded(json.loads(body), seen=seen))
    send(method, path.format(**slugs), body)
    assert seen - {"customHost"} == _fields(kind)


def test_every_member_of_a_virtual_key_is_documented(client: Client, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from portkey_logs.catalog.providers import PROVIDERS

    send = _sender(client, key)
    seen: set[str] = set()
    monkeypatch.setattr(common, "decode_object", lambda body: Recorded(json.loads(body), seen=seen))
    for provider in (each for each in PROVIDERS.values() if each.options):
        body = {"name": "a", "provider": provider.slug, "key": "sk-0123456789", "note": "x", "expires_at": None}
        send("POST", "/v1/virtual-keys", body, accepts=(200, 400))
    for name in ("integration_id", "awsSecretAccessKey", "custom_host"):
        body = {"name": "a", name: "openai", "provider": None, "key": None}
        send("POST", "/v1/virtual-keys", body, accepts=(200, 400))
    assert seen == _fields(types.NewVirtualKey)


def test_every_member_of_feedback_is_documented(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: set[str] = set()
    sent = {"trace_id": "t", "value": 1}
    monkeypatch.setattr(feedback_wire, "decode_json", lambda body: Recorded(sent, seen=seen))
    feedback_wire.parse_new(b"")
    assert seen == _fields(feedback_types.NewFeedback)
    seen.clear()
    feedback_wire.parse_update(b"", None)
    assert seen == _fields(feedback_types.FeedbackUpdate)


def test_every_member_and_filter_of_an_export_is_documented(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: set[str] = set()
    sent = {"filters": {}, "requested_data": ["id"]}
    monkeypatch.setattr(exports_wire, "decode_json", lambda body: Recorded(sent, seen=seen))
    exports_wire.parse(b"", people.workspace)
    assert seen == _fields(export_types.NewExport) == _fields(export_types.ExportUpdate)
    monkeypatch.undo()
    values = {"metadata": {"a": "b"}, "workspace_slug": "acme", "status_code": 200, "page_size": 1, "current_page": 0}
    values |= {f"time_of_generation_{end}": "2026-01-01T00:00:00Z" for end in ("min", "max")}
    for name in _fields(export_types.ExportFilters):
        body = {"filters": {name: values.get(name, "1")}, "requested_data": ["id"]}
        exports_wire.parse(json.dumps(body).encode(), people.workspace)
    with pytest.raises(exports_wire.BodyError):
        exports_wire.parse(b'{"filters": {"other": 1}, "requested_data": ["id"]}', people.workspace)


def test_every_parameter_of_analytics_is_documented(people: People) -> None:
    class Params(QueryDict):
        def get(self, name: str, default: Any = None) -> Any:
            seen.add(name)
            return super().get(name, default)

    seen: set[str] = set()
    report_query.read(Params(SPAN), people.workspace)
    assert seen | {"workspace_slug"} == set(report_query.PARAMETERS)


def _sender(client: Client, key: str) -> Callable[..., Any]:
    def send(method: str, path: str, body: Any, accepts: tuple[int, ...] = (200,)) -> Any:
        answer = client.generic(
            method, path, json.dumps(body), content_type="application/json", headers={"x-portkey-api-key": key}
        )
        assert answer.status_code in accepts, answer.content
        return answer.json()

    return send
