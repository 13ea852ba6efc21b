"""JSON and text from outside, made safe: nothing here raises anything but ValueError."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

# PostgreSQL's text and jsonb take neither NUL nor lone surrogates.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_INT4_MAX = 2**31 - 1
# What a text of many small values may take as objects: 64 MB of "{}" would be gigabytes. Embeddings of a full batch
# (2,048 of 1,536 numbers) take half of it. The weights are bytes per comma, object and array in CPython.
MAX_OBJECT_BYTES = 256 * 1024 * 1024
_WEIGHTS = ((",", 40), ("{", 200), ("[", 64))
_BYTES_PER_CHARACTER = 128  # more than the objects of any JSON text weigh on average: "{}," has 80


def decode_json(raw: bytes | str, max_object_bytes: int = MAX_OBJECT_BYTES) -> Any:
    """The value of ``raw``. Raises ValueError for anything that is not one JSON value in UTF-8, or holds too many.

    msgspec first, for its speed; it refuses lone surrogates, which JSON's grammar
    allows and language models produce, so Python's own parser has the last word.
    """
    may_be_too_many = len(raw) > max_object_bytes // _BYTES_PER_CHARACTER and raw[:1] not in ('"', b'"')
    if may_be_too_many and _object_bytes(raw) > max_object_bytes:
        raise ValueError("JSON holds too many values to be read")
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeError):
        pass
    except RecursionError:
        raise ValueError("JSON is nested too deeply") from None
    try:
        return json.loads(raw.decode("utf-8-sig") if isinstance(raw, bytes) else raw)
    except RecursionError:
        raise ValueError("JSON is nested too deeply") from None


def _object_bytes(raw: bytes | str) -> int:
    """About what the values of a JSON text take in memory, without its strings; too much where those hold marks."""
    if isinstance(raw, str):
        return sum(raw.count(mark) * weight for mark, weight in _WEIGHTS)
    return sum(raw.count(mark.encode()) * weight for mark, weight in _WEIGHTS)


def clean(value: str, limit: int) -> str:
    """``value`` cut to ``limit`` characters, what PostgreSQL cannot store replaced by U+FFFD."""
    value = value[:limit]
    if value.isascii() and "\0" not in value:  # the usual case, without the search
        return value
    return _UNSTORABLE.sub("\ufffd", value)


def clean_or_none(value: object, limit: int) -> str | None:
    """Like :func:`clean`; None for anything but a string with something in it."""
    if not isinstance(value, str):
        return None
    return clean(value.strip(), limit) or None


def count(value: object) -> int | None:
    """``value`` as a count that fits an integer column; None when it is none (bool, negative, 1.5, …)."""
    if value is None or isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if not 0 <= value <= _INT4_MAX or value != int(value):
        return None
    return int(value)
