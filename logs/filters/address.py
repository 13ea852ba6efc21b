"""The list's address with what is selected, and the ways from there: links that narrow, widen and leave out."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import QueryDict

from logs.query import Item, QueryError, Values, exactly, parse_values


@dataclass(frozen=True)
class Address:
    """``params`` are those of the selection, without what is empty and without a page's cursor."""

    path: str
    params: QueryDict

    def __str__(self) -> str:
        return self.changed({})

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
