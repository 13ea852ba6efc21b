"""One card of the panel: the request or the response in one of its views, with the addresses it links to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from django.urls import reverse
from django.utils.http import urlencode

from logs.explorer import presentation
from logs.llm.vocabulary import Completeness
from logs.models import Log
from logs.viewer.bodies import PRETTY_LIMIT_BYTES, RAW_WINDOW_BYTES, VIEWS, RawPart, Side, View
from logs.viewer.body_search import MAX_HITS, MAX_QUERY, Found, Hit
from logs.viewer.conversation import Conversation
from logs.viewer.conversation.others import about
from logs.viewer.json_tree import MAX_DEPTH, Node
from portkey_logs.accounts.models import Workspace

SHOWN_LEVELS = 6
# Servers take some 100 headers of 8 to 64 KB in all; a log that is posted may have any number of any length.
MAX_HEADERS = 200
MAX_HEADER = 4_000  # characters of one value
_LABELS: dict[View, str] = {"pretty": "Pretty", "json": "JSON", "raw": "Raw"}


@dataclass(frozen=True)
class Asked:
    """What the address of a card asks for. ``start`` counts bytes in Raw; in JSON the members of the node at ``at``,
    or the characters of the string there. ``hit`` is the number of the hit to show, from 1; 0 shows the list."""

    view: str = "pretty"
    find: str = ""
    hit: int = 0
    at: str = ""
    start: int = 0

    @classmethod
    def of(cls, params: Mapping[str, str]) -> Asked:
        """What is no number counts as not given: the address of a card is never an error."""
        return cls(
            view=params.get("view", "pretty"),
            find=params.get("find", "").strip("\r\n")[:MAX_QUERY].replace("\0", ""),
            hit=min(_number(params.get("hit", "")), MAX_HITS),
            at=params.get("at", ""),
            start=_number(params.get("from", "")),
        )


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 12 else 0


def _cut(value: str) -> str:
    rest = len(value) - MAX_HEADER
    return value if rest <= 0 else f"{value[:MAX_HEADER]}… and {rest:,} characters more"


@dataclass(frozen=True)
class Tab:
    view: View
    label: str
    url: str
    fragment_url: str
    current: bool


@dataclass
class SideView:
    """One card of the panel. What a view needs is computed when the template asks for it."""

    side: Side
    asked: Asked
    view: View
    page_url: str
    body_url: str
    download_url: str
    node_url: str
    media_url: str
    completeness_note: str
    notes: list[str] = field(default_factory=list)

    @property
    def id(self) -> str:
        return self.side.name

    @property
    def name(self) -> str:
        return self.side.name.title()

    @property
    def size(self) -> str:
        return presentation.size(self.side.size)

    @property
    def tokens(self) -> int | None:
        log = self.side.log
        return log.input_tokens if self.side.name == "request" else log.output_tokens

    @property
    def is_kept(self) -> bool:
        return self.side.is_kept

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The first MAX_HEADERS headers by name, long values cut."""
        names = sorted(self.side.headers)[:MAX_HEADERS]
        return [(name[:MAX_HEADER], _cut(self.side.headers[name])) for name in names]

    @property
    def header_count(self) -> int:
        return len(self.side.headers)

    @cached_property
    def tabs(self) -> list[Tab]:
        return [
            Tab(
                view=each,
                label=_LABELS[each],
                url=f"{self.page_url}?{urlencode({str(self.id): str(each)})}#{self.id}",
                fragment_url=self.address(view=each),
                current=each == self.view and not self.shows_hits,
            )
            for each in VIEWS
            if self.side.offers(each)
        ]

    def address(self, **params: str | int) -> str:
        """This card in another state: a page by itself, a fragment for htmx."""
        return f"{self.body_url}?{urlencode(params)}" if params else self.body_url

    # --- views -----------------------------------------------------------------------------------------------

    @property
    def conversation(self) -> Conversation | None:
        return self.side.conversation

    @property
    def about(self) -> str:
        """What a JSON is that is no call of a model, in one sentence."""
        return about(self.side.log.path, self.side.glance) if self.side.name == "response" else ""

    @cached_property
    def tree(self) -> Node | None:
        asked, hit = self.asked, self.hit
        if hit is not None:
            outer = hit.path.split("/")[:-SHOWN_LEVELS]  # of a deep place the whole way would not fit the card
            root = "/".join(outer) if len(outer) + SHOWN_LEVELS > MAX_DEPTH else ""
            tree = self.side.tree(root, show=hit.path, show_at=hit.offset)
        else:
            tree = self.side.tree(asked.at, first=asked.start) if asked.view == "json" else self.side.tree()
        self.side.forget()
        return tree

    @cached_property
    def raw(self) -> RawPart:
        start = self.asked.start if self.asked.view == "raw" else 0
        if self.hit is not None:
            start = self.hit.offset - self.hit.offset % RAW_WINDOW_BYTES
        return self.side.raw(start)

    @property
    def raw_previous_url(self) -> str:
        return "" if self.raw.previous is None else self.address(view="raw", **{"from": self.raw.previous})

    @property
    def raw_next_url(self) -> str:
        return "" if self.raw.next is None else self.address(view="raw", **{"from": self.raw.next})

    @property
    def whole_url(self) -> str:
        """The whole tree, where a part of it is shown."""
        return self.address(view="json") if self.asked.at and self.view == "json" else ""

    @property
    def anyway_url(self) -> str:
        """Draws what is not drawn because it is long; "" where that is not so, or would not do."""
        side = self.side
        if side.anyway or self.asked.view != "pretty":
            return ""
        if side.is_long_stream:
            return self.address(view="pretty", anyway=1)
        fits = side.text_bytes <= PRETTY_LIMIT_BYTES and not side.is_divided
        if self.view == "json" and not side.fits_pretty and fits:
            return self.address(view="pretty", anyway=1)
        return ""

    # --- searching -------------------------------------------------------------------------------------------

    @cached_property
    def found(self) -> Found | None:
        return self.side.find(self.asked.find) if self.asked.find else None

    @property
    def shows_hits(self) -> bool:
        return self.found is not None and self.hit is None

    @property
    def hit(self) -> Hit | None:
        """The hit to show in the tree or the text."""
        hits = self.found.hits if self.found else []
        return hits[self.asked.hit - 1] if 0 < self.asked.hit <= len(hits) else None

    @property
    def hits_in_words(self) -> str:
        if self.found is None:
            return ""
        count = len(self.found.hits)
        if self.hit is not None:
            return f"{self.asked.hit} of {count}{'+' if self.found.has_more else ''}"
        return f"{count}{'+' if self.found.has_more else ''} {'hit' if count == 1 else 'hits'}" if count else "No hit"

    @property
    def numbered_hits(self) -> list[tuple[str, Hit]]:
        return [(self._hit_url(number), hit) for number, hit in enumerate(self.found.hits if self.found else [], 1)]

    @property
    def previous_hit_url(self) -> str:
        return self._hit_url(self.asked.hit - 1)

    @property
    def next_hit_url(self) -> str:
        return self._hit_url(self.asked.hit + 1)

    @property
    def hits_url(self) -> str:
        return self.address(find=self.asked.find)

    def _hit_url(self, number: int) -> str:
        if self.found is None or not 0 < number <= len(self.found.hits):
            return ""
        return self.address(find=self.asked.find, hit=number)


def side_view(side: Side, workspace: Workspace, asked: Asked) -> SideView:
    log = side.log
    view = side.best_view("json" if asked.find else asked.view)
    names = [workspace.slug, log.id, side.name]
    shown = SideView(
        side=side,
        asked=asked,
        view=view,
        page_url=reverse("log_detail", args=names[:2]),
        body_url=reverse("log_body", args=names),
        download_url=reverse("log_raw", args=names),
        node_url=reverse("log_node", args=names),
        media_url=reverse("log_media", args=names),
        completeness_note=_completeness_note(log, side),
    )
    shown.notes = _notes(shown)
    side.forget()  # the other side comes first, before any is drawn
    return shown


def _completeness_note(log: Log, side: Side) -> str:
    if log.completeness == "not_kept" and not side.is_kept:
        return Completeness.NOT_KEPT.note
    if side.name == "response" and log.completeness in ("cut", "client_left"):
        return Completeness(log.completeness).note
    if log.completeness == "unparsed" and side.size and not side.is_large and not side.is_json:
        return Completeness.UNPARSED.note
    return ""


def _notes(shown: SideView) -> list[str]:
    """Why the card looks otherwise than one might expect."""
    side, wanted = shown.side, shown.asked.view
    notes = []
    if side.compression:
        notes.append(f"These bytes are still compressed ({side.compression}). They are kept and shown as received.")
    if side.is_long_stream:
        notes.append(f"This stream of {shown.size} is shown as received; putting it together takes a while.")
    elif shown.view == "raw" and "is_intricate" in side.__dict__ and side.is_intricate:
        notes.append("This JSON has more than 300,000 objects and lists: it is shown as text.")
    elif shown.view == "json" and wanted == "pretty" and side.log.request_type != "other" and not side.fits_pretty:
        size = presentation.size(side.text_bytes)
        if side.is_divided:
            notes.append("This has more than 100,000 objects and lists: too many to be set as a conversation.")
            return notes
        notes.append(f"This is {size} of text besides pictures and sounds: too long to be set as a conversation.")
    return notes
