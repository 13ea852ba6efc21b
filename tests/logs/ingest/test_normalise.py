from __future__ import annotations

import pytest

from logs import status
from logs.ingest.normalise import to_record
from tests.logs.ingest.gateway_fixtures import FIXTURES, exchange_of

NOW_MS = 1_795_000_000_000


@pytest.mark.parametrize("name", FIXTURES)
def test_a_captured_exchange_is_read_as_expected(name):
    expected = FIXTURES[name]["expected"]
    record = to_record(exchange_of(name), workspace_id=1, api_key_id=None, now_ms=NOW_MS)
    assert record.request_type == expected["request_type"]
    assert record.provider == expected["provider"]
    assert record.requested_model == expected["requested_model"]
    assert record.model == (expected["response_model"] or expected["requested_model"])
    assert {"input": record.input_tokens, "output": record.output_tokens} == expected["tokens"]
    assert record.finish_reason == expected["finish_reason"]
    assert record.stream == expected["stream"]
    assert record.is_success == expected["is_success"]
    assert (record.completeness == "cut") == (expected["stream_complete"] is False)
    assert (record.error_message is None) == expected["is_success"]


@pytest.mark.parametrize("name", FIXTURES)
def test_a_captured_exchange_shows_its_states(name):
    record = to_record(exchange_of(name), workspace_id=1, api_key_id=None, now_ms=NOW_MS)
    derived = dict(FIXTURES[name]["derived"])
    derived.pop("handled")
    assert status.labels(record.gateway)._asdict() == derived
