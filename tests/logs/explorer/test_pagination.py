"""Pages by id: every log once, in order, whichever way one walks."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django.fixtures import Settings

from logs.explorer import pagination
from logs.explorer.pagination import BadCursor, Cursor
from logs.ingest.writer import commit_batch
from logs.models import Log
from logs.storage.time_budget import within
from portkey_logs.lib import uuid7
from tests.factories import People, make_record

pytestmark = pytest.mark.django_db


def store(people: People, count: int, step: timedelta = timedelta(seconds=1), provider: str = "openai") -> list[UUID]:
    """Logs going back from now, newest first."""
    start = timezone.now()
    newest_first = [uuid7.uuid7(int((start - step * n).timestamp() * 1000)) for n in range(count)]
    commit_batch(connection, [make_record(people.workspace.id, id=id, provider=provider) for id in newest_first])
    return newest_first


@pytest.mark.parametrize("from_index", [True, False])
@pytest.mark.parametrize("count", [0, 1, 6, 7, 13])
def test_walking_back_and_forth_visits_each_log_once(people: People, count: int, from_index: bool) -> None:
    everything = store(people, count)
    logs = Log.objects.in_workspace(people.workspace)
    seen: list[UUID] = []
    page = pagination.fetch_page(logs, size=6, from_index=from_index)
    assert page.newer is None
    while True:
        seen += [log.id for log in page.rows]
        if page.older is None:
            break
        page = pagination.fetch_page(logs, Cursor.parse(str(page.older)), size=6, from_index=from_index)
    assert seen == everything
    back = [log.id for log in page.rows]
    while page.newer is not None:
        page = pagination.fetch_page(logs, Cursor.parse(str(page.newer)), size=6, from_index=from_index)
        back = [log.id for log in page.rows] + back
    assert back == everything


@pytest.mark.parametrize("from_index", [True, False])
def test_logs_beyond_retention_are_there_until_their_week_goes(
    people: People, settings: Settings, from_index: bool
) -> None:
    settings.RETENTION_DAYS = 90
    ms = uuid7.ms_of(timezone.now() - timedelta(days=95))
    commit_batch(connection, [make_record(people.workspace.id, id=uuid7.uuid7(ms))], resent=True)
    assert len(pagination.fetch_page(Log.objects.in_workspace(people.workspace), from_index=from_index).rows) == 1


def test_a_log_that_arrives_meanwhile_neither_doubles_nor_hides_another(people: People) -> None:
    everything = store(people, 12)
    logs = Log.objects.in_workspace(people.workspace)
    first = pagination.fetch_page(logs, size=6)
    store(people, 1)
    second = pagination.fetch_page(logs, first.older, size=6)
    assert [log.id for log in first.rows + second.rows] == everything


def test_other_workspaces_stay_out(people: People) -> None:
    commit_batch(connection, [make_record(people.elsewhere.id)])
    assert pagination.fetch_page(Log.objects.in_workspace(people.workspace)).rows == []


def test_a_rare_value_far_back_is_found_through_widening_windows(people: People) -> None:
    far = uuid7.uuid7(int((timezone.now() - timedelta(days=20)).timestamp() * 1000))
    commit_batch(connection, [make_record(people.workspace.id, id=far, provider="rare")])
    store(people, 20)
    page = pagination.fetch_page(Log.objects.in_workspace(people.workspace).filter(provider="rare"), from_index=False)
    assert [log.id for log in page.rows] == [far]
    assert page.searched_back_to is None
    assert page.older is None


def test_when_the_budget_ends_first_the_page_says_how_far_it_looked(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(people, 3)
    monkeypatch.setattr(pagination, "WALK_BUDGET_MS", 0)
    logs = Log.objects.in_workspace(people.workspace).filter(provider="rare")
    page = pagination.fetch_page(logs, from_index=False)
    assert page.rows == []
    assert page.searched_back_to is not None
    assert page.older is not None
    nowhere = pagination.fetch_page(logs, Cursor(UUID(int=(1 << 128) - 1)), from_index=False)
    assert nowhere.searched_back_to is not None
    monkeypatch.undo()
    further = pagination.fetch_page(logs, page.older, from_index=False)
    assert further.searched_back_to is None


def test_the_way_to_newer_logs_has_a_budget_too(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    oldest = store(people, 3)[-1]
    logs = Log.objects.in_workspace(people.workspace).filter(provider="rare")
    monkeypatch.setattr(pagination, "WALK_BUDGET_MS", 0)
    page = pagination.fetch_page(logs, Cursor(oldest, newer=True), from_index=False)
    assert (page.rows, page.newer) == ([], Cursor(oldest, newer=True))
    monkeypatch.undo()
    assert pagination.fetch_page(logs, page.newer, from_index=False).newer is None


def test_a_slow_query_is_cut_off_and_the_connection_stays_usable(people: People) -> None:
    slow = Log.objects.extra(where=["pg_sleep(5) IS NOT NULL"])  # type: ignore[no-untyped-call]
    store(people, 1)
    assert within(30, slow) is None
    assert Log.objects.count() == 1


@pytest.mark.parametrize(("stored", "cap", "counted"), [(0, 5, 0), (5, 5, 5), (6, 5, 6), (9, 5, 6)])
def test_the_count_is_capped(
    people: People, monkeypatch: pytest.MonkeyPatch, stored: int, cap: int, counted: int
) -> None:
    monkeypatch.setattr(pagination, "COUNT_CAP", cap)
    store(people, stored)
    assert pagination.capped_count(Log.objects.in_workspace(people.workspace)) == counted


@pytest.mark.parametrize("text", ["x", "newer-", "123", "0192-", "' OR 1=1", "\x00"])
def test_a_damaged_cursor_is_refused(text: str) -> None:
    with pytest.raises(BadCursor):
        Cursor.parse(text)


def test_neighbours(people: People) -> None:
    newest, middle, oldest = store(people, 3)
    logs = Log.objects.in_workspace(people.workspace)
    for from_index in (True, False):
        assert pagination.neighbours(logs, middle, from_index=from_index) == (oldest, newest)
        assert pagination.neighbours(logs, newest, from_index=from_index) == (middle, None)
