"""What a config may hold. tests/e2e/test_catalog_gateway.py asks the real gateway the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from portkey_logs.catalog import schema
from tests.catalog.configs import FALLBACK, GOOD, TARGET, bad
from tests.logs.ingest.gateway_fixtures import FIXTURES


@pytest.mark.parametrize("name", GOOD)
def test_good_configs(name: str) -> None:
    assert schema.check(GOOD[name]).errors == []


@pytest.mark.parametrize(("config", "path"), list(bad()), ids=lambda value: json.dumps(value)[-60:])
def test_each_error_is_reported_where_it_is(config: Any, path: str) -> None:
    errors = schema.check(config).errors
    assert path in [error.path for error in errors]
    assert all(error.message for error in errors)


def test_there_are_many_kinds_of_errors() -> None:
    assert len(list(bad())) >= 50


def test_unknown_keys_are_warnings_that_know_a_misspelling() -> None:
    warnings = schema.check(
        {**TARGET, "colour": 1, "overrideParams": {}, "retry": {"attempts": 1, "delay": 5}}
    ).warnings
    assert {warning.path for warning in warnings} == {"colour", "overrideParams", "retry.delay"}
    assert "override_params" in next(w.message for w in warnings if w.path == "overrideParams")
    assert schema.check(FALLBACK).warnings == []


def test_virtual_keys_and_prompts_stand_for_provider_and_key() -> None:
    config = {
        "strategy": {"mode": "fallback"},
        "targets": [
            {"virtual_key": "openai-prod"},
            {"provider": "@anthropic-prod"},
            {"override_params": {"model": "@azure-prod/gpt-4o"}},
            {"strategy": {"mode": "single"}, "targets": [{"prompt_id": "pp-greet-1", "virtual_key": "openai-prod"}]},
        ],
    }
    assert schema.check(config) == ([], [])
    assert schema.references(config) == [
        ("virtual_key", "openai-prod", "targets[0].virtual_key"),
        ("virtual_key", "anthropic-prod", "targets[1].provider"),
        ("virtual_key", "azure-prod", "targets[2].override_params.model"),
        ("virtual_key", "openai-prod", "targets[3].targets[0].virtual_key"),
        ("prompt", "pp-greet-1", "targets[3].targets[0].prompt_id"),
    ]


@pytest.mark.parametrize("host", ["http://10.0.0.5:9001/v1", "http://llm.internal/v1", "http://localhost:8000"])
def test_a_host_inside_has_to_be_trusted(host: str) -> None:
    config = {**TARGET, "custom_host": host}
    assert "PORTKEY_LOGS_TRUSTED_HOSTS" in schema.check(config).errors[0].message
    assert schema.check(config, frozenset({host.split("/")[2]})).errors == []
    assert schema.check(config, frozenset({host.split("/")[2].split(":")[0]})).errors == []


def test_what_is_too_deep_or_too_much_is_refused() -> None:
    deep: Any = TARGET
    for _ in range(50):
        deep = {"strategy": {"mode": "single"}, "targets": [deep]}
    assert any("deep" in error.message for error in schema.check(deep).errors)
    wide = {"strategy": {"mode": "fallback"}, "targets": [TARGET] * 1000}
    assert any("at most" in error.message for error in schema.check(wide).errors)


def test_what_the_gateway_refused_in_captures_is_refused() -> None:
    names = ("err_config_bad_mode", "err_config_no_targets", "err_config_id")
    for name in names:
        text = FIXTURES[name]["request"]["headers"]["x-portkey-config"]
        config = json.loads(text) if text.startswith("{") else text
        assert schema.check(config).errors, name


def test_what_the_gateway_took_in_captures_is_taken() -> None:
    configs = {name: fixture["request"]["headers"].get("x-portkey-config", "") for name, fixture in FIXTURES.items()}
    taken = {name: text for name, text in configs.items() if text and not name.startswith("err_")}
    assert len(taken) > 20
    for name, text in taken.items():
        assert schema.check(json.loads(text), frozenset({"127.0.0.1"})).errors == [], name


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: (
        st.lists(children) | st.dictionaries(st.sampled_from([*schema.KNOWN_OPTIONS]) | st.text(), children)
    ),
)


@example({"provider": []})
@given(JSON)
def test_nothing_makes_it_stumble(config: Any) -> None:
    schema.check(config)
    schema.references(config)
