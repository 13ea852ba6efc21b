"""HTTP headers on their way through: what belongs to one connection only, and what is ours and goes no further."""

from __future__ import annotations

from itertools import chain

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


def end_to_end(pairs: Pairs) -> Pairs:
    """The headers that concern the other end: without hop-by-hop ones and those that ``Connection`` names."""
    lowered = [(name.lower(), value) for name, value in pairs]
    kept = [pair for pair in lowered if pair[0] not in _HOP_BY_HOP]
    if len(kept) == len(lowered):
        return kept
    named = b",".join(value for name, value in lowered if name == b"connection").lower().split(b",")
    dropped = {token.strip() for token in named}
    return [pair for pair in kept if pair[0] not in dropped]


def fields(pairs: Pairs) -> dict[str, str]:
    """The headers as a dict with lower-case names; repeated ones are joined as RFC 9110, 5.3 says."""
    texts = _texts(pairs)
    names = [name.lower() for name in texts[::2]]
    joined = dict(zip(names, texts[1::2], strict=True))
    if len(joined) < len(names):
        joined = {}
        for name, value in zip(names, texts[1::2], strict=True):
            joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined


def _texts(pairs: Pairs) -> list[str]:
    """Name, value, name, value, …, see ``text``: mostly all of them are decoded in one go."""
    whole = b"\n".join(chain.from_iterable(pairs))  # no header has a line end
    texts = whole.decode().split("\n") if whole.isascii() else []
    return texts if len(texts) == 2 * len(pairs) else [text(part) for part in chain.from_iterable(pairs)]


def text(value: bytes) -> str:
    """Header text: UTF-8 as SDKs send metadata, else the Latin-1 of old."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def for_upstream(pairs: Pairs) -> CIMultiDict[str]:
    """A client's headers as they go upstream: without its ``Host`` and without any key of ours."""
    texts = _texts(end_to_end(pairs))
    passed = CIMultiDict(zip(texts[::2], texts[1::2], strict=True))
    passed.popall("host", None)
    for name in ("x-portkey-api-key", "authorization"):
        if name in passed and any(map(_is_ours, passed.getall(name))):
            theirs = [value for value in passed.popall(name) if not _is_ours(value)]
            passed.extend((name, value) for value in theirs)
    if "accept-encoding" in passed:
        passed["accept-encoding"] = _codings(", ".join(passed.getall("accept-encoding")))
    return passed


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
