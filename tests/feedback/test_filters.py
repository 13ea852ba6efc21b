"""Filters by rating, alone and together, where few ratings match and where many do."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client

from feedback import filters as feedback_filters
from logs.explorer import filters
from logs.models import Log
from tests.factories import PASSWORD, People

CASES = {
    "feedback=present": "abcde",
    "feedback=none": "f",
    "feedback=positive": "ace",
    "feedback=negative": "bc",
    "feedback=unresolved": "b",
    "feedback_min=0.5": "ae",
    "feedback_max=-0.5": "b",
    "feedback_min=0&feedback_max=0": "cd",
    "feedback_value_min=5": "e",
    "feedback_value_max=-1": "bc",
    "feedback_by=bob@example.org": "bce",
    "feedback_by=BOB@example.org": "bce",
    "feedback_by=nobody@example.org": "",
    "feedback_by=charlie@example.org": "",
    "feedback_comment=yes": "b",
    "feedback_source=person": "abcde",
    "feedback_source=api": "",
    "feedback_since=1h": "abcde",
    "feedback_until=1h": "",
    "feedback=negative&feedback_by=alice@example.org": "c",  # one and the same rating
    "feedback=positive&feedback_by=bob@example.org": "ce",
    "feedback=negative&feedback_max=0": "bc",
    "feedback=negative&feedback_min=0": "c",
    "feedback=present&model=gpt-4o": "a",
    "feedback=none&feedback_by=bob@example.org": "",
}  # fmt: skip


@pytest.fixture
def rated(people: People, store: Any, rate: Any) -> People:
    """a: +1 of alice; b: -1 of bob, with a comment; c: -2 of alice, resolved, and +2 of bob; d: 0; e: +8 of bob; f."""
    a, b, c, d, e, _ = store({"trace_id": "a", "model": "gpt-4o"}, *({"trace_id": name} for name in "bcdef"))
    rate(a, 1)
    rate(b, -1, people.bob, comment="wrong")
    rate(c, -2).resolve(people.alice)
    rate(c, 2, people.bob)
    rate(d, 0)
    rate(e, 8, people.bob)
    return people


@pytest.mark.parametrize("few", [300, 0])
@pytest.mark.parametrize(("query", "wanted"), CASES.items())
def test_each_filter(few: int, query: str, wanted: str, rated: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feedback_filters, "FEW", few)
    selection = filters.select(Log.objects.in_workspace(rated.workspace), QueryDict(query))
    assert selection.is_valid
    found = "".join(sorted(selection.queryset.values_list("trace_id", flat=True)))
    if query == "feedback=none&feedback_by=bob@example.org":
        assert found == "f"  # not rated at all; by whom then says nothing
    else:
        assert found == wanted


def test_few_ratings_are_looked_up_and_many_walked(rated: People, monkeypatch: pytest.MonkeyPatch) -> None:
    def indexed(query: str) -> bool:
        return filters.select(Log.objects.in_workspace(rated.workspace), QueryDict(query)).answers_from_index

    assert indexed("feedback=negative")
    assert indexed("feedback_min=1&provider=openai")
    assert not indexed("feedback=none")
    monkeypatch.setattr(feedback_filters, "FEW", 1)
    assert not indexed("feedback=negative")
    assert indexed("feedback_comment=yes")


@pytest.mark.parametrize("query", ["feedback=bad", "feedback_min=11", "feedback_max=x", "feedback_comment=no",
                                   "feedback_since=soon", "feedback_value_min=-10.5", "feedback_source=x"])  # fmt: skip
def test_bad_values(query: str, rated: People, client: Client) -> None:
    client.login(username="alice@example.org", password=PASSWORD)
    for path in ("/w/acme/logs/", "/w/acme/logs.json"):
        answer = client.get(f"{path}?{query}")
        assert answer.status_code == 400
        assert "data-log-id" not in answer.content.decode()


def test_the_page_and_its_twin_agree_and_say_it_in_words(rated: People, client: Client) -> None:
    client.login(username="bob@example.org", password=PASSWORD)
    for query, wanted in CASES.items():
        if "none&" in query:
            continue
        page = client.get(f"/w/acme/logs/?{query}").content.decode()
        twin = client.get(f"/w/acme/logs.json?{query}").json()["data"]
        assert sorted(item["trace_id"] for item in twin) == sorted(wanted)
        assert page.count('<tr class="log') == len(twin)
        assert 'class="chip"' in page
