"""The bodies of API calls, read under one limit however they are sent."""

from __future__ import annotations

from http import HTTPStatus

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest
from django.http.request import UnreadablePostError

from portkey_logs.lib.compression import (
    DecompressedSizeError,
    DecompressionError,
    UnsupportedEncodingError,
    decompress,
)


class BodyReadError(Exception):
    """The body cannot be read. The text is for the caller, ``status`` is what to answer."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


def read_body(request: HttpRequest) -> bytes:
    """Return the request's body without its Content-Encoding, also one that is sent in chunks.

    Both sizes have the same limit, DATA_UPLOAD_MAX_MEMORY_SIZE: what a call may carry does not depend on how
    it is packed, and a call never takes more than twice that in memory. Raises BodyReadError, which
    ``api_key_required`` answers.
    """
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    too_large = BodyReadError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The body is larger than {limit >> 20} MiB; send less per call."
    )
    try:
        if "chunked" in request.headers.get("Transfer-Encoding", "").lower():
            body = bytes(request.META["wsgi.input"].read(limit + 1))  # Django reads nothing without a Content-Length
        else:
            body = request.body
    except RequestDataTooBig:
        raise too_large from None
    except UnreadablePostError:
        raise BodyReadError(HTTPStatus.BAD_REQUEST, "The body ended early.") from None
    if len(body) > limit:
        raise too_large
    try:
        return decompress(body, request.headers.get("Content-Encoding", ""), limit)
    except DecompressedSizeError:
        raise too_large from None
    except UnsupportedEncodingError as error:
        raise BodyReadError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, str(error)) from error
    except DecompressionError as error:
        raise BodyReadError(HTTPStatus.BAD_REQUEST, str(error)) from error
