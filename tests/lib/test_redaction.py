from __future__ import annotations

import json
import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portkey_logs.lib.redaction import is_secret_name, mask, mask_config, mask_headers, mask_url

SECRET = "Zq7wXk93vTnB41LmYs"


@pytest.mark.parametrize(
    ("value", "masked"),
    [
        ("sk-1234567890abcpqr", "sk********pqr"),
        ("sk-stub-0000", "sk********000"),
        ("sk-stub-000", "********"),
        ("short", "********"),
        ("", "********"),
    ],
)
def test_mask(value, masked):
    assert mask(value) == masked


@pytest.mark.parametrize(
    "name",
    [
        "authorization",
        "Authorization",
        "proxy-authorization",
        "x-portkey-api-key",
        "api-key",
        "x-api-key",
        "apiKey",
        "cookie",
        "set-cookie",
        "x-portkey-aws-secret-access-key",
        "x-portkey-aws-access-key-id",
        "x-portkey-aws-session-token",
        "AWSAccessKeyId",
        "x-amz-security-token",
        "x-portkey-azure-ad-token",
        "x-portkey-azure-entra-client-secret",
        "x-goog-api-key",
        "x-portkey-vertex-service-account-json",
        "vertex_service_account_json",
        "aws_secret_access_key",
        "azureAdToken",
        "ocp-apim-subscription-key",
        "x-csrf-token",
        "access_token",
        "refresh-token",
        "clientsecret",
        "db_password",
        "passphrase",
        "credentials",
        "private_key",
        "x-key",
        "key",
        "apikey2",
        "api_keys",
        "auth_tokens",
        "webhook_signature",
    ],
)
def test_names_of_secrets(name):
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "content-type",
        "x-ratelimit-limit-tokens",
        "x-ratelimit-remaining-tokens",
        "x-ratelimit-reset-tokens",
        "max-tokens",
        "max_tokens",
        "max_completion_tokens",
        "token_count",
        "tokenizer",
        "virtual_key",
        "x-portkey-virtual-key",
        "prompt_cache_key",
        "cache_key",
        "x-portkey-trace-id",
        "x-portkey-config",
        "x-portkey-cache-namespace",
        "monkey",
        "keyboard",
        "x-request-id",
        "x-portkey-sensitive-headers",
        "author",
    ],
)
def test_names_of_no_secrets(name):
    assert not is_secret_name(name)


def test_the_scheme_stays_readable():
    assert mask_headers({"authorization": f"Bearer {SECRET}"}) == {"authorization": "Bearer Zq********mYs"}
    assert mask_headers({"Authorization": f"basic {SECRET}"}) == {"Authorization": "basic Zq********mYs"}
    assert mask_headers({"authorization": SECRET}) == {"authorization": "Zq********mYs"}


def test_headers_the_caller_calls_sensitive():
    headers = {"x-portkey-sensitive-headers": "X-Customer, x-other", "x-customer": SECRET, "x-open": "y"}
    assert mask_headers(headers)["x-customer"] == "Zq********mYs"
    assert mask_headers(headers)["x-open"] == "y"
    assert mask_headers({"x-a": SECRET}, ["X-A"]) == {"x-a": "Zq********mYs"}


def test_harmless_headers_stay_as_they_are():
    headers = {
        "content-type": "application/json",
        "user-agent": "OpenAI/Python 2.30.0",
        "x-portkey-provider": "openai",
        "x-portkey-virtual-key": "openai-prod-1234567",
        "x-portkey-trace-id": "0192d3f0-1111-7000-8000-000000000000",
        "x-portkey-metadata": '{"_user":"u1"}',
        "x-ratelimit-limit-tokens": "2000000",
        "x-portkey-config": "pc-conf-1",
    }
    assert mask_headers(headers) == headers


def test_a_config_is_masked_inside():
    config = {
        "strategy": {"mode": "fallback"},
        "retry": {"attempts": 3},
        "targets": [
            {"provider": "openai", "api_key": SECRET, "custom_host": f"https://u:{SECRET}@h/v1?api-version=1"},
            {"provider": "bedrock", "awsSecretAccessKey": SECRET, "virtual_key": "vk-1"},
            {"vertex_service_account_json": {"private_key": SECRET, "client_email": "x@y"}},
            {"targets": [{"forward_headers": ["authorization"], "headers": {"X-Key": SECRET}}]},
        ],
        "output_guardrails": [
            {"default.log": {"logURL": f"http://h/?key={SECRET}", "headers": json.dumps({"X-Key": SECRET})}}
        ],
        "override_params": {"max_tokens": 5},
    }
    text = mask_headers({"x-portkey-config": json.dumps(config)})["x-portkey-config"]
    assert SECRET not in text
    masked = json.loads(text)
    assert masked["strategy"] == {"mode": "fallback"}
    assert masked["override_params"] == {"max_tokens": 5}
    assert masked["targets"][0]["api_key"] == "Zq********mYs"
    assert masked["targets"][1]["virtual_key"] == "vk-1"
    assert masked["targets"][3]["targets"][0]["forward_headers"] == ["authorization"]
    assert json.loads(masked["output_guardrails"][0]["default.log"]["headers"]) == {"X-Key": "Zq********mYs"}


@pytest.mark.parametrize("text", ['{"api_key":"' + SECRET, SECRET, f'"{SECRET}"', "[" * 100_000 + SECRET])
def test_a_config_that_cannot_be_read_is_masked_whole(text):
    assert SECRET not in mask_config(text)


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("https://h/v1?key=AIza1234567890&alt=sse", "https://h/v1?key=AI********890&alt=sse"),
        ("https://h/v1?api-key=short&x=1", "https://h/v1?api-key=********&x=1"),
        ("https://user:pass@h/", "https://user:********@h/"),
        ("https://h/?X-Amz-Signature=0123456789abcdef", "https://h/?X-Amz-Signature=01********def"),
        ("https://h/?api%2Dkey=0123456789abcdef", "https://h/?api%2Dkey=01********def"),
        (
            "https://h/v1/chat/completions?api-version=2024-06-01",
            "https://h/v1/chat/completions?api-version=2024-06-01",
        ),
        ("", ""),
    ],
)
def test_urls(url, masked):
    assert mask_url(url) == masked


# --- no planted secret gets through ------------------------------------------------------------------------

SECRETS = st.text(string.ascii_letters + string.digits, min_size=16, max_size=40).filter(
    lambda text: not text.startswith("*") and len(set(text)) > 6
)
NAMES = st.sampled_from(
    [
        "api_key",
        "apiKey",
        "aws_secret_access_key",
        "azure_ad_token",
        "password",
        "x-key",
        "Authorization",
        "client_secret",
    ]
)
WRAPPERS = st.sampled_from(["plain", "bearer", "json", "list", "object", "pair", "url", "header_string", "name_value"])


def plant(secret: str, name: str, wrapper: str) -> dict:
    return {
        "plain": {name: secret},
        "bearer": {name: f"Bearer {secret}"},
        "json": {"guard": json.dumps({"inner": json.dumps({name: secret})})},
        "list": {name: [secret, {"a": secret}]},
        "object": {name: {"a": {"b": secret}}},
        "pair": {"headers": [[name, secret]]},
        "url": {"custom_host": f"https://user:{secret}@h/v1?{name}={secret}"},
        "header_string": {"headers": json.dumps({name: secret})},
        "name_value": {"headers": [{"name": name, "value": secret}]},
    }[wrapper]


@given(SECRETS, NAMES, WRAPPERS, st.integers(0, 8), st.booleans())
def test_no_planted_secret_gets_through(secret, name, wrapper, depth, known):
    config = plant(f"sk-{secret}" if known else secret, name, wrapper)
    for level in range(depth):
        config = {"targets": [{"weight": 1}, config]} if level % 2 else {"extra": config, "cache": {"mode": "simple"}}
    text = json.dumps(config)
    for headers in (
        {"x-portkey-config": text},
        {"X-Portkey-Config": text},
        {"x-other-json": text},
        {"x-portkey-config": text[:-1]},
        {name: secret},
        {"x-anything": f"sk-{secret}"},
        {"x-mine": secret, "x-portkey-sensitive-headers": "x-mine"},
    ):
        assert secret not in "".join(mask_headers(headers).values())


@given(st.dictionaries(st.text(), st.text()))
def test_any_headers(headers):
    assert mask_headers(headers).keys() == headers.keys()


@given(st.text())
def test_any_url(url):
    mask_url(url)


@pytest.mark.parametrize("url", ["http://a/" + "?" * 200_000, "http://a/?" + "a?" * 100_000, "://" * 70_000])
def test_a_hostile_url_takes_no_longer_than_its_length(url):
    began = time.process_time()
    assert mask_url(url) == url
    assert time.process_time() - began < 2  # seconds; read from each of its marks it would be minutes


@pytest.mark.parametrize("start", ["-eyJ", "_eyJaaaaaaaaaaaa", "-eyJaaaaaaaaaaaa.", "-----BEGIN ", "-sk-"])
def test_text_full_of_beginnings_of_keys_takes_no_longer_than_its_length(start):
    text = start * (200_000 // len(start))
    began = time.process_time()
    mask_headers({"x-note": text})
    assert time.process_time() - began < 2


def test_a_parameter_behind_a_second_question_mark_is_masked():
    assert "hunter2-hunter2" not in mask_url("https://a/b?c?api_key=hunter2-hunter2")


def test_a_token_with_the_beginning_of_another_inside_is_masked():
    token = "eyJhbGciOiJIUzI1NiJ9-eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJlc2lnbmF0dXJl"
    masked = mask_headers({"x-note": token})["x-note"]
    assert "c2lnbmF0dXJl" not in masked
    assert "eyJzdWIiOiIx" not in masked


def test_long_names_are_judged_and_not_remembered():
    assert is_secret_name("a-" * 1000 + "api-key")
    assert not is_secret_name("a-" * 1000)
