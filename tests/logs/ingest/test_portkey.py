from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logs.ingest.normalise import to_record
from logs.ingest.portkey import MAX_ROWS, EnvelopeError, RowError, parse
from logs.llm import gateway_status
from logs.record import Exchange
from portkey_logs.lib import uuid7
from tests.logs.ingest.gateway_fixtures import FIXTURES, response_bytes

NOW_MS = 1_795_000_000_000


def one(row, headers=None) -> Exchange:
    raw = row if isinstance(row, bytes) else json.dumps(row).encode()
    (parsed,) = parse(raw, headers or {}, now_ms=NOW_MS)
    assert isinstance(parsed, Exchange), parsed
    return parsed


def posted(name: str) -> dict:
    """A captured exchange as a client would log it."""
    fixture = FIXTURES[name]
    request, response = fixture["request"], fixture["response"]
    body = response_bytes(fixture).decode() if "chunks" in response else response["body"]
    return {
        "request": {
            "url": "http://127.0.0.1:8787" + request["path"],
            "method": request["method"],
            "headers": request["headers"],
            "body": request["body"],
        },
        "response": {
            "status": response["status"],
            "headers": response["headers"],
            "body": body,
            "response_time": fixture["duration_ms"],
            "streamingMode": "chunks" in response,
        },
    }


@pytest.mark.parametrize("name", FIXTURES)
def test_a_captured_exchange_posted_as_a_log(name):
    expected, derived = FIXTURES[name]["expected"], dict(FIXTURES[name]["derived"])
    derived.pop("handled")
    record = to_record(one(posted(name)), workspace_id=1, api_key_id=None, now_ms=NOW_MS)
    assert gateway_status.labels(record.gateway)._asdict() == derived
    assert record.request_type == expected["request_type"]
    assert record.provider == expected["provider"]
    assert record.model == (expected["response_model"] or expected["requested_model"])
    assert {"input": record.input_tokens, "output": record.output_tokens} == expected["tokens"]
    assert record.finish_reason == expected["finish_reason"]
    assert record.stream == expected["stream"]
    assert record.is_success == expected["is_success"]
    assert record.latency_ms == round(FIXTURES[name]["duration_ms"])


def test_a_manual_log_of_the_sdk_is_read_in_full():
    exchange = one(
        {
            "request": {
                "url": "https://api.openai.com/v1/chat/completions",
                "body": {"model": "gpt-4o", "messages": []},
                "provider": "openai",
            },
            "response": {
                "status": 200,
                "body": {"model": "gpt-4o-mini", "usage": {"prompt_tokens": 1, "completion_tokens": 1}},
                "response_time": 1234,
            },
            "metadata": {"traceId": "t1", "spanId": "s1", "spanName": "llm", "parentSpanId": "p1", "_user": "u"},
        }
    )
    record = to_record(exchange, workspace_id=1, api_key_id=7, now_ms=NOW_MS)
    assert (record.trace_id, record.span_id, record.parent_span_id, record.span_name) == ("t1", "s1", "p1", "llm")
    assert (record.model, record.requested_model, record.provider) == ("gpt-4o-mini", "gpt-4o", "openai")
    assert (record.user, record.metadata) == ("u", {"_user": "u"})
    assert (record.latency_ms, record.status_code, record.method, record.api_key_id) == (1234, 200, "POST", 7)
    assert uuid7.time_ms(record.id) == NOW_MS
    assert not record.idempotent


# --- shapes ------------------------------------------------------------------------------------------------


def test_request_and_response_may_be_json_strings():
    exchange = one(
        {
            "request": json.dumps({"url": "https://x/v1/embeddings", "body": {"model": "m"}}),
            "response": json.dumps({"status": 201, "body": {"a": 1}}),
        }
    )
    assert exchange.url == "https://x/v1/embeddings"
    assert json.loads(exchange.request_body) == {"model": "m"}
    assert (exchange.status_code, json.loads(exchange.response_body)) == (201, {"a": 1})


def test_without_a_body_the_whole_object_is_the_body():
    exchange = one(b'{"request": {"name":"x", "input": 1 }, "response": {"output":{}, "response_time":"0123"}}')
    assert exchange.request_body == b'{"name":"x", "input": 1 }'
    assert exchange.response_body == b'{"output":{}, "response_time":"0123"}'
    assert exchange.latency_ms == 123


def test_absent_sides_and_null_bodies_are_no_body():
    exchange = one({})
    assert (exchange.request_body, exchange.response_body, exchange.status_code) == (None, None, 200)
    exchange = one({"request": {"body": None}, "response": None})
    assert (exchange.request_body, exchange.response_body) == (None, None)


@pytest.mark.parametrize("value", [12, 12.4, "12", "0012", "12.0"])
def test_the_response_time_is_coerced(value):
    assert one({"response": {"response_time": value}}).latency_ms == 12
    assert one({"response": {"responseTime": value}}).latency_ms == 12


def test_ids_header_beats_top_level_beats_metadata():
    row = {"trace_id": "top", "spanId": "span-top", "metadata": {"traceId": "meta", "span_id": "span-meta", "k": "v"}}
    exchange = one(row, {"X-Portkey-Trace-Id": "head"})
    assert (exchange.trace_id, exchange.span_id) == ("head", "span-top")
    assert one(row).trace_id == "top"
    assert one({"metadata": {"trace_id": "meta"}}).trace_id == "meta"
    assert exchange.metadata == {"k": "v"}


def test_metadata_of_the_header_overrides_that_of_the_body():
    exchange = one(
        {"metadata": {"env": "body", "n": 1, "deep": {"a": [1]}}}, {"x-portkey-metadata": '{"env": "head", "b": true}'}
    )
    assert exchange.metadata == {"env": "head", "n": "1", "deep": '{"a":[1]}', "b": "true"}


def test_the_rows_of_a_batch_without_trace_share_one():
    rows = [{"request": {}}, {"request": {}, "trace_id": "own"}, {"request": {"headers": {"x-portkey-trace-id": "h"}}}]
    a, own, named, b = parse(json.dumps([*rows, {"request": {}}]).encode(), {}, now_ms=NOW_MS)
    assert a.trace_id == b.trace_id
    assert own.trace_id == "own"
    assert to_record(named, workspace_id=1, api_key_id=None, now_ms=NOW_MS).trace_id == "h"


def test_a_batch_of_spans_sent_twice_gets_the_same_ids():
    batch = [{"span_id": f"s{i}", "start_time": 1_795_000_000.5 + i, "request": {}} for i in range(3)]
    body = json.dumps(batch).encode()

    def sent():
        rows = [to_record(e, workspace_id=1, api_key_id=None, now_ms=NOW_MS) for e in parse(body, {}, now_ms=NOW_MS)]
        assert all(row.idempotent for row in rows)
        return [(row.id, row.trace_id) for row in rows]

    assert sent() == sent()
    assert len({id for id, _ in sent()}) == 3


def test_a_langchain_event_is_taken():
    event = {
        "span_id": "5f7c", "parent_span_id": "None", "span_name": "ChatOpenAI", "trace_id": "t",
        "request": {"method": "POST", "url": "chat/completions", "provider": "openai", "headers": {},
                    "body": {"messages": [{"role": "user", "content": "hi"}], "model": "gpt-4o"}},
        "start_time": 1_795_000_000.25,
        "metadata": {"_source": "Langchain", "_source_type": "Agent", "source_metadata": '{"type": "llm"}'},
        "response": {"status": 200, "body": {"choices": []}, "streamingMode": False, "response_time": "0412"},
    }  # fmt: skip
    (exchange,) = parse(json.dumps([event]).encode(), {}, now_ms=NOW_MS)
    record = to_record(exchange, workspace_id=1, api_key_id=None, now_ms=NOW_MS)
    assert (record.request_type, record.latency_ms, record.parent_span_id) == ("chat_completion", 412, None)
    assert uuid7.time_ms(record.id) == 1_795_000_000_250


def test_a_span_of_the_portkey_exporter_is_taken():
    span = {
        "metadata": {"traceId": "6e1a", "spanId": 2**63, "spanName": "crew", "parentSpanId": None,
                     "startTime": 1_795_000_000_123_456_789, "endTime": 1_795_000_001_000_000_000,
                     "_logType": "opentelemetry", "_source": "crewai", "framework.version": "1"},
        "request": {"method": "POST", "headers": {"Content-Type": "application/json"}, "body": {"name": "crew"}},
        "response": {"status": 200, "headers": {}, "body": {}, "response_time": 876.543},
    }  # fmt: skip
    record = to_record(one(span), workspace_id=1, api_key_id=None, now_ms=NOW_MS)
    assert uuid7.time_ms(record.id) == 1_795_000_000_123
    assert (record.span_id, record.latency_ms, record.idempotent) == (str(2**63), 877, True)


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-23T15:27:24.123Z", "2026-11-23 15:27:24.123", "2026-11-23T16:27:24.123+01:00",
        1_795_447_644_123, 1_795_447_644.123, "1795447644123", 1_795_447_644_123_000, 1_795_447_644_123_000_000,
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["createdAt", "created_at", "start_time", "metadata.startTime"])
def test_event_times(name, value):
    row = {"metadata": {"startTime": value}} if name.startswith("metadata") else {name: value}
    assert one(row).event_time_ms == 1_795_447_644_123


def test_usage_and_cost_the_sender_states_win():
    exchange = one(
        {
            "request": {"url": "https://api.openai.com/v1/chat/completions", "body": {"model": "gpt-4o-mini"}},
            "response": {"body": {"usage": {"prompt_tokens": 1, "completion_tokens": 1}}},
            "output": {
                "tokens": {"requestUnits": 100, "responseUnits": 20},
                "cost": {"cost": 0.125, "currency": "USD"},
            },
        }
    )
    record = to_record(exchange, workspace_id=1, api_key_id=None, now_ms=NOW_MS)
    assert (record.input_tokens, record.output_tokens, record.total_tokens) == (100, 20, 120)
    assert (str(record.cost), record.cost_source) == ("0.125", "reported")


def test_a_debug_false_client_keeps_no_content():
    exchange = one(
        {"request": {"body": {"model": "m", "messages": ["secret"]}}, "response": {"body": {"choices": []}}},
        {"x-portkey-debug": "false"},
    )
    record = to_record(exchange, workspace_id=1, api_key_id=None, now_ms=NOW_MS)
    assert (record.request_body, record.response_body, record.completeness) == (None, None, "not_kept")
    assert record.request_bytes > 0


# --- exact bytes -------------------------------------------------------------------------------------------

ODD_BODIES = [
    b'{ "b" : 1.0,\t"a":[1 , 2],"b":2 }',  # spaces, order, repeated keys, 1.0
    b'{"t":"\\u00e9\\/\xc3\xa9"}',
    b'{"t":"lone \\ud83d surrogate"}',
    b'{"t":NaN}',
    b'{"t":"br{ack}et,s\\" \\\\"}',
    b"[]",
    b"17",
    b'[{"a":"\\ud800"}, "x,y", {}]',
]


@pytest.mark.parametrize("body", ODD_BODIES)
@pytest.mark.parametrize("other", [b"{}", b'{"body":"\\udfff"}'])
def test_bodies_keep_their_bytes(body, other):
    raw = b'[ {"request":{"body": ' + body + b' ,"url":"u"}, "response":' + other + b"} ]"
    assert one(raw).request_body == body


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(st.characters()),
                    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()), inner)),
       st.sampled_from([None, 1, "\t"]), st.booleans())  # fmt: skip
def test_any_object_round_trips(value, indent, ascii_only):
    body = json.dumps({"v": value}, indent=indent, ensure_ascii=ascii_only)
    raw = ('{"response":{"body":' + body + "}}").encode("utf-8", "surrogatepass")
    try:
        raw.decode()
    except UnicodeDecodeError:
        with pytest.raises(EnvelopeError):
            parse(raw, {}, now_ms=NOW_MS)
    else:
        assert one(raw).response_body == body.encode()


@given(st.text(st.characters()))
def test_a_text_body_is_its_decoded_text(text):
    assert one(json.dumps({"response": {"body": text}}).encode()).response_body == text.encode("utf-8", "surrogatepass")


# --- what is refused ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "path"),
    [
        (5, ""),
        ([], ""),
        ({"request": 5}, "request"),
        ({"request": "hello"}, "request"),
        ({"request": "{broken"}, "request"),
        ({"request": []}, "request"),
        ({"request": {"url": 5}}, "request.url"),
        ({"request": {"method": []}}, "request.method"),
        ({"request": {"headers": []}}, "request.headers"),
        ({"request": {"provider": {}}}, "request.provider"),
        ({"response": 5}, "response"),
        ({"response": {"status": "abc"}}, "response.status"),
        ({"response": {"status": 99}}, "response.status"),
        ({"response": {"status": True}}, "response.status"),
        ({"response": {"status": 200.5}}, "response.status"),
        ({"response": {"headers": "x"}}, "response.headers"),
        ({"response": {"response_time": "soon"}}, "response.response_time"),
        ({"response": {"responseTime": -1}}, "response.responseTime"),
        ({"response": {"streamingMode": 3}}, "response.streamingMode"),
        ({"metadata": []}, "metadata"),
        ({"metadata": "x"}, "metadata"),
        ({"metadata": {"traceId": []}}, "metadata.traceId"),
        ({"metadata": {"startTime": "yesterday"}}, "metadata.startTime"),
        ({"trace_id": {}}, "trace_id"),
        ({"spanId": True}, "spanId"),
        ({"createdAt": "1999-12-31T23:59:59Z"}, "createdAt"),
        ({"created_at": 4_200_000_000}, "created_at"),
        ({"start_time": 12}, "start_time"),
        ({"createdAt": "2026-13-40"}, "createdAt"),
        ({"output": []}, "output"),
        ({"output": {"tokens": 5}}, "output.tokens"),
        ({"output": {"tokens": {"requestUnits": -1}}}, "output.tokens.requestUnits"),
        ({"output": {"cost": {"cost": "much"}}}, "output.cost.cost"),
        ({"output": {"cost": {"cost": -1}}}, "output.cost.cost"),
    ],
)
def test_a_wrong_type_names_its_field(row, path):
    good, bad = parse(json.dumps([{"request": {}}, row]).encode(), {}, now_ms=NOW_MS)
    assert isinstance(good, Exchange)
    assert isinstance(bad, RowError)
    assert (bad.index, bad.path) == (1, "[1]" + (f".{path}" if path else ""))
    assert bad.message
    if isinstance(row, dict):
        (alone,) = parse(json.dumps(row).encode(), {}, now_ms=NOW_MS)
        assert alone.path == path


@pytest.mark.parametrize(
    "body",
    [b"", b"  ", b"null", b'"x"', b"5", b"{", b"[{]", b'{"a":1} x', b'{"a":"\xff"}', b"[" * 200_000, b"\x00",
     b'{"request":' * 50_000 + b"1" + b"}" * 50_000,
     b'{"request":"\\ud800", "a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"],
)  # fmt: skip
def test_a_body_that_is_no_log_is_refused_as_a_whole(body):
    with pytest.raises(EnvelopeError):
        parse(body, {}, now_ms=NOW_MS)


def test_the_number_of_rows_is_limited():
    rows = b"[" + b",".join([b"{}"] * MAX_ROWS) + b"]"
    assert len(parse(rows, {}, now_ms=NOW_MS)) == MAX_ROWS
    with pytest.raises(EnvelopeError, match="2,001"):
        parse(b"[{}," + rows[1:], {}, now_ms=NOW_MS)
    assert parse(b"[]", {}, now_ms=NOW_MS) == []


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
FIELDS = ("url", "method", "headers", "body", "provider", "status", "response_time", "streamingMode", "x")
SIDES = JSON_VALUES | st.dictionaries(st.sampled_from(FIELDS), JSON_VALUES) | JSON_VALUES.map(json.dumps)
ROWS = st.fixed_dictionaries(
    {},
    optional={
        "request": SIDES,
        "response": SIDES,
        "metadata": JSON_VALUES,
        "trace_id": JSON_VALUES,
        "createdAt": JSON_VALUES,
        "output": JSON_VALUES | st.fixed_dictionaries({"tokens": JSON_VALUES, "cost": JSON_VALUES}),
    },
)


@given(st.lists(ROWS | JSON_VALUES, max_size=3))
def test_whatever_is_sent_is_an_exchange_or_a_named_error(rows):
    for row in parse(json.dumps(rows).encode(), {}, now_ms=NOW_MS):
        if isinstance(row, RowError):
            assert row.path.startswith("[")
        else:
            to_record(row, workspace_id=1, api_key_id=None, now_ms=NOW_MS)


@given(st.binary(max_size=200))
def test_any_bytes(body):
    with suppress(EnvelopeError):
        parse(body, {}, now_ms=NOW_MS)
