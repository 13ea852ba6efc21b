"""Configs and virtual keys in the browser: who sees and may do what, versions that stay, secrets that never show."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import get_resolver
from django.utils import timezone

from logs.llm.gateway_status import GatewayStatus
from logs.record import LogRecord
from portkey_logs.accounts.models import Actor, ApiKey, Membership, User
from portkey_logs.catalog import slugs
from portkey_logs.catalog.models import Config, Prompt, VirtualKey
from portkey_logs.catalog.prompts import PromptSource
from tests.factories import People, make_key

SECRET = "sk-proj-0123456789abcdefghij"
BODY = {"strategy": {"mode": "fallback"}, "targets": [{"virtual_key": "openai-prod"}, {"virtual_key": "other"}]}

SEEN = [
    "configs/",
    "configs/pc-safe/",
    "virtual-keys/",
    "virtual-keys/openai/",
]
MANAGED = ["virtual-keys/new/", "configs/new/", "configs/pc-safe/edit/"]
POSTS = ["configs/pc-safe/archive/"]
MANAGED_POSTS = [
    f"virtual-keys/{name}" for name in ("new/", "openai/change/", "openai/rotate/", "openai/test/", "openai/archive/")
]


@pytest.fixture
def config(people: People) -> Config:
    return Config.create(people.workspace, "Safe chat", BODY, by=Actor(people.alice), slug="pc-safe")


@pytest.fixture
def key(people: People) -> VirtualKey:
    return VirtualKey.create(people.workspace, "OpenAI", "openai", SECRET, by=Actor(people.alice), slug="openai")


def browser(person: User | None, **options: Any) -> Client:
    client = Client(**options)
    if person is not None:
        client.force_login(person)
    return client


def editor(people: People) -> Client:
    """bob, who may change what production calls."""
    Membership.objects.filter(user=people.bob).update(may_manage_catalog=True)
    return browser(people.bob)


@pytest.mark.usefixtures("config", "key")
class TestAccess:
    @pytest.mark.parametrize("path", SEEN)
    def test_members_see_it(self, people: People, path: str) -> None:
        for person in (people.alice, people.bob):
            assert browser(person).get(f"/w/acme/{path}").status_code == 200

    @pytest.mark.parametrize("path", [*SEEN, *MANAGED, *POSTS, *MANAGED_POSTS])
    def test_for_strangers_it_does_not_exist(self, people: People, path: str) -> None:
        for method in ("get", "post"):
            for workspace in ("acme", "elsewhere"):
                if workspace == "elsewhere" and path in (
                    "configs/",
                    "configs/new/",
                    "virtual-keys/",
                    "virtual-keys/new/",
                ):
                    continue  # their own, where nothing of acme's is
                answer = getattr(browser(people.charlie), method)(f"/w/{workspace}/{path}")
                assert answer.status_code in (404, 405) if method == "post" else answer.status_code == 404

    @pytest.mark.parametrize("path", [*SEEN, *MANAGED, *POSTS, *MANAGED_POSTS])
    def test_signed_out_people_sign_in_and_come_back(self, people: People, path: str) -> None:
        answer = browser(None).get(f"/w/acme/{path}")
        assert (answer.status_code, answer["Location"]) == (302, f"/accounts/login/?next=/w/acme/{path}")

    @pytest.mark.parametrize("path", [*MANAGED, *POSTS, *MANAGED_POSTS])
    def test_changing_is_for_those_who_have_the_right(self, people: People, path: str) -> None:
        assert browser(people.bob).post(f"/w/acme/{path}", {"archive": "1"}).status_code == 403
        assert VirtualKey.objects.get().is_active
        assert not Config.objects.get().is_archived

    @pytest.mark.parametrize("path", ["configs/pc-safe/archive/", "virtual-keys/openai/archive/"])
    def test_without_a_csrf_token_nothing_happens(self, people: People, path: str) -> None:
        assert (
            browser(people.alice, enforce_csrf_checks=True).post(f"/w/acme/{path}", {"archive": "1"}).status_code == 403
        )
        assert not Config.objects.get().is_archived
        assert not VirtualKey.objects.get().is_archived

    def test_what_is_not_there(self, people: People) -> None:
        client = browser(people.alice)
        for path in (
            "configs/pc-none/",
            "virtual-keys/none/",
            "configs/pc-safe/versions/00000000-0000-4000-8000-000000000000/",
        ):
            assert client.get(f"/w/acme/{path}").status_code == 404


class TestConfigs:
    def test_make_edit_and_find_each_version_again(self, people: People) -> None:
        client = editor(people)
        made = client.post("/w/acme/configs/new/", {"name": "Chat", "slug": "pc-chat", "body": json.dumps(BODY)})
        assert made["Location"] == "/w/acme/configs/pc-chat/"
        first = Config.objects.get().current
        assert first is not None
        changed = BODY | {"retry": {"attempts": 5}}
        values = {"name": "Chat 2", "body": json.dumps(changed), "description": "More patience"}
        assert client.post("/w/acme/configs/pc-chat/edit/", values).status_code == 302
        page = client.get("/w/acme/configs/pc-chat/").text
        assert "Chat 2" in page
        assert "up to 5 retries" in page
        assert "More patience" in page
        old = client.get(f"/w/acme/configs/pc-chat/versions/{first.pk}/").text
        assert "up to 5 retries" not in old
        assert "The current one is version 2." in old
        assert "<ins>" in client.get("/w/acme/configs/pc-chat/?against=1").text

    def test_what_was_saved_meanwhile_is_not_undone_unseen(self, people: People, config: Config) -> None:
        path = "/w/acme/configs/pc-safe/edit/"
        alice, bob = browser(people.alice), editor(people)
        seen = alice.get(path).context["form"].initial["after"]
        first, second = ({"name": "Safe chat", "body": json.dumps(BODY | {"retry": {"attempts": n}})} for n in (1, 2))
        assert bob.post(path, first | {"after": seen}).status_code == 302
        refused = alice.post(path, second | {"name": "Other", "after": seen})
        assert refused.status_code == 422
        assert "version 2 was saved meanwhile" in refused.text
        assert 'name="after" value="2"' in refused.text
        assert 'name="name" value="Other"' in refused.text
        config.refresh_from_db()
        assert (config.name, config.versions.count()) == ("Safe chat", 2)
        assert alice.post(path, second | {"after": 2}).status_code == 302
        assert config.versions.count() == 3

    def test_the_same_again_is_no_version(self, people: People, config: Config) -> None:
        answer = browser(people.alice).post(
            "/w/acme/configs/pc-safe/edit/", {"name": config.name, "body": json.dumps(BODY)}, follow=True
        )
        assert "Nothing changed: version 1 stays." in answer.text

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            ('{"a": 1,}', "This is not JSON: line 1, column"),
            ("[" * 100_000, "nested too deep"),
            ("[1" + "0" * 5000 + "]", "number that is too long"),
            ("[]", "config: must be an object"),
            ('{"strategy": {"mode": "never"}, "targets": [{"provider": "x"}]}', "strategy.mode: must be one of"),
            ('{"strategy": {"mode": "fallback"}}', "targets: is missing"),
            ('{"provider": "openai", "api_key": "sk********hij"}', "api_key: holds a masked value"),
            ("", "This field is required."),
        ],
    )
    def test_mistakes_are_named_and_what_was_typed_stays(self, people: People, body: str, message: str) -> None:
        answer = browser(people.alice).post("/w/acme/configs/new/", {"name": "Chat", "body": body})
        assert answer.status_code == 422
        assert message in answer.text.replace("&#x27;", "'")
        assert not Config.objects.exists()
        assert answer.context["form"]["body"].value() == body

    def test_a_taken_slug(self, people: People, config: Config) -> None:
        values = {"name": "Chat", "slug": "pc-safe", "body": json.dumps(BODY)}
        answer = browser(people.alice).post("/w/acme/configs/new/", values)
        assert answer.status_code == 422
        assert answer.context["form"].errors["slug"] == ["is taken in this workspace"]

    def test_a_secret_inside_is_masked_everywhere_and_kept_through_edits(self, people: People) -> None:
        client = browser(people.alice)
        body = {"provider": "openai", "api_key": SECRET}
        client.post("/w/acme/configs/new/", {"name": "Chat", "slug": "pc-chat", "body": json.dumps(body)})
        for path in ("", "pc-chat/", "pc-chat/edit/"):
            assert SECRET not in client.get(f"/w/acme/configs/{path}").text
        masked = client.get("/w/acme/configs/pc-chat/edit/").context["form"].initial["body"]
        edited = json.loads(masked) | {"retry": {"attempts": 1}}
        client.post("/w/acme/configs/pc-chat/edit/", {"name": "Chat", "body": json.dumps(edited)})
        current = Config.objects.get().current
        assert current is not None
        assert current.reveal() == body | {"retry": {"attempts": 1}}

    def test_archive_and_restore(self, people: People, config: Config) -> None:
        client = editor(people)
        page = client.post("/w/acme/configs/pc-safe/archive/", {"archive": "1"}, follow=True).text
        assert "Calls that name this config are refused." in page
        client.post("/w/acme/configs/pc-safe/archive/", {"restore": "1"})
        config.refresh_from_db()
        assert not config.is_archived

    def test_which_option_served_how_often(
        self, people: People, config: Config, store: Callable[..., list[LogRecord]]
    ) -> None:
        def served(option: int, **more: Any) -> dict[str, Any]:
            gateway = GatewayStatus(fallback_status="active", option_path=f"config.targets[{option}]", **more)
            return {"config": "pc-safe", "config_version_id": str(config.current_id), "gateway": gateway}

        store(
            served(0),
            served(0, cache_status="hit"),
            served(0) | {"is_success": False, "status_code": 500},
            served(1, retry_status="success", retry_count=2),
            served(1) | {"config_version_id": "an older one"},
            served(1) | {"config": "pc-other"},
        )
        client = browser(people.alice)
        picture = client.get("/w/acme/configs/pc-safe/").context["picture"]
        assert picture["served"] == (5, 1, 1, 1)
        assert [(child["served"], child["percent"]) for child in picture["children"]] == [
            ((3, 1, 1, 0), 60),
            ((2, 0, 0, 1), 40),
        ]
        page = client.get(f"/w/acme/configs/pc-safe/versions/{config.current_id}/")
        assert page.context["picture"]["served"] == (4, 1, 1, 1)
        assert client.get("/w/acme/configs/").context["rows"][0]["use"] == (5, 1)

    def test_a_config_of_a_log_to_start_from(self, people: People, store: Callable[..., list[LogRecord]]) -> None:
        headers = {"x-portkey-config": json.dumps({"retry": {"attempts": 4}})}
        (log,) = store({"config": "pc-theirs", "request_headers": headers})
        form = browser(people.alice).get(f"/w/acme/configs/new/?log={log.id}").context["form"]
        assert json.loads(form.initial["body"]) == {"retry": {"attempts": 4}}
        assert form.initial["slug"] == "pc-theirs"
        assert (
            browser(people.charlie).get(f"/w/elsewhere/configs/new/?log={log.id}").context["form"].initial.get("slug")
            is None
        )

    def test_many_cost_no_more_queries(self, people: People, django_assert_max_num_queries: Any) -> None:
        for number in range(12):
            Config.create(people.workspace, f"Config {number}", BODY, by=Actor(people.alice))
        client = browser(people.alice)
        with django_assert_max_num_queries(8):
            client.get("/w/acme/configs/")


class TestVirtualKeys:
    def test_the_secret_goes_in_and_never_comes_out(self, people: People) -> None:
        client = browser(people.alice)
        values = {"name": "OpenAI", "provider": "openai", "key": SECRET, "slug": "openai"}
        assert client.post("/w/acme/virtual-keys/new/", values)["Location"] == "/w/acme/virtual-keys/openai/"
        other = "sk-proj-zyxwvutsrqponmlkjihg"
        client.post("/w/acme/virtual-keys/openai/rotate/", {"key": other})
        wrong = client.post("/w/acme/virtual-keys/new/", values | {"name": ""})
        assert wrong.status_code == 422
        pages = [client.get(f"/w/acme/virtual-keys/{path}").text for path in ("", "openai/", "new/")]
        assert all(secret not in page for page in [*pages, wrong.text] for secret in (SECRET, other))
        assert VirtualKey.objects.get().open_secret() == other

    def test_settings_and_their_mistakes(self, people: People, key: VirtualKey) -> None:
        client = browser(people.alice)
        today = timezone.now().date().isoformat()
        values = {
            "name": "OpenAI 2",
            "custom_host": "",
            "options": '{"openai_project": "p1"}',
            "last_day": today,
            "note": "n",
        }
        assert client.post("/w/acme/virtual-keys/openai/change/", values).status_code == 302
        key.refresh_from_db()
        assert (key.name, key.options, key.note, key.is_active) == ("OpenAI 2", {"openai_project": "p1"}, "n", True)
        for changed, field in (
            ({"options": "[]"}, "options"),
            ({"options": '{"none": "x"}'}, "options"),
            ({"custom_host": "http://169.254.169.254/"}, "custom_host"),
            ({"last_day": "2001-01-01"}, "last_day"),
            ({"name": ""}, "name"),
        ):
            answer = client.post("/w/acme/virtual-keys/openai/change/", values | changed)
            assert (answer.status_code, list(answer.context["form"].errors)) == (422, [field])

    def test_archive_and_restore(self, people: People, key: VirtualKey) -> None:
        client = browser(people.alice)
        page = client.post("/w/acme/virtual-keys/openai/archive/", {"archive": "1"}, follow=True).text
        assert "logs that used it cannot be replayed" in page
        client.post("/w/acme/virtual-keys/openai/archive/", {"restore": "1"})
        key.refresh_from_db()
        assert key.is_active

    def test_its_use(self, people: People, key: VirtualKey, store: Callable[..., list[LogRecord]]) -> None:
        store({"virtual_key": "openai"}, {"virtual_key": "openai", "is_success": False, "status_code": 429}, {})
        client = editor(people)
        assert client.get("/w/acme/virtual-keys/").context["rows"][0]["use"] == (2, 1)
        assert "2 in 30 days" in client.get("/w/acme/virtual-keys/openai/").text

    def test_many_cost_no_more_queries(self, people: People, django_assert_max_num_queries: Any) -> None:
        for number in range(12):
            VirtualKey.create(people.workspace, f"Key {number}", "openai", SECRET, by=Actor(people.alice))
        client = browser(people.alice)
        with django_assert_max_num_queries(8):
            client.get("/w/acme/virtual-keys/")


class TestFromALog:
    """The panel's rows for config and virtual key lead to exactly what served."""

    def panel(self, people: People, log: LogRecord) -> str:
        return browser(people.bob).get(f"/w/acme/logs/{log.id}/").text

    def test_to_the_version_that_served(
        self, people: People, config: Config, key: VirtualKey, store: Callable[..., list[LogRecord]]
    ) -> None:
        served = {"config": "pc-safe", "config_version_id": str(config.current_id), "virtual_key": "openai"}
        (log,) = store(served)
        config.save_version(BODY | {"retry": {"attempts": 1}}, by=Actor(people.alice))
        page = self.panel(people, log)
        assert f'<a href="/w/acme/configs/pc-safe/versions/{served["config_version_id"]}/">pc-safe</a>' in page
        assert "Safe chat, version 1" in page
        assert '<a href="/w/acme/virtual-keys/openai/">openai</a>' in page

    def test_to_the_version_of_the_prompt(self, people: People, store: Callable[..., list[LogRecord]]) -> None:
        by = Actor(people.alice)
        prompt = Prompt.create(
            people.workspace, "Greeting", PromptSource(template="Hi {{name}}"), by=by, slug="pp-greet"
        )
        first = prompt.published_id
        prompt.publish(prompt.save_version(PromptSource(template="Hello {{name}}"), by=by), by)
        (log,) = store({"prompt": "pp-greet", "prompt_version_id": str(first)})
        page = self.panel(people, log)
        assert f'<a href="/w/acme/prompts/pp-greet/versions/{first}/">pp-greet</a>' in page
        assert "Greeting, version 1" in page
        (other,) = store({"prompt": "pp-theirs"})
        assert f'/w/acme/playground/?log={other.id}"' in self.panel(people, other)

    def test_to_the_config_where_the_version_is_somebody_elses(
        self, people: People, config: Config, store: Callable[..., list[LogRecord]]
    ) -> None:
        for version in (None, "17", "00000000-0000-4000-8000-000000000000"):
            (log,) = store({"config": "pc-safe", "config_version_id": version})
            page = self.panel(people, log)
            assert '<a href="/w/acme/configs/pc-safe/">pc-safe</a>' in page
            assert '<span class="muted">Safe chat</span>' in page

    def test_what_is_not_kept_here_can_be(self, people: People, store: Callable[..., list[LogRecord]]) -> None:
        Config.create(people.elsewhere, "Theirs", BODY, by=Actor(people.charlie), slug="pc-theirs")
        (log,) = store({"config": "pc-theirs", "virtual_key": "their key"})
        page = self.panel(people, log)
        assert f'/w/acme/configs/new/?log={log.id}"' in page
        assert '/w/acme/virtual-keys/new/?slug=their+key&amp;provider=openai"' in page
        assert page.count("not kept here") == 2


class TestDefaults:
    def test_api_keys_get_and_lose_it(self, people: People, config: Config) -> None:
        first, second = (make_key(people.workspace, name=name)[0] for name in ("one", "two"))
        theirs = make_key(people.elsewhere, name="theirs")[0]
        client = browser(people.alice)
        client.post("/w/acme/configs/pc-safe/default/", {"key": [first.pk, theirs.pk, "x"]})
        assert [key.default_config for key in self.again(first, second, theirs)] == ["pc-safe", "", ""]
        assert "checked> one" in client.get("/w/acme/configs/pc-safe/").text
        client.post("/w/acme/configs/pc-safe/default/", {"key": [second.pk]})
        assert [key.default_config for key in self.again(first, second)] == ["", "pc-safe"]

    def again(self, *keys: ApiKey) -> list[ApiKey]:
        return [ApiKey.objects.get(pk=key.pk) for key in keys]

    def test_only_for_those_who_manage_the_workspace(self, people: People, config: Config) -> None:
        key = make_key(people.workspace)[0]
        for person, status in ((people.bob, 403), (people.charlie, 404)):
            assert browser(person).post("/w/acme/configs/pc-safe/default/", {"key": [key.pk]}).status_code == status
        assert self.again(key)[0].default_config == ""


def test_no_slug_leads_to_a_form_instead_of_its_page() -> None:
    def routes(patterns: Any, start: str = "") -> Iterator[str]:
        for each in patterns:
            path = start + str(each.pattern)
            yield from routes(each.url_patterns, path) if hasattr(each, "url_patterns") else [path]

    below = [re.match(r"w/<slug:workspace>/(configs|virtual-keys|prompts)/([^/<]+)/", path)
             for path in routes(get_resolver().url_patterns)]  # fmt: skip
    assert {found[2] for found in below if found} == slugs.RESERVED
