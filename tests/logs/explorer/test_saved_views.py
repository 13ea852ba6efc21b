"""Saved views and chosen columns: who has them, what the list then shows, and what a bad form does."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from logs.explorer.columns import MOST, MOST_WIDTHS, NARROWEST, WIDEST, Columns
from logs.models import ListColumns, SavedView
from tests.factories import People, make_key, make_user, sign_in
from tests.together import at_once

pytestmark = pytest.mark.usefixtures("inline_writer")

LIST = "/w/acme/logs/"
VIEWS = "/w/acme/logs/views/"


def signed_in(name: str) -> Client:
    return sign_in(Client(), name)


def save(client: Client, name: str, query: str = "model=gpt-4o", **more: str) -> SavedView:
    answer = client.post(VIEWS, {"name": name, "query": query, **more})
    view = SavedView.objects.get(name=name)
    assert (answer.status_code, answer["Location"]) == (303, view.get_absolute_url())
    return view


def headings(page: str) -> list[str]:
    return [
        re.sub(r"<[^>]*>", "", heading).strip()
        for heading in re.findall(r'<th scope="col"[^>]*>(.*?)</th>', page, re.DOTALL)
    ]


def test_a_view_keeps_the_filters_and_says_when_they_have_changed(people: People, store: Any) -> None:
    store({"model": "gpt-4o"}, {"model": "other"})
    alice = signed_in("alice")
    view = save(alice, "Big ones", "cursor=x&model=gpt-4o&since=24h&select=1&cost_min=")
    assert view.query == "model=gpt-4o&since=24h"
    page = alice.get(view.get_absolute_url()).content.decode()
    assert page.count("data-log-id") == 1
    assert "Big ones" in page
    assert 'class="changed"' not in page
    page = alice.get(f"{LIST}?model=gpt-4o&view={view.pk}").content.decode()
    assert 'class="changed"' in page
    alice.post(f"{VIEWS}{view.pk}/overwrite/", {"query": f"model=other&view={view.pk}"})
    view.refresh_from_db()
    assert (view.query, view.columns) == ("model=other", [])


def test_own_views_are_seen_by_their_owner_and_shared_ones_by_the_organisation(people: People, store: Any) -> None:
    store({})
    save(signed_in("bob"), "Of Bob alone")
    save(signed_in("bob"), "Of everybody", is_shared="1")
    pages = {name: signed_in(name).get(LIST).content.decode() for name in ("alice", "bob")}
    assert {name: "Of Bob alone" in page for name, page in pages.items()} == {"alice": False, "bob": True}
    assert all("Of everybody" in page for page in pages.values())
    assert "Of everybody" not in signed_in("charlie").get("/w/elsewhere/logs/?view=all").content.decode()


@pytest.mark.parametrize(
    ("who", "of_bob", "shared_by_bob", "shared_by_alice"),
    [("alice", 404, 200, 200), ("bob", 200, 200, 403), ("charlie", 404, 404, 404), ("nobody", 302, 302, 302)],
)
def test_who_may_change_a_view(who: str, of_bob: int, shared_by_bob: int, shared_by_alice: int, people: People) -> None:
    views = [
        SavedView.objects.create(workspace=people.workspace, person=person, name="View", is_shared=is_shared)
        for person, is_shared in ((people.bob, False), (people.bob, True), (people.alice, True))
    ]
    client = Client() if who == "nobody" else signed_in(who)
    for view, expected in zip(views, (of_bob, shared_by_bob, shared_by_alice), strict=True):
        address = f"{VIEWS}{view.pk}/"
        assert client.get(address).status_code == expected
        answers = [client.post(address + action, {"name": "New"}) for action in ("", "overwrite/", "delete/")]
        may = expected == 200
        assert [answer.status_code for answer in answers] == ([303, 303, 302] if may else [expected] * 3)
        assert SavedView.objects.filter(pk=view.pk, name="View").exists() != may


@pytest.mark.parametrize("address", [VIEWS, "/w/acme/logs/columns/"])
def test_strangers_save_nothing(address: str, people: People) -> None:
    sent = {"name": "x", "query": "", "column": "model"}
    assert signed_in("charlie").post(address, sent).status_code == 404
    assert Client().post(address, sent)["Location"].startswith("/accounts/login/")
    assert not SavedView.objects.exists()
    assert not ListColumns.objects.exists()


def test_the_list_opens_with_the_default_and_has_a_way_back_to_all(people: People, store: Any) -> None:
    store({"model": "gpt-4o"}, {"model": "other"})
    alice, bob = signed_in("alice"), signed_in("bob")
    everybody = save(alice, "Everybody's", is_shared="1")
    alice.post(f"{VIEWS}{everybody.pk}/", {"name": "Everybody's", "is_shared": "1", "is_default": "1"})
    assert bob.get(LIST)["Location"] == everybody.get_absolute_url()
    own = save(bob, "Bob's", "model=other")
    bob.post(f"{VIEWS}{own.pk}/", {"name": "Bob's", "is_default": "1"})
    assert bob.get(LIST)["Location"] == own.get_absolute_url()
    assert alice.get(LIST)["Location"] == everybody.get_absolute_url()

    page = bob.get(own.get_absolute_url()).content.decode()
    assert f'href="{LIST}?view=all"' in page
    assert bob.get(f"{LIST}?view=all").content.decode().count("data-log-id") == 2
    # From a link without a view, taking its last filter away leads to all logs, and not to the default.
    assert bob.get(f"{LIST}?user=ada")["Location"] == f"{LIST}?user=ada&view=all"

    next_one = save(bob, "Next", "model=third")
    bob.post(f"{VIEWS}{next_one.pk}/", {"name": "Next", "is_default": "1"})
    assert bob.get(LIST)["Location"] == next_one.get_absolute_url()
    bob.post(f"{VIEWS}{next_one.pk}/delete/")
    assert bob.get(LIST)["Location"] == everybody.get_absolute_url()


def test_only_managers_choose_what_everybodys_list_opens_with(people: People) -> None:
    bob = signed_in("bob")
    view = save(bob, "Mine for all", is_shared="1")
    answer = bob.post(f"{VIEWS}{view.pk}/", {"name": "Mine for all", "is_shared": "1", "is_default": "1"})
    assert answer.status_code == 422
    assert "Only an owner or an admin" in answer.content.decode()
    # Nor by making one's own default a shared view.
    bob.post(f"{VIEWS}{view.pk}/", {"name": "Mine for all", "is_default": "1"})
    assert (
        bob.post(f"{VIEWS}{view.pk}/", {"name": "Mine for all", "is_shared": "1", "is_default": "1"}).status_code == 422
    )
    assert not SavedView.objects.filter(is_default=True, is_shared=True).exists()


def test_a_manager_does_not_make_a_members_view_private(people: People) -> None:
    view = save(signed_in("bob"), "Shared", is_shared="1")
    signed_in("alice").post(f"{VIEWS}{view.pk}/", {"name": "Renamed"})
    view.refresh_from_db()
    assert (view.name, view.is_shared) == ("Renamed", True)


@pytest.mark.parametrize(
    ("name", "query"),
    [("", "model=x"), ("x" * 81, ""), ("Bad", "status=abc"), ("NUL\x00", ""), ("  ", "")],
)
def test_what_cannot_be_understood_is_not_saved(name: str, query: str, people: People) -> None:
    answer = signed_in("alice").post(VIEWS, {"name": name, "query": query}, follow=True)
    assert "saved" in answer.content.decode()
    assert not SavedView.objects.exists()


def test_a_name_is_text(people: People, store: Any) -> None:
    store({})
    name = "<script>alert(1)</script> \u202eevil\U0001f600"
    page = signed_in("alice").get(save(signed_in("alice"), name).get_absolute_url()).content.decode()
    assert "<script>alert" not in page


def test_there_is_an_end_to_them(people: People) -> None:
    SavedView.objects.bulk_create(
        SavedView(workspace=people.workspace, person=people.alice, name=str(number)) for number in range(SavedView.MOST)
    )
    assert "delete one first" in signed_in("alice").post(VIEWS, {"name": "One more"}, follow=True).content.decode()
    assert SavedView.objects.count() == SavedView.MOST


@pytest.mark.django_db(transaction=True)
def test_there_is_an_end_to_them_also_for_those_who_save_at_once(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SavedView, "MOST", 2)
    browsers = [signed_in("alice") for _ in range(6)]
    at_once(6, lambda number: browsers[number].post(VIEWS, {"name": str(number)}))
    assert SavedView.objects.count() == 2


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (["model", "status"], ["model", "status"]),
        (["status", "model", "status"], ["status", "model"]),
        (["meta.env", "meta.", "meta.a,b", "meta.\x00", "nothing", "meta." + "x" * 101], ["meta.env"]),
        (["nothing"], Columns().names),
        ([f"meta.{number}" for number in range(30)], [f"meta.{number}" for number in range(MOST)]),
    ],
)
def test_columns_by_their_names(given: list[str], shown: list[str]) -> None:
    assert Columns.of(given).names == shown


def test_columns_are_kept_for_each_person(people: People, store: Any) -> None:
    key = make_key(people.workspace, name="Key of the shop")[0]
    store({"metadata": {"env": "staging"}, "virtual_key": "vk-1", "api_key_id": key.id, "time_to_first_token_ms": 1200})
    alice = signed_in("alice")
    chosen = {
        "column": ["status", "virtual_key", "api_key", "first_token"],
        "key": "env",
        "query": "since=24h&columns=type",
    }
    answer = alice.post("/w/acme/logs/columns/", chosen)
    assert (answer.status_code, answer["Location"]) == (303, f"{LIST}?since=24h")
    page = alice.get(LIST).content.decode()
    assert headings(page) == ["Timestamp", "Status", "Virtual key", "API key", "First token", "env"]
    assert all(text in page for text in ("vk-1", "Key of the shop", "1.2 s", "staging"))
    live = alice.get(f"{LIST}live/?after=0").content.decode()
    assert "Key of the shop" in live
    assert headings(signed_in("bob").get(LIST).content.decode()) == ["Timestamp", *(c.label for c in Columns().shown)]

    alice.post("/w/acme/logs/columns/", {"column": ["status", "model"], "left": "model"})
    assert headings(alice.get(LIST).content.decode()) == ["Timestamp", "Model", "Status"]
    alice.post("/w/acme/logs/columns/", {"usual": "1"})
    assert not ListColumns.objects.exists()


def test_a_view_with_columns_shows_them_until_others_are_chosen(people: People, store: Any) -> None:
    store({"model": "gpt-4o"})
    alice = signed_in("alice")
    alice.post("/w/acme/logs/columns/", {"column": ["status", "provider"]})
    view = save(alice, "Two columns", with_columns="1")
    assert view.columns == ["status", "provider"]
    bob = signed_in("bob")
    view.settle(name=view.name, is_shared=True, is_default=False)
    page = bob.get(view.get_absolute_url()).content.decode()
    assert headings(page) == ["Timestamp", "Status", "Provider"]
    assert 'class="changed"' not in page
    sent = {"column": ["model"], "query": view.get_absolute_url().partition("?")[2]}
    page = bob.post("/w/acme/logs/columns/", sent, follow=True).content.decode()
    assert headings(page) == ["Timestamp", "Model"]
    assert 'class="changed"' in page


def test_more_rows_cost_no_more_queries(people: People, store: Any, django_assert_max_num_queries: Any) -> None:
    key = make_key(people.workspace)[0]
    ListColumns.objects.create(
        workspace=people.workspace, person=people.alice, columns=["meta.env", "api_key", "config", "trace_id"]
    )
    save(signed_in("bob"), "Shared", is_shared="1")
    alice = signed_in("alice")
    counts = []
    for _ in range(2):
        store(*({"api_key_id": key.id, "metadata": {"env": "prod"}} for _ in range(20)))
        with django_assert_max_num_queries(11) as captured:
            alice.get(LIST)
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_views_of_somebody_who_left_stay_with_the_workspace(people: People) -> None:
    dora = make_user("dora@example.org", people.acme, "member")
    save(signed_in("dora"), "Dora's, shared", is_shared="1")
    dora.delete()
    view = SavedView.objects.get()
    signed_in("alice").post(f"{VIEWS}{view.pk}/", {"name": "Ours"})
    view.refresh_from_db()
    assert (view.name, view.is_shared) == ("Ours", True)


def test_widths_are_kept_beside_the_columns(people: People, store: Any) -> None:
    store({})
    alice = signed_in("alice")

    def widths() -> dict[str, str]:
        page = alice.get(LIST).content.decode()
        return dict(re.findall(r'<col data-column="([^"]+)" width="([^"]+)">', page))

    sent = {"width.model": "301", "width.user": "1", "width.nothing": "90", "width.type": "wide", "width.score": ""}
    assert alice.post("/w/acme/logs/columns/", {"only_widths": "1", "query": "q=a"} | sent).status_code == 303
    assert widths() == {"model": "301", "user": str(NARROWEST)}
    alice.post("/w/acme/logs/columns/", {"column": ["model", "config"], "width.model": "", "width.config": "9999"})
    assert widths() == {"config": str(WIDEST)}
    alice.post("/w/acme/logs/columns/", {"only_widths": "1", "width.config": "100"})
    assert headings(alice.get(LIST).content.decode()) == ["Timestamp", "Model", "Config"]
    assert '<col data-column="model">' in signed_in("bob").get(LIST).content.decode()
    alice.post("/w/acme/logs/columns/", {"only_widths": "1"} | {f"width.meta.{n}": "90" for n in range(90)})
    assert len(ListColumns.objects.get().widths) == MOST_WIDTHS
    alice.post("/w/acme/logs/columns/", {"usual": "1"})
    assert not ListColumns.objects.exists()
