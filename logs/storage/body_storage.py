"""Bodies as they lie in the database, read in pieces.

A body is one zstd frame, stored uncompressed by PostgreSQL itself, so that a piece of it is read without the rest:
what a page needs of 20 MB is mostly its beginning.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, NamedTuple, cast
from uuid import UUID

import zstandard
from django.db import connection

HEAD_BYTES = 64 * 1024  # compressed; most bodies are smaller and come whole with the first statement
PIECE_BYTES = 1024 * 1024  # compressed; psycopg holds a piece three times while it reads it
CHUNK_BYTES = 256 * 1024  # what is passed on at once

_COLUMNS = {"request": "request_body", "response": "response_body"}
_BODIES = """
SELECT request_headers, octet_length(request_body), substring(request_body FOR %(head)s),
       response_headers, octet_length(response_body), substring(response_body FOR %(head)s)
FROM log_body WHERE workspace_id = %(workspace)s AND id = %(id)s"""
# Two frames of the same octets are the same, as long as the compressor is; their lengths are compared first.
_SAME_REQUEST = """
SELECT id FROM log_body WHERE workspace_id = %(workspace)s AND id = ANY(%(candidates)s) AND request_body = (
    SELECT request_body FROM log_body WHERE workspace_id = %(workspace)s AND id = %(id)s)"""
_VARIABLES = "SELECT variables FROM log_body WHERE workspace_id = %s AND id = %s"


class BodyGone(LookupError):
    """The body was dropped, by its retention, while it was read."""


@dataclass(frozen=True)
class StoredBody:
    """One body. It is kept in its compressed form only as far as it came with the first statement."""

    workspace_id: int
    id: UUID
    column: str
    packed_size: int
    head: bytes

    @property
    def size(self) -> int:
        """Bytes as received, by the frame's own header."""
        return int(zstandard.get_frame_parameters(self.head).content_size)

    def read(self) -> bytes:
        """All of it. Raises BodyGone."""
        return self._whole(self.window(0, self.size), self.size)

    def window(self, start: int, length: int) -> bytes:
        """At most ``length`` bytes from ``start`` on, fewer at the end."""
        reader = self._reader()
        while start > 0:
            passed = len(reader.read(min(start, PIECE_BYTES)))
            if not passed:
                return b""
            start -= passed
        data: bytes = reader.read(min(length, self.size))  # zstandard has no types
        return data

    def chunks(self) -> Iterator[bytes]:
        """All of it, never more than a part of it in memory. Raises BodyGone."""
        reader, left = self._reader(), self.size
        while left:
            chunk: bytes = reader.read(CHUNK_BYTES)
            left -= len(self._whole(chunk, min(1, left)))
            yield chunk

    def _reader(self) -> zstandard.ZstdDecompressionReader:
        source = cast(IO[bytes], _Packed(self))  # reading is all that zstandard does with it
        return zstandard.ZstdDecompressor().stream_reader(source, read_size=PIECE_BYTES)

    def _whole(self, data: bytes, size: int) -> bytes:
        if len(data) < size:
            raise BodyGone(f"{self.column} of {self.id}")
        return data


class _Packed:
    """The compressed octets as a file to read from."""

    def __init__(self, body: StoredBody) -> None:
        self._body = body
        self._at = 0

    def read(self, size: int) -> bytes:
        body, start = self._body, self._at
        if start < len(body.head):
            piece = body.head[start : start + size]
        elif start < body.packed_size:
            piece = _piece(body, start, size)
        else:
            piece = b""
        self._at += len(piece)
        return piece


def _piece(body: StoredBody, start: int, size: int) -> bytes:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT substring({body.column} FROM %s FOR %s) FROM log_body"  # noqa: S608  one of two names of ours
            " WHERE workspace_id = %s AND id = %s",
            [start + 1, size, body.workspace_id, body.id],
        )
        row = cursor.fetchone()
    return bytes(row[0]) if row and row[0] is not None else b""


class Stored(NamedTuple):
    """What is kept of one side of a log."""

    headers: dict[str, str]
    body: StoredBody | None


def fetch(workspace_id: int, id: UUID) -> dict[str, Stored]:
    """Both sides of a log by their names, in one statement. Past its retention a body reads as not there."""
    with connection.cursor() as cursor:
        cursor.execute(_BODIES, {"head": HEAD_BYTES, "workspace": workspace_id, "id": id})
        row = cursor.fetchone() or (None,) * 6
    found = {}
    for name, (headers, size, head) in zip(_COLUMNS, (row[:3], row[3:]), strict=True):
        body = None
        if head is not None and size is not None:
            body = StoredBody(workspace_id, id, _COLUMNS[name], size, bytes(head))
        found[name] = Stored(_headers(headers), body)
    return found


def fetch_variables(workspace_id: int, id: UUID) -> bytes | None:
    """What filled in the prompt that a log's request was rendered from, a JSON object; None where none is kept."""
    with connection.cursor() as cursor:
        cursor.execute(_VARIABLES, [workspace_id, id])
        row = cursor.fetchone()
    return _unpacked(row[0]) if row else None


def same_request(workspace_id: int, id: UUID, candidates: list[UUID]) -> Iterator[UUID]:
    """Those of the candidates whose request has the very octets of this log's; asked when somebody iterates."""
    with connection.cursor() as cursor:
        cursor.execute(_SAME_REQUEST, {"workspace": workspace_id, "id": id, "candidates": candidates})
        yield from (found for (found,) in cursor.fetchall())


class Whole(NamedTuple):
    """One side of a log, unpacked. ``octets`` is None where there was no body, or none is kept."""

    headers: dict[str, str]
    octets: bytes | None


def fetch_whole(workspace_id: int, ids: Sequence[UUID]) -> dict[UUID, dict[str, Whole]]:
    """Both sides of many logs by their names; the caller sees to it that they fit into memory."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, request_headers, request_body, response_headers, response_body"
            " FROM log_body WHERE workspace_id = %s AND id = ANY(%s)",
            [workspace_id, list(ids)],
        )
        rows = cursor.fetchall()
    return {
        id: {
            "request": Whole(_headers(asked_headers), _unpacked(asked)),
            "response": Whole(_headers(answered_headers), _unpacked(answered)),
        }
        for id, asked_headers, asked, answered_headers, answered in rows
    }


def _unpacked(packed: bytes | memoryview | None) -> bytes | None:
    return None if packed is None else zstandard.ZstdDecompressor().decompressobj().decompress(bytes(packed))


def _headers(packed: bytes | memoryview | None) -> dict[str, str]:
    unpacked = _unpacked(packed)
    found: dict[str, str] = json.loads(unpacked) if unpacked else {}
    return found
