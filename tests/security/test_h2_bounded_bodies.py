"""H2: what a request costs was not limited for callers who are signed out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import product

import pytest
from django.conf import settings
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from portkey_logs.front import limits
from portkey_logs.front.app import takes_large_bodies
from tests.factories import People
from tests.security.front import CHUNK, Call

Serve = Callable[[Call], Call]
MIB = 1024 * 1024
SAMPLES = {
    "int": "1",
    "uuid": "01890000-0000-7000-8000-000000000000",
    "slug": "acme",
    "str": "acme",
    "path": "acme",
    "side": "request",
}


def paths(patterns: list[URLPattern | URLResolver], before: str = "/") -> Iterator[str]:
    """An address of every route."""
    for pattern in patterns:
        path = before + re.sub(r"<(\w+):\w+>", lambda match: SAMPLES[match[1]], str(pattern.pattern))
        if isinstance(pattern, URLResolver):
            yield from paths(pattern.url_patterns, path)
        else:
            yield path


ROUTES = sorted(set(paths(get_resolver().url_patterns)))
OPEN = {("GET", "/healthz"), ("GET", "/v1/openapi.json")}  # answered to everybody
LARGE = [path for path in ROUTES if takes_large_bodies(path)]


def test_the_table_has_all_routes() -> None:
    assert len(ROUTES) > 100
    assert {"/accounts/login/", "/v1/logs", "/w/acme/playground/run/"} <= set(ROUTES)


def test_only_ingest_the_playground_and_prompts_take_large_bodies() -> None:
    assert {re.split(r"/w/acme|/v1", path)[1].split("/")[1] for path in LARGE} == {"logs", "playground", "prompts"}


@pytest.mark.parametrize("path", ROUTES)
def test_signed_out_no_route_reads_more_than_a_mib(front: Serve, people: People, path: str) -> None:
    for method, declared, size in product(("POST", "PUT", "GET"), (True, False), (80 * MIB, MIB + 1)):
        call = front(Call(method, path, size, declared=declared, cookie="sessionid=unknown", authorization="Bearer x"))
        assert call.bytes_read <= (0 if path.startswith("/v1/") else MIB + CHUNK), method
        assert call.status >= 400 or (method, path) in OPEN
        assert call.headers["connection"] == "close"


def test_a_refusal_is_in_words(front: Serve, api_key: str) -> None:
    call = front(Call("POST", "/accounts/login/", 2 * MIB))
    assert (call.status, call.body) == (413, b"The body is larger than 1 MiB, the most that is taken here.")
    call = front(Call("POST", "/v1/feedback", 2 * MIB, x_portkey_api_key=api_key))
    assert (call.status, call.bytes_read) == (413, 0)
    assert b'"error": {"message": "The body is larger than 1 MiB' in call.body


@pytest.mark.parametrize("declared", [True, False])
def test_a_key_may_send_64_mib_to_ingest_and_no_more(front: Serve, api_key: str, declared: bool) -> None:
    """The body is no JSON: it was read to its end where the view says so."""
    call = front(Call("POST", "/v1/logs", limits.MAX_LARGE_BODY_BYTES, x_portkey_api_key=api_key))
    assert (call.status, call.bytes_read) == (400, limits.MAX_LARGE_BODY_BYTES)
    more = limits.MAX_LARGE_BODY_BYTES + 1
    call = front(Call("POST", "/v1/logs", more, declared=declared, x_portkey_api_key=api_key))
    assert call.status == 413
    assert call.bytes_read <= (0 if declared else more)


@pytest.mark.parametrize("path", [path for path in LARGE if path.startswith("/w/")])
def test_signed_in_the_playground_takes_large_bodies(front: Serve, people: People, client: Client, path: str) -> None:
    client.force_login(people.alice)
    cookie = f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"
    call = front(Call("POST", path, 2 * MIB, cookie=cookie, content_type="text/plain"))
    assert (call.status, call.bytes_read) == (403, 2 * MIB), "read, and refused for the missing token alone"
    people.alice.is_active = False
    people.alice.save(update_fields=["is_active"])
    assert front(Call("POST", path, 2 * MIB, cookie=cookie)).status == 413


def test_bodies_share_one_allowance(front: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many callers at once get no more memory than there is for all of them."""
    monkeypatch.setattr(limits, "MAX_HELD_UNKNOWN_BYTES", CHUNK)
    call = front(Call("POST", "/accounts/login/", 3 * CHUNK))
    assert call.status == 503
    assert call.headers["retry-after"]


def test_a_file_touches_no_disk(client: Client, db: None) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    response = client.post("/accounts/login/", {"login": "a@b.c", "x": SimpleUploadedFile("x", b"a" * 100_000)})
    assert response.wsgi_request.FILES == {}
    assert settings.FILE_UPLOAD_HANDLERS == []
