"""OpenAI's Responses API: a request's input and an answer's output are lists of the same items."""

from __future__ import annotations

from typing import Any

from logs.viewer.conversation import parts
from logs.viewer.conversation.content import blocks, result_parts
from logs.viewer.conversation.parts import Conversation, Message, Part, Score, mapping, sequence, string

Json = dict[str, Any]

_SPOKEN = ("input", "instructions", "tools")
_HIDDEN_MEMBERS = frozenset({"type", "id", "call_id", "status", "name"})


def request(body: Json) -> Conversation:
    talk = Conversation(params=parts.params(body, *_SPOKEN))
    talk.offer(sequence(body.get("tools")))
    given = body.get("input")
    if isinstance(given, list):
        shown, hidden = parts.shortened(len(given))
        talk.messages = _joined([_item(given[index], f"/input/{index}") for index in shown[: parts.HEAD_MESSAGES]])
        if hidden:
            talk.messages.append(parts.hidden_note(hidden, "items"))
            talk.note = f"{len(given):,} items"
        talk.messages += _joined([_item(given[index], f"/input/{index}") for index in shown[parts.HEAD_MESSAGES :]])
    elif given is not None:
        talk.messages = [Message("user", parts=blocks(given, "/input"))]
    if instructions := body.get("instructions"):
        talk.messages.insert(0, Message("instructions", parts=blocks(instructions, "/instructions")))
    return talk


def answer(body: Json) -> Conversation | None:
    """The output items as one message of the assistant; None where there is no list of them."""
    output = body.get("output")
    if not isinstance(output, list):
        return None
    items = [_item(item, f"/output/{index}", is_answer=True) for index, item in enumerate(output[: parts.MAX_ITEMS])]
    talk = Conversation(messages=_joined(items) or [Message("assistant")])
    reason = string(mapping(body.get("incomplete_details")).get("reason"))
    talk.messages[-1].finish_reason = " · ".join(filter(None, [string(body.get("status")), reason]))
    if len(output) > parts.MAX_ITEMS:
        talk.messages.append(parts.hidden_note(len(output) - parts.MAX_ITEMS, "items"))
    return talk


def _joined(messages: list[Message]) -> list[Message]:
    """Neighbouring items of the same speaker as one message: reasoning, text and calls belong together."""
    joined: list[Message] = []
    for message in messages:
        if joined and message.role in ("assistant", "tool") and joined[-1].role == message.role:
            joined[-1].parts += message.parts
        else:
            joined.append(message)
    return joined


def _item(item: Any, at: str, *, is_answer: bool = False) -> Message:
    if not isinstance(item, dict):
        return Message("user", parts=blocks(item, at))
    kind = string(item.get("type")) or "message"
    if kind == "message" or "role" in item:
        role = string(item.get("role")) or "message"
        said = blocks(item.get("content"), f"{at}/content", is_answer=is_answer or role == "assistant")
        return Message(role, parts=said)
    if kind.endswith("_output"):
        return Message("tool", parts=[_result(item, at, kind)])
    if kind in _READERS:
        return Message("assistant", parts=_READERS[kind](item, at))
    if kind.endswith("_call"):
        return Message("assistant", parts=[_any_call(item, at, kind)])
    if kind == "item_reference":
        return Message("item", parts=[parts.note(f"An earlier item, by its id: {string(item.get('id'))}")])
    return Message(kind, parts=[parts.json_part(item)])


def _result(item: Json, at: str, kind: str) -> Part:
    output, place = item.get("output"), f"{at}/output"
    given = blocks(output, place) if isinstance(output, dict) else result_parts(output, place)
    name = "" if kind in ("function_call_output", "custom_tool_call_output") else kind.removesuffix("_call_output")
    return parts.tool_result(item.get("call_id"), given, name=name)


def _reasoning(item: Json, at: str) -> list[Part]:
    """Summaries, full reasoning where a provider gives it, and a word about what is encrypted."""
    found: list[Part] = []
    for name, caption in (("summary", "Reasoning summary"), ("content", "Reasoning")):
        texts = [text for each in sequence(item.get(name)) if isinstance(text := mapping(each).get("text"), str)]
        if texts:
            found.append(Part("reasoning", text="\n\n".join(texts), caption=caption))
    if not found:
        how = "the provider encrypted how" if item.get("encrypted_content") else "the provider does not show how"
        found.append(parts.note(f"The model reasoned; {how}."))
    return found


def _function_call(item: Json, at: str) -> list[Part]:
    given = item.get("arguments", item.get("input", ""))
    return [parts.tool_call(item.get("name"), item.get("call_id") or item.get("id"), given)]


def _file_search(item: Json, at: str) -> list[Part]:
    results = [each for each in sequence(item.get("results")) if isinstance(each, dict)]
    scores = [
        Score(
            string(each.get("filename") or each.get("file_id")),
            parts.number(each.get("score")),
            string(each.get("text")),
        )
        for each in results[: parts.MAX_ITEMS]
    ]
    found = [Part("scores", scores=scores)] if scores else []
    return [
        parts.tool_call("file_search", item.get("id"), item.get("queries"), caption="run by the provider", parts=found)
    ]


def _code_interpreter(item: Json, at: str) -> list[Part]:
    found: list[Part] = []
    for index, output in enumerate(sequence(item.get("outputs"))[: parts.MAX_ITEMS]):
        if isinstance(logs := mapping(output).get("logs"), str):
            found.append(Part("json", text=logs, caption="logs"))
        elif isinstance(url := mapping(output).get("url"), str):
            found.append(parts.picture(url, f"{at}/outputs/{index}/url"))
        else:
            found.append(parts.json_part(output))
    code = item.get("code")
    arguments = code if isinstance(code, str) else ""
    return [parts.tool_call("code_interpreter", item.get("id"), arguments, caption="run by the provider", parts=found)]


def _image(item: Json, at: str) -> list[Part]:
    """A picture the model made, with the prompt it was really made from."""
    wanted = [string(item.get(name)) for name in ("size", "quality", "background")]
    found: list[Part] = []
    if isinstance(prompt := item.get("revised_prompt"), str) and prompt:
        found.append(Part("reasoning", text=prompt, caption="Revised prompt"))
    if isinstance(item.get("result"), str):
        found.append(parts.picture(item["result"], f"{at}/result", " · ".join(filter(None, ["generated", *wanted]))))
    else:
        found.append(parts.note(f"Image generation: {string(item.get('status')) or 'no picture'}"))
    return found


def _mcp_call(item: Json, at: str) -> list[Part]:
    caption = " ".join(filter(None, ["MCP", string(item.get("server_label"))]))
    found: list[Part] = []
    if item.get("output") is not None:
        found += result_parts(item["output"], f"{at}/output")
    if error := item.get("error"):
        found.append(Part("refusal", text=parts.inline(error)))
    return [parts.tool_call(item.get("name"), item.get("id"), item.get("arguments"), caption=caption, parts=found)]


def _mcp_tools(item: Json, at: str) -> list[Part]:
    offered = sequence(item.get("tools"))
    names = [string(mapping(each).get("name")) for each in offered[:50]]
    count = f"{len(offered):,} tool{'s' if len(offered) != 1 else ''}"
    text = f"The MCP server {string(item.get('server_label'))} offers {count}: {', '.join(names)}"
    return [parts.note(text)]


def _any_call(item: Json, at: str, kind: str) -> Part:
    """Web search, computer, shell, patches and what comes next: the action, or whatever else the item says."""
    what = item.get("action") or {name: value for name, value in item.items() if name not in _HIDDEN_MEMBERS}
    name = string(item.get("name")) or kind.removesuffix("_call")
    return parts.tool_call(name, item.get("call_id") or item.get("id"), what or "", caption=string(item.get("status")))


_READERS = {
    "reasoning": _reasoning,
    "function_call": _function_call,
    "custom_tool_call": _function_call,
    "file_search_call": _file_search,
    "code_interpreter_call": _code_interpreter,
    "image_generation_call": _image,
    "mcp_call": _mcp_call,
    "mcp_list_tools": _mcp_tools,
}
