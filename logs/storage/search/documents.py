"""The bodies of several logs as documents to index or to look through, never more than a few megabytes at once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple
from uuid import UUID

import zstandard
from django.db.backends.base.base import BaseDatabaseWrapper

from logs.storage.search.texts import texts
from portkey_logs.lib.search_words import GAP, Query, Span, fold, snippet

logger = logging.getLogger(__name__)

BATCH_BYTES = 8_000_000  # of bodies as received that are read with one statement
BATCH_LOGS = 250

_BODIES = (
    "SELECT id, request_body, response_body FROM log_body"
    " WHERE workspace_id = %s AND id BETWEEN %s AND %s AND id = ANY(%s)"  # the range tells which partitions
)


class Source(NamedTuple):
    """What must be known of a log to read its bodies."""

    id: UUID
    request_type: str
    is_stream: bool
    size: int  # bytes of both bodies as received


@dataclass
class Document:
    """The texts of one log. The answer comes first: it is the shorter one, and so always indexed."""

    id: UUID
    response: list[str]
    request: list[str]
    is_whole: bool

    @cached_property
    def folded(self) -> str:
        return fold(GAP.join((*self.response, *self.request)))

    def matches(self, query: Query) -> bool:
        return query.matches(self.folded)

    def snippet(self, query: Query) -> tuple[str, list[Span]]:
        """Which side matches, and the match in its context: of the text that holds most of what is asked."""
        best, found = 0, ("", "")
        for side, held in (("response", self.response), ("request", self.request)):
            for text in held:
                score = query.score(fold(text))
                if score > best:
                    best, found = score, (side, text)
        return found[0], snippet(query, found[1])


def read(connection: BaseDatabaseWrapper, workspace_id: int, sources: Sequence[Source]) -> Iterator[Document]:
    """The documents of these logs in their order; a log whose bodies are gone has an empty one."""
    unpack = zstandard.ZstdDecompressor().decompress
    for batch in batches(sources):
        found = [source.id for source in batch]
        with connection.cursor() as cursor:
            cursor.execute(_BODIES, [workspace_id, min(found), max(found), found])
            bodies = {id: (request, response) for id, request, response in cursor.fetchall()}
        for source in batch:
            yield _document(source, *bodies.pop(source.id, (None, None)), unpack)


def batches(sources: Sequence[Source]) -> Iterator[Sequence[Source]]:
    """The logs in portions, each small enough to have all its bodies in memory."""
    start = size = 0
    for index, source in enumerate(sources):
        if index > start and (size + source.size > BATCH_BYTES or index - start == BATCH_LOGS):
            yield sources[start:index]
            start, size = index, 0
        size += source.size
    if sources:
        yield sources[start:]


def _document(
    source: Source, request: bytes | None, response: bytes | None, unpack: Callable[[bytes], bytes]
) -> Document:
    try:
        answered, answered_whole = texts(
            response and unpack(response), request_type=source.request_type, is_stream=source.is_stream
        )
        asked, asked_whole = texts(request and unpack(request))
    except Exception:  # one body that nobody thought of must neither stop the worker nor hide all others
        logger.exception("The bodies of log %s cannot be read", source.id)
        return Document(source.id, [], [], is_whole=False)
    return Document(source.id, answered, asked, answered_whole and asked_whole)
