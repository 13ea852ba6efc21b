"""What may stand in the form: fields that turn a text into what a filter understands, or say why they cannot."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from logs.explorer.query import Item, QueryError, Values, parse_values
from portkey_logs.lib.search_words import MAX_QUERY, NothingAsked, Query

_AGO = re.compile(r"(\d{1,4})(m|h|d|w)")
_AGO_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

MOST_TEXT = 32_000  # characters of a field: a hundred long values; servers cut addresses off before that


class MomentField(forms.CharField):
    """A point in time: how long ago (``30m``, ``24h``, ``7d``, ``2w``), a date, or an ISO 8601 time (UTC)."""

    def clean(self, value: str | None) -> datetime | None:
        text = super().clean(value)
        if not text:
            return None
        moment = self._ago(text) or self._named(text)
        if not 2000 <= moment.year <= 2100:  # outside, the id's 48 bits of ms would not hold it either
            raise forms.ValidationError("Give a time between the years 2000 and 2100.")
        return moment

    @staticmethod
    def _ago(text: str) -> datetime | None:
        found = _AGO.fullmatch(text)
        return timezone.now() - timedelta(**{_AGO_UNITS[found[2]]: int(found[1])}) if found else None

    @staticmethod
    def _named(text: str) -> datetime:
        try:
            moment = parse_datetime(text) or parse_date(text)
        except ValueError:
            moment = None
        if moment is None:
            raise forms.ValidationError("Give 30m, 24h, 7d, a date, or a time such as 2026-11-23T15:00Z.")
        if not isinstance(moment, datetime):
            moment = datetime(moment.year, moment.month, moment.day)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class ValuesField(forms.CharField):
    """One value, several with commas, all that begin in one way, or with ``!`` none of them."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=MOST_TEXT, **kwargs)

    def clean(self, value: str | None) -> Any:
        """None where nothing is asked."""
        text = super().clean(value)
        if not text:
            return None
        try:
            return self.understand(parse_values(text))
        except QueryError as error:
            raise forms.ValidationError(error.message) from error

    def understand(self, values: Values) -> Any:
        """What the filter gets. Raises ValidationError."""
        return values

    def words(self, value: str) -> str:
        """The value as a person says it."""
        try:
            values = parse_values(value)
        except QueryError:
            return value
        return "not " * values.is_negated + " or ".join(map(self.name, values.items))

    def name(self, item: Item) -> str:
        return str(item) if item.is_prefix else item.text


class SurplusField(ValuesField):
    """A field that is one too many, whatever stands in it."""

    def __init__(self, *, message: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.message = message

    def clean(self, value: str | None) -> Any:
        raise forms.ValidationError(self.message)


class _SelectWithMore(forms.Select):
    """A list to choose one of, which also shows what the address alone can say: several at once, or none of them."""

    field: ChoicesField

    def optgroups(self, name: str, value: Iterable[str], attrs: Any = None) -> Any:
        value = list(value)
        groups = super().optgroups(name, value, attrs)
        known = {str(key) for key, _ in self.choices}
        for text in value:
            if text not in known:
                option = self.create_option(name, text, self.field.words(text), True, len(groups))
                groups.append((None, [option], len(groups)))
        return groups


class ChoicesField(ValuesField):
    """As ValuesField, out of a fixed set."""

    def __init__(self, *, choices: Sequence[tuple[str, str]], empty_label: str = "Any", **kwargs: Any) -> None:
        self.choices = dict(choices)
        widget = _SelectWithMore(choices=[("", empty_label), *choices])
        widget.field = self
        super().__init__(widget=widget, **kwargs)

    def understand(self, values: Values) -> Values:
        unknown = [item for item in values.items if item.is_prefix or item.text not in self.choices]
        if unknown:
            raise forms.ValidationError(f"Give one of {', '.join(self.choices)}.")
        return values

    def name(self, item: Item) -> str:
        return self.choices.get(item.text, str(item))


@dataclass(frozen=True)
class Statuses:
    """HTTP statuses: ranges of codes (both ends included), ``failed`` and ``ok``; ``is_negated``: none of them."""

    codes: tuple[tuple[int, int], ...]
    outcomes: frozenset[bool]  # True for ok, False for failed
    is_negated: bool

    @property
    def is_failed(self) -> bool:
        """Whether it asks for the failed ones and nothing else."""
        return not self.codes and self.outcomes == {self.is_negated}


class StatusField(ValuesField):
    """HTTP statuses: codes (``429``), classes (``5xx``), ``>=400``, ``<500``, ``failed``, ``ok``."""

    _RANGE = re.compile(r"(?P<code>[1-9]\d\d)|(?P<class>[1-5])xx|(?P<sign>>=|<=|>|<)(?P<bound>[1-9]\d\d)")

    def understand(self, values: Values) -> Statuses:
        codes, outcomes = [], set()
        for item in values.items:
            text = item.text.lower()
            if text in ("failed", "ok") and not item.is_prefix:
                outcomes.add(text == "ok")
            elif (match := self._RANGE.fullmatch(text)) and not item.is_prefix:
                codes.append(self._codes(match))
            else:
                raise forms.ValidationError("Give a code such as 429, a class such as 5xx, >=400, failed or ok.")
        return Statuses(tuple(codes), frozenset(outcomes), values.is_negated)

    @staticmethod
    def _codes(match: re.Match[str]) -> tuple[int, int]:
        if match["code"]:
            return int(match["code"]), int(match["code"])
        if match["class"]:
            return int(match["class"]) * 100, int(match["class"]) * 100 + 99
        bound = int(match["bound"])
        return {">=": (bound, 999), ">": (bound + 1, 999), "<=": (100, bound), "<": (100, bound - 1)}[match["sign"]]

    def name(self, item: Item) -> str:
        return str(item).strip('"')


class OptionField(ValuesField):
    """An option of a config: its number, or its path from ``config.`` on."""

    def understand(self, values: Values) -> Values:
        for item in values.items:
            if not re.fullmatch(
                r"\d{1,3}|config(\.targets\[\d{1,3}\])*" + (r".*" if item.is_prefix else ""), item.text
            ):
                raise forms.ValidationError("Give the option's number, or its path such as config.targets[1].")
        return values


@dataclass(frozen=True)
class End:
    """An end of a range; ``is_strict``: the end itself lies outside."""

    value: Decimal
    is_strict: bool


class SearchField(forms.CharField):
    """Words and "exact phrases" to find in the bodies."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=MAX_QUERY, **kwargs)

    def clean(self, value: str | None) -> Query | None:
        text = super().clean(value)
        try:
            return Query.parse(text) if text else None
        except NothingAsked as error:
            raise forms.ValidationError("Give a word: at least one letter or digit.") from error


class EndField(forms.CharField):
    """An end of a range of numbers; ``>`` before a lower and ``<`` before an upper end leave the end itself out.

    ``units`` are what may follow the number, and what each is worth.
    """

    def __init__(
        self, *, sign: str, most: int, digits: int = 0, units: dict[str, Decimal] | None = None, **kwargs: Any
    ) -> None:
        self.sign, self.most, self.digits, self.units = sign, most, digits, units or {}
        super().__init__(max_length=40, **kwargs)

    def clean(self, value: str | None) -> End | None:
        text = super().clean(value)
        if not text:
            return None
        match = re.fullmatch(rf"({self.sign}?)\s*(\d{{1,12}}(?:\.\d{{1,8}})?)\s*({'|'.join(self.units)})", text, re.A)
        if match is None:
            raise forms.ValidationError(f"Give a number{self._units_in_words()}; {self.sign} before it leaves it out.")
        number = Decimal(match[2]) * self.units.get(match[3], Decimal(1))
        if number > self.most or number != round(number, self.digits):
            kind = f"a number of at most {self.digits} decimals" if self.digits else "a whole number"
            raise forms.ValidationError(f"Give {kind} from 0 to {self.most:,}.")
        return End(number, bool(match[1]))

    def _units_in_words(self) -> str:
        return f", with {' or '.join(self.units)} behind it if you like" if self.units else ""

    def words(self, value: str) -> str:
        if not value.startswith(self.sign):
            return value
        return f"{'more' if self.sign == '>' else 'less'} than {value.removeprefix(self.sign).strip()}"
