"""Limits of the front, each with its reason. docs/security.md, "Requests and limits on web", tells people of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

MIB = 1024 * 1024

# Forms of this product are a few KB. Django needs some 15 times a form's size in memory and 0.2 s of CPU for each MB.
MAX_BODY_BYTES = MIB
# Bodies of LLM calls carry images: 3 MB is common, 20 MB is seen. 64 MiB leaves room for a batch of logs.
MAX_LARGE_BODY_BYTES = 64 * MIB
# All bodies held at a time. Of callers who are not known yet: 64 of the largest. Of those who are: 8 of the largest.
MAX_HELD_UNKNOWN_BYTES = 64 * MIB
MAX_HELD_KNOWN_BYTES = 512 * MIB

# A body has this long, and for each MIN_BYTES_A_SECOND that have come another second. 20 s are two lost packets on a
# bad line; 32 KiB/s is less than any line that a page of ours would load on.
BODY_SECONDS = 20.0
MIN_BYTES_A_SECOND = 32 * 1024
# Where an allowance is used up, bodies that took longer than this so far end in favour of others. Forms come in
# milliseconds, and a line that uploads many megabytes has 1 MiB/s; so holding all of it for long takes 20 MB/s.
GIVE_WAY_SECONDS = 2.0
GIVE_WAY_BYTES_A_SECOND = MIB
# Between two pieces of an answer that a client takes. Longer than any proxy waits for a client of its own.
SEND_SECONDS = 60.0

# 50 threads for replays that stream (replay.concurrency_limits), and 16 for what the database can serve at a time.
MAX_PAGE_THREADS = 66
MAX_WAITING_PAGES = 64
# Of these, for the calls of one API key that are not ingest: no program takes all that people need.
MAX_KEY_PAGE_THREADS = 48
# Calls wait for their commit, some 50 ms, on a thread of their own; none of them is refused before memory is short.
MAX_INGEST_THREADS = 32
MAX_WAITING_INGEST = 1_000
MAX_HEALTH_THREADS = 2
MAX_WAITING_HEALTH = 16
IDLE_SECONDS = 30.0  # of a thread, with its database connection

# An answer of known length up to this leaves its thread at once and waits for its reader in memory.
MAX_BUFFERED_ANSWER_BYTES = MIB


def accepts_large_bodies[View: Callable[..., Any]](view: View) -> View:
    """Let the view take MAX_LARGE_BODY_BYTES from callers who are known, instead of MAX_BODY_BYTES."""
    view.accepts_large_bodies = True  # type: ignore[attr-defined]
    return view
