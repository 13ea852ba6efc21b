"""Log records as rows: what each column gets, and the two ways into the tables.

``commit_batch`` is the one place that inserts logs. It works in any transaction state of its connection:
on its own it commits, inside ``atomic`` it uses savepoints.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, Literal, NamedTuple
from uuid import UUID

import msgspec
import psycopg
import zstandard
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from django.db.utils import Error as DatabaseError
from psycopg import errors

from logs.record import LogRecord
from logs.storage import partitions, rollups
from portkey_logs.lib import uuid7

ZSTD_LEVEL = 3  # as small as PostgreSQL's own compression needs twice the time for

# A statement that waits longer than this waits for somebody's lock: the spool is the better place. The clock is the
# database's, and is read when ``log`` is locked for inserts: ``arrivals.all_visible`` builds on that.
_BEGIN = (
    "SET LOCAL lock_timeout = '2s'; SET LOCAL statement_timeout = '60s';"
    " LOCK TABLE ONLY log IN ROW EXCLUSIVE MODE; SELECT clock_timestamp()"
)


class Outcome(NamedTuple):
    """What became of one record. ``message`` and ``field`` say why it was refused."""

    state: Literal["stored", "duplicate", "spooled", "refused"]
    message: str = ""
    field: str = ""


STORED, DUPLICATE, SPOOLED = Outcome("stored"), Outcome("duplicate"), Outcome("spooled")


class Packed(NamedTuple):
    """A record with its compressed ``log_body`` row: made in the caller's thread, not in the one writer."""

    record: LogRecord
    body: tuple[Any, ...]

    @property
    def key(self) -> tuple[int, UUID]:
        """The primary key."""
        return self.record.workspace_id, self.record.id

    @property
    def has_text(self) -> bool:
        """Whether there is anything to search in."""
        return bool(self.record.request_body or self.record.response_body)

    @property
    def size(self) -> int:
        """About how many bytes it takes in memory."""
        record = self.record
        return 2000 + sum(len(part or b"") for part in (record.request_body, record.response_body, record.variables))


# Column -> its type. These are fields of the record by the same name, those below of its gateway status.
_PLAIN: dict[str, str] = {
    "workspace_id": "int8",
    "id": "uuid",
    "source": "varchar",
    "completeness": "varchar",
    "trace_id": "text",
    "span_id": "text",
    "parent_span_id": "text",
    "span_name": "text",
    "request_type": "varchar",
    "method": "varchar",
    "url": "text",
    "path": "text",
    "provider": "text",
    "model": "text",
    "requested_model": "text",
    "stream": "bool",
    "finish_reason": "text",
    "has_images": "bool",
    "has_audio": "bool",
    "has_tools": "bool",
    "status_code": "int2",
    "is_success": "bool",
    "error_type": "text",
    "error_code": "text",
    "error_message": "text",
    "latency_ms": "int4",
    "time_to_first_token_ms": "int4",
    "input_tokens": "int4",
    "output_tokens": "int4",
    "total_tokens": "int4",
    "cached_tokens": "int4",
    "reasoning_tokens": "int4",
    "cache_write_tokens": "int4",
    "input_audio_tokens": "int4",
    "output_audio_tokens": "int4",
    "tokens_origin": "varchar",
    "cost": "numeric",
    "cost_source": "text",
    "config": "text",
    "config_version_id": "text",
    "prompt": "text",
    "prompt_version_id": "text",
    "prompt_in_config_target": "bool",
    "request_kept": "bool",
    "own_credential": "bool",
    "virtual_key": "text",
    "api_key_id": "int8",
    "user": "text",
    "metadata": "jsonb",
    "request_bytes": "int4",
    "response_bytes": "int4",
}
_GATEWAY: dict[str, str] = {
    "cache_status": "varchar",
    "retry_status": "varchar",
    "retry_count": "int2",
    "fallback_status": "varchar",
    "fallback_option": "int2",
    "loadbalance_status": "varchar",
    "option_path": "text",
}
LOG_COLUMNS = _PLAIN | _GATEWAY | {"labels": "text[]", "received_at": "timestamptz"}
BODY_COLUMNS = {
    "workspace_id": "int8",
    "id": "uuid",
    "request_headers": "bytea",
    "response_headers": "bytea",
    "request_body": "bytea",
    "response_body": "bytea",
    "variables": "bytea",
}
QUEUE_COLUMNS = {"workspace_id": "int8", "id": "uuid"}
_TEXTS = [name for name, type in _PLAIN.items() if type in ("text", "varchar")]
_plain_of, _gateway_of, _texts_of = attrgetter(*_PLAIN), attrgetter(*_GATEWAY), attrgetter(*_TEXTS)
_LIMITS = {"int2": 2**15, "int4": 2**31}
_NUMBERS = [(name, _LIMITS[type]) for name, type in _PLAIN.items() if type in _LIMITS]
_GATEWAY_NUMBERS = [(name, _LIMITS[type]) for name, type in _GATEWAY.items() if type in _LIMITS]

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")  # what PostgreSQL's text cannot hold
_EMPTY = {None: None, b"": zstandard.compress(b"")}  # no body, and an empty one

_local = threading.local()  # a zstd compressor serves one thread at a time


def clean(record: LogRecord) -> LogRecord:
    """Replace what PostgreSQL's text cannot hold (NUL, lone surrogates) by U+FFFD, in place; returns the record."""
    texts = _texts_of(record)
    together = "".join(filter(None, texts))
    if not together.isascii() or "\0" in together:
        for name, value in zip(_TEXTS, texts, strict=True):
            if value is not None:
                setattr(record, name, _clean_text(value))
    if record.metadata:
        record.metadata = {_clean_text(key): _clean_text(value) for key, value in record.metadata.items()}
    return record


def _clean_text(value: str) -> str:
    return _UNSTORABLE.sub("�", value)


def pack(records: Sequence[LogRecord]) -> list[Packed]:
    """Clean records and compress what goes into ``log_body``."""
    parts: list[list[bytes | None]] = []
    for record in records:
        clean(record)
        parts.append(
            [
                msgspec.json.encode(record.request_headers) if record.request_headers else None,
                msgspec.json.encode(record.response_headers) if record.response_headers else None,
                record.request_body,
                record.response_body,
                record.variables,
            ]
        )
    frames = iter(_compress([octets for row in parts for octets in row if octets]))
    return [
        Packed(
            record, (record.workspace_id, record.id, *(next(frames) if octets else _EMPTY[octets] for octets in row))
        )
        for record, row in zip(records, parts, strict=True)
    ]


def _compress(parts: Sequence[bytes]) -> list[bytes]:
    """All in one call: between two of them other threads would take the interpreter, for 5 ms each time."""
    if not parts:
        return []
    if not hasattr(_local, "compressor"):
        _local.compressor = zstandard.ZstdCompressor(level=ZSTD_LEVEL)
    return [frame.tobytes() for frame in _local.compressor.multi_compress_to_buffer(list(parts))]


def log_row(record: LogRecord, received_at: datetime) -> tuple[Any, ...]:
    """The ``log`` row of a record, in the order of LOG_COLUMNS."""
    labels = sorted(f"{key}={value}" for key, value in record.metadata.items())
    return (
        *_plain_of(record),
        *_gateway_of(record.gateway),
        labels,
        received_at,
    )


def refusal(record: LogRecord, now_ms: int, *, resent: bool = False) -> Outcome | None:
    """Why a record cannot be stored, or None.

    There are partitions for accepted event times only; ``resent`` records were accepted when it was time.
    Numbers are looked at here because a binary COPY would cut off their high bits without a word.
    """
    for columns, part in ((_NUMBERS, record), (_GATEWAY_NUMBERS, record.gateway)):
        for name, limit in columns:
            value = getattr(part, name)
            if value is not None and not -limit <= value < limit:
                return Outcome("refused", f"{value} is out of range", name)
    if resent:
        return None
    oldest, newest = partitions.accepted_window(now_ms)
    if oldest <= uuid7.time_ms(record.id) <= newest:
        return None
    moment = _utc(uuid7.time_ms(record.id)).isoformat(timespec="seconds")
    return Outcome(
        "refused",
        f"{moment} is outside what is kept: {_utc(oldest):%Y-%m-%dT%H:%M:%SZ} to {_utc(newest):%Y-%m-%dT%H:%M:%SZ}",
        "created_at",
    )


def commit_batch(
    connection: BaseDatabaseWrapper, records: Sequence[LogRecord], *, resent: bool = False
) -> list[Outcome]:
    """Store records in one transaction (a savepoint inside ``atomic``) and say what became of each.

    ``connection`` is this thread's own, from ``django.db.connections``. ``resent``: the records were accepted
    before and may be stored already. Raises Django's database errors when the database is away or refuses for
    reasons of its own; then nothing is known about any record.
    """
    return commit_packed(connection, pack(records), resent=resent)


def commit_packed(connection: BaseDatabaseWrapper, batch: Sequence[Packed], *, resent: bool = False) -> list[Outcome]:
    """As ``commit_batch``, for records that are packed already."""
    now_ms = time.time_ns() // 1_000_000
    outcomes: list[Outcome | None] = [refusal(packed.record, now_ms, resent=resent) for packed in batch]
    firsts: dict[tuple[int, UUID], int] = {}
    for index, packed in enumerate(batch):
        if outcomes[index] is None and firsts.setdefault(packed.key, index) != index:
            outcomes[index] = DUPLICATE
    # In the order of the key: two processes that insert the same ids never wait for each other in a ring.
    todo = sorted((index for index in firsts.values()), key=lambda index: batch[index].key)
    attempt = _Attempt(connection)
    # What was accepted before is hardly ever stored already, and a unique violation says when it is.
    idempotent = any(batch[index].record.idempotent for index in todo)
    for index, outcome in zip(todo, attempt.store([batch[i] for i in todo], idempotent), strict=True):
        outcomes[index] = outcome
    return [outcome or DUPLICATE for outcome in outcomes]


class _Attempt:
    """One batch on its way into the tables."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self.connection = connection
        self.partitions_made = False

    def store(self, batch: Sequence[Packed], idempotent: bool) -> list[Outcome]:
        """Insert the batch; on an error find out whether another way, a partition, or fewer rows help."""
        if not batch:
            return []
        try:
            with (
                transaction.atomic(using=self.connection.alias),
                self.connection.wrap_database_errors,
                self.connection.cursor() as cursor,
            ):
                received_at = _begin(cursor)
                insert = self._insert_new if idempotent else self._insert_fast
                return insert(cursor, batch, received_at)
        except (DatabaseError, ValueError, TypeError, OverflowError) as error:
            cause = error.__cause__
            if isinstance(cause, errors.UniqueViolation) and not idempotent:
                return self.store(batch, idempotent=True)
            if _lacks_partition(cause) and not self.partitions_made:
                self._make_partitions(batch)
                return self.store(batch, idempotent)
            if not _is_fault_of_a_row(error):
                raise
            if len(batch) == 1:
                return [_refused(error)]
        with transaction.atomic(using=self.connection.alias):  # what is inside are savepoints
            half = len(batch) // 2
            return self.store(batch[:half], idempotent) + self.store(batch[half:], idempotent)

    def _insert_fast(self, cursor: CursorWrapper, batch: Sequence[Packed], received_at: datetime) -> list[Outcome]:
        """The ids are new: straight into the tables."""
        copy_rows(cursor, "log", LOG_COLUMNS, [log_row(packed.record, received_at) for packed in batch])
        self._insert_rest(cursor, batch)
        return [STORED] * len(batch)

    def _insert_new(self, cursor: CursorWrapper, batch: Sequence[Packed], received_at: datetime) -> list[Outcome]:
        """Some ids may be there already: only what is new gets a body and counts in the rollups."""
        cursor.execute(_TEMPORARY)
        copy_rows(cursor, "log_incoming", LOG_COLUMNS, [log_row(packed.record, received_at) for packed in batch])
        cursor.execute(_INSERT_NEW)
        new = set(cursor.fetchall())
        self._insert_rest(cursor, [packed for packed in batch if packed.key in new])
        return [STORED if packed.key in new else DUPLICATE for packed in batch]

    def _insert_rest(self, cursor: CursorWrapper, batch: Sequence[Packed]) -> None:
        if not batch:
            return
        copy_rows(cursor, "log_body", BODY_COLUMNS, [packed.body for packed in batch])
        copy_rows(cursor, "index_queue", QUEUE_COLUMNS, [packed.key for packed in batch if packed.has_text])
        records = [packed.record for packed in batch]
        metadata_keys = rollups.declared_keys(cursor, records)
        for rollup in rollups.ROLLUPS:
            copy_rows(cursor, rollup.table, rollup.columns, rollups.deltas(rollup, records, metadata_keys))

    def _make_partitions(self, batch: Sequence[Packed]) -> None:
        """On a connection of their own, which in Django is a thread of its own: this one may be in a transaction."""
        self.partitions_made = True
        times = [uuid7.time_ms(packed.record.id) for packed in batch]

        def make() -> None:
            try:
                partitions.ensure_for(connections[self.connection.alias], times)
            finally:
                connections[self.connection.alias].close()

        with ThreadPoolExecutor(1, "partitions") as thread:
            thread.submit(make).result()


def _begin(cursor: CursorWrapper) -> datetime:
    """The time of receipt of what this transaction inserts."""
    cursor.execute(_BEGIN)
    while cursor.nextset():
        pass
    (received_at,) = cursor.fetchone()
    moment: datetime = received_at
    return moment


def _columns(columns: dict[str, str]) -> str:
    return ", ".join(f'"{name}"' for name in columns)


_TEMPORARY = (
    "CREATE TEMPORARY TABLE IF NOT EXISTS log_incoming (LIKE log) ON COMMIT DELETE ROWS; DELETE FROM log_incoming"
)
_INSERT_NEW = (
    f"INSERT INTO log ({_columns(LOG_COLUMNS)}) SELECT {_columns(LOG_COLUMNS)} FROM log_incoming"  # noqa: S608
    " ORDER BY workspace_id, id ON CONFLICT (workspace_id, id) DO NOTHING RETURNING workspace_id, id"
)


def copy_rows(cursor: CursorWrapper, table: str, columns: dict[str, str], rows: Sequence[tuple[Any, ...]]) -> None:
    """COPY rows in binary; ``columns`` are their names and PostgreSQL types, in the order of the values."""
    if not rows:
        return
    with cursor.copy(f"COPY {table} ({_columns(columns)}) FROM STDIN (FORMAT binary)") as copy:
        copy.set_types(list(columns.values()))
        for row in rows:
            copy.write_row(row)


def _lacks_partition(cause: BaseException | None) -> bool:
    """PostgreSQL has no code of its own for it: a check violation without a constraint."""
    return isinstance(cause, errors.CheckViolation) and cause.diag.constraint_name is None


def _is_fault_of_a_row(error: Exception) -> bool:
    """Whether the values are to blame, and not the database or its connection."""
    if not isinstance(error, DatabaseError):
        return True  # a value that psycopg cannot send
    cause = error.__cause__
    if not isinstance(cause, psycopg.Error):
        return False
    if cause.sqlstate is None:
        return isinstance(cause, psycopg.DataError)  # refused by psycopg itself
    # 22: data, 23: integrity, 54: too large for an index. Everything else is the database's own trouble.
    return cause.sqlstate[:2] in ("22", "23", "54")


def _refused(error: Exception) -> Outcome:
    cause = error.__cause__ if isinstance(error, DatabaseError) else error
    if not isinstance(cause, psycopg.Error):
        return Outcome("refused", str(cause))
    if cause.sqlstate and cause.sqlstate.startswith("54"):
        return Outcome("refused", "a value is too long to be indexed")
    column = re.search(r"column (\w+)", cause.diag.context or "")
    return Outcome("refused", cause.diag.message_primary or str(cause), column[1] if column else "")


def _utc(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
