"""Byte ranges of HTTP (RFC 9110, 14): the one range that players and resumed downloads ask for."""

from __future__ import annotations


class Unsatisfiable(ValueError):
    """The range begins behind the end: 416."""


def wanted(header: str, size: int) -> tuple[int, int] | None:
    """First and last byte that ``Range`` asks for; None for the whole, which anything unclear gets too.

    Raises Unsatisfiable.
    """
    unit, _, span = header.partition("=")
    first, dash, last = span.strip().partition("-")
    digits = first + last
    if unit.strip() != "bytes" or not dash or not (digits.isascii() and digits.isdecimal()) or len(digits) > 40:
        return None
    start = int(first) if first else max(size - int(last), 0)
    end = min(int(last), size - 1) if first and last else size - 1
    if start > end:
        raise Unsatisfiable(header)
    return start, end
