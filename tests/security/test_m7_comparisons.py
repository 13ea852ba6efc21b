"""M7: comparing versions, requests and answers takes a bounded time, whatever they are."""

from __future__ import annotations

import json
import re
from time import process_time

import pytest
from django.test import Client

from portkey_logs.accounts.models import Actor
from portkey_logs.catalog.models import Config
from portkey_logs.lib import diff
from replay import compare
from tests.factories import PASSWORD, People

MAX_SECONDS = 4.0  # 200 lines took 2.3 s, 400 lines 43 s


def config(targets: int, name: str) -> dict[str, object]:
    return {
        "strategy": {"mode": "loadbalance"},
        "targets": [
            {"virtual_key": "openai-prod", "override_params": {"model": f"{name}-{at}"}} for at in range(targets)
        ],
    }


@pytest.mark.parametrize("targets", [20, 199])
def test_versions_of_a_config_are_compared_line_by_line(client: Client, people: People, targets: int) -> None:
    assert client.login(username="alice@example.org", password=PASSWORD)
    by = Actor(people.alice)
    made = Config.create(people.workspace, "Routes", config(targets, "first"), by=by)
    made.save_version(config(targets, "second"), by=by, description="", after=1)
    start = process_time()
    answer = client.get(f"/w/acme/configs/{made.slug}/?against=1")
    assert process_time() - start < MAX_SECONDS
    page = re.sub(r"<span\s+class", "<span class", answer.content.decode())
    assert answer.status_code == 200
    assert f'<del><span class="sr">removed: </span>        &quot;model&quot;: &quot;first-{targets - 1}&quot;' in page
    assert f'<ins><span class="sr">added: </span>        &quot;model&quot;: &quot;second-{targets - 1}&quot;' in page


def test_versions_that_are_too_long_are_shown_as_they_are(client: Client, people: People) -> None:
    assert client.login(username="alice@example.org", password=PASSWORD)
    by = Actor(people.alice)
    many = {"retry": {"attempts": 2, "on_status_codes": [429] * 12_000}, "provider": "openai"}
    made = Config.create(people.workspace, "Long", many, by=by)
    made.save_version(many | {"provider": "anthropic"}, by=by, description="", after=1)
    start = process_time()
    answer = client.get(f"/w/acme/configs/{made.slug}/?against=1")
    assert process_time() - start < MAX_SECONDS
    assert answer.status_code == 200
    assert "too long to be compared line by line" in answer.content.decode()


def test_lines() -> None:
    found = diff.lines("a\nb\nc", "a\nx\nc")
    assert found is not None
    assert [(each.kind, each.text) for each in found] == [
        ("same", "a"), ("removed", "b"), ("added", "x"), ("same", "c"),
    ]  # fmt: skip


NESTED = {
    "wide lists in lists": [[[number] * 40 for number in range(200)] for _ in range(100)],
    "long lists": [[number % 7 for number in range(10_000)] for _ in range(100)],
    "many members": {f"key{number}": {"a": [number]} for number in range(50_000)},
}


@pytest.mark.parametrize("name", NESTED)
def test_requests_are_compared_within_a_bound(name: str) -> None:
    before = NESTED[name]
    after = json.loads(json.dumps(before).replace("1", "2").replace("5", "6"))
    start = process_time()
    found = diff.changes(before, after)
    drawn = compare.draw(found)
    assert process_time() - start < MAX_SECONDS
    assert found
    assert len(drawn) <= compare.MAX_CHANGES


def test_what_is_drawn_of_many_long_changes_is_bounded() -> None:
    words = [f"word{number} " for number in range(4_000)]
    before = {f"text{number}": "".join(words) for number in range(60)}
    after = {f"text{number}": "".join(reversed(words)) for number in range(60)}
    start = process_time()
    drawn = compare.draw(diff.changes(before, after))
    assert process_time() - start < MAX_SECONDS
    assert 0 < len(drawn) < 20


def test_a_deep_value_is_not_indented_without_end() -> None:
    deep: object = [1] * 20_000
    for _ in range(150):
        deep = [deep]
    (drawn,) = compare.draw(diff.changes({"a": 1}, {"a": deep}))
    assert sum(len(each.text) for each in drawn.shown.stretches + drawn.shown.after) < 2 * compare.MAX_CHARACTERS
