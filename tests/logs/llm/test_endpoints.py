"""Every endpoint, by the bodies of the providers' references (``provider_bodies.py`` names their pages)."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from logs.ingest.normalise import to_record
from logs.llm.providers import assemble
from logs.record import Exchange, LogRecord
from tests.logs.llm import cases_of_media, cases_of_text
from tests.logs.llm.provider_bodies import STREAMS, Case

NOW_MS = 1_795_000_000_000


def record_of(case: Case) -> LogRecord:
    exchange = Exchange(
        source="capture",
        url=case.url,
        method=case.method,
        request_headers={"content-type": case.request_type},
        request_body=case.request_body,
        response_headers={"content-type": case.content_type},
        response_body=case.response_body,
        status_code=case.status,
    )
    return to_record(exchange, workspace_id=1, api_key_id=None, now_ms=NOW_MS)


def marks(record: LogRecord) -> str:
    return "".join("iat"[n] for n, has in enumerate((record.has_images, record.has_audio, record.has_tools)) if has)


@pytest.mark.parametrize("case", [*cases_of_text.CASES, *cases_of_media.CASES], ids=lambda case: case.name)
def test_an_exchange_of_the_reference(case):
    read = record_of(case)
    expected = dict(case.expected)
    if "cost_cents" in expected:
        cents = expected.pop("cost_cents")
        assert read.cost == (None if cents is None else pytest.approx(Decimal(str(cents)), abs=Decimal("1e-8")))
    assert marks(read) == expected.pop("has", marks(read))
    assert {name: getattr(read, name) for name in expected} == expected


def stream_record(path: str, raw: bytes, request: object = None) -> LogRecord:
    exchange = Exchange(
        source="capture",
        url="https://h" + path,
        request_body=json.dumps(request or {"model": "m", "stream": True}).encode(),
        response_headers={"content-type": "text/event-stream"},
        response_body=raw,
        status_code=200,
    )
    return to_record(exchange, workspace_id=1, api_key_id=None, now_ms=NOW_MS)


@pytest.mark.parametrize("family", STREAMS)
def test_a_stream_adds_up_to_the_unstreamed_answer(family):
    _, raw, answer, path = STREAMS[family]
    stream = assemble(family, raw)
    assert (stream.answer, stream.complete, stream.error) == (answer, True, None)
    if family != "completion":
        assert assemble("other", raw) == stream
    read = stream_record(path, raw)
    assert (read.request_type, read.stream, read.is_success, read.completeness) == (family, True, True, "complete")
    usage = answer["usage"]
    assert read.output_tokens == usage.get("output_tokens", usage.get("completion_tokens"))
    assert read.tokens_origin == "provider"


@pytest.mark.parametrize("family", STREAMS)
def test_a_stream_cut_at_any_byte_is_incomplete(family):
    _, raw, _, path = STREAMS[family]
    whole = len(raw.rstrip())
    for length in range(whole):
        cut = assemble(family, raw[:length])
        assert cut.complete is False, raw[:length][-80:]
        assert cut.error is None
    for length in [*range(8), *range(8, whole, 61), whole - 1]:
        read = stream_record(path, raw[:length])
        assert (read.completeness, read.is_success, read.error_type) == ("cut", False, "stream_cut")
        assert read.cost is None
    assert assemble(family, raw[:whole]).complete is True


def test_what_a_cut_response_shows():
    raw = STREAMS["response"][1]
    until = raw.index(b'" grove"')
    answer = assemble("response", raw[:until]).answer
    assert answer["status"] == "in_progress"
    assert [item["type"] for item in answer["output"]] == ["reasoning", "message"]
    assert answer["output"][1]["content"] == [{"type": "output_text", "annotations": [], "text": "In a peaceful"}]
    until = raw.index(b"response.function_call_arguments.done")
    assert assemble("response", raw[:until]).answer["output"][2]["arguments"] == '{"location":"Paris"}'


def test_what_a_cut_message_shows():
    raw = STREAMS["message"][1]
    cut = assemble("message", raw[: raw.index(b'Paris\\"}')])
    assert cut.answer["content"][2]["input"] == '{"location":'
    # the count of the beginning is not that of the whole
    assert "output_tokens" not in cut.answer["usage"]
    read = stream_record("/v1/messages", raw[: raw.index(b"message_delta")])
    assert (read.input_tokens, read.output_tokens, read.total_tokens) == (2245, None, None)


def test_a_cut_image_shows_the_last_partial_one():
    raw = STREAMS["image_generation"][1]
    cut = assemble("image_generation", raw[: raw.index(b"event: image_generation.completed")])
    assert [image["partial_image_index"] for image in cut.answer["data"]] == [1]


@pytest.mark.parametrize(
    ("path", "raw", "kind", "code", "message"),
    [
        (  # https://docs.claude.com/en/docs/build-with-claude/streaming#error-events
            "/v1/messages",
            'event: error\ndata: {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}\n\n',
            "overloaded_error",
            None,
            "Overloaded",
        ),
        (  # https://platform.openai.com/docs/api-reference/responses-streaming/error
            "/v1/responses",
            "event: error\n"
            'data: {"type":"error","code":"ERR_SOMETHING","message":"Something went wrong","param":null}\n\n',
            "ERR_SOMETHING",
            "ERR_SOMETHING",
            "Something went wrong",
        ),
        (  # https://platform.openai.com/docs/api-reference/responses-streaming/response/failed
            "/v1/responses",
            'data: {"type":"response.failed","response":{"id":"r","status":"failed",'
            '"error":{"code":"server_error","message":"The model failed"}}}\n\n',
            "server_error",
            "server_error",
            "The model failed",
        ),
        (
            "/v1/images/generations",
            'event: error\ndata: {"type":"error","error":{"type":"image_generation_user_error",'
            '"code":"moderation_blocked","message":"Rejected"}}\n\n',
            "image_generation_user_error",
            "moderation_blocked",
            "Rejected",
        ),
        (
            "/v1/audio/transcriptions",
            'data: {"error":{"message":"Audio is corrupted","type":"invalid_request_error","code":null}}\n\n',
            "invalid_request_error",
            None,
            "Audio is corrupted",
        ),
    ],
)
def test_an_error_in_a_stream(path, raw, kind, code, message):
    read = stream_record(path, raw.encode())
    assert (read.is_success, read.error_type, read.error_code, read.error_message) == (False, kind, code, message)


def test_an_incomplete_response_ends_its_stream():
    raw = b'data: {"type":"response.incomplete","response":{"id":"r","status":"incomplete","output":[]}}\n\n'
    read = stream_record("/v1/responses", raw)
    assert (read.is_success, read.completeness, read.finish_reason) == (True, "complete", "incomplete")


def test_spoken_answers_and_lists_in_chat_streams():
    # https://platform.openai.com/docs/guides/audio and https://docs.mistral.ai/capabilities/reasoning
    deltas = [
        {"role": "assistant", "audio": {"id": "audio_1", "data": "SUQz", "transcript": "Hel"}},
        {"audio": {"data": "BA==", "transcript": "lo"}},
        {"audio": {"expires_at": 1729018505}, "annotations": [{"n": 1}]},
        {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}], "annotations": [{"n": 2}]},
        {"content": "so"},
    ]
    chunks = ({"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta}]} for delta in deltas)
    raw = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
    message = assemble("chat_completion", raw.encode()).answer["choices"][0]["message"]
    assert message["audio"] == {"id": "audio_1", "data": "SUQzBA==", "transcript": "Hello", "expires_at": 1729018505}
    assert message["annotations"] == [{"n": 1}, {"n": 2}]
    assert [part["type"] for part in message["content"]] == ["thinking", "text"]
    assert message["content"][1]["text"] == "so"


def test_a_response_taken_up_in_its_middle():
    # https://platform.openai.com/docs/guides/background#streaming-a-background-response
    raw = STREAMS["response"][1]
    stream = assemble("other", raw[raw.index(b"event: response.output_text.delta") :])
    assert (stream.complete, stream.answer["id"]) == (True, "resp_67ccd2bed1ec8190")
