"""Time budgets of queries: how a timeout is recognised, and what stays of the limits around it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import OperationalError, connection, transaction

from logs.storage.time_budget import within


def _limit() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('statement_timeout')")
        return str(cursor.fetchone()[0])


def _rows(sql: str) -> Iterator[int]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        yield from cursor


def _error(code: str) -> str:
    return f"DO $$ BEGIN RAISE EXCEPTION 'storniere Anweisung' USING ERRCODE = '{code}'; END $$"


@pytest.mark.django_db
def test_a_timeout_is_recognised_in_any_language() -> None:
    assert within(1000, _rows(_error("query_canceled"))) is None


@pytest.mark.django_db
def test_any_other_failure_is_raised_whatever_its_words() -> None:
    with pytest.raises(OperationalError):
        within(1000, _rows(_error("lock_not_available").replace("storniere Anweisung", "statement timeout")))


@pytest.mark.django_db
@pytest.mark.parametrize("sql", ["SELECT 1", "SELECT pg_sleep(5)"])
def test_the_enclosing_transaction_has_its_own_limit_back(sql: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '7s'")
        within(20, _rows(sql))
        assert _limit() == "7s"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("sql", ["SELECT 1", "SELECT pg_sleep(5)"])
def test_the_connection_has_its_own_limit_back(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = '9s'")
        try:
            within(20, _rows(sql))
            assert _limit() == "9s"
        finally:
            cursor.execute("RESET statement_timeout")


@pytest.mark.django_db
def test_the_budget_is_the_limit_of_the_query() -> None:
    within_budget = within(250, _rows("SELECT current_setting('statement_timeout')"))
    assert [tuple(row) for row in within_budget or []] == [("250ms",)]
