"""Low 7: a page, a query and an API call take a bounded number of filters by metadata."""

from __future__ import annotations

from time import process_time

import pytest
from django.test import Client

from logs.explorer.filters.filterset import MAX_METADATA_FILTERS
from tests.factories import PASSWORD, People, make_key

pytestmark = pytest.mark.usefixtures("inline_writer")


def query(count: int) -> dict[str, str]:
    return {f"meta.key{number}": "a" for number in range(count)}


@pytest.fixture
def alice(client: Client, people: People) -> Client:
    assert client.login(username="alice@example.org", password=PASSWORD)
    return client


def test_twenty_are_taken(alice: Client) -> None:
    assert alice.get("/w/acme/logs/", query(MAX_METADATA_FILTERS)).status_code == 200


@pytest.mark.parametrize("count", [MAX_METADATA_FILTERS + 1, 600])
def test_more_are_refused_beside_the_field(alice: Client, count: int) -> None:
    start = process_time()
    answer = alice.get("/w/acme/logs/", query(count))
    assert process_time() - start < 3  # it was 7 s, and a page of 12 MB
    page = answer.content.decode()
    assert answer.status_code == 400
    assert page.count(f"Give at most {MAX_METADATA_FILTERS} filters by metadata") >= 1
    assert len(page) < 1_000_000


def test_the_api_refuses_them_by_name(client: Client, people: People) -> None:
    _, token = make_key(people.workspace)
    answer = client.get("/v1/logs", query(600), headers={"x-portkey-api-key": token})
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [f"meta.key{MAX_METADATA_FILTERS}"]


def test_a_line_of_the_query_bar_is_bounded(alice: Client) -> None:
    answer = alice.get("/w/acme/logs/", {"query": "a " * 3_000})
    assert answer.status_code == 400
    assert "A line may have 4,000 characters." in answer.content.decode()


def test_a_long_address_is_not_repeated_by_every_link(alice: Client, store: object) -> None:
    store(*[{"model": f"model-{number}"} for number in range(40)])  # type: ignore[operator]
    answer = alice.get("/w/acme/logs/", {"model": "!" + ",".join(f"{number:0290}" for number in range(90))})
    assert answer.status_code == 200
    assert len(answer.content) < 4_000_000
