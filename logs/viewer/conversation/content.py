"""One block of a message's content, in any dialect: OpenAI's chat and responses, Anthropic's messages.

The dialects share their shape (an object with a ``type``) and gateways mix them, so one table reads them all. A
block that is not what its type says becomes JSON.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from logs.viewer import media
from logs.viewer.conversation.parts import (
    MAX_DEPTH,
    MAX_ITEMS,
    Citation,
    Part,
    answer_part,
    file_part,
    json_part,
    mapping,
    note,
    picture,
    placed,
    result_text,
    sequence,
    sound,
    step,
    string,
    text_part,
    tool_call,
    tool_result,
)

Block = dict[str, Any]


def blocks(content: Any, at: str, *, is_answer: bool = False, depth: int = 0) -> list[Part]:
    """The parts of a content: a text, a block or a list of them."""
    parts: list[Part] = []
    for item, place in placed(content, at):
        parts += block(item, place, is_answer=is_answer, depth=depth)
    if isinstance(content, list) and len(content) > MAX_ITEMS:
        parts.append(note(f"{len(content) - MAX_ITEMS:,} more parts are not drawn here; see JSON."))
    return parts


def block(item: Any, at: str, *, is_answer: bool = False, depth: int = 0) -> list[Part]:
    """One block, with its citations behind it."""
    if isinstance(item, str):
        return [answer_part(item) if is_answer else text_part(item)]
    if not isinstance(item, dict):
        return [json_part(item)]
    kind = item.get("type")
    if isinstance(kind, str) and kind.endswith("tool_result"):
        return [_tool_result(item, at, depth)]
    if kind == "document":
        return [_document(item, at, depth) or json_part(item), *citations(item)]
    reader = _READERS.get(kind) if isinstance(kind, str) else None
    part = reader(item, at) if reader else _by_shape(item, at, is_answer=is_answer)
    if part is None:
        part = json_part(item)
    elif part.kind == "text" and is_answer:
        part = answer_part(part.text)
    return [part, *citations(item)]


def result_parts(content: Any, at: str, depth: int = 0) -> list[Part]:
    """What a tool gave back: text that may be JSON, pictures, documents, or an object of the tool's own."""
    if isinstance(content, str):
        return [result_text(content)]
    if isinstance(content, list):
        parts = blocks(content, at, depth=depth + 1)
        return [result_text(part.text) if part.kind == "text" else part for part in parts]
    return [] if content is None else [json_part(content)]


def citations(item: Block) -> list[Part]:
    """Sources a text names: Anthropic's ``citations``, OpenAI's ``annotations``."""
    named = [each for name in ("citations", "annotations") for each in sequence(item.get(name))[:MAX_ITEMS]]
    found = [_citation(each) for each in named if isinstance(each, dict)]
    return [Part("citations", citations=found)] if found else []


def _citation(entry: Block) -> Citation:
    inner = mapping(entry.get("url_citation")) or mapping(entry.get("file_citation")) or entry
    address = string(inner.get("url"))
    title = next(
        (
            text
            for name in ("title", "document_title", "filename", "file_id", "source")
            if (text := string(inner.get(name)))
        ),
        address or string(entry.get("type")),
    )
    where = _place_in_document(inner)
    return Citation(
        f"{title}, {where}" if where else title, address, quote=string(inner.get("cited_text") or inner.get("quote"))
    )


def _place_in_document(entry: Block) -> str:
    for name, first, last in (
        ("page", "start_page_number", "end_page_number"),
        ("block", "start_block_index", "end_block_index"),
        ("characters", "start_char_index", "end_char_index"),
    ):
        if isinstance(start := entry.get(first), int):
            return f"{name} {start}" + (f" to {entry[last]}" if isinstance(entry.get(last), int) else "")
    return ""


# --- one reader for each type ----------------------------------------------------------------------------------


def _text(item: Block, at: str) -> Part | None:
    return text_part(item["text"]) if isinstance(item.get("text"), str) else None


def _refusal(item: Block, at: str) -> Part | None:
    return Part("refusal", text=item["refusal"]) if isinstance(item.get("refusal"), str) else None


def _image_url(item: Block, at: str) -> Part | None:
    """Chat: ``image_url`` is an object with a ``url``; Responses: a string, or there is a ``file_id``."""
    image, place = item.get("image_url"), step(at, "image_url")
    detail = item.get("detail")
    if isinstance(image, dict):
        detail = image.get("detail", detail)
        image, place = image.get("url"), step(place, "url")
    caption = f"detail {detail}" if isinstance(detail, str) else ""
    if isinstance(image, str):
        return picture(image, place, caption)
    return file_part(item["file_id"], "picture, by its id") if isinstance(item.get("file_id"), str) else None


def _image(item: Block, at: str) -> Part | None:
    """Anthropic: a ``source`` of base64, an address or a file id. The Model Context Protocol: ``data`` itself."""
    source, place = mapping(item.get("source")), step(at, "source")
    if isinstance(item.get("data"), str):
        return picture(item["data"], step(at, "data"))
    if isinstance(source.get("data"), str):
        return picture(source["data"], step(place, "data"))
    if isinstance(source.get("url"), str):
        return picture(source["url"], step(place, "url"))
    if isinstance(source.get("file_id"), str):
        return file_part(source["file_id"], "picture, by its id")
    return _image_url(item, at)


def _input_audio(item: Block, at: str) -> Part | None:
    inner = mapping(item.get("input_audio"))
    return (
        sound(inner.get("data"), step(step(at, "input_audio"), "data"), transcript=item.get("transcript"))
        if inner
        else None
    )


def _file(item: Block, at: str) -> Part | None:
    """Chat: ``file``; Responses: the same members beside ``type``. A picture in a data: URI is drawn as one."""
    inner = mapping(item.get("file"))
    place = step(at, "file") if inner else at
    inner = inner or item
    name = inner.get("filename") or inner.get("file_id")
    if isinstance(data := inner.get("file_data"), str):
        found = media.describe(data)
        if found is not None and found.kind == "image":
            return picture(data, step(place, "file_data"), string(name))
        return file_part(name, _sent(data, media.data_uri_type(data)))
    if isinstance(url := inner.get("file_url"), str):
        return file_part(name or "file", "elsewhere", address=url)
    return file_part(name, "by its id") if name else None


def _document(item: Block, at: str, depth: int) -> Part | None:
    """Anthropic's documents: text is shown, a PDF named, a list of blocks drawn."""
    source = mapping(item.get("source"))
    name = item.get("title") or "document"
    data, kind = source.get("data"), string(source.get("media_type"))
    if isinstance(data, str) and source.get("type") == "text":
        return file_part(name, kind, text=data)
    if isinstance(data, str):
        return file_part(name, _sent(data, kind))
    if isinstance(url := source.get("url"), str):
        return file_part(name, "elsewhere", address=url)
    if "content" in source and depth < MAX_DEPTH:
        part = file_part(name)
        part.parts = blocks(source["content"], step(step(at, "source"), "content"), depth=depth + 1)
        return part
    return file_part(source["file_id"], "by its id") if isinstance(source.get("file_id"), str) else None


def _sent(data: str, kind: str) -> str:
    return " · ".join(filter(None, [kind, f"{len(data.partition(',')[2] or data) * 3 // 4:,} bytes"]))


def _search_result(item: Block, at: str) -> Part | None:
    texts = [
        each["text"]
        for each in sequence(item.get("content"))
        if isinstance(each, dict) and isinstance(each.get("text"), str)
    ]
    return file_part(
        item.get("title") or "search result",
        "search result",
        text="\n\n".join(texts),
        address=string(item.get("source")),
    )


def _web_search_result(item: Block, at: str) -> Part | None:
    return Part(
        "citations",
        citations=[Citation(string(item.get("title")), string(item.get("url")), string(item.get("page_age")))],
    )


def _thinking(item: Block, at: str) -> Part | None:
    text = item.get("thinking") if isinstance(item.get("thinking"), str) else item.get("text")
    return Part("reasoning", text=text, caption="Thinking") if isinstance(text, str) else None


def _redacted(item: Block, at: str) -> Part | None:
    data = item.get("data")
    return note(f"Thinking that the provider encrypted: {len(data):,} characters.") if isinstance(data, str) else None


def _tool_use(item: Block, at: str) -> Part | None:
    kind = {"server_tool_use": "run by the provider", "mcp_tool_use": "MCP"}.get(str(item.get("type")), "")
    server = string(item.get("server_name"))
    return tool_call(
        item.get("name"), item.get("id"), item.get("input"), caption=" ".join(filter(None, [kind, server]))
    )


def _tool_result(item: Block, at: str, depth: int) -> Part:
    """Results of the caller's tools and of the provider's own: web search, web fetch, code execution, MCP."""
    kind = str(item["type"]).removesuffix("_tool_result")
    content, place = item.get("content"), step(at, "content")
    if depth >= MAX_DEPTH:
        parts = [json_part(content)]
    elif isinstance(content, dict) and isinstance(content.get("content"), dict):  # web_fetch_result holds a document
        parts = block(content["content"], step(place, "content"), depth=depth + 1)
    elif isinstance(content, dict) and "stdout" in content:
        parts = _execution(content)
    else:
        parts = result_parts(content, place, depth)
    failed = item.get("is_error") is True or "error" in str(mapping(content).get("type"))
    return tool_result(item.get("tool_use_id"), parts, name="" if kind == "tool_result" else kind, is_failed=failed)


def _execution(content: Block) -> list[Part]:
    streams = [(name, content.get(name)) for name in ("stdout", "stderr")]
    parts = [Part("json", text=text, caption=name) for name, text in streams if isinstance(text, str) and text]
    if (code := content.get("return_code")) is not None:
        parts.append(note(f"Exit code {string(code)}"))
    return parts


def _by_shape(item: Block, at: str, *, is_answer: bool) -> Part | None:
    """Blocks without a type, or of an unknown one, that have a well-known member."""
    for name, reader in (
        ("text", _text),
        ("refusal", _refusal),
        ("image_url", _image_url),
        ("input_audio", _input_audio),
    ):
        if name in item and (part := reader(item, at)) is not None:
            return part
    return None


_READERS: dict[str, Callable[[Block, str], Part | None]] = {
    "text": _text,
    "input_text": _text,
    "output_text": _text,
    "summary_text": _text,
    "reasoning_text": _thinking,
    "refusal": _refusal,
    "image_url": _image_url,
    "input_image": _image_url,
    "computer_screenshot": _image_url,
    "image": _image,
    "input_audio": _input_audio,
    "file": _file,
    "input_file": _file,
    "container_upload": _file,
    "search_result": _search_result,
    "web_search_result": _web_search_result,
    "thinking": _thinking,
    "redacted_thinking": _redacted,
    "tool_use": _tool_use,
    "server_tool_use": _tool_use,
    "mcp_tool_use": _tool_use,
}
