"""Low 5: private pages said nothing of caches."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.factories import People
from tests.security.test_h2_bounded_bodies import ROUTES


@pytest.fixture
def alice(people: People, client: Client) -> Client:
    client.force_login(people.alice)
    client.raise_request_exception = False
    return client


# The description of the API is public.
@pytest.mark.parametrize("path", [path for path in ROUTES if path != "/v1/openapi.json"])
def test_no_private_answer_may_be_stored_by_a_shared_cache(alice: Client, api_key: str, path: str) -> None:
    response = alice.get(path, headers={"x-portkey-api-key": api_key})
    if response.streaming:
        b"".join(response.streaming_content)
    directives = response["Cache-Control"].replace(" ", "").split(",")
    assert "no-store" in directives or "private" in directives
    assert "public" not in directives


@pytest.mark.parametrize("page", ["settings", "configs", "virtual-keys", "prompts", "analytics/metadata-keys", "keys"])
def test_pages_are_not_stored_at_all(alice: Client, page: str) -> None:
    response = alice.get(f"/w/acme/{page}/")
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]


def test_static_files_may_be_stored(client: Client) -> None:
    response = client.get("/static/css/base.css")
    assert "no-store" not in response["Cache-Control"]
