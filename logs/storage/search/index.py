"""Filling ``log_terms``: the worker takes what waits in ``index_queue``, newest first, and never all at once.

A row beside each log says that it waits, instead of a place up to which ``log`` was walked by ``received_at``: that
time is taken before the commit, by the clock of one of several machines, so any place that the worker has passed may
still get rows. The queue's row becomes visible with its log and goes with the same commit that brings its words: each
log is indexed or waits, never both or neither, whatever is killed when. It costs an insert 24 bytes and one small
index, and a search can ask the queue for what it has to look at itself.
"""

from __future__ import annotations

import logging
import time

from django.db import InterfaceError, OperationalError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Exists, OuterRef

from logs.models import IndexQueue
from logs.storage import partitions
from logs.storage.search import documents
from logs.storage.search.documents import Document, Source
from portkey_logs.accounts.models import Workspace
from portkey_logs.lib import uuid7
from portkey_logs.lib.search_words import terms

logger = logging.getLogger(__name__)

BATCH = 200  # logs of one transaction: what a killed worker does again
_TERMS_COLUMNS = {"workspace_id": "int8", "id": "uuid", "terms": "int4[]", "is_partial": "bool"}

# A log that was dropped meanwhile has no row to join: it leaves the queue without words.
_TAKE = """
SELECT q.id, l.request_type, l.stream, l.request_bytes + l.response_bytes
FROM (SELECT workspace_id, id FROM index_queue WHERE workspace_id = %s ORDER BY id DESC LIMIT %s
      FOR UPDATE SKIP LOCKED) q
LEFT JOIN log l ON l.workspace_id = q.workspace_id AND l.id = q.id
ORDER BY q.id DESC"""
_DONE = "DELETE FROM index_queue WHERE workspace_id = %s AND id = ANY(%s)"


def work(connection: BaseDatabaseWrapper, seconds: float) -> int:
    """Index what waits, for about so many seconds; returns how many logs left the queue.

    The workspaces take turns, so that the backlog of one does not hold up the others.
    """
    deadline, done = time.monotonic() + seconds, 0
    while time.monotonic() < deadline:
        waiting = Workspace.objects.filter(Exists(IndexQueue.objects.filter(workspace=OuterRef("pk"))))
        taken = 0
        for workspace_id in waiting.values_list("pk", flat=True):
            try:
                taken += _index_batch(connection, workspace_id)
            except (OperationalError, InterfaceError):
                raise
            except Exception:  # what is wrong in one workspace is no reason for the others to wait
                logger.exception("The logs of workspace %s cannot be indexed", workspace_id)
            if time.monotonic() > deadline:
                break
        done += taken
        if not taken:
            break
    return done


def _index_batch(connection: BaseDatabaseWrapper, workspace_id: int) -> int:
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        # Words and queue go with one commit: one that a crash loses is simply done again.
        cursor.execute("SET LOCAL synchronous_commit = off")
        cursor.execute(_TAKE, [workspace_id, BATCH])
        rows = cursor.fetchall()
        sources = [Source(*row) for row in rows if row[1] is not None]
        partitions.ensure_for(connection, {uuid7.time_ms(source.id) for source in sources})
        found = [_row(workspace_id, document) for document in documents.read(connection, workspace_id, sources)]
        with cursor.copy(f"COPY log_terms ({', '.join(_TERMS_COLUMNS)}) FROM STDIN (FORMAT binary)") as copy:
            copy.set_types(list(_TERMS_COLUMNS.values()))
            for row in found:
                copy.write_row(row)
        cursor.execute(_DONE, [workspace_id, [row[0] for row in rows]])
    return len(rows)


def _row(workspace_id: int, document: Document) -> tuple[int, object, list[int], bool]:
    found, has_more = terms(document.folded, workspace_id)
    return workspace_id, document.id, sorted(found), has_more or not document.is_whole
