"""What a failed answer says went wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from logs.llm.providers.base import Json, items, mapping, text

MAX_MESSAGE = 1000  # characters: a line to read in the panel; the whole text is in the body


class Problem(NamedTuple):
    """What an error says of itself; each part is None where it says nothing.

    ``type`` is the class of the error by the provider's own name for it, else its code; ``code`` is finer,
    or the number the provider gives.
    """

    type: str | None = None
    code: str | None = None
    message: str | None = None


def is_error(answer: object) -> bool:
    """Whether a body is an error object, whatever the HTTP status says.

    The gateway's cache stores errors and serves them with status 200. Objects such as jobs have an ``error``
    whose fields are all null while nothing went wrong.
    """
    answer = _first_of_list(answer)
    if not isinstance(answer, dict):
        return False
    error = answer.get("error")
    if (isinstance(error, str) and error) or (isinstance(error, dict) and any(error.values())):
        return True
    return answer.get("status") == "failure" or answer.get("type") == "error" or answer.get("object") == "error"


def is_refusal(answer: object) -> bool:
    """Whether the gateway itself refused: ``{"status": "failure", "message": …}``."""
    return isinstance(answer, dict) and answer.get("status") == "failure"


def read_problem(answer: object, raw: bytes | None, headers: Mapping[str, str] | None = None) -> Problem:
    """Type, code and message of a failed answer: OpenAI's, Azure's, Anthropic's and Google's ``error``, the
    gateway's ``message``, Cohere's, Bedrock's (its type is in a header), other providers' usual names, else
    the text itself."""
    answer = _first_of_list(answer)
    if isinstance(answer, dict):
        problem = _from_object(answer)
        if problem.type is None and headers is not None and (named := headers.get("x-amzn-errortype")):
            problem = problem._replace(type=named.partition(":")[0])
        if any(problem):
            return problem
    if isinstance(answer, str):
        return Problem(message=answer.strip() or None)
    if not raw or b"\0" in raw[:MAX_MESSAGE]:  # nothing, or a file
        return Problem()
    return Problem(message=raw[: 4 * MAX_MESSAGE].decode("utf-8", "replace").strip() or None)


def _first_of_list(answer: object) -> object:
    """Google's streaming endpoints answer with a list that holds the error."""
    if isinstance(answer, list) and len(answer) == 1 and isinstance(answer[0], dict) and "error" in answer[0]:
        return answer[0]
    return answer


def _from_object(answer: Json) -> Problem:
    error = answer.get("error")
    refused = "gateway_error" if is_refusal(answer) else None
    if isinstance(error, dict) and any(error.values()):
        code = _code(error.get("code"))
        kind = text(error.get("type")) or refused or text(error.get("status")) or code
        message = text(error.get("message")) or _from_object({**error, "error": None}).message
        return Problem(kind, code, message or text(answer.get("message")))
    code = _code(answer.get("code")) or _code(answer.get("statusCode"))
    kind = refused or text(answer.get("error_type")) or text(answer.get("__type")) or text(answer.get("type"))
    if message := text(error):
        return Problem(kind or code, code, message)
    for name in ("message", "detail", "html-message", "error_description", "Message", "title"):
        if message := text(answer.get(name)):
            return Problem(kind or code, code, message)
    return _from_nested(answer, kind, code)


def _from_nested(answer: Json, kind: str | None, code: str | None) -> Problem:
    """An error within: FastAPI's and Mistral's ``detail``, Cloudflare's ``errors``, Portkey's ``data``."""
    for name in ("data", "detail", "errors", "message"):
        nested: Any = answer.get(name)
        if isinstance(nested, list):
            nested = next((item for item in nested if isinstance(item, (dict, str))), None)
        if isinstance(nested, str) and nested:
            return Problem(kind or code, code, nested)
        if not isinstance(nested, dict):
            continue
        inner = next(iter(items(nested.get("detail"))), nested)
        if message := text(inner.get("message")) or text(inner.get("msg")) or text(mapping(inner).get("error")):
            number = _code(inner.get("errorCode")) or _code(inner.get("code")) or code
            return Problem(kind or text(inner.get("type")) or number, number, message)
    return Problem(kind or code, code) if kind == "gateway_error" else Problem()


def _code(value: object) -> str | None:
    """An error code is a word or a number."""
    return str(value) if isinstance(value, (str, int)) and value != "" and not isinstance(value, bool) else None
