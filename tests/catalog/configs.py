"""Configs for tests: good ones, and each way to spoil one."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]

TARGET: Json = {"provider": "openai", "api_key": "sk-config-0123456789abcdef"}
FALLBACK: Json = {
    "strategy": {"mode": "fallback", "on_status_codes": [429, 500]},
    "targets": [
        {**TARGET, "retry": {"attempts": 2, "on_status_codes": [503], "use_retry_after_header": True}},
        {
            "strategy": {"mode": "loadbalance"},
            "targets": [{**TARGET, "weight": 0.3, "override_params": {"model": "gpt-4o"}}, {**TARGET, "weight": 1}],
        },
    ],
}
CONDITIONAL: Json = {
    "strategy": {
        "mode": "conditional",
        "conditions": [{"query": {"$and": [{"metadata.plan": {"$eq": "pro"}}, {"metadata.n": 5}]}, "then": "big"}],
        "default": "small",
    },
    "targets": [{**TARGET, "name": "big"}, {**TARGET, "name": "small"}],
}

GOOD: dict[str, Json] = {
    "a target": TARGET,
    "fallback": FALLBACK,
    "conditional": CONDITIONAL,
    "single": {"strategy": {"mode": "single"}, "targets": [TARGET]},
    "retries alone": {"retry": {"attempts": 3}},
    "a cache alone": {"cache": {"mode": "simple", "max_age": 60}},
    "a semantic cache": {**TARGET, "cache": {"mode": "semantic"}},
    "no retries": {**TARGET, "retry": {"attempts": 0, "on_status_codes": []}},
    "a time limit without a key": {"provider": "openai", "request_timeout": 10_000},
    "a keyless provider": {"provider": "ollama"},
    "an empty key": {"provider": "openai", "api_key": ""},
    "guardrails by id": {**TARGET, "input_guardrails": ["pg-1"], "output_guardrails": []},
    "guardrails in place": {**TARGET, "output_guardrails": [{"default.contains": {"words": ["a"]}, "deny": True}]},
    "hooks": {**TARGET, "before_request_hooks": [{"id": "h", "checks": []}], "after_request_hooks": []},
    "vertex": {"provider": "vertex-ai", "vertex_project_id": "p", "vertex_region": "us-central1"},
    "bedrock": {"provider": "bedrock", "aws_access_key_id": "a", "aws_secret_access_key": "b", "aws_region": "c"},
    "azure": {"provider": "azure-openai", "azure_auth_mode": "managed"},
    "unknown keys": {**TARGET, "colour": "green", "overrideParams": {}},
    "no strictness": {**TARGET, "strict_open_ai_compliance": False, "forward_headers": ["x-a"]},
    "a public host": {**TARGET, "custom_host": "https://llm.example.com:8443/v1?x=1"},
    "unicode": {**TARGET, "override_params": {"user": "Zoë 🙂 \u202e", "stop": ["\n"]}},
}


def _spoiled(config: Json, path: str, value: Any) -> Json:
    """The config with ``value`` at ``path``; the Ellipsis takes it away."""
    config = copy.deepcopy(config)
    *steps, last = [int(step) if step.isdigit() else step for step in path.split("/")]
    node: Any = config
    for step in steps:
        node = node[step]
    if value is ...:
        del node[last]
    else:
        node[last] = value
    return config


# (which config, where it is spoiled, by what, where the error is reported)
_SPOILINGS: list[tuple[Json, str, Any, str]] = [
    *[(FALLBACK, "strategy", value, "strategy") for value in (None, [], "fallback", 5)],
    *[(FALLBACK, "strategy/mode", value, "strategy.mode") for value in ("bogus", "Fallback", "", None, 5, ...)],
    *[(FALLBACK, "strategy/on_status_codes", v, "strategy.on_status_codes") for v in (429, ["429"], None, {}, [True])],
    *[(FALLBACK, "targets", value, "targets") for value in (None, {}, "none", [], ...)],
    *[(FALLBACK, "targets/0", value, "targets[0]") for value in (None, "a", [], {}, {"provider": "openai"})],
    *[(FALLBACK, "targets/0/provider", v, "targets[0].provider") for v in ("nope", "OpenAI", "", 5, None, "@")],
    (FALLBACK, "targets/0/provider", ..., "targets[0]"),
    (FALLBACK, "targets/1/targets/0/api_key", ..., "targets[1].targets[0]"),
    *[(FALLBACK, "targets/0/api_key", value, "targets[0].api_key") for value in (5, None, ["k"])],
    *[(FALLBACK, "targets/0/retry", value, "targets[0].retry") for value in (3, None, [])],
    *[(FALLBACK, "targets/0/retry/attempts", v, "targets[0].retry.attempts") for v in ("3", None, ..., True)],
    (FALLBACK, "targets/0/retry/on_status_codes", "503", "targets[0].retry.on_status_codes"),
    (FALLBACK, "targets/0/retry/use_retry_after_header", "yes", "targets[0].retry.use_retry_after_header"),
    *[(FALLBACK, "targets/1/targets/0/weight", v, "targets[1].targets[0].weight") for v in ("1", None, -1)],
    (FALLBACK, "targets/1/targets", [{**TARGET, "weight": 0}], "targets[1].targets"),
    (FALLBACK, "targets/1/strategy", ..., "targets[1]"),
    *[(TARGET, "cache", value, "cache") for value in ("simple", None, [])],
    *[(TARGET, "cache", {"mode": value}, "cache.mode") for value in ("none", None, 1)],
    (TARGET, "cache", {"mode": "simple", "max_age": "60"}, "cache.max_age"),
    *[(TARGET, "request_timeout", value, "request_timeout") for value in ("10", None, [1])],
    *[(TARGET, "forward_headers", value, "forward_headers") for value in ("x-a", [1], None)],
    *[(TARGET, "custom_host", v, "custom_host") for v in ("llm.example.com", "ftp://x.example", "http://10.0.0.5/v1")],
    *[
        (TARGET, "custom_host", v, "custom_host")
        for v in ("http://u:p@x.example/", "http://a b.example/", "http://x.internal")
    ],
    *[
        (TARGET, "custom_host", v, "custom_host")
        for v in ("http://0x7f000001/", "http://api.portkey.ai/", "http://127.1/", 5)
    ],
    *[(TARGET, "input_guardrails", v, "input_guardrails") for v in ("pg-1", ["pg-1", {}], [5], None)],
    (TARGET, "before_request_hooks", ["h"], "before_request_hooks"),
    (TARGET, "strict_open_ai_compliance", "false", "strict_open_ai_compliance"),
    (TARGET, "vertex_service_account_json", {"a": 5}, "vertex_service_account_json"),
    (TARGET, "options", [], "options"),
    ({"provider": "vertex-ai", "api_key": "k"}, "vertex_region", "eu", ""),
    *[(CONDITIONAL, "strategy/conditions", value, "strategy.conditions") for value in (None, {}, ...)],
    (CONDITIONAL, "strategy/conditions/0", "a", "strategy.conditions[0]"),
    (CONDITIONAL, "strategy/conditions/0/query", "a", "strategy.conditions[0].query"),
    *[(CONDITIONAL, "strategy/conditions/0/then", v, "strategy.conditions[0].then") for v in (..., "nowhere", 5)],
    (CONDITIONAL, "strategy/default", "nowhere", "strategy.default"),
]
_WHOLE: list[Any] = [
    None,
    [],
    "pc-abc-123",
    5,
    True,
    {},
    {"name": "x"},
    {"targets": [TARGET]},
    {"strategy": {"mode": "fallback"}},
]


def bad() -> Iterator[tuple[Any, str]]:
    """Configs with one error each, and its path."""
    for config, path, value, reported in _SPOILINGS:
        yield _spoiled(config, path, value), reported
    for config in _WHOLE:
        reported = "targets" if isinstance(config, dict) and "strategy" in config else ""
        yield config, reported
