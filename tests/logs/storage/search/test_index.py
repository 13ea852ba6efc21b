"""The worker's part: each log is indexed or waits, whatever its bodies are and whatever is killed when."""

from __future__ import annotations

import json
import random
import signal
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction

from logs.ingest.rows import commit_batch
from logs.models import IndexQueue, Log, LogTerms
from logs.record import LogRecord
from logs.storage import partitions
from logs.storage.search import index
from logs.storage.search.find import CANDIDATES
from portkey_logs.lib import uuid7
from portkey_logs.lib.search_words import hashed
from tests.factories import People, make_people, make_record
from tests.logs.processes import start, wait_until

Store = Callable[..., list[LogRecord]]


def test_each_log_waits_until_it_is_indexed(people: People, store: Store) -> None:
    first, _ = store({}, {"request_body": None, "response_body": None})
    assert [row.id for row in IndexQueue.objects.all()] == [first.id]  # nothing to search in, nothing to index
    assert index.work(connection, 60) == 1
    assert not IndexQueue.objects.exists()
    terms = LogTerms.objects.get()
    assert (terms.workspace_id, terms.id, terms.is_partial) == (people.workspace.pk, first.id, False)
    assert hashed("gpt", people.workspace.pk) in terms.terms
    assert index.work(connection, 60) == 0


def test_workspaces_take_turns_and_the_newest_come_first(
    people: People, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "BATCH", 2)
    records = store(*({} for _ in range(5)))
    (other,) = store({}, workspace_id=people.elsewhere.pk)
    assert index.work(connection, 0) == 0
    with transaction.atomic():
        index._index_batch(connection, people.workspace.pk)
    assert set(LogTerms.objects.values_list("id", flat=True)) == {record.id for record in records[-2:]}
    assert index.work(connection, 60) == 4
    assert LogTerms.objects.filter(workspace=people.elsewhere).get().id == other.id


def test_a_log_that_was_dropped_meanwhile_leaves_the_queue(people: People, store: Store) -> None:
    (gone,) = store({})
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM log WHERE id = %s", [gone.id])
    assert index.work(connection, 60) == 1
    assert not LogTerms.objects.exists()


HOSTILE = {
    "20 MB of text": json.dumps({"messages": [{"content": "needle " + "word " * 4_000_000}]}).encode(),
    "20 MB of image": json.dumps({"q": "needle", "image": "data:image/png;base64," + "QUJD" * 5_000_000}).encode(),
    "2 MB in one line": b"needle" + b" x" * 1_000_000,
    "NUL": b'{"q": "needle \\u0000 and more"}',
    "lone surrogate": b'{"q": "needle \\ud83d"}',
    "no UTF-8": b"needle \xff\xfe and a longer text that is mostly readable",
    "deep": b'["needle",' * 5_000 + b"1" + b"]" * 5_000,
    "cut": b'{"q": "needle',
    "random": b"needle " + random.Random(1).randbytes(10_000),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_bodies_are_indexed(people: People, store: Store, name: str) -> None:
    store({"request_body": HOSTILE[name]}, {})
    assert index.work(connection, 60) == 2
    word = hashed("needle", people.workspace.pk)
    found = [terms.terms for terms in LogTerms.objects.order_by("id")]
    assert (word in found[0]) is (name != "random")


def test_a_body_that_nobody_thought_of_stops_nothing(
    people: People, store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from logs.storage.search import documents

    bad, good = store({"request_body": b"bad"}, {"request_body": b"good"})
    real = documents.texts

    def texts(body: bytes, **kwargs: Any) -> tuple[list[str], bool]:
        if body == b"bad":
            raise RuntimeError("boom")
        return real(body, **kwargs)

    monkeypatch.setattr(documents, "texts", texts)
    assert index.work(connection, 60) == 2
    assert LogTerms.objects.get(id=bad.id).is_partial
    assert not LogTerms.objects.get(id=good.id).is_partial
    assert str(bad.id) in caplog.text


@pytest.mark.usefixtures("bare_tables")
def test_it_makes_the_partitions_it_needs() -> None:
    """As after an upgrade: there are logs of days for which there was no index yet."""
    people, now = make_people(), uuid7.time_ms(uuid7.uuid7())
    commit_batch(
        connection, [make_record(people.workspace.pk, id=uuid7.uuid7(now - n * partitions.DAY_MS)) for n in range(3)]
    )
    with connection.cursor() as cursor:
        for partition in partitions.existing(cursor, "log_terms"):
            cursor.execute(f"DROP TABLE {partition.name}")
    assert index.work(connection, 60) == 3
    assert LogTerms.objects.count() == 3


@pytest.mark.processes
@pytest.mark.django_db(transaction=True)
def test_a_killed_worker_loses_and_doubles_nothing() -> None:
    people = make_people()
    body = json.dumps({"messages": [{"content": " ".join(f"word{n}" for n in range(300))}]}).encode()
    for _ in range(4):
        commit_batch(connection, [make_record(people.workspace.pk, request_body=body) for _ in range(500)])
    for _ in range(3):  # each is killed in the middle of its work
        before = IndexQueue.objects.count()
        worker = start("manage.py", "maintain")
        try:
            wait_until(lambda before=before: IndexQueue.objects.count() < before)
        finally:
            worker.send_signal(signal.SIGKILL)
            worker.wait()
        assert IndexQueue.objects.count() + LogTerms.objects.count() == 2000
    index.work(connection, 60)
    assert not IndexQueue.objects.exists()
    assert set(LogTerms.objects.values_list("id", flat=True)) == set(Log.objects.values_list("id", flat=True))


def test_candidates_come_from_the_index_of_words(people: People) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO log_terms (workspace_id, id, terms, is_partial)"
            " SELECT %s, gen_random_uuid(), ARRAY[n, n + 1, n + 2, 7], false FROM generate_series(1, 20000) n",
            [people.workspace.pk],
        )
        cursor.execute("ANALYZE log_terms")
        statement = CANDIDATES.format(direction="DESC")
        low, high = "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"
        cursor.execute(f"EXPLAIN {statement}", [people.workspace.pk, low, high, [17, 19], 2000])
        plan = "\n".join(row for (row,) in cursor.fetchall())
        assert "Bitmap Index Scan on log_terms" in plan
        assert "Seq Scan" not in plan
        cursor.execute(statement, [people.workspace.pk, low, high, [17, 19], 2000])
        assert len(cursor.fetchall()) == 1


def test_one_workspace_does_not_hold_up_another(
    people: People, store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store({"request_body": b'{"messages": "poison"}'})
    (other,) = store({}, workspace_id=people.elsewhere.pk)
    terms = index.terms

    def fail(folded: str, salt: int) -> Any:
        if "poison" in folded:
            raise ValueError("nobody thought of this")
        return terms(folded, salt)

    monkeypatch.setattr(index, "terms", fail)
    index.work(connection, 60)
    assert [row.id for row in LogTerms.objects.all()] == [other.id]
    assert IndexQueue.objects.filter(workspace=people.workspace).count() == 1
    assert "nobody thought of this" in caplog.text
