"""Prompts in the browser: from the playground to a version, from a version to its logs, and back from a log."""

from __future__ import annotations

import html
import json
from typing import Any

import pytest
from django.test import Client

from logs.models import Log
from portkey_logs.accounts.models import Actor
from portkey_logs.catalog.models import Prompt
from portkey_logs.catalog.prompts import PromptSource
from replay import prompting
from replay.models import Run
from tests.factories import PASSWORD, People
from tests.replay.conftest import World
from tests.replay.test_playground import text_of

GREETING = PromptSource(
    template=[{"role": "user", "content": "Greet {{name}} in {{language}}."}], model="demo", parameters={"seed": 7}
)
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def greeting(people: People) -> Prompt:
    return Prompt.create(people.workspace, f"Greeting {HOSTILE}", GREETING, by=Actor(people.alice))


@pytest.mark.parametrize(
    "source",
    [
        GREETING,
        PromptSource(template="Once {{upon}}", model="m"),
        PromptSource(template='[{{{messages}}}, {"role": "user", "content": "{{q}}"}]'),
        PromptSource(template=[{"role": "user", "content": [{"type": "text", "text": "x"}]}], tools=[{"type": "function"}],
                     tool_choice="auto", response_format={"type": "json_object"}, parameters={"ours": {"b": 1.5}}),
    ],
)  # fmt: skip
def test_a_version_survives_the_way_through_the_text(source: PromptSource) -> None:
    assert prompting.source_of(json.dumps(prompting.body_of(source))) == source


@pytest.mark.parametrize(
    "text", ["", "[]", "{", "{}", '{"messages": 1}', '{"messages": ["x"]}', '{"prompt": "x", "model": 1}']
)
def test_what_is_no_prompt_is_refused(text: str, alice: Client, people: People) -> None:
    with pytest.raises(prompting.NoPrompt):
        prompting.source_of(text)
    page = alice.post("/w/acme/prompts/save/", {"body": text, "name": "n"}, follow=True)
    assert "Not saved" in page.content.decode()
    assert not Prompt.objects.exists()


def test_from_the_playground_to_a_prompt_and_its_next_version(alice: Client, people: People) -> None:
    body = json.dumps(prompting.body_of(GREETING))
    page = alice.post("/w/acme/prompts/save/", {"body": body, "name": "Greeting", "description": "first"})
    made = Prompt.objects.get()
    first = made.versions.get()
    assert (page.status_code, page["Location"]) == (303, f"/w/acme/prompts/{made.slug}/versions/{first.pk}/")
    assert (first.source, first.description, made.published) == (GREETING, "first", first)

    edited = body.replace("Greet", "Welcome")
    said = {"body": edited, "prompt": made.slug, "version": str(first.pk), "target": "virtual_key:k"}
    alice.post("/w/acme/prompts/save/", said)
    second = made.versions.first()
    assert second
    assert (second.number, second.virtual_key) == (2, "k")
    made.refresh_from_db()
    assert made.published == first  # until somebody publishes it

    compared = alice.get(f"/w/acme/prompts/{made.slug}/versions/{second.pk}/?against=1").content.decode()
    assert "<del>Greet</del><ins>Welcome</ins>" in compared
    alice.post(f"/w/acme/prompts/{made.slug}/versions/{second.pk}/publish/")
    made.refresh_from_db()
    assert made.published == second
    # A log's version leads to exactly that version, after later edits too.
    assert "Greet {{name}}" in text_of(
        alice.get(f"/w/acme/playground/?prompt={made.slug}&version={first.pk}", follow=True)
    )
    assert "Welcome {{name}}" in text_of(alice.get(f"/w/acme/prompts/{made.slug}/"))


def test_the_pages(alice: Client, greeting: Prompt, store: Any, django_assert_max_num_queries: Any) -> None:
    store({"prompt": greeting.slug}, {"prompt": greeting.slug, "is_success": False, "status_code": 500})
    with django_assert_max_num_queries(7):
        listed = alice.get("/w/acme/prompts/").content.decode()
    assert greeting.slug in listed
    assert f"/w/acme/logs/?prompt={greeting.slug}" in listed
    with django_assert_max_num_queries(14):
        page = alice.get(f"/w/acme/prompts/{greeting.slug}/").content.decode()
    assert 'name="var.name"' in page
    assert 'name="var.language"' in page
    assert page.count(">500<") == 1
    for each in (listed, page):
        assert HOSTILE not in each
        assert html.escape(HOSTILE) in each


def test_archiving(alice: Client, greeting: Prompt) -> None:
    for archived in (True, False):
        alice.post(f"/w/acme/prompts/{greeting.slug}/archive/")
        greeting.refresh_from_db()
        assert greeting.is_archived is archived


def test_strangers_get_nothing(client: Client, people: People, greeting: Prompt) -> None:
    assert client.login(username="charlie@example.org", password=PASSWORD)
    version = greeting.published_id
    gets = ["", f"{greeting.slug}/", f"{greeting.slug}/recent/", f"{greeting.slug}/versions/{version}/"]
    posts = ["save/", f"{greeting.slug}/archive/", f"{greeting.slug}/versions/{version}/publish/",
             f"{greeting.slug}/versions/{version}/run/"]  # fmt: skip
    for workspace in ("acme", "elsewhere"):
        for path in gets[workspace == "elsewhere" :]:
            assert client.get(f"/w/{workspace}/prompts/{path}").status_code == 404, path
        for path in posts[workspace == "elsewhere" :]:
            assert client.post(f"/w/{workspace}/prompts/{path}").status_code == 404, path


@pytest.mark.django_db(transaction=True)
def test_a_run_fills_the_variables_in_and_is_a_log_of_the_prompt(world: World) -> None:
    made = Prompt.create(world.people.workspace, "Greeting", GREETING, by=Actor(world.people.alice))
    run = f"/w/acme/prompts/{made.slug}/versions/{made.published_id}/run/"
    body = json.dumps(prompting.body_of(GREETING))
    said = {"body": body, "target": "provider:demo", "var.name": "Ada", "var.language": "French"}
    assert world.page.post(run, said, headers={"accept": "text/html"}).status_code == 303
    log = Log.objects.newest_first().first()
    assert log
    assert (log.prompt, log.prompt_version_id, log.is_success) == (made.slug, str(made.published_id), True)
    world.page.post(run, said | {"body": body.replace("Greet", "Welcome")}, headers={"accept": "text/html"})
    log = Log.objects.newest_first().first()
    assert log
    assert (log.prompt, log.prompt_version_id) == (made.slug, None)  # edited: not that version any more
    for wrong in ({"target": ""}, {"body": "{"}, {"target": "nonsense"}):
        refused = world.page.post(run, said | wrong, headers={"accept": "application/json"})
        assert (refused.status_code, bool(refused.json()["message"])) == (422, True)


@pytest.mark.django_db(transaction=True)
def test_the_variables_of_a_log_are_changed_and_run_again(world: World) -> None:
    template = [{"role": "user", "content": "Greet {{name}}{{#titles}}, {{.}}{{/titles}}"}]
    source = PromptSource(template=template, model="demo")
    made = Prompt.create(world.people.workspace, "Greeting", source, by=Actor(world.people.alice))
    version = str(made.published_id)
    values = {"name": "Ada</textarea>", "titles": ["Dr", "Sir"], "unused": 1}
    variables = json.dumps(values).encode()
    log = world.log(prompt=made.slug, prompt_version_id=version, variables=variables)
    address = f"/w/acme/prompts/{made.slug}/versions/{version}/?log={log.id}"
    for path in (f"/w/acme/logs/{log.id}/", f"/w/acme/playground/?log={log.id}"):
        assert f'href="{address}"' in world.page.get(path).content.decode()
    page = world.page.get(address).content.decode()
    assert "Ada&lt;/textarea&gt;</textarea>" in page
    assert "[&quot;Dr&quot;,&quot;Sir&quot;]" in page
    assert f'name="log" value="{log.id}"' in page

    keyless = world.log(prompt=made.slug, variables=variables, source="api")
    assert " data-needs-key" in world.page.get(address.replace(str(log.id), str(keyless.id))).content.decode()
    assert " data-needs-key" not in page

    said = {"body": json.dumps(prompting.body_of(source)), "target": "provider:demo", "log": str(log.id),
            "var.name": "Bob", "var.titles": '["Dr","Sir"]'}  # fmt: skip
    run_url = f"/w/acme/prompts/{made.slug}/versions/{version}/run/"
    assert world.page.post(run_url, said, headers={"accept": "text/html"}).status_code == 303
    (run,) = Run.objects.all()
    assert run.parent_id == log.id
    assert b"Greet Bob, Dr, Sir" in (run.octets or b"")
    assert world.page.post(run_url, said | {"target": ""}, headers={"accept": "text/html"}).status_code == 303
    assert json.loads(world.provider.bodies[-1])["messages"][0]["content"] == "Greet Bob, Dr, Sir"  # who answered it
    assert "Replayed twice; the last one succeeded." in world.page.get(f"/w/acme/logs/{log.id}/").content.decode()
    assert world.page.post(run_url, said | {"log": "x"}).status_code == 404
    for wrong in ("x", version):
        assert world.page.get(address.replace(str(log.id), wrong)).status_code == 404
