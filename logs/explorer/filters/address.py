"""The list's address with what is selected, and the ways from there: links that narrow, widen and leave out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from django.http import QueryDict

from logs.explorer.query import Item, QueryError, Values, exactly, parse_values

MAX_REPEATED = 4_000  # characters: 500 links of a page are 2 MB then; browsers' own limit is half of it


@dataclass(frozen=True)
class Address:
    """``params`` are those of the selection, without what is empty and without a page's cursor."""

    path: str
    params: QueryDict

    def __str__(self) -> str:
        return self.changed({})

    @cached_property
    def is_long(self) -> bool:
        """Whether it is too long to be repeated in some hundred links of a page."""
        return len(str(self)) > MAX_REPEATED

    def changed(self, values: dict[str, str]) -> str:
        """With these parameters; an empty value takes one away."""
        params = self.params.copy()
        for name, value in values.items():
            params.pop(name, None)
            if value:
                params[name] = value
        return self.path + ("?" + params.urlencode() if params else "")

    def only(self, name: str, value: str) -> str:
        """The logs whose value this is."""
        return self.changed({name: exactly(value)})

    def without(self, name: str, value: str) -> str:
        """The logs with any other value, beside what is left out already."""
        item = Item(value)
        try:
            now = parse_values(self.params.get(name, ""))
        except QueryError:
            now = Values(())
        if now.is_negated:
            return self.changed({name: str(Values(tuple(dict.fromkeys((*now.items, item))), is_negated=True))})
        rest = tuple(other for other in now.items if other != item)
        return self.changed({name: str(Values(rest) if item in now.items and rest else Values((item,), True))})
