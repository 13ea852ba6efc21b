"""What lies on the playground when it is opened: a request, who is to answer it, and what became of it before."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from logs.models import Log
from portkey_logs.accounts.models import User, Workspace
from portkey_logs.catalog.models import Config, VirtualKey
from replay import facts, source
from replay.credentials import FREE_PROVIDERS
from replay.eligibility import Verdict
from replay.models import Run
from replay.source import NoSource, Source, Target

EDITOR_BYTES = 8_000_000  # of a request that is edited in a page; a browser takes a second to lay that out
SHOWN_ATTEMPTS = 50
OFFERED_MODELS = 50
LOOKED_AT = 500  # of the newest logs, for the models that the workspace uses

CHAT, COMPLETION, EMBEDDING = "/v1/chat/completions", "/v1/completions", "/v1/embeddings"
FRESH: dict[str, dict[str, Any]] = {
    CHAT: {"model": "", "messages": [{"role": "user", "content": ""}], "stream": True},
    COMPLETION: {"model": "", "prompt": "", "stream": True},
    EMBEDDING: {"model": "", "input": [""]},
}


@dataclass(frozen=True)
class Choice:
    """A target that may be chosen."""

    value: str
    label: str


@dataclass(frozen=True)
class Desk:
    """``text`` is None where the request is too large to be edited; it can still be run as it was."""

    path: str
    text: str | None
    target: Target = field(default_factory=Target)
    log: Log | None = None  # where the request comes from
    run: Run | None = None  # the attempt that is shown
    verdict: Verdict | None = None
    note: str = ""

    @property
    def headers(self) -> str:
        """The headers of a call to the target as it was, as JSON; keys were never kept."""
        headers = {name: value for name, value in self.target.as_headers().items() if name != "content-type"}
        return json.dumps(headers)


def fresh(path: str) -> Desk:
    return Desk(path, json.dumps(FRESH[path], indent=2))


def of_log(log: Log) -> Desk:
    """The request of a log, exactly as it was. Where there is none, the desk says why and holds a fresh one."""
    try:
        found = source.of_log(log)
    except NoSource:
        verdict = facts.verdict(log)
        return Desk(CHAT, "", log=log, verdict=verdict)
    return _of_source(found, log=log, verdict=facts.verdict(log))


def of_run(run: Run) -> Desk:
    """The request of an attempt."""
    log = Log.objects.filter(workspace=run.workspace_id, id=run.parent_id).first() if run.parent_id else None
    try:
        return _of_source(source.of_run(run), log=log, run=run)
    except NoSource as error:
        return Desk(run.path, "", run.aim, log=log, run=run, note=str(error))


def _of_source(found: Source, **more: Any) -> Desk:
    if len(found.body) > EDITOR_BYTES:
        return Desk(found.path, None, found.target, **more)
    try:
        text, note = found.body.decode(), ""
    except UnicodeDecodeError:
        text = found.body.decode(errors="replace")
        note = "Some of these bytes are no UTF-8 text and show as �. Unedited, they are sent as they are."
    return Desk(found.path, text, found.target, note=note, **more)


def targets(workspace: Workspace) -> list[tuple[str, list[Choice]]]:
    """Whom one may ask instead, in groups."""
    keys = [
        Choice(f"virtual_key:{key.slug}", f"{key.name} ({key.provider_name})")
        for key in VirtualKey.objects.in_workspace(workspace).active()
    ]
    configs = [
        Choice(f"config:{config.slug}", config.name) for config in Config.objects.in_workspace(workspace).active()
    ]
    free = [Choice(f"provider:{slug}", slug) for slug in sorted(FREE_PROVIDERS)]
    groups = [("Virtual keys", keys), ("Configs", configs), ("Providers without a key", free)]
    return [(title, choices) for title, choices in groups if choices]


def models(workspace: Workspace) -> list[str]:
    """The models that the workspace used lately."""
    newest = Log.objects.in_workspace(workspace).newest_first().values_list("requested_model", flat=True)[:LOOKED_AT]
    return list(islice(dict.fromkeys(filter(None, newest)), OFFERED_MODELS))


def attempts(workspace: Workspace, *, log: Log | None, person: User) -> list[tuple[Run, Log | None]]:
    """What was made of a log, by anybody; without one, one's own fresh attempts. Newest first, each with the log that
    it became: None while it runs, or once that log is past its retention."""
    runs = Run.objects.light().select_related("person")
    if log:
        runs = runs.of_parents(workspace.pk, [log.id])
    else:
        runs = runs.in_workspace(workspace).filter(parent_id=None, person=person)
    found = list(runs.newest_first()[:SHOWN_ATTEMPTS])
    logs = Log.objects.in_workspace(workspace).filter(id__in=[run.log_id for run in found]).for_list()
    by_id = {each.id: each for each in logs}
    return [(run, by_id.get(run.log_id)) for run in found]
