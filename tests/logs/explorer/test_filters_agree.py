"""For any logs and any filters: the page's rows, those of its JSON twin, of an export, and what plain Python finds are
the same; so are their numbers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from logs.analytics import list_summary
from logs.explorer import pagination, query
from logs.exports import work
from logs.exports.models import Export
from logs.ingest.rows import commit_batch
from logs.llm.gateway_status import GatewayStatus
from logs.record import LogRecord
from portkey_logs.accounts.models import User, Workspace
from tests.factories import People, make_record

Matches = Callable[[LogRecord], bool]
TEXTS = ["ada", "adam", 'Doe, "J"', "!x", "a*", "50%", "_", "Ünï", "-", "a=b"]
texts = st.sampled_from(TEXTS)
numbers = st.integers(0, 4)
slugs = count()

logs = st.lists(
    st.fixed_dictionaries(
        {
            "model": st.none() | texts,
            "provider": st.none() | st.sampled_from(["openai", "anthropic"]),
            "user": st.none() | texts,
            "request_type": st.sampled_from(["chat_completion", "embedding"]),
            "status_code": st.none() | st.sampled_from([200, 246, 404, 429, 500]),
            "is_success": st.booleans(),
            "has_images": st.booleans(),
            "has_tools": st.booleans(),
            "total_tokens": st.none() | numbers,
            "cost": st.none() | numbers.map(Decimal),
            "latency_ms": st.none() | numbers,
            "metadata": st.dictionaries(st.sampled_from(["env", "a", "a=b"]), texts),
            "gateway": st.builds(
                GatewayStatus,
                cache_status=st.sampled_from(["hit", "miss"]),
                retry_count=numbers,
                fallback_option=st.none() | numbers,
                option_path=st.none()
                | st.sampled_from(["config", "config.targets[1]", "config.targets[1].targets[0]"]),
            ),
        }
    ),
    max_size=8,
)


@st.composite
def of_texts(draw: Any, name: str, known: Any, read: Callable[[LogRecord], str | None]) -> tuple[str, str, Matches]:
    """A filter of text values, and what it means."""
    items = draw(st.lists(st.tuples(known, st.booleans()), min_size=1, max_size=3))
    is_negated = draw(st.booleans())
    value = str(query.Values(tuple(query.Item(*item) for item in items), is_negated))

    def matches(log: LogRecord) -> bool:
        text = read(log)
        hit = text is not None and any(text.startswith(item) if begins else text == item for item, begins in items)
        return hit != is_negated

    return name, value, matches


@st.composite
def of_words(
    draw: Any, name: str, known: list[str], tests: Callable[[LogRecord, str], bool]
) -> tuple[str, str, Matches]:
    """A filter of fixed words, and what it means."""
    words = draw(st.lists(st.sampled_from(known), min_size=1, max_size=3))
    is_negated = draw(st.booleans())
    value = "!" * is_negated + ",".join(words)
    return name, value, lambda log: any(tests(log, word) for word in words) != is_negated


@st.composite
def of_numbers(draw: Any, name: str, read: Callable[[LogRecord], Any]) -> tuple[str, str, Matches]:
    """One end of a range, and what it means."""
    end, is_lower, is_strict = draw(numbers), draw(st.booleans()), draw(st.booleans())
    sign = ("" if not is_strict else ">" if is_lower else "<") + str(end)

    def matches(log: LogRecord) -> bool:
        number = read(log)
        if number is None or (is_strict and number == end):
            return False
        return number >= end if is_lower else number <= end

    return f"{name}_{'min' if is_lower else 'max'}", sign, matches


def has_status(log: LogRecord, word: str) -> bool:
    if word in ("ok", "failed"):
        return log.is_success == (word == "ok")
    if log.status_code is None:
        return False
    if word.endswith("xx"):
        return log.status_code // 100 == int(word[0])
    if word.startswith(">="):
        return log.status_code >= int(word[2:])
    return log.status_code == int(word)


def has(log: LogRecord, word: str) -> bool:
    return {"image": log.has_images, "audio": False, "tools": log.has_tools, "error": not log.is_success}[word]


def served_by(log: LogRecord, word: str) -> bool:
    gateway = log.gateway
    if not word.isdecimal():
        return gateway.option_path == word
    if gateway.fallback_option is not None:
        return gateway.fallback_option == int(word)
    first = re.match(r"config\.targets\[(\d+)\]", gateway.option_path or "")
    return first is not None and first[1] == word


filters = st.lists(
    st.one_of(
        of_texts("model", texts, lambda log: log.model),
        of_texts("provider", st.sampled_from(["openai", "open", "x"]), lambda log: log.provider),
        of_texts("user", texts, lambda log: log.user),
        *(
            of_texts(f"meta.{key}", texts, lambda log, key=key: log.metadata.get(key))  # type: ignore[misc]
            for key in ("env", "a", "a=b", "other")
        ),
        of_words("type", ["chat_completion", "embedding", "other"], lambda log, word: log.request_type == word),
        of_words("status", ["ok", "failed", "200", "4xx", ">=429"], has_status),
        of_words("has", ["image", "audio", "tools", "error"], has),
        of_words("cache", ["hit", "miss"], lambda log, word: log.gateway.cache_status == word),
        of_words("option", ["0", "1", "config", "config.targets[1]"], served_by),
        of_numbers("tokens", lambda log: log.total_tokens),
        of_numbers("cost", lambda log: log.cost),
        of_numbers("latency", lambda log: log.latency_ms),
    ),
    max_size=3,
    unique_by=lambda each: each[0],
)


@pytest.fixture(autouse=True)
def no_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is found must not depend on the machine."""
    monkeypatch.setattr(pagination, "WALK_BUDGET_MS", 60_000)
    monkeypatch.setattr(pagination, "COUNT_BUDGET_MS", 60_000)
    monkeypatch.setattr(list_summary, "BUDGET_MS", 60_000)


@given(logs=logs, filters=filters)
@hypothesis_settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_page_twin_export_and_plain_python_agree(
    people: People,
    client: Client,
    settings: Any,
    tmp_path: Path,
    logs: list[dict[str, Any]],
    filters: list[tuple[str, str, Matches]],
) -> None:
    settings.DATA_DIR = tmp_path
    slug = f"w{next(slugs)}"
    workspace = Workspace.objects.create(name=slug, slug=slug, organisation=people.acme)
    records = [make_record(workspace.pk, **log) for log in logs]
    commit_batch(connection, records)
    client.force_login(people.alice)
    query = urlencode([(name, value) for name, value, _ in filters])

    wanted = [str(log.id) for log in reversed(records) if all(matches(log) for _, _, matches in filters)]
    twin = client.get(f"/w/{slug}/logs.json?{query}").json()["data"]
    page = client.get(f"/w/{slug}/logs/?{query}").content.decode()
    assert [log["id"] for log in twin] == wanted
    assert re.findall(r'data-log-id="([^"]+)"', page) == wanted
    assert exported(workspace, people.alice, query) == wanted
    counted = client.get(f"/w/{slug}/logs/count/?{query}").content.decode()
    assert re.findall(r"\d+", counted) == [str(len(wanted))]
    if records:
        totals = client.get(f"/w/{slug}/logs/glance/histogram/?{query}").content.decode()
        assert re.findall(r"<dt>Requests</dt><dd>(\d+)</dd>", totals) == [str(len(wanted))]


def exported(workspace: Workspace, person: User, query: str) -> list[str]:
    export = Export(workspace=workspace, created_by=person, fields=["id"], query=query)
    export.save()
    assert export.start()
    while work.work():
        pass
    return [json.loads(line)["id"] for line in export.path.read_bytes().splitlines()]
