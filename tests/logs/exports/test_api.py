"""``/v1/logs/exports`` as Portkey's callers use it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from logs.explorer import presentation
from logs.exports import limits, portkey, selection
from logs.exports.models import Export
from logs.models import Log
from portkey_logs.accounts.models import AuditEvent
from portkey_logs.lib import uuid7
from tests.factories import People, make_key
from tests.logs.exports.conftest import lines

pytestmark = pytest.mark.django_db
FIELDS = ["id", "trace_id", "created_at", "request", "response", "is_success", "ai_org", "ai_model", "req_units",
          "res_units", "total_units", "request_url", "cost", "cost_currency", "response_time", "response_status_code",
          "mode", "config", "prompt_slug", "metadata"]  # fmt: skip


@pytest.fixture
def call(client: Client, api_key: str) -> Callable[..., Any]:
    def call(method: str, path: str = "", body: Any = None, key: str | None = None) -> Any:
        data = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
        headers = {"x-portkey-api-key": api_key if key is None else key}
        return client.generic(method, f"/v1/logs/exports{path}", headers=headers, **data)

    return call


def test_the_whole_lifecycle(store: Any, call: Any, finished: Any, people: People, client: Client) -> None:
    store(*[{"model": "gpt-4o", "cost": Decimal("0.066")}] * 3, {"model": "o1"})
    body = {"workspace_id": "acme", "filters": {"ai_model": "gpt-4o"}, "requested_data": FIELDS, "description": "mine"}
    made = call("POST", body=body).json()
    assert made == {"id": made["id"], "total": 3, "object": "export"}
    path = f"/{made['id']}"
    item = call("GET", path).json()
    assert (item["status"], item["filters"], item["requested_data"]) == ("draft", body["filters"], FIELDS)
    assert (item["created_by"], item["workspace_id"], item["description"]) == ("test key", "acme", "mine")
    assert call("PUT", path, {"filters": {"ai_model": "o1,gpt-4o"}}).json()["total"] == 4
    assert call("GET", f"{path}/download").status_code == 409
    assert call("POST", f"{path}/start").json() == {"message": "Export started", "object": "export"}
    assert call("GET", path).json()["status"] == "in_progress"
    assert call("PUT", path, body).status_code == 409
    export = finished(Export.objects.get())
    listed = call("GET", "?workspace_id=acme").json()
    assert (listed["object"], listed["total"]) == ("list", 1)
    assert (listed["data"][0]["status"], listed["data"][0]["total_records"]) == ("success", 4)
    url = call("GET", f"{path}/download").json()["signed_url"]
    file = b"".join(client.get(url.removeprefix("http://testserver"))).splitlines()
    assert file == export.path.read_bytes().splitlines()
    line = json.loads(file[-1])
    assert list(line) == FIELDS
    assert (line["ai_org"], line["cost"], line["mode"], line["total_units"]) == ("openai", 0.066, "single", 20)
    assert line["request"]["body"]["messages"][0]["content"] == "Say hi"
    assert call("POST", f"{path}/cancel").status_code == 409
    assert call("POST", f"{path}/start").status_code == 200  # again
    assert call("POST", f"{path}/cancel").json()["object"] == "export"
    assert call("GET", path).json()["status"] == "stopped"
    assert [event.action for event in AuditEvent.objects.exclude(action="api_key.make").order_by("created_at")] == [
        "export.start", "export.download", "export.start", "export.stop",
    ]  # fmt: skip
    assert {event.api_key.name for event in AuditEvent.objects.exclude(action="api_key.make")} == {"test key"}


def test_each_filter_selects_what_it_says(store: Any, people: People) -> None:
    now = timezone.now()
    hour_ago = presentation.iso(now - timedelta(hours=1))
    old, young = store(
        {"id": uuid7.uuid7(uuid7.ms_of(now - timedelta(hours=2))), "model": "o1", "cost": Decimal(3), "total_tokens": 10,
         "input_tokens": 7, "output_tokens": 3, "status_code": 429, "virtual_key": "v1", "config": "pc-1",
         "prompt": "pp-1", "trace_id": "t1", "metadata": {"env": "prod", "n": "1"}},
        {"model": "gpt-4o", "cost": Decimal(1), "trace_id": "t2"},
    )  # fmt: skip
    logs = Log.objects.in_workspace(people.workspace)

    def found(**filters: Any) -> str:
        names = {old.id: "old", young.id: "young"}
        return " ".join(sorted(names[id] for id in portkey.narrow(logs, filters).values_list("id", flat=True)))

    assert found() == found(ai_model="", trace_id=None, page_size=10) == "old young"
    assert found(time_of_generation_min=hour_ago) == "young"
    assert found(time_of_generation_max=hour_ago) == "old"
    assert found(time_of_generation_max=presentation.iso(old_time(old))) == "old"  # included
    assert found(cost_min=2) == found(cost_min="3", cost_max=3.0) == "old"
    assert found(total_units_max=10) == found(prompt_token_max=7) == found(completion_token_min=3) == "old"
    assert found(ai_model="o1, x") == found(ai_model=["o1"]) == "old"
    assert found(ai_org_model="openai__o1,x__gpt-4o") == "old"
    assert found(ai_org_model="openai") == "old young"
    assert found(status_code="429,500") == found(status_code=429) == "old"
    assert (
        found(virtual_keys="v1") == found(configs="pc-1") == found(prompt_slug="pp-1") == found(trace_id="t1") == "old"
    )
    assert found(metadata={"env": "prod", "n": 1}) == "old"
    assert found(metadata={"env": "dev"}) == ""
    assert found(weighted_feedback_min=0) == ""


def old_time(record: Any) -> Any:
    return datetime.fromtimestamp(uuid7.time_ms(record.id) / 1000, UTC)


@pytest.mark.parametrize(
    ("filters", "named"),
    [
        ({"created_at": {"gte": "2026-01-01"}}, "created_at"),
        ({"time_of_generation_min": "soon"}, "time_of_generation_min"),
        ({"time_of_generation_max": 12}, "time_of_generation_max"),
        ({"cost_min": "much"}, "cost_min"),
        ({"cost_min": True}, "cost_min"),
        ({"total_units_max": 1e300}, "total_units_max"),
        ({"status_code": "5xx"}, "status_code"),
        ({"ai_model": {"a": 1}}, "ai_model"),
        ({"trace_id": "a\0b"}, "trace_id"),
        ({"metadata": "env"}, "metadata"),
        ({"metadata": {"a": ["b"]}}, "metadata"),
        ({"weighted_feedback_min": "good"}, "weighted_feedback_min"),
        ({"page_size": 50_001}, "page_size"),
        ({"current_page": -1}, "page_size"),
    ],
)
def test_a_filter_that_cannot_be_understood_is_named(call: Any, filters: Any, named: str) -> None:
    answer = call("POST", body={"filters": filters, "requested_data": ["id"]})
    assert answer.status_code == 400
    assert f"filters.{named}" in answer.json()["message"]
    assert not Export.objects.exists()


@pytest.mark.parametrize(
    "body",
    [None, [], {}, {"filters": {}}, {"filters": [], "requested_data": ["id"]}, {"filters": {}, "requested_data": []},
     {"filters": {}, "requested_data": ["password"]}, {"filters": {}, "requested_data": ["id"], "description": 5}],
)  # fmt: skip
def test_a_bad_body_is_refused_in_words(call: Any, body: Any) -> None:
    answer = call("POST", body=body)
    assert answer.status_code == 400
    assert answer.json()["message"]


def test_pages_of_portkey_do_not_overlap(store: Any, call: Any, finished: Any) -> None:
    records = store(*[{}] * 7)
    seen = []
    for page in range(4):
        body = {"filters": {"page_size": 3, "current_page": page}, "requested_data": ["id"]}
        made = call("POST", body=body).json()
        call("POST", f"/{made['id']}/start")
        ids_of_page = [line["id"] for line in lines(finished(Export.objects.get(pk=made["id"])))]
        assert len(ids_of_page) == made["total"]
        seen.append(ids_of_page)
    newest_first = [str(record.id) for record in records[::-1]]
    assert seen == [newest_first[:3], newest_first[3:6], newest_first[6:], []]


def test_beyond_the_limits_it_answers_429_in_words(
    call: Any, make: Any, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"filters": {}, "requested_data": ["id"]}
    path = f"/{call('POST', body=body).json()['id']}"
    under_way = [make() for _ in range(limits.MOST_IN_PROGRESS)]
    make(workspace=people.elsewhere)
    refused = call("POST", f"{path}/start")
    assert (refused.status_code, refused.json()["message"]) == (
        429, "3 exports are being made already. Wait until one has ended, or stop one.",
    )  # fmt: skip
    assert call("GET", path).json()["status"] == "draft"
    assert call("POST", f"/{under_way[0].id}/start").json()["message"] == "The export is in progress already"
    under_way[0].stop()
    assert call("POST", f"{path}/start").status_code == 200
    monkeypatch.setattr(limits, "MOST_KEPT", 4)
    refused = call("POST", body=body)
    assert refused.status_code == 429
    assert "This workspace has 4 exports" in refused.json()["message"]
    assert Export.objects.filter(workspace=people.workspace).count() == 4


def test_keys_reach_their_own_workspace_only(call: Any, make: Any, people: People) -> None:
    export = make()
    elsewhere = make_key(people.elsewhere)[1]
    reader = make_key(people.workspace, scopes=("logs.write", "logs.view"))[1]
    calls = [("GET", ""), ("POST", ""), ("GET", f"/{export.id}"), ("PUT", f"/{export.id}"), ("POST", f"/{export.id}/start"),
             ("POST", f"/{export.id}/cancel"), ("GET", f"/{export.id}/download"), ("GET", "/field-restrictions")]  # fmt: skip
    body = {"filters": {}, "requested_data": ["id"]}
    for method, path in calls:
        sent = body if method in ("POST", "PUT") else None
        assert call(method, path, sent, key="plk_wrong").status_code == 401
        assert call(method, path, sent, key=reader).status_code == 403
        if str(export.id) in path:
            assert call(method, path, sent, key=elsewhere).status_code == 404
    assert call("GET", key=elsewhere).json()["data"] == []
    assert call("GET", "?workspace_id=elsewhere").status_code == 404
    for named in ({"workspace_id": "elsewhere"}, {"filters": {"workspace_slug": "elsewhere"}}):
        assert call("POST", body=body | named).status_code == 404
    assert call("GET", "/field-restrictions").json() == {"object": "list", "data": []}
    export.refresh_from_db()
    assert export.status == "in_progress"


def test_a_start_that_is_answered_while_a_put_counts_is_not_undone(
    store: Any, call: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    store({"model": "gpt-4o"})
    body = {"filters": {"ai_model": "gpt-4o"}, "requested_data": ["id"], "description": "first"}
    path = f"/{call('POST', body=body).json()['id']}"
    count = selection.count

    def start_then_count(export: Export) -> int | None:
        assert call("POST", f"{path}/start").json()["message"] == "Export started"
        return count(export)

    monkeypatch.setattr(selection, "count", start_then_count)
    assert call("PUT", path, body | {"description": "second"}).status_code == 409
    export = Export.objects.get()
    assert (export.status, export.description) == (Export.Status.IN_PROGRESS, "first")
