"""What capture holds in memory: read again only when something changed, there without the database, secrets sealed."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from portkey_logs.accounts.models import Actor
from portkey_logs.catalog.catalog_cache import Registry, Shelves, _Loader
from portkey_logs.catalog.models import Config, Prompt, VirtualKey
from portkey_logs.catalog.prompts import PromptSource
from portkey_logs.catalog.sealed import open_config
from tests.catalog.configs import FALLBACK, TARGET
from tests.factories import People

SECRET = "sk-virtual-key-0123456789abcdef"


def registry(folder: Path, load: Any = None) -> Registry:
    return Registry("the catalog", load or _Loader(), lambda: folder / "catalog.json", Shelves, {})


@pytest.fixture
def items(people: People) -> tuple[VirtualKey, Config, Prompt]:
    by = Actor(people.alice)
    key = VirtualKey.create(people.workspace, "k", "openai", SECRET, by=by, slug="openai-prod")
    config = Config.create(people.workspace, "c", {**FALLBACK, "zz": "\ud800\0"}, by=by, slug="pc-1")
    prompt = Prompt.create(people.workspace, "p", PromptSource(template="\ud800 {{x}}"), by=by, slug="pp-1")
    return key, config, prompt


def test_what_it_holds(people: People, items: tuple[VirtualKey, Config, Prompt], tmp_path: Path) -> None:
    held = registry(tmp_path)
    held.refresh()
    shelf = held.shelf(people.workspace.pk)
    assert open_config(shelf.keys["openai-prod"].target()) == {"provider": "openai", "api_key": SECRET}
    assert open_config(shelf.configs["pc-1"].with_secrets()) == {**FALLBACK, "zz": "\ud800\0"}
    assert shelf.configs["pc-1"].version_id == str(items[1].current.pk)
    assert shelf.prompts["pp-1"].version("").read().template == "\ud800 {{x}}"
    assert held.shelf(people.elsewhere.pk).keys == {}


def test_a_round_without_changes_costs_one_query(
    people: People,
    items: tuple[VirtualKey, Config, Prompt],
    tmp_path: Path,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    held, by = registry(tmp_path), Actor(people.alice)
    held.refresh()
    with django_assert_num_queries(1):
        held.refresh()
    _, config, prompt = items
    config.save_version(TARGET, by=by)
    prompt.save_version(PromptSource(template="new"), by=by)
    items[0].archive(by)
    held.refresh()
    shelf = held.shelf(people.workspace.pk)
    assert open_config(shelf.configs["pc-1"].with_secrets()) == TARGET
    assert (shelf.prompts["pp-1"].version("latest").number, shelf.prompts["pp-1"].version("").number) == (2, 1)
    assert shelf.prompts["pp-1"].version("3") is None
    assert shelf.keys["openai-prod"].archived
    people.workspace.delete()
    held.refresh()
    assert held.shelf(people.workspace.pk).configs == {}


def test_it_starts_without_the_database(
    people: People, items: tuple[VirtualKey, Config, Prompt], tmp_path: Path
) -> None:
    registry(tmp_path).refresh()
    path = tmp_path / "catalog.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert SECRET not in path.read_text()
    assert TARGET["api_key"] not in path.read_text()

    def away() -> Shelves:
        raise ConnectionError("the database is away")

    held = registry(tmp_path, away)
    held.refresh()
    assert held.age is None
    assert open_config(held.shelf(people.workspace.pk).keys["openai-prod"].target())["api_key"] == SECRET
