"""Limits of a person, where requests come at once."""

from __future__ import annotations

from typing import Any

import pytest

from logs.models import Log
from replay import batches, runner
from replay.concurrency_limits import Busy
from replay.models import Batch, Run
from replay.source import Source, Target
from tests.factories import People
from tests.together import at_once

pytestmark = pytest.mark.django_db(transaction=True)  # several connections have to see what is stored


def kinds(answers: list[Any]) -> list[type]:
    return sorted((type(answer) for answer in answers), key=str)


def test_runs_that_begin_at_once_do_not_pass_the_limit_of_a_minute(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "RUNS_A_MINUTE", 2)
    call = Source("/v1/chat/completions", b"{}", Target(provider="openai"))
    answers = at_once(6, lambda _: runner.start_run(user=people.alice, workspace=people.workspace, source=call))
    assert kinds(answers) == [Busy] * 4 + [Run] * 2
    assert Run.objects.count() == 2
    assert isinstance(runner.start_run(user=people.bob, workspace=people.workspace, source=call), Run)


def test_replays_of_many_logs_that_begin_at_once_do_not_pass_their_limit(people: People, store: Any) -> None:
    store({})
    logs = list(Log.objects.in_workspace(people.workspace))
    answers = at_once(6, lambda _: batches.start(user=people.alice, workspace=people.workspace, logs=logs))
    assert kinds(answers) == [Busy] * (6 - batches.MAX_OF_A_PERSON) + [Batch] * batches.MAX_OF_A_PERSON
    assert Batch.objects.count() == batches.MAX_OF_A_PERSON
