"""HTTP headers on their way through: what belongs to one connection only, and what is ours and goes no further."""

from __future__ import annotations

from collections.abc import Iterable

from multidict import CIMultiDict

from portkey_logs.accounts.tokens import API_KEY_PREFIX

Pairs = list[tuple[bytes, bytes]]  # as ASGI has them: lower-case names, in their order, repeated where they were

# RFC 9110, 7.6.1, and what proxies made up before it. "expect" is answered by our own server.
_HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-connection proxy-authenticate proxy-authorization te trailer transfer-encoding"
    b" upgrade expect".split()
)
# Codings that we can undo for the record; others (br) are not offered to the provider.
READABLE_CODINGS = ("gzip", "x-gzip", "deflate", "zstd", "identity", "*")


def end_to_end(pairs: Iterable[tuple[bytes, bytes]]) -> Pairs:
    """The headers that concern the other end: without hop-by-hop ones and those that ``Connection`` names."""
    lowered = [(name.lower(), value) for name, value in pairs]
    dropped = set(_HOP_BY_HOP)
    for name, value in lowered:
        if name == b"connection":
            dropped.update(token.strip() for token in value.lower().split(b","))
    return [(name, value) for name, value in lowered if name not in dropped]


def fields(pairs: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """The headers as a dict with lower-case names; repeated ones are joined as RFC 9110, 5.3 says."""
    joined: dict[str, str] = {}
    for raw_name, raw_value in pairs:
        name, value = text(raw_name).lower(), text(raw_value)
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined


def text(value: bytes) -> str:
    """Header text: UTF-8 as SDKs send metadata, else the Latin-1 of old."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def for_upstream(pairs: Pairs) -> CIMultiDict[str]:
    """A client's headers as they go upstream: without its ``Host`` and without any key of ours."""
    passed: CIMultiDict[str] = CIMultiDict()
    for name, value in end_to_end(pairs):
        if name == b"host" or (name in (b"x-portkey-api-key", b"authorization") and _is_ours(value)):
            continue
        passed.add(text(name), _codings(text(value)) if name == b"accept-encoding" else text(value))
    return passed


def bearer(authorization: str) -> str:
    """The token of ``Authorization: Bearer <token>``; "" for anything else."""
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _is_ours(value: bytes) -> bool:
    stripped = text(value).strip()
    return (bearer(stripped) or stripped).startswith(API_KEY_PREFIX)


def _codings(accepted: str) -> str:
    offers = [offer.strip() for offer in accepted.split(",")]
    return ", ".join(o for o in offers if o.partition(";")[0].strip().lower() in READABLE_CODINGS) or "identity"
