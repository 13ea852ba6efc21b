"""Following a list: everything that arrives, once, late or not, by its filters."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from logs.explorer import live
from logs.models import Log
from logs.record import LogRecord
from portkey_logs.lib import uuid7
from portkey_logs.lib.search_words import Query
from tests.factories import People
from tests.logs.explorer.test_views import sign_in

Store = Callable[..., list[LogRecord]]


def test_late_logs_arrive_and_known_ones_do_not_again(people: People, store: Store) -> None:
    logs = Log.objects.in_workspace(people.workspace)
    now = timezone.now()
    (late,) = store({"id": uuid7.uuid7(uuid7.ms_of(now - timedelta(days=3)))})
    (new,) = store({})
    store({}, workspace_id=people.elsewhere.pk)
    found = live.since(logs, now, ())
    assert [log.id for log in found.rows] == [new.id, late.id]
    assert not found.has_more
    known = {log.id.hex[-live.KNOWN_LENGTH :] for log in found.rows}
    assert live.since(logs, found.until, known).rows == []
    assert [log.id for log in live.since(logs, found.until, ()).rows] == [new.id, late.id]  # it looks back
    assert live.since(logs, now + timedelta(minutes=1), ()).rows == []
    assert live.since(logs, now - timedelta(hours=1), ()).has_more  # too long ago to be followed


def test_filters_and_words_narrow_what_arrives(people: People, store: Store) -> None:
    store({"model": "a"}, {"model": "b", "request_body": b'{"q": "needle"}'})
    logs, now = Log.objects.in_workspace(people.workspace), timezone.now()
    assert [log.model for log in live.since(logs.filter(model="a"), now, ()).rows] == ["a"]
    found = live.since(logs.matching(Query.parse("needle")), now, ())
    assert [log.model for log in found.rows] == ["b"]
    assert found.matches[found.rows[0].id].text == "needle"


def test_more_than_one_reads_is_cut(people: People, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MOST", 3)
    records = store(*({} for _ in range(5)))
    logs, now = Log.objects.in_workspace(people.workspace), timezone.now()
    known = {record.id.hex[-live.KNOWN_LENGTH :] for record in records[:2]}
    assert live.since(logs, now, ()).has_more
    assert len(live.since(logs, now, ()).rows) == 3
    rest = live.since(logs, now, known)
    assert (len(rest.rows), rest.has_more) == (3, False)


def test_bodies_are_searched_for_so_long_only(people: People, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store(*({"request_body": b'{"q": "needle"}'} for _ in range(3)))
    logs, now = Log.objects.in_workspace(people.workspace).matching(Query.parse("needle")), timezone.now()
    assert (len(live.since(logs, now, ()).rows), live.since(logs, now, ()).has_more) == (3, False)
    monkeypatch.setattr(live, "SEARCH_BUDGET_MS", 0)
    cut = live.since(logs, now, ())
    assert (len(cut.rows), cut.has_more) == (1, True)  # one at least, and it says that there may be others


def test_the_fragment(people: People, store: Store, client: Client) -> None:
    (record,) = store({"user": "<b>ada</b>"})
    sign_in(client, "alice")
    after = uuid7.ms_of(timezone.now())
    shown = client.get(f"/w/acme/logs/live/?provider=openai&after={after}").content.decode()
    assert f'data-log-id="{record.id}"' in shown
    assert f'href="/w/acme/logs/{record.id}/?provider=openai"' in shown
    assert "<b>ada" not in shown
    assert str(record.id) not in client.get(f"/w/acme/logs/live/?provider=none&after={after}").content.decode()
    assert 'data-live-after="' in client.get("/w/acme/logs/?provider=openai").content.decode()
    sign_in(client, "charlie")
    assert client.get(f"/w/acme/logs/live/?after={after}").status_code == 404


@pytest.mark.parametrize(
    "query", ["", "after=", "after=x", "after=-1", "after=9" + "9" * 30, "after=1&status=abc", "after=²"]
)
def test_bad_addresses(people: People, client: Client, query: str) -> None:
    assert sign_in(client, "alice").get(f"/w/acme/logs/live/?{query}").status_code == 400


def test_the_statement_goes_by_receipt(people: People) -> None:
    plan: Any = Log.objects.in_workspace(people.workspace).received_after(timezone.now())[:10].explain()
    assert "received" in plan
