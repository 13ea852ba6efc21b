"""The parts of a JSON text as the bytes they were sent as.

msgspec finds them at full speed; it refuses texts with lone surrogates (``"\\ud800"``)
or ``NaN``, which real clients send. For those Python's parser checks the grammar, and
a scan that never looks into a string finds where the values begin and end.
"""

from __future__ import annotations

import json
import re

import msgspec

from portkey_logs.lib.text import decode_json

_SPACE = b" \t\r\n"
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[\]{},]', re.S)
_KEY = re.compile(rb'[ \t\r\n]*("(?:[^"\\]++|\\.)*+")[ \t\r\n]*:', re.S)

_as_object = msgspec.json.Decoder(dict[str, msgspec.Raw])
_as_array = msgspec.json.Decoder(list[msgspec.Raw])


def members(raw: bytes) -> dict[str, bytes]:
    """The values of the JSON object ``raw`` by key; of a repeated key the last. ValueError when it is none."""
    try:
        return {key: bytes(value) for key, value in _as_object.decode(raw).items()}
    except (msgspec.DecodeError, UnicodeError):
        _check(raw, dict)
    except RecursionError:
        raise ValueError("JSON is nested too deeply") from None
    found: dict[str, bytes] = {}
    for part in _parts(raw):
        match = _KEY.match(part)
        if match:
            found[json.loads(match[1])] = part[match.end() :].strip(_SPACE)
    return found


def elements(raw: bytes) -> list[bytes]:
    """The elements of the JSON array ``raw``. ValueError when it is none."""
    try:
        return [bytes(value) for value in _as_array.decode(raw)]
    except (msgspec.DecodeError, UnicodeError):
        _check(raw, list)
    except RecursionError:
        raise ValueError("JSON is nested too deeply") from None
    return [part.strip(_SPACE) for part in _parts(raw)]


def string_bytes(raw: bytes) -> bytes:
    """The text of the JSON string ``raw`` in UTF-8; lone surrogates pass as they are (``surrogatepass``)."""
    value = decode_json(raw)
    if not isinstance(value, str):
        raise ValueError("not a JSON string")
    return value.encode("utf-8", "surrogatepass")


def _check(raw: bytes, kind: type) -> None:
    value = decode_json(raw)
    if not isinstance(value, kind):
        raise ValueError(f"not a JSON {'object' if kind is dict else 'array'}")


def _parts(raw: bytes) -> list[bytes]:
    """What stands between the commas of the outermost brackets of ``raw``, whose grammar is known to be right."""
    parts: list[bytes] = []
    depth = start = 0
    for match in _TOKEN.finditer(raw):
        token = match[0]
        if token in (b"{", b"["):
            depth += 1
            if depth == 1:
                start = match.end()
        elif token in (b"}", b"]"):
            depth -= 1
            if depth == 0:
                last = raw[start : match.start()]
                return [*parts, last] if parts or last.strip(_SPACE) else []
        elif token == b"," and depth == 1:
            parts.append(raw[start : match.start()])
            start = match.end()
    return parts
