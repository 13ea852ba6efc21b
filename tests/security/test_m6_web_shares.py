"""M6: in web each API key has a share, of ingest and of all other calls."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from portkey_logs.accounts.api_key_cache import keyring
from portkey_logs.front.bodies import RequestRefused
from portkey_logs.front.shares import KeyShares, key_shares
from portkey_logs.lib.shares import ShareLimits
from tests.factories import People, make_key
from tests.logs.capture.harness import GRANT
from tests.security.front import Call

Serve = Callable[[Call], Call]
PATHS = [("POST", "/v1/logs"), ("POST", "/v1/feedback"), ("POST", "/v1/configs"), ("PUT", "/v1/prompts/x")]


@pytest.fixture(autouse=True)
def own_shares() -> Iterator[None]:
    key_shares.cache_clear()
    yield
    key_shares.cache_clear()


def assert_refused(call: Call, words: str) -> int:
    """The answer is a 429 in Portkey's shape; returns its Retry-After."""
    body = json.loads(call.body)
    assert (call.status, body["status"], body["error"]["code"]) == (429, "failure", "AB06")
    assert words in body["message"]
    return int(call.headers["retry-after"])


@pytest.mark.parametrize(("method", "path"), [*PATHS, ("GET", "/v1/logs"), ("GET", "/v1/configs")])
def test_calls_per_minute(front: Serve, settings: Settings, api_key: str, method: str, path: str) -> None:
    settings.SHARE_LIMITS = ShareLimits(10, 3, 1_000_000)
    size = 0 if method == "GET" else 100
    for _ in range(3):
        assert front(Call(method, path, size, x_portkey_api_key=api_key)).status not in (429, 500)
    call = front(Call(method, path, size, x_portkey_api_key=api_key))
    assert 18 <= assert_refused(call, "3 calls per minute") <= 20
    assert call.bytes_read == 0


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_bytes_per_minute(front: Serve, settings: Settings, api_key: str, method: str, path: str) -> None:
    settings.SHARE_LIMITS = ShareLimits(10, 100, 300_000)
    assert front(Call(method, path, 200_000, x_portkey_api_key=api_key)).status != 429
    call = front(Call(method, path, 200_000, x_portkey_api_key=api_key))
    assert 19 <= assert_refused(call, "300,000 bytes per minute") <= 20
    assert call.bytes_read == 0
    call = front(Call(method, path, 900_000, declared=False, authorization=f"Bearer {api_key}"))
    assert_refused(call, "300,000 bytes per minute")
    assert call.bytes_read <= 300_000


def test_another_key_has_a_share_of_its_own(front: Serve, settings: Settings, api_key: str, people: People) -> None:
    settings.SHARE_LIMITS = ShareLimits(10, 1, 1_000_000)
    other = make_key(people.workspace)[1]
    keyring.refresh()
    for key in (api_key, other):
        assert front(Call("GET", "/v1/logs", 0, x_portkey_api_key=key)).status == 200
        assert front(Call("GET", "/v1/logs", 0, x_portkey_api_key=key)).status == 429
    assert front(Call("GET", "/healthz", 0)).status == 200
    assert front(Call("GET", "/v1/logs", 0, x_portkey_api_key="plk_unknown")).status == 401


def test_refusals_are_counted_for_their_own_workspace_only(
    front: Serve, settings: Settings, api_key: str, people: People, client: Client
) -> None:
    settings.SHARE_LIMITS = ShareLimits(10, 1, 1_000_000)
    for _ in range(3):
        front(Call("GET", "/v1/logs", 0, x_portkey_api_key=api_key))
    page = client.get("/metrics", headers={"x-portkey-api-key": api_key}).content.decode()
    assert 'portkey_logs_web_over_share_total{reason="calls_per_minute",workspace_id="' in page
    assert page.endswith('"} 2\n')
    other = make_key(people.elsewhere)[1]
    keyring.refresh()
    page = client.get("/metrics", headers={"x-portkey-api-key": other}).content.decode()
    assert "workspace_id" not in page
    assert client.get("/metrics").status_code == 401


def test_one_key_leaves_threads_for_pages() -> None:
    shares = KeyShares(ShareLimits(1_000, 100_000, 1_000_000))
    with pytest.raises(RequestRefused, match="48 calls at a time"):
        begin_many(shares, 49, is_ingest=False)
    begin_many(shares, 1_000, is_ingest=True)
    assert shares.over_share["calls_at_a_time", GRANT.workspace_id] == 1


def begin_many(shares: KeyShares, times: int, *, is_ingest: bool) -> None:
    with ExitStack() as stack:
        for _ in range(times):
            stack.enter_context(shares.begin(GRANT, 0, is_ingest=is_ingest))


def test_thousands_of_calls_of_one_key_pass_by_default(settings: Settings) -> None:
    shares = KeyShares(settings.SHARE_LIMITS)
    for _ in range(20_000):
        with shares.begin(GRANT, 11_000, is_ingest=True) as count:
            count(11_000)
    assert not shares.over_share
