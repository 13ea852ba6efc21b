"""From logs to the facts that ``eligibility`` judges: for many rows in as many statements as for one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from logs.models import Log
from replay import credentials
from replay.credentials import FREE_PROVIDERS, Known
from replay.eligibility import ENDPOINTS, Body, Facts, Verdict, judge


class Rights(NamedTuple):
    """What whoever asks may do in the workspace."""

    see_bodies: bool = True
    run: bool = True


MEMBER = Rights()  # everybody of the organisation


def verdicts(workspace_id: int, logs: Iterable[Log], rights: Rights = MEMBER) -> dict[UUID, Verdict]:
    """Whether each of these logs may be replayed by somebody with these rights."""
    logs = list(logs)
    possible = [log for log in logs if log.request_type in ENDPOINTS]
    known = credentials.of(
        workspace_id,
        virtual_keys={log.virtual_key for log in possible if log.virtual_key},
        configs={log.config for log in possible if log.config},
    )
    return {log.id: judge(_facts(log, known, rights)) for log in logs}


def verdict(log: Log, rights: Rights = MEMBER) -> Verdict:
    return verdicts(log.workspace_id, [log], rights)[log.id]


def _facts(log: Log, known: Known, rights: Rights) -> Facts:
    return Facts(
        request_type=log.request_type,
        body=_body(log),
        virtual_key_archived=log.virtual_key in known.archived,
        prompt_in_config_target=log.prompt_in_config_target,
        may_see_bodies=rights.see_bodies,
        may_run=rights.run,
        credential_known=_credential_known(log, known),
        provider=log.provider,
    )


def _body(log: Log) -> Body:
    if not log.request_kept:
        return "not_kept"
    # A client that left before its request was whole got no answer; one that left later did.
    if log.completeness == "client_left" and log.status_code is None:
        return "incomplete"
    return "whole"


def _credential_known(log: Log, known: Known) -> bool:
    if log.provider in FREE_PROVIDERS or log.virtual_key in known.virtual_keys or log.config in known.configs:
        return True
    # Only what we saw go by ourselves tells that a call did without a key.
    return log.source in ("capture", "replay") and not log.own_credential
