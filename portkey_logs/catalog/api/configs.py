"""``/v1/configs``."""

from __future__ import annotations

import json
from typing import Any

from django.http import JsonResponse

from portkey_logs.api.endpoints import endpoint
from portkey_logs.api.errors import INVALID
from portkey_logs.api.types import Empty
from portkey_logs.catalog import references, schema
from portkey_logs.catalog.api import types
from portkey_logs.catalog.api.common import (
    PAGE_QUERY,
    WORKSPACE_QUERY,
    Call,
    Json,
    Refused,
    base_of,
    done,
    iso,
    listed,
    operation,
)
from portkey_logs.catalog.models import Config, ConfigVersion, Invalid
from portkey_logs.catalog.schema import Finding


def _list(call: Call) -> JsonResponse:
    configs, total = call.page(Config.objects.in_workspace(call.workspace).active())
    return listed([base_of(config, call.workspace) | {"is_default": 0} for config in configs], total)


def _create(call: Call) -> JsonResponse:
    body = _body(call)
    for name in ("isDefault", "is_default"):
        if call.body.get(name) not in (None, 0, False):
            raise Invalid([Finding(name, "is not supported: a default config belongs to an API key")])
    slug = call.text("slug", default="")
    config = Config.create(call.workspace, call.text("name"), body, by=call.by, slug=slug)
    return _saved(call, config, body)


def _retrieve(call: Call, slug: str) -> JsonResponse:
    config = call.find(Config, slug)
    version = config.current
    assert version is not None  # noqa: S101 (a config is made with a version)
    current = {"config": version.body, "version_id": str(version.pk), "version": version.number}
    return done(base_of(config, call.workspace) | {"is_default": 0} | current)


def _update(call: Call, slug: str) -> JsonResponse:
    config = call.find(Config, slug)
    if call.body.get("name") is not None:
        config.rename(call.text("name"), call.by)
    body = _body(call) if "config" in call.body else None
    if body is not None:
        config.save_version(body, by=call.by, description=call.text("version_description", default=""))
    if call.text("status", default="active") == "archived":
        config.archive(call.by)
    return _saved(call, config, body)


def _delete(call: Call, slug: str) -> JsonResponse:
    call.find(Config, slug).archive(call.by)
    return JsonResponse({})


def _versions(call: Call, slug: str) -> JsonResponse:
    config = call.find(Config, slug)
    versions = config.versions.all()
    return listed([_version(version, config) for version in versions], len(versions))


def _version(version: ConfigVersion, config: Config) -> Json:
    return {
        "id": str(version.pk),
        "version_id": str(version.pk),
        "version": version.number,
        "slug": config.slug,
        "config": json.dumps(version.body),
        "description": version.description,
        "is_current": version.pk == config.current_id,
        "created_at": iso(version.created_at),
        "object": "config-version",
    }


def _body(call: Call) -> Any:
    """The config of the call: an object, or its JSON. Raises Refused."""
    body = call.body.get("config")
    if isinstance(body, str):
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            raise Refused(400, "config: must be JSON", INVALID) from None
    return body


def _saved(call: Call, config: Config, body: Any) -> JsonResponse:
    warnings = []
    if body is not None:
        warnings = schema.check(body).warnings + references.unknown(call.workspace, schema.references(body))
    item = {"id": str(config.pk), "slug": config.slug, "version_id": str(config.current_id), "object": "config"}
    return done(item, warnings)


configs = endpoint(
    GET=operation("configs.list", _list, "List configs", types.ConfigList, query=WORKSPACE_QUERY | PAGE_QUERY),
    POST=operation(
        "configs.create", _create, "Create a config", types.SavedConfigAnswer, body=types.NewConfig, errors=(409,)
    ),
)
config = endpoint(
    GET=operation("configs.read", _retrieve, "Get a config", types.ConfigAnswer, query=WORKSPACE_QUERY, errors=(404,)),
    PUT=operation(
        "configs.update", _update, "Change a config", types.SavedConfigAnswer, body=types.ConfigUpdate, errors=(404,)
    ),
    DELETE=operation("configs.delete", _delete, "Archive a config", Empty, query=WORKSPACE_QUERY, errors=(404,)),
)
versions = endpoint(
    GET=operation(
        "configs.read",
        _versions,
        "List the versions of a config",
        types.ConfigVersionList,
        query=WORKSPACE_QUERY,
        errors=(404,),
    )
)
