"""JSON from outside is not read where its values would take many times its size."""

from __future__ import annotations

import json

import pytest

from logs.ingest import normalise
from logs.record import Exchange
from portkey_logs.lib.text import decode_json


@pytest.mark.parametrize("value", [b"{}", b"[]", b'{"a":1}', b"[[]]"])
def test_millions_of_small_values_are_refused(value: bytes) -> None:
    body = b"[" + b",".join([value] * (16 * 1024 * 1024 // len(value))) + b"]"
    for raw in (body, body.decode()):
        with pytest.raises(ValueError, match="too many values"):
            decode_json(raw)


def test_what_people_send_is_read() -> None:
    embeddings = b"[" + b",".join([b"0.0123"] * (2048 * 1536)) + b"]"
    assert len(decode_json(embeddings)) == 2048 * 1536
    picture = json.dumps({"image": "a" * 30_000_000})
    assert len(decode_json(picture)["image"]) == 30_000_000
    stream = json.dumps('data: {"choices":[{"delta":{}}]}\n\n' * 500_000)
    assert decode_json(stream).endswith("}\n\n")


def test_such_a_body_is_kept_as_it_came() -> None:
    body = b'{"model":"m","x":[' + b",".join([b"{}"] * 2_000_000) + b"]}"
    exchange = Exchange(source="capture", url="/v1/chat/completions", request_body=body, status_code=200)
    record = normalise.to_record(exchange, workspace_id=1, api_key_id=None, now_ms=1_760_000_000_000)
    assert (record.completeness, record.request_body) == ("unparsed", body)
