"""From logs to the rows of an export: a list of values, in the order of the fields."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from logs.exports.fields import Field
from logs.models import Log
from logs.querysets import LogQuerySet
from logs.storage import body_storage
from logs.storage.body_storage import Whole
from logs.viewer import log_json

BODY_BYTES = 8_000_000  # of bodies read at once; a single larger one comes alone


def reading(logs: LogQuerySet, fields: Sequence[Field]) -> LogQuerySet:
    """The logs with the columns that the fields need and no others."""
    return logs.only(*{column for field in fields for column in field.columns})


def rows(logs: Sequence[Log], fields: Sequence[Field]) -> Iterator[list[list[Any]]]:
    """The rows in portions, so that bodies of any size never add up in memory. Bodies are ``msgspec.Raw`` JSON."""
    if not any(field.kind == "body" for field in fields):
        yield [[field.value(log) for field in fields] for log in logs]
        return
    for portion in _portions(logs):
        found = body_storage.fetch_whole(portion[0].workspace_id, [log.id for log in portion])
        yield [[_value(field, log, found.get(log.id)) for field in fields] for log in portion]


def _portions(logs: Sequence[Log]) -> Iterator[list[Log]]:
    portion: list[Log] = []
    size = 0
    for log in logs:
        bytes_here = log.request_bytes + log.response_bytes
        if portion and size + bytes_here > BODY_BYTES:
            yield portion
            portion, size = [], 0
        portion.append(log)
        size += bytes_here
    if portion:
        yield portion


def _value(field: Field, log: Log, sides: dict[str, Whole] | None) -> Any:
    if field.kind != "body":
        return field.value(log)
    side = (sides or {}).get(field.name, Whole({}, None))
    body = msgspec.Raw(_on_one_line(side.octets))
    # As POST /v1/logs takes them, so that an export can be recorded again.
    said: dict[str, Any]
    if field.name == "request":
        said = {"url": log.url, "method": log.method, "headers": side.headers, "body": body}
    else:
        said = {"status": log.status_code, "headers": side.headers, "body": body,
                "response_time": log.latency_ms, "streamingMode": log.stream}  # fmt: skip
    return msgspec.Raw(msgspec.json.encode(said))


def _on_one_line(octets: bytes | None) -> bytes:
    """The JSON as received. A line break in JSON stands between two tokens: a space does the same there."""
    return b"".join(log_json.as_json(octets)).replace(b"\r", b" ").replace(b"\n", b" ")
