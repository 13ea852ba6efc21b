from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logs.llm import gateway_status
from logs.llm.gateway_status import GatewayStatus
from logs.llm.vocabulary import CacheStatus, FallbackStatus, LoadbalanceStatus, RetryStatus
from tests.logs.ingest.gateway_fixtures import FIXTURES

PATH = "x-portkey-last-used-option-index"
CACHE = "x-portkey-cache-status"
RETRY = "x-portkey-retry-attempt-count"


def derive(config: object = None, code: int | None = 200, **headers: str) -> GatewayStatus:
    names = {"path": PATH, "cache": CACHE, "retry": RETRY}
    return gateway_status.derive(config, {names[k]: v for k, v in headers.items()}, code, {})


@pytest.mark.parametrize("name", FIXTURES)
def test_captured_exchanges(name):
    fixture = FIXTURES[name]
    request, response = fixture["request"]["headers"], fixture["response"]
    config: Any = request.get("x-portkey-config")
    if config and config.startswith("{"):
        config = json.loads(config)
    derived = dict(fixture["derived"])
    derived.pop("handled")
    upper = {key.upper(): value for key, value in response["headers"].items()}
    for headers in (response["headers"], upper):
        assert (
            gateway_status.labels(gateway_status.derive(config, headers, response["status"], request))._asdict()
            == derived
        )


# --- each rule ---------------------------------------------------------------------------------------------

SIMPLE = {"cache": {"mode": "simple"}}


@pytest.mark.parametrize(
    ("config", "header", "state"),
    [
        (SIMPLE, "HIT", "hit"),
        (SIMPLE, "hit", "hit"),
        (SIMPLE, " MISS ", "miss"),
        (SIMPLE, "SEMANTIC HIT", "semantic_hit"),
        (SIMPLE, "SEMANTIC MISS", "miss"),
        (SIMPLE, "REFRESH", "refreshed"),
        (SIMPLE, "DISABLED", "disabled"),
        (SIMPLE, "", "disabled"),
        (SIMPLE, "BOGUS", "disabled"),
        ({"cache": "simple"}, "HIT", "hit"),
        ({"cache": {}}, "MISS", "disabled"),
        ({"cache": {"mode": ""}}, "REFRESH", "disabled"),
        ({}, "REFRESH", "disabled"),
        (None, "MISS", "disabled"),
        ([], "HIT", "disabled"),
        ("pc-abc", "HIT", "hit"),
        ("pc-abc", "DISABLED", "disabled"),
    ],
)
def test_cache(config, header, state):
    assert derive(config, cache=header, path="config").cache_status == state


@pytest.mark.parametrize(
    ("target", "state"),
    [
        ({}, "hit"),
        ({"cache": None}, "hit"),
        ({"cache": {"mode": "semantic"}}, "hit"),
        ({"cache": {}}, "disabled"),
        ({"cache": {"max_age": 5}}, "disabled"),
    ],
)
def test_targets_inherit_the_cache_they_do_not_set(target, state):
    config = {**SIMPLE, "strategy": {"mode": "fallback"}, "targets": [target]}
    assert derive(config, cache="HIT", path="config.targets[0]").cache_status == state


@pytest.mark.parametrize(
    ("header", "code", "state", "count"),
    [
        ("0", 200, "not_triggered", 0),
        ("2", 200, "success", 2),
        ("2", 246, "success", 2),
        ("2", 399, "success", 2),
        ("1", 400, "failed", 1),
        ("1", None, "failed", 1),
        ("-1", 500, "failed", 0),
        ("-1", 200, "failed", 0),
        ("", 200, "not_triggered", 0),
        ("two", 200, "not_triggered", 0),
        ("1.5", 200, "not_triggered", 0),
        ("9" * 30, 200, "not_triggered", 0),
        ("٣", 200, "not_triggered", 0),
    ],
)
def test_retry(header, code, state, count):
    derived = derive(None, code, retry=header)
    assert (derived.retry_status, derived.retry_count) == (state, count)


def test_exhausted_retries_are_those_configured():
    config = {"retry": {"attempts": 5}, "targets": [{"retry": {"attempts": 3, "onStatusCodes": [500]}}, {}]}
    assert derive(config, 500, retry="-1", path="config.targets[0]").retry_count == 3
    assert derive(config, 500, retry="-1", path="config.targets[1]").retry_count == 5
    waits = {"retry": {"attempts": 5, "use_retry_after_header": True}}
    assert derive(waits, 429, retry="-1", path="config").retry_count == 0


def fallback(*targets: object) -> dict[str, Any]:
    return {"strategy": {"mode": "fallback"}, "targets": list(targets)}


def loadbalance(*targets: object) -> dict[str, Any]:
    return {"strategy": {"mode": "loadbalance"}, "targets": list(targets)}


@pytest.mark.parametrize(
    ("config", "path", "texts"),
    [
        (fallback({}, {}), "config.targets[0]", ("Fallback Active", "Loadbalancer Disabled")),
        (fallback({}, {}), "config.targets[1]", ("Fallback Triggered on Option 1", "Loadbalancer Disabled")),
        (loadbalance({}, fallback({}, {})), "config.targets[0]", ("Fallback Disabled", "Loadbalancer Active")),
        (
            loadbalance({}, fallback({}, {})),
            "config.targets[1].targets[1]",
            ("Fallback Triggered on Option 1", "Loadbalancer Active"),
        ),
        (
            fallback({}, {}, fallback({}, {})),
            "config.targets[2].targets[1]",
            ("Fallback Triggered on Option 2", "Loadbalancer Disabled"),
        ),
        (
            fallback(fallback({}, {}), {}),
            "config.targets[0].targets[1]",
            ("Fallback Triggered on Option 1", "Loadbalancer Disabled"),
        ),
        (fallback(), "config.targets[7]", ("Fallback Triggered on Option 7", "Loadbalancer Disabled")),
        (fallback({}), "nonsense", ("Fallback Disabled", "Loadbalancer Disabled")),
        (fallback({}), "", ("Fallback Disabled", "Loadbalancer Disabled")),
        (fallback({}), "config.targets[-1]", ("Fallback Disabled", "Loadbalancer Disabled")),
        (None, "config.targets[1]", ("Fallback Disabled", "Loadbalancer Disabled")),
        ({"strategy": "fallback", "targets": 5}, "config.targets[1]", ("Fallback Disabled", "Loadbalancer Disabled")),
        ("pc-abc", "config", ("Fallback Disabled", "Loadbalancer Disabled")),
        ("pc-abc", "config.targets[1]", ("Fallback unknown", "Loadbalancer unknown")),
    ],
)
def test_strategies(config, path, texts):
    labels = gateway_status.labels(derive(config, path=path))
    assert (labels.fallback, labels.loadbalance) == texts


def test_the_option_path_is_kept_where_it_is_one():
    assert derive({}, path="config.targets[0].targets[1]").option_path == "config.targets[0].targets[1]"
    assert derive({}, path="config; drop").option_path is None


# --- configs and paths nobody captured ---------------------------------------------------------------------

MODES = ["fallback", "loadbalance", "conditional", "single", None]


@st.composite
def configs_with_path(draw, depth: int = 0):
    """A nested config, a path through it, and what the path met: [(mode, index), …], innermost cache and retry."""
    node: dict[str, Any] = {}
    cache = draw(st.sampled_from(["unset", "simple", "semantic", "off"]))
    if cache != "unset":
        node["cache"] = {} if cache == "off" else {"mode": cache}
    mode = draw(st.sampled_from(MODES))
    if mode:
        node["strategy"] = {"mode": mode, draw(st.sampled_from(["on_status_codes", "onStatusCodes"])): [500]}
    width = draw(st.integers(0, 3)) if depth < 4 else 0
    if not width:
        return node, "", [(mode, None)], [cache]
    taken = draw(st.integers(0, width - 1))
    below, path, met, caches = draw(configs_with_path(depth=depth + 1))
    others = [draw(configs_with_path(depth=4))[0] for _ in range(width - 1)]
    node["targets"] = [*others[:taken], below, *others[taken:]]
    return node, f".targets[{taken}]{path}", [(mode, taken), *met], [cache, *caches]


@given(
    configs_with_path(),
    st.sampled_from(["MISS", "HIT", "REFRESH", "DISABLED", "SEMANTIC HIT", None]),
    st.sampled_from(["-1", "0", "1", "4", None]),
    st.sampled_from([200, 246, 400, 446, 500]),
)
def test_any_config_and_path(drawn, cache_header, retry_header, code):
    config, path, met, caches = drawn
    headers = {PATH: "config" + path}
    headers |= {CACHE: cache_header} if cache_header else {}
    headers |= {RETRY: retry_header} if retry_header else {}
    labels = gateway_status.labels(gateway_status.derive(config, headers, code, {}))

    in_force = [c for c in caches if c != "unset"]
    if not in_force or in_force[-1] == "off" or cache_header in (None, "DISABLED"):
        assert labels.cache == "Cache Disabled"
    else:
        words = {"MISS": "Miss", "HIT": "Hit", "REFRESH": "Refreshed", "SEMANTIC HIT": "Semantic Hit"}
        assert labels.cache == f"Cache {words[cache_header]}"
    if retry_header in (None, "0"):
        assert labels.retry == "Retry Not Triggered"
    elif retry_header == "-1" or code >= 400:
        assert labels.retry == "Retry Failed"
    else:
        assert labels.retry == f"Retry Success on {retry_header} Tries"
    options = [index for mode, index in met if mode == "fallback"]
    left_first = [index for index in options if index]
    if not options:
        assert labels.fallback == "Fallback Disabled"
    elif left_first:
        assert labels.fallback == f"Fallback Triggered on Option {left_first[0]}"
    else:
        assert labels.fallback == "Fallback Active"
    balanced = any(mode == "loadbalance" for mode, _ in met)
    assert labels.loadbalance == ("Loadbalancer Active" if balanced else "Loadbalancer Disabled")


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["targets", "strategy", "mode", "cache", "retry", "x"]), inner, max_size=4)
    ),
)


@given(JUNK, st.dictionaries(st.sampled_from([PATH, CACHE, RETRY, "X-Portkey-Retry-Attempt-Count"]), st.text()), JUNK)
def test_nothing_raises(config, headers, code):
    derived = gateway_status.derive(config, headers, code if type(code) is int else None, {})
    assert gateway_status.labels(derived)
    gateway_status.target_at(config, derived.option_path)


# --- the served target, words ------------------------------------------------------------------------------


def test_the_served_target_inherits():
    config = {
        "provider": "openai",
        "override_params": {"temperature": 0, "model": "a"},
        "targets": [{}, {"virtualKey": "vk", "promptId": "pp-1", "overrideParams": {"model": "b"}}],
    }
    assert gateway_status.target_at(config, "config.targets[1]") == {
        "provider": "openai",
        "virtual_key": "vk",
        "prompt_id": "pp-1",
        "override_params": {"temperature": 0, "model": "b"},
    }
    assert gateway_status.target_at(config, None) == {
        "provider": "openai",
        "override_params": {"temperature": 0, "model": "a"},
    }
    assert gateway_status.target_at("pc-1", "config") is None


def test_the_words():
    assert [entry.text for entry in gateway_status.GUIDE if entry.state != "unknown"] == [
        "Cache Disabled", "Cache Miss", "Cache Refreshed", "Cache Hit", "Cache Semantic Hit",
        "Retry Not Triggered", "Retry Success on {x} Tries", "Retry Failed",
        "Fallback Disabled", "Fallback Active", "Fallback Triggered on Option {x}",
        "Loadbalancer Disabled", "Loadbalancer Active",
    ]  # fmt: skip
    busy = GatewayStatus(
        retry_status=RetryStatus.SUCCESS,
        retry_count=2,
        fallback_status=FallbackStatus.TRIGGERED,
        fallback_option=0,
    )
    assert gateway_status.labels(busy)[1:3] == ("Retry Success on 2 Tries", "Fallback Triggered on Option 0")
    unknown = GatewayStatus(
        cache_status=CacheStatus.UNKNOWN,
        retry_status=RetryStatus.UNKNOWN,
        fallback_status=FallbackStatus.UNKNOWN,
        loadbalance_status=LoadbalanceStatus.UNKNOWN,
    )
    assert gateway_status.labels(unknown) == (
        "Cache unknown",
        "Retry unknown",
        "Fallback unknown",
        "Loadbalancer unknown",
    )
