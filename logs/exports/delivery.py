"""Handing out the files: links that expire, downloads that can be resumed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import BinaryIO
from uuid import UUID

from django.core import signing
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseNotModified, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse

from logs.exports.models import Export
from portkey_logs.accounts.addresses import absolute_url
from portkey_logs.accounts.models import ApiKey
from portkey_logs.lib import byte_ranges

LINK_SECONDS = 3600  # to begin the download or to resume it; a link that went astray is of no use the next day
_CHUNK_BYTES = 256 * 1024
_TYPES = {"jsonl": "application/jsonl", "csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet"}
_signer = signing.TimestampSigner(salt="exports")


def signed_url(request: HttpRequest, export: Export, api_key_id: int | None) -> str:
    """A link that downloads the file without an account, for LINK_SECONDS, unless the export is made anew, and only
    while the key that asks for it may export."""
    token = _signer.sign_object({"id": str(export.id), "made": _version(export), "key": api_key_id})
    return absolute_url(request, reverse("export_signed_download", args=[token, export.file_name]))


def by_link(token: str) -> Export | None:
    """The export that a link is for; None for one that is forged or expired, of a file that is gone, or of a key that
    was revoked, has expired, or whose owner may not export any more."""
    try:
        signed = _signer.unsign_object(token, max_age=LINK_SECONDS)
    except signing.BadSignature:
        return None
    export = Export.objects.select_related("workspace").filter(pk=UUID(signed["id"])).first()
    if export is None or not export.is_ready or _version(export) != signed["made"]:
        return None
    keys = ApiKey.objects.active().with_standing().without_orphans().filter(workspace=export.workspace_id)
    key = keys.filter(pk=signed.get("key")).first()
    return export if key is not None and "logs.export" in key.scopes_in_force else None


def response(request: HttpRequest, export: Export) -> HttpResponseBase | None:
    """The file, or the part of it that is asked for; None where it is not there. Raises OSError."""
    try:
        file = export.path.open("rb")
    except FileNotFoundError:
        return None
    etag = f'"{export.id}-{_version(export)}"'
    if request.headers.get("If-None-Match", "") == etag:
        file.close()
        return HttpResponseNotModified(headers={"ETag": etag})
    size = os.fstat(file.fileno()).st_size
    answer = _part(file, size, _range(request, etag))
    answer["ETag"] = etag
    answer["Accept-Ranges"] = "bytes"
    answer["Cache-Control"] = "private, no-transform"
    answer["Content-Type"] = _TYPES[export.format]
    answer["Content-Disposition"] = f'attachment; filename="{export.file_name}"'
    answer["X-Content-Type-Options"] = "nosniff"
    return answer


def _range(request: HttpRequest, etag: str) -> str:
    """The range, unless it is of another file than this (RFC 9110, 13.1.5)."""
    condition = request.headers.get("If-Range")
    return request.headers.get("Range", "") if condition in (None, etag) else ""


def _part(file: BinaryIO, size: int, header: str) -> HttpResponseBase:
    try:
        wanted = byte_ranges.wanted(header, size)
    except byte_ranges.Unsatisfiable:
        file.close()
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    if wanted is None:
        return FileResponse(file)
    start, end = wanted
    file.seek(start)
    answer = StreamingHttpResponse(_bytes(file, end - start + 1), status=206)
    answer["Content-Length"] = str(end - start + 1)
    answer["Content-Range"] = f"bytes {start}-{end}/{size}"
    return answer


def _bytes(file: BinaryIO, left: int) -> Iterator[bytes]:
    with file:
        while left and (chunk := file.read(min(left, _CHUNK_BYTES))):
            left -= len(chunk)
            yield chunk


def _version(export: Export) -> int:
    """Which making of the file it is."""
    return int(export.started_at.timestamp() * 1000) if export.started_at else 0
