"""Regular expressions of configs, which the gateway runs on the texts of calls: only those that end soon. Pure.

JavaScript's engine tries alternatives one after the other, so that a short pattern can take for ever on a short text,
and a gateway does nothing else in that time. Each pattern is parsed by JavaScript's rules and passes where its time is
bounded in the worst case; what is not understood does not pass.

The time is estimated as text ** time * ways. The gateway's preload has V8 take linear time where it can. Such patterns
may have an exponent of 2, as "[a-z]+@" has: a gateway without the preload then takes seconds for 50,000 characters.
Others have 1 at most.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from portkey_logs.catalog.options import camel, without_bodies
from portkey_logs.catalog.patterns.cost import cost_of
from portkey_logs.catalog.patterns.syntax import Parser, Unbounded

MAX_LENGTH = 500  # characters of a pattern; in linear time, each costs some nanoseconds for each character of a text
MAX_PATTERNS = 50  # of one config; each is run on the whole text
MAX_STEPS = 1000  # for each character of a text: with a text of 1 MB about a second
MAX_STEPS_SQUARE = 32  # the same where the exponent is 2
MAX_LINEAR_COUNT = 16  # V8's engine with linear time takes no larger counted repetition
_DELIMITED = re.compile(r"/([^\n\r\u2028\u2029]+?)/([gimsuyd]*)")


def problems(config: Any) -> Iterator[tuple[str, str]]:
    """Path and problem of each pattern in a config or a list of guardrails that could take too long."""
    for number, (path, value, is_schema) in enumerate(_patterns(without_bodies(config), ""), 1):
        if number > MAX_PATTERNS:
            yield path, f"is one of more than {MAX_PATTERNS} regular expressions"
            return
        if not isinstance(value, str):
            yield path, "must be a regular expression, as a string"
        elif problem := _problem(value, is_schema):
            yield path, problem


def _patterns(value: Any, path: str) -> Iterator[tuple[str, Any, bool]]:
    """What the gateway makes regular expressions of: conditions, ``rule`` of guardrails, and JSON schemas of theirs."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _patterns(item, f"{path}[{index}]")
    elif isinstance(value, dict):
        for name, item in value.items():
            option, at = camel(name), f"{path}.{name}" if path else name
            if option == "$regex" or (option == "rule" and item):
                yield at, item, False
            elif option == "pattern" and isinstance(item, str):
                yield at, item, True
            elif option == "patternProperties" and isinstance(item, dict):
                for pattern in item:
                    yield at, pattern, True
            yield from _patterns(item, at)


@lru_cache(maxsize=1024)  # a few per config, the same in each call
def _problem(pattern: str, is_schema: bool) -> str | None:
    try:
        check(pattern, "u" if is_schema else "")
        if delimited := _DELIMITED.fullmatch(pattern):  # how default.regexReplace takes flags
            check(delimited[1], delimited[2])
    except Unbounded as error:
        return f"is a regular expression that could take too long: {error}"
    return None


def check(pattern: str, flags: str = "") -> None:
    """Raises Unbounded for a pattern of JavaScript that could take too long."""
    if len(pattern) > MAX_LENGTH:
        raise Unbounded(f"it is longer than {MAX_LENGTH} characters")
    parser = Parser(pattern, flags)
    cost = cost_of(parser.parse(), flags)
    is_linear = not set(flags) - set("gms") and not parser.looks_around and cost.replicas <= MAX_LINEAR_COUNT
    if cost.time > (2 if is_linear else 1):
        hint = "" if is_linear else " for one with look-arounds, large counts or flags such as i"
        raise Unbounded(
            f"it can match in too many ways{hint}; end each repetition with a character that is no part of it"
        )
    if cost.ways * cost.length > (MAX_STEPS_SQUARE if cost.time == 2 else MAX_STEPS):
        raise Unbounded("its counted repetitions and choices multiply")
