"""Configs, prompts and virtual keys: versions that never change, secrets that nobody sees again."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from pytest_django.fixtures import Settings

from portkey_logs.accounts.models import Actor, AuditEvent
from portkey_logs.catalog.models import Config, ConfigVersion, Invalid, Prompt, VirtualKey
from portkey_logs.catalog.prompts import PromptSource
from portkey_logs.catalog.secrets import Unreadable
from tests.catalog.configs import FALLBACK, TARGET
from tests.factories import People

SECRET = "sk-virtual-key-0123456789abcdef"
GREETING = PromptSource(template=[{"role": "user", "content": "Greet {{name}}"}], model="gpt-4o")


@pytest.fixture
def alice(people: People) -> Actor:
    return Actor(people.alice)


def database_text() -> str:
    """Everything that the catalog's tables and the audit hold."""
    with connection.cursor() as cursor:
        texts = []
        for table in ("config", "config_version", "prompt", "prompt_version", "virtual_key", "accounts_auditevent"):
            cursor.execute(f"SELECT row_to_json(t)::text FROM {table} t")
            texts += [row[0] for row in cursor.fetchall()]
    return "\n".join(texts)


# --- configs ---------------------------------------------------------------------------------------------


def test_versions_of_a_config(people: People, alice: Actor) -> None:
    config = Config.create(people.workspace, "Fallback über alles", {"retry": {"attempts": 1}}, by=alice)
    assert re.fullmatch(r"pc-fallba-[0-9a-f]{6}", config.slug)
    first = config.current
    second = config.save_version({"retry": {"attempts": 2}}, by=alice, description="more patience")
    assert config.save_version({"retry": {"attempts": 2}}, by=alice) == second
    assert [version.number for version in config.versions.all()] == [2, 1]
    first.refresh_from_db()
    config.refresh_from_db()
    assert (first.body, config.current, second.created_by) == ({"retry": {"attempts": 1}}, second, people.alice)
    assert [event.action for event in AuditEvent.objects.filter(subject=config.slug)] == ["config.save_version"] * 2


def test_an_older_config_comes_back_as_a_new_version(people: People, alice: Actor) -> None:
    config = Config.create(people.workspace, "c", {"retry": {"attempts": 1}}, by=alice)
    config.save_version({"retry": {"attempts": 2}}, by=alice)
    third = config.save_version({"retry": {"attempts": 1}}, by=alice)
    assert (third.number, config.current) == (3, third)


def test_a_config_keeps_the_order_of_its_keys_and_any_character(people: People, alice: Actor) -> None:
    body = {"retry": {"on_status_codes": [500], "attempts": 1}, "zz": "\0\ud800", "a": 1}
    config = Config.create(people.workspace, "c", body, by=alice)
    version = ConfigVersion.objects.get(config=config)
    assert version.body == body
    assert list(version.body) == ["retry", "zz", "a"]


def test_secrets_in_a_config_are_taken_out(people: People, alice: Actor) -> None:
    config = Config.create(people.workspace, "c", FALLBACK, by=alice)
    assert TARGET["api_key"] not in database_text()
    version = ConfigVersion.objects.get(config=config)
    assert version.body["targets"][0]["api_key"] == "sk********def"
    assert version.reveal() == FALLBACK
    assert TARGET["api_key"] not in version.text


def test_masks_that_come_back_mean_the_secrets_behind_them(people: People, alice: Actor) -> None:
    config = Config.create(people.workspace, "c", FALLBACK, by=alice)
    shown = config.current.body
    assert config.save_version(shown, by=alice) == config.current  # nothing changed
    edited = {"strategy": {"mode": "single"}, "targets": [shown["targets"][1]["targets"][1]]}  # moved
    version = config.save_version(edited, by=alice)
    assert version.reveal()["targets"][0]["api_key"] == TARGET["api_key"]
    with pytest.raises(Invalid, match="masked") as refused:
        config.save_version({**TARGET, "api_key": "ab********xyz"}, by=alice)
    assert refused.value.findings[0].path == "api_key"


@pytest.mark.parametrize(
    "edit",
    [
        lambda target: target | {"custom_host": "https://e.example/v1"},
        lambda target: target | {"customHost": "https://e.example/v1"},
        lambda target: target | {"provider": "azure-openai", "resource_name": "e"},
        lambda target: {"custom_host": "https://e.example/v1", "strategy": {"mode": "single"}, "targets": [target]},
        lambda target: TARGET | {"override_params": {"messages": [{"role": "user", "content": target["api_key"]}]}},
        lambda target: TARGET | {"override_params": {"api_key": target["api_key"]}},
        lambda target: TARGET | {"output_guardrails": [{"default.webhook": {"api_key": target["api_key"]}}]},
    ],
)
def test_a_secret_behind_a_mask_goes_nowhere_else(edit: Any, people: People, alice: Actor) -> None:
    """Who may edit a config may use its secrets, and not have them."""
    config = Config.create(people.workspace, "c", TARGET, by=alice)
    with pytest.raises(Invalid, match="masked"):
        config.save_version(edit(config.current.body), by=alice)
    kept = config.save_version(config.current.body | {"retry": {"attempts": 2}}, by=alice)
    assert kept.reveal()["api_key"] == TARGET["api_key"]


def test_an_invalid_config_is_not_saved(people: People, alice: Actor) -> None:
    with pytest.raises(Invalid, match="targets: is missing"):
        Config.create(people.workspace, "c", {"strategy": {"mode": "fallback"}}, by=alice)
    assert not Config.objects.exists()
    config = Config.create(people.workspace, "c", TARGET, by=alice)
    for body in (None, {"retry": 5}, {**TARGET, "note": "x" * 200_000}):
        with pytest.raises(Invalid):
            config.save_version(body, by=alice)
    assert config.versions.count() == 1


def test_slugs_are_unique_in_a_workspace_and_may_be_chosen(people: People, alice: Actor) -> None:
    config = Config.create(people.workspace, "c", TARGET, by=alice, slug="pc-from-a-log")
    assert config.slug == "pc-from-a-log"
    Config.create(people.elsewhere, "c", TARGET, by=alice, slug="pc-from-a-log")
    for slug in ("pc-from-a-log", "a b", "-x", "x" * 101, "ä", "new", "save"):
        with pytest.raises(Invalid, match="slug"):
            Config.create(people.workspace, "c", TARGET, by=alice, slug=slug)
    with pytest.raises(IntegrityError), transaction.atomic():
        Config.objects.create(workspace=people.workspace, name="c", slug="pc-from-a-log")


def test_what_is_archived_is_out_of_use_and_comes_back(people: People, alice: Actor) -> None:
    config = Config.create(people.workspace, "c", TARGET, by=alice)
    mine = Config.objects.in_workspace(people.workspace)
    config.archive(alice)
    assert (list(mine.active()), list(mine.archived()), config.is_archived) == ([], [config], True)
    config.restore(alice)
    assert list(mine.active()) == [config]
    assert not Config.objects.in_workspace(people.elsewhere).exists()


# --- prompts ---------------------------------------------------------------------------------------------


def test_versions_of_a_prompt(people: People, alice: Actor) -> None:
    prompt = Prompt.create(people.workspace, "Greeting", GREETING, by=alice, virtual_key="openai-prod", label="first")
    assert re.fullmatch(r"pp-greeti-[0-9a-f]{6}", prompt.slug)
    first = prompt.published
    second = prompt.save_version(PromptSource(template="Say {{what}}"), by=alice, config="pc-1")
    prompt.refresh_from_db()
    assert prompt.published == first
    prompt.publish(second, by=alice)
    prompt.refresh_from_db()
    assert (prompt.published.number, prompt.published.source.template) == (2, "Say {{what}}")
    first.refresh_from_db()
    assert (first.source, first.virtual_key, first.label) == (GREETING, "openai-prod", "first")


@pytest.mark.parametrize("template", ["{{#open}}", "", [], "x" * 1_100_000])
def test_a_template_that_cannot_be_rendered_is_refused(people: People, alice: Actor, template: Any) -> None:
    with pytest.raises(Invalid, match="string"):
        Prompt.create(people.workspace, "p", PromptSource(template=template), by=alice)
    assert not Prompt.objects.exists()


# --- virtual keys ----------------------------------------------------------------------------------------


def make(people: People, alice: Actor, **more: Any) -> VirtualKey:
    return VirtualKey.create(people.workspace, "OpenAI production", "openai", SECRET, by=alice, **more)


def test_a_virtual_key_shows_its_secret_to_nobody(people: People, alice: Actor) -> None:
    key = make(people, alice, note="for tests")
    assert re.fullmatch(r"openai-production-[0-9a-f]{6}", key.slug)
    assert (key.hint, key.open_secret(), key.provider_name) == ("sk********def", SECRET, "OpenAI")
    assert SECRET not in database_text()
    key.rotate_secret("sk-another-secret-0123456789", by=alice)
    key.refresh_from_db()
    assert key.open_secret() == "sk-another-secret-0123456789"
    assert "another" not in database_text()


def test_expired_and_archived_keys_are_not_active(people: People, alice: Actor) -> None:
    key = make(people, alice, slug="openai-prod", expires_at=timezone.now() + timedelta(hours=1))
    assert key.is_active
    assert list(VirtualKey.objects.active()) == [key]
    key.change(by=alice, expires_at=timezone.now())
    assert not key.is_active
    assert list(VirtualKey.objects.active()) == []
    key.change(by=alice, expires_at=None)
    key.archive(alice)
    assert list(VirtualKey.objects.active()) == []


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"provider": "nope"}, "provider"),
        ({"secret": " "}, "key"),
        ({"name": " "}, "name"),
        ({"custom_host": "http://169.254.169.254/"}, "custom_host"),
        ({"options": {"api_key": "sk-sneaked-in"}}, "options.api_key"),
        ({"options": {"openai_project": 5}}, "options.openai_project"),
        ({"provider": "vertex-ai", "options": {"vertex_project_id": "p"}}, ""),
        ({"note": "x" * 1001}, "note"),
    ],
)
def test_what_is_wrong_with_a_virtual_key(people: People, alice: Actor, changes: dict[str, Any], path: str) -> None:
    values = {"name": "n", "provider": "openai", "secret": SECRET} | changes
    with pytest.raises(Invalid) as refused:
        VirtualKey.create(people.workspace, by=alice, **values)
    assert [finding.path for finding in refused.value.findings] == [path]


# --- encryption ------------------------------------------------------------------------------------------


def test_rotating_the_encryption_key(people: People, alice: Actor, settings: Settings) -> None:
    key, config = make(people, alice), Config.create(people.workspace, "c", FALLBACK, by=alice)
    old, new = settings.ENCRYPTION_KEYS, Fernet.generate_key().decode()
    settings.ENCRYPTION_KEYS = [new, *old]
    assert key.open_secret() == SECRET
    call_command("rotate_encryption")
    settings.ENCRYPTION_KEYS = [new]
    key.refresh_from_db()
    config.current.refresh_from_db()
    assert key.open_secret() == SECRET
    assert config.current.reveal() == FALLBACK
    settings.ENCRYPTION_KEYS = old
    with pytest.raises(Unreadable, match="PORTKEY_LOGS_ENCRYPTION_KEYS"):
        key.open_secret()
    with pytest.raises(CommandError, match="Nothing was changed"):
        call_command("rotate_encryption")
