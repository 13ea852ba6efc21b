"""What a failed answer says went wrong."""

from __future__ import annotations

from typing import Any

from logs.ingest.families.base import Json, text

MAX_MESSAGE = 1000  # characters: a line to read in the panel; the whole text is in the body

Problem = tuple[str | None, str | None]  # type, message


def is_error(answer: object) -> bool:
    """Whether a body is an error object, whatever the HTTP status says.

    The gateway's cache stores errors and serves them with status 200.
    """
    if not isinstance(answer, dict):
        return False
    error = answer.get("error")
    if isinstance(error, (dict, str)) and error:
        return True
    return answer.get("status") == "failure" or answer.get("type") == "error"


def is_refusal(answer: object) -> bool:
    """Whether the gateway itself refused: ``{"status": "failure", "message": …}``."""
    return isinstance(answer, dict) and answer.get("status") == "failure"


def read_problem(answer: object, raw: bytes | None) -> Problem:
    """Type and message of a failed answer: OpenAI's and Anthropic's ``error``, the gateway's ``message``,
    guardrails, other providers' usual names, else the text itself."""
    if isinstance(answer, dict):
        kind, message = _from_object(answer)
        if kind or message:
            return kind, message
    if isinstance(answer, str):
        return None, answer.strip() or None
    if not raw:
        return None, None
    return None, raw[: 4 * MAX_MESSAGE].decode("utf-8", "replace").strip() or None


def _from_object(answer: Json) -> Problem:
    error = answer.get("error")
    if isinstance(error, dict) and error:
        kind = text(error.get("type")) or _code(error.get("code")) or text(error.get("status"))
        return kind, text(error.get("message")) or _from_object({**error, "error": None})[1]
    if message := text(error):
        return _code(answer.get("code")), message
    if is_refusal(answer):
        return "gateway_error", text(answer.get("message"))
    for name in ("message", "detail", "html-message", "error_description", "Message"):
        if message := text(answer.get(name)):
            return text(answer.get("type")) or _code(answer.get("code")), message
    for name in ("data", "detail", "errors"):
        nested: Any = answer.get(name)
        if isinstance(nested, list):
            nested = next((item for item in nested if isinstance(item, (dict, str))), None)
        if isinstance(nested, str) and nested:
            return None, nested
        if isinstance(nested, dict) and (message := text(nested.get("message")) or text(nested.get("msg"))):
            return _code(nested.get("errorCode")) or text(nested.get("type")), message
    return None, None


def _code(value: object) -> str | None:
    """An error code is a word or a number."""
    return str(value) if isinstance(value, (str, int)) and value != "" and not isinstance(value, bool) else None
