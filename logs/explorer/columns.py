"""The columns of the list: which there are, which of them somebody sees, and what stands in those that are plain."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from functools import cached_property

from logs.explorer import presentation
from logs.explorer.presentation import Row
from logs.explorer.query import META
from logs.models import Log

MOST = 16  # no screen has room for more
LONGEST_KEY = 100  # characters of a metadata key
NARROWEST, WIDEST = 48, 800  # pixels: a few letters with an ellipsis, and most of a screen
MOST_WIDTHS = 50  # that are kept, also of columns that are not shown now


@dataclass(frozen=True)
class Column:
    """``text`` makes a plain cell; a column without it has a template of its own in ``logs/cells.html``.

    ``ask`` names the filter that finds other logs with what stands in a plain cell. Rows of which ``same`` gives the
    same show the same in the cell, which is then drawn once for all rows of a page; without it each is drawn.
    """

    name: str
    label: str
    same: Callable[[Row], Hashable] | None = None
    is_number: bool = False
    text: Callable[[Log], object] | None = None
    ask: str = ""
    kind: str = ""  # what its cells are called in CSS, where that is not the name

    @property
    def css(self) -> str:
        return "c-" + (self.kind or self.name)

    @property
    def template(self) -> str:
        return f"logs/cells.html#{'plain' if self.text else self.name}"


@dataclass(frozen=True)
class Cell:
    """One cell of a row. ``is_off``: its column is not shown, and only phones have it."""

    column: Column
    text: str = ""
    is_off: bool = False


def _plain(name: str, label: str, text: Callable[[Log], object], ask: str = "", *, is_number: bool = False) -> Column:
    return Column(name, label, is_number=is_number, text=text, ask=ask, kind="plain")


def _status(row: Row) -> Hashable:
    """All that the cell of the states says: what is right says nothing of its error."""
    if row.is_success:
        return row.pill, row.status_code
    return row.pill, row.status_code, row.error_type, row.error_message, row.completeness


def _first_token(log: Log) -> str:
    return presentation.duration(log.time_to_first_token_ms) if log.time_to_first_token_ms is not None else ""


USUAL = (
    Column("type", "Type", lambda row: (row.request_type, row.stream)),
    Column("model", "Model", lambda row: (row.model, row.provider, row.requested_model, row.marks)),
    Column("user", "User", lambda row: row.user),
    Column("tokens", "Tokens (cost)", is_number=True),
    Column("status", "Status", _status),
    Column("latency", "Latency", is_number=True),
    Column("score", "Score", is_number=True),
)
OTHERS = (
    _plain("status_code", "HTTP status", lambda log: log.status_code, "status", is_number=True),
    _plain("provider", "Provider", lambda log: log.provider, "provider"),
    _plain("first_token", "First token", _first_token, is_number=True),
    _plain("trace_id", "Trace id", lambda log: log.trace_id, "trace_id"),
    _plain("config", "Config", lambda log: log.config, "config"),
    _plain("prompt", "Prompt", lambda log: log.prompt, "prompt"),
    _plain("virtual_key", "Virtual key", lambda log: log.virtual_key, "virtual_key"),
    _plain("api_key", "API key", lambda log: log.api_key.name if log.api_key else "", "api_key"),
    _plain("source", "Source", lambda log: log.source, "source"),
)
_BY_NAME = {column.name: column for column in (*USUAL, *OTHERS)}


def named(name: str) -> Column | None:
    """The column of that name; ``meta.env`` is that of a metadata key. None for what is no column."""
    key = name.removeprefix(META)
    if key != name and 0 < len(key) <= LONGEST_KEY and "," not in key and key.isprintable():
        return _plain(name, key, lambda log: log.metadata.get(key), name)
    return _BY_NAME.get(name)


@dataclass(frozen=True)
class Columns:
    """Those that are shown, in their order. The time stands before them always: it holds the row's link."""

    shown: tuple[Column, ...] = USUAL

    @classmethod
    def of(cls, names: Iterable[str]) -> Columns:
        """The columns of these names, each once, at most MOST; the usual ones where none of the names is one."""
        found = [column for name in dict.fromkeys(names) if (column := named(name.strip()))]
        return cls(tuple(found[:MOST])) if found else cls()

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.shown]

    @property
    def is_usual(self) -> bool:
        return self.names == [column.name for column in USUAL]

    @property
    def has_more(self) -> bool:
        """Whether there are others than the usual ones, for which the table has to make room."""
        return any(column not in USUAL for column in self.shown)

    @property
    def span(self) -> int:
        return len(self.shown) + 1

    @cached_property
    def left_out(self) -> tuple[Column, ...]:
        return tuple(column for column in (*USUAL, *OTHERS) if column.name not in self.names)

    @property
    def with_metadata(self) -> bool:
        return any(name.startswith(META) for name in self.names)

    @property
    def with_api_key(self) -> bool:
        return "api_key" in self.names

    def cells(self, log: Log) -> list[Cell]:
        """What the log's row shows; first what it has on a phone alone, where rows have a shape of their own."""
        only_narrow = [Cell(column, is_off=True) for column in USUAL if column in self.left_out]
        return only_narrow + [Cell(column, _text(column, log)) for column in self.shown]

    def moved(self, name: str, step: int) -> Columns:
        """With the column of that name so many places further right."""
        names = self.names
        if name in names:
            at = names.index(name)
            names.insert(max(0, at + step), names.pop(at))
        return Columns.of(names)


def _text(column: Column, log: Log) -> str:
    value = column.text(log) if column.text else None
    return "" if value is None else str(value)


def width_of(text: str) -> int | None:
    """A width as somebody gives it, in pixels; None for what is none: the column is as wide as it is by itself."""
    if not (text.isascii() and text.isdecimal() and len(text) < 6):
        return None
    return min(max(int(text), NARROWEST), WIDEST)
