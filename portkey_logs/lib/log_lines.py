"""Lines of the processes' own logs: what they quote cannot forge a line or command a terminal. Knows no Django."""

from __future__ import annotations

import logging
import re
import traceback
from typing import Any

# Controls (but for the tab), separators of lines, bidirectional and invisible characters, tags, and halves of
# characters, which no stream can encode.
_CONTROLS = (
    "\x00-\x08\x0a-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e0fff\ud800-\udfff"
)
_UNSAFE = re.compile(f"[{_CONTROLS}]")
_UNSAFE_IN_TRACEBACK = re.compile(f"(?!\n)[{_CONTROLS}]")
_FRAME = re.compile(r'[ |]*File "')  # a frame of a traceback, also inside an exception group
# Between the exceptions of a chain.
_OWN_LINES = (
    "\nThe above exception was the direct cause of the following exception:\n\n",
    "\nDuring handling of the above exception, another exception occurred:\n\n",
)


def escape_controls(text: str) -> str:
    r"""Return text with each control character as Python writes it (``\n``, ``\x1b``, ``\u202e``), on one line."""
    return text if text.isascii() and text.isprintable() else _UNSAFE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    return ascii(match[0])[1:-1]


class RefusalsInOneLine(logging.Filter):
    """Filter that takes the traceback from what Django refuses: as suspicious, such as an unknown Host, or with 4xx."""

    def filter(self, record: logging.LogRecord) -> bool:
        """See ``logging.Filter``."""
        is_refusal = record.name == "django.request" and record.levelno < logging.ERROR  # 4xx, as for what one may not
        if is_refusal or record.name.startswith("django.security."):
            record.exc_info = None
        return True


class EscapingFormatter(logging.Formatter):
    """Formatter that escapes control characters in messages, in exceptions' texts and in what frames quote.

    Only the line ends that a traceback itself is made of stay.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:
        return escape_controls(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:
        return "".join(map(_escape_part, traceback.format_exception(*ei))).rstrip("\n")

    def formatStack(self, stack_info: str) -> str:
        return _UNSAFE_IN_TRACEBACK.sub(_escape, stack_info)


def _escape_part(part: str) -> str:
    """One part of ``format_exception``: a frame keeps its lines, an exception's text becomes one line."""
    if part in _OWN_LINES or _FRAME.match(part):
        return _UNSAFE_IN_TRACEBACK.sub(_escape, part)
    return escape_controls(part.removesuffix("\n")) + "\n"
