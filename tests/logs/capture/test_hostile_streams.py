"""What a caller or an upstream may send to keep capture busy: each takes a time that grows with its size alone."""

from __future__ import annotations

import random
import time

import pytest

from logs.capture.usage import Hidden

COUNTS = b'data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":8,"total_tokens":15}}'
TEXT = b'data: {"choices":[{"delta":{"content":"hi"}}]}'
SECONDS = 3  # what takes a tenth of it; looked at again with every chunk it was a minute


@pytest.mark.parametrize(("chunk", "times"), [(b"x" * 16, 40_000), (b"x" * 65_536, 200)])
def test_an_event_without_an_end_is_passed_on_and_not_kept(chunk: bytes, times: int) -> None:
    hidden, passed = Hidden(), 0
    began = time.process_time()
    for _ in range(times):
        passed += len(hidden.pass_on(chunk))
    assert time.process_time() - began < SECONDS
    held = hidden.rest()
    assert passed + len(held) == len(chunk) * times
    assert len(held) < 100_000


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n", b"\r\r"])
@pytest.mark.parametrize("long", [0, 200_000])
def test_however_a_stream_is_cut_only_the_counts_are_hidden(end: bytes, long: int) -> None:
    events = [TEXT, b"data: " + b"y" * long, COUNTS, b"data: [DONE]"]
    stream = b"".join(event + end for event in events)
    shown = b"".join(event + end for event in events if event != COUNTS)
    chooser = random.Random(7)
    for most in (1, 5, 100_000) if not long else (3000, 100_000):
        hidden, passed, at = Hidden(), b"", 0
        while at < len(stream):
            size = chooser.randint(1, most)
            passed += hidden.pass_on(stream[at : at + size])
            at += size
        assert passed + hidden.rest() == shown
