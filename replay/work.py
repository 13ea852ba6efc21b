"""What the worker does for batches: each goes on in a thread of its own, while the worker's rounds go on too.

A run is claimed before it is sent, and what is claimed is never sent again. Where the worker died meanwhile, capture
has the call's log all the same, and that closes the run; where there is none, its outcome is unknown.
"""

from __future__ import annotations

import logging
import time
from queue import Empty, SimpleQueue
from threading import Thread
from uuid import UUID

import msgspec
from django.db import connection
from django.db.utils import Error as DatabaseError

from logs.models import Log
from replay.batches import call_of
from replay.cancellation import stops
from replay.compare import Comparison
from replay.models import Batch, Run, packed
from replay.runner import LOG_SECONDS, LOOK_SECONDS, Attempt, Ineligible
from replay.source import NoSource

logger = logging.getLogger(__name__)

AT_ONCE = 4  # batches; more wait
CONCURRENCY = 4  # runs of a batch at a time: a provider's limits are for the callers' own traffic
TURN_SECONDS = 0.5  # of a round of the worker's, which has other things to do
CANCEL_SECONDS = 0.5  # how soon a cancelled batch stops
SAME_VECTORS = 1e-6  # cosine distance; providers' embeddings differ in the last digits from call to call

_threads: dict[UUID, Thread] = {}  # by the batch


def work() -> bool:
    """See to it that batches are worked on, and give them a moment; whether there is more to do."""
    for id in [id for id, thread in _threads.items() if not thread.is_alive()]:
        del _threads[id]
    for batch in Batch.objects.unfinished()[:AT_ONCE]:
        if batch.pk not in _threads and len(_threads) < AT_ONCE:
            # Daemons, so that the worker ends when it is told to, however long an answer takes.
            _threads[batch.pk] = Thread(target=_work_off, args=[batch], name=f"batch-{batch.pk}", daemon=True)
            _threads[batch.pk].start()
    for thread in list(_threads.values())[:1]:
        thread.join(TURN_SECONDS)
    return bool(_threads)


def _work_off(batch: Batch) -> None:
    try:
        Round(batch).work_off()
    except DatabaseError as error:
        logger.warning("A batch waits for the database: %s", str(error).strip())
    finally:
        connection.close()


class Round:
    """One batch, from where it stands to its end."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self._under_way: dict[UUID, Run] = {}
        self._ended: SimpleQueue[UUID] = SimpleQueue()

    def work_off(self) -> None:
        """Run what waits; returns when nothing is left, or the batch was ended. Raises Django's database errors."""
        self._close_orphans()
        while self._go_on():
            try:
                del self._under_way[self._ended.get(timeout=CANCEL_SECONDS)]
            except Empty:
                continue
        self._close_orphans()
        self.batch.end()

    def _go_on(self) -> bool:
        """Begin what may be begun, or stop what is under way; whether anything is."""
        state = Batch.objects.filter(pk=self.batch.pk).values_list("state", flat=True).first()
        if state == Batch.State.RUNNING and not self.batch.person_may_run():
            self.batch.end(Batch.State.STOPPED, "Who started it is no member any more.")
        elif state == Batch.State.RUNNING:
            while len(self._under_way) < CONCURRENCY and (run := self.batch.next_run()) and self._can_pay():
                if run.claim():
                    self._under_way[run.pk] = run
                    Thread(target=self._carry_out, args=[run], name=f"run-{run.pk}", daemon=True).start()
        else:
            for run in self._under_way.values():
                stops.ask(run)
        return bool(self._under_way)

    def _can_pay(self) -> bool:
        """Whether another run keeps the limit, at the price of the dearest so far. The first one runs alone."""
        limit, under_way = self.batch.cost_limit, len(self._under_way)
        if limit is None:
            return True
        costs = self.batch.costs()
        if costs.unpriced:
            self.batch.end(Batch.State.STOPPED, "The price of an answer is not known, so the limit cannot be kept.")
            return False
        if costs.dearest is None:
            return not under_way
        if costs.spent + costs.dearest * (under_way + 1) <= limit:
            return True
        if not under_way:
            self.batch.end(Batch.State.STOPPED, "Another run would go over the cost limit.")
        return False

    def _carry_out(self, run: Run) -> None:
        """In a thread of its own: one run that was claimed, and its result."""
        try:
            original = _original(run)
            self._fill(run, original)
            log = Attempt(run, is_claimed=True).to_the_end()
            if log is not None:
                _keep_result(run, original, log)
        except (NoSource, Ineligible) as reason:
            run.finish(Run.State.SKIPPED, str(reason))
        except DatabaseError as error:
            logger.warning("A run is closed later: %s", str(error).strip())
        except Exception:
            logger.exception("Run %s went wrong", run.pk)
            if not run.is_over:
                run.finish(Run.State.UNKNOWN, "Something unexpected happened; the worker's log has the details.")
        finally:
            connection.close()
            self._ended.put(run.pk)

    def _fill(self, run: Run, original: Log) -> None:
        """What is sent, kept before it is. Raises NoSource, Ineligible."""
        call = call_of(self.batch, original)
        run.path, run.target, run.body = call.path, msgspec.to_builtins(call.target), packed(call.body)
        run.save(update_fields=["path", "target"] if run.workspace.metrics_only else ["path", "target", "body"])

    def _close_orphans(self) -> None:
        """Runs that were claimed and that nobody carries out any more: their logs say how they ended."""
        for run in self.batch.runs.filter(state=Run.State.RUNNING):
            log = _wait_for_log(run) if run.path else None
            if log is None or log.completeness == "client_left":
                run.finish(Run.State.UNKNOWN, "The worker ended while it was under way.")
                continue
            run.finish_as(log)
            try:
                _keep_result(run, _original(run), log)
            except NoSource:
                continue


def _original(run: Run) -> Log:
    """The log that the run descends from. Raises NoSource."""
    log = Log.objects.filter(workspace=run.workspace_id, id__in=[run.parent_id]).first()
    if log is None:
        raise NoSource("The log is not there any more.")
    return log


def _wait_for_log(run: Run) -> Log | None:
    """What the run became, as soon as capture has stored it."""
    deadline = time.monotonic() + LOG_SECONDS
    while True:
        log = Log.objects.filter(workspace=run.workspace_id, id=run.log_id).first()
        if log is not None or time.monotonic() > deadline:
            return log
        time.sleep(LOOK_SECONDS)


def _keep_result(run: Run, original: Log, log: Log) -> None:
    """Keep whether an answer is the same as the original's."""
    if run.state == Run.State.SUCCEEDED:
        run.result, run.distance = compared(original, log)
        run.save(update_fields=["result", "distance"])


def compared(original: Log, log: Log) -> tuple[str, float | None]:
    """Same or changed, "" where a body was not kept; of embeddings also how far apart the vectors point at most."""
    comparison = Comparison(original, log)
    if comparison.answer_note:
        return "", None
    if comparison.vectors:
        distances = [pair.distance for pair in comparison.vectors]
        known = [distance for distance in distances if distance is not None]
        furthest = max(known, default=None)
        is_same = furthest is not None and len(known) == len(distances) and furthest <= SAME_VECTORS
    else:
        furthest, is_same = None, original.is_success and comparison.answer.is_same
    return Run.Result.SAME if is_same else Run.Result.CHANGED, furthest
