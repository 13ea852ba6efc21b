"""Rating logs and reading what the ratings say: the real SDK, two people in browsers, and the look of it."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect
from portkey_ai import Portkey
from portkey_ai.api_resources.exceptions import AuthenticationError, BadRequestError, NotFoundError

from tests.e2e import look
from tests.e2e.conftest import Site
from tests.e2e.views import View
from tests.factories import make_key

COMMENTS = (
    "Wrong city: it said Lyon, the customer is in Lille.", "Exactly what I asked for.", "", "", "",
    "Too long. The table that the prompt asks for is missing, and the last paragraph repeats the first one.",
)  # fmt: skip


@pytest.fixture
def sdk(site: Site, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Portkey]:
    monkeypatch.setenv("NO_PROXY", "*")
    return lambda **options: Portkey(**{"api_key": site.api_key, "base_url": f"{site.url}/v1"} | options)


def items(site: Site, query: str = "") -> list[dict[str, Any]]:
    headers = {"x-portkey-api-key": site.api_key}
    answer = httpx.get(f"{site.url}/v1/logs?limit=200{query}", headers=headers, trust_env=False)
    return answer.raise_for_status().json()["data"]


def test_the_sdk_creates_one_and_many_and_updates(site: Site, sdk: Any) -> None:
    first, second = (item["trace_id"] for item in items(site)[:2])
    one = sdk().feedback.create(trace_id=first, value=5, weight=0.5, metadata={"_user": "u", "comment": "good"})
    assert (one.status, one.message) == ("success", "Feedback successfully saved")
    many = sdk().feedback.bulk_create(
        feedbacks=[{"trace_id": first, "value": 1}, {"trace_id": second, "value": -1, "metadata": {"a": "b"}}]
    )
    assert len(many.feedback_ids) == 2
    updated = sdk().feedback.update(feedback_id=many.feedback_ids[1], value=-3, weight=1, metadata={"x": "y"})
    assert (updated.message, updated.feedback_ids) == ("Feedback successfully updated", [many.feedback_ids[1]])
    scores = {item["trace_id"]: item["feedback"] for item in items(site, "&feedback=present")}
    assert scores == {
        first: {"count": 2, "weighted_average": pytest.approx((5 * 0.5 + 1) / 1.5, abs=1e-6)},
        second: {"count": 1, "weighted_average": -3.0},
    }


def test_the_sdk_says_what_is_wrong(site: Site, sdk: Any) -> None:
    with pytest.raises(BadRequestError, match="Error code: 033"):
        sdk().feedback.create(trace_id="t", value=11)
    with pytest.raises(BadRequestError, match="Error code: 032"):
        sdk().feedback.create(value=1)
    with pytest.raises(BadRequestError, match="Error code: 031"):
        sdk().feedback.bulk_create(feedbacks=[])
    with pytest.raises(NotFoundError, match="Invalid Feedback Id passed"):
        sdk().feedback.update(feedback_id="fb-1", value=1)
    with pytest.raises(AuthenticationError):
        sdk(api_key="plk_wrong").feedback.create(trace_id="t", value=1)
    foreign = make_key(site.people.elsewhere)[1]
    mine = sdk().feedback.create(trace_id="t", value=1).feedback_ids[0]
    with pytest.raises(NotFoundError):
        sdk(api_key=foreign).feedback.update(feedback_id=mine, value=-1)


def score_of(page: Page, site: Site, name: str) -> Locator:
    return page.locator(f'tr[data-log-id="{site.logs[name]}"] .c-score')


@pytest.mark.browser
def test_two_people_rate_find_and_trace_back_by_keyboard(site: Site, new_context: Any, signed_in: Any) -> None:
    path = site.log("chat_tools")
    alice = signed_in(new_context(), site.people.alice)
    alice.goto(site.url + path)
    expect(alice.locator("#panel-title")).to_be_focused()
    tab_to(alice, alice.locator("#rate-more"))
    alice.keyboard.press("Enter")
    tab_to(alice, alice.get_by_label("Comment", exact=True))
    alice.keyboard.type("Wrong city")
    tab_to(alice, alice.locator("#rate-more"), "Shift+Tab")
    alice.keyboard.press("-")
    said = alice.locator("#feedback .ratings > li")
    expect(said).to_have_count(1)
    expect(said).to_contain_text("You")
    expect(said).to_contain_text("Wrong city")
    expect(alice.locator("#thumb-down")).to_have_attribute("aria-pressed", "true")
    expect(score_of(alice, site, "chat_tools")).to_have_text("−1")  # in place, without a reload
    assert urlsplit(alice.url).path == path

    bob = signed_in(new_context(), site.people.bob)
    bob.goto(site.url + path)
    theirs = bob.locator("#feedback .ratings > li")
    expect(theirs).to_contain_text("alice@example.org")
    expect(theirs).to_contain_text("Wrong city")
    bob.keyboard.press("+")
    expect(theirs).to_have_count(2)
    expect(score_of(bob, site, "chat_tools")).to_have_text("0")
    alice.reload()
    expect(said).to_have_count(2)

    for page, query in (
        (alice, "feedback=negative&feedback_by=alice@example.org"),
        (bob, "feedback_by=bob@example.org"),
    ):
        page.goto(f"{site.url}/w/acme/logs/?{query}")
        expect(page.locator("tr.log")).to_have_count(1)
        expect(page.locator("tr.log")).to_have_attribute("data-log-id", site.logs["chat_tools"])

    tab_to(bob, bob.get_by_role("link", name="Analytics", exact=True))
    bob.keyboard.press("Enter")
    tab_to(bob, bob.get_by_role("link", name="Feedback", exact=True))
    bob.keyboard.press("Enter")
    bob.wait_for_url("**/w/acme/analytics/feedback/")
    expect(bob.locator("#part-comments")).to_contain_text("Wrong city")
    tab_to(bob, bob.locator("#part-trend .chart a:has(.negative)").first)
    bob.keyboard.press("Enter")
    expect(bob.locator("tr.log")).to_have_attribute("data-log-id", site.logs["chat_tools"])
    assert parse_qs(urlsplit(bob.url).query)["feedback"] == ["negative"]

    bob.get_by_role("link", name="Needs a look").click()
    bob.wait_for_url("**/logs/?feedback=unresolved")
    expect(bob.locator("tr.log")).to_have_count(1)
    bob.locator("tr.log .row-link").click()
    bob.get_by_role("button", name="Resolve").click()
    expect(bob.locator("#feedback")).to_contain_text("Resolved by bob@example.org")
    bob.goto(f"{site.url}/w/acme/logs/?feedback=unresolved")
    expect(bob.locator("tr.log")).to_have_count(0)


@pytest.mark.browser
def test_all_of_it_without_javascript(site: Site, new_context: Any, signed_in: Any) -> None:
    path = site.log("chat_tools")
    alice = signed_in(new_context(java_script_enabled=False), site.people.alice)
    alice.goto(site.url + path)
    alice.locator("#rate-more").click()
    alice.get_by_label("Comment", exact=True).fill("Wrong city")
    alice.get_by_role("button", name="Thumbs down").click()
    expect(alice.locator("#feedback .ratings > li")).to_contain_text("Wrong city")
    expect(score_of(alice, site, "chat_tools")).to_have_text("−1")
    assert urlsplit(alice.url).path == path

    bob = signed_in(new_context(java_script_enabled=False), site.people.bob)
    bob.goto(site.url + path)
    bob.locator("#rate-more").click()
    bob.get_by_label("Value", exact=True).fill("4")
    bob.get_by_role("textbox", name="Metadata").fill("no colon")
    bob.get_by_role("button", name="Save").click()
    expect(bob.get_by_role("alert").first).to_contain_text("Nothing was saved")
    bob.get_by_role("textbox", name="Metadata").fill("sev: low")
    bob.get_by_label("Weight").fill("0.5")
    bob.get_by_role("button", name="Save").click()
    expect(bob.locator("#feedback .ratings > li")).to_have_count(2)
    expect(score_of(bob, site, "chat_tools")).to_have_text("+0.67")

    bob.get_by_role("link", name="Analytics", exact=True).click()
    bob.get_by_role("link", name="Feedback", exact=True).click()
    bob.get_by_role("link", name="Show the figures").click()
    expect(bob.locator("#part-comments")).to_contain_text("Wrong city")
    bob.locator("#part-trend").get_by_text("As a table").click()
    bob.locator("#part-trend tbody a").first.click()
    expect(bob.locator("tr.log")).to_have_attribute("data-log-id", site.logs["chat_tools"])

    bob.goto(site.url + path)
    bob.get_by_role("button", name="Withdraw").click()
    expect(bob.locator("#feedback .ratings > li")).to_have_count(1)

    bob.goto(site.url + "/w/acme/logs/")
    bob.get_by_role("link", name="Select", exact=True).click()
    for n in range(3):
        bob.locator("tr.log input").nth(n).check()
    bob.get_by_role("button", name="Thumbs up for the ticked logs").click()
    expect(bob.locator(".messages")).to_contain_text("Thumbs up for 3 logs")
    expect(bob.locator("tr.log input")).to_have_count(0)
    expect(bob.locator(".c-score .positive")).to_have_count(3)


@pytest.mark.browser
def test_several_at_once_and_taking_ones_own_back(site: Site, context: BrowserContext, signed_in: Any) -> None:
    page = signed_in(context, site.people.alice)
    page.goto(site.url + "/w/acme/logs/")
    page.get_by_role("link", name="Select", exact=True).click()
    thumb = page.get_by_role("button", name="Thumbs down for the ticked logs")
    expect(thumb).to_be_disabled()
    page.locator("tr.log input").nth(0).check()
    page.locator("tr.log input").nth(2).check()
    expect(page.locator("[data-ticked]")).to_have_text("2 logs ticked")
    page.get_by_label("Comment").last.fill("both wrong")
    thumb.click()
    expect(page.locator(".messages")).to_contain_text("Thumbs down for 2 logs")
    expect(page.locator(".c-score .negative")).to_have_count(2)

    page.locator("tr.log .row-link").first.click()
    expect(page.locator("#feedback .ratings")).to_contain_text("both wrong")
    page.get_by_role("button", name="Withdraw").click()
    expect(page.locator("#feedback")).to_contain_text("Not rated yet")
    expect(page.locator(".c-score .negative")).to_have_count(1)


@pytest.mark.browser
def test_a_refused_value_is_said_beside_its_field_and_nothing_is_lost(
    site: Site, context: BrowserContext, signed_in: Any
) -> None:
    page = signed_in(context, site.people.alice)
    page.goto(site.url + site.log("chat_plain"))
    page.locator("#rate-more").click()
    page.get_by_label("Comment", exact=True).fill("kept")
    page.get_by_role("textbox", name="Metadata").fill("no colon here")
    page.locator("#thumb-up").click()
    expect(page.locator("#feedback .field-error")).to_contain_text("key: value")
    expect(page.get_by_label("Comment", exact=True)).to_have_value("kept")
    page.get_by_role("textbox", name="Metadata").fill("kind: tone")
    page.get_by_label("Value", exact=True).fill("2.5")
    page.get_by_label("Value", exact=True).press("Enter")  # saves the value; it presses no thumb
    expect(page.locator("#feedback .ratings > li")).to_contain_text("+2.5")
    expect(page.locator("#feedback .tags")).to_contain_text("tone")


def tab_to(page: Page, target: Locator, key: str = "Tab") -> None:
    """Press Tab until the target has the focus: whatever is reached so is within reach of a keyboard."""
    target.wait_for()
    for _ in range(400):
        page.keyboard.press(key)
        if target.evaluate("element => element === document.activeElement"):
            return
    pytest.fail(f"Tab does not reach {target}")


@pytest.fixture
def rated(site: Site) -> Site:
    """Much feedback: a month of it on every log, of two people and through the API."""
    from feedback.models import Feedback, Given
    from logs.models import Log

    chance = random.Random(7)
    people = (site.people.alice, site.people.bob)
    logs = list(Log.objects.in_workspace(site.people.workspace))
    for log in logs:
        for person in people[: chance.choice((0, 1, 1, 2))]:
            value, comment = Decimal(chance.choice((1, 1, 1, -1, -1, -4, 5, 0))), chance.choice(COMMENTS)
            Feedback.rate(log, person, Given(log.trace_id, value, comment=comment))
    given = [
        Given(log.trace_id, Decimal(chance.randrange(-10, 11)), Decimal("0.5"), metadata={"channel": "app"})
        for log in logs[::3]
    ]
    Feedback.record(site.people.workspace.id, site.people.workspace.api_keys.get().id, given)
    for rating in Feedback.objects.all():
        ago = timedelta(hours=700 * chance.random() ** 1.5)
        Feedback.objects.filter(id=rating.id).update(created_at=rating.created_at - ago)
    return site


@pytest.fixture
def rate_as_alice(rated: Site) -> str:
    """The page of a log that alice rated."""
    from feedback.models import Feedback

    rating = Feedback.objects.filter(person=rated.people.alice).exclude(comment="").first()
    assert rating is not None
    return f"/w/acme/logs/{rating.log_id}/"


def tick_some(page: Page) -> None:
    for n in (0, 1, 3):
        page.locator("tr.log input").nth(n).check()


LOOKS = [
    View("feedback-panel", lambda site: site.log("chat_tools"), part="#feedback"),
    View("feedback-list", "/w/acme/logs/?feedback=present"),
    # The bar floats above the rows, so one of them is always partly under it: axe looks at the bar.
    View("feedback-ticked", "/w/acme/logs/?select=1&since=1h", tick_some, part="#bulk"),
    View("feedback-dashboard", "/w/acme/analytics/feedback/"),
    View("feedback-filtered", "/w/acme/analytics/feedback/?since=7d&model=gpt-4o-mini-2024-07-18"),
    View("feedback-error", "/w/acme/analytics/feedback/?status=abc", status=400),
]


@pytest.mark.browser
@pytest.mark.parametrize("view", LOOKS, ids=lambda view: view.name)
def test_look_with_much_feedback(view: View, rated: Site, shared_page: Page) -> None:
    look.look_at(view, rated, shared_page)


@pytest.mark.browser
@pytest.mark.parametrize(
    ("name", "part", "opens"),
    [
        ("dashboard", ".board", ["As a table"]),
        ("panel", "#feedback", ["Edit your rating"]),
    ],
)
def test_look_of_what_opens_in_its_place(
    name: str, part: str, opens: list[str], rated: Site, context: BrowserContext, signed_in: Any, rate_as_alice: str
) -> None:
    """Opening moves what is below, as it should: no shift is measured here."""
    page = signed_in(context, rated.people.alice)
    inspection = look.Inspection(page, name, part)
    for width, height in look.SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        page.goto(rated.url + ("/w/acme/analytics/feedback/" if name == "dashboard" else rate_as_alice))
        for words in opens:
            expect(page.locator(look.UNSETTLED)).to_have_count(0)
            for place in page.get_by_text(words, exact=True).all():
                place.click()
        expect(page.locator(look.UNSETTLED)).to_have_count(0)
        assert [*inspection.problems()] == []


@pytest.mark.browser
@pytest.mark.parametrize("path", ["/w/acme/analytics/feedback/", "/w/acme/logs/?feedback=negative"])
def test_look_with_one_rating(path: str, site: Site, sdk: Any, shared_page: Page) -> None:
    trace_id = items(site)[0]["trace_id"]
    sdk().feedback.create(trace_id=trace_id, value=-1, metadata={"comment": "Wrong city"})
    look.look_at(View("feedback-little", path), site, shared_page)


@pytest.mark.browser
@pytest.mark.parametrize(
    "path", ["/w/acme/analytics/feedback/", "/w/acme/analytics/feedback/?model=none", "/w/acme/logs/?feedback=present"]
)
def test_look_without_feedback(path: str, site: Site, shared_page: Page) -> None:
    look.look_at(View("feedback-none", path), site, shared_page)
