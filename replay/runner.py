"""Running requests: through capture, and so through the gateway, like any other call.

A run is decided here, carried out by an ``Attempt``, and kept by its log: what the provider said is never taken from
anywhere else. While an answer is on its way no database connection is held.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from logs.models import Log
from logs.viewer import log_json
from portkey_logs.accounts import internal_tokens
from portkey_logs.accounts.addresses import absolute_url
from portkey_logs.accounts.api_key_cache import Grant
from portkey_logs.accounts.locks import one_at_a_time
from portkey_logs.accounts.models import Actor, AuditEvent, User, Workspace
from replay import credentials, facts
from replay.calls import Broken, Call, Head
from replay.cancellation import stops
from replay.concurrency_limits import Busy, Refused, slots
from replay.events import WAIT, Event, Reader, event
from replay.models import MAX_LABEL, Run, packed
from replay.source import Source, Target

RUNS_A_MINUTE = 60  # of one person: more than anybody can read, and a bill that stays small
LOG_SECONDS = 5.0  # how long the end of a run waits for its log; capture commits within half a second
LOOK_SECONDS = 0.05


# What a run tells of its log first.
_OF_THE_LOG = (
    "status_code",
    "error",
    "tokens",
    "cost",
    "latency_ms",
    "time_to_first_token_ms",
    "finish_reason",
    "gateway",
)


class Ineligible(Refused):
    """A rule of replay forbids it."""

    status = 409


def start_run(
    *,
    user: User,
    workspace: Workspace,
    source: Source,
    target: Target | None = None,
    body: bytes | None = None,
    group: UUID | None = None,
    label: str = "",
) -> Run:
    """A run that waits to be carried out; once, by whoever claims it first.

    Without a target it goes to whoever answered before; without a body the octets are the original's, to the byte.
    Raises Refused (409, 429) with the reason.
    """
    check_rule(workspace, source, target)
    slots.check(user.pk)
    octets = packed(source.body if body is None else body)
    run = Run(
        workspace=workspace,
        person=user,
        parent_id=source.log_id,
        group=group,
        label=label.replace("\0", "")[:MAX_LABEL],
        path=source.path,
        target=msgspec.to_builtins(target.over(source.target) if target else source.target),
        body=None if workspace.metrics_only else octets,
    )
    with one_at_a_time(user):
        if Run.objects.by(user, timezone.now() - timedelta(minutes=1)).count() >= RUNS_A_MINUTE:
            raise Busy(f"You ran {RUNS_A_MINUTE} requests within a minute. Wait a little.")
        run.save(force_insert=True)
        AuditEvent.record(workspace, Actor(user), "replay.run", str(source.log_id or run.pk), run.label or run.path)
    run.body = octets  # for now, even where it is not to be kept
    return run


def check_rule(workspace: Workspace, source: Source, target: Target | None) -> None:
    """Raises Ineligible where the log that a run descends from may not be replayed, or not like this."""
    log = Log.objects.in_workspace(workspace).filter(id=source.log_id).first() if source.log_id else None
    verdict = facts.verdict(log) if log else None
    runs_as_it_was = target is None and not source.ran_before
    if verdict and (not verdict.allowed or (verdict.needs_key and runs_as_it_was)):
        raise Ineligible(verdict.reason)
    if target and (reason := credentials.problem(workspace, target)):
        raise Ineligible(reason)


def stream_run(request: HttpRequest, run: Run) -> Stream:
    """The run as server-sent events, for a StreamingHttpResponse. Raises Busy, or Refused where it ran before."""
    return Stream(request, run)


def finish_run(run: Run) -> Run:
    """Carry the run out and wait for its end. Raises as ``stream_run``."""
    with slots.held(run.person_id or 0):
        Attempt(run).to_the_end()
    return run


class Attempt:
    """A run that is carried out: ``events`` while it lasts, then ``conclude``. Raises Refused where it ran before.

    ``is_claimed``: whoever asks has the run already.
    """

    def __init__(self, run: Run, *, is_claimed: bool = False) -> None:
        if not is_claimed and not run.claim():
            raise Refused("This attempt has been run already. Start another one.")
        self.run = run
        self.workspace = Workspace.objects.select_related("organisation").get(pk=run.workspace_id)
        self.log: Log | None = None
        self._head: Head | None = None
        self._broken = ""
        self._stopped = False
        self._call: Call | None = None

    def to_the_end(self) -> Log | None:
        """Carry it out with nobody watching; the log that it became, None where there is none."""
        for _ in self.events():
            pass
        for _ in self.conclude():
            pass
        return self.log

    def events(self) -> Generator[Event | None]:
        """What the provider says as it says it; None each second in which it is silent."""
        if not connection.in_atomic_block:
            connection.close()  # an answer may take minutes
        octets = self.run.octets
        assert octets is not None  # noqa: S101 - a run that waits has its body
        reader = Reader(streamed=False)
        try:
            with stops.offered(self.run.pk, self.stop), Call(self.run.path, self._headers(), octets) as self._call:
                for piece in self._call.pieces():
                    if self._stopped:
                        return
                    if piece is None:
                        yield None
                    elif isinstance(piece, Head):
                        self._head = piece
                        kind = piece.headers.get("content-type", "").lower()
                        reader = Reader(streamed=kind.startswith("text/event-stream"))
                    else:
                        yield from reader.feed(piece)
            yield from reader.rest()
        except Broken as error:
            self._broken = str(error)

    def stop(self) -> None:
        """End it, from any thread."""
        self._stopped = True
        if self._call:
            self._call.close()

    def conclude(self) -> Iterator[None]:
        """Keep how it ended, as soon as its log is there; gives a sign of life now and then while it waits."""
        deadline = time.monotonic() + LOG_SECONDS
        while True:
            self.log = Log.objects.in_workspace(self.workspace).filter(id=self.run.log_id).first()
            if self.log or time.monotonic() > deadline or not self._was_taken:
                break
            yield None
            time.sleep(LOOK_SECONDS)
        self._finish()

    @property
    def _was_taken(self) -> bool:
        """Whether capture has the call, so that a log is to come."""
        return self._head is not None or self._stopped or not self._broken

    def _finish(self) -> None:
        run, state = self.run, Run.State
        if self._stopped:
            run.finish(state.STOPPED)
        elif self.log is not None:
            run.finish_as(self.log)
        elif self._head is None:
            run.finish(state.FAILED, self._broken)
        elif self._broken:
            run.finish(state.UNKNOWN, self._broken)
        else:
            run.finish(state.SUCCEEDED if self._head.status < 400 else state.FAILED)

    def _headers(self) -> dict[str, str]:
        workspace = self.workspace
        grant = Grant(
            None,
            workspace.pk,
            workspace.slug,
            workspace.organisation.slug,
            ("logs.write",),
            metrics_only=workspace.metrics_only,
            ask_for_usage=workspace.ask_for_usage,
            log_id=self.run.log_id,
        )
        return self.run.aim.as_headers() | {
            "x-portkey-api-key": internal_tokens.issue(grant),
            "accept-encoding": "identity",
        }


class Stream:
    """The response to whoever watches a run. Closing it, as a server does when the tab is closed, ends the run."""

    def __init__(self, request: HttpRequest, run: Run) -> None:
        with ExitStack() as held:
            held.enter_context(slots.held(run.person_id or 0))
            self._attempt = Attempt(run)
            self._held = held.pop_all()
        self._request = request
        self._parts = self._told()

    def __iter__(self) -> Stream:
        return self

    def __next__(self) -> bytes:
        return next(self._parts)

    def close(self) -> None:
        """The end, whether or not it was reached."""
        with self._held:
            self._parts.close()  # cuts the call
        if not self._attempt.run.is_over:
            self._attempt.run.finish(Run.State.STOPPED)

    def _told(self) -> Generator[bytes]:
        attempt, run = self._attempt, self._attempt.run
        path = reverse("log_detail", args=[attempt.workspace.slug, run.log_id])
        link = absolute_url(self._request, path)
        yield event("run", {"run": str(run.pk), "log_id": str(run.log_id), "log_url": link})
        with closing(attempt.events()) as said:
            for each in said:
                yield WAIT if each is None else event(*each)
        for _ in attempt.conclude():
            yield WAIT
        yield event("done", outcome(self._request, run, attempt.log) | {"log_url": link})


def outcome(request: HttpRequest, run: Run, log: Log | None) -> dict[str, Any]:
    """How a run ended: its state, and what its log says."""
    error = {"type": None, "code": None, "message": run.error} if run.error else None
    shown: dict[str, Any] = {"state": run.state, "error": error, "log": None}
    if log is None:
        return shown
    item = log_json.item(log, run.workspace, request)
    return shown | {key: item[key] for key in _OF_THE_LOG} | {"log": item}
