"""Rating in the browser: the panel's section, several at once, resolving, and who may do what."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from feedback.models import Feedback, FeedbackTrace
from logs.models import Log
from portkey_logs.lib import uuid7
from tests.factories import People, sign_in


def score(people: People, trace_id: str) -> tuple[int, float | None]:
    found = FeedbackTrace.objects.get(workspace=people.workspace, trace_id=trace_id)
    return found.ratings, None if found.average is None else float(found.average)


def post(client: Client, path: str, htmx: bool = True, **data: Any) -> Any:
    headers = {"HX-Request": "true", "HX-Target": "feedback"} if htmx else {}
    return client.post(path, data, headers=headers)


@pytest.mark.parametrize(("thumb", "value"), [("1", 1), ("-1", -1)])
def test_a_thumb_is_one_click(thumb: str, value: int, client: Client, people: People, store: Any) -> None:
    (record,) = store({"model": "gpt-4o", "user": "ada", "prompt": "pp-x"})
    answer = post(sign_in(client, "bob"), f"/w/acme/logs/{record.id}/feedback/", thumb=thumb)
    assert answer.status_code == 200
    rating = Feedback.objects.get()
    assert (rating.value, rating.weight, rating.person, rating.source) == (value, 1, people.bob, "person")
    assert (rating.log_id, rating.model, rating.user, rating.prompt) == (record.id, "gpt-4o", "ada", "pp-x")
    page = answer.content.decode()
    assert "<html" not in page
    assert 'aria-pressed="true"' in page


def test_a_thumb_takes_the_comment_along(client: Client, people: People, store: Any) -> None:
    (record,) = store({})
    said = {"thumb": "-1", "value": "7", "comment": "Wrong city", "weight": "0.5", "metadata": "kind: fact\nsev=high"}
    post(sign_in(client, "bob"), f"/w/acme/logs/{record.id}/feedback/", **said)
    rating = Feedback.objects.get()
    assert (rating.value, float(rating.weight), rating.comment) == (-1, 0.5, "Wrong city")
    assert rating.metadata == {"kind": "fact", "sev": "high"}


def test_rating_again_changes_ones_own_and_others_stay(client: Client, people: People, store: Any, rate: Any) -> None:
    (record,) = store({})
    rate(record, 1)
    sign_in(client, "bob")
    for value in ("-4", "-4.5"):
        post(client, f"/w/acme/logs/{record.id}/feedback/", value=value)
    assert sorted(map(float, Feedback.objects.values_list("value", flat=True))) == [-4.5, 1]
    assert score(people, record.trace_id) == (2, -1.75)


def test_without_scripts_it_leads_back(client: Client, people: People, store: Any) -> None:
    (record,) = store({})
    place = f"/w/acme/logs/{record.id}/?model=gpt-4o-mini"
    sign_in(client, "bob")
    answer = post(client, f"/w/acme/logs/{record.id}/feedback/", htmx=False, thumb="1", next=place)
    assert (answer.status_code, answer["Location"]) == (303, place)
    for elsewhere in ("https://evil.example/", "//evil.example/", "javascript:alert(1)", ""):
        answer = post(client, f"/w/acme/logs/{record.id}/feedback/", htmx=False, thumb="1", next=elsewhere)
        assert answer["Location"] == f"/w/acme/logs/{record.id}/"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({}, "Press a thumb"),
        ({"comment": "no value"}, "Press a thumb"),
        ({"value": "11"}, "less than or equal to 10"),
        ({"value": "-10.5"}, "greater than or equal to -10"),
        ({"value": "x"}, "Enter a number"),
        ({"thumb": "1", "weight": "2"}, "less than or equal to 1"),
        ({"thumb": "1", "metadata": "no colon"}, "key: value"),
        ({"thumb": "1", "metadata": "k: " + "x" * 129}, "key: value"),
        ({"thumb": "1", "comment": "x" * 5001}, "at most 5000"),
        ({"thumb": "5"}, "Press a thumb"),
    ],
)
@pytest.mark.parametrize("htmx", [True, False])
def test_what_is_refused_stays_in_the_form(
    htmx: bool, said: dict[str, str], words: str, client: Client, people: People, store: Any
) -> None:
    (record,) = store({})
    answer = post(sign_in(client, "bob"), f"/w/acme/logs/{record.id}/feedback/", htmx=htmx, **said)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert said.get("comment", "")[:9] in answer.content.decode()
    assert not Feedback.objects.exists()


def test_withdrawing_ones_own(client: Client, people: People, store: Any, rate: Any) -> None:
    (record,) = store({})
    mine, others = rate(record, -1, people.bob), rate(record, 3, people.alice)
    sign_in(client, "bob")
    assert post(client, f"/w/acme/feedback/{others.id}/withdraw/", log=record.id).status_code == 404
    assert post(client, f"/w/acme/feedback/{mine.id}/withdraw/", log=record.id).status_code == 200
    assert score(people, record.trace_id) == (1, 3)
    assert post(client, f"/w/acme/feedback/{mine.id}/withdraw/", log=record.id).status_code == 404
    post(client, f"/w/acme/logs/{record.id}/feedback/", thumb="1")
    assert score(people, record.trace_id) == (2, 2)


def test_resolving_and_reopening(client: Client, people: People, store: Any, rate: Any) -> None:
    (record,) = store({})
    rating = rate(record, -1, people.bob)
    sign_in(client, "alice")
    needs_a_look = "/w/acme/logs.json?feedback=unresolved"
    assert len(client.get(needs_a_look).json()["data"]) == 1
    answer = post(client, f"/w/acme/feedback/{rating.id}/resolve/", log=record.id)
    assert "Resolved by alice@example.org" in " ".join(answer.content.decode().split())
    assert client.get(needs_a_look).json()["data"] == []
    post(client, f"/w/acme/feedback/{rating.id}/reopen/", log=record.id)
    assert len(client.get(needs_a_look).json()["data"]) == 1
    post(client, f"/w/acme/feedback/{rating.id}/resolve/", log=record.id)
    rate(record, -5, people.bob)  # said anew: open again
    assert len(client.get(needs_a_look).json()["data"]) == 1


def test_a_positive_rating_has_nothing_to_resolve(client: Client, people: People, store: Any, rate: Any) -> None:
    (record,) = store({})
    rating = rate(record, 1)
    assert post(sign_in(client, "bob"), f"/w/acme/feedback/{rating.id}/resolve/").status_code == 404


def test_several_at_once(client: Client, people: People, store: Any, rate: Any) -> None:
    records = store({}, {"trace_id": "shared"}, {"trace_id": "shared"}, {})
    rate(records[0], 5, people.bob, comment="said before", weight=0.25)
    ticked = [str(record.id) for record in records[:3]]
    sign_in(client, "bob")
    answer = client.post(
        "/w/acme/logs/feedback/", {"log": ticked, "thumb": "-1", "next": "/w/acme/logs/?since=1h"}, follow=True
    )
    assert answer.redirect_chain == [("/w/acme/logs/?since=1h", 303)]
    assert "Thumbs down for 3 logs." in answer.content.decode()
    ratings = {rating.trace_id: rating for rating in Feedback.objects.all()}
    assert set(ratings) == {records[0].trace_id, "shared"}
    assert {rating.value for rating in ratings.values()} == {-1}
    kept = ratings[records[0].trace_id]
    assert (kept.comment, float(kept.weight)) == ("said before", 0.25)


@pytest.mark.parametrize("data", [{}, {"thumb": "1"}, {"thumb": "2"}, {"thumb": "1", "log": "x"}])
def test_several_at_once_refused(data: dict[str, str], client: Client, people: People, store: Any) -> None:
    store({})
    answer = sign_in(client, "bob").post("/w/acme/logs/feedback/", data, follow=True)
    assert answer.status_code == (404 if data.get("log") else 200)
    assert not Feedback.objects.exists()


def test_every_log_of_the_trace_shows_it(client: Client, people: People, store: Any, rate: Any) -> None:
    first, second, other = store({"trace_id": "shared"}, {"trace_id": "shared"}, {})
    rate(first, -1, people.bob, comment="Look at <this>")
    sign_in(client, "alice")
    page = client.get(f"/w/acme/logs/{second.id}/").content.decode()
    assert "Look at &lt;this&gt;" in page
    items = {item["id"]: item["feedback"] for item in client.get("/w/acme/logs.json").json()["data"]}
    assert items[str(first.id)] == items[str(second.id)] == {"count": 1, "weighted_average": -1.0}
    assert items[str(other.id)] == {"count": 0, "weighted_average": None}


def test_feedback_that_came_before_its_log(client: Client, people: People, store: Any, api_key: str) -> None:
    client.post(
        "/v1/feedback", {"trace_id": "later", "value": -3}, content_type="application/json",
        headers={"x-portkey-api-key": api_key},
    )  # fmt: skip
    assert Feedback.find_logs() == 1
    (waiting,) = Feedback.objects.all()
    assert waiting.log_id is None
    (record,) = store({"trace_id": "later", "model": "claude"})
    sign_in(client, "alice")
    (item,) = client.get("/w/acme/logs.json?feedback=negative").json()["data"]
    assert (item["id"], item["feedback"]["weighted_average"]) == (str(record.id), -3.0)
    assert Feedback.find_logs(waiting.look_at) == 1
    (found,) = Feedback.objects.all()
    assert (found.log_id, found.model, found.look_at) == (record.id, "claude", None)


def test_a_wait_for_a_log_grows_and_ends(people: People, api_key: str, client: Client) -> None:
    from datetime import timedelta

    client.post(
        "/v1/feedback", {"trace_id": "never", "value": 1}, content_type="application/json",
        headers={"x-portkey-api-key": api_key},
    )  # fmt: skip
    looks = 0
    while (rating := Feedback.objects.get()).look_at is not None:
        assert Feedback.find_logs(rating.look_at) == 1
        assert Feedback.find_logs(rating.look_at - timedelta(seconds=1)) == 0
        looks += 1
    assert 15 < looks < 30


ACTIONS = [
    "/w/{w}/logs/{log}/feedback/", "/w/{w}/logs/feedback/", "/w/{w}/feedback/{rating}/withdraw/",
    "/w/{w}/feedback/{rating}/resolve/", "/w/{w}/feedback/{rating}/reopen/",
]  # fmt: skip


@pytest.mark.parametrize("path", ACTIONS)
def test_strangers_change_nothing(path: str, client: Client, people: People, store: Any, rate: Any) -> None:
    (record,) = store({})
    rating = rate(record, -1, people.bob)
    data = {"thumb": "1", "log": str(record.id)}
    address = path.format(w="acme", log=record.id, rating=rating.id)
    signed_out = client.post(address, data)
    assert (signed_out.status_code, signed_out["Location"].split("?")[0]) == (302, "/accounts/login/")
    sign_in(client, "charlie")
    assert client.post(address, data).status_code == 404
    client.post(path.format(w="elsewhere", log=record.id, rating=rating.id), data)
    (still,) = Feedback.objects.all()
    assert (still.value, still.resolved_at, still.withdrawn, still.workspace) == (-1, None, False, people.workspace)


@pytest.mark.parametrize("path", ACTIONS[1:])
def test_a_get_changes_nothing(path: str, client: Client, people: People, store: Any, rate: Any) -> None:
    (record,) = store({})
    rating = rate(record, -1, people.bob)
    address = path.format(w="acme", log=record.id, rating=rating.id)
    assert sign_in(client, "bob").get(address).status_code == 405


def test_a_forged_form_is_refused(people: People, store: Any) -> None:
    (record,) = store({})
    client = sign_in(Client(enforce_csrf_checks=True), "bob")
    assert client.post(f"/w/acme/logs/{record.id}/feedback/", {"thumb": "1"}).status_code == 403


def test_unknown_logs(client: Client, people: People, store: Any) -> None:
    (foreign,) = store({}, workspace_id=people.elsewhere.id)
    sign_in(client, "alice")
    for id in (foreign.id, uuid4(), uuid7.uuid7()):
        assert post(client, f"/w/acme/logs/{id}/feedback/", thumb="1").status_code == 404
    client.post("/w/acme/logs/feedback/", {"log": str(foreign.id), "thumb": "1"})
    assert not Feedback.objects.exists()


def test_the_section_costs_a_fixed_number_of_queries(
    client: Client, people: People, store: Any, rate: Any, django_assert_max_num_queries: Any
) -> None:
    records = store(*({} for _ in range(20)))
    sign_in(client, "alice")
    client.get("/w/acme/logs/")
    with django_assert_max_num_queries(10) as unrated:
        client.get("/w/acme/logs/")
    for record in records:
        rate(record, 1, people.bob)
    with django_assert_max_num_queries(len(unrated)):
        client.get("/w/acme/logs/")
    assert Log.objects.count() == 20
