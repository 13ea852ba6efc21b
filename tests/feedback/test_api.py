"""``/v1/feedback`` against Portkey's contract: bounds, codes, texts, and what is stored."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from feedback.models import Feedback, Given
from tests.factories import People, make_key

REFUSED = "Portkey Error: Invalid Request Body. Error code: {}"


@pytest.fixture
def call(client: Client, api_key: str) -> Any:
    """Send a body, JSON or as it is, and get status and answer."""

    def call(body: Any, path: str = "/v1/feedback", method: str = "post", key: str = api_key) -> tuple[int, Any]:
        data = body if isinstance(body, (bytes, str)) else json.dumps(body)
        answer = client.generic(
            method.upper(), path, data, content_type="application/json", headers={"x-portkey-api-key": key}
        )
        return answer.status_code, answer.json()

    return call


@pytest.fixture
def given(call: Any) -> str:
    """The id of a rating that came through the API."""
    return call({"trace_id": "t", "value": 1, "weight": 0.5, "metadata": {"k": "v"}})[1]["feedback_ids"][0]


def test_one(call: Any, people: People) -> None:
    status, answer = call({"trace_id": "t", "value": 5, "weight": 0.5, "metadata": {"_user": "u", "comment": "good"}})
    (rating,) = Feedback.objects.all()
    assert status == 200
    assert answer == {"status": "success", "message": "Feedback successfully saved", "feedback_ids": [str(rating.id)]}
    assert (rating.workspace, rating.trace_id, rating.value, rating.weight) == (people.workspace, "t", 5, 0.5)
    assert (rating.source, rating.person, rating.comment) == ("api", None, "good")
    assert rating.metadata == {"_user": "u", "comment": "good"}
    assert rating.api_key is not None


def test_many_come_back_in_their_order(call: Any) -> None:
    sent = [{"trace_id": f"t{n % 3}", "value": n} for n in range(-10, 11)]
    status, answer = call(sent)
    assert status == 200
    stored = {str(rating.id): rating for rating in Feedback.objects.all()}
    assert [(stored[id].trace_id, stored[id].value) for id in answer["feedback_ids"]] == [
        (item["trace_id"], item["value"]) for item in sent
    ]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "03"), (b"null", "03"), (b"{", "03"), (b"\xff", "03"), (b"0", "03"), (b'""', "03"),
        ([], "031"),
        ({}, "032"), ({"trace_id": "t"}, "032"), ({"value": 1}, "032"), ({"trace_id": "", "value": 1}, "032"),
        ({"trace_id": None, "value": 1}, "032"), ({"trace_id": ["t"], "value": 1}, "032"), (["t"], "032"),
        ([{"trace_id": "t", "value": 1}, {"trace_id": "t"}], "032"), ("5", "032"),
        ({"trace_id": "t", "value": 10.01}, "033"), ({"trace_id": "t", "value": -11}, "033"),
        ({"trace_id": "t", "value": "eleven"}, "033"), ({"trace_id": "t", "value": None}, "033"),
        ({"trace_id": "t", "value": True}, "033"), (b'{"trace_id": "t", "value": 1e400}', "033"),
        ({"trace_id": "t", "value": [1]}, "033"), ({"trace_id": "t", "value": "NaN"}, "033"),
        ([{"trace_id": "t", "value": 1}, {"trace_id": "t", "value": 11}], "033"),
    ],
)  # fmt: skip
def test_what_is_refused_and_in_which_words(body: Any, code: str, call: Any) -> None:
    status, answer = call(body)
    assert status == 400
    assert answer["status"] == "failure"
    assert answer["message"] == answer["error"]["message"] == REFUSED.format(code)
    assert not Feedback.objects.exists()


@pytest.mark.parametrize(("value", "stored"), [(-10, -10), (10, 10), (0, 0), (0.5, 0.5), ("7", 7), (-0.25, -0.25)])
def test_values_within_the_bounds(value: Any, stored: float, call: Any) -> None:
    assert call({"trace_id": "t", "value": value})[0] == 200
    assert float(Feedback.objects.get().value) == stored


@pytest.mark.parametrize(
    ("sent", "stored"), [({}, 1), ({"weight": 0}, 0), ({"weight": 1}, 1), ({"weight": 0.3}, 0.3), ({"weight": 1.1}, 1),
                         ({"weight": -0.1}, 1), ({"weight": "much"}, 1), ({"weight": None}, 1)]
)  # fmt: skip
def test_a_weight_outside_its_bounds_is_silently_one(sent: dict[str, Any], stored: float, call: Any) -> None:
    assert call({"trace_id": "t", "value": 1} | sent)[0] == 200
    assert float(Feedback.objects.get().weight) == stored


def test_metadata_is_cut_and_kept_as_text(call: Any) -> None:
    long = "x" * 200
    call({"trace_id": "t", "value": 1, "metadata": {long: long, "n": 5, "nul": "a\x00b", "none": None}})
    assert Feedback.objects.get().metadata == {"x" * 128: "x" * 128, "n": "5", "nul": "a\ufffdb", "none": ""}


def test_an_update_replaces_and_counts_from_now(call: Any, given: str) -> None:
    before = Feedback.objects.get()
    status, answer = call({"value": 2, "weight": 1, "metadata": {"x": "y"}}, f"/v1/feedback/{given}", "put")
    after = Feedback.objects.get()
    assert status == 200
    assert answer == {"status": "success", "message": "Feedback successfully updated", "feedback_ids": [given]}
    assert (after.trace_id, after.value, after.weight, after.metadata) == ("t", 2, 1, {"x": "y"})
    assert after.created_at > before.created_at


def test_an_update_without_metadata_keeps_it_and_an_empty_one_clears_it(call: Any, given: str) -> None:
    call({"value": 3}, f"/v1/feedback/{given}", "put")
    assert (Feedback.objects.get().metadata, Feedback.objects.get().weight) == ({"k": "v"}, 1)
    call({"value": 3, "metadata": {}}, f"/v1/feedback/{given}", "put")
    assert Feedback.objects.get().metadata == {}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", REFUSED.format("03")),
        ([], REFUSED.format("031")),
        (
            [{"value": 1}, {"value": 2}],
            "Portkey Error: Invalid Request Body. Multi Update is not supported. Error code: 031",
        ),
        ({"weight": 1}, REFUSED.format("032")),
        ({"value": 11}, REFUSED.format("033")),
    ],
)
def test_what_an_update_refuses(body: Any, message: str, call: Any, given: str) -> None:
    status, answer = call(body, f"/v1/feedback/{given}", "put")
    assert (status, answer["message"]) == (400, message)
    assert Feedback.objects.get().value == 1


def test_one_item_in_a_list_updates(call: Any, given: str) -> None:
    assert call([{"value": 4}], f"/v1/feedback/{given}", "put")[0] == 200


@pytest.mark.parametrize("id", ["00000000-0000-4000-8000-000000000000", "fb-1", "nothing"])
def test_an_unknown_id(id: str, call: Any) -> None:
    status, answer = call({"value": 1}, f"/v1/feedback/{id}", "put")
    assert (status, answer["message"]) == (404, "Invalid Feedback Id passed. Nothing to update")


def test_a_key_of_another_workspace_and_what_a_person_said(
    call: Any, given: str, people: People, store: Any, rate: Any
) -> None:
    foreign = make_key(people.elsewhere)[1]
    assert call({"value": -5}, f"/v1/feedback/{given}", "put", foreign)[0] == 404
    (record,) = store({})
    own = rate(record, 1)
    assert call({"value": -5}, f"/v1/feedback/{own.id}", "put")[0] == 404
    assert set(Feedback.objects.values_list("value", flat=True)) == {1}


@pytest.mark.parametrize(
    ("path", "methods"),
    [("/v1/feedback", ["get", "put", "patch", "delete"]), ("/v1/feedback/x", ["get", "post", "delete"])],
)
def test_other_methods(path: str, methods: list[str], call: Any) -> None:
    for method in methods:
        status, answer = call({}, path, method)
        assert (status, answer["message"]) == (405, "Portkey Error: Method not allowed. Error code: 01")


def test_wrong_keys(call: Any, people: People) -> None:
    body = {"trace_id": "t", "value": 1}
    assert call(body, key="plk_wrong")[0] == 401
    assert call(body, key=make_key(people.workspace, scopes=("logs.view",))[1])[0] == 403
    assert not Feedback.objects.exists()


def test_a_foreign_key_rates_its_own_workspace_only(call: Any, people: People, store: Any, client: Client) -> None:
    (record,) = store({"trace_id": "t"})
    call({"trace_id": "t", "value": -1}, key=make_key(people.elsewhere)[1])
    client.force_login(people.alice)
    (item,) = client.get("/w/acme/logs.json").json()["data"]
    assert item["feedback"] == {"count": 0, "weighted_average": None}
    assert item["id"] == str(record.id)


def test_an_update_undoes_nothing_that_happened_since_it_read_the_rating(given: str) -> None:
    stale = Feedback.objects.get()
    Feedback.objects.get().withdraw()
    stale.say(Given("t", Decimal(2)))
    rating = Feedback.objects.get()
    assert (rating.value, rating.withdrawn) == (2, True)
