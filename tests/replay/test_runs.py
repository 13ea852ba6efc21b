"""Runs, from the form to the log, through a real capture."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from logs.models import Log
from logs.viewer.bodies import read_side
from replay import runner
from replay.cancellation import Stops
from replay.concurrency_limits import slots
from replay.models import Run
from replay.source import Source, Target, target_of
from tests.logs.processes import wait_until
from tests.replay.conftest import World
from tests.replay.installation import WORDS

pytestmark = [pytest.mark.processes, pytest.mark.django_db]  # what the world stores is committed

STREAMED = b'{"model": "gpt-4o-mini",\n "stream":true, "messages":[{"role":"user","content":"Say hi \\ud83d\\ude00"}]}'


def test_an_unedited_replay_streams_and_becomes_a_log_with_its_parent(world: World) -> None:
    log = world.log(body=STREAMED)
    (first, *said, done) = world.events(log=str(log.id))
    assert first[0] == "run"
    assert "".join(data["text"] for name, data in said if name == "text") == "".join(WORDS)
    assert done[0] == "done"
    outcome = done[1]
    assert outcome["state"] == "succeeded"
    assert outcome["tokens"]["total"] == 15
    assert outcome["time_to_first_token_ms"] is not None
    assert outcome["gateway"]["cache"]["label"] == "Cache Disabled"
    assert outcome["log"]["source"] == "replay"
    assert world.provider.bodies == [STREAMED.decode()]
    replay = Log.objects.get(workspace=world.people.workspace, id=first[1]["log_id"])
    assert read_side(replay, "request").octets == STREAMED
    run = Run.objects.get(id=first[1]["run"])
    assert (run.parent_id, run.log_id, run.state, run.person) == (log.id, replay.id, "succeeded", world.people.alice)
    assert run.octets == STREAMED
    panel = world.page.get(f"/w/acme/logs/{replay.id}/").content.decode()
    assert f"/w/acme/logs/{log.id}/" in panel
    assert "Replayed once; it succeeded." in world.page.get(f"/w/acme/logs/{log.id}/").content.decode()


def test_the_family_of_a_request_that_was_rerun_until_it_worked(world: World) -> None:
    log = world.log("fail-2.code-400", body=b'{"model":"m","temperature":9,"messages":[]}')
    ends = [world.events(log=str(log.id), label=f"try {number}")[-1][1]["state"] for number in range(3)]
    assert ends == ["failed", "failed", "succeeded"]
    panel = world.page.get(f"/w/acme/logs/{log.id}/").content.decode()
    assert "Replayed 3 times; the last one succeeded." in panel
    failed = Run.objects.in_workspace(world.people.workspace).filter(parent_id=log.id).first()
    assert failed is not None
    assert failed.error == "stub error"
    assert "2 other replays of the same log" in world.page.get(f"/w/acme/logs/{failed.log_id}/").content.decode()


def test_an_edited_request_is_sent_as_it_was_written(world: World) -> None:
    log = world.log()
    body = '{"model": "gpt-4o",\r\n "messages": [{"role":"user","content":"Bonjour"}], "made_up": 1e400}'
    world.events(log=str(log.id), body=body)
    assert world.provider.bodies == [body.replace("\r\n", "\n")]


def test_without_scripts_the_run_is_done_when_the_page_comes(world: World) -> None:
    response = world.run(log=str(world.log().id))
    assert response.status_code == 303
    page = world.page.get(response["location"]).content.decode()
    assert ">Succeeded<" in page
    log_page = f"/w/acme/logs/{Run.objects.get().log_id}/"
    assert log_page in page
    assert "A replay of" in world.page.get(log_page).content.decode()


def test_an_attempt_is_run_again_as_another_attempt_at_the_same_log(world: World) -> None:
    log = world.log()
    first = world.events(log=str(log.id))[0][1]["run"]
    second = world.events(run=first)[0][1]["run"]
    assert Run.objects.get(id=second).parent_id == log.id


def test_a_fresh_request_has_no_parent(world: World) -> None:
    asked = {"path": "/v1/chat/completions", "body": '{"messages":[{"role":"user","content":"Hi"}]}'}
    events = world.events(target="provider:demo", group=str(uuid.uuid4()), **asked)
    assert events[-1][1]["state"] == "succeeded"
    run = Run.objects.get(id=events[0][1]["run"])
    assert run.parent_id is None
    assert "Run in the playground" in world.page.get(f"/w/acme/logs/{run.log_id}/").content.decode()


def test_embeddings_and_tool_calls_are_told_too(world: World) -> None:
    embedding = world.log(body=b'{"model":"e","input":"x"}', request_type="embedding", path="/v1/embeddings")
    assert ("vector", {"index": 0, "dimensions": 2, "norm": pytest.approx(1.0)}) in world.events(log=str(embedding.id))


# --- what is refused ----------------------------------------------------------------------------------------


def refused(world: World, status: int, **form: Any) -> str:
    """The reason of a refusal, the same in JSON and on a page; nothing was run."""
    before = Run.objects.count()
    as_json = world.run("application/json", **form)
    assert as_json.status_code == status
    page = world.run(**form)
    assert page.status_code == status
    reason: str = as_json.json()["message"]
    assert reason in page.content.decode()
    assert (Run.objects.count(), world.provider.bodies) == (before, [])
    return reason


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"request_type": "image_generation"}, "The endpoint is not /chat/completions, /completions or /embeddings."),
        (
            {"prompt_in_config_target": True},
            "The request came from a prompt template that was called from inside a Config target.",
        ),
        ({"completeness": "client_left", "status_code": None}, "The body of the request is not complete."),
        ({"request_body": None, "completeness": "not_kept"}, "The body of the request was not kept."),
        ({"source": "api"}, "No credential is known for openai. Choose a virtual key to go on."),
    ],
)
def test_a_forged_run_is_refused_with_the_reason_on_the_button(
    world: World, changes: dict[str, Any], reason: str
) -> None:
    assert refused(world, 409, log=str(world.log(**changes).id)) == reason


def test_what_is_asked_for_must_make_sense(world: World) -> None:
    log = str(world.log().id)
    assert refused(world, 422, log=log, target="nonsense") == "Choose a provider, a virtual key or a config."
    assert refused(world, 422, log=log, target="inline:[1]") == "A config is a JSON object."
    assert refused(world, 422, log=log, group="x") == "group is no id."
    assert refused(world, 422, path="/v1/files", body="{}") == "Say what to send, and to which endpoint."
    assert refused(world, 409, log=log, target="provider:openai").startswith("No credential is known for openai.")
    assert refused(world, 409, log=log, target="virtual_key:gone") == "There is no virtual key gone in this workspace."
    assert refused(world, 409, log=log, target="config:pc-gone").startswith("There is no config pc-gone")
    assert world.run(log=str(uuid.uuid4())).status_code == 404
    stranger = Client()
    stranger.force_login(world.people.charlie, "django.contrib.auth.backends.ModelBackend")
    assert stranger.post("/w/acme/playground/run/", {"log": log}).status_code == 404


def test_a_config_that_brings_a_key_is_not_kept(world: World) -> None:
    config = json.dumps({"provider": "openai", "api_key": "sk-1234567890abcdef"})
    assert "as a virtual key" in refused(world, 422, log=str(world.log().id), target=f"inline:{config}")
    assert not Run.objects.exists()


def test_headers_that_cannot_be_sent_end_the_run(world: World) -> None:
    log = world.log()
    source = Source("/v1/chat/completions", b"{}", Target(provider="demo", headers={"x-portkey-a": "1\n2"}), log.id)
    run = runner.finish_run(runner.start_run(user=world.people.bob, workspace=world.people.workspace, source=source))
    assert (run.state, run.error) == (Run.State.FAILED, "The request could not be sent: ValueError")


def test_a_posted_log_names_no_headers_that_are_none() -> None:
    odd = {"x-portkey-a=1)\nimport os": "x", "x-portkey-b": "1\n2", "x-portkey-c": "\ud800", "x-portkey-d": "é"}
    assert target_of(Log(), odd).headers == {"x-portkey-d": "é"}


def test_a_host_inside_the_network_is_no_target(world: World) -> None:
    config = json.dumps({"provider": "openai", "custom_host": "http://10.0.0.5/v1"})
    done = world.events(log=str(world.log().id), target=f"inline:{config}")[-1][1]
    assert done["status_code"] == 400
    assert "private network" in done["error"]["message"]


def test_an_attempt_runs_once(world: World) -> None:
    log = world.log()
    run = Run.objects.get(id=world.events(log=str(log.id))[0][1]["run"])
    with pytest.raises(runner.Refused):
        runner.Attempt(run)
    assert len(world.provider.bodies) == 1


def test_there_are_so_many_places_and_a_person_has_a_few(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    form = {"log": str(world.log().id)}
    monkeypatch.setattr(slots, "_of_a_person", 1)
    with slots.held(world.people.alice.pk):
        response = world.run("application/json", **form)
        assert (response.status_code, response["retry-after"]) == (429, "5")
        assert "of your requests are running already" in response.json()["message"]
        monkeypatch.setattr(slots, "_limit", 1)
        assert "Wait until one of them has ended." in world.run("application/json", **form).json()["message"]
    monkeypatch.undo()
    monkeypatch.setattr(runner, "RUNS_A_MINUTE", 0)
    assert "within a minute" in world.run("application/json", **form).json()["message"]


# --- the end --------------------------------------------------------------------------------------------------


def test_a_closed_tab_ends_the_call_at_a_provider_that_says_nothing(world: World) -> None:
    response = world.run("text/event-stream", log=str(world.log("hang").id))
    stream = iter(response.streaming_content)
    run = parsed_run(next(stream))
    assert next(stream) == b": wait\n\n"
    assert world.provider.arrived.wait(5)
    response._iterator.close()  # as the server does; by the client's way the test would lose its connection
    wait_until(lambda: world.provider.left_after is not None, 3)
    assert Run.objects.get(id=run).state == "stopped"
    assert slots._taken.total() == 0
    log_id = Run.objects.get(id=run).log_id
    wait_until(lambda: Log.objects.filter(workspace=world.people.workspace, id=log_id).exists())
    log = Log.objects.get(workspace=world.people.workspace, id=log_id)
    assert (log.completeness, log.is_success) == ("client_left", False)


def test_the_stop_button_ends_it_too(world: World) -> None:
    response = world.run("text/event-stream", log=str(world.log("hang").id))
    stream = iter(response.streaming_content)
    run = parsed_run(next(stream))
    assert next(stream) == b": wait\n\n"
    bob = Client()
    bob.force_login(world.people.bob, "django.contrib.auth.backends.ModelBackend")
    assert bob.post(f"/w/acme/playground/runs/{run}/stop/").status_code == 404
    assert world.page.post(f"/w/acme/playground/runs/{run}/stop/").status_code == 204
    assert b'"state":"stopped"' in list(stream)[-1]
    wait_until(lambda: world.provider.left_after is not None, 3)


@pytest.mark.django_db(transaction=True)  # the watching thread has to see what is stored
def test_a_stop_reaches_a_run_in_another_process(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    response = world.run("text/event-stream", log=str(world.log("hang").id))
    stream = iter(response.streaming_content)
    run = parsed_run(next(stream))
    assert next(stream) == b": wait\n\n"
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr("replay.views.run.stops", Stops())  # which carries out nothing
        assert world.page.post(f"/w/acme/playground/runs/{run}/stop/").status_code == 204
    assert b'"state":"stopped"' in list(stream)[-1]
    wait_until(lambda: world.provider.left_after is not None)
    assert Run.objects.get(id=run).finished_at is not None


def parsed_run(event: bytes) -> str:
    id: str = json.loads(event.decode().partition("data: ")[2])["run"]
    return id


def test_where_capture_is_away_the_run_has_failed_and_says_so(world: World, settings: Any) -> None:
    settings.CAPTURE_URL = "http://127.0.0.1:9"
    done = world.events(log=str(world.log().id))[-1][1]
    assert done["state"] == "failed"
    assert done["error"]["message"].startswith("The connection broke")


def test_an_ordinary_caller_cannot_pass_for_a_run(world: World) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM log WHERE source = 'replay'")
        before = cursor.fetchone()
    forged = "plk_pass_eyJhcGlfa2V5X2lkIjpudWxsfQ==:1:abc"
    import httpx

    headers = {"x-portkey-api-key": forged, "x-portkey-provider": "demo"}
    answer = httpx.post(f"{world.capture.url}/v1/chat/completions", json={"messages": []}, headers=headers)
    assert answer.status_code == 401
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM log WHERE source = 'replay'")
        assert cursor.fetchone() == before


def test_no_pass_is_stored_or_sent_on(world: World) -> None:
    events = world.events(log=str(world.log().id))
    log = Log.objects.get(workspace=world.people.workspace, id=events[0][1]["log_id"])
    headers = read_side(log, "request").headers
    assert "x-portkey-api-key" not in headers
    assert "plk_" not in json.dumps(headers) + json.dumps(read_side(log, "response").headers)
