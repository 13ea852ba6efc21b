"""Many logs replayed together, by the worker, through a real capture."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings

from logs.models import Log
from portkey_logs.accounts.models import Actor
from portkey_logs.catalog.models import Prompt, VirtualKey
from portkey_logs.catalog.prompts import PromptSource
from replay import work
from replay.batches import with_model
from replay.models import Batch
from replay.work import Round, compared
from tests.logs.processes import start, wait_until
from tests.replay.conftest import World
from tests.replay.installation import WORDS, answer

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]  # threads have to see what is stored

SAME = json.dumps(answer("/v1/chat/completions", {"model": "gpt-4o-mini"})).encode()
OTHER = SAME.replace(WORDS[0].encode(), b"Goodbye")
_numbers = itertools.count()


def logs(world: World, count: int, orders: str = "ok", response: bytes = SAME) -> list[Log]:
    """Logs whose requests can be told apart."""
    made = []
    for number in itertools.islice(_numbers, count):
        body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": f"{orders} {number}"}]}
        made.append(world.log(f"{orders}.key-{number}", json.dumps(body).encode(), response_body=response))
    return made


def begin(world: World, chosen: list[Log], **form: Any) -> Batch:
    """As the form begins it."""
    asked = {"log": [str(log.id) for log in chosen], "start": "1"} | form
    response = world.page.post("/w/acme/replays/new/", asked)
    assert response.status_code == 302, response.content.decode()
    return Batch.objects.get(id=response["location"].rstrip("/").rpartition("/")[2])


def worked_off(world: World, batch: Batch) -> dict[str, Any]:
    """What the page says in JSON once the worker has done what there is."""
    Round(batch).work_off()
    return shown(world, batch)


def shown(world: World, batch: Batch) -> dict[str, Any]:
    found: dict[str, Any] = world.page.get(f"/w/acme/replays/{batch.id}.json").json()
    return found


def test_a_hundred_logs_and_what_came_of_each(world: World) -> None:
    expected = (
        {log.id: "same" for log in logs(world, 60)}
        | {log.id: "changed" for log in logs(world, 20, response=OTHER)}
        | {log.id: "failed" for log in logs(world, 18, "fail-1.code-500")}
        | {world.log(prompt_in_config_target=True).id: "skipped", world.log(request_body=None).id: "skipped"}
    )
    batch = begin(world, list(Log.objects.in_workspace(world.people.workspace).filter(id__in=expected)))
    found = worked_off(world, batch)
    assert (found["state"], found["counts"]) == ("done", {"same": 60, "changed": 20, "failed": 18, "skipped": 2})
    assert {run["log_id"]: run["result"] or run["state"] for run in found["runs"]} == {
        str(id): outcome for id, outcome in expected.items()
    }
    assert Counter(Counter(world.provider.bodies).values()) == {1: 98}
    page = world.page.get(f"/w/acme/replays/{batch.id}/").content.decode()
    assert page.count('data-outcome="changed"') == 20
    failed = next(run for run in found["runs"] if run["state"] == "failed")
    assert failed["error"] == "stub error"
    assert f"/w/acme/compare/?a={failed['log_id']}&amp;b={failed['replay_id']}" in page
    assert "Replayed once; it failed." in world.page.get(f"/w/acme/logs/{failed['log_id']}/").content.decode()
    skipped = next(run for run in found["runs"] if run["state"] == "skipped")
    assert "Replayed" not in world.page.get(f"/w/acme/logs/{skipped['log_id']}/").content.decode()


def test_another_model_and_target_for_all_of_them(world: World) -> None:
    batch = begin(world, logs(world, 2), target="provider:demo", model="demo-2")
    assert worked_off(world, batch)["target"] == "demo, model demo-2"
    assert world.provider.bodies == []
    replays = Log.objects.in_workspace(world.people.workspace).filter(id__in=batch.runs.values("log_id"))
    assert {(log.provider, log.requested_model) for log in replays} == {("demo", "demo-2")}


def test_a_cancelled_batch_begins_nothing_more_and_cuts_what_is_under_way(world: World) -> None:
    batch = begin(world, logs(world, 10, "hang"))
    assert work.work()  # goes on in a thread
    wait_until(lambda: len(world.provider.bodies) == work.CONCURRENCY)
    assert "Cancel" in world.page.get(f"/w/acme/replays/{batch.id}/").content.decode()
    assert world.page.post(f"/w/acme/replays/{batch.id}/cancel/").status_code == 302
    wait_until(lambda: not work.work(), 20)
    found = shown(world, batch)
    assert (found["state"], found["counts"]) == ("cancelled", {"stopped": 10})
    assert len(world.provider.bodies) == work.CONCURRENCY
    wait_until(lambda: world.provider.left_after is not None)


def test_only_who_started_a_batch_and_who_manages_the_workspace_cancel_it(world: World) -> None:
    def sign_in(user: Any) -> None:
        world.page.force_login(user, "django.contrib.auth.backends.ModelBackend")

    def cancels(batch: Batch) -> int:
        offers = "Cancel" in world.page.get(f"/w/acme/replays/{batch.id}/").content.decode()
        status = world.page.post(f"/w/acme/replays/{batch.id}/cancel/").status_code
        assert offers == (status == 302)
        return int(status)

    of_an_owner = begin(world, logs(world, 1))
    sign_in(world.people.bob)
    assert cancels(of_an_owner) == 403
    of_a_member, another = begin(world, logs(world, 1)), begin(world, logs(world, 1))
    assert cancels(of_a_member) == 302
    sign_in(world.people.alice)
    assert (cancels(another), cancels(of_an_owner)) == (302, 302)
    assert set(Batch.objects.values_list("state", flat=True)) == {"cancelled"}


def test_the_cost_limit_holds(world: World) -> None:
    chosen = logs(world, 12)
    price = Decimal(str(worked_off(world, begin(world, chosen[:1]))["cost"]["cents"]))
    assert price > 0
    found = worked_off(world, begin(world, chosen, cost_limit=str(price * Decimal("5.5"))))
    assert (found["state"], found["reason"]) == ("stopped", "Another run would go over the cost limit.")
    assert found["counts"] == {"same": 5, "stopped": 7}
    assert found["cost"]["cents"] == pytest.approx(float(price * 5))


def test_a_limit_cannot_be_kept_where_no_price_is_known(world: World) -> None:
    found = worked_off(world, begin(world, logs(world, 6), target="provider:demo", cost_limit="10"))
    assert found["state"] == "stopped"
    assert found["reason"].startswith("The price of an answer is not known")
    assert found["counts"]["stopped"] == 5


def test_nothing_is_run_twice_when_the_worker_is_killed(world: World) -> None:
    batch = begin(world, logs(world, 6) + logs(world, work.CONCURRENCY, "hang"))  # newest first
    env = {"PORTKEY_LOGS_CAPTURE_URL": world.capture.url, "PORTKEY_LOGS_SECRET_KEY": settings.SECRET_KEY}
    with start("manage.py", "maintain", env=env) as worker:
        try:
            wait_until(lambda: len(world.provider.bodies) == work.CONCURRENCY)
        finally:
            worker.kill()
    found = worked_off(world, batch)
    assert (found["state"], found["counts"]) == ("done", {"unknown": 4, "same": 6})
    assert Counter(Counter(world.provider.bodies).values()) == {1: 10}
    assert {run["error"] for run in found["runs"] if run["state"] == "unknown"} == {
        "The worker ended while it was under way."
    }


def test_what_was_cancelled_while_the_worker_was_away_is_closed_too(world: World) -> None:
    batch = begin(world, logs(world, 2))
    batch.runs.first().claim()  # type: ignore[union-attr]
    batch.end(Batch.State.CANCELLED)
    wait_until(lambda: not work.work(), 20)
    assert shown(world, batch)["counts"] == {"unknown": 1, "stopped": 1}
    assert world.provider.bodies == []


def test_a_key_that_is_archived_meanwhile_is_not_used(world: World) -> None:
    by = world.people.workspace, "Key", "openai", "sk-0123456789abcdefghij"
    key = VirtualKey.create(*by, by=Actor(world.people.alice), slug="ours")
    batch = begin(world, logs(world, 1), target="virtual_key:ours")
    key.archive(Actor(world.people.alice))
    (run,) = worked_off(world, batch)["runs"]
    assert (run["state"], run["error"]) == ("skipped", "The virtual key ours is archived.")


def prompt_of(world: World, *templates: str) -> Prompt:
    """A prompt whose versions are these templates."""
    by = Actor(world.people.alice)
    sources = [PromptSource(template=[{"role": "user", "content": text}], model="m") for text in templates]
    made = Prompt.create(world.people.workspace, "Greet", sources[0], by=by)
    for source in sources[1:]:
        made.save_version(source, by=by)
    return made


def test_a_version_of_a_prompt_is_filled_in_with_the_variables_of_each_log(world: World) -> None:
    greet = prompt_of(world, "Greet {{name}}", "Hail {{name}}{{#title}}, {{title}}{{/title}}")
    version = greet.versions.get(number=2)
    known = {"response_body": SAME, "variables": b'{"name":"Ada"}'}
    chosen = [
        world.log("ok.key-own", prompt=greet.slug, **known),
        world.log("ok.key-other", **known | {"prompt": "pp-other", "variables": b'{"name":"Bob","title":"Sir"}'}),
        world.log("ok.key-partly", **known | {"prompt": "pp-other"}),
        world.log("ok.key-none", prompt=greet.slug, response_body=SAME),
    ]
    batch = begin(world, chosen, prompt_version=str(version.pk), model="m-2")
    found = worked_off(world, batch)
    assert found["target"] == "Greet, version 2, model m-2"
    outcomes = {run["log_id"]: run["error"] or run["result"] for run in found["runs"]}
    assert [outcomes[str(log.id)] for log in chosen] == [
        "same", "same", "It has no value for title.", "No variables of a prompt were kept with it.",
    ]  # fmt: skip
    sent = {path.split("/")[2]: json.loads(body) for path, body in world.provider.calls}
    said = {key: body["messages"][0]["content"] for key, body in sent.items()}
    assert said == {"ok.key-own": "Hail Ada", "ok.key-other": "Hail Bob, Sir"}
    assert {body["model"] for body in sent.values()} == {"m-2"}
    replays = Log.objects.in_workspace(world.people.workspace).filter(source="replay")
    assert {(log.prompt, log.prompt_version_id) for log in replays} == {(greet.slug, str(version.pk))}


def test_the_page_of_a_version_leads_to_its_logs_and_the_form_names_it(world: World) -> None:
    greet = prompt_of(world, "Greet {{name}}", "Hail {{name}}")
    world.log(prompt=greet.slug)
    version = greet.versions.get(number=2)
    address = f"/w/acme/replays/new/?prompt={greet.slug}&prompt_version={version.pk}"
    page = world.page.get(f"/w/acme/prompts/{greet.slug}/versions/{version.pk}/").content.decode()
    assert address.replace("&", "&amp;") in page
    form = world.page.get(address).content.decode()
    assert f'<option value="{version.pk}" selected>Greet, version 2</option>' in form
    greet.archive(Actor(world.people.alice))
    assert "Greet, version 2" not in world.page.get("/w/acme/replays/new/").content.decode()


def test_a_version_may_name_who_answers(world: World) -> None:
    source = PromptSource(template=[{"role": "user", "content": "Greet {{name}}"}], model="m")
    by, secret = Actor(world.people.alice), "sk-0123456789abcdefghij"
    VirtualKey.create(world.people.workspace, "Gone", "openai", secret, by=by, slug="gone").archive(by)
    greet = Prompt.create(world.people.workspace, "Greet", source, by=by, virtual_key="gone")
    log = world.log(prompt=greet.slug, variables=b'{"name":"Ada"}')
    version = str(greet.published_id)
    (run,) = worked_off(world, begin(world, [log], prompt_version=version))["runs"]
    assert run["error"] == "The virtual key gone is archived."
    (run,) = worked_off(world, begin(world, [log], prompt_version=version, target="provider:demo"))["runs"]
    assert run["state"] == "succeeded"


# --- the form ---------------------------------------------------------------------------------------------------


def test_the_form_says_what_is_wrong_and_offers_what_there_is(world: World) -> None:
    log, new = str(world.log().id), "/w/acme/replays/new/"
    form = world.page.post(new, {"log": log}).content.decode()
    assert "1 ticked log." in form
    assert 'value="provider:demo"' in form
    assert "How many" not in form
    for wrong in ({"target": "virtual_key:gone"}, {"cost_limit": "-1"}, {"model": "m" * 201}):
        assert world.page.post(new, {"log": log, "start": "1"} | wrong).status_code == 422
    for count in ("0", "101", "", "x"):
        assert world.page.post(new, {"start": "1", "count": count}).status_code == 422
    assert world.page.post(f"{new}?model=nobody", {"start": "1", "count": "5"}).status_code == 422
    assert world.page.post(new, {"log": "x"}).status_code == 404
    assert world.page.get(f"{new}?since=yesteryear").status_code == 400
    assert world.page.post(new, {})["location"] == "/w/acme/logs/?select=1"
    assert not Batch.objects.exists()


def test_a_selection_is_replayed_newest_first_as_many_as_asked(world: World) -> None:
    chosen = logs(world, 3)
    new = "/w/acme/replays/new/?model=gpt-4o-mini"
    assert "only Model gpt-4o-mini" in world.page.get(new).content.decode()
    starts = [world.page.post(new, {"start": "1", "count": "2"}) for _ in range(3)]
    assert [response.status_code for response in starts] == [302, 302, 422]
    assert b"2 of your replays are under way already." in starts[2].content
    batch = Batch.objects.order_by("id")[0]
    assert set(batch.runs.values_list("parent_id", flat=True)) == {log.id for log in chosen[1:]}
    assert b"as they were" in world.page.get("/w/acme/replays/").content


def test_strangers_find_nothing(world: World) -> None:
    batch = begin(world, logs(world, 1))
    world.page.force_login(world.people.charlie, "django.contrib.auth.backends.ModelBackend")
    for path in ("", "new/", f"{batch.id}/", f"{batch.id}.json"):
        assert world.page.get(f"/w/acme/replays/{path}").status_code == 404
    assert world.page.post(f"/w/acme/replays/{batch.id}/cancel/").status_code == 404


# --- same or changed --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("vector", "result", "distance"),
    [
        ([0.6, 0.8], "same", 0.0),
        ([0.6000001, 0.8], "same", 0.0),
        ([0.8, -0.6], "changed", 1.0),
        ([0.6], "changed", None),
    ],
)
def test_embeddings_are_compared_by_their_direction(
    world: World, vector: list[float], result: str, distance: float | None
) -> None:
    def embedding(vector: list[float]) -> Log:
        data = {"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": vector}], "model": "e"}
        body = json.dumps(data).encode()
        return world.log(request_type="embedding", path="/v1/embeddings", response_body=body)

    found, furthest = compared(embedding([0.6, 0.8]), embedding(vector))
    assert found == result
    assert furthest == (None if distance is None else pytest.approx(distance, abs=1e-6))


def test_without_a_body_nobody_knows(world: World) -> None:
    assert compared(world.log(), world.log(response_body=None)) == ("", None)


def test_another_model_changes_nothing_else() -> None:
    body = b'{ "model" : "a", "temperature": 1.0e0, "x": "\\ud800", "messages":[ 1,2 ]}'
    assert with_model(body, 'b"') == b'{"model":"b\\"","temperature":1.0e0,"x":"\\ud800","messages":[ 1,2 ]}'
    assert with_model(b'{"messages":[]}', "b") == b'{"messages":[],"model":"b"}'
    assert with_model(b"no json", "b") == b"no json"
