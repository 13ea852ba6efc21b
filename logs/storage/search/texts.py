"""The text of a body that can be searched: what its JSON strings mean, a stream put together, or the text itself.

Pure: no Django, no database. Nothing here raises: a body that cannot be read is text, or nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import repeat
from typing import Any

from logs.llm import multipart, providers
from logs.llm.sse import looks_like_sse
from portkey_logs.lib.text import decode_json

# Characters of one body, a million words: above what any model reads. The rest of a longer one is left out.
MAX_TEXT = 4_000_000
MAX_STREAM = 8_000_000  # bytes of a stream that is put together: it takes several times as much in memory

# Pictures and sounds are no text. No word and no address has so many of base64's letters in a row.
_BASE64 = re.compile(r"(?:data:[\w/+.;=-]{0,100},)?[A-Za-z0-9+/_-]{256,}={0,2}")
# Quick to see that there are none: such a run has all of a block of half its length.
_BLOCK = 128
_IN_RUN = re.compile(f"[A-Za-z0-9+/_-]{{{_BLOCK}}}")
_HEAD = 4096  # bytes that tell whether it is text at all
_BINARY = re.compile("[\0-\x08\x0e-\x1f\x7f\ufffd]")


def texts(body: bytes | None, *, request_type: str = "other", is_stream: bool = False) -> tuple[list[str], bool]:
    """The texts of a body in their order, and whether that is all of them.

    Of JSON: names, strings and single numbers. Of a form: its fields. ``is_stream``: a stream may be what it is.
    """
    if not body:
        return [], True
    found: list[str] = []
    left = MAX_TEXT
    for text in _all_texts(body, request_type, is_stream):
        found.append(text[:left])
        left -= len(text)
        if left < 0:
            return found, False
    return found, True


def _all_texts(body: bytes, request_type: str, is_stream: bool) -> Iterable[str]:
    if is_stream and len(body) <= MAX_STREAM and looks_like_sse(body):
        stream = providers.assemble(request_type, body)
        value = stream.error or stream.answer
        if value is not None:
            return _strings(value)
    if body.startswith(b"--"):
        fields = multipart.fields(body, None)
        if fields:
            return _strings(fields)
    try:
        value = decode_json(body.removeprefix(b"\xef\xbb\xbf"))
    except ValueError:
        value = None
    if isinstance(value, (dict, list, str)):
        return _strings(value)
    return () if _is_binary(body) else (_without_media(body.decode("utf-8", "replace")),)


def _strings(value: Any) -> Iterator[str]:
    """Names, strings and single numbers in their order. Without recursion: JSON may be nested as deep as it likes."""
    waiting = [value]  # the next one last
    while waiting:
        item = waiting.pop()
        kind = type(item)
        if kind is str:
            if item:
                yield _without_media(item)
        elif kind is dict:
            for name, held in reversed(item.items()):
                waiting += (str(held) if type(held) in (int, float) else held, name)
        elif kind is list and not _is_vector(item):
            waiting += reversed(item)


def _is_vector(items: list[Any]) -> bool:
    """Numbers in a row are an embedding or tokens, which nobody reads."""
    return bool(items) and isinstance(items[0], (int, float))


def _without_media(text: str) -> str:
    has_media = any(map(_IN_RUN.match, repeat(text), range(0, len(text) - _BLOCK + 1, _BLOCK)))
    return _BASE64.sub(" ", text) if has_media else text


def _is_binary(body: bytes) -> bool:
    head = body[:_HEAD].decode("utf-8", "replace")
    return len(_BINARY.findall(head)) > len(head) / 4
