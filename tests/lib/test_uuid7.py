from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import RFC_4122

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portkey_logs.lib import uuid7

MS = st.integers(0, uuid7.MAX_MS)


@given(MS)
def test_an_id_is_a_version_7_uuid_of_its_time(ms):
    for id in (uuid7.uuid7(ms), uuid7.floor(ms), uuid7.deterministic_uuid7(ms, 1, "t", "s")):
        assert (id.version, id.variant, uuid7.time_ms(id)) == (7, RFC_4122, ms)


def test_without_a_time_the_clock_is_used():
    before = uuid7.time_ms(uuid7.uuid7())
    assert before > 1_700_000_000_000
    assert uuid7.time_ms(uuid7.uuid7()) >= before


def test_ids_of_one_millisecond_increase():
    made = [uuid7.uuid7(1_795_000_000_000) for _ in range(10_000)]
    assert made == sorted(set(made))


def test_threads_never_get_the_same_id():
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: uuid7.uuid7(5), range(20_000)))
    assert len(set(made)) == len(made)


@given(MS.filter(lambda ms: ms < uuid7.MAX_MS))
def test_the_floor_bounds_a_range(ms):
    assert uuid7.floor(ms) <= uuid7.uuid7(ms) < uuid7.floor(ms + 1)
    assert uuid7.floor(ms) <= uuid7.deterministic_uuid7(ms, 1, "t", "s") < uuid7.floor(ms + 1)


@given(MS, st.integers(0), st.text(), st.text())
def test_the_same_span_gives_the_same_id(ms, workspace_id, trace_id, span_id):
    assert uuid7.deterministic_uuid7(ms, workspace_id, trace_id, span_id) == uuid7.deterministic_uuid7(
        ms, workspace_id, trace_id, span_id
    )


def test_different_spans_give_different_ids():
    spans = [(1, "t", "s"), (2, "t", "s"), (1, "ts", ""), (1, "", "ts"), (1, "t", "s2"), (11, "t", "s")]
    assert len({uuid7.deterministic_uuid7(5, *span) for span in spans}) == len(spans)


@pytest.mark.parametrize("ms", [-1, uuid7.MAX_MS + 1])
def test_a_time_that_does_not_fit_is_refused(ms):
    for make in (uuid7.uuid7, uuid7.floor, lambda ms: uuid7.deterministic_uuid7(ms, 1, "", "")):
        with pytest.raises(ValueError, match="48 bits"):
            make(ms)
