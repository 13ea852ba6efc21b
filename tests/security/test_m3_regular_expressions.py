"""M3: no caller's regular expression stops a gateway, and a gateway that stands still starts again."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from portkey_logs.catalog import patterns, schema
from portkey_logs.catalog.patterns import Unbounded, check
from portkey_logs.lib.outbound import PRELOAD
from portkey_logs.runtime.supervisor import Child, Health
from tests.conftest import NO_GATEWAY
from tests.logs.capture.harness import run, stand
from tests.logs.capture.test_pass_through import chat
from tests.logs.processes import free_port

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason=f"{NO_GATEWAY}: node is missing")

IN_USE = [
    "^gpt-4.*",
    "password|secret|token",
    r"\b\d{3}-\d{2}-\d{4}\b",
    r"\b(?:\d{4}[- ]?){3}\d{4}\b",
    r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}",
    r"(?:\d{1,3}\.){3}\d{1,3}",
    r"^(gpt|claude)-\d+(\.\d+)?$",
    "sk-[A-Za-z0-9]{20,}",
    "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    r"https?://[^\s]+",
    r"^user_[0-9]+@example\.com$",
    ".*foo.*",
    r"\s+$",
    r"^(?!.*foo).*$",
    r"^(?=.*[A-Z])(?=.*\d).+$",
    "(foo|bar)+",
    "[^]x",
    "a{,5}",
]
HOSTILE = [
    "(a+)+$",
    "(a|a)*$",
    "(a|aa)+$",
    "(.*)*x",
    "(a*)*",
    "([a-z]+)*$",
    "a*a*a*b",
    r"(?=(a+))\1",
    r"(?<x>a+)\k<x>b",
    "(x+x+)+y",
    r"(.|\n)*x",
    "(a?){50}a{50}",
    "(a{0,1000}){1000}b",
    "[](a+)+$]",  # elsewhere one set of characters; in JavaScript the set is empty and ends at once
    "[]*(a+)+$",
    "[^](a+)+$]",
    r"(\w+\s?)*$",
    "(a|b|ab)*c",
    r"^(([a-z])+.)+[A-Z]([a-z])+$",
    "(.*a){20}",
    "a?" * 20 + "a" * 20,
    "((a{1,10}){1,10}){1,10}b",
    "(?:a|a?)+$",
    "(a+){10}$",
    "(?<=a+)b",
    r"(\u0061+)+$",
    r"(\x61|a)*b",
    r"(\S|\w)*!",
    "(?:(?:a|b)|[ab])*c",
    "x" * 501,
    "((((((((((((((((((((((a))))))))))))))))))))))",
]


@pytest.mark.parametrize("pattern", IN_USE)
def test_patterns_in_use_pass(pattern: str) -> None:
    check(pattern)


@pytest.mark.parametrize("pattern", HOSTILE)
def test_patterns_that_could_take_too_long_do_not(pattern: str) -> None:
    with pytest.raises(Unbounded):
        check(pattern)


def test_flags_count() -> None:
    check("[a-z]+@")
    with pytest.raises(Unbounded):
        check("[a-z]+@", "i")  # V8 takes no linear time for it
    with pytest.raises(Unbounded):
        check("(a(.*b)?)", "g")  # each short match follows a search through the whole text


def guardrail(rule: Any, name: str = "default.regexReplace") -> dict[str, Any]:
    return {"provider": "openai", "api_key": "k", "input_guardrails": [{name: {"rule": rule}, "deny": True}]}


def condition(pattern: Any) -> dict[str, Any]:
    query = {"$or": [{"metadata.user": {"$regex": pattern}}]}
    strategy = {"mode": "conditional", "conditions": [{"query": query, "then": "t"}], "default": "t"}
    return {"strategy": strategy, "targets": [{"name": "t", "provider": "openai", "api_key": "k"}]}


BAD = "(a+)+$"
CONFIGS = [
    condition(BAD),
    condition([BAD]),  # JavaScript makes a text of it
    guardrail(BAD),
    guardrail(BAD, "regexMatch"),
    guardrail("/(b|b)*c/g"),
    {"targets": [guardrail(BAD)]},
    {
        "before_request_hooks": [
            {"type": "guardrail", "checks": [{"id": "default.regexMatch", "parameters": {"rule": BAD}}]}
        ]
    },
    {"outputGuardrails": [{"default.jsonSchema": {"schema": {"properties": {"x": {"pattern": BAD}}}}}]},
    {"outputGuardrails": [{"default.jsonSchema": {"schema": {"patternProperties": {BAD: {}}}}}]},
    guardrail(BAD) | {"input_guardrails": [{"default.regexMatch": {"rule": "ok"}}] * 51},
    # names that mean something else in a node
    guardrail(BAD) | {"input_guardrails": [{"metadata": {"id": "default.regexMatch", "rule": BAD}}]},
    guardrail(BAD) | {"input_guardrails": [{"override_params": {"id": "regexReplace", "rule": BAD}}]},
    condition("ok") | {"strategy": {"conditions": [{"query": {"metadata": {"$regex": BAD}}, "then": "t"}]}},
    condition("ok") | {"strategy": {"conditions": [{"query": {"$and": [{"defaultParams": {"$regex": BAD}}]}}]}},
]


@pytest.mark.parametrize("config", CONFIGS)
def test_capture_refuses_them_wherever_they_stand(config: dict[str, Any]) -> None:
    async def scenario() -> None:
        async with stand(chat) as it:
            client = await it.call(x_portkey_config=json.dumps(config))
            assert (client.status, json.loads(client.body)["error"]["code"]) == (400, "invalid_pattern")

    run(scenario())


def test_capture_refuses_them_in_default_guardrails_and_passes_what_is_for_providers() -> None:
    tool = {"function": {"parameters": {"properties": {"x": {"pattern": BAD}}}}}

    async def scenario() -> None:
        async with stand(chat) as it:
            checks = json.dumps([{"default.regexMatch": {"rule": BAD}}])
            assert (await it.call(x_portkey_default_input_guardrails=checks)).status == 400
            config = {"provider": "openai", "override_params": {"tools": [tool]}}
            assert (await it.call(x_portkey_config=json.dumps(config))).status == 200
            config = condition("^a.*") | guardrail("/[a-z]+@/g")
            assert (await it.call(x_portkey_config=json.dumps(config))).status == 200

    run(scenario())


@pytest.mark.parametrize("hidden", ["1" * 5000, "[" * 2000 + "]" * 2000], ids=["a long number", "a deep list"])
@pytest.mark.parametrize("name", ["x_portkey_config", "x_portkey_default_input_guardrails"])
def test_what_only_the_gateway_could_read_is_refused(name: str, hidden: str) -> None:
    hook = f'{{"default.regexMatch": {{"rule": "{BAD}", "a": {hidden}}}}}'
    text = f"[{hook}]" if "guardrails" in name else f'{{"provider": "openai", "input_guardrails": [{hook}]}}'

    async def scenario() -> None:
        async with stand(chat) as it:
            assert (await it.call(**{name: text})).status == 400

    run(scenario())


def test_configs_with_them_are_not_stored() -> None:
    for config in (condition(BAD), guardrail(BAD)):
        assert any("could take too long" in str(error) for error in schema.check(config).errors)
    assert not [error for error in schema.check(condition("^gpt")).errors if "regular" in str(error)]


# --- what passes, in the real engine ---------------------------------------------------------------------------------

ATOMS = st.sampled_from(["a", "b", "ab", ".", "[ab]", "[^a]", r"\w", r"\s", r"\b", "(?:)", "a|b", "^", "$", r"\d", "@"])
QUANTIFIERS = st.sampled_from(["", "", "*", "+", "?", "{2}", "{1,3}", "{0,9}", "{20}", "{2,}", "*?", "+?"])


def _compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    groups = st.builds(
        lambda kind, body, times: f"({kind}{body}){times}", st.sampled_from(["", "?:"]), inner, QUANTIFIERS
    )
    looks = st.builds(lambda kind, body: f"({kind}{body})", st.sampled_from(["?=", "?!"]), inner)
    choices = st.builds("{}|{}".format, inner, inner)
    return st.lists(st.one_of(inner, groups, groups, looks, choices), min_size=1, max_size=4).map("".join)


PATTERNS = st.recursive(st.builds("{}{}".format, ATOMS, QUANTIFIERS), _compound, max_leaves=8)
MEASURE = """
const { patterns, length, units } = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const slow = [];
for (const [pattern, flags] of patterns) {
  let regex;
  try { regex = new RegExp(pattern, flags); } catch { continue; }
  for (const unit of units) {
    const text = unit.repeat(length / unit.length) + '!';
    const before = process.cpuUsage().user;
    text.replace(regex, '');
    const ms = (process.cpuUsage().user - before) / 1000;
    if (ms > 2000) slow.push([pattern, flags, unit, ms]);
  }
}
console.log(JSON.stringify(slow));
"""
UNITS = ["a", "b", "ab", "ba", "aab", " ", "a ", "@", "a@", "1", "\n", "a\n"]


def slow_in_node(cases: list[tuple[str, str]], length: int, units: list[str], *options: str) -> list[Any]:
    given = json.dumps({"patterns": cases, "length": length, "units": units})
    done = subprocess.run(
        ["node", *options, "-e", MEASURE], input=given, capture_output=True, text=True, timeout=120, check=True
    )
    slow: list[Any] = json.loads(done.stdout)
    return slow


def passes(pattern: str, flags: str) -> bool:
    try:
        check(pattern, flags)
    except Unbounded:
        return False
    return True


@needs_node
@settings(max_examples=5, phases=[Phase.generate])
@given(st.lists(PATTERNS, min_size=40, max_size=80, unique=True))
def test_what_passes_ends_soon_in_node(candidates: list[str]) -> None:
    """As a gateway without the preload has it, on texts of some thousand characters."""
    cases = [(pattern, flags) for pattern in candidates for flags in ("", "g", "i", "gm") if passes(pattern, flags)]
    assert slow_in_node(cases, 2_000, UNITS) == []


@needs_node
def test_patterns_in_use_end_soon_in_node() -> None:
    """On longer texts with the preload."""
    cases = [(pattern, flags) for pattern in IN_USE for flags in ("", "g") if passes(pattern, flags)]
    assert slow_in_node(cases, 5_000, UNITS) == []
    assert slow_in_node(cases, 50_000, ["a", "a@", " "], "--import", PRELOAD.as_uri()) == []


# --- a gateway that hangs --------------------------------------------------------------------------------------------

SERVER = """
import http.server, pathlib, sys, time
starts = pathlib.Path(sys.argv[2])
first = not starts.exists()
starts.write_text(starts.read_text() + "x" if starts.exists() else "x")
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if first and self.server.answered > 0:
            time.sleep(1000)
        self.server.answered += 1
        self.send_response(404)
        self.end_headers()
server = http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
server.answered = 0
server.serve_forever()
"""


@pytest.mark.processes
def test_a_process_that_answers_no_more_starts_again(tmp_path: Path) -> None:
    port, said = free_port(), []
    health = Health(f"http://127.0.0.1:{port}", every=0.7, timeout=2, misses=2)
    starts = tmp_path / "starts"
    command = [sys.executable, "-c", SERVER, str(port), str(starts)]
    child = Child("gateway", command, tmp_path / "gateway.log", said.append, health)
    child.start()
    try:
        deadline = time.monotonic() + 60
        while (not starts.exists() or starts.read_text() != "xx") and time.monotonic() < deadline:
            child.revive()
            time.sleep(0.05)
        assert starts.read_text() == "xx"
    finally:
        child.kill()
    (line,) = said
    assert line.startswith("gateway did not answer 2 times in a row and was killed; starts again")
    assert "\n" not in line


def test_only_so_many_patterns_are_run() -> None:
    many = [{"default.regexMatch": {"rule": "a"}}] * (patterns.MAX_PATTERNS + 1)
    assert len(list(patterns.problems(many))) == 1
