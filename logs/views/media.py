"""Pictures and sounds of a log, decoded: the only bytes of a body that a page may show as what they are."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from logs.models import Log
from logs.viewer import media
from logs.viewer.bodies import Side, SideName, read_side
from logs.viewer.conversation import uploads
from portkey_logs.accounts.access import workspace_for
from portkey_logs.lib import byte_ranges

# Nothing that is served here may act: no scripts, no requests, an origin of its own.
POLICY = "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; sandbox"


@login_required
@require_safe
@cache_control(private=True, no_store=True)
def log_media(request: HttpRequest, workspace: str, id: UUID, side: SideName) -> HttpResponse:
    """The picture or sound at ``?at=`` (a JSON Pointer, or the number of an uploaded part), with the type that its
    bytes say. Anything that is no raster picture and no sound is not found."""
    log = get_object_or_404(Log, workspace=workspace_for(request.user, workspace), id=id)
    octets = _octets(read_side(log, side), request.GET.get("at", ""))
    found = media.sniff(octets) if octets else None
    if octets is None or found is None:
        raise Http404
    response = HttpResponse(octets, content_type=found.type)
    disposition = "attachment" if "download" in request.GET else "inline"
    response["Content-Disposition"] = f'{disposition}; filename="{id}-{side}.{found.extension}"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    response["Content-Security-Policy"] = POLICY
    return _ranged(response, octets, request.headers.get("Range", ""))


def _octets(side: Side, at: str) -> bytes | None:
    """What stands at a place of a body: of JSON the decoded text, of an upload the part, at "" the body itself."""
    if side.octets is None:
        return None
    if side.value is None:
        if not at:
            return side.octets
        fields = uploads.fields(side.octets)
        index = at.removeprefix("/")
        if not index.isdecimal() or len(index) > 9 or int(index) >= len(fields):
            return None
        return side.octets[fields[int(index)].start : fields[int(index)].end]
    try:
        value = at_pointer(side.value, at)
    except LookupError:
        return None
    return media.decode(value) if isinstance(value, str) else None


def at_pointer(value: object, pointer: str) -> object:
    """The value a JSON Pointer (RFC 6901) leads to. Raises LookupError."""
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value[name]
        elif isinstance(value, list) and name.isascii() and name.isdecimal() and len(name) < 10:
            value = value[int(name)]
        else:
            raise LookupError(pointer)
    return value


def _ranged(response: HttpResponse, octets: bytes, header: str) -> HttpResponse:
    """The part that a player asks for, else the whole."""
    response["Accept-Ranges"] = "bytes"
    size = len(octets)
    try:
        wanted = byte_ranges.wanted(header, size)
    except byte_ranges.Unsatisfiable:
        response.status_code, response.content = 416, b""
        response["Content-Range"] = f"bytes */{size}"
        return response
    if wanted is not None:
        start, end = wanted
        response.status_code, response.content = 206, octets[start : end + 1]
        response["Content-Range"] = f"bytes {start}-{end}/{size}"
    return response
