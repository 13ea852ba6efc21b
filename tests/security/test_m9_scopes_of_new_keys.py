"""M9: a new key may add logs and make calls, and reads nothing, unless somebody chose otherwise and knew what it means."""

from __future__ import annotations

import re
from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client

from portkey_logs.accounts import api_key_cache, bootstrap, forms
from portkey_logs.accounts.models import ApiKey
from tests.factories import People


def get(client: Client, key: str, path: str) -> int:
    return client.get(path, headers={"x-portkey-api-key": key}).status_code


def add_log(client: Client, key: str) -> int:
    return client.post("/v1/logs", {}, content_type="application/json", headers={"x-portkey-api-key": key}).status_code


@pytest.fixture
def alice(people: People) -> Client:
    client = Client()
    client.force_login(people.alice)
    return client


@pytest.mark.usefixtures("inline_writer")
def test_a_key_of_the_command_adds_logs_and_reads_none(people: People, client: Client) -> None:
    out = StringIO()
    call_command("create_api_key", "--workspace", "acme", "--name", "app", stdout=out)
    key = out.getvalue().strip()
    assert add_log(client, key) == 200
    for path in ("/v1/logs", "/v1/logs/exports", "/v1/analytics/graphs/cost", "/v1/configs", "/v1/virtual-keys"):
        assert get(client, key, path) == 403


def test_the_command_takes_scopes(people: People, client: Client) -> None:
    out = StringIO()
    options = ["--scope", "logs.write", "--scope", "logs.view"]
    call_command("create_api_key", "--workspace", "acme", "--name", "app", *options, stdout=out)
    assert ApiKey.objects.get().scopes == ["logs.write", "logs.view"]
    assert get(client, out.getvalue().strip(), "/v1/logs") == 200


def test_the_form_starts_with_writing_alone(alice: Client) -> None:
    page = alice.get("/w/acme/keys/").text
    boxes = re.findall(r'<input type="checkbox" name="scopes" value="([^"]+)"([^>]*)>', page)
    assert {scope for scope, _ in boxes} == set(ApiKey.SCOPES)
    assert [scope for scope, more in boxes if "checked" in more] == ["logs.write"]


def test_the_form_explains_each_scope(alice: Client) -> None:
    groups = re.findall(r'<div class="scopes">(.*?)<p class="hint">([^<]+)</p>', alice.get("/w/acme/keys/").text, re.S)
    said = {scope: hint for boxes, hint in groups for scope in re.findall(r'value="([^"]+)"', boxes)}
    assert all(len(said.get(scope, "")) > 20 for scope in ApiKey.SCOPES)
    assert "leak" in said["configs.update"]
    assert "every log" in said["logs.view"]
    assert forms.scope_hint("prompts.read") != forms.scope_hint("prompts.publish")


def test_a_key_made_in_code_has_it_too(people: People) -> None:
    assert ApiKey.issue(people.workspace, "code")[0].scopes == ["logs.write"]


def test_the_demo_s_key_does_what_the_docs_show(db: None, client: Client, inline_writer: None) -> None:
    key = bootstrap.first_run().demo_api_key
    assert key
    assert add_log(client, key) == 200
    assert get(client, key, "/v1/logs") == 200
    grant = api_key_cache.find(key)
    assert grant
    assert not [scope for scope in grant.scopes if not scope.startswith(("logs.", "analytics."))]
