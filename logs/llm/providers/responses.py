"""OpenAI's Responses API."""

from __future__ import annotations

from typing import Any

import msgspec

from logs.llm.providers.base import (
    Answer,
    AssembledStream,
    Json,
    error_of,
    is_standard,
    items,
    mapping,
    objects,
    read_usage,
    text,
)

_LAST = frozenset({"response.completed", "response.incomplete", "response.failed", "response.cancelled"})
# Tools that OpenAI runs and bills by the call or by the session.
_BILLED_CALLS = frozenset({"web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call"})
# Which field of an item, and of a part of its content or summary, each kind of delta continues.
_ITEM_DELTAS = {
    "response.function_call_arguments": "arguments",
    "response.mcp_call_arguments": "arguments",
    "response.custom_tool_call_input": "input",
    "response.code_interpreter_call_code": "code",
}
_PART_DELTAS: dict[str, tuple[str, str, Json, str]] = {
    "response.output_text": ("content", "content_index", {"type": "output_text", "annotations": []}, "text"),
    "response.refusal": ("content", "content_index", {"type": "refusal"}, "refusal"),
    "response.reasoning_text": ("content", "content_index", {"type": "reasoning_text"}, "text"),
    "response.reasoning_summary_text": ("summary", "summary_index", {"type": "summary_text"}, "text"),
}


def read(answer: Json) -> Answer:
    """Model, status (its finish reason: completed, incomplete, failed, …) and usage of a response."""
    called = {item.get("type") for item in items(answer.get("output")) if isinstance(item.get("type"), str)}
    return Answer(
        model=text(answer.get("model")),
        finish_reason=text(answer.get("status")),
        usage=read_usage(answer.get("usage")),
        at_list_price=is_standard(answer) and called.isdisjoint(_BILLED_CALLS),
    )


def assemble(raw: bytes) -> AssembledStream:
    """The response object: its last event holds it whole.

    A cut stream has the object as it began with the output items as far as they came.
    """
    answer: Json | None = None
    failure: Json | None = None
    output = _Output()
    done = False
    for event, data in objects(raw):
        if data is None:
            continue
        kind = text(data.get("type")) or event.type
        failure = failure or error_of(event, data)
        if isinstance(data.get("response"), dict):
            answer = data["response"]
            done = done or kind in _LAST
        else:
            output.add(kind, data)
    if answer is None and output.items:
        answer = {"object": "response", "status": "in_progress"}
    # Some servers leave the output of the last object empty.
    if answer is not None and output.items and (not done or answer.get("output") == []):
        answer = {**answer, "output": output.build()}
    if answer is not None and mapping(answer.get("error")):
        failure = failure or {"error": answer["error"]}
    return AssembledStream(answer=answer, complete=done, error=failure)


class _Item(msgspec.Struct):
    """One output item: its object, the texts that continue its fields, and its parts with theirs."""

    value: Json = {}
    texts: dict[str, list[str]] = {}
    parts: dict[tuple[str, int], _Item] = {}

    def build(self) -> Json:
        built = dict(self.value)
        for name, pieces in self.texts.items():
            built[name] = "".join(pieces)
        for field in ("content", "summary"):
            if parts := [self.parts[key].build() for key in sorted(self.parts) if key[0] == field]:
                built[field] = parts
        return built


class _Output:
    """The output items of a stream, each as far as it came; an item that was done replaces its pieces."""

    def __init__(self) -> None:
        self.items: dict[int, _Item] = {}

    def add(self, kind: str, data: Json) -> None:
        stem, _, verb = kind.rpartition(".")
        if stem == "response.output_item" and isinstance(data.get("item"), dict):
            item = data["item"]
            self.items[_number(data, "output_index", self._place(item))] = _Item(item)
        elif verb in ("delta", "done") and stem in _ITEM_DELTAS:
            self._continue(self._item(data), _ITEM_DELTAS[stem], verb, data)
        elif verb in ("delta", "done") and stem in _PART_DELTAS:
            field, index, start, name = _PART_DELTAS[stem]
            part = self._part(self._item(data), field, _number(data, index), start)
            self._continue(part, name, verb, data)
        elif kind in ("response.content_part.done", "response.reasoning_summary_part.done"):
            if isinstance(data.get("part"), dict):
                field, index = ("content", "content_index") if "content" in kind else ("summary", "summary_index")
                self._item(data).parts[field, _number(data, index)] = _Item(data["part"])
        elif kind == "response.output_text.annotation.added":
            part = self._part(self._item(data), "content", _number(data, "content_index"), {"type": "output_text"})
            listed = part.value.get("annotations")
            part.value["annotations"] = [*(listed if isinstance(listed, list) else []), data.get("annotation")]
        elif kind == "response.image_generation_call.partial_image":
            self._item(data).value |= {"type": "image_generation_call", "result": data.get("partial_image_b64")}

    def build(self) -> list[Json]:
        return [self.items[index].build() for index in sorted(self.items)]

    def _item(self, data: Json) -> _Item:
        return self.items.setdefault(_number(data, "output_index"), _Item())

    def _place(self, item: Json) -> int:
        """Where an item without an index belongs: to the one of its id, else after the last."""
        same = (index for index, known in self.items.items() if item.get("id") and known.value.get("id") == item["id"])
        return next(same, len(self.items))

    @staticmethod
    def _part(item: _Item, field: str, index: int, start: Json) -> _Item:
        return item.parts.setdefault((field, index), _Item(dict(start)))

    @staticmethod
    def _continue(target: _Item, name: str, verb: str, data: Json) -> None:
        if verb == "done" and isinstance(data.get(name), str):
            target.texts[name] = [data[name]]
        elif isinstance(piece := data.get("delta"), str):
            target.texts.setdefault(name, []).append(piece)


def _number(data: Json, name: str, otherwise: int = 0) -> int:
    value: Any = data.get(name)
    return value if isinstance(value, int) else otherwise
