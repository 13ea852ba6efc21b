"""The vocabularies of a log: every reader of one (column, filter, label, docs) has the same values."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from logs.explorer import filters
from logs.llm import vocabulary
from logs.models import CoreSums, Log
from portkey_logs.lib import uuid7
from tests.factories import PASSWORD, People

DOCS = Path(__file__).parents[3] / "docs"
# Filter -> column and vocabulary.
FILTERS: dict[str, tuple[str, type[vocabulary.Vocabulary]]] = {
    "source": ("source", vocabulary.Source),
    "completeness": ("completeness", vocabulary.Completeness),
    "type": ("request_type", vocabulary.RequestType),
    "cache": ("cache_status", vocabulary.CacheStatus),
    "retry": ("retry_status", vocabulary.RetryStatus),
    "fallback": ("fallback_status", vocabulary.FallbackStatus),
    "loadbalance": ("loadbalance_status", vocabulary.LoadbalanceStatus),
}


@pytest.mark.parametrize("name", FILTERS)
def test_column_and_filter_take_the_members(name: str) -> None:
    column, members = FILTERS[name]
    assert list(Log._meta.get_field(column).choices or ()) == members.choices()
    assert list(filters.LogFilterSet.base_filters[name].field.choices) == [member.value for member in members]
    if hasattr(CoreSums, column):
        assert list(CoreSums._meta.get_field(column).choices or ()) == members.choices()


@pytest.mark.parametrize("name", FILTERS)
def test_the_docs_name_the_members(name: str) -> None:
    (row,) = [line for line in (DOCS / "filters.md").read_text().splitlines() if line.startswith(f"| `{name}` |")]
    values = re.findall(r"`(\w+)`", row.split("|")[3])
    assert values == [member.value for member in FILTERS[name][1]]


@pytest.mark.parametrize(
    ("field", "members"),
    [
        ("completeness", vocabulary.Completeness),
        ("source", vocabulary.Source),
        ("tokens.origin", vocabulary.TokensOrigin),
    ],
)
def test_the_docs_of_the_api_name_the_members(field: str, members: type[vocabulary.Vocabulary]) -> None:
    listed = re.search(rf"`{re.escape(field)}`:\s((?:`\w+`[,\s]*)+)", (DOCS / "api.md").read_text())
    assert listed
    assert re.findall(r"`(\w+)`", listed[1]) == [member.value for member in members]


def test_every_member_has_a_label_and_every_state_a_meaning() -> None:
    for members in (*vocabulary.Vocabulary.__subclasses__(), *vocabulary.GatewayState.__subclasses__()):
        labels = [member.label for member in members]
        assert all(labels)
        assert len(set(labels)) == len(labels)
    for states in vocabulary.GATEWAY_STATES.values():
        assert all(state.meaning for state in states)


@pytest.mark.usefixtures("inline_writer")
@pytest.mark.parametrize("source", list(vocabulary.Source))
def test_the_source_in_the_panel_links_to_the_logs_of_that_source(
    source: vocabulary.Source, client: Client, people: People, store: Any
) -> None:
    (record,) = store({"source": source, "id": uuid7.uuid7()})
    client.login(username="alice@example.org", password=PASSWORD)
    panel = client.get(f"/w/acme/logs/{record.id}/").content.decode()
    link = re.search(r'href="([^"]*\?source=[^"]*)"', panel)
    assert link
    listed = client.get(link[1])
    assert listed.status_code == 200
    assert f'data-log-id="{record.id}"' in listed.content.decode()
    assert source.label in panel
