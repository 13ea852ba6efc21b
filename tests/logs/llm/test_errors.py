"""Error bodies as the gateway and the providers write them; each names where it is documented."""

from __future__ import annotations

import pytest
from hypothesis import given

from logs.llm.errors import Problem, is_error, read_problem
from tests.logs.ingest.test_normalise import JSON, record

AZURE_FILTER = {  # https://learn.microsoft.com/azure/ai-foundry/openai/concepts/content-filter
    "error": {
        "message": "The response was filtered",
        "type": None,
        "param": "prompt",
        "code": "content_filter",
        "status": 400,
        "innererror": {
            "code": "ResponsibleAIPolicyViolation",
            "content_filter_result": {"jailbreak": {"filtered": True, "detected": True}},
        },
    }
}
TIMEOUT = {
    "error": {
        "message": "Request exceeded the timeout sent in the request: 10ms",
        "type": "timeout_error",
        "param": None,
        "code": None,
    }
}
CHECKS = {
    "before_request_hooks": [{"verdict": False, "id": "g", "checks": [{"verdict": False, "id": "default.regexMatch"}]}]
}
DENIED = {
    "error": {"message": "The guardrail checks failed.", "type": "hooks_failed", "param": None, "code": None},
    "hook_results": CHECKS,
}


@pytest.mark.parametrize(
    ("code", "body", "problem"),
    [
        # https://platform.openai.com/docs/guides/error-codes
        (
            401,
            {"error": {"message": "Incorrect API key", "type": "invalid_request_error", "code": "invalid_api_key"}},
            ("invalid_request_error", "invalid_api_key", "Incorrect API key"),
        ),
        # https://docs.claude.com/en/api/errors
        (
            404,
            {"type": "error", "error": {"type": "not_found_error", "message": "No such model"}, "request_id": "req_1"},
            ("not_found_error", None, "No such model"),
        ),
        # https://ai.google.dev/gemini-api/docs/troubleshooting
        (
            400,
            {"error": {"code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT", "details": []}},
            ("INVALID_ARGUMENT", "400", "API key not valid."),
        ),
        (
            429,
            [{"error": {"code": 429, "message": "Quota exceeded", "status": "RESOURCE_EXHAUSTED"}}],
            ("RESOURCE_EXHAUSTED", "429", "Quota exceeded"),
        ),
        (400, AZURE_FILTER, ("content_filter", "content_filter", "The response was filtered")),
        # Azure's API management
        (401, {"statusCode": 401, "message": "Access denied"}, ("401", "401", "Access denied")),
        # https://docs.cohere.com/reference/errors
        (429, {"message": "You are using a Trial key"}, (None, None, "You are using a Trial key")),
        # https://docs.mistral.ai/api
        (
            422,
            {"object": "error", "message": {"detail": [{"type": "missing", "msg": "Field required"}]}, "code": None},
            ("missing", None, "Field required"),
        ),
        (
            400,
            {"object": "error", "message": "Invalid model: x", "type": "invalid_model", "code": "1500"},
            ("invalid_model", "1500", "Invalid model: x"),
        ),
        # https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html
        (
            404,
            {"object": "error", "message": "The model does not exist.", "type": "NotFoundError", "code": 404},
            ("NotFoundError", "404", "The model does not exist."),
        ),
        # https://openrouter.ai/docs/api-reference/errors
        (402, {"error": {"code": 402, "message": "Insufficient credits"}}, ("402", "402", "Insufficient credits")),
        # https://developers.cloudflare.com/workers-ai
        (
            400,
            {"success": False, "errors": [{"code": 5007, "message": "No such model"}], "result": {}},
            ("5007", "5007", "No such model"),
        ),
        # the gateway
        (
            400,
            {"status": "failure", "message": "Invalid config passed. You need to pass a valid json"},
            ("gateway_error", None, "Invalid config passed. You need to pass a valid json"),
        ),
        (
            401,
            {
                "status": "failure",
                "message": "Portkey Error: Invalid API Key. Error Code: 03",
                "error": {"message": "Invalid API Key", "code": "03"},
            },
            ("gateway_error", "03", "Invalid API Key"),
        ),
        (408, TIMEOUT, ("timeout_error", None, TIMEOUT["error"]["message"])),
        (446, DENIED, ("hooks_failed", None, "The guardrail checks failed.")),
        (500, {"status": "failure"}, ("gateway_error", None, None)),
        # an error that the gateway's cache serves
        (
            200,
            {"error": {"message": "boom", "type": "server_error"}, "provider": "openai"},
            ("server_error", None, "boom"),
        ),
        (200, {"object": "error", "message": "busy"}, (None, None, "busy")),
    ],
)
def test_problems(code, body, problem):
    read = record({"model": "m"}, body, status_code=code)
    assert read.is_success is False
    assert (read.error_type, read.error_code, read.error_message) == problem


def test_bedrock_names_the_type_in_a_header():
    # https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html
    headers = {
        "x-amzn-ErrorType": "ThrottlingException:http://internal.amazon.com/coral/",
        "content-type": "application/json",
    }
    read = record({}, {"message": "Too many requests"}, status_code=429, response_headers=headers)
    assert (read.error_type, read.error_message) == ("ThrottlingException", "Too many requests")
    inside = record({}, {"__type": "ValidationException", "message": "Malformed"}, status_code=400)
    assert (inside.error_type, inside.error_message) == ("ValidationException", "Malformed")


def test_a_guardrail_that_lets_pass_is_a_success():
    body = {"choices": [{"message": {"content": "x"}, "finish_reason": "stop"}], "hook_results": CHECKS}
    read = record({}, body, status_code=246)
    assert (read.is_success, read.error_type, read.finish_reason) == (True, None, "stop")


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        "text",
        {"error": None},
        {"error": {}},
        {"error": {"code": None, "message": None}},
        {"choices": [{"message": {"content": '{"error": 1}'}}]},
        [{"error": {"message": "x"}}, {"error": {"message": "y"}}],
    ],
)
def test_what_is_no_error(body):
    assert not is_error(body)


def test_a_failed_answer_that_is_a_file_says_nothing():
    assert read_problem(None, b"\x89PNG\x00\x00") == Problem()
    assert read_problem(None, b"<html>Bad Gateway</html>").message == "<html>Bad Gateway</html>"


@given(JSON)
def test_any_answer(body):
    is_error(body)
    read_problem(body, None)
    read_problem(body, b"x", {})
