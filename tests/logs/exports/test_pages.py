"""The exports page, making one, fetching the file, and who may."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from logs.exports import delivery, fields, limits
from logs.exports.models import Export
from portkey_logs.accounts.models import AuditEvent
from tests.factories import People, make_key, make_user
from tests.together import at_once

pytestmark = pytest.mark.django_db
CHOICE = {"description": "For  finance", "format": "csv", "fields_": ["cost", "id"]}


@pytest.fixture
def as_user(client: Client) -> Callable[[Any], Client]:
    def as_user(user: Any) -> Client:
        client.force_login(user)
        return client

    return as_user


def test_from_the_log_page_to_the_file(store: Any, people: People, as_user: Any, finished: Any) -> None:
    store({"model": "gpt-4o"}, {"model": "o1"}, {"model": "gpt-4o"})
    browser = as_user(people.bob)
    page = browser.get("/w/acme/logs/?model=gpt-4o&since=24h&cursor=&full=1")
    link = re.search(r'id="export" href="([^"]+)"', page.content.decode())[1].replace("&amp;", "&")  # type: ignore[index]
    assert parse_qs(link.partition("?")[2]) == {"model": ["gpt-4o"], "since": ["24h"]}
    form = browser.get(link)
    assert "2 logs" in form.content.decode()
    answer = browser.post(link, CHOICE)
    assert answer.status_code == 302
    export = Export.objects.get()
    assert (export.description, export.format, export.fields) == ("For finance", "csv", ["id", "cost"])
    assert re.fullmatch(r"since=20\d\d-\d\d-\d\dT[\d%A.]+Z&model=gpt-4o", export.query)
    assert "In progress" in browser.get("/w/acme/exports/").content.decode()
    fragment = browser.get("/w/acme/exports/", headers={"HX-Request": "true", "HX-Target": "exports"}).content.decode()
    assert fragment.strip().startswith('<div id="exports" hx-get="/w/acme/exports/" hx-trigger="every 2s"')
    finished(export)
    text = browser.get("/w/acme/exports/").content.decode()
    assert "Success" in text
    assert 'hx-trigger="every' not in text
    file = browser.get(f"/w/acme/exports/{export.id}/download")
    assert b"".join(file).count(b"\r\n") == 3
    assert file["Content-Disposition"] == f'attachment; filename="{export.file_name}"'
    events = AuditEvent.objects.filter(workspace=people.workspace).order_by("created_at")
    assert [(event.action, event.person, event.subject) for event in events] == [
        ("export.start", people.bob, str(export.id)),
        ("export.download", people.bob, str(export.id)),
    ]
    assert events[0].detail == f"id, cost; {export.words}"


def test_bad_choices_and_bad_filters_make_nothing(store: Any, people: People, as_user: Any) -> None:
    browser = as_user(people.alice)
    assert browser.post("/w/acme/exports/new/", {"format": "csv"}).status_code == 422
    assert browser.post("/w/acme/exports/new/", CHOICE | {"format": "xml"}).status_code == 422
    assert browser.post("/w/acme/exports/new/", CHOICE | {"fields_": ["password"]}).status_code == 422
    for wrong in ("status=banana", "since=yesterday", "cache=maybe"):
        answer = browser.post(f"/w/acme/exports/new/?{wrong}", CHOICE)
        assert answer.status_code == 400
        assert "could not be understood" in answer.content.decode()
    assert not Export.objects.exists()


def test_the_list_asks_the_database_a_fixed_number_of_questions(
    make: Any, people: People, as_user: Any, django_assert_max_num_queries: Any
) -> None:
    for number in range(5):
        make(description=f"number {number}")
    browser = as_user(people.alice)
    browser.get("/w/acme/exports/")
    with django_assert_max_num_queries(8):
        browser.get("/w/acme/exports/")


def test_the_page_says_that_it_does_not_show_all(
    make: Any, people: People, as_user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        make()
    browser = as_user(people.alice)
    assert "are shown" not in browser.get("/w/acme/exports/").content.decode()
    monkeypatch.setattr("logs.exports.views.pages.SHOWN", 2)
    text = browser.get("/w/acme/exports/").content.decode()
    assert (text.count("data-export-id="), "The newest 2 are shown" in text) == (2, True)


def test_ranges_resume_a_download(store: Any, make: Any, finished: Any, people: People, as_user: Any) -> None:
    store(*[{}] * 20)
    export = finished(make())
    whole, url, browser = export.path.read_bytes(), f"/w/acme/exports/{export.id}/download", as_user(people.bob)

    def get(**headers: str) -> tuple[int, bytes, Any]:
        answer = browser.get(url, headers=headers)
        return answer.status_code, b"".join(answer), answer

    status, body, answer = get()
    etag = answer["ETag"]
    assert (status, body, answer["Content-Length"]) == (200, whole, str(len(whole)))
    half = len(whole) // 2
    status, rest, answer = get(range=f"bytes={half}-", if_range=etag)
    assert (status, whole[:half] + rest) == (206, whole)
    assert answer["Content-Range"] == f"bytes {half}-{len(whole) - 1}/{len(whole)}"
    assert AuditEvent.objects.filter(action="export.download").count() == 2
    assert get(range="bytes=0-9")[1] == whole[:10]
    assert get(range="bytes=-7")[1] == whole[-7:]
    assert get(range="bytes=5-2000000000")[1] == whole[5:]
    assert get(range=f"bytes={len(whole)}-")[0] == 416
    assert get(range="bytes=0-1", if_range='"another"')[:2] == (200, whole)
    for unclear in ("bytes=", "lines=1-2", "bytes=1-2,4-5", "bytes=x-", "bytes=²-"):
        assert get(range=unclear)[:2] == (200, whole)
    assert get(if_none_match=etag)[0] == 304
    assert browser.head(url)["Content-Length"] == str(len(whole))
    export.start()
    assert get()[0] == 404
    finished(export)
    assert get()[2]["ETag"] != etag


def test_a_signed_link_needs_no_account_and_expires(
    store: Any, make: Any, finished: Any, people: People, rf: Any
) -> None:
    store({})
    export = finished(make())
    key, _ = make_key(people.workspace)
    url = delivery.signed_url(rf.get("/"), export, key.pk).removeprefix("http://testserver")
    stranger = Client()
    assert b"".join(stranger.get(url)) == export.path.read_bytes()
    assert stranger.get(url, headers={"range": "bytes=0-3"}).status_code == 206
    token = url.split("/")[2]
    for forged in (token[:-1] + ("a" if token[-1] != "a" else "b"), "x", token.replace(":", "")):
        assert stranger.get(f"/exports/{forged}/logs.jsonl").status_code == 404
    with time_machine.travel(timezone.now() + timedelta(seconds=delivery.LINK_SECONDS + 1)):
        assert stranger.get(url).status_code == 404
    export.path.unlink()
    assert stranger.get(url).status_code == 404


def test_who_may_do_what(make: Any, finished: Any, people: People) -> None:
    export = finished(make())
    carol = make_user("carol@example.org", people.acme, "member")

    def statuses(user: Any) -> list[int]:
        browser = Client()
        if user is not None:
            browser.force_login(user)
        here = f"/w/acme/exports/{export.id}"
        calls = [browser.get("/w/acme/exports/"), browser.get("/w/acme/exports/new/"), browser.get(f"{here}/download")]
        calls += [browser.post(f"{here}/{action}/") for action in ("stop", "start", "delete")]
        return [call.status_code for call in calls]

    assert statuses(None) == [302] * 6
    assert statuses(people.charlie) == [404] * 6
    assert statuses(carol) == [200, 200, 200, 403, 403, 403]
    finished(export)
    assert statuses(people.alice) == [200, 200, 200, 302, 302, 302]
    assert not Export.objects.exists()


def test_members_change_their_own_and_buttons_need_a_post(make: Any, people: People, as_user: Any) -> None:
    export = make(created_by=people.bob)
    browser = as_user(people.bob)
    assert "Stop" in browser.get("/w/acme/exports/").content.decode()
    assert browser.get(reverse("export_stop", args=["acme", export.id])).status_code == 302
    export.refresh_from_db()
    assert export.status == "in_progress"
    browser.post(reverse("export_stop", args=["acme", export.id]))
    export.refresh_from_db()
    assert export.status == "stopped"
    assert "Start again" in browser.get("/w/acme/exports/").content.decode()


def test_beyond_the_limits_the_page_says_so(make: Any, people: People, as_user: Any) -> None:
    exports = [make() for _ in range(limits.MOST_IN_PROGRESS)]
    browser = as_user(people.alice)
    answer = browser.post("/w/acme/exports/new/", CHOICE)
    assert answer.status_code == 422
    assert "Wait until one has ended, or stop one." in answer.content.decode()
    assert Export.objects.count() == len(exports)
    stopped = make(workspace=people.workspace)
    stopped.stop()
    answer = browser.post(f"/w/acme/exports/{stopped.id}/start/", follow=True)
    assert "Wait until one has ended, or stop one." in answer.content.decode()
    assert not AuditEvent.objects.filter(action__startswith="export.").exists()


@pytest.mark.django_db(transaction=True)
def test_of_starts_at_once_no_more_pass_than_may(make: Any, people: People) -> None:
    drafts = [make() for _ in range(limits.MOST_IN_PROGRESS + 3)]
    for draft in drafts:
        draft.stop()
    answers = at_once(len(drafts), lambda number: limits.start(drafts[number]))
    assert sum(answer is True for answer in answers) == limits.MOST_IN_PROGRESS


def test_every_field_has_a_box(people: People, as_user: Any) -> None:
    text = as_user(people.alice).get("/w/acme/exports/new/").content.decode()
    assert set(re.findall(r'name="fields_" value="(\w+)"', text)) == set(fields.FIELDS)
    assert set(fields.USUAL) <= set(fields.FIELDS)
