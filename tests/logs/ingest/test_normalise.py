from __future__ import annotations

import json
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logs.ingest.normalise import to_record
from logs.llm import gateway_status
from logs.record import Exchange, LogRecord
from portkey_logs.lib import uuid7
from tests.logs.ingest.gateway_fixtures import FIXTURES, body_bytes, exchange_of

NOW_MS = 1_795_000_000_000


@pytest.mark.parametrize("name", FIXTURES)
def test_a_captured_exchange_is_read_as_expected(name):
    expected = FIXTURES[name]["expected"]
    read = to_record(exchange_of(name), workspace_id=1, api_key_id=None, now_ms=NOW_MS)
    assert read.request_type == expected["request_type"]
    assert read.provider == expected["provider"]
    assert read.requested_model == expected["requested_model"]
    assert read.model == (expected["response_model"] or expected["requested_model"])
    assert {"input": read.input_tokens, "output": read.output_tokens} == expected["tokens"]
    assert read.finish_reason == expected["finish_reason"]
    assert read.stream == expected["stream"]
    assert read.is_success == expected["is_success"]
    assert (read.completeness == "cut") == (expected["stream_complete"] is False)
    assert (read.error_message is None) == expected["is_success"]


@pytest.mark.parametrize("name", FIXTURES)
def test_a_captured_exchange_shows_its_states(name):
    read = to_record(exchange_of(name), workspace_id=1, api_key_id=None, now_ms=NOW_MS)
    derived = dict(FIXTURES[name]["derived"])
    derived.pop("handled")
    assert gateway_status.labels(read.gateway)._asdict() == derived


def exchange(request: object = None, response: object = None, /, **kwargs) -> Exchange:
    values = {
        "source": "capture",
        "url": "https://api.openai.com/v1/chat/completions",
        "status_code": 200,
        "request_body": body_bytes(request),
        "response_body": body_bytes(response),
    }
    return Exchange(**{**values, **kwargs})


def record(*args, **kwargs) -> LogRecord:
    return to_record(exchange(*args, **kwargs), workspace_id=1, api_key_id=None, now_ms=NOW_MS)


@pytest.mark.parametrize(
    ("url", "request_type"),
    [
        ("/v1/chat/completions", "chat_completion"),
        ("https://h/v1/chat/completions?x=/v1/embeddings", "chat_completion"),
        ("https://h/base/path/v1/chat/completions/", "chat_completion"),
        ("https://h//v1//completions", "completion"),
        ("https://h/v1/embeddings#x", "embedding"),
        ("https://h/v1/images/generations", "image_generation"),
        ("https://h/v1/images/edits", "image_edit"),
        ("https://h/v1/audio/speech", "audio_speech"),
        ("https://h/v1/audio/transcriptions", "audio_transcription"),
        ("https://h/v1/audio/translations", "audio_translation"),
        ("https://h/v1/messages", "message"),
        ("https://h/v1/messages/count_tokens", "other"),
        ("https://h/v1/responses", "response"),
        ("https://h/v1/responses/resp_1", "other"),
        ("https://h/v1/moderations", "moderation"),
        ("https://h/v1/rerank", "rerank"),
        ("https://h/v2/rerank", "rerank"),
        ("https://x.openai.azure.com/openai/deployments/gpt/chat/completions?api-version=1", "chat_completion"),
        ("https://x.openai.azure.com/openai/deployments/v1/embeddings", "embedding"),
        ("https://x.openai.azure.com/openai/v1/responses", "response"),
        ("https://g/v1beta/openai/chat/completions", "chat_completion"),
        ("chat/completions", "chat_completion"),
        ("embeddings", "embedding"),
        ("https://h/v1/prompts/pp-1/completions", "other"),
        ("https://h/v1/threads/t1/messages", "other"),
        ("https://h/v1/models", "other"),
        ("https://h/v1/proxy/chat/completions", "chat_completion"),
        ("https://h/v1/proxy/v1/messages", "message"),
        ("https://h/v1/responses/resp_1/cancel", "other"),
        ("https://h/v1/batches", "other"),
        ("https://h/v1/fine_tuning/jobs", "other"),
        ("https://v1/chat/completions", "chat_completion"),
        ("https://h", "other"),
        ("", "other"),
        ("http://[bad/v1/completions", "completion"),
    ],
)
def test_request_types(url, request_type):
    assert record(url=url).request_type == request_type


def test_only_posts_are_calls():
    assert record(method="GET", url="/v1/responses").request_type == "other"
    assert record(method="post").method == "POST"


# --- outcome -----------------------------------------------------------------------------------------------

ERROR = {"error": {"message": "boom", "type": "server_error", "code": "x"}}


@pytest.mark.parametrize(
    ("code", "body", "kind", "message"),
    [
        (500, ERROR, "server_error", "boom"),
        (200, ERROR, "server_error", "boom"),
        (
            429,
            {"error": {"message": "slow", "type": None, "code": "rate_limit_exceeded"}},
            "rate_limit_exceeded",
            "slow",
        ),
        (529, {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}, "overloaded_error", "busy"),
        (400, {"status": "failure", "message": "Invalid config passed"}, "gateway_error", "Invalid config passed"),
        (
            446,
            {"error": {"message": "checks failed", "type": "hooks_failed"}, "hook_results": {}},
            "hooks_failed",
            "checks failed",
        ),
        (404, {"error": "model not found"}, None, "model not found"),
        (400, {"detail": [{"msg": "field required", "type": "missing"}]}, "missing", "field required"),
        (403, {"message": "forbidden"}, None, "forbidden"),
        (403, {"success": False, "data": {"message": "no", "errorCode": "AB03"}}, "AB03", "no"),
        (500, {"html-message": "fetch failed"}, None, "fetch failed"),
        (502, "<html>Bad Gateway</html>", None, "<html>Bad Gateway</html>"),
        (502, None, None, None),
        (None, None, "no_answer", "No answer came."),
    ],
)
def test_failures(code, body, kind, message):
    failed = record({}, body, status_code=code)
    assert (failed.is_success, failed.error_type, failed.error_message) == (False, kind, message)


@pytest.mark.parametrize("code", [200, 201, 204, 246, 299])
def test_successes(code):
    ok = record({}, {"error": None, "choices": []}, status_code=code)
    assert (ok.is_success, ok.error_type, ok.error_message) == (True, None, None)


def test_a_span_has_no_status_and_no_gateway():
    span = record({}, {"choices": []}, status_code=None, source="otlp")
    assert span.is_success
    assert set(gateway_status.labels(span.gateway)) == {
        "Cache unknown", "Retry unknown", "Fallback unknown", "Loadbalancer unknown",
    }  # fmt: skip
    assert not record({}, ERROR, status_code=None, source="otlp").is_success


def test_long_messages_are_cut():
    assert len(record({}, {"error": {"message": "x" * 5000}}, status_code=500).error_message) == 1000


# --- completeness ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kwargs", "completeness"),
    [
        ({}, "complete"),
        ({"response_body": b"{broken"}, "unparsed"),
        ({"request_body": b"[1,"}, "unparsed"),
        ({"response_body": b"plain words"}, "complete"),
        ({"response_body": b"plain", "response_headers": {"content-type": "application/json"}}, "unparsed"),
        ({"response_body": b"\xff\xd8jpeg", "response_headers": {"content-type": "image/jpeg"}}, "complete"),
        ({"response_body": b'{"t":"\\ud800"}'}, "complete"),
        ({"response_body": b"", "response_headers": {"content-type": "text/event-stream"}}, "cut"),
        ({"response_body": b"data: {}\n\n", "streaming": True}, "cut"),
        ({"client_left": True}, "client_left"),
        ({"bodies_kept": False}, "not_kept"),
        ({"request_headers": {"x-portkey-debug": "False"}}, "not_kept"),
        ({"request_headers": {"x-portkey-debug": "true"}}, "complete"),
    ],
)
def test_completeness(kwargs, completeness):
    kwargs = {"request_body": b'{"model":"m"}', "response_body": b'{"choices":[]}', **kwargs}
    assert record(**kwargs).completeness == completeness


def test_what_is_kept_of_a_call_nobody_may_track():
    headers = {"x-portkey-debug": "false", "x-portkey-trace-id": "t", "user-agent": "me"}
    answer = {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2}}
    ok = record({"model": "gpt-4o"}, answer, request_headers=headers, response_headers={"date": "x"})
    assert (ok.request_body, ok.response_body, ok.response_headers) == (None, None, {})
    assert ok.request_headers == {"x-portkey-debug": "false", "x-portkey-trace-id": "t"}
    assert (ok.input_tokens, ok.model, ok.cost is None) == (5, "gpt-4o", False)
    failed = record({"model": "gpt-4o"}, ERROR, request_headers=headers, status_code=500)
    assert (failed.request_body, failed.response_body) == (None, body_bytes(ERROR))
    cut = record(None, "data: {}\n\n", request_headers=headers, streaming=True)
    assert (cut.is_success, cut.response_body) == (False, None)


def test_bodies_and_their_sizes():
    kept = record({"model": "m"}, {"a": 1})
    assert (kept.request_body, kept.request_bytes, kept.response_bytes) == (b'{"model": "m"}', 14, 8)


# --- origin ------------------------------------------------------------------------------------------------


def test_a_config_by_id_and_version():
    headers = {"x-portkey-config": "pc-main-1", "x-portkey-config-version": "v7"}
    assert (record(request_headers=headers).config, record(request_headers=headers).config_version_id) == (
        "pc-main-1",
        "v7",
    )
    resolved = {"x-portkey-config": '{"retry":{"attempts":1}}', "x-portkey-config-slug": "pc-main-1"}
    assert record(request_headers=resolved).config == "pc-main-1"
    assert record(request_headers={"x-portkey-config": '{"provider":"openai"}'}).config is None


def test_the_served_target_names_provider_key_and_prompt():
    config = {
        "strategy": {"mode": "fallback"},
        "targets": [
            {"provider": "openai", "virtual_key": "vk-0"},
            {"provider": "anthropic", "virtual_key": "vk-1", "prompt_id": "pp-9"},
        ],
    }
    headers = {"x-portkey-config": json.dumps(config)}
    path = "x-portkey-last-used-option-index"
    first = record(request_headers=headers, response_headers={path: "config.targets[0]"})
    assert (first.provider, first.virtual_key, first.prompt, first.prompt_in_config_target) == (
        "openai",
        "vk-0",
        None,
        False,
    )
    second = record(request_headers=headers, response_headers={path: "config.targets[1]"})
    assert (second.provider, second.virtual_key, second.prompt) == ("anthropic", "vk-1", "pp-9")
    assert second.prompt_in_config_target
    named = record(
        request_headers={**headers, "x-portkey-prompt-slug": "pp-1", "x-portkey-prompt-version-id": "2"},
        response_headers={path: "config.targets[1]", "x-portkey-provider": "bedrock"},
    )
    assert (named.provider, named.prompt, named.prompt_version_id, named.prompt_in_config_target) == (
        "bedrock",
        "pp-1",
        "2",
        True,
    )


@pytest.mark.parametrize(
    ("request_body", "headers", "virtual_key"),
    [
        ({}, {"x-portkey-virtual-key": "vk"}, "vk"),
        ({"model": "@openai-prod/gpt-4o"}, {}, "openai-prod"),
        ({}, {"x-portkey-provider": "@openai-prod"}, "openai-prod"),
        ({"model": "gpt-4o"}, {"x-portkey-provider": "openai"}, None),
    ],
)
def test_virtual_keys(request_body, headers, virtual_key):
    assert record(request_body, request_headers=headers).virtual_key == virtual_key


@pytest.mark.parametrize(
    ("url", "provider"),
    [
        ("https://api.openai.com/v1/x", "openai"),
        ("https://api.anthropic.com/v1/messages", "anthropic"),
        ("https://acme.openai.azure.com/openai/deployments/x/embeddings", "azure-openai"),
        ("https://user:p@api.openai.com:443/v1", "openai"),
        ("https://evil-api.openai.com.example/v1", None),
        ("/v1/chat/completions", None),
    ],
)
def test_the_host_names_a_provider(url, provider):
    assert record(url=url).provider == provider


def test_a_prompt_in_the_url():
    prompt = record(url="https://h/v1/prompts/pp-1/completions")
    assert (prompt.prompt, prompt.prompt_in_config_target, prompt.request_type) == ("pp-1", False, "other")


def test_models_of_deployments_and_forms():
    azure = record({}, url="https://x.openai.azure.com/openai/deployments/my-gpt/chat/completions")
    assert azure.requested_model == "my-gpt"
    form = b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n--b--\r\n'
    whisper = record(
        request_body=form,
        request_headers={"content-type": "multipart/form-data; boundary=b"},
        url="https://h/v1/audio/transcriptions",
    )
    assert (whisper.model, whisper.completeness) == ("whisper-1", "complete")


# --- ids, user, metadata -----------------------------------------------------------------------------------


def test_trace_ids():
    assert record(trace_id="a", request_headers={"x-portkey-trace-id": "b"}).trace_id == "a"
    assert (
        record(request_headers={"X-Portkey-Trace-Id": "b"}, response_headers={"x-portkey-trace-id": "c"}).trace_id
        == "b"
    )
    assert record(response_headers={"x-portkey-trace-id": "c"}).trace_id == "c"
    generated = record(response_headers={"x-portkey-trace-id": ""})
    assert generated.trace_id == str(generated.id)


def test_only_a_sender_with_time_and_span_is_recognised():
    sent = {"source": "api", "span_id": "s", "event_time_ms": NOW_MS - 5, "trace_id": "t"}
    assert record(**sent).id == record(**sent).id
    assert record(**sent).idempotent
    assert uuid7.time_ms(record(**sent).id) == NOW_MS - 5
    for change in ({"source": "capture"}, {"span_id": None}, {"event_time_ms": None}):
        other = record(**{**sent, **change})
        assert not other.idempotent
        assert other.id != record(**{**sent, **change}).id


def test_user_and_metadata():
    headers = {"x-portkey-metadata": json.dumps({"_user": "u1", "n": 5, "long": "x" * 500, "k" * 500: True})}
    tidy = record({"user": "body"}, request_headers=headers, metadata={"n": "lost", "kept": "1"})
    assert tidy.user == "u1"
    assert tidy.metadata == {"_user": "u1", "n": "5", "long": "x" * 128, "k" * 128: "true", "kept": "1"}
    assert record({"user": "body"}).user == "body"
    assert record({"user": 5}, request_headers={"x-portkey-metadata": "nonsense"}).user is None


def test_secrets_do_not_reach_the_record():
    secret = "abcdefgh12345678zyxw"
    stored = record(
        url=f"https://u:{secret}@h/v1/x?key={secret}",
        request_headers={
            "authorization": f"Bearer {secret}",
            "x-portkey-config": json.dumps({"api_key": secret}),
            "x-portkey-sensitive-headers": "x-mine",
            "x-mine": secret,
        },
        response_headers={"set-cookie": secret, "x-mine": secret},
    )
    assert secret not in repr(stored)


@pytest.mark.parametrize(
    ("headers", "brought"),
    [
        ({}, False),
        ({"Authorization": "Bearer sk-1234567890abcdef"}, True),
        ({"authorization": "Bearer OPENAI_API_KEY"}, False),  # what Portkey's SDK sends where it has none
        ({"x-api-key": "sk-ant-1234567890"}, True),
        ({"x-portkey-api-key": "pk-1234567890abcdef", "x-portkey-virtual-key": "openai-prod"}, False),
        ({"x-portkey-config": '{"provider":"openai","api_key":"sk-1234567890abcdef"}'}, True),
        ({"x-portkey-config": '{"provider":"openai"}'}, False),
        ({"x-portkey-config": '{"api_key":"sk-1234567890abcdef"}', "x-portkey-config-slug": "pc-1"}, False),
        ({"x-portkey-config": "pc-1"}, False),
    ],
)
def test_whether_a_call_brought_a_credential_of_its_own(headers: dict[str, str], brought: bool) -> None:
    assert record(request_headers=headers).own_credential is brought
    kept = record(request_headers=headers, bodies_kept=False)
    assert (kept.own_credential, kept.request_kept) == (brought, False)


def test_an_error_that_names_the_callers_key_does_not_keep_it():
    given, in_config = "abcdefgh12345678zyxw", "another-secret-of-no-known-make"
    for secret in (given, in_config, "sk-proj-0123456789abcdefghij"):
        body = json.dumps({"error": {"message": f"Incorrect API key provided: {secret}. Look at your keys."}}).encode()
        headers = {
            "authorization": f"Bearer {given}",
            "x-portkey-config": json.dumps({"targets": [{"api_key": in_config}]}),
        }
        message = record(response_body=body, status_code=401, request_headers=headers).error_message
        assert message == f"Incorrect API key provided: {secret[:2]}********{secret[-3:]}. Look at your keys."


def test_metadata_keeps_no_key_of_a_known_make():
    key = "sk-proj-0123456789abcdefghij"
    assert record(metadata={"key": key, "token": "blue"}).metadata == {"key": "sk********hij", "token": "blue"}


# --- cost --------------------------------------------------------------------------------------------------


def test_cost():
    usage = {"model": "gpt-4o-mini", "usage": {"prompt_tokens": 24, "completion_tokens": 8}}
    assert str(record({}, usage).cost) == "0.00084"
    assert record({}, usage).cost_source.startswith("genai-prices ")
    assert record({}, {"model": "gpt-4o-mini"}).cost is None
    assert record({}, ERROR, status_code=500).cost is None
    reported = record({}, usage, cost_cents=Decimal("1.50"))
    assert (str(reported.cost), reported.cost_source) == ("1.5", "reported")
    embedding = record(
        {"model": "text-embedding-3-small"}, {"usage": {"prompt_tokens": 8}}, url="https://api.openai.com/v1/embeddings"
    )
    assert (str(embedding.cost), embedding.output_tokens, embedding.tokens_origin) == ("0.000016", None, "provider")


# --- nothing raises ----------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(st.characters(), max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "model",
                    "usage",
                    "choices",
                    "error",
                    "delta",
                    "message",
                    "prompt_tokens",
                    "status",
                    "index",
                    "stream",
                    "user",
                    "type",
                    "content",
                    "output",
                    "response",
                    "item",
                    "part",
                    "output_index",
                    "audio",
                    "image",
                    "tools",
                    "messages",
                    "service_tier",
                    "input_tokens_details",
                    "server_tool_use",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
BODIES = st.none() | st.binary(max_size=60) | JSON.map(body_bytes) | st.lists(JSON).map(
    lambda events: "".join(f"data: {json.dumps(e)}\n\n" for e in events).encode()
)  # fmt: skip
HEADERS = st.dictionaries(
    st.sampled_from(
        ["content-type", "x-portkey-config", "x-portkey-metadata", "x-portkey-trace-id", "x-portkey-debug",
         "x-portkey-provider", "x-portkey-last-used-option-index", "x-portkey-retry-attempt-count", "Authorization"]
    ),
    st.text(st.characters(), max_size=20)
    | JSON.map(json.dumps)
    | st.sampled_from(["text/event-stream", "multipart/form-data; boundary=b", "audio/mpeg"]),
)  # fmt: skip


@given(
    st.builds(
        Exchange,
        source=st.sampled_from(["api", "capture", "otlp", "import"]),
        url=st.sampled_from(
            [
                "/v1/chat/completions",
                "/v1/completions",
                "/v1/embeddings",
                "/v1/messages",
                "/v1/responses",
                "/v1/responses/x",
                "/v1/images/generations",
                "/v1/images/edits",
                "/v1/audio/speech",
                "/v1/audio/transcriptions",
                "/v1/moderations",
                "/v1/rerank",
            ]
        )
        | st.text(st.characters()),
        method=st.sampled_from(["POST", "GET"]) | st.text(st.characters(), max_size=15),
        request_headers=HEADERS,
        request_body=BODIES,
        response_headers=HEADERS,
        response_body=BODIES,
        status_code=st.none() | st.sampled_from([200, 246, 400, 500]),
        streaming=st.none() | st.booleans(),
        trace_id=st.none() | st.text(st.characters()),
        span_id=st.none() | st.text(st.characters()),
        event_time_ms=st.none() | st.integers(),
        metadata=st.dictionaries(st.text(st.characters()), st.text(st.characters())),
    )
)
def test_any_exchange_makes_a_record_that_can_be_stored(exchange):
    made = to_record(exchange, workspace_id=1, api_key_id=None, now_ms=NOW_MS)
    texts = [value for value in msgspec.structs.astuple(made) if isinstance(value, str)]
    for mapping in (made.metadata, made.request_headers, made.response_headers):
        texts += [*mapping.keys(), *mapping.values()]
    for text in texts:
        assert "\0" not in text
        text.encode()
    assert made.request_body in (exchange.request_body, None)
    assert len(made.trace_id) <= 256
    assert made.trace_id
    assert len(made.method) <= 10
