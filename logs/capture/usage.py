"""Token counts of chat streams, for workspaces that ask for them: OpenAI's API tells them on request only.

The request gets ``stream_options.include_usage``; the event that answers it is recorded, and kept from a
client that did not ask. Nothing else of either is touched.
"""

from __future__ import annotations

import re

from logs.capture.parsing import MAX_OBJECT_BYTES
from portkey_logs.lib.text import decode_json

_OPTION = b'"stream_options":{"include_usage":true},'
# The event with the counts has some hundred bytes. One that is longer passes as it comes.
_MAX_EVENT = 64 * 1024
_EVENT_END = re.compile(rb"\r\n\r\n|\n\n|\r\r")


def asking(body: bytes) -> bytes | None:
    """The body with the question in it; None where it is no stream, or has stream options of its own."""
    try:
        asked = decode_json(body, MAX_OBJECT_BYTES)
    except ValueError:
        return None
    if not isinstance(asked, dict) or asked.get("stream") is not True or "stream_options" in asked:
        return None
    start = body.index(b"{") + 1
    return body[:start] + _OPTION + body[start:]


class Hidden:
    """Takes the event with the counts out of a stream. Each byte is looked at once, and at most one event is held."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._looked = 0  # how far no event ends
        self._passes = False  # inside an event that is too long to be the one

    def pass_on(self, chunk: bytes) -> bytes:
        """What the client gets for now: all events that are complete, without the one."""
        self._held += chunk
        shown, start = bytearray(), 0
        for match in _EVENT_END.finditer(self._held, self._looked):
            event = bytes(self._held[start : match.end()])
            start = match.end()
            if self._passes or not _is_usage(event):
                shown += event
            self._passes = False
        if self._passes or len(self._held) - start > _MAX_EVENT:
            # Its end may come in two chunks, so the last bytes wait for the next.
            end = max(start, len(self._held) - 3)
            shown += self._held[start:end]
            start, self._passes = end, True
        del self._held[:start]
        self._looked = max(0, len(self._held) - 3)
        return bytes(shown)

    def rest(self) -> bytes:
        """What is left of a stream that ended in the middle of an event."""
        held, self._held = bytes(self._held), bytearray()
        return held


def _is_usage(event: bytes) -> bool:
    """OpenAI's last chunk: counts, and no choice."""
    if b'"usage"' not in event:
        return False
    try:
        data = decode_json(event.strip().removeprefix(b"data:"))
    except ValueError:
        return False
    return isinstance(data, dict) and data.get("choices") == [] and bool(data.get("usage"))
