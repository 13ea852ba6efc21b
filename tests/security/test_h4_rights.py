"""H4: only who has the right may change what production calls, by page, by API key, or by another's key."""

from __future__ import annotations

import json
import re
from itertools import product
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from portkey_logs.accounts import api_key_cache, permissions
from portkey_logs.accounts.models import Actor, ApiKey, Invitation, Membership
from portkey_logs.accounts.permissions import Right, Standing
from portkey_logs.catalog.models import Config, Prompt, VirtualKey
from portkey_logs.catalog.prompts import PromptSource
from tests.factories import People, make_key

STANDINGS = {
    "owner": Standing("owner"),
    "admin": Standing("admin"),
    "member with the right": Standing("member", may_manage_catalog=True),
    "member": Standing("member"),
    "no member": Standing("", may_manage_catalog=True),
}


def rows(heading: str) -> list[list[str]]:
    """The cells of the first table below a heading of docs/rights.md."""
    text = (settings.BASE_DIR / "docs" / "rights.md").read_text().split(heading, 1)[1]
    table = re.search(r"(?:^\|.*\n)+", text, re.M)
    assert table
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[0].splitlines()]


def test_the_table_of_the_docs_is_what_the_rule_says() -> None:
    head, _, *body = rows("# Rights")
    assert [row[0].strip("`") for row in body] == [right.value for right in Right]
    for row, (column, name) in product(body, enumerate(head)):
        if name in STANDINGS:
            said = row[column] == "yes"
            assert permissions.allows(STANDINGS[name], Right(row[0].strip("`"))) is said, (row[0], name)
            assert bool(permissions.refusal(STANDINGS[name], Right(row[0].strip("`")))) is not said


def test_the_table_of_scopes_names_every_scope() -> None:
    _, _, *body = rows("## Scopes of API keys")
    said = {scope: right.strip("`") for scopes, right in body for scope in re.findall(r"`([^`]+)`", scopes)}
    assert said == {scope: permissions.right_of_scope(scope).value for scope in ApiKey.SCOPES}


@pytest.fixture
def bob(people: People) -> Client:
    client = Client()
    client.force_login(people.bob)
    return client


@pytest.fixture
def config(people: People) -> Config:
    return Config.create(people.workspace, "Safe", {"virtual_key": "openai"}, by=Actor(people.alice), slug="pc-safe")


@pytest.fixture
def key(people: People) -> VirtualKey:
    return VirtualKey.create(
        people.workspace, "OpenAI", "openai", "sk-0123456789abcdefghij", by=Actor(people.alice), slug="openai"
    )


@pytest.fixture
def prompt(people: People) -> Prompt:
    prompt = Prompt.create(
        people.workspace, "Greet", PromptSource(template="Hi {{name}}"), by=Actor(people.alice), slug="pp-greet"
    )
    prompt.save_version(PromptSource(template="Hello {{name}}"), by=Actor(people.alice))
    return prompt


CONFIG = {"name": "Mine", "slug": "", "body": '{"virtual_key": "openai"}', "description": "", "after": "1"}
VIRTUAL_KEY = {"name": "Mine", "provider": "openai", "key": "sk-0123456789abcdefghij", "slug": ""}
CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}]}
POSTS: dict[str, dict[str, str]] = {
    "configs/new/": CONFIG,
    "configs/pc-safe/edit/": CONFIG | {"body": '{"virtual_key": "other"}'},
    "configs/pc-safe/archive/": {"archive": "1"},
    "virtual-keys/new/": VIRTUAL_KEY,
    "virtual-keys/openai/change/": {
        "name": "Mine",
        "custom_host": "https://h.example/v1",
        "key": "sk-another-0123456789",
    },
    "virtual-keys/openai/rotate/": {"key": "sk-another-0123456789"},
    "virtual-keys/openai/archive/": {"archive": "1"},
    "prompts/save/": {"name": "Mine", "body": json.dumps(CHAT)},
    "prompts/pp-greet/archive/": {},
}


def state() -> Any:
    """All of the catalog."""
    return [list(model.objects.order_by("pk").values()) for model in (Config, VirtualKey, Prompt)] + [
        Config.objects.get(slug="pc-safe").versions.count(),
        Prompt.objects.get(slug="pp-greet").versions.count(),
    ]


@pytest.mark.usefixtures("config", "key", "prompt")
class TestPages:
    @pytest.mark.parametrize("is_htmx", [False, True])
    @pytest.mark.parametrize("path", POSTS)
    def test_a_member_without_the_right_saves_nothing(self, bob: Client, path: str, is_htmx: bool) -> None:
        before = state()
        answer = bob.post(f"/w/acme/{path}", POSTS[path], headers={"hx-request": "true"} if is_htmx else None)
        assert answer.status_code == 403
        assert "An owner or an admin can give you that right" in answer.text
        assert state() == before

    def test_nor_publishes(self, bob: Client, prompt: Prompt) -> None:
        latest = prompt.versions.first()
        assert latest
        before = state()
        assert bob.post(reverse("prompt_publish", args=["acme", "pp-greet", latest.pk])).status_code == 403
        assert state() == before

    @pytest.mark.parametrize("path", POSTS)
    def test_with_the_right_each_of_them_saves(self, people: People, bob: Client, path: str) -> None:
        Membership.objects.filter(user=people.bob).update(may_manage_catalog=True)
        before = state()
        assert bob.post(f"/w/acme/{path}", POSTS[path]).status_code in (302, 303)
        assert state() != before

    @pytest.mark.parametrize(
        ("path", "words"),
        [
            ("configs/", "New config"),
            ("configs/pc-safe/", "Archive"),
            ("configs/pc-safe/", "Edit"),
            ("virtual-keys/", "New virtual key"),
            ("virtual-keys/openai/", "Archive"),
            ("prompts/", "New prompt"),
            ("prompts/pp-greet/", "Publish"),
            ("prompts/pp-greet/", "Archive this prompt"),
            ("prompts/pp-greet/", "Save as version 3"),
            ("playground/", "Save"),
        ],
    )
    def test_its_button_is_inactive_and_says_why(self, people: People, bob: Client, path: str, words: str) -> None:
        page = " ".join(bob.get(f"/w/acme/{path}").text.split())
        button = re.search(rf"<button[^>]*>(?:\s*<svg.*?</svg>)?\s*{words}\s*</button>", page)
        assert button
        described = re.search(r'disabled aria-describedby="([^"]+)"', button[0])
        assert described
        reason = re.search(rf'id="{described[1]}" ?>([^<]+)<', page)
        assert reason
        assert "An owner or an admin can give you that right." in reason[1]
        Membership.objects.filter(user=people.bob).update(may_manage_catalog=True)
        assert 'aria-describedby="why-not-save' not in bob.get(f"/w/acme/{path}").text

    def test_a_run_in_the_playground_is_no_saving(self, bob: Client) -> None:
        answer = bob.post("/w/acme/playground/run/", {"path": "/v1/chat/completions", "body": json.dumps(CHAT)})
        assert answer.status_code != 403


CALLS: list[tuple[str, str, str, dict[str, Any]]] = [
    ("POST", "/v1/configs", "configs.create", {"name": "x", "config": {"virtual_key": "openai"}}),
    ("PUT", "/v1/configs/pc-safe", "configs.update", {"config": {"virtual_key": "groq"}}),
    ("DELETE", "/v1/configs/pc-safe", "configs.delete", {}),
    ("POST", "/v1/prompts", "prompts.create", {"name": "x", "string": "Hi"}),
    ("PUT", "/v1/prompts/pp-greet", "prompts.update", {"string": "Hi"}),
    ("PUT", "/v1/prompts/pp-greet/makeDefault", "prompts.publish", {"version": 2}),
    ("DELETE", "/v1/prompts/pp-greet", "prompts.delete", {}),
    ("POST", "/v1/virtual-keys", "virtual_keys.create", {"name": "x", "provider": "openai", "key": "sk-01234567890"}),
    ("PUT", "/v1/virtual-keys/openai", "virtual_keys.update", {"note": "n"}),
    ("PUT", "/v1/providers/openai", "virtual_keys.update", {"key": "sk-01234567890"}),
    ("DELETE", "/v1/virtual-keys/openai", "virtual_keys.delete", {}),
]


def call(client: Client, key: str, method: str, path: str, body: dict[str, Any] | None = None) -> int:
    api_key_cache.keyring.refresh()
    answer = client.generic(method, path, json.dumps(body or {}), headers={"x-portkey-api-key": key})
    return answer.status_code


@pytest.mark.usefixtures("config", "key", "prompt")
@pytest.mark.parametrize(("method", "path", "scope", "body"), CALLS)
def test_a_key_changes_the_catalog_only_while_its_owner_may(
    people: People, client: Client, method: str, path: str, scope: str, body: dict[str, Any]
) -> None:
    mine = Membership.objects.filter(user=people.bob)
    key = make_key(people.workspace, created_by=people.bob, scopes=(scope, "logs.view"))[1]
    before = state()
    assert call(client, key, method, path, body) == 403
    assert state() == before
    assert call(client, key, "GET", "/v1/logs") == 200  # what they may themselves it does
    mine.update(may_manage_catalog=True)
    assert call(client, key, method, path, body) == 200


def test_a_key_does_less_at_once_when_its_owner_s_role_is_lowered(
    people: People, client: Client, config: Config
) -> None:
    mine = Membership.objects.get(user=people.bob)
    alice = Membership.objects.get(user=people.alice)
    alice.give_role(mine, "admin", may_manage_catalog=False)
    key = make_key(people.workspace, created_by=people.bob, scopes=("configs.update",))[1]
    assert call(client, key, "PUT", "/v1/configs/pc-safe", {"name": "Other"}) == 200
    alice.give_role(mine, "member", may_manage_catalog=False)
    assert call(client, key, "PUT", "/v1/configs/pc-safe", {"name": "Again"}) == 403


def test_a_key_of_the_command_line_has_no_owner_and_keeps_its_scopes(people: People, client: Client) -> None:
    key = make_key(people.workspace, scopes=("configs.create",))[1]
    assert call(client, key, "POST", "/v1/configs", {"name": "x", "config": {"virtual_key": "openai"}}) == 200


class TestGiving:
    def test_members_have_it_not_unless_it_is_given(self, people: People) -> None:
        assert not Membership.objects.get(user=people.bob).can_save
        assert Membership.objects.get(user=people.alice).can_save

    def test_an_owner_gives_it_on_the_members_page(self, people: People, client: Client) -> None:
        client.force_login(people.alice)
        mine = Membership.objects.get(user=people.bob)
        assert 'name="may_manage_catalog"' in client.get(f"/w/acme/members/{mine.pk}/").text
        path = f"/w/acme/members/{mine.pk}/role/"
        client.post(path, {"role": "member", "may_manage_catalog": "1"})
        assert Membership.objects.get(user=people.bob).can_save
        client.post(path, {"role": "member"})
        assert not Membership.objects.get(user=people.bob).can_save

    def test_a_member_gives_it_to_nobody(self, people: People, bob: Client) -> None:
        mine = Membership.objects.get(user=people.bob)
        answer = bob.post(f"/w/acme/members/{mine.pk}/role/", {"role": "member", "may_manage_catalog": "1"})
        assert answer.status_code == 403
        assert not Membership.objects.get(user=people.bob).can_save

    @pytest.mark.parametrize("given", [True, False])
    def test_an_invitation_brings_it_or_not(self, people: People, client: Client, given: bool) -> None:
        client.force_login(people.alice)
        form = {"role": "member", "note": ""} | ({"may_manage_catalog": "on"} if given else {})
        page = client.post("/w/acme/members/", form).text
        link = re.search(r"/accounts/invite/[^\"/]+/", page)
        assert link
        client.force_login(people.charlie)
        client.post(link[0])
        assert Membership.objects.get(user=people.charlie, organisation=people.acme).can_save is given


@pytest.mark.parametrize("change", ["removed", "lowered"])
def test_an_invitation_dies_with_its_maker_s_right(people: People, change: str) -> None:
    admin = Membership.objects.get(user=people.bob)
    Membership.objects.filter(pk=admin.pk).update(role="admin")
    invitation, _ = Invitation.issue(people.acme, people.bob, "admin")
    assert invitation.is_open
    # However it came about: not by the page, which withdraws them.
    if change == "removed":
        admin.delete()
    else:
        Membership.objects.filter(pk=admin.pk).update(role="member")
    assert not Invitation.objects.get().is_open
    assert not Invitation.objects.get().accept(people.charlie)
    assert not Membership.objects.filter(user=people.charlie, organisation=people.acme).exists()


def test_scopes_beyond_one_s_own_cannot_be_given(people: People, client: Client, monkeypatch: Any) -> None:
    from portkey_logs.accounts.forms import ApiKeyForm

    values = {"name": "x", "scopes": ["configs.create"]}
    assert not ApiKeyForm(values, maker=Standing("member")).is_valid()
    assert ApiKeyForm(values, maker=Standing("member", may_manage_catalog=True)).is_valid()
