"""Chat completions and completions."""

from __future__ import annotations

from typing import Any

from logs.viewer.conversation import parts
from logs.viewer.conversation.content import blocks, citations, result_parts
from logs.viewer.conversation.parts import Citation, Conversation, Message, Part

Json = dict[str, Any]


def chat_request(body: Json) -> Conversation:
    messages = parts.sequence(body.get("messages"))
    shown, hidden = parts.shortened(len(messages))
    talk = Conversation(
        params=parts.params(body, "messages", "tools", "functions", "prediction"),
        messages=[message(messages[index], f"/messages/{index}") for index in shown],
    )
    talk.offer([each for name in ("tools", "functions") for each in parts.sequence(body.get(name))])
    if hidden:
        talk.messages.insert(parts.HEAD_MESSAGES, parts.hidden_note(hidden))
        talk.note = f"{len(messages):,} messages"
    if prediction := parts.mapping(body.get("prediction")).get("content"):
        talk.messages.append(Message("prediction", parts=blocks(prediction, "/prediction/content")))
    return talk


def completion_request(body: Json) -> Conversation:
    prompts = parts.each(body.get("prompt"))[: parts.MAX_ITEMS]
    return Conversation(
        params=parts.params(body, "prompt"),
        messages=[Message("prompt", parts=[parts.text_or_json(each)]) for each in prompts],
    )


def answer(body: Json) -> Conversation | None:
    """Choices of either endpoint; None where there are none."""
    choices = [
        (choice, f"/choices/{index}")
        for index, choice in enumerate(parts.sequence(body.get("choices"))[: parts.MAX_ITEMS])
        if isinstance(choice, dict)
    ]
    if not choices:
        return None
    talk = Conversation(messages=[_choice(choice, at, several=len(choices) > 1) for choice, at in choices])
    if searched := _searched(body):
        talk.messages[-1].parts.append(searched)
    return talk


def _choice(choice: Json, at: str, *, several: bool) -> Message:
    if isinstance(choice.get("message"), dict):
        said = message({"role": "assistant", **choice["message"]}, f"{at}/message", is_answer=True)
    else:
        said = Message("assistant", parts=blocks(choice.get("text"), f"{at}/text", is_answer=True))
    said.finish_reason = parts.string(choice.get("finish_reason"))
    said.name = f"choice {parts.string(choice.get('index'))}" if several else said.name
    if count := _logprobs(choice.get("logprobs")):
        said.parts.append(parts.logprobs_note(count))
    return said


def message(value: Any, at: str, *, is_answer: bool = False) -> Message:
    """One message of a chat: reasoning first, then what it says, then what it calls."""
    if not isinstance(value, dict):
        return Message("message", parts=[parts.json_part(value)])
    role = parts.string(value.get("role")) or "message"
    found = _reasoning(value, at)
    if role in ("tool", "function"):
        given = result_parts(value.get("content"), f"{at}/content")
        found.append(parts.tool_result(value.get("tool_call_id"), given, name=value.get("name")))
        return Message(role, parts=found)
    found += blocks(value.get("content"), f"{at}/content", is_answer=is_answer or role == "assistant")
    found += citations({"annotations": value.get("annotations"), "citations": value.get("citations")})
    for item, place in parts.placed(value.get("images"), f"{at}/images"):  # pictures made in a chat, beside its text
        found += blocks(item, place)
    if refusal := value.get("refusal"):
        found.append(Part("refusal", text=parts.inline(refusal)))
    if audio := parts.mapping(value.get("audio")):
        found.append(_audio(audio, f"{at}/audio"))
    calls = [*parts.sequence(value.get("tool_calls")), *_legacy_call(value)]
    found += [_call(call) for call in calls[: parts.MAX_ITEMS]]
    return Message(role, name=parts.string(value.get("name")), parts=found)


def _reasoning(value: Json, at: str) -> list[Part]:
    found = [
        Part("reasoning", text=text) if isinstance(text, str) else parts.json_part(text, "Reasoning")
        for name in ("reasoning_content", "reasoning")
        if (text := value.get(name))
    ][:1]
    thoughts = [
        block
        for block in parts.sequence(value.get("content_blocks"))
        if isinstance(block, dict) and isinstance(block.get("thinking"), str)
    ]
    if not found:  # Anthropic's blocks, which the gateway puts beside OpenAI's content
        found = [Part("reasoning", text=block["thinking"], caption="Thinking") for block in thoughts[: parts.MAX_ITEMS]]
    return found


def _audio(audio: Json, at: str) -> Part:
    """An answer that is spoken; in a request, an earlier one by its id."""
    if "data" not in audio and isinstance(audio.get("id"), str) and not audio.get("transcript"):
        return parts.file_part(audio["id"], "an earlier spoken answer, by its id")
    return parts.sound(audio.get("data"), f"{at}/data", transcript=audio.get("transcript"))


def _legacy_call(value: Json) -> list[Json]:
    return [{"function": value["function_call"]}] if isinstance(value.get("function_call"), dict) else []


def _call(call: Any) -> Part:
    function = parts.mapping(parts.mapping(call).get("function"))
    custom = parts.mapping(parts.mapping(call).get("custom"))
    if function:
        return parts.tool_call(function.get("name"), call.get("id"), function.get("arguments", ""))
    if custom:
        return parts.tool_call(custom.get("name"), call.get("id"), custom.get("input", ""), caption="custom tool")
    return parts.json_part(call)


def _logprobs(value: Any) -> int:
    tokens = parts.mapping(value).get("content") or parts.mapping(value).get("tokens")
    return len(parts.sequence(tokens))


def _searched(body: Json) -> Part | None:
    """Sources beside the choices, as models that search the web name them."""
    found = [
        Citation(parts.string(each.get("title")) or parts.string(each.get("url")), parts.string(each.get("url")))
        for each in parts.sequence(body.get("search_results"))[: parts.MAX_ITEMS]
        if isinstance(each, dict)
    ] or [
        Citation(parts.string(each), parts.string(each))
        for each in parts.sequence(body.get("citations"))[: parts.MAX_ITEMS]
        if isinstance(each, str)
    ]
    return Part("citations", citations=found) if found else None
