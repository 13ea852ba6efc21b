"""The dashboard: its figures equal a plain calculation, it shows its own workspace only, and leads to the logs."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.http import QueryDict
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feedback import dashboard_tab, figures
from feedback.models import Feedback, FeedbackTrace
from feedback.scope import FeedbackScope
from logs.analytics import grid
from logs.extension_types import FeedbackScore
from portkey_logs.lib import uuid7
from tests.factories import People, sign_in

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
PAGES = [
    "/w/acme/analytics/feedback/",
    "/w/acme/analytics/feedback/?all=1",
    *(f"/w/acme/analytics/feedback/{part}/" for part in dashboard_tab.PARTS),
]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("name", ["alice", "bob"])
def test_the_organisation_sees_it(path: str, name: str, client: Client, people: People, store: Any, rate: Any) -> None:
    (record,) = store({"model": "gpt-secret"})
    rate(record, -1, comment="classified")
    answer = sign_in(client, name).get(path)
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("path", PAGES)
def test_nobody_else_does(path: str, client: Client, people: People, store: Any, rate: Any) -> None:
    (record,) = store({"model": "gpt-secret"})
    rate(record, -1, comment="classified")
    signed_out = client.get(path)
    assert (signed_out.status_code, signed_out["Location"].split("?")[0]) == (302, "/accounts/login/")
    sign_in(client, "charlie")
    assert client.get(path).status_code == 404
    own = client.get(path.replace("/w/acme/", "/w/elsewhere/"))
    assert own.status_code == 200
    assert "gpt-secret" not in own.content.decode()
    assert "classified" not in own.content.decode()


def test_an_unknown_part_and_bad_filters(client: Client, people: People) -> None:
    sign_in(client, "alice")
    assert client.get("/w/acme/analytics/feedback/nothing/").status_code == 404
    for query in ("since=soon", "feedback=bad", "feedback_min=11", "feedback_since=x", "status=abc"):
        answer = client.get(f"/w/acme/analytics/feedback/?{query}")
        assert answer.status_code == 400
        assert 'role="alert"' in answer.content.decode()
        assert client.get(f"/w/acme/analytics/feedback/trend/?{query}").status_code == 400


def test_every_figure_leads_to_its_logs(client: Client, people: People, store: Any, rate: Any) -> None:
    """Each link of the page selects as many logs as the figure says, for every log has its own trace here."""
    records = store(
        *({"model": f"m{n % 3}", "user": f"u{n % 2}", "prompt": "pp-x" if n % 2 else None, "config": "pc-1"}
          for n in range(12))
    )  # fmt: skip
    for n, record in enumerate(records):
        rate(record, [-2, 1, 0.5, -1][n % 4], people.bob if n % 2 else people.alice, comment="why" if n == 3 else "")
    sign_in(client, "alice")

    def logs(url: str) -> int:
        answer = client.get(unescape(url).replace("/logs/?", "/logs.json?") + "&limit=200")
        assert answer.status_code == 200, answer.content
        return len(answer.json()["data"])

    page = client.get("/w/acme/analytics/feedback/?all=1").content.decode()
    marks = re.findall(r'<a href="([^"]+)" data-tip data-words="([^"]+)"', page)
    assert len(marks) >= 2 + 1 + 4
    for url, words in marks:
        assert logs(url) == int(re.findall(r"(\d+) (?:rating|positive|negative)", words)[-1]), words
    lines = re.findall(r'<th scope="row"><span[^>]*><a href="([^"]+)">.*?</th>\s*<td class="num">(\d+)</td>', page)
    assert len(lines) == 1 + 1 + 4 + 3 + 1 + 1 + 2 + 1  # over time twice, by value, by model …
    for url, count in lines:
        assert logs(url) == int(count)
    for name, value in re.findall(r'<dt>([^<]+)</dt><dd><a href="([^"]+)">', page):
        assert logs(value) == {"Ratings": 12, "Needs a look": 6}[name]


def test_filters_and_time_narrow_it(client: Client, people: People, store: Any, rate: Any) -> None:
    first, second, third = store(
        {"model": "a"}, {"model": "b", "status_code": 500, "is_success": False}, {"model": "a"}
    )
    rate(first, 1)
    rate(second, -1, people.bob)
    old = rate(third, 5)
    Feedback.objects.filter(id=old.id).update(created_at=old.created_at - timedelta(days=3))

    def total(query: str) -> int:
        scope = FeedbackScope.read(QueryDict(query), people.workspace, "feedback")
        assert scope.is_valid
        return figures.total(figures.over_time(scope.ratings, scope.grid)).ratings

    expected = {
        "": 3, "since=24h": 2, "until=24h": 1, "model=a": 2, "model=!a": 1, "status=failed": 1, "feedback=negative": 1,
        "feedback_by=bob@example.org": 1, "feedback_min=0": 2, "feedback=none": 0, "feedback_source=api": 0,
        "model=a&since=24h": 1, "feedback_value_min=2": 1, "feedback=unresolved&model=a": 0,
    }  # fmt: skip
    assert {query: total(query) for query in expected} == expected


def test_comments_page_backwards(client: Client, people: People, store: Any, rate: Any) -> None:
    records = store(*({} for _ in range(dashboard_tab.COMMENTS + 5)))
    for n, record in enumerate(records):
        rate(record, 1, comment=f"comment number {n:03d}")
    sign_in(client, "bob")
    page = client.get("/w/acme/analytics/feedback/comments/").content.decode()
    newest = re.findall(r"comment number (\d+)", page)
    assert newest == [f"{n:03d}" for n in range(dashboard_tab.COMMENTS + 4, 4, -1)]
    older = unescape(re.findall(r'hx-get="([^"]+before=[^"]+)"', page)[0])
    assert re.findall(r"comment number (\d+)", client.get(older).content.decode()) == [
        "004",
        "003",
        "002",
        "001",
        "000",
    ]
    whole = unescape(re.findall(r'href="([^"]+before=[^"]+)"', page)[0])
    assert "comment number 000" in client.get(whole).content.decode()
    assert client.get("/w/acme/analytics/feedback/comments/?before=rubbish").status_code == 200


def test_hostile_text_stays_text(client: Client, people: People, store: Any, rate: Any) -> None:
    hostile = "<script>alert(1)</script>\"'><img src=x>{{ 7|add:7 }}"
    (record,) = store(dict.fromkeys(["model", "user", "prompt", "config"], hostile))
    rate(record, -1, comment=hostile, metadata={hostile[:60]: hostile[:60]})
    sign_in(client, "bob")
    for path in ("/w/acme/analytics/feedback/?all=1", f"/w/acme/logs/{record.id}/"):
        page = client.get(path).content.decode()
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "{{" in page


def test_a_part_that_takes_too_long_says_so(
    client: Client, people: People, store: Any, rate: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (record,) = store({})
    rate(record, 1)

    def slow(*args: Any) -> Any:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(5)")

    monkeypatch.setattr(dashboard_tab, "BUDGET_MS", 50)
    monkeypatch.setattr(figures, "by_value", slow)
    page = sign_in(client, "bob").get("/w/acme/analytics/feedback/?all=1").content.decode()
    assert page.count("took longer") == 1


def test_the_shell_costs_few_queries(
    client: Client, people: People, store: Any, rate: Any, django_assert_max_num_queries: Any
) -> None:
    (record,) = store({})
    rate(record, 1)
    sign_in(client, "bob")
    with django_assert_max_num_queries(6):
        client.get("/w/acme/analytics/feedback/")


RATINGS = st.lists(
    st.tuples(
        st.integers(0, 3),  # trace
        st.decimals(-10, 10, places=2),
        st.decimals(0, 1, places=2),
        st.sampled_from(["gpt-4o", "claude", None]),
        st.integers(0, 40 * 24 * 60),  # minutes ago
        st.booleans(),  # withdrawn
        st.booleans(),  # resolved
    ),
    max_size=40,
)


def plain(rows: list[Any]) -> Decimal | None:
    """The weighted average as the definition has it."""
    weights = sum(row[2] for row in rows)
    return sum(row[1] * row[2] for row in rows) / weights if weights else None


@given(RATINGS, st.sampled_from([1, 7, 30]))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_figures_equal_a_plain_calculation(people: People, given: list[Any], days: int) -> None:
    Feedback.objects.all().delete()
    FeedbackTrace.objects.all().delete()
    Feedback.objects.bulk_create(
        Feedback(
            id=uuid7.uuid7(), workspace=people.workspace, trace_id=f"t{trace}", value=value, weight=weight, source="api",
            model=model, created_at=NOW - timedelta(minutes=ago), updated_at=NOW, withdrawn=withdrawn,
            resolved_at=NOW if resolved else None,
        )
        for trace, value, weight, model, ago, withdrawn, resolved in given
    )  # fmt: skip
    traces = [f"t{n}" for n in range(4)]
    FeedbackTrace.lock(people.workspace.id, traces)
    FeedbackTrace.add_up(people.workspace.id, traces)
    since = NOW - timedelta(days=days)
    query = QueryDict(f"since={since:%Y-%m-%dT%H:%M:%SZ}&until={NOW:%Y-%m-%dT%H:%M:%SZ}")
    scope = FeedbackScope.read(query, people.workspace, "feedback")

    standing = [row for row in given if not row[5]]
    rows = [row for row in standing if 0 < row[4] <= days * 24 * 60]

    buckets = figures.over_time(scope.ratings, scope.grid)
    assert len(buckets) <= grid.MAX_BUCKETS + 1
    assert buckets[0].start <= since < buckets[0].end
    assert buckets[-1].start < NOW <= buckets[-1].end
    for bucket in buckets:
        inside = [row for row in rows if bucket.start <= NOW - timedelta(minutes=row[4]) < bucket.end]
        assert bucket.ratings == len(inside)
        assert bucket.positive == sum(row[1] > 0 for row in inside)
        assert bucket.negative == sum(row[1] < 0 for row in inside)
        assert bucket.average == (None if plain(inside) is None else pytest.approx(plain(inside)))
    total = figures.total(buckets)
    assert total.ratings == len(rows)
    assert total.average == (None if plain(rows) is None else pytest.approx(plain(rows)))
    assert figures.unresolved(scope.ratings) == sum(row[1] < 0 and not row[6] for row in rows)

    counted = figures.by_value(scope.ratings)
    assert sum(each.ratings for each in counted) == len(rows)
    for each in counted:
        assert each.ratings == sum(each.low <= row[1] <= each.high for row in rows)

    by_model = defaultdict(list)
    for row in rows:
        by_model[row[3]].append(row)
    groups = {group.key: group for group in figures.by("model", scope.ratings)}
    assert set(groups) == set(by_model)
    for model, inside in by_model.items():
        assert groups[model].ratings == len(inside)
        assert groups[model].average == (None if plain(inside) is None else pytest.approx(plain(inside)))

    for n in range(4):
        inside = [row for row in standing if row[0] == n]
        trace = FeedbackTrace.objects.get(workspace=people.workspace, trace_id=f"t{n}")
        assert trace.ratings == len(inside)
        assert trace.average == (None if plain(inside) is None else pytest.approx(plain(inside), abs=Decimal("1e-6")))


@pytest.mark.parametrize(
    ("average", "text"),
    [("1", "+1"), ("-0.5", "−0.5"), ("0", "0"), ("0.333333", "+0.33"), ("-10", "−10"), ("0.001", "≈0"), (None, "(2)")],
)
def test_scores_in_words(average: str | None, text: str) -> None:
    assert FeedbackScore(2, None if average is None else Decimal(average)).text == text
