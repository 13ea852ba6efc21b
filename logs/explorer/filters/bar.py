"""The query bar: what the address asks for as one line that can be edited, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.forms import BaseForm
from django.http import QueryDict

from logs.explorer.filters.address import Address
from logs.explorer.filters.fields import ValuesField
from logs.explorer.filters.filterset import LogFilterSet
from logs.explorer.query import META, WORDS, Names, QueryError, draw_line, parse_line

PARAM = "query"  # carries a line that somebody has just typed; its answer is the address that says the same
MOST_CHARACTERS = 4000  # of a line: longer ones come from no keyboard
TIMES = ("since", "until")  # shown and chosen beside the bar


@dataclass(frozen=True)
class Bar:
    """``kept`` are the parameters that the line does not show. ``error`` is about the character ``position``."""

    text: str
    kept: Mapping[str, str]
    error: str = ""
    position: int = 0

    @property
    def before(self) -> str:
        return self.text[: self.position]

    @property
    def at(self) -> str:
        """The word that the error is about."""
        return (self.text[self.position :].split() or [""])[0]


def names() -> Names:
    """The filters that a line may name."""
    filters = LogFilterSet.base_filters
    values = {name for name, each in filters.items() if issubclass(each.field_class, ValuesField)}
    return Names(values, filters.keys() - values - {WORDS})


def address_of(line: str, address: Address) -> str:
    """The address of what the line asks for. What a line does not show stays. Raises QueryError."""
    if len(line) > MOST_CHARACTERS:
        raise QueryError(f"A line may have {MOST_CHARACTERS:,} characters.", 0)
    params = parse_line(line, names())
    replaced = dict.fromkeys((name for name in address.params if _is_drawn(name)), "")
    return address.changed(replaced | params)


def draw(params: QueryDict, form: BaseForm | None) -> Bar:
    """The bar of an address, with the first of the form's errors where its value stands."""
    values = {name: params.get(name, "") for name in params}
    line = draw_line({name: value for name, value in values.items() if name not in TIMES}, names())
    kept = {name: value for name, value in values.items() if not _is_drawn(name)}
    for name, errors in form.errors.items() if form else ():
        if name in line.places:
            return Bar(line.text, kept, str(errors[0]), line.places[name])
    return Bar(line.text, kept)


def _is_drawn(name: str) -> bool:
    return name not in TIMES and (name in LogFilterSet.base_filters or name.startswith(META))
