"""Prompts in the playground: a version as the body of a call with its template in place, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from logs.models import Log
from logs.viewer import prompt_variables
from portkey_logs.catalog.models import PromptVersion
from portkey_logs.catalog.prompts import PromptSource
from portkey_logs.catalog.templates import TemplateError
from replay import facts, source
from replay.playground_state import Desk
from replay.source import NoSource, Source, Target

_FIXED = ("tools", "tool_choice", "response_format")


class NoPrompt(ValueError):
    """The text is no request that a prompt can be made of; the message is for its author."""


def desk_of(version: PromptVersion, log: Log | None = None) -> Desk:
    """A version on the playground, its variables not filled in; of a log, if it is another attempt at that."""
    text = json.dumps(body_of(version.source), indent=2, ensure_ascii=False)
    target, verdict = target_of(version), facts.verdict(log) if log else None
    if verdict and verdict.allowed and target:
        verdict = None  # what it says is of who answered before
    if log and not target:
        with suppress(NoSource):
            target = source.of_log(log).target
    return Desk(version.source.endpoint, text, target or Target(), log=log, verdict=verdict)


def target_of(version: PromptVersion) -> Target | None:
    """Who answers a version where nobody else is chosen; None where it names nobody."""
    target = Target(virtual_key=version.virtual_key, config=version.config)
    return None if target == Target() else target


def body_of(source: PromptSource) -> dict[str, Any]:
    """The body of its calls, with the template where messages or the prompt would stand."""
    member = "messages" if source.is_chat else "prompt"
    fixed = {name: getattr(source, name) for name in _FIXED if getattr(source, name) is not None}
    return {"model": source.model, member: source.template} | source.parameters | fixed


def source_of(text: str) -> PromptSource:
    """What the body holds, as a prompt keeps it. Raises NoPrompt."""
    try:
        body: Any = json.loads(text)
    except (ValueError, RecursionError):
        raise NoPrompt("The request is not JSON.") from None
    if not isinstance(body, dict):
        raise NoPrompt("The request is no JSON object.")
    template = body.pop("messages", None) or body.pop("prompt", None)
    if not template or not isinstance(template, str | list):
        raise NoPrompt("A prompt needs messages or a text.")
    if isinstance(template, list) and not all(isinstance(message, dict) for message in template):
        raise NoPrompt("Each message of a prompt is an object.")
    model, tools = body.pop("model", ""), body.pop("tools", None)
    if not isinstance(model, str) or not (tools is None or isinstance(tools, list)):
        raise NoPrompt("The model is a text, and tools are a list.")
    return PromptSource(
        template=template,
        model=model,
        tools=tools,
        tool_choice=body.pop("tool_choice", None),
        response_format=body.pop("response_format", None),
        parameters=body,
    )


def call_of(version: PromptVersion, text: str, values: Mapping[str, Any]) -> Source:
    """The call that the edited text makes with these values of its variables. Its log names the prompt, and the
    version where the text still says what the version does. Raises NoPrompt, TemplateError."""
    return _call(version, source_of(text), values)


def as_given(texts: Mapping[str, str], given: Mapping[str, Any]) -> dict[str, Any]:
    """A form's values of variables: JSON again where a log's value was no text."""
    return {name: _as_given(text, given.get(name, "")) for name, text in texts.items()}


def _as_given(text: str, given: Any) -> Any:
    if isinstance(given, str):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def filled_in(version: PromptVersion, log: Log) -> Source:
    """The call that a version makes with the variables of a log. Raises NoSource with the reason."""
    values = prompt_variables.read(log)
    if values is None:
        raise NoSource("No variables of a prompt were kept with it.")
    missing = [name for name in version.source.variables() if name not in values]
    if missing and log.prompt != version.prompt.slug:  # its own callers may leave some out
        raise NoSource(f"It has no value for {', '.join(missing)}.")
    try:
        return _call(version, version.source, values)
    except TemplateError as error:
        raise NoSource(f"The prompt cannot be rendered: {error}") from None


def in_place_of(log: Log, call: Source) -> Source:
    """A prompt's call to who answered a log, as an attempt at that. Raises NoSource."""
    found = source.of_log(log)
    return replace(found, path=call.path, body=call.body, target=found.target.named(call.target.headers))


def _call(version: PromptVersion, prompt: PromptSource, values: Mapping[str, Any]) -> Source:
    headers = {"x-portkey-prompt-slug": version.prompt.slug}
    if prompt == version.source:
        headers["x-portkey-prompt-version-id"] = str(version.pk)
    body = json.dumps(prompt.body(values), ensure_ascii=False).encode("utf-8", "surrogatepass")
    return Source(prompt.endpoint, body, Target(headers=headers))
