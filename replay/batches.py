"""Replaying many logs together: what is begun, and what each run of it sends."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import msgspec

from logs.ingest import json_slices
from logs.models import Log
from portkey_logs.accounts.locks import one_at_a_time
from portkey_logs.accounts.models import Actor, AuditEvent, User, Workspace
from portkey_logs.catalog.models import PromptVersion
from replay import credentials, prompting, source
from replay.concurrency_limits import Busy
from replay.models import Batch, Run
from replay.runner import Ineligible, check_rule
from replay.source import Source, Target

MAX_LOGS = 100  # of one batch: what a person can look through
MAX_OF_A_PERSON = 2  # batches under way, so that nobody takes all places of the worker


def start(
    *,
    user: User,
    workspace: Workspace,
    logs: Sequence[Log],
    target: Target | None = None,
    model: str = "",
    prompt_version: PromptVersion | None = None,
    cost_limit: Decimal | None = None,
) -> Batch:
    """A batch for the worker, which judges each log when its turn comes and skips those that may not be replayed.

    ``model`` takes the place of each request's own, as does ``prompt_version``, filled in with the log's variables;
    ``cost_limit`` is in cents. Raises Refused.
    """
    if not logs:
        raise Ineligible("There are no logs to replay.")
    if target and (reason := credentials.problem(workspace, target)):
        raise Ineligible(reason)
    with one_at_a_time(user):
        if Batch.objects.running().filter(person=user).count() >= MAX_OF_A_PERSON:
            raise Busy(f"{MAX_OF_A_PERSON} of your replays are under way already. Wait until one of them has ended.")
        batch = Batch.objects.create(
            workspace=workspace,
            person=user,
            target=msgspec.to_builtins(target) if target else None,
            model=model,
            prompt_version=prompt_version,
            cost_limit=cost_limit,
        )
        Run.objects.bulk_create(
            Run(workspace=workspace, person=user, batch=batch, parent_id=log.id) for log in logs[:MAX_LOGS]
        )
        AuditEvent.record(workspace, Actor(user), "replay.batch", str(batch.pk), f"{len(logs)} logs, {batch.label}")
    return batch


def call_of(batch: Batch, original: Log) -> Source:
    """What is sent in the place of a log's request. Raises NoSource, Ineligible."""
    aim = batch.aim
    if version := batch.prompt_version:
        call = prompting.in_place_of(original, prompting.filled_in(version, original))
        aim = aim or prompting.target_of(version)
    else:
        call = source.of_log(original)
    check_rule(batch.workspace, call, aim)
    target = aim.over(call.target) if aim else call.target
    return replace(call, target=target, body=with_model(call.body, batch.model) if batch.model else call.body)


def with_model(body: bytes, model: str) -> bytes:
    """The request with another model; everything else keeps its bytes."""
    try:
        members = json_slices.members(body)
    except ValueError:
        return body  # no JSON object: whoever answers says so
    members["model"] = json.dumps(model).encode()
    return b"{" + b",".join(json.dumps(key).encode() + b":" + value for key, value in members.items()) + b"}"
