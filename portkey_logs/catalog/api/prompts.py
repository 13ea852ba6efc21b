"""``/v1/prompts``, but for running one, which is capture's."""

from __future__ import annotations

from typing import Any

import msgspec
from django.http import JsonResponse

from portkey_logs.api.endpoints import endpoint
from portkey_logs.api.errors import NOT_FOUND
from portkey_logs.api.types import Empty
from portkey_logs.catalog import references
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
from portkey_logs.catalog.models import Invalid, Prompt, PromptVersion
from portkey_logs.catalog.prompts import PromptSource, read_template, write_template
from portkey_logs.catalog.schema import Finding, Reference
from portkey_logs.catalog.templates import TemplateError
from portkey_logs.front.limits import accepts_large_bodies

_OBJECTS = ("parameters", "tools", "tool_choice", "response_format")
_NEW = PromptSource(template="")


def _list(call: Call) -> JsonResponse:
    prompts = Prompt.objects.in_workspace(call.workspace).active().select_related("published")
    if search := call.request.GET.get("search"):
        prompts = prompts.filter(name__icontains=search)
    found, total = call.page(prompts)
    return listed([base_of(prompt, call.workspace) | {"model": _published(prompt).model} for prompt in found], total)


def _create(call: Call) -> JsonResponse:
    prompt = Prompt.create(
        call.workspace,
        call.text("name"),
        _source(call, _NEW),
        by=call.by,
        slug=call.text("slug", default=""),
        **_served_by(call, None),
    )
    return _saved(call, prompt, _published(prompt))


def _retrieve(call: Call, slug: str) -> JsonResponse:
    prompt, version = _find(call, slug)
    return done(base_of(prompt, call.workspace) | _version(version, prompt))


def _update(call: Call, slug: str) -> JsonResponse:
    """A new version of whatever is given, the rest as in the latest; it is not published by that."""
    prompt = call.find(Prompt, slug)
    if call.body.get("name") is not None:
        prompt.rename(call.text("name"), call.by)
    latest = prompt.versions.first() or _published(prompt)
    if call.body.keys() & {"string", "model", "functions", "virtual_key", "config", *_OBJECTS}:
        latest = prompt.save_version(_source(call, latest.source), by=call.by, **_served_by(call, latest))
    return _saved(call, prompt, latest)


def _delete(call: Call, slug: str) -> JsonResponse:
    call.find(Prompt, slug).archive(call.by)
    return JsonResponse({})


def _publish(call: Call, slug: str) -> JsonResponse:
    prompt = call.find(Prompt, slug)
    version = _numbered(prompt, str(call.body.get("version")))
    prompt.publish(version, call.by)
    return _saved(call, prompt, version)


def _versions(call: Call, slug: str) -> JsonResponse:
    prompt = call.find(Prompt, slug)
    versions = prompt.versions.all()
    return listed([_version(version, prompt) for version in versions], len(versions))


def _one_version(call: Call, slug: str, version: str) -> JsonResponse:
    prompt = call.find(Prompt, slug)
    return done(_version(_numbered(prompt, version), prompt))


def _render(call: Call, slug: str) -> JsonResponse:
    """The body that a call of this prompt would have."""
    _, version = _find(call, slug)
    variables = call.body.get("variables") or {}
    if not isinstance(variables, dict):
        raise Invalid([Finding("variables", "must be an object")])
    overrides = {name: value for name, value in call.body.items() if name != "variables"}
    try:
        body = version.source.body(variables, overrides)
    except TemplateError as error:
        raise Invalid([Finding("variables", str(error))]) from None
    return JsonResponse({"success": True, "data": body})


# --- reading ----------------------------------------------------------------------------------------------


def _find(call: Call, text: str) -> tuple[Prompt, PromptVersion]:
    """The prompt, and the version that the text names: ``pp-greet``, ``pp-greet@3``, ``pp-greet@latest``."""
    slug, _, number = text.partition("@")
    prompt = call.find(Prompt, slug)
    return prompt, _numbered(prompt, number) if number else _published(prompt)


def _numbered(prompt: Prompt, text: str) -> PromptVersion:
    """By number, by id, or the ``latest``. Raises Refused (404)."""
    versions = list(prompt.versions.all())
    wanted = (v for v in versions if text in (str(v.number), str(v.pk)) or (text == "latest" and v is versions[0]))
    version = next(wanted, None)
    if version is None:
        raise Refused(404, f"The prompt {prompt.slug} has no version {text[:40]}.", NOT_FOUND)
    return version


def _published(prompt: Prompt) -> PromptVersion:
    assert prompt.published is not None  # noqa: S101 (a prompt is made with a published version)
    return prompt.published


def _source(call: Call, given: PromptSource) -> PromptSource:
    """``given`` with what the call says differently. Raises Invalid."""
    values = {field: getattr(given, field) for field in given.__struct_fields__}
    if "string" in call.body or given is _NEW:
        values["template"] = read_template(call.text("string"))
    values["model"] = call.text("model", default=given.model)
    values |= {name: call.body[name] for name in _OBJECTS if name in call.body}
    if call.body.get("functions"):
        values["parameters"] = {**(values["parameters"] or {}), "functions": call.body["functions"]}
    values["parameters"] = values["parameters"] or {}
    try:
        return msgspec.convert(values, PromptSource)
    except msgspec.ValidationError as error:
        raise Invalid([Finding("", str(error))]) from None


def _served_by(call: Call, latest: PromptVersion | None) -> dict[str, str]:
    return {
        "virtual_key": call.text("virtual_key", default=latest.virtual_key if latest else "").removeprefix("@"),
        "config": call.text("config", default=latest.config if latest else ""),
        "label": call.text("label", default=""),
        "description": call.text("version_description", default=""),
    }


# --- answering --------------------------------------------------------------------------------------------


def _version(version: PromptVersion, prompt: Prompt) -> Json:
    return {
        "id": str(prompt.pk),
        "slug": prompt.slug,
        "version_id": str(version.pk),
        "prompt_version": version.number,
        "prompt_version_id": str(version.pk),
        "prompt_version_status": "active" if version.pk == prompt.published_id else "archived",
        "prompt_version_description": version.description,
        "prompt_version_label": version.label or None,
        "string": write_template(version.template),
        "model": version.model or None,
        "parameters": version.parameters,
        "tools": version.tools,
        "tool_choice": version.tool_choice,
        "response_format": version.response_format,
        "virtual_key": version.virtual_key or None,
        "config": version.config or None,
        "variables": version.source.variables(),
        "created_at": iso(version.created_at),
        "object": "prompt",
    }


def _saved(call: Call, prompt: Prompt, version: PromptVersion) -> JsonResponse:
    named: list[tuple[str, str]] = [("virtual_key", version.virtual_key), ("config", version.config)]
    warnings = references.unknown(call.workspace, [Reference(kind, slug, kind) for kind, slug in named if slug])
    item: dict[str, Any] = {
        "id": str(prompt.pk),
        "slug": prompt.slug,
        "version_id": str(version.pk),
        "prompt_version_id": str(version.pk),
        "prompt_version": version.number,
        "object": "prompt",
    }
    return done(item, warnings)


prompts = accepts_large_bodies(
    endpoint(
        GET=operation(
            "prompts.list",
            _list,
            "List prompts",
            types.PromptList,
            query=WORKSPACE_QUERY | PAGE_QUERY | {"search": "Part of the name."},
        ),
        POST=operation(
            "prompts.create", _create, "Create a prompt", types.SavedPromptAnswer, body=types.NewPrompt, errors=(409,)
        ),
    )
)
prompt = accepts_large_bodies(
    endpoint(
        GET=operation(
            "prompts.read", _retrieve, "Get a prompt", types.PromptAnswer, query=WORKSPACE_QUERY, errors=(404,)
        ),
        PUT=operation(
            "prompts.update",
            _update,
            "Make a version of a prompt",
            types.SavedPromptAnswer,
            body=types.PromptUpdate,
            errors=(404,),
        ),
        DELETE=operation("prompts.delete", _delete, "Archive a prompt", Empty, query=WORKSPACE_QUERY, errors=(404,)),
    )
)
versions = endpoint(
    GET=operation(
        "prompts.read",
        _versions,
        "List the versions of a prompt",
        types.PromptVersionList,
        query=WORKSPACE_QUERY,
        errors=(404,),
    )
)
version = endpoint(
    GET=operation(
        "prompts.read",
        _one_version,
        "Get a version of a prompt",
        types.PromptVersionAnswer,
        query=WORKSPACE_QUERY,
        errors=(404,),
    )
)
publish = endpoint(
    PUT=operation(
        "prompts.publish",
        _publish,
        "Publish a version of a prompt",
        types.SavedPromptAnswer,
        body=types.PromptPublication,
        errors=(404,),
    )
)
render = accepts_large_bodies(
    endpoint(
        POST=operation(
            "logs.write",
            _render,
            "Fill in the variables of a prompt",
            types.RenderedPrompt,
            body=types.PromptVariables,
            errors=(404,),
        )
    )
)
