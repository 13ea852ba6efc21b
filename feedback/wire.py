"""``/v1/feedback``: the bodies that Portkey's SDKs send, checked by Portkey's rules and refused in its words."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from feedback.forms import MAX_COMMENT, MAX_PART
from feedback.models import DEFAULT_WEIGHT, MAX_VALUE, MIN_VALUE, Feedback, Given
from logs.ingest.normalise import MAX_ID
from portkey_logs.lib.text import clean, clean_or_none, decode_json

REFUSED = "Portkey Error: Invalid Request Body. {}Error code: {}"
# The docs tell callers to pass comments inside the metadata, under one of these.
COMMENT_KEYS = ("comment", "text")
_SIX_PLACES = Decimal("0.000001")  # what the columns hold
_MAX_KEYS = 100


class BodyError(ValueError):
    """The text and the code are Portkey's."""

    def __init__(self, code: str, why: str = "") -> None:
        super().__init__(REFUSED.format(why and f"{why} ", code))
        self.code = code


def parse_new(body: bytes) -> list[Given]:
    """The ratings of a POST. Raises BodyError: 03 no body, 031 empty list, 032 a key is missing, 033 value bounds."""
    return [_given(item, _trace_id(item), item.get("metadata")) for item in _items(body)]


def parse_update(body: bytes, rating: Feedback | None) -> Given:
    """What a PUT makes of the rating (None: there is none, yet the body has to be right first).

    Without metadata the rating keeps its own. Raises BodyError, with 031 for more than one item.
    """
    items = _items(body)
    if len(items) > 1:
        raise BodyError("031", "Multi Update is not supported.")
    (item,) = items
    given = _given(item, rating.trace_id if rating else "", item.get("metadata"))
    if rating is None or item.get("metadata") is not None:
        return given
    return Given(given.trace_id, given.value, given.weight, rating.comment, rating.metadata)


def _items(body: bytes) -> list[dict[str, Any]]:
    try:
        sent = decode_json(body)
    except ValueError:
        raise BodyError("03") from None
    if not sent and not isinstance(sent, (list, dict)):
        raise BodyError("03")
    items = sent if isinstance(sent, list) else [sent]
    if not items:
        raise BodyError("031")
    for item in items:
        if not isinstance(item, dict) or "value" not in item:
            raise BodyError("032")
    return items


def _trace_id(item: dict[str, Any]) -> str:
    sent = item.get("trace_id")
    trace_id = clean_or_none(str(sent) if isinstance(sent, int) and not isinstance(sent, bool) else sent, MAX_ID)
    if trace_id is None:
        raise BodyError("032")
    return trace_id


def _given(item: dict[str, Any], trace_id: str, sent: object) -> Given:
    value = _number(item["value"])
    if value is None or not MIN_VALUE <= value <= MAX_VALUE:
        raise BodyError("033")
    weight = _number(item.get("weight"))
    if weight is None or not 0 <= weight <= 1:
        weight = DEFAULT_WEIGHT  # silently, as Portkey does
    pairs = sent if isinstance(sent, dict) else {}
    comment = next((pairs[key] for key in COMMENT_KEYS if isinstance(pairs.get(key), str)), "")
    return Given(
        trace_id,
        value.quantize(_SIX_PLACES),
        weight.quantize(_SIX_PLACES),
        comment=clean(comment.strip(), MAX_COMMENT),
        metadata={clean(key, MAX_PART): clean(_text(pairs[key]), MAX_PART) for key in list(pairs)[:_MAX_KEYS]},
    )


def _number(sent: object) -> Decimal | None:
    """Numbers, also as texts, which the SDK's own sample sends; None for anything else."""
    if isinstance(sent, bool) or not isinstance(sent, (int, float, str)):
        return None
    try:
        number = Decimal(str(sent)[:40].strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _text(sent: object) -> str:
    return sent if isinstance(sent, str) else "" if sent is None else str(sent)
