"""Plain functions that make what tests need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.test import Client

from logs.record import GatewayStatus, LogRecord
from portkey_logs.accounts.models import ApiKey, Membership, Organisation, User, Workspace
from portkey_logs.lib import uuid7

PASSWORD = "correct horse battery"


@dataclass
class People:
    """alice owns acme, bob is a member of it, charlie belongs elsewhere; each organisation has one workspace."""

    alice: User
    bob: User
    charlie: User
    acme: Organisation
    workspace: Workspace
    elsewhere: Workspace


def make_user(email: str, organisation: Organisation, role: str) -> User:
    user = User.objects.create_user(email, PASSWORD)
    Membership.objects.create(user=user, organisation=organisation, role=role)
    return user


def make_people() -> People:
    acme = Organisation.objects.create(name="Acme", slug="acme")
    other = Organisation.objects.create(name="Other", slug="other")
    return People(
        alice=make_user("alice@example.org", acme, "owner"),
        bob=make_user("bob@example.org", acme, "member"),
        charlie=make_user("charlie@example.org", other, "owner"),
        acme=acme,
        workspace=Workspace.objects.create(name="Acme", slug="acme", organisation=acme),
        elsewhere=Workspace.objects.create(name="Elsewhere", slug="elsewhere", organisation=other),
    )


ALL_OF_LOGS = ("logs.write", "logs.view", "logs.export")


def sign_in(client: Client, name: str) -> Client:
    """Sign the person of that name in, without the form; returns the client."""
    client.force_login(User.objects.get(email=f"{name}@example.org"))
    return client


def make_key(workspace: Workspace, **kwargs: Any) -> tuple[ApiKey, str]:
    """A key that may do everything with logs, unless ``scopes`` say otherwise."""
    return ApiKey.issue(workspace, kwargs.pop("name", "test key"), **{"scopes": ALL_OF_LOGS} | kwargs)


def make_record(workspace_id: int, **kwargs: Any) -> LogRecord:
    """A plain successful chat completion; every field may be overridden."""
    id = kwargs.pop("id", None) or uuid7.uuid7()
    gateway = kwargs.pop("gateway", None) or GatewayStatus()
    values: dict[str, Any] = {
        "source": "api",
        "completeness": "complete",
        "trace_id": str(id),
        "request_type": "chat_completion",
        "method": "POST",
        "url": "https://api.openai.com/v1/chat/completions",
        "path": "/v1/chat/completions",
        "provider": "openai",
        "model": "gpt-4o-mini",
        "requested_model": "gpt-4o-mini",
        "status_code": 200,
        "is_success": True,
        "latency_ms": 412,
        "input_tokens": 18,
        "output_tokens": 2,
        "total_tokens": 20,
        "tokens_origin": "provider",
        "request_headers": {"content-type": "application/json"},
        "response_headers": {"content-type": "application/json"},
        "request_body": b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Say hi"}]}',
        "response_body": b'{"choices":[{"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}]}',
    }
    values |= kwargs
    values.setdefault("request_bytes", len(values["request_body"] or b""))
    values.setdefault("response_bytes", len(values["response_body"] or b""))
    return LogRecord(workspace_id=workspace_id, id=id, gateway=gateway, **values)
