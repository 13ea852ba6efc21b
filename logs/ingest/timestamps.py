"""Moments as clients write them, to UTC milliseconds."""

from __future__ import annotations

from datetime import UTC, datetime

# 2000-01-01 and 2100-01-01. A number of seconds in this range is none of milliseconds, and so on: the
# magnitude tells the unit.
FIRST_MS = 946_684_800_000
LAST_MS = 4_102_444_800_000
_PER_MS = ((1000, 1), (1, 1), (1, 1000), (1, 1_000_000))  # seconds, milliseconds, microseconds, nanoseconds


def to_ms(value: object) -> int:
    """``value`` as UTC milliseconds: ISO 8601 (UTC without an offset), or epoch s, ms, µs or ns as number or text.

    Raises ValueError for anything else and for years outside 2000 to 2099.
    """
    if isinstance(value, str):
        text = value.strip()
        number = _number(text)
        return _from_iso(text) if number is None else _from_number(number)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError("must be an ISO 8601 time or a Unix time")
    return _from_number(value)


def _number(text: str) -> int | float | None:
    try:
        # "20261123" is a date, not a number: Unix times have more digits.
        if text.isdecimal() and len(text) == 8:
            return None
        return int(text) if text.isdecimal() and len(text) < 25 else float(text)
    except ValueError:
        return None


def _from_number(number: float) -> int:
    for times, divided in _PER_MS:
        ms = number * times // divided if isinstance(number, int) else number * times / divided
        if FIRST_MS <= ms < LAST_MS:
            return int(ms)
    raise ValueError("must be a Unix time between the years 2000 and 2099")


def _from_iso(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("must be an ISO 8601 time or a Unix time") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    ms = (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000
    if not FIRST_MS <= ms < LAST_MS:
        raise ValueError("must lie between the years 2000 and 2099")
    return ms
