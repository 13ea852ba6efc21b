"""HTTP headers on their way through: what belongs to one connection only, and what is ours and goes no further."""

from __future__ import annotations

from multidict import CIMultiDict, MultiMapping, istr

from portkey_logs.accounts.tokens import API_KEY_PREFIX
from portkey_logs.lib.redaction import is_secret_name

Headers = CIMultiDict[str]  # in their order and case, repeated where they were

# RFC 9110, 7.6.1, and what proxies made up before it. "expect" is answered by our own server.
_HOP_BY_HOP = (
    istr("connection"),
    istr("keep-alive"),
    istr("proxy-connection"),
    istr("proxy-authenticate"),
    istr("proxy-authorization"),
    istr("te"),
    istr("trailer"),
    istr("transfer-encoding"),
    istr("upgrade"),
    istr("expect"),
)
# Codings that we can undo for the record; others (br) are not offered to the provider.
READABLE_CODINGS = ("gzip", "x-gzip", "deflate", "zstd", "identity", "*")


def readable(headers: MultiMapping[str]) -> Headers:
    """A copy of what aiohttp has read. It reads UTF-8, as SDKs send metadata; anything else is the Latin-1 of old."""
    if "".join(headers.values()).isascii():  # the usual case, without a look at each
        return CIMultiDict(headers)
    return CIMultiDict((name, _text(value)) for name, value in headers.items())


def _text(value: str) -> str:
    octets = value.encode("utf-8", "surrogateescape")
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return octets.decode("latin-1")


def end_to_end(headers: MultiMapping[str]) -> Headers:
    """A copy with the headers that concern the other end: without hop-by-hop ones and those ``Connection`` names."""
    kept = CIMultiDict(headers)
    for token in ",".join(kept.getall("connection", ())).split(","):
        kept.popall(token.strip(), None)
    for name in _HOP_BY_HOP:
        kept.popall(name, None)
    return kept


def fields(headers: MultiMapping[str]) -> dict[str, str]:
    """The headers as a dict with lower-case names; repeated ones are joined as RFC 9110, 5.3 says."""
    joined = {name.lower(): value for name, value in headers.items()}
    if len(joined) < len(headers):
        joined = {name: ", ".join(headers.getall(name)) for name in joined}
    return joined


def for_upstream(headers: Headers, *, with_credentials: bool = True) -> Headers:
    """A client's headers as they go upstream: without its ``Host`` and without any key of ours.

    Without ``with_credentials`` no header that holds a secret goes on: where a stored config chose the host, the caller
    did not mean it for that host.
    """
    passed = end_to_end(headers)
    if not with_credentials:
        for name in set(passed):
            if is_secret_name(name):
                passed.popall(name, None)
    passed.popall("host", None)
    for name in ("x-portkey-api-key", "authorization"):
        if name in passed and any(map(_is_ours, passed.getall(name))):
            theirs = [value for value in passed.popall(name) if not _is_ours(value)]
            passed.extend((name, value) for value in theirs)
    if "accept-encoding" in passed:
        passed["accept-encoding"] = _codings(", ".join(passed.getall("accept-encoding")))
    return passed


def has_credentials(headers: Headers) -> bool:
    """Whether a client sends secrets of its own, besides our API key."""
    return any(is_secret_name(name) for name in for_upstream(headers) if name.lower() != "x-portkey-config")


def bearer(authorization: str) -> str:
    """The token of ``Authorization: Bearer <token>``; "" for anything else."""
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _is_ours(value: str) -> bool:
    stripped = value.strip()
    return (bearer(stripped) or stripped).startswith(API_KEY_PREFIX)


def _codings(accepted: str) -> str:
    offers = [offer.strip() for offer in accepted.split(",")]
    return ", ".join(o for o in offers if o.partition(";")[0].strip().lower() in READABLE_CODINGS) or "identity"
