"""What is shown beside a log: the rest of its trace, and its user around that time."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from logs.explorer.related import DEEPEST, SAME_MOST, TRACE_MOST, USER_MOST, related
from logs.models import Log
from portkey_logs.lib import uuid7
from tests.factories import PASSWORD, People

pytestmark = pytest.mark.usefixtures("inline_writer")

NOW = uuid7.time_ms(uuid7.uuid7())
MINUTE = 60_000


def at(ms: int, **values: Any) -> dict[str, Any]:
    """A log so many milliseconds from now, of one trace and one user unless it says otherwise."""
    return {"id": uuid7.uuid7(NOW + ms), "trace_id": "one", "user": "ada"} | values


def found(people: People, record: Any) -> Any:
    return related(people.workspace, Log.objects.get(workspace=people.workspace, id=record.id))


def test_a_trace_in_the_order_of_time_below_its_spans(people: People, store: Any) -> None:
    records = store(
        at(0, span_id="a", latency_ms=1000),
        at(100, span_id="b", parent_span_id="a", latency_ms=400),
        at(200, span_id="c", parent_span_id="b", latency_ms=None),
        at(300, parent_span_id="not-ours"),
        at(400, trace_id="other", user=None),
    )
    store(at(500), workspace_id=people.elsewhere.id)
    steps = found(people, records[1]).trace
    assert [step.log.id for step in steps] == [record.id for record in records[:4]]
    assert [(step.depth, step.after, step.x, step.width) for step in steps[:3]] == [
        (0, "+0 ms", 0, 100),
        (1, "+100 ms", 10, 40),
        (2, "+200 ms", 20, 0),
    ]
    assert steps[3].depth == 0


def test_spans_that_name_each_other_end(people: People, store: Any) -> None:
    records = store(at(0, span_id="a", parent_span_id="b"), at(1, span_id="b", parent_span_id="a"))
    assert [step.depth for step in found(people, records[0]).trace] == [DEEPEST, DEEPEST]


def test_the_same_user_within_ten_minutes(people: People, store: Any) -> None:
    log, *_ = store(
        at(0),
        at(-11 * MINUTE, trace_id="too early"),
        at(-9 * MINUTE, trace_id="before"),
        at(9 * MINUTE, trace_id="after"),
        at(11 * MINUTE, trace_id="too late"),
        at(1, trace_id="somebody else", user="bob"),
        at(2, trace_id="nobody", user=None),
    )
    shown = found(people, log)
    assert [each.trace_id for each in shown.of_user] == ["before", "after"]
    assert shown.trace == []
    store(*(at(number, trace_id=f"more {number}") for number in range(1, 30)))
    assert len(found(people, log).of_user) == USER_MOST


def test_the_same_request_within_ten_minutes(people: People, store: Any) -> None:
    body = b'{"model":"gpt-4o-mini","input":"Same"}'
    alone = {"trace_id": None, "user": None, "request_body": body}
    log, *_ = store(
        *(
            at(minutes * MINUTE, **alone | {"trace_id": trace} | changed)
            for minutes, trace, changed in [
                (0, "this", {}),
                (-9, "before", {"response_body": b"another answer", "is_success": False}),
                (9, "after", {"trace_id": "this"}),
                (11, "too late", {}),
                (1, "as long", {"request_body": body.replace(b"Same", b"Lame")}),
                (2, "not kept", {"request_body": None, "request_bytes": len(body)}),
                (3, "another model", {"model": "o1"}),
            ]
        )
    )
    store(at(1, **alone | {"trace_id": "elsewhere"}), workspace_id=people.elsewhere.id)
    assert [each.trace_id for each in found(people, log).same] == ["before", "this"]
    store(*(at(number, **alone | {"trace_id": "more"}) for number in range(1, 30)))
    assert len(found(people, log).same) == SAME_MOST


def test_a_long_trace_is_cut_around_the_log(people: People, store: Any) -> None:
    records = store(*(at(number) for number in range(120)))
    shown = found(people, records[60])
    assert shown.has_more
    assert len(shown.trace) == TRACE_MOST + 1
    assert records[60].id in {step.log.id for step in shown.trace}


def test_the_panel_fetches_them_and_pages_show_them(
    people: People, store: Any, django_assert_max_num_queries: Any
) -> None:
    one, other, alone = store(at(0), at(1), at(0, trace_id="alone", user="nobody else", request_body=b"{}"))
    client = Client()
    assert client.login(username="bob@example.org", password=PASSWORD)
    address = f"/w/acme/logs/{one.id}/related/?since=1h"
    panel = client.get(f"/w/acme/logs/{one.id}/?since=1h&related=1").content.decode()
    assert f"/w/acme/logs/{one.id}/related/?since=1h&amp;related=1" in panel
    with django_assert_max_num_queries(27):
        fragment = client.get(address, headers={"HX-Request": "true"}).content.decode()
    assert "1 of this trace" in fragment
    assert f"/w/acme/logs/{other.id}/?since=1h" in fragment
    assert "<html" not in fragment
    assert f"/w/acme/logs/{other.id}/?since=1h" in client.get(address).content.decode()
    nothing = client.get(f"/w/acme/logs/{alone.id}/related/", headers={"HX-Request": "true"}).content.decode()
    assert nothing.strip() == ""


def test_nobody_else_sees_them(people: People, store: Any) -> None:
    (log,) = store(at(0))
    client = Client()
    address = f"/w/acme/logs/{log.id}/related/"
    assert client.get(address).status_code == 302
    assert client.login(username="charlie@example.org", password=PASSWORD)
    assert client.get(address).status_code == 404
    assert client.get(address.replace("acme", "elsewhere")).status_code == 404
