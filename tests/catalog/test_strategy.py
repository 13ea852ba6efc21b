"""The picture of a config: options with their place, when they are taken, and what they set."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portkey_logs.catalog import strategy

NESTED = {
    "strategy": {"mode": "fallback", "on_status_codes": [429, 500]},
    "cache": {"mode": "simple", "max_age": 60},
    "targets": [
        {
            "name": "spread",
            "strategy": {"mode": "loadbalance"},
            "targets": [{"virtual_key": "openai-prod", "weight": 3}, {"provider": "groq", "weight": 1}],
        },
        {
            "provider": "anthropic",
            "override_params": {"model": "claude-sonnet-4-5", "top_p": 1},
            "retry": {"attempts": 2},
        },
    ],
}


def test_a_nested_config() -> None:
    root = strategy.tree(NESTED)
    seen = [(each.path, each.name, each.mode, each.rule, each.share) for each in root.walk()]
    assert seen == [
        ("config", "", "fallback", "", None),
        ("config.targets[0]", "spread", "loadbalance", "first", None),
        ("config.targets[0].targets[0]", "openai-prod", "", "", 0.75),
        ("config.targets[0].targets[1]", "groq", "", "", 0.25),
        ("config.targets[1]", "anthropic", "", "after 429, 500", None),
    ]
    assert [trait.words for trait in root.traits] == ["simple cache, max_age 60"]
    assert [trait.words for trait in root.children[1].traits] == [
        "model claude-sonnet-4-5",
        "sets top_p",
        "up to 2 retries on 429, 500, 502, 503, 504",
    ]


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (NESTED, "Fallback over spread, anthropic"),
        ({"virtual_key": "openai-prod", "cache": {"mode": "semantic"}}, "openai-prod, semantic cache"),
        ({"provider": "openai", "retry": {"attempts": 3, "on_status_codes": [429]}}, "openai, up to 3 retries on 429"),
        ({}, "No target"),
        ({"strategy": {"mode": "loadbalance"}, "targets": [{}] * 5}, "Load balance over option 0, option 1, option 2 and 2 more"),
    ],
)  # fmt: skip
def test_in_a_line(config: dict[str, Any], words: str) -> None:
    assert strategy.summary(config) == words


def test_conditions_say_when() -> None:
    config = {
        "strategy": {
            "mode": "conditional",
            "conditions": [{"query": {"metadata.plan": {"$eq": "pro"}}, "then": "fast"}],
            "default": "slow",
        },
        "targets": [{"name": "fast"}, {"name": "slow"}, {"name": "unused"}],
    }
    rules = [option.rule for option in strategy.tree(config).children]
    assert rules == ['{"metadata.plan": {"$eq": "pro"}}', "else", "never"]


def test_weights_that_cannot_be_drawn_have_no_share() -> None:
    config = {"strategy": {"mode": "loadbalance"}, "targets": [{"weight": 0}, {"weight": "much"}, {"weight": True}]}
    assert [option.share for option in strategy.tree(config).children] == [None, None, None]


def test_targets_without_end_are_cut() -> None:
    config: dict[str, Any] = {}
    for _ in range(100):
        config = {"targets": [config]}
    assert len(list(strategy.tree(config).walk())) == strategy.MAX_DEPTH + 1


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["strategy", "targets", "mode", "weight", "retry", "cache", "name", "then", "conditions", "on_status_codes"]),
        inner,
        max_size=4,
    ),
    max_leaves=20,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(["strategy", "targets", "retry", "cache", "override_params"]), _JSON))
def test_whatever_a_log_holds_can_be_drawn(config: dict[str, Any]) -> None:
    assert strategy.tree(config).path == "config"
    assert strategy.summary(config)
