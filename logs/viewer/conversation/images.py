"""Image generation and edit: the prompt with the pictures it starts from, and the pictures that were made."""

from __future__ import annotations

from typing import Any

from logs.viewer.conversation import parts
from logs.viewer.conversation.parts import Conversation, Message, Part
from logs.viewer.conversation.uploads import Field, upload_parts

Json = dict[str, Any]

_PICTURES = ("image", "images", "mask")


def request(body: Json) -> Conversation:
    """A JSON request; some providers take the pictures to edit in it, as base64 or addresses."""
    said = [parts.text_or_json(body["prompt"])] if "prompt" in body else []
    for name in _PICTURES:
        for item, at in parts.placed(body.get(name), f"/{name}"):
            source, place = item, at
            for member in ("image_url", "url", "b64_json"):
                if isinstance(source, dict) and member in source:
                    source, place = source[member], f"{place}/{member}"
            said.append(parts.picture(source, place, "to edit" if name != "mask" else "mask"))
    return Conversation(params=parts.params(body, "prompt", *_PICTURES), messages=[Message("prompt", parts=said)])


def upload(fields: list[Field], body: bytes) -> Conversation:
    """A multipart request: the pictures were uploaded as files."""
    return upload_parts(fields, body, text_name="prompt", role="prompt")


def answer(body: Json) -> Conversation | None:
    """The pictures with what their bytes say, and the settings the answer names; None where there are none."""
    made = [
        (item, at) for item, at in parts.placed(parts.sequence(body.get("data")), "/data") if isinstance(item, dict)
    ]
    if not made:
        single = body.get("b64_json")  # a stream's last event holds one picture
        if not isinstance(single, str):
            return None
        made = [(body, "")]
    talk = Conversation(
        params=[
            (name, parts.inline(body[name]))
            for name in ("size", "quality", "background", "output_format")
            if body.get(name) is not None
        ]
    )
    for number, (item, at) in enumerate(made, 1):
        name = f"picture {number} of {len(made)}" if len(made) > 1 else "picture"
        talk.messages.append(Message("generated", name=name, parts=_made(item, at)))
    return talk


def _made(item: Json, at: str) -> list[Part]:
    found: list[Part] = []
    if isinstance(prompt := item.get("revised_prompt"), str) and prompt:
        found.append(Part("reasoning", text=prompt, caption="Revised prompt"))
    found += [
        parts.picture(source, f"{at}/{name}", "unfinished: the stream was cut" if "partial_image_index" in item else "")
        for name in ("b64_json", "url")
        if isinstance(source := item.get(name), str) and source
    ]
    return found or [parts.json_part(item)]
