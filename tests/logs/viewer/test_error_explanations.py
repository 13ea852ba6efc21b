"""Failures in words: the gateway's own texts, from the captures, and the texts of the providers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from logs.llm.gateway_status import GatewayStatus
from logs.viewer import error_explanations
from tests.factories import People
from tests.logs.explorer.test_views import sign_in
from tests.logs.ingest.gateway_fixtures import FIXTURES

CAPTURES = {
    "err_no_provider": "not told which provider",
    "err_config_no_targets": "names neither a provider nor targets",
    "err_bad_provider": "does not know this provider",
    "err_virtual_key_provider": "does not know this provider",
    "err_config_id": "config is no JSON",
    "err_config_bad_mode": "breaks the gateway's rules",
    "err_content_type": "does not take this content type",
    "err_custom_host": "refuses to call this custom host",
    "err_prompt_id": "could not run the stored prompt",
    "timeout_408": "did not answer within the time",
    "provider_down": "could not connect to the provider",
    "provider_error_400": "does not take a parameter",
    "provider_error_401": "refused the API key",
    "provider_error_429": "More requests or tokens",
    "provider_error_500": "The provider failed",
    "retry_exhausted_2": "retries did not help",
    "fallback_all_failed": "error of fallback option 1, the last tried; option 0 failed before",
    "proxy_unknown": "no such endpoint",
    "chat_stream_cut": "without its end mark",
}


@pytest.mark.parametrize("name", CAPTURES)
def test_each_capture_is_explained_in_its_panel(
    name: str, client: Client, people: People, api_key: str, inline_writer: None
) -> None:
    from tests.logs.viewer.test_logs_api import as_log

    sent = client.post(
        "/v1/logs", json.dumps(as_log(FIXTURES[name])), content_type="application/json",
        headers={"x-portkey-api-key": api_key},
    )  # fmt: skip
    page = sign_in(client, "alice").get(f"/w/acme/logs/{sent.json()['log_ids'][0]}/").content.decode()
    assert CAPTURES[name] in page.replace("&#x27;", "'")


TEXTS = [
    (400, "invalid_request_error", "context_length_exceeded", "This model's maximum context length is 128000 tokens.", "longer than the model"),
    (400, "invalid_request_error", "", "prompt is too long: 210000 tokens > 200000 maximum", "longer than the model"),
    (400, "invalid_request_error", "", "input length and `max_tokens` exceed context limit: 199000 + 8192 > 200000", "longer than the model"),
    (429, "insufficient_quota", "insufficient_quota", "You exceeded your current quota, please check your plan and billing details.", "no credit or quota"),
    (400, "invalid_request_error", "", "Your credit balance is too low to access the Anthropic API.", "no credit or quota"),
    (429, "tokens", "rate_limit_exceeded", "Rate limit reached for gpt-4o on tokens per min (TPM)", "More requests or tokens"),
    (429, "rate_limit_error", "", "This request would exceed your organization's rate limit", "More requests or tokens"),
    (429, "", "", "", "More requests than"),
    (529, "overloaded_error", "", "Overloaded", "overloaded"),
    (503, "", "", "The engine is currently overloaded, please try again later", "overloaded"),
    (400, "", "content_filter", "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.", "content filter"),
    (400, "image_generation_user_error", "moderation_blocked", "Your request was rejected by the safety system.", "content filter"),
    (400, "invalid_request_error", "", "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'.", "Tool calls and tool results"),
    (400, "invalid_request_error", "", "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: toolu_1", "Tool calls and tool results"),
    (400, "invalid_request_error", "", "No tool output found for function call call_1.", "Tool calls and tool results"),
    (400, "invalid_request_error", "unsupported_parameter", "Unsupported parameter: 'max_tokens' is not supported with this model.", "does not take a parameter"),
    (400, "invalid_request_error", "", "messages.0.foo: Extra inputs are not permitted", "does not take a parameter"),
    (404, "invalid_request_error", "model_not_found", "The model `gpt-9` does not exist or you do not have access to it.", "does not have this model"),
    (404, "not_found_error", "", "model: claude-9", "does not have this model"),
    (404, "", "DeploymentNotFound", "The API deployment for this resource does not exist.", "does not have this model"),
    (401, "authentication_error", "", "invalid x-api-key", "refused the API key"),
    (403, "permission_error", "", "Your API key does not have permission to use the specified resource.", "may not do this"),
    (403, "", "unsupported_country_region_territory", "Country, region, or territory not supported", "country"),
    (413, "request_too_large", "", "Request exceeds the maximum size", "larger than the provider takes"),
    (400, "invalid_request_error", "", "Could not process image", "picture or file"),
    (400, "invalid_request_error", "", "Invalid schema for response_format 'x'", "schema"),
    (412, "", "", "Budget limit exceeded for this virtual key", "budget"),
    (446, "hooks_failed", "", "The guardrail checks defined in the config failed.", "guardrail denied"),
    (500, "api_error", "", "Internal server error", "The provider failed"),
    (502, "", "", "Bad gateway", "The provider failed"),
    (504, "", "", "upstream timed out", "waited too long"),
    (418, "", "", "teapot", "The call failed"),
    (None, "no_answer", "", "No answer came.", "No answer came"),
    (None, "", "", "", "No answer came"),
    (200, "client_left", "", "The client closed the connection", "The caller closed"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "kind", "code", "message", "expected"), TEXTS)
def test_texts_of_providers(status: int | None, kind: str, code: str, message: str, expected: str) -> None:
    found = error_explanations.explain(status, kind, code, message, gateway=GatewayStatus())
    assert expected in found.summary
    assert found.next_step.endswith(".")


def test_an_error_behind_a_200() -> None:
    plain = error_explanations.explain(200, "server_error", "", "The server had an error", gateway=GatewayStatus())
    assert plain.summary == "An error behind HTTP 200. The provider failed; the request is usually not at fault."
    cached = error_explanations.explain(200, "server_error", "", "x", gateway=GatewayStatus(cache_status="hit"))
    assert cached.summary.startswith("The gateway had cached an error and served it as a success (HTTP 200).")
    assert "x-portkey-cache-force-refresh" in cached.next_step


def test_a_status_without_a_text_is_told_by_what_came() -> None:
    cut = error_explanations.explain(200, "", "", "", gateway=GatewayStatus(), completeness="cut")
    assert "without its end mark" in cut.summary


HOOKS = {
    "before_request_hooks": [
        {"verdict": False, "deny": True, "checks": [
            {"id": "default.wordCount", "verdict": True, "data": None},
            {"id": "default.contains", "verdict": False, "data": {"explanation": "Some words were found."}},
            {"id": "default.webhook", "verdict": True, "error": {"message": "fetch failed"}},
        ]}
    ],
    "after_request_hooks": [{"checks": [{"id": "default.regex", "verdict": True}]}, "odd", {"checks": "odd"}],
}  # fmt: skip


def test_guardrail_checks_are_listed_failed_ones_first() -> None:
    found = [
        (check.name, check.passed, check.reason, check.when)
        for check in error_explanations.checks_of({"hook_results": HOOKS})
    ]
    assert found == [
        ("default.contains", False, "Some words were found.", "request"),
        ("default.wordCount", True, "", "request"),
        ("default.webhook", None, "fetch failed", "request"),
        ("default.regex", True, "", "answer"),
    ]


@pytest.mark.parametrize(("status", "words"), [(246, "and the call was let through"), (446, "and the call was denied")])
def test_the_panel_draws_verdicts(
    status: int, words: str, client: Client, people: People, store: Any, inline_writer: None
) -> None:
    body = json.dumps({"choices": [], "hook_results": HOOKS}).encode()
    (record,) = store({"status_code": status, "is_success": status == 246, "response_body": body})
    page = sign_in(client, "alice").get(f"/w/acme/logs/{record.id}/").content.decode()
    assert "1 of 4 guardrail checks failed" in page
    assert words in page
    assert "Some words were found." in page


@given(st.recursive(st.none() | st.booleans() | st.text() | st.integers(), lambda x: st.lists(x) | st.dictionaries(
    st.sampled_from(["hook_results", "before_request_hooks", "checks", "data", "error", "id", "verdict"]), x)))  # fmt: skip
def test_no_answer_breaks_it(answer: Any) -> None:
    error_explanations.checks_of(answer)
