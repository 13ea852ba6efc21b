"""Links from a value to the logs that have it, and to those that do not."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote_plus

import pytest
from django.http import QueryDict
from django.test import Client

from logs.explorer import filters
from logs.explorer.filters.address import Address
from logs.models import Log
from tests.factories import People


def after(link: str) -> str:
    return unquote_plus(link.partition("?")[2])


@pytest.mark.parametrize(
    ("now", "value", "only", "without"),
    [
        ("", "gpt", "model=gpt", "model=!gpt"),
        ("user=u", "gpt", "user=u&model=gpt", "user=u&model=!gpt"),
        ("model=o1", "gpt", "model=gpt", "model=!gpt"),
        ("model=!o1", "gpt", "model=gpt", "model=!o1,gpt"),
        ("model=!gpt", "gpt", "model=gpt", "model=!gpt"),
        ("model=gpt,o1", "gpt", "model=gpt", "model=o1"),
        ("model=gpt", "gpt", "model=gpt", "model=!gpt"),
        ("model=%22broken", "gpt", "model=gpt", "model=!gpt"),
        ("", 'a, "b"', 'model="a, \\"b\\""', 'model=!"a, \\"b\\""'),
        ("", "!a*", 'model="!a*"', 'model=!"!a*"'),
    ],
)
def test_narrowing(now: str, value: str, only: str, without: str) -> None:
    address = Address("/w/acme/logs/", QueryDict(now))
    assert after(address.only("model", value)) == only
    assert after(address.without("model", value)) == without


def test_every_value_of_a_row_and_of_the_panel_leads_to_its_logs(client: Client, people: People, store: Any) -> None:
    hostile = '"><script>x</script>, !*'
    (record, other) = store({"user": hostile, "metadata": {"a b": hostile}}, {"provider": "anthropic", "user": "ada"})
    client.force_login(people.alice)
    page = client.get(f"/w/acme/logs/{record.id}/?since=7d").content.decode()
    links = {
        link.replace("&amp;", "&")
        for part in re.findall(r'<span class="narrow">.*?</span>', page)
        for link in re.findall(r'<a href="([^"]+)"', part)
    }
    assert all("since=7d" in link for link in links)
    names = {after(link).split("&")[-1].split("=")[0] for link in links}
    assert names >= {
        "user",
        "model",
        "provider",
        "type",
        "status",
        "cache",
        "fallback",
        "trace_id",
        "source",
        "meta.a b",
    }
    for link in links:
        params = QueryDict(link.partition("?")[2])
        selection = filters.select(Log.objects.in_workspace(people.workspace), params)
        assert selection.is_valid
        name = list(params)[-1]
        found = set(selection.queryset.values_list("id", flat=True))
        if name in ("user", "provider", "meta.a b"):
            assert found in ({record.id}, {other.id})
