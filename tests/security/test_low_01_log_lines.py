"""Low 1: what a log line quotes can neither forge another line nor command the terminal of whoever reads it."""

from __future__ import annotations

import json
import logging
import logging.config
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import DataError
from django.test import Client, RequestFactory
from django.utils.log import DEFAULT_LOGGING
from granian.log import LogLevels, configure_logging

from portkey_logs.failures import DatabaseMiddleware
from portkey_logs.lib.log_lines import EscapingFormatter, escape_controls
from portkey_logs.runtime.supervisor import Child
from tests.logs.processes import PROJECT, wait_until

HOSTILE = "x\r\n2026-01-01 CRITICAL root: forged\x1b[2J\x1b]0;title\x07\x85\u2028\u202egnp\u2066\x9b31m\ud83d"
FORGED = "2026-01-01 CRITICAL root: forged"


def assert_tame(text: str, lines: int | None = None) -> None:
    """Nothing in the text commands a terminal, and none of its lines is the forged one."""
    assert "forged" in text
    assert not any(ord(char) < 32 and char not in "\n\t" for char in text)
    assert not any(char in text for char in "\x7f\x85\x9b\u2028\u202e\u2066\ud83d")
    assert not any(line.startswith(FORGED) for line in text.splitlines())
    text.encode()
    if lines is not None:
        assert len(text.splitlines()) == lines


def format_line(message: str, *args: object, error: BaseException | None = None, stack: str | None = None) -> str:
    info = (type(error), error, error.__traceback__) if error else None
    record = logging.LogRecord("test", logging.ERROR, __file__, 1, message, args, info)
    record.stack_info = stack
    return EscapingFormatter("%(levelname)s %(name)s: %(message)s").format(record)


def test_a_message_and_its_arguments_are_one_line() -> None:
    assert_tame(format_line("Refused at %s", HOSTILE), lines=1)
    assert_tame(format_line(HOSTILE), lines=1)
    assert format_line("Refused at %s", "/a\r\nb\x1b[0m") == r"ERROR test: Refused at /a\r\nb\x1b[0m"


def test_ordinary_text_stays_as_it_is() -> None:
    assert escape_controls("Grüße, 你好 🙂\ttab \\n") == "Grüße, 你好 🙂\ttab \\n"


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except type(error) as caught:
        return caught


def chained() -> BaseException:
    try:
        try:
            raise ValueError(HOSTILE)
        except ValueError as first:
            raise KeyError(HOSTILE) from first
    except KeyError as error:
        return error


@pytest.mark.parametrize(
    "error",
    [
        raised(ValueError(HOSTILE)),
        raised(DataError(HOSTILE)),
        chained(),
        raised(ExceptionGroup(HOSTILE, [ValueError(HOSTILE), chained()])),
        raised(SyntaxError(HOSTILE, ("file", 1, 1, HOSTILE))),
    ],
    ids=["value", "database", "chain", "group", "syntax"],
)
def test_the_text_of_an_exception_is_escaped_and_its_frames_stay_readable(error: BaseException) -> None:
    text = format_line("It failed", error=error)
    assert_tame(text)
    assert "\n" in text
    assert __file__ in text


def test_a_stack_keeps_its_lines() -> None:
    text = format_line("Here", stack=f"Stack:\n  File x\x1b[2J {HOSTILE[1]}forged")
    assert_tame(text, lines=3)


@pytest.fixture
def _restored() -> Any:
    """Leave the loggers as pytest has them."""
    names = ["", "django", "django.server", "django.request", "_granian", "granian.access"]
    before = [(log := logging.getLogger(name), log.handlers[:], log.level, log.propagate) for name in names]
    yield
    for log, handlers, level, propagate in before:
        log.handlers[:], log.level, log.propagate = handlers, level, propagate


def handlers_of(name: str) -> list[logging.Handler]:
    """The handlers that a record of this logger reaches."""
    found, logger = [], logging.getLogger(name)
    while logger:
        found += logger.handlers
        logger = logger.parent if logger.propagate else None  # type: ignore[assignment]
    return found


@pytest.mark.usefixtures("_restored")
@pytest.mark.parametrize("name", ["", "django.request", "django.server", "aiohttp.server", "logs.capture", "asyncio"])
def test_every_logger_of_a_django_process_escapes(name: str) -> None:
    logging.getLogger().handlers.clear()
    logging.config.dictConfig(DEFAULT_LOGGING)
    logging.config.dictConfig(settings.LOGGING)
    handlers = handlers_of(name)
    assert handlers
    assert all(isinstance(handler.formatter, EscapingFormatter) for handler in handlers)


@pytest.mark.usefixtures("_restored")
@pytest.mark.parametrize("name", ["_granian", "granian.access"])
def test_the_web_server_s_own_loggers_escape(name: str) -> None:
    from portkey_logs.runtime.management.commands.up import web_command

    command = web_command(8000)
    path = Path(command[command.index("--log-config") + 1])
    configure_logging(LogLevels.info, json.loads(path.read_text()))
    handlers = handlers_of(name)
    assert handlers
    assert all(isinstance(handler.formatter, EscapingFormatter) for handler in handlers)


def test_the_container_s_web_server_has_the_same() -> None:
    assert '"--log-config", "portkey_logs/granian-log.json"' in (PROJECT / "Dockerfile").read_text()


def test_a_path_is_logged_as_one_line(caplog: pytest.LogCaptureFixture) -> None:
    request = RequestFactory().get("/v1/logs")
    # Without lone surrogates: workers of the suite cannot hand them over in what was captured.
    request.path = "/v1/" + HOSTILE.encode(errors="replace").decode()
    DatabaseMiddleware(lambda request: None).process_exception(request, DataError("bad\r\nvalue"))  # type: ignore[arg-type,return-value]
    caplog.handler.setFormatter(EscapingFormatter())
    assert_tame(EscapingFormatter().format(caplog.records[0]), lines=1)


def test_a_header_is_logged_as_one_line(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    client.get("/", headers={"host": "a\r\nforged\x1b[2J"})
    text = "\n".join(EscapingFormatter().format(record) for record in caplog.records)
    assert "\x1b" not in text
    assert "\nforged" not in text


def test_what_a_child_prints_reaches_neither_file_nor_console_raw(tmp_path: Path) -> None:
    said: list[str] = []
    printed = "ERROR \x1b[2Jforged\x9b\u202e\r\n"
    command = [sys.executable, "-c", f"import sys; sys.stdout.buffer.write({printed.encode()!r})"]
    child = Child("gateway", command, tmp_path / "gateway.log", said.append)
    child.start()
    wait_until(lambda: child.ended is not None)
    assert child.last_lines() == r"ERROR \x1b[2Jforged\x9b\u202e"
    assert said == [r"gateway: ERROR \x1b[2Jforged\x9b\u202e"]
    assert (tmp_path / "gateway.log").read_bytes() == rb"ERROR \x1b[2Jforged\x9b\u202e" + b"\n"
