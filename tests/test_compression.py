"""Pages are packed for browsers that understand it; everything else goes out as it is."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable

import pytest
from django.test import Client

from logs.record import LogRecord
from tests.factories import People

PACKED = {"accept-encoding": "gzip, deflate, br"}
_NEW_EACH_TIME = re.compile(rb'csrf[^>]*>|nonce="[^"]*"|X-CSRFToken[^}]*|data-live-after="\d+"')


@pytest.fixture
def log(people: People, client: Client, store: Callable[..., list[LogRecord]]) -> LogRecord:
    client.force_login(people.alice)
    return store({"request_body": b'{"messages": [{"role": "user", "content": "Hi"}]}'})[0]


def test_a_page_is_packed_and_the_same(log: LogRecord, client: Client) -> None:
    for address in ("/w/acme/logs/", f"/w/acme/logs/{log.id}/"):
        plain, packed = client.get(address), client.get(address, headers=PACKED)
        assert (plain.get("Content-Encoding"), packed["Content-Encoding"]) == (None, "gzip")
        assert "Accept-Encoding" in packed["Vary"]
        unpacked = gzip.decompress(packed.content)
        assert _NEW_EACH_TIME.sub(b"", unpacked) == _NEW_EACH_TIME.sub(b"", plain.content)
        assert len(packed.content) == int(packed["Content-Length"]) < len(plain.content) / 3


def test_what_programs_fetch_is_not(log: LogRecord, client: Client) -> None:
    for address in ("/w/acme/logs.json", f"/w/acme/logs/{log.id}/raw/request"):
        answer = client.get(address, headers=PACKED)
        assert (answer.status_code, answer.get("Content-Encoding")) == (200, None)
