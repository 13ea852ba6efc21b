"""Chat completions, completions, embeddings and everything that looks like them."""

from __future__ import annotations

from collections.abc import Set
from typing import Any

from logs.llm.providers.base import (
    Answer,
    AssembledStream,
    Json,
    error_of,
    index_of,
    input_only,
    is_standard,
    items,
    join_base64,
    mapping,
    objects,
    read_usage,
    text,
)

END_MARK = "[DONE]"
_OF_A_CHUNK = frozenset({"choices", "usage", "error", "x_groq"})
_Pieces = dict[str, list[Any]]
_JOINED = ("content", "refusal", "reasoning", "reasoning_content")


def read_choices(answer: Json) -> Answer:
    """A chat completion or completion: the finish reason is that of the first choice."""
    choices = items(answer.get("choices"))
    return Answer(
        model=text(answer.get("model")),
        finish_reason=text(choices[0].get("finish_reason")) if choices else None,
        usage=read_usage(answer.get("usage")),
        at_list_price=is_standard(answer),
    )


def read_embedding(answer: Json) -> Answer:
    """Embeddings: their answers have no tokens."""
    return Answer(model=text(answer.get("model")), usage=input_only(read_usage(answer.get("usage"))))


def assemble_chat(raw: bytes) -> AssembledStream:
    """The ``chat.completion`` that ``chat.completion.chunk`` events add up to; ``[DONE]`` ends it."""
    return _assemble(raw, "chat.completion", _ChatChoice)


def assemble_completion(raw: bytes) -> AssembledStream:
    """The ``text_completion`` that its chunks add up to; ``[DONE]`` ends it."""
    return _assemble(raw, "text_completion", _TextChoice)


def _assemble(raw: bytes, kind: str, choice_type: type[_ChatChoice] | type[_TextChoice]) -> AssembledStream:
    answer: Json = {}
    known: Set[str] = _OF_A_CHUNK
    choices: dict[int, Any] = {}
    usage: Json | None = None
    failure: Json | None = None
    done = False
    for event, data in objects(raw):
        if data is None:
            done = done or event.data.strip() == END_MARK
            continue
        failure = failure or error_of(event, data)
        if not data.keys() <= known:  # mostly the first chunk has all of them
            for name, value in data.items():
                if name not in known and value is not None:
                    answer[name] = value
            known = _OF_A_CHUNK | answer.keys()
        # Never summed: some providers send a running total with every chunk.
        usage = data.get("usage") or usage
        if "x_groq" in data:
            usage = mapping(data["x_groq"]).get("usage") or usage
        for position, choice in enumerate(items(data.get("choices"))):
            index = index_of(choice, position)
            if index not in choices:
                choices[index] = choice_type()
            choices[index].add(choice)
    if not answer and not choices:
        return AssembledStream(complete=done, error=failure)
    answer["object"] = kind
    answer["choices"] = [{"index": index, **choices[index].build()} for index in sorted(choices)]
    if isinstance(usage, dict):
        answer["usage"] = usage
    return AssembledStream(answer=answer, complete=done, error=failure)


class _TextChoice:
    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.finish_reason: str | None = None
        self.logprobs: Any = None

    def add(self, choice: Json) -> None:
        if piece := text(choice.get("text")):
            self.pieces.append(piece)
        self.finish_reason = text(choice.get("finish_reason")) or self.finish_reason
        self.logprobs = choice.get("logprobs") or self.logprobs

    def build(self) -> Json:
        return {"text": "".join(self.pieces), "logprobs": self.logprobs, "finish_reason": self.finish_reason}


class _ChatChoice:
    """One choice of a chat stream: texts joined, tool calls merged by index, other fields as last sent."""

    def __init__(self) -> None:
        self.role = "assistant"
        self.joined: dict[str, list[str]] = {}
        self.nulls: set[str] = set()
        self.tool_calls: dict[int, _ToolCall] = {}
        self.function_call: _ToolCall | None = None
        self.blocks: dict[int, _Pieces] = {}
        self.audio: _Pieces = {}
        self.parts: list[Any] = []
        self.others: Json = {}
        self.logprobs: dict[str, list[Any]] = {}
        self.finish_reason: str | None = None

    def add(self, choice: Json) -> None:
        self.finish_reason = text(choice.get("finish_reason")) or self.finish_reason
        if logprobs := choice.get("logprobs"):
            for name, values in mapping(logprobs).items():
                if isinstance(values, list):
                    self.logprobs.setdefault(name, []).extend(values)
        # A last chunk may hold the whole message instead of a delta.
        delta = mapping(choice.get("delta")) or mapping(choice.get("message"))
        for name, value in delta.items():
            self._add_field(name, value)

    def _add_field(self, name: str, value: Any) -> None:
        if name == "role":
            self.role = text(value) or self.role
        elif name in _JOINED and isinstance(value, str):
            self.joined.setdefault(name, []).append(value)
        elif name in _JOINED and value is None:
            self.nulls.add(name)
        elif name == "tool_calls":
            for position, call in enumerate(items(value)):
                self.tool_calls.setdefault(index_of(call, position), _ToolCall()).add(call)
        elif name == "function_call" and isinstance(value, dict):
            self.function_call = self.function_call or _ToolCall()
            self.function_call.add({"function": value})
        elif name == "content_blocks":
            self._add_blocks(value)
        elif name == "audio" and isinstance(value, dict):
            self._add_audio(value)
        elif name == "content" and isinstance(value, list):  # Mistral: thinking comes as parts
            self.parts += value
        elif isinstance(value, list) and isinstance(self.others.get(name), list):
            self.others[name] = self.others[name] + value  # annotations, reasoning details, images
        elif value is not None:
            self.others[name] = value

    def _add_audio(self, audio: Json) -> None:
        for name, value in audio.items():
            if name in ("data", "transcript") and isinstance(value, str):
                self.audio.setdefault(name, []).append(value)
            elif value is not None:
                self.audio[name] = [value]

    def _add_blocks(self, value: Any) -> None:
        """Anthropic's content as the gateway passes it on beside OpenAI's: thinking, text."""
        for position, block in enumerate(items(value)):
            pieces = self.blocks.setdefault(index_of(block, position), {})
            for name, piece in mapping(block.get("delta")).items():
                if isinstance(piece, str) and name != "type":
                    pieces.setdefault(name, []).append(piece)

    def build(self) -> Json:
        message: Json = {"role": self.role, "content": None}
        message |= dict.fromkeys(sorted(self.nulls))
        message |= {name: "".join(pieces) for name, pieces in self.joined.items()}
        message |= self.others
        if self.parts:
            said = message["content"]
            message["content"] = [*self.parts, *([{"type": "text", "text": said}] if said else [])]
        if self.audio:
            message["audio"] = {name: _joined_audio(name, pieces) for name, pieces in self.audio.items()}
        if self.blocks:
            message["content_blocks"] = [
                {name: "".join(pieces) for name, pieces in self.blocks[index].items()} for index in sorted(self.blocks)
            ]
        if self.tool_calls:
            # Beside a call, an empty text is how some providers write "no text".
            message["content"] = message["content"] or None
            message["tool_calls"] = [self.tool_calls[index].build() for index in sorted(self.tool_calls)]
        if self.function_call:
            message["function_call"] = self.function_call.build()["function"]
        return {"message": message, "logprobs": self.logprobs or None, "finish_reason": self.finish_reason}


def _joined_audio(name: str, pieces: list[Any]) -> Any:
    if name == "data":
        return join_base64(pieces)
    return "".join(pieces) if name == "transcript" else pieces[0]


class _ToolCall:
    def __init__(self) -> None:
        self.fields: Json = {}
        self.name = ""
        self.arguments: list[str] = []

    def add(self, call: Json) -> None:
        for name, value in call.items():
            if name not in ("index", "function") and value not in (None, ""):
                self.fields.setdefault(name, value)
        function = mapping(call.get("function"))
        self.name = self.name or text(function.get("name")) or ""
        if piece := text(function.get("arguments")):
            self.arguments.append(piece)

    def build(self) -> Json:
        function = {"name": self.name, "arguments": "".join(self.arguments)}
        return {"type": "function", **self.fields, "function": function}
