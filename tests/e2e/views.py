"""The pages that are looked at, each in the states that it can be in."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle
from uuid import UUID

from playwright.sync_api import Page, expect

from tests.e2e.conftest import Site


@dataclass(frozen=True)
class View:
    """A page as somebody has it before them: ``path`` may depend on the site, ``prepare`` acts on the page.

    ``part`` is what axe looks at where the rest of the page is as another view shows it already.
    """

    name: str
    path: str | Callable[[Site], str]
    prepare: Callable[[Page], None] = lambda page: None
    who: str | None = "alice"
    status: int = 200
    part: str | None = None


FEW = "model=claude-3-5-sonnet-20241022"  # so few logs in the list behind a view's part: each takes time to look at


def of(name: str, query: str = "") -> Callable[[Site], str]:
    return lambda site: f"{site.log(name)}?{FEW}{query}"


def body_of(name: str, side: str, query: str) -> Callable[[Site], str]:
    """One side of a log as a page of its own."""
    return lambda site: f"{site.log(name)}body/{side}/?{query}"


def sign_in_link(site: Site) -> str:
    from portkey_logs.accounts.bootstrap import sign_in_path

    return sign_in_path(site.people.alice)


def invitation(site: Site) -> str:
    from portkey_logs.accounts.models import Invitation

    return f"/accounts/invite/{Invitation.issue(site.people.acme, site.people.alice, 'member', 'Dora')[1]}/"


def config(query: str = "") -> Callable[[Site], str]:
    """A config that was edited, as a page or what ``query`` makes of it; some of the site's logs used it."""

    def make(site: Site) -> str:
        from portkey_logs.accounts.models import Actor
        from portkey_logs.catalog.models import Config

        if Config.objects.exists():
            return f"/w/acme/configs/pc-abc-123/{query}"
        by, spread = (
            Actor(site.people.alice),
            {"strategy": {"mode": "loadbalance"}, "targets": [{"virtual_key": "a"}] * 2},
        )
        body = {"strategy": {"mode": "fallback"}, "targets": [spread, {"virtual_key": "b", "retry": {"attempts": 2}}]}
        made = Config.create(site.people.workspace, "Chat in production", body["targets"][0], by=by, slug="pc-abc-123")
        made.save_version(body | {"colour": "red"}, by=by, description="Fall back to the second provider")
        return f"/w/acme/configs/pc-abc-123/{query}"

    return make


def virtual_key(path: str) -> Callable[[Site], str]:
    def make(site: Site) -> str:
        from portkey_logs.accounts.models import Actor
        from portkey_logs.catalog.models import VirtualKey

        if VirtualKey.objects.exists():
            return f"/w/acme/virtual-keys/{path}"
        secret, by = "sk-proj-0123456789abcdefghij", Actor(site.people.alice)
        VirtualKey.create(site.people.workspace, "OpenAI in production", "openai", secret, by=by, slug="openai")
        VirtualKey.create(site.people.workspace, "Trial", "groq", secret, by=by, slug="trial").archive(by)
        return f"/w/acme/virtual-keys/{path}"

    return make


def open_a_row(page: Page) -> None:
    page.locator("tr.log .row-link").nth(4).click()
    expect(page.locator("#panel-title")).to_be_visible()
    page.mouse.move(0, 0)  # away from the row, whose tooltip would stay


def open_filters(page: Page) -> None:
    page.get_by_role("button", name="Filters").click()
    expect(page.get_by_role("button", name="Show logs")).to_be_visible()


def open_facets(page: Page) -> None:
    page.evaluate("localStorage.setItem('facets', 'open')")  # as somebody left them
    page.reload()
    expect(page.locator("#facets li a").first).to_be_visible()


def complete_a_key(page: Page) -> None:
    page.get_by_role("combobox", name="Filter logs").press_sequentially("m")
    expect(page.get_by_role("option").first).to_be_visible()
    page.keyboard.press("ArrowDown")


def point_at_a_row(page: Page) -> None:
    page.locator("tr.log .c-status").nth(2).hover()


def open_guide(page: Page) -> None:
    page.locator("[popovertarget=guide]:visible").first.click()
    expect(page.locator("#guide")).to_be_visible()


def open_help(page: Page) -> None:
    page.keyboard.press("?")
    expect(page.locator("#keyboard")).to_be_visible()


def open_more_on_a_phone(page: Page) -> None:
    button = page.locator("[popovertarget=more-menu]")
    if button.is_visible():  # elsewhere the rail has room for all pages
        button.click()
        expect(page.locator("#more-menu").get_by_role("link", name="Virtual keys")).to_be_visible()


def open_menu(name: str) -> Callable[[Page], None]:
    def open(page: Page) -> None:
        page.locator(f"[popovertarget={name}]").click()
        expect(page.locator(f"#{name}")).to_be_visible()

    return open


def make_a_key(page: Page) -> None:
    page.get_by_label("Name").fill("Notebook of the search team")
    page.get_by_role("button", name="Make the key").click()
    expect(page.get_by_role("heading", name="Your new key")).to_be_visible()


def make_an_invitation(page: Page) -> None:
    page.get_by_role("button", name="Make a link").click()
    expect(page.get_by_role("heading", name="The invitation link")).to_be_visible()


def compared(one: str, other: str) -> Callable[[Site], str]:
    return lambda site: f"/w/acme/compare/?a={site.logs[one]}&b={site.logs[other]}"


def exported(count: int) -> Callable[[Site], str]:
    """That many exports, of every status by turns."""

    def path(site: Site) -> str:
        from logs.exports.models import Export

        for number, status in zip(range(count), cycle(["success", "in_progress", "failed", "draft", "stopped"])):
            Export.objects.get_or_create(
                description=f"Costs of November for the finance team, part {number}",
                defaults={
                    "workspace": site.people.workspace, "created_by": site.people.alice, "format": "csv",
                    "fields": ["id", "cost"], "query": "model=gpt-4o", "words": "Newest first, all time; only Model gpt-4o",
                    "status": status, "error": "The file could not be written: No space left on device" * (status == "failed"),
                    "total": 1_234_567, "records": 456_789, "size": 98_765_432,
                },
            )  # fmt: skip
        return "/w/acme/exports/"

    return path


def make_an_export_of_nothing(page: Page) -> None:
    page.locator("input:checked[type=checkbox]").evaluate_all("boxes => boxes.forEach(box => box.checked = false)")
    page.get_by_role("button", name="Make the file").click()
    expect(page.get_by_text("Choose at least one field.")).to_be_visible()


def playground_of(name: str, query: str = "") -> Callable[[Site], str]:
    return lambda site: f"/w/acme/playground/?log={site.logs[name]}{query}"


def prompt_of(site: Site) -> str:
    """A prompt with two versions, the first of which is published."""
    from portkey_logs.accounts.models import Actor
    from portkey_logs.catalog.models import Prompt
    from portkey_logs.catalog.prompts import PromptSource

    by = Actor(site.people.alice)
    said = "Answer {{name}} in {{language}}, in at most three sentences."
    source = PromptSource(template=[{"role": "user", "content": said}], model="gpt-4o-mini")
    made = Prompt.create(site.people.workspace, "Support answer", source, by=by, description="As it was in the code")
    shorter = PromptSource(template=[{"role": "user", "content": said.replace("three", "two")}], model="gpt-4o")
    made.save_version(shorter, by=by, description="Shorter, with the larger model")
    return f"/w/acme/prompts/{made.slug}/?against=2"


def rendered(site: Site) -> tuple[str, UUID]:
    """That prompt, and a log with the variables that filled it in."""
    from django.db import connection

    from logs.ingest import rows
    from tests.factories import make_record

    address = prompt_of(site)
    values = {"name": "Ada", "language": "English, as it is spoken in Edinburgh. " * 30, "tags": ["billing", 1]}
    slug = address.split("/")[4]
    record = make_record(site.people.workspace.pk, prompt=slug, variables=json.dumps(values).encode())
    rows.commit_batch(connection, [record])
    return address, record.id


def prompt_list(site: Site) -> str:
    prompt_of(site)
    return "/w/acme/prompts/"


def replayed(site: Site) -> str:
    """Logs that are replayed together: of every outcome one, and one that waits."""
    from replay.models import Batch, Run

    by = {"workspace": site.people.workspace, "person": site.people.alice}
    batch = Batch.objects.create(**by, model="gpt-4o", cost_limit="12.5")
    outcomes = ["same", "changed", "failed", "skipped", "unknown", "running", "pending"]
    for outcome, id in zip(outcomes, sorted(site.logs.values()), strict=False):
        state = "succeeded" if outcome in Run.Result else outcome
        run = Run(**by, batch=batch, parent_id=id, state=state, result=outcome if state == "succeeded" else "")
        if state in ("succeeded", "failed"):
            run.log_id = site.logs["chat_plain"]
        run.error = "The body of the request was not kept." if state == "skipped" else ""
        run.save()
    return f"/w/acme/replays/{batch.id}/"


def break_the_json(page: Page) -> None:
    page.locator("#pg-body").fill('{"model": ')


def stand_side_by_side(page: Page) -> None:
    while page.locator(".pg-column").count() < 3:  # a draft may have some of them
        page.get_by_role("button", name="Side by side").click()
    page.reload()
    expect(page.locator("form[data-ready]")).to_be_visible()


def saved_view(query: str) -> Callable[[Site], str]:
    """The list at these parameters, among them ``{}``, the id of a view; there are others, shared and default ones."""

    def path(site: Site) -> str:
        from logs.models import SavedView

        made = [
            SavedView.objects.get_or_create(workspace=site.people.workspace, person=site.people.alice, **values)[0]
            for values in (
                {"name": "Failures of the support chat in production", "query": "status=failed"},
                {"name": "Dear ones", "query": "cost_min=1", "is_shared": True, "is_default": True},
                {"name": "With tools", "query": "has=tools", "columns": ["model", "meta.env", "status"]},
            )
        ]
        return "/w/acme/logs/" + query.format(made[0].pk)

    return path


def traced(site: Site) -> str:
    """What belongs to a log: two others of its trace, below each other, and its user's."""
    from logs.models import Log

    newest = Log.objects.in_workspace(site.people.workspace).newest_first()
    for number, log in enumerate(newest[:3]):
        newest.filter(id=log.id).update(trace_id="agent-run-42", span_id=f"{number}", parent_span_id=f"{number - 1}")
    return f"/w/acme/logs/{newest[0].id}/related/?since=1h"


def open_columns(page: Page) -> None:
    if page.locator("#columns-button").is_visible():
        open_menu("columns")(page)


def open_more_of_the_list(page: Page) -> None:
    if page.locator("#more-button").is_visible():
        open_menu("list-more")(page)


LAST_HOUR = "/w/acme/logs/?since=1h"
SOME_LOGS = f"/w/acme/logs/?{FEW}"
LIST_VIEWS = [
    View("list", "/w/acme/logs/"),
    View("list-first-run", "/w/elsewhere/logs/", who="charlie"),
    View("list-filtered", "/w/acme/logs/?provider=openai&cache=miss&since=7d"),
    View("list-no-match", "/w/acme/logs/?model=none-of-ours"),
    View("list-error", "/w/acme/logs/?status=abc", status=400),
    View("bar-error", "/w/acme/logs/?since=1h&query=user:ada+modle:gpt", status=400),
    View("bar-options", SOME_LOGS, complete_a_key, part=".bar"),
    View("list-select", SOME_LOGS + "&select=1", part=".list-header"),
    View("list-facets", "/w/acme/logs/?cache=miss", open_facets, part="#facets"),
    View("row-ways", SOME_LOGS, point_at_a_row, part="tr.log"),
    View("list-search", "/w/acme/logs/?q=weather"),
    View("list-search-nothing", "/w/acme/logs/?q=unheard-of"),
    View("list-search-error", "/w/acme/logs/?q=...", status=400),
    View("list-columns", LAST_HOUR + "&columns=model,provider,status,status_code,trace_id,api_key,latency,meta.env"),
    View("list-more", SOME_LOGS + "&select=1", open_more_of_the_list, part="#list-more, .list-header"),
    View("columns", SOME_LOGS, open_columns, part="#columns"),
    View("views", saved_view("?status=failed&since=7d&view={}"), open_menu("views"), part="#views"),
    View("saved-view", saved_view("views/{}/"), part="main"),
    View("filters", SOME_LOGS, open_filters, part="#filters"),
    View("guide", SOME_LOGS, open_guide, part="#guide"),
    View("help", SOME_LOGS, open_help, part="#keyboard"),
    View("workspace-menu", SOME_LOGS, open_menu("workspace-menu"), part="#workspace-menu"),
    View("more-menu", SOME_LOGS, open_more_on_a_phone, part="#more-menu"),
    View("account-menu", SOME_LOGS, open_menu("account-menu"), part="#account-menu"),
]
PANEL_VIEWS = [
    View("panel", LAST_HOUR, open_a_row),
    View("related", traced, part="main"),
    View("panel-tool-result", of("chat_tool_result"), part="#log-panel"),
    View("panel-vision", of("vision_data_uri"), part="#log-panel"),
    View("panel-stream", of("chat_stream_cut"), part="#log-panel"),
    View("panel-failed", of("provider_error_429"), part="#log-panel"),
    View("panel-embeddings", of("embeddings"), part="#log-panel"),
    View("panel-json", of("chat_tools", "&request=json&response=json"), part="#log-panel"),
    View("panel-raw", of("chat_stream_usage", "&request=raw&response=raw"), part="#log-panel"),
    View("panel-variables", lambda site: f"/w/acme/logs/{rendered(site)[1]}/?{FEW}", part="#log-panel"),
    View("panel-full", of("chat_tools", "&full=1"), part="#log-panel"),
    View("panel-guardrail", of("guardrail_fail_246"), part="#log-panel"),
    View("panel-message", of("messages_anthropic"), part="#log-panel"),
    View("panel-response", of("responses"), part="#log-panel"),
    View("panel-images", of("images_url"), part="#log-panel"),
    View("body", body_of("chat_tools", "request", "view=json"), part="main"),
    View("body-find", body_of("chat_tools", "request", "find=weather"), part="main"),
    View("body-find-nothing", body_of("chat_tools", "request", "find=nowhere"), part="main"),
]
PLAYGROUND_VIEWS = [
    View("compare", compared("chat_tools", "chat_tool_result")),
    View("compare-failed", compared("provider_error_429", "chat_plain"), part="main"),
    View("compare-embeddings", compared("embeddings", "embeddings"), part="main"),
    View("compare-choose", lambda site: f"/w/acme/compare/?a={site.logs['chat_plain']}", part="main"),
    View("playground", "/w/acme/playground/"),
    View("playground-tools", playground_of("chat_tool_result"), part="main"),
    View("playground-vision", playground_of("vision_data_uri"), part="main"),
    View("playground-json", playground_of("chat_tools", "&view=json"), break_the_json, part="main"),
    View("playground-beside", playground_of("chat_plain"), stand_side_by_side, part="main"),
    View("prompts", prompt_list, part="main"),
    View("prompts-first", "/w/acme/prompts/", part="main"),
    View("prompt", lambda site: "{}&log={}".format(*rendered(site)), part="main"),
    View("playground-refused", playground_of("images_url"), part="main"),
    View("replay-form", lambda site: prompt_of(site) and "/w/acme/replays/new/?model=gpt-4o&since=7d"),
    View("replay-error", "/w/acme/replays/new/?status=abc", status=400, part="main"),
    View("replay", replayed, part="main"),
    View("replays", lambda site: replayed(site) and "/w/acme/replays/", part="main"),
    View("replays-none", "/w/acme/replays/", part="main"),
]
WORKSPACE_VIEWS = [
    View("sign-in", "/accounts/login/", who=None),
    View("link", sign_in_link, who=None),
    View("link-gone", "/accounts/link/none/", who=None, status=404),
    View("invitation", invitation, who=None),
    View("configs", lambda site: config()(site) and "/w/acme/configs/"),
    View("configs-none", "/w/elsewhere/configs/", who="charlie", part="main"),
    View("config", config(), part="main"),
    View("config-changes", config("?against=1"), part="main"),
    View("config-edit", config("edit/"), part="main"),
    View("virtual-keys", virtual_key("")),
    View("virtual-keys-none", "/w/elsewhere/virtual-keys/", who="charlie", part="main"),
    View("virtual-key", virtual_key("openai/"), part="main"),
    View("virtual-key-archived", virtual_key("trial/"), who="bob", part="main"),
    View("virtual-key-new", "/w/acme/virtual-keys/new/", part="main"),
    View("exports", exported(12), part="main"),
    View("exports-one", exported(1), part="main"),
    View("exports-none", exported(0), part="main"),
    View("export", "/w/acme/exports/new/?model=gpt-4o&since=7d"),
    View("export-of-nothing", "/w/acme/exports/new/", make_an_export_of_nothing, part="main"),
    View("export-error", "/w/acme/exports/new/?status=abc", status=400, part="main"),
    View("keys", "/w/acme/keys/", make_a_key),
    View("members", "/w/acme/members/", make_an_invitation),
    View("settings", "/w/acme/settings/"),
    View("password", "/accounts/password/"),
    View("not-found", "/w/acme/logs/00000000-0000-7000-8000-000000000000/", status=404),
]
