"""``/v1/virtual-keys`` and, by its newer name, ``/v1/providers``. No answer ever holds a secret."""

from __future__ import annotations

import json
from typing import Any

from django.http import JsonResponse

from portkey_logs.api.endpoints import endpoint
from portkey_logs.api.types import Empty
from portkey_logs.catalog import providers
from portkey_logs.catalog.api import types
from portkey_logs.catalog.api.common import (
    PAGE_QUERY,
    WORKSPACE_QUERY,
    Call,
    Json,
    base_of,
    done,
    iso,
    listed,
    operation,
)
from portkey_logs.catalog.models import Invalid, VirtualKey
from portkey_logs.catalog.providers import PROVIDERS
from portkey_logs.catalog.schema import Finding


def _list(call: Call) -> JsonResponse:
    keys, total = call.page(VirtualKey.objects.in_workspace(call.workspace).filter(archived_at=None))
    return listed([_item(call, key) for key in keys], total)


def _create(call: Call) -> JsonResponse:
    _refuse_limits(call)
    provider = call.text("provider", "integration_id").strip().lower()
    key = VirtualKey.create(
        call.workspace,
        call.text("name"),
        provider,
        _secret(call),
        by=call.by,
        slug=call.text("slug", default=""),
        **_changes(call, provider),
    )
    return done({"id": str(key.pk), "slug": key.slug, "object": "virtual-key"})


def _retrieve(call: Call, slug: str) -> JsonResponse:
    return done(_item(call, call.find(VirtualKey, slug)))


def _update(call: Call, slug: str) -> JsonResponse:
    _refuse_limits(call)
    key = call.find(VirtualKey, slug)
    if call.body.get("name") is not None:
        key.rename(call.text("name"), call.by)
    secret = _secret(call)
    changes = _changes(call, key.provider)
    if "options" in changes:
        changes["options"] = key.options | changes["options"]
    if changes:
        key.change(by=call.by, secret=secret, **changes)
    elif secret:
        key.rotate_secret(secret, call.by)
    return done({"id": str(key.pk), "slug": key.slug, "object": "virtual-key"})


def _delete(call: Call, slug: str) -> JsonResponse:
    call.find(VirtualKey, slug).archive(call.by)
    return JsonResponse({})


def _item(call: Call, key: VirtualKey) -> Json:
    return base_of(key, call.workspace) | {
        "status": "expired" if key.is_expired else "active",
        "provider": key.provider,
        "integration_id": key.provider,
        "note": key.note or None,
        "key": key.hint,
        "custom_host": key.custom_host or None,
        "model_config": key.options,
        "serves": key.serves,
        "expires_at": iso(key.expires_at),
        "usage_limits": None,
        "rate_limits": None,
    }


def _secret(call: Call) -> str:
    """The secret, under the name that Portkey has for it at this provider; "" where there is none."""
    account = call.body.get("vertexServiceAccountJson")
    if isinstance(account, dict):
        return json.dumps(account)
    return call.text("key", "awsSecretAccessKey", default="")


def _changes(call: Call, provider: str) -> dict[str, Any]:
    """What of a key the call sets, beside name and secret."""
    changes: dict[str, Any] = {}
    if call.body.get("serves") is not None:
        changes["serves"] = call.text("serves")
    if call.body.get("note") is not None:
        changes["note"] = call.text("note")
    if any(call.body.get(name) is not None for name in ("custom_host", "customHost")):
        changes["custom_host"] = call.text("custom_host", "customHost")
    if "expires_at" in call.body:
        changes["expires_at"] = call.moment("expires_at")
    options = {}
    for name in PROVIDERS[provider].options if provider in PROVIDERS else ():
        if value := call.text(*providers.names_of(name), default=""):
            options[name] = value
    return changes | ({"options": options} if options else {})


def _refuse_limits(call: Call) -> None:
    """Limits that nobody keeps are better refused than stored."""
    wrong = [Finding(name, "is not supported here") for name in ("usage_limits", "rate_limits") if call.body.get(name)]
    if wrong:
        raise Invalid(wrong)


virtual_keys = endpoint(
    GET=operation(
        "virtual_keys.list", _list, "List virtual keys", types.VirtualKeyList, query=WORKSPACE_QUERY | PAGE_QUERY
    ),
    POST=operation(
        "virtual_keys.create",
        _create,
        "Create a virtual key",
        types.SavedVirtualKeyAnswer,
        body=types.NewVirtualKey,
        errors=(409,),
    ),
)
virtual_key = endpoint(
    GET=operation(
        "virtual_keys.read",
        _retrieve,
        "Get a virtual key",
        types.VirtualKeyAnswer,
        query=WORKSPACE_QUERY,
        errors=(404,),
    ),
    PUT=operation(
        "virtual_keys.update",
        _update,
        "Change a virtual key",
        types.SavedVirtualKeyAnswer,
        body=types.VirtualKeyUpdate,
        errors=(404,),
    ),
    DELETE=operation(
        "virtual_keys.delete", _delete, "Archive a virtual key", Empty, query=WORKSPACE_QUERY, errors=(404,)
    ),
)
