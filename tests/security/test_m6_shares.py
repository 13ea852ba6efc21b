"""M6: the limiter behind fair shares, with a clock of the test's own."""

from __future__ import annotations

import threading
from collections import defaultdict
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portkey_logs.lib.shares import ShareExceededError, ShareLimits, Shares


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def shares_of(at_a_time: int = 1_000, calls: int = 1_000_000, size: int = 1_000_000) -> tuple[Shares, Clock]:
    clock = Clock()
    return Shares(ShareLimits(at_a_time, calls, size), clock), clock


def refusal_of(shares: Shares, key: str = "a", size: int = 0) -> ShareExceededError:
    with pytest.raises(ShareExceededError) as caught:
        shares.begin(key, size)
    return caught.value


def test_calls_at_a_time() -> None:
    shares, _ = shares_of(at_a_time=2)
    first, _second = shares.begin("a"), shares.begin("a")
    refusal = refusal_of(shares)
    assert (refusal.reason, refusal.retry_after) == ("calls_at_a_time", 1)
    assert str(refusal) == "This API key may have 2 calls at a time. Try again in 1 s."
    shares.begin("b")
    first.end()
    first.end()  # counts once
    with shares.begin("a"):
        refusal_of(shares)
    shares.begin("a")


def test_calls_per_minute() -> None:
    shares, clock = shares_of(calls=30)
    for _ in range(30):
        shares.begin("a").end()
    refusal = refusal_of(shares)
    assert (refusal.reason, refusal.retry_after) == ("calls_per_minute", 2)
    shares.begin("b").end()
    clock.now += 1.9
    assert refusal_of(shares).retry_after == 1
    clock.now += 0.1
    shares.begin("a").end()
    refusal_of(shares)
    clock.now += 600  # no more than a minute's worth is saved up
    for _ in range(30):
        shares.begin("a").end()
    refusal_of(shares)


def test_bytes_per_minute() -> None:
    shares, clock = shares_of(size=6000)
    shares.begin("a", 5000).end()
    refusal = refusal_of(shares, size=2000)
    assert (refusal.reason, refusal.retry_after) == ("bytes_per_minute", 10)
    shares.begin("a", 1000).end()  # what was refused took nothing
    shares.begin("a").end()  # a call without a body needs none
    clock.now += 9.9
    assert refusal_of(shares, size=1000).retry_after == 1
    clock.now += 0.2
    shares.begin("a", 1000).end()


def test_a_body_of_more_than_a_minute_passes_once_and_is_paid_for() -> None:
    shares, clock = shares_of(size=6000)
    shares.begin("a", 18_000).end()
    assert refusal_of(shares, size=1).retry_after == 121
    clock.now += 121
    shares.begin("a", 1).end()


def test_a_body_of_unknown_length_is_counted_as_it_comes() -> None:
    shares, clock = shares_of(size=6000)
    share = shares.begin("a")
    for _ in range(3):
        share.charge(2000)
    with pytest.raises(ShareExceededError) as caught:
        share.charge(2000)
    assert (caught.value.reason, caught.value.retry_after) == ("bytes_per_minute", 20)
    clock.now += 20
    share.charge(2000)
    share.end()


def test_what_was_declared_is_counted_once() -> None:
    shares, _ = shares_of(size=6000)
    share = shares.begin("a", 5000)
    for size in (0, 2000, 2999, 1):
        share.charge(size)
    with pytest.raises(ShareExceededError):
        share.charge(1001)  # more than declared
    share.charge(1000)
    share.end()


def test_idle_keys_are_forgotten_and_others_are_not() -> None:
    shares, clock = shares_of(size=6000)
    held = shares.begin("held")
    shares.begin("in debt", 60_000).end()
    for number in range(10_000):
        shares.begin(f"key {number}").end()
    assert len(shares) == 10_002
    clock.now += 61
    shares.begin("a").end()
    assert len(shares) == 3
    held.end()
    refusal_of(shares, "in debt", 1)
    clock.now += 601
    shares.begin("b").end()
    assert len(shares) == 1


def test_a_share_that_ends_after_the_sweep_counts() -> None:
    shares, clock = shares_of(at_a_time=1)
    held = shares.begin("a")
    for _ in range(5):
        clock.now += 100
        refusal_of(shares)
    held.end()
    shares.begin("a").end()


@given(
    steps=st.lists(st.tuples(st.floats(0, 30), st.sampled_from("ab"), st.integers(0, 5000), st.booleans()), max_size=80)
)
def test_whoever_waits_as_told_passes_and_no_key_has_more_than_its_share(
    steps: list[tuple[float, str, int, bool]],
) -> None:
    shares, clock = shares_of(at_a_time=10_000, calls=20, size=10_000)
    passed: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for wait, key, size, obeys in steps:
        clock.now += wait
        try:
            shares.begin(key, size).end()
        except ShareExceededError as error:
            if not obeys:
                continue
            clock.now += error.retry_after
            shares.begin(key, size).end()
        passed[key].append((clock.now, size))
    for calls in passed.values():
        for start, _ in calls:
            within = [size for at, size in calls if start <= at <= start + 60]
            assert len(within) <= 41  # a full bucket and what a minute adds
            assert sum(within) <= 20_000 + 5000


def test_threads_count_together() -> None:
    shares, _ = shares_of(at_a_time=50)
    passed: list[object] = []

    def work() -> None:
        for _ in range(100):
            with suppress(ShareExceededError):
                passed.append(shares.begin("a"))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(passed) == 50
