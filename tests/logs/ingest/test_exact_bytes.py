"""What was posted comes back to the byte: as JSON values, and as the text of JSON strings."""

from __future__ import annotations

import json
import random
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from logs.storage import body_storage
from tests.factories import PASSWORD, People

pytestmark = pytest.mark.usefixtures("inline_writer")

BODIES = 10_000
BATCH = 1_000  # bodies in one call

# What jsonb refuses or changes, what parsers disagree on, what HTML and terminals would act on.
PIECES = (
    "\0", "\ud800", "\udfff", "\udc00\ud800", "\x01\x1f\x7f", "\u2028", "\ufeff", "\u202e", "é", "e\u0301", "😀", "\\", '"',
    "/", "\r\n", "\t", " ", "a", "0", "1e400", "null", "]}", "data: [DONE]\n\n", "<script>", "{{ x }}", "\U0010ffff",
)  # fmt: skip
NUMBERS = ("1e400", "1.0", "-0", "1E+5", "12345678901234567890123", "0.1000000000000000055511151231257827", "1e-400")
SPACES = ("", "", "", " ", "\n", "\t", "\r\n  ")


class Bodies:
    """JSON texts as no serialiser would write them, and texts of any characters."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)

    def text(self) -> str:
        return "".join(self.chance.choices(PIECES, k=self.chance.randrange(12)))

    def string(self) -> str:
        """One of the spellings of a text."""
        spelled = json.dumps(self.text(), ensure_ascii=self.chance.random() < 0.5)
        spelled = "".join(f"\\u{ord(c):04X}" if "\ud800" <= c <= "\udfff" else c for c in spelled)
        return spelled.replace("/", "\\/") if self.chance.random() < 0.3 else spelled

    def space(self) -> str:
        return self.chance.choice(SPACES)

    def value(self, depth: int = 0) -> str:
        kind = self.chance.randrange(8 if depth < 4 else 4)
        if kind == 0:
            return self.chance.choice(("true", "false", "null"))
        if kind == 1:
            return self.chance.choice(NUMBERS)
        if kind <= 3:
            return self.string()
        count = self.chance.randrange(5)
        if kind <= 5:
            return f"[{self._joined(self.value(depth + 1) for _ in range(count))}]"
        keys = [self.string() for _ in range(count)] + ['"model"', '"model"'][: self.chance.randrange(3)]
        members = (f"{key}{self.space()}:{self.space()}{self.value(depth + 1)}" for key in keys)
        return f"{{{self._joined(members)}}}"

    def _joined(self, items: Any) -> str:
        return self.space() + f"{self.space()},{self.space()}".join(items) + self.space()


def sent(value: str) -> bytes:
    return value.encode("utf-8", "surrogatepass")


def test_ten_thousand_bodies_come_back_to_the_byte(client: Client, people: People, api_key: str) -> None:
    bodies = Bodies(seed=7)
    client.login(username="alice@example.org", password=PASSWORD)
    checked = 0
    while checked < BODIES:
        rows, expected = [], []
        for _ in range(BATCH // 2):
            # The request's body is a JSON value whose source is kept, the answer's a string whose text is.
            value, text = bodies.value(), bodies.text()
            spelled = json.dumps(text)
            kept = None if value == "null" else sent(json.loads(value) if value.startswith('"') else value)
            rows.append('{"request":{"body":%s},"response":{"body":%s}}' % (value, spelled))
            expected.append((kept, sent(json.loads(spelled))))  # two surrogates may have become a character
        answer = client.post(
            "/v1/logs", "[" + ",".join(rows) + "]", "application/json", headers={"x-portkey-api-key": api_key}
        )
        assert answer.status_code == 200, answer.content
        for number, (id, pair) in enumerate(zip(answer.json()["log_ids"], expected, strict=True)):
            found = body_storage.fetch(people.workspace.id, UUID(id))
            for side, octets in zip(("request", "response"), pair, strict=True):
                body = found[side].body
                assert (None if body is None else b"".join(body.chunks())) == octets
                checked += 1
                if number % 20 == 0:  # the download sends these chunks; asking for each would take a minute
                    raw = client.get(f"/w/acme/logs/{id}/raw/{side}")
                    assert raw.status_code == (404 if octets is None else 200)
                    assert octets is None or raw.content == octets


@pytest.mark.parametrize("size", [64 * 1024 - 1, 64 * 1024, 300_000, 5_000_000])
@pytest.mark.parametrize("noise", [True, False])
def test_large_bodies_come_back_to_the_byte(size: int, noise: bool, client: Client, people: People, store: Any) -> None:
    """Compressed they are as large as they were, or a thousandth of it: in one piece or in many."""
    octets = random.Random(size).randbytes(size) if noise else b"\xff\0" * (size // 2) + b"x" * (size % 2)
    (record,) = store({"request_body": octets, "response_body": octets[::-1]})
    client.login(username="alice@example.org", password=PASSWORD)
    for side, expected in (("request", octets), ("response", octets[::-1])):
        raw = client.get(f"/w/acme/logs/{record.id}/raw/{side}")
        assert b"".join(raw) == expected
        assert int(raw["Content-Length"]) == size
    part = client.get(f"/w/acme/logs/{record.id}/body/request/?view=raw&from={size - 10}")
    assert part.status_code == 200


@pytest.mark.parametrize("lead", [b"", b"\xff"])
def test_large_bodies_come_back_through_the_api(
    lead: bytes, client: Client, people: People, api_key: str, store: Any
) -> None:
    body = json.dumps({"a": "é😀 " * 600_000}, ensure_ascii=False).encode() + lead
    (record,) = store({"request_body": body, "response_body": b'{"small": 1.0}'})
    answer = client.get(f"/v1/logs/{record.id}", headers={"x-portkey-api-key": api_key})
    text = b"".join(answer)
    shown = json.loads(text)
    assert b'"body":{"small": 1.0}' in text
    if lead:
        assert shown["request"]["body"] == body.decode("utf-8", "replace")
    else:
        assert body in text
