"""What counts as the same text, what a word is, and what a search for words asks. Pure: no Django, no database.

Text is compared *folded*: without case, accents, vowel points, width and invisible characters. A **word** is a run of
letters and digits; ``get_weather`` is two of them. Scripts that write no spaces between words (Chinese, Japanese,
Korean, Thai, …; pictures such as emoji) are indexed by their characters and pairs of characters. What a search asks
occurs in a text where the folded text holds it and it neither begins nor ends inside a word: such a text has all of
its words.
"""

from __future__ import annotations

import re
import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, islice, pairwise
from operator import add
from unicodedata import category, normalize

MAX_TERMS = 20_000  # different words of one log: its index row stays below 100 KB; more are no text a person wrote
MAX_QUERY = 200  # characters
MAX_ASKED = 16  # words and phrases of one search
GAP = "\0"  # between two texts: no phrase reaches across, no search can hold it

# Blocks of the scripts without spaces: Thai and Lao, Myanmar, Hangul, Khmer, pictures, Chinese and Japanese.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2600-\u27bf\u2e80-\u2fdf\u3005-\u3007\u3031-\u3035"
    "\u3041-\u9fff\ua960-\ua97f\uaa60-\uaa7f\uac00-\ud7ff\uf900-\ufaff\uff66-\uffdc"
    "\U0001b000-\U0001b16f\U0001f000-\U0001faff\U00020000-\U0003ffff"
)
_RUNS = re.compile(f"[{_UNSPACED}]+")


def _class_of_words() -> str:
    """All letters, marks and digits of the other scripts, for a class. (``\\w`` has an underscore and lacks marks.)"""
    codes = [code for code in range(0x20000) if category(chr(code))[0] in "LMN" and not _RUNS.match(chr(code))]
    firsts = [code for before, code in pairwise([-1, *codes]) if code != before + 1]
    lasts = [code for code, after in pairwise([*codes, -1]) if after != code + 1]
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in zip(firsts, lasts, strict=True))


_WORD = _class_of_words()
_WORDS = re.compile(f"[{_WORD}]+")
_BETWEEN = re.compile(f"[^{_WORD}{_UNSPACED}]")
# What is left where all other ASCII is taken away: mostly a word each. The classes above are slow at what they lack.
_CHUNKS = re.compile("[a-z0-9\x80-\U0010ffff]+")
# Accents; points of Hebrew and Arabic and its lengthening stroke; the selectors of a picture's style.
_IGNORED = re.compile(
    "[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670"
    "\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed\ufe00-\ufe0f]"
)
_OTHER = re.compile("[^\0-\x7f]+")
_PIECE = 256 * 1024  # characters whose words are held at once
_SHOWN = 20  # matches of one word that a snippet may mark
_QUERY = re.compile(r'"([^"]*)"?|([^\s"]+)')
_SPACES = re.compile(r"\s+")


class _Folds(dict[int, str]):
    """Each character and what it is compared as, looked up when it is first met."""

    def __missing__(self, code: int) -> str:
        folded = "" if category(chr(code)) == "Cf" else chr(code)  # joiners, marks of direction: nobody sees them
        for _ in range(2):  # a compatibility form may itself have case or accents
            folded = _IGNORED.sub("", normalize("NFKD", folded)).casefold()
        self[code] = folded = normalize("NFC", folded)
        return folded


_FOLDS = _Folds()


class NothingAsked(ValueError):
    """A search without a single letter or digit."""


@dataclass(frozen=True)
class Query:
    """What a search asks: each text must occur, in any order. ``asked`` are folded, their spaces single ones."""

    text: str
    asked: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Query:
        """``words and "exact phrases"``; a last quotation mark may be missing. Raises NothingAsked."""
        found = (phrase or word for phrase, word in _QUERY.findall(text[:MAX_QUERY].replace(GAP, " ")))
        asked = tuple(dict.fromkeys(folded for each in found if (folded := _SPACES.sub(" ", fold(each)).strip())))
        query = cls(text, asked[:MAX_ASKED])
        if not query.words:
            raise NothingAsked(text)
        return query

    @property
    def words(self) -> set[str]:
        """The words of the index that each match has."""
        return {word for each in self.asked for word in _asked_words(each)}

    def matches(self, folded: str) -> bool:
        """Whether all of it occurs in a folded text."""
        return all(_occurs(each, folded) for each in self.asked)

    def score(self, folded: str) -> int:
        """How much of it occurs in a folded text."""
        return sum(_occurs(each, folded) for each in self.asked)


def fold(text: str) -> str:
    """The form in which texts are compared."""
    if text.isascii():
        return text.lower()
    return normalize("NFC", _OTHER.sub(lambda others: others[0].translate(_FOLDS), normalize("NFC", text))).lower()


def words(folded: str) -> list[str]:
    """The words of a folded text, some several times, and the characters and pairs of its unspaced runs."""
    if folded.isascii():
        return _CHUNKS.findall(folded)
    found: list[str] = []
    for chunk in dict.fromkeys(_CHUNKS.findall(folded)):
        if chunk.isascii():
            found.append(chunk)
        else:
            found += _words_of(chunk)
    return found


def _words_of(chunk: str) -> Iterator[str]:
    yield from _WORDS.findall(chunk)
    for run in _RUNS.findall(chunk):
        yield from run
        yield from _pairs(run)


def terms(folded: str, salt: int) -> tuple[set[int], bool]:
    """Hashes of the words (32 bits, signed), and whether there were more than MAX_TERMS.

    ``salt`` is the workspace: one's words then never lead to another's logs, but by the chance of any hash.
    """
    found: dict[str, None] = {}
    for piece in _pieces(folded):
        found.update(dict.fromkeys(words(piece)))
        if len(found) > MAX_TERMS:
            break
    return {hashed(word, salt) for word in islice(found, MAX_TERMS)}, len(found) > MAX_TERMS


def hashed(word: str, salt: int) -> int:
    """The hash of one word, as a signed number of 32 bits."""
    return zlib.crc32(word.encode(errors="replace"), salt & 0xFFFFFFFF) - 2**31


def occurrences(asked: str, folded: str) -> Iterator[tuple[int, int]]:
    """Where a text that a search asks for stands: it neither begins nor ends inside a word; any space is a space."""
    if " " in asked:
        spans: Iterator[tuple[int, int]] = (match.span() for match in _phrase(asked).finditer(folded))
    else:
        spans = _places(asked, folded)
    first, last = _is_inside(asked[0]), _is_inside(asked[-1])
    for start, end in spans:
        if first and start and _is_inside(folded[start - 1]):
            continue
        if last and end < len(folded) and _is_inside(folded[end]):
            continue
        yield start, end


@lru_cache
def _phrase(asked: str) -> re.Pattern[str]:
    return re.compile(r"\s+".join(map(re.escape, asked.split(" "))))


def _occurs(asked: str, folded: str) -> bool:
    return next(occurrences(asked, folded), None) is not None


@dataclass(frozen=True)
class Span:
    """A piece of a snippet; ``is_match`` where it is what was searched for."""

    text: str
    is_match: bool = False


def snippet(query: Query, text: str, *, before: int = 40, after: int = 160) -> list[Span]:
    """The first match with so many characters around it, on one line, from a text as it was received."""
    text = normalize("NFC", text)
    folded = fold(text)
    found = sorted(span for each in query.asked for span in islice(occurrences(each, folded), _SHOWN))
    if any(len(_FOLDS[ord(character)]) != 1 for character in set(text)):
        # One that is folded to none or several moves what follows: up to where the fold of each reaches.
        ends = list(accumulate(map(len, map(_FOLDS.__getitem__, map(ord, text)))))
        found = [(bisect_right(ends, start), bisect_left(ends, end) + 1) for start, end in found]
    if not found:
        return []
    at, last = max(found[0][0] - before, 0), min(found[0][0] + after, len(text))
    spans = [Span("… ")] if at else []
    for start, end in found:
        if at <= start < last:
            spans += [Span(_line(text[at:start])), Span(_line(text[start:end]), is_match=True)]
            at = end
    spans.append(Span(_line(text[at:last]) + " …" * (max(at, last) < len(text))))
    return [span for span in spans if span.text]


def _asked_words(asked: str) -> Iterator[str]:
    """The words that a match must have: of a longer unspaced run its pairs do, a single character stands alone."""
    yield from _WORDS.findall(asked)
    for run in _RUNS.findall(asked):
        yield from _pairs(run) if len(run) > 1 else run


def _pairs(run: str) -> Iterator[str]:
    return map(add, run, run[1:])


def _pieces(folded: str) -> Iterator[str]:
    """The text in parts of bounded size, none of which ends inside a word."""
    start = 0
    while start < len(folded):
        between = _BETWEEN.search(folded, start + _PIECE)
        end = between.start() if between else len(folded)
        yield folded[start:end]
        start = end


def _places(asked: str, folded: str) -> Iterator[tuple[int, int]]:
    start = folded.find(asked)
    while start >= 0:
        yield start, start + len(asked)
        start = folded.find(asked, start + 1)


def _is_inside(character: str) -> bool:
    """Whether a character is part of a word, rather than of a run or of what stands between words."""
    return _WORDS.match(character) is not None


def _line(text: str) -> str:
    return _SPACES.sub(" ", text.replace(GAP, " "))
