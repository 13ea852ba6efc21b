"""Characters that a page would hide, made visible: controls, bidirectional overrides, zero-width characters, tags.

They can turn text around, hide instructions to a model or split a word that is searched for. Each is replaced by
its code point as a small mark. Where such a character is part of ordinary writing (the joiners inside an emoji or a
Persian or Indic word, the variation selector behind an emoji) it stays.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

# Categories Cc and Cf but for tab, line feed and carriage return; line and paragraph separators; the fillers and
# selectors that Unicode calls letters and marks and that no font draws.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
# Marks of one text that have a colour and a name, 75 bytes each; the rest are there as their code points in the text.
# Of a short text fewer: a page has thousands of texts. MIN_MARKS, and one more for each CHARACTERS_OF_A_MARK.
MAX_MARKS = 200
MIN_MARKS = 10
CHARACTERS_OF_A_MARK = 20
CODE_POINT_CHARACTERS = 12  # bytes of "⟦U+202E⟧"
_HIDDEN_RUN = re.compile(f"{_HIDDEN.pattern}+")
_JOINERS = "\u200c\u200d"
_EMOJI_STYLES = "\ufe0e\ufe0f"

# One tag as a sanitiser writes it, attribute values in double quotes: what stands between tags is text.
_TAG = re.compile(r'(<[^<>"]*(?:"[^"]*"[^<>"]*)*>)')


def mark(text: str) -> SafeString:
    """Text as safe HTML, its hidden characters as ``<span class="ctrl">⟦U+202E⟧</span>``."""
    escaped = escape(text)
    if escaped.isascii() and escaped.isprintable():
        return escaped
    return mark_safe(_HIDDEN.sub(_Marker(len(escaped)).glyph, escaped))  # noqa: S308  escaped above; a glyph holds hex digits and a name


def mark_html(html: str) -> SafeString:
    """Sanitised HTML with the hidden characters of its text marked; its tags stay as they are."""
    if not _HIDDEN.search(html):
        return mark_safe(html)  # noqa: S308  the caller's HTML is sanitised
    pieces, glyph = _TAG.split(html), _Marker(len(html)).glyph
    pieces[::2] = [_HIDDEN.sub(glyph, piece) for piece in pieces[::2]]
    return mark_safe("".join(pieces))  # noqa: S308  as above


def plain(text: str) -> str:
    """The same in plain text, for titles and labels: ``⟦U+202E⟧``."""
    return _HIDDEN.sub(lambda match: match[0] if _is_ordinary(match) else _code_point(match[0]), text)


def drawn_size(text: str) -> int:
    """How many characters are drawn for a text: a hidden one takes CODE_POINT_CHARACTERS."""
    if text.isascii() and text.isprintable():
        return len(text)
    return len(text) + (CODE_POINT_CHARACTERS - 1) * sum(map(len, _HIDDEN_RUN.findall(text)))


class _Marker:
    """Replaces the hidden characters of one text of so many characters."""

    def __init__(self, length: int) -> None:
        self.left = min(MIN_MARKS + length // CHARACTERS_OF_A_MARK, MAX_MARKS)

    def glyph(self, match: re.Match[str]) -> str:
        if _is_ordinary(match):
            return match[0]
        self.left -= 1
        return _mark(match[0]) if self.left >= 0 else _code_point(match[0])


@lru_cache
def _mark(character: str) -> str:
    name = unicodedata.name(character, "control character").lower()
    return f'<span class="ctrl" title="{name}">{_code_point(character)}</span>'


def _code_point(character: str) -> str:
    return f"⟦U+{ord(character):04X}⟧"


def _is_ordinary(match: re.Match[str]) -> bool:
    text, at, character = match.string, match.start(), match[0]
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    if character in _EMOJI_STYLES:
        return bool(before) and not _HIDDEN.match(before) and (not before.isascii() or after == "\u20e3")
    if character in _JOINERS and before and after:
        if before in _EMOJI_STYLES or unicodedata.category(before) in ("So", "Sk"):
            return unicodedata.category(after) in ("So", "Sk")
        return _joins(before) and _joins(after)
    return False


def _joins(character: str) -> bool:
    """Whether a letter belongs to the scripts whose spelling uses joiners: Arabic's and India's."""
    return "\u0600" <= character <= "\u08ff" or "\u0900" <= character <= "\u0dff"
