"""The Summary as a file, and the metadata keys that it groups by."""

from __future__ import annotations

import csv
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from logs.analytics import OutOfTime, summary
from logs.models import MetadataKey
from tests.factories import People
from tests.logs.analytics.test_pages import HOSTILE, sign_in

CSV = "/w/acme/analytics/summary.csv"
KEYS = "/w/acme/analytics/metadata-keys/"


def rows_of(client: Client, query: str = "") -> list[dict[str, str]]:
    answer = client.get(f"{CSV}?{query}")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="summary-acme.csv"'
    return list(csv.DictReader(answer.content.decode().splitlines()))


def test_the_csv_has_all_groups_in_the_pages_order(
    client: Client, people: People, store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(summary, "MOST_LINES", 1)
    store(
        {"model": "gpt-4o", "cost": Decimal("0.5"), "latency_ms": 100},
        {"model": "gpt-4o", "cost": None, "latency_ms": 300, "status_code": 500, "is_success": False},
        {"model": "o1", "cost": Decimal(3), "user": "ada"},
        {"model": None, "cost": None, "latency_ms": None},
    )
    sign_in(client, "bob")
    first, *others = rows_of(client)
    assert [first["model"], *(row["model"] for row in others)] == ["gpt-4o", "", "o1"]
    assert {name: first[name] for name in ("requests", "unpriced", "tokens", "latency", "success", "hits")} == {
        "requests": "2", "unpriced": "1", "tokens": "40", "latency": "200.0", "success": "0.5", "hits": "0.0"
    }  # fmt: skip
    assert Decimal(first["cost"]) == Decimal("0.5")
    assert others[0]["latency"] == ""
    assert [row["model"] for row in rows_of(client, "sort=cost")] == ["o1", "gpt-4o", ""]
    assert [row["model"] for row in rows_of(client, "sort=-cost&model=*")] == ["gpt-4o", "o1"]
    assert [row["user"] for row in rows_of(client, "by=user")] == ["ada"]
    assert "And 2 more: the CSV has all." in client.get("/w/acme/analytics/summary/groups/").content.decode()


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝"])
def test_the_csv_makes_no_formulas(start: str, client: Client, people: People, store: Any) -> None:
    evil = start + 'HYPERLINK("http://evil.example","x")'
    store({"user": evil}, {"user": "x" + evil})
    answer = sign_in(client, "bob").get(f"{CSV}?by=user")
    _, *rows = csv.reader(answer.content.decode().splitlines(keepends=True))
    assert sorted(row[0] for row in rows) == sorted(["'" + evil, "x" + evil])


def test_the_csv_is_for_the_organisation_and_says_what_it_cannot(
    client: Client, people: People, store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.get(CSV).status_code == 302
    assert sign_in(client, "charlie").get(CSV).status_code == 404
    sign_in(client, "bob")
    assert rows_of(client) == []
    assert client.get(f"{CSV}?status=abc").status_code == 400

    def too_slow(*_: Any) -> None:
        raise OutOfTime

    monkeypatch.setattr(summary.groups, "by", too_slow)
    answer = client.get(CSV)
    assert (answer.status_code, answer["Content-Type"]) == (503, "text/plain")


def test_a_declared_key_is_a_group_of_the_summary(client: Client, people: People, store: Any) -> None:
    sign_in(client, "alice")
    assert "None yet." in client.get(KEYS).content.decode()
    made = client.post(KEYS, {"key": "team & env"}, follow=True)
    assert made.redirect_chain == [(KEYS, 302)]
    assert "Logs are summed up by “team &amp; env” from now on." in made.content.decode()
    store({"metadata": {"team & env": HOSTILE}}, {"metadata": {"team & env": "a"}}, {"metadata": {}})
    page = client.get("/w/acme/analytics/summary/groups/?by=meta.team+%26+env").content.decode()
    assert "team &amp; env" in page
    assert "<script>" not in page
    assert {row["meta.team & env"] for row in rows_of(client, "by=meta.team+%26+env")} == {HOSTILE, "a"}
    link = 'href="/w/acme/analytics/summary/?by=meta.team%20%26%20env"'
    assert link in client.get(KEYS).content.decode()


def test_keys_that_are_refused(client: Client, people: People) -> None:
    sign_in(client, "alice")
    MetadataKey.objects.create(workspace=people.workspace, key="env")
    for key, said in (
        ("env", "declared already"),
        ("", "required"),
        ("k" * 129, "at most 128"),
        ("a\x00b", "Null characters"),
    ):
        answer = client.post(KEYS, {"key": key})
        assert answer.status_code == 422, key
        assert said in answer.content.decode()
    for n in range(MetadataKey.MOST - 1):
        assert client.post(KEYS, {"key": f"key-{n}"}).status_code == 302
    assert "At most 10 keys" in client.post(KEYS, {"key": "one more"}).content.decode()
    assert MetadataKey.objects.count() == MetadataKey.MOST


def test_who_may_declare_and_remove(client: Client, people: People) -> None:
    key = MetadataKey.objects.create(workspace=people.workspace, key="env")
    foreign = MetadataKey.objects.create(workspace=people.elsewhere, key="theirs")
    remove = f"{KEYS}{key.id}/remove/"
    assert client.get(KEYS).status_code == 302
    sign_in(client, "bob")  # a member sees the keys and changes none
    page = client.get(KEYS).content.decode()
    assert "env" in page
    assert "Declare a key" not in page
    assert "theirs" not in page
    assert client.post(KEYS, {"key": "more"}).status_code == 403
    assert client.post(remove).status_code == 403
    sign_in(client, "charlie")
    for answer in (client.get(KEYS), client.post(KEYS, {"key": "more"}), client.post(remove)):
        assert answer.status_code == 404
    sign_in(client, "alice")
    assert client.get(remove).status_code == 405
    assert client.post(f"{KEYS}{foreign.id}/remove/").status_code == 404
    assert set(MetadataKey.objects.values_list("key", flat=True)) == {"env", "theirs"}
    assert client.post(remove, follow=True).status_code == 200
    assert [each.key for each in MetadataKey.objects.all()] == ["theirs"]
