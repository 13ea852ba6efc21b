"""Which logs may be replayed: the rule over all its facts, and the rule over real captures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from logs.ingest import normalise, writer
from logs.llm.vocabulary import RequestType
from logs.models import Log
from logs.record import LogRecord
from portkey_logs.accounts.models import Actor
from portkey_logs.catalog.models import Config, VirtualKey
from replay import facts
from replay.eligibility import ENDPOINTS, Facts, Verdict, judge
from replay.facts import Rights
from tests.factories import People
from tests.logs.ingest.gateway_fixtures import FIXTURES, exchange_of

FINE = Facts(request_type="chat_completion", body="whole")

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"request_type": "image_generation"}, "The endpoint is not /chat/completions, /completions or /embeddings."),
    ({"request_type": "message"}, "The endpoint is not /chat/completions, /completions or /embeddings."),
    ({"request_type": "response"}, "The endpoint is not /chat/completions, /completions or /embeddings."),
    ({"request_type": "other"}, "The endpoint is not /chat/completions, /completions or /embeddings."),
    ({"virtual_key_archived": True}, "The virtual key of the log is archived."),
    (
        {"prompt_in_config_target": True},
        "The request came from a prompt template that was called from inside a Config target.",
    ),
    ({"body": "not_kept"}, "The body of the request was not kept."),
    ({"body": "incomplete"}, "The body of the request is not complete."),
    ({"body": "masked"}, "The body of the request was masked."),
    ({"may_see_bodies": False}, "You may not see the bodies of this workspace."),
    ({"may_run": False}, "You may not run requests in this workspace."),
]


@pytest.mark.parametrize(("fact", "reason"), REFUSED)
def test_each_reason_alone_is_enough(fact: dict[str, Any], reason: str) -> None:
    assert judge(replace(FINE, **fact)) == Verdict(False, reason)


@pytest.mark.parametrize("request_type", ENDPOINTS)
def test_what_has_no_reason_against_it_may_be_replayed(request_type: str) -> None:
    assert judge(replace(FINE, request_type=request_type)) == Verdict(True)


def test_without_a_known_credential_a_virtual_key_has_to_be_chosen() -> None:
    asked = judge(replace(FINE, credential_known=False, provider="openai"))
    assert asked == Verdict(True, "No credential is known for openai. Choose a virtual key to go on.", needs_key=True)
    nameless = judge(replace(FINE, credential_known=False))
    assert nameless.reason == "No credential is known for this request. Choose a virtual key to go on."


@given(
    st.builds(
        Facts,
        request_type=st.sampled_from(list(RequestType)),
        body=st.sampled_from(["whole", "not_kept", "incomplete", "masked"]),
        virtual_key_archived=st.booleans(),
        prompt_in_config_target=st.booleans(),
        may_see_bodies=st.booleans(),
        may_run=st.booleans(),
        credential_known=st.booleans(),
        provider=st.sampled_from([None, "openai"]),
    )
)
def test_allowed_is_whatever_nothing_speaks_against_and_every_refusal_says_why(known: Facts) -> None:
    verdict = judge(known)
    against = (
        known.request_type not in ENDPOINTS
        or known.body != "whole"
        or known.virtual_key_archived
        or known.prompt_in_config_target
        or not (known.may_see_bodies and known.may_run)
    )
    assert verdict.allowed is not against
    assert verdict.needs_key is (verdict.allowed and not known.credential_known)
    assert bool(verdict.reason) is (against or verdict.needs_key)


# --- the facts of real captures -----------------------------------------------------------------------------


@pytest.fixture
def captured(people: People, inline_writer: None) -> Callable[..., Log]:
    """A capture of the real gateway as a stored log, its exchange changed where a test wants it."""

    def captured(name: str, **changes: Any) -> Log:
        exchange = exchange_of(name)
        for field, value in changes.items():
            setattr(exchange, field, value)
        record = normalise.to_record(exchange, workspace_id=people.workspace.pk, api_key_id=None, now_ms=NOW_MS)
        assert [outcome.state for outcome in writer.submit([record])] == ["stored"]
        return Log.objects.get(workspace=people.workspace, id=record.id)

    return captured


NOW_MS = 1_795_000_000_000


@pytest.mark.parametrize("name", sorted(FIXTURES))
def test_every_capture_has_its_verdict_by_its_endpoint(captured: Callable[..., Log], name: str) -> None:
    verdict = facts.verdict(captured(name))
    path = FIXTURES[name]["request"]["path"]
    assert verdict.allowed is (path in ENDPOINTS.values())  # a prompt is called at /prompts/…/completions
    if not verdict.allowed:
        assert verdict.reason == "The endpoint is not /chat/completions, /completions or /embeddings."


def test_a_call_that_brought_its_own_key_needs_another_one(captured: Callable[..., Log]) -> None:
    headers = FIXTURES["chat_plain"]["request"]["headers"]
    assert facts.verdict(captured("chat_plain")).needs_key
    keyless = {name: value for name, value in headers.items() if name != "authorization"}
    assert facts.verdict(captured("chat_plain", request_headers=keyless)) == Verdict(True)
    dummy = headers | {"authorization": "Bearer OPENAI_API_KEY"}  # what Portkey's SDK sends in a key's place
    assert facts.verdict(captured("chat_plain", request_headers=dummy)) == Verdict(True)
    # Somebody else saw this call, and may have left the key out when he told us.
    assert facts.verdict(captured("chat_plain", request_headers=keyless, source="api")).needs_key
    assert facts.verdict(captured("chat_plain", provider="demo", source="api")).allowed


def test_a_key_inside_the_config_is_a_key_too(captured: Callable[..., Log]) -> None:
    assert facts.verdict(captured("retry_success_1")).needs_key


def test_the_body_must_be_there_whole(captured: Callable[..., Log]) -> None:
    not_kept = captured("chat_plain", bodies_kept=False)
    assert facts.verdict(not_kept).reason == "The body of the request was not kept."
    left_early = captured("chat_plain", client_left=True, status_code=None, response_body=None, response_headers={})
    assert facts.verdict(left_early).reason == "The body of the request is not complete."
    assert facts.verdict(captured("chat_stream", client_left=True)).allowed
    assert facts.verdict(captured("chat_stream_cut")).allowed


def test_a_prompt_inside_a_config_target_is_no_request_of_its_own(captured: Callable[..., Log]) -> None:
    config = '{"strategy":{"mode":"single"},"targets":[{"provider":"openai","prompt_id":"pp-1"}]}'
    headers = FIXTURES["single_strategy"]["request"]["headers"] | {"x-portkey-config": config}
    verdict = facts.verdict(captured("single_strategy", request_headers=headers))
    assert verdict.reason == "The request came from a prompt template that was called from inside a Config target."


def test_who_asks_counts(store: Callable[..., list[LogRecord]], people: People) -> None:
    (record,) = store({"provider": "demo"})
    log = Log.objects.get(workspace=people.workspace, id=record.id)
    assert facts.verdict(log).allowed
    assert facts.verdict(log, Rights(run=False)).reason == "You may not run requests in this workspace."
    assert facts.verdict(log, Rights(see_bodies=False)).reason == "You may not see the bodies of this workspace."


def test_a_virtual_key_decides_by_its_state(store: Callable[..., list[LogRecord]], people: People) -> None:
    by = Actor(person=people.alice)
    key = VirtualKey.create(people.workspace, "Production", "openai", "sk-123456789", by=by, slug="openai-prod")
    (record,) = store({"virtual_key": "openai-prod"})
    log = Log.objects.get(workspace=people.workspace, id=record.id)
    assert facts.verdict(log) == Verdict(True)
    key.change(by=by, expires_at=timezone.now())
    assert facts.verdict(log).needs_key
    key.archive(by)
    assert facts.verdict(log).reason == "The virtual key of the log is archived."
    key.restore(by)
    key.change(by=by, expires_at=None)
    assert facts.verdict(log) == Verdict(True)
    (unknown,) = store({"virtual_key": "openai-test"})
    assert facts.verdict(Log.objects.get(workspace=people.workspace, id=unknown.id)).needs_key


def test_a_config_helps_where_it_brings_a_credential(store: Callable[..., list[LogRecord]], people: People) -> None:
    by = Actor(person=people.alice)
    bodies: dict[str, Any] = {
        "pc-names-one": {"strategy": {"mode": "single"}, "targets": [{"virtual_key": "openai-prod"}]},
        "pc-holds-one": {"provider": "openai", "api_key": "sk-1234567890abcdef"},
        "pc-none": {"retry": {"attempts": 3}},
    }
    for slug, body in bodies.items():
        Config.create(people.workspace, slug, body, by=by, slug=slug)
    records = store(*({"config": slug} for slug in [*bodies, "pc-unknown"]))
    logs = {log.config: log for log in Log.objects.in_workspace(people.workspace)}
    assert len(records) == 4
    verdicts = facts.verdicts(people.workspace.pk, logs.values())
    needs = {config: verdicts[log.id].needs_key for config, log in logs.items()}
    assert needs == {"pc-names-one": False, "pc-holds-one": False, "pc-none": True, "pc-unknown": True}


def test_many_rows_cost_what_one_costs(
    store: Callable[..., list[LogRecord]], people: People, django_assert_num_queries: Any
) -> None:
    store(*({"virtual_key": f"key-{number}", "config": f"pc-{number}"} for number in range(50)))
    logs = list(Log.objects.in_workspace(people.workspace))
    with django_assert_num_queries(2):
        assert len(facts.verdicts(people.workspace.pk, logs)) == 50
