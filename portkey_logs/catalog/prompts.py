"""From a prompt's version and a caller's variables to the body of a call. Knows no Django."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from portkey_logs.catalog import templates
from portkey_logs.catalog.templates import Rendering, TemplateError

Json = dict[str, Any]
Template = str | list[Any]


class PromptSource(msgspec.Struct, frozen=True, kw_only=True):
    """What a version of a prompt holds.

    ``template`` is a list of chat messages, or a text: of a completion, or, where it begins with a bracket, the source
    of a JSON list of messages in which variables may stand anywhere.
    """

    template: Template
    model: str = ""
    parameters: Json = {}
    tools: list[Any] | None = None
    tool_choice: Any = None
    response_format: Any = None

    @property
    def is_chat(self) -> bool:
        """Whether it makes chat messages, else the text of a completion."""
        return not isinstance(self.template, str) or _is_json(self.template)

    @property
    def endpoint(self) -> str:
        """Where its calls go, such as ``/v1/chat/completions``."""
        return "/v1/chat/completions" if self.is_chat else "/v1/completions"

    def variables(self) -> list[str]:
        """The names that a caller may give, in the order of their first mention. Raises TemplateError."""
        found: dict[str, None] = {}
        for text in _texts(self.template):
            found |= dict.fromkeys(templates.names(text))
        return list(found)

    def body(self, variables: Mapping[str, Any], overrides: Mapping[str, Any] | None = None) -> Json:
        """The body of the call; ``overrides`` are the caller's own parameters. Raises TemplateError."""
        rendered = self._render(variables)
        fixed = {"tools": self.tools, "tool_choice": self.tool_choice, "response_format": self.response_format}
        return (
            ({"model": self.model} if self.model else {})
            | ({"prompt": rendered} if isinstance(rendered, str) else {"messages": rendered})
            | self.parameters
            | {name: value for name, value in fixed.items() if value is not None}
            | dict(overrides or {})
        )

    def _render(self, variables: Mapping[str, Any]) -> Template:
        if not isinstance(self.template, str):
            rendering = Rendering(variables)
            return [_fill(message, rendering) for message in self.template]
        if not _is_json(self.template):
            return templates.render(self.template, variables)
        text = templates.render(self.template, variables, in_json=True)
        try:
            messages = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise TemplateError(f"With these variables the prompt is no JSON: {error}") from None
        if not isinstance(messages, list):
            raise TemplateError("With these variables the prompt is no list of messages")
        return messages


def read_template(string: str) -> Template:
    """A template as the API has it: messages in JSON as a list, anything else as the text that it is."""
    if _is_json(string):
        try:
            messages = json.loads(string)
        except (ValueError, RecursionError):
            return string
        if isinstance(messages, list) and all(isinstance(message, dict) for message in messages):
            return messages
    return string


def write_template(template: Template) -> str:
    """A template as the API has it: one string."""
    return template if isinstance(template, str) else json.dumps(template, ensure_ascii=False)


def _is_json(template: str) -> bool:
    return template.lstrip()[:1] == "["


def _fill(value: Any, rendering: Rendering) -> Any:
    """The JSON value with each text in it rendered; names of fields stay."""
    if isinstance(value, str):
        return rendering.text(value) if "{{" in value else value
    if isinstance(value, dict):
        return {name: _fill(item, rendering) for name, item in value.items()}
    if isinstance(value, list):
        return [_fill(item, rendering) for item in value]
    return value


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)
