"""The real ``portkey-ai`` SDK against a running server: what it sends is stored, what is wrong is said."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import httpx
import pytest
from portkey_ai import Portkey
from portkey_ai.api_resources.exceptions import (
    AuthenticationError,
    BadRequestError,
    InternalServerError,
    PermissionDeniedError,
)

from tests.e2e import frameworks
from tests.factories import make_key, make_people
from tests.logs.ingest.gateway_fixtures import FIXTURES
from tests.recorded import recorded

REQUEST = {
    "url": "https://api.openai.com/v1/chat/completions",
    "method": "POST",
    "headers": {"content-type": "application/json"},
    "body": {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]},
    "provider": "openai",
}
RESPONSE = {
    "status": 200,
    "headers": {"content-type": "application/json"},
    "body": {
        "object": "chat.completion",
        "model": "gpt-4o-2024-08-06",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 18, "completion_tokens": 2, "total_tokens": 20},
    },
    "response_time": 1234,
    "streamingMode": False,
}


@pytest.fixture
def key(server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A key of acme's workspace; the SDK is kept from a proxy that the machine may have."""
    monkeypatch.setenv("NO_PROXY", "*")
    return make_key(make_people().workspace)[1]


@pytest.fixture
def client(server: str, key: str) -> Callable[..., Portkey]:
    """Makes a client with further options of the SDK's constructor."""
    return lambda **options: Portkey(**{"api_key": key, "base_url": f"{server}/v1"} | options)


@pytest.fixture
def stored(server: str, key: str) -> Callable[[], list[dict[str, Any]]]:
    """What ``GET /v1/logs`` gives, oldest first."""

    def stored() -> list[dict[str, Any]]:
        answer = httpx.get(f"{server}/v1/logs", headers={"x-portkey-api-key": key}, trust_env=False)
        return answer.raise_for_status().json()["data"][::-1]

    return stored


def test_a_log_with_everything(client: Any, stored: Any, server: str, key: str) -> None:
    metadata = {"traceId": "t1", "spanId": "s1", "spanName": "llm", "parentSpanId": "p1", "_user": "u1", "env": "prod"}
    answer = client().logs.create(request=REQUEST, response=RESPONSE, metadata=metadata)
    (item,) = stored()
    assert answer.json() == {"status": "success", "log_ids": [item["id"]]}
    assert (item["trace_id"], item["span_id"], item["parent_span_id"]) == ("t1", "s1", "p1")
    assert (item["user"], item["metadata"]["env"]) == ("u1", "prod")
    assert (item["request_type"], item["provider"]) == ("chat_completion", "openai")
    assert (item["model"], item["requested_model"]) == ("gpt-4o-2024-08-06", "gpt-4o")
    assert (item["tokens"]["input"], item["tokens"]["output"], item["tokens"]["total"]) == (18, 2, 20)
    assert (item["status_code"], item["is_success"], item["latency_ms"]) == (200, True, 1234)
    assert item["cost"]["cents"] == pytest.approx(18 * 0.00025 + 2 * 0.001)
    states = {group: item["gateway"][group]["state"] for group in ("cache", "retry", "fallback", "loadbalance")}
    assert states == {
        "cache": "disabled", "retry": "not_triggered", "fallback": "disabled", "loadbalance": "disabled",
    }  # fmt: skip
    full = httpx.get(f"{server}/v1/logs/{item['id']}", headers={"x-portkey-api-key": key}, trust_env=False).json()
    assert full["request"]["body"] == REQUEST["body"]
    assert full["response"]["body"] == RESPONSE["body"]


def test_a_log_with_nothing(client: Any, stored: Any) -> None:
    client().logs.create(request={}, response={})
    (item,) = stored()
    assert (item["method"], item["status_code"], item["is_success"]) == ("POST", 200, True)
    assert item["trace_id"]
    assert (item["model"], item["provider"], item["user"], item["metadata"]) == (None, None, None, {})


def test_what_the_client_was_made_with_wins_over_the_body(client: Any, stored: Any) -> None:
    """The SDK sends the options of its client as headers."""
    chosen = client(
        trace_id="tr-1",
        metadata={"_user": "u1", "env": "prod"},
        provider="openai",
        virtual_key="vk-1",
        config="pc-conf-1",
        Authorization="Bearer sk-openai-secret",
    )
    body = {"traceId": "t-body", "spanId": "s-body", "_user": "u-body", "feature": "chat"}
    chosen.logs.create(request=REQUEST, response=RESPONSE, metadata=body)
    (item,) = stored()
    assert (item["trace_id"], item["span_id"], item["user"]) == ("tr-1", "s-body", "u1")
    assert {"env": "prod", "feature": "chat"}.items() <= item["metadata"].items()
    assert "sk-openai-secret" not in json.dumps(item)


def test_options_of_one_call(client: Any, stored: Any) -> None:
    client().with_options(trace_id="tr-2", metadata={"_user": "u2"}).logs.create(request=REQUEST, response=RESPONSE)
    (item,) = stored()
    assert (item["trace_id"], item["user"]) == ("tr-2", "u2")


def test_json_strings_in_place_of_objects(client: Any, stored: Any) -> None:
    client().logs.create(request=json.dumps(REQUEST), response=json.dumps(RESPONSE), metadata={"traceId": "t1"})
    (item,) = stored()
    assert (item["trace_id"], item["requested_model"], item["tokens"]["total"]) == ("t1", "gpt-4o", 20)


def test_a_streamed_answer(client: Any, stored: Any) -> None:
    capture = FIXTURES["chat_stream_usage"]
    response = {"status": 200, "body": "".join(capture["response"]["chunks"]), "streamingMode": True}
    client().logs.create(request=REQUEST | {"body": capture["request"]["body"]}, response=response)
    (item,) = stored()
    expected = capture["expected"]
    assert (item["stream"], item["completeness"], item["is_success"]) == (True, "complete", True)
    assert (item["model"], item["finish_reason"]) == (expected["response_model"], expected["finish_reason"])
    assert (item["tokens"]["input"], item["tokens"]["output"]) == (
        expected["tokens"]["input"],
        expected["tokens"]["output"],
    )


def test_langchain(server: str, key: str, stored: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    frameworks.install(monkeypatch)
    from portkey_ai.langchain.portkey_langchain_callback_handler import LangchainCallbackHandler

    chain, model = uuid4(), uuid4()
    handler = LangchainCallbackHandler(key, {"_user": "ada", "traceId": "lc-1"}, f"{server}/v1")
    handler.on_chain_start({}, {"input": "Say hi"}, run_id=chain, tags=["demo"], name="RunnableSequence")
    serialized = {
        "name": "ChatOpenAI",
        "id": ["langchain", "chat_models", "openai", "ChatOpenAI"],
        "kwargs": {"base_url": "https://api.openai.com/v1/chat/completions"},
    }
    handler.on_llm_start(
        serialized, ["Human: Say hi"], run_id=model, parent_run_id=chain, tags=[], invocation_params={"model": "gpt-4o"}
    )
    usage = {"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6}
    text = SimpleNamespace(text="hi", generation_info={"finish_reason": "stop"})
    result = SimpleNamespace(llm_output={"token_usage": usage, "model_name": "gpt-4o"}, generations=[[text]])
    handler.on_llm_end(result, run_id=model, parent_run_id=chain)
    handler.on_chain_end({"output": "hi"}, run_id=chain)

    items = {item["span_id"]: item for item in stored()}
    assert set(items) == {str(chain), str(model)}
    assert {item["trace_id"] for item in items.values()} == {"lc-1"}
    assert {item["user"] for item in items.values()} == {"ada"}
    assert all(isinstance(item["latency_ms"], int) for item in items.values())
    call = items[str(model)]
    assert call["parent_span_id"] == str(chain)
    assert call["metadata"]["_source"] == "Langchain"
    assert json.loads(call["metadata"]["source_metadata"]) == {"type": "llm"}
    assert (call["request_type"], call["provider"], call["model"]) == ("chat_completion", "openai", "gpt-4o")
    assert (call["tokens"]["input"], call["tokens"]["output"], call["finish_reason"]) == (5, 1, "stop")
    assert items[str(chain)]["request_type"] == "other"


def test_llama_index(server: str, key: str, stored: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    frameworks.install(monkeypatch)
    from portkey_ai.llamaindex.portkey_llama_callback_handler import LlamaIndexCallbackHandler

    event = frameworks.EventType
    handler = LlamaIndexCallbackHandler(key, {"_user": "ada", "traceId": "li-1"}, f"{server}/v1")
    handler.start_trace("index_construction")
    question = SimpleNamespace(role=SimpleNamespace(value="user"), content="Say hi")
    model = {"class_name": "openai_llm", "model": "gpt-4o", "temperature": 0.1}
    handler.on_event_start(event.LLM, {"messages": [question], "serialized": model}, "e-1", "root")
    answer = SimpleNamespace(message={"role": "assistant", "content": "hi"})
    handler.on_event_end(event.LLM, {"messages": [question], "response": answer}, "e-1")
    embedder = {"class_name": "OpenAIEmbedding", "model_name": "text-embedding-3-small"}
    handler.on_event_start(event.EMBEDDING, {"serialized": embedder}, "e-2", "e-1")
    handler.on_event_end(event.EMBEDDING, {"chunks": ["some text"], "embeddings": [[0.1]]}, "e-2")
    handler.on_event_start(event.AGENT_STEP, {"task_id": "t"}, "e-3", "e-1")
    handler.on_event_end(event.AGENT_STEP, {"response": "done"}, "e-3")
    handler.end_trace()

    items = {item["span_id"]: item for item in stored()}
    assert set(items) == {"e-1", "e-2", "e-3"}
    assert {(item["trace_id"], item["user"]) for item in items.values()} == {("li-1", "ada")}
    assert items["e-2"]["parent_span_id"] == "e-1"
    call, embedding = items["e-1"], items["e-2"]
    assert (call["request_type"], call["model"], call["tokens"]["total"]) == ("chat_completion", "gpt-4o", 14)
    assert (embedding["request_type"], embedding["model"]) == ("embedding", "text-embedding-3-small")
    assert items["e-3"]["request_type"] == "other"


def test_the_span_exporter(server: str, key: str, stored: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    frameworks.install(monkeypatch)
    from portkey_ai.api_resources.instrumentation.portkey_span_exporter import PortkeySpanExporter
    from portkey_ai.utils import string_to_uuid

    parent = span(1, "crew.kickoff", None)
    child = span(2, "task.execute", parent.context)
    result = PortkeySpanExporter(key, f"{server}/v1").export([parent, child])
    assert result.name == "SUCCESS"

    items = {item["span_id"]: item for item in stored()}
    assert set(items) == {str(parent.context.span_id), str(child.context.span_id)}
    assert {item["trace_id"] for item in items.values()} == {string_to_uuid(parent.context.trace_id)}
    item = items[str(child.context.span_id)]
    assert item["parent_span_id"] == str(parent.context.span_id)
    assert (item["latency_ms"], item["request_type"]) == (1500, "other")
    assert item["metadata"]["_logType"] == "opentelemetry"
    assert item["metadata"]["_source"] == "crewai"
    assert item["metadata"]["framework.version"] == "0.86.0"


def span(number: int, name: str, parent: Any) -> Any:
    """What the exporter reads of an OpenTelemetry span: ids of 128 and 64 bits, times in nanoseconds."""
    start = time.time_ns()
    return SimpleNamespace(
        name=name,
        context=SimpleNamespace(trace_id=2**127 + 5, span_id=2**63 + number),
        parent=parent,
        start_time=start,
        end_time=start + 1_500_000_000,
        attributes={"_source": "crewai", "framework.version": "0.86.0"},
        to_json=lambda: json.dumps({"name": name, "attributes": {"_source": "crewai"}}),
    )


@pytest.mark.parametrize(
    ("sdk", "count", "trace_ids"),
    [("sdk_calls", 4, {"t1", "tr-1"}), ("sdk_calls_js", 1, {"t2"})],
)
def test_every_recorded_call_of_the_sdks(
    sdk: str, count: int, trace_ids: set[str], server: str, key: str, stored: Any
) -> None:
    requests = [request for call in recorded(sdk) for request in call["requests"] if request["path"] == "/v1/logs"]
    assert len(requests) == count
    for request in requests:
        headers = {name: value for name, value in request["headers"].items() if name.startswith("x-portkey")}
        answer = httpx.post(
            server + request["path"],
            json=request["body"],
            headers=headers | {"x-portkey-api-key": key},
            trust_env=False,
        )
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "application/json"
    items = {item["trace_id"]: item for item in stored()}
    assert items.keys() >= trace_ids
    if sdk == "sdk_calls_js":
        assert (items["t2"]["metadata"], items["t2"]["provider"]) == ({"a": "b"}, "openai")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"request": 5}, "request"),
        ({"request": "no JSON"}, "request"),
        ({"request": REQUEST | {"url": 5}}, "request.url"),
        ({"request": REQUEST | {"headers": "none"}}, "request.headers"),
        ({"response": RESPONSE | {"status": "fine"}}, "response.status"),
        ({"response": RESPONSE | {"response_time": -1}}, "response.response_time"),
        ({"metadata": ["env"]}, "metadata"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_malformed_input_is_refused_with_the_name_of_the_field(
    given: dict[str, Any], field: str, client: Any, stored: Any
) -> None:
    body = {"request": REQUEST, "response": RESPONSE, "metadata": {}} | given
    with pytest.raises(BadRequestError) as refused:
        client().logs.create(**body)
    assert field in str(refused.value)
    assert refused.value.status_code == 400
    assert stored() == []


def test_the_good_rows_of_a_mixed_batch_are_kept(
    server: str, key: str, stored: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    frameworks.install(monkeypatch)
    from portkey_ai.api_resources.apis.logger import Logger

    good = {"request": REQUEST, "response": RESPONSE}
    batch = [good | {"trace_id": "first"}, {"request": 5, "response": {}}, good | {"trace_id": "last"}]
    answer = Logger(api_key=key, base_url=f"{server}/v1").log(batch)
    assert answer.status_code == 207
    (error,) = answer.json()["errors"]
    assert (error["index"], error["path"]) == (1, "[1].request")
    assert [item["trace_id"] for item in stored()] == ["first", "last"]
    assert set(answer.json()["log_ids"]) == {item["id"] for item in stored()}


def test_a_wrong_key_and_a_key_that_may_not(client: Any, stored: Any) -> None:
    from portkey_logs.accounts.models import Workspace

    with pytest.raises(AuthenticationError):
        client(api_key="plk_wrong").logs.create(request=REQUEST, response=RESPONSE)
    viewer = make_key(Workspace.objects.get(slug="acme"), scopes=("logs.view",))[1]
    with pytest.raises(PermissionDeniedError):
        client(api_key=viewer).logs.create(request=REQUEST, response=RESPONSE)
    assert stored() == []


def test_a_call_that_could_not_be_stored_is_not_sent_again_at_once(
    client: Any, stored: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The SDK repeats a 5xx unless the answer has the mark of a gateway that has seen the call."""
    from logs.ingest import writer

    calls = []

    def unavailable(records: Any) -> Any:
        calls.append(records)
        raise writer.UnavailableError("neither the database nor the spool takes logs")

    monkeypatch.setattr(writer, "submit", unavailable)
    with pytest.raises(InternalServerError) as failure:
        client().logs.create(request=REQUEST, response=RESPONSE)
    assert failure.value.status_code == 503
    assert len(calls) == 1
    assert stored() == []


def test_logs_are_exported(client: Any, stored: Any, settings: Any, tmp_path: Path) -> None:
    """From the draft to the file, and no further than that with what cannot be."""
    from logs.exports import work

    settings.DATA_DIR = tmp_path
    for trace_id in ("first", "last"):
        client().logs.create(request=REQUEST, response=RESPONSE, metadata={"traceId": trace_id, "env": "prod"})
    exports = client().logs.exports
    made = exports.create(
        workspace_id="acme", description="All of it", requested_data=["id", "trace_id", "request", "response", "metadata"],
        filters={"time_of_generation_min": "2024-07-01T00:00:00Z", "metadata": {"env": "prod"}},
    )  # fmt: skip
    assert (made.total, made.object) == (2, "export")
    assert exports.retrieve(export_id=made.id).status == "draft"
    updated = exports.update(export_id=made.id, workspace_id="acme", filters={"trace_id": "first"})
    assert (updated.id, updated.total) == (made.id, 1)
    assert exports.start(export_id=made.id).object == "export"
    assert exports.retrieve(export_id=made.id).status == "in_progress"
    while work.work():
        pass
    (listed,) = exports.list(workspace_id="acme").data
    assert (listed["id"], listed["status"], listed["total_records"]) == (made.id, "success", 1)
    assert exports.retrieve(export_id=made.id).requested_data[-1] == "metadata"
    file = httpx.get(exports.download(export_id=made.id).signed_url, trust_env=False)
    line = json.loads(file.raise_for_status().text)
    assert (line["trace_id"], line["metadata"]) == ("first", {"env": "prod"})
    assert (line["request"]["body"], line["response"]["body"]) == (REQUEST["body"], RESPONSE["body"])
    exports.start(export_id=made.id)
    exports.cancel(export_id=made.id)
    assert exports.retrieve(export_id=made.id).status == "stopped"
    assert exports.list().total == 1
    with pytest.raises(BadRequestError, match="no_such_filter"):
        exports.create(filters={"no_such_filter": 1}, requested_data=["id"])
