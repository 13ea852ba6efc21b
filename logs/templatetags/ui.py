"""Template tags of the interface: icons, navigation and small formats."""

from __future__ import annotations

import functools
from datetime import datetime
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from lucide.templatetags.lucide import lucide

from logs.viewer import highlighting, markdown
from logs.viewer import invisible_characters as hidden_characters
from logs.viewer.drawing import DrawingBudget
from portkey_logs.accounts.addresses import calls_url

register = template.Library()

# Every icon the interface uses. A page carries each drawing once (``icon_sprite``) and refers to it
# (``icon``): a list of 50 rows has 250 icons, drawn in full they would be most of its bytes.
ICONS = frozenset(
    [
        "arrow-down",
        "arrow-left",
        "arrow-left-right",
        "arrow-right",
        "arrow-up",
        "audio-lines",
        "box",
        "bookmark",
        "brain",
        "chart-column",
        "check",
        "chevron-down",
        "chevron-up",
        "chevrons-up-down",
        "circle-question-mark",
        "cloud",
        "columns-2",
        "copy",
        "download",
        "ellipsis",
        "external-link",
        "file-text",
        "flask-conical",
        "fold-vertical",
        "funnel-plus",
        "funnel-x",
        "git-branch",
        "git-compare",
        "globe",
        "image",
        "image-off",
        "inbox",
        "key-round",
        "keyboard",
        "link",
        "list-checks",
        "list-filter",
        "lock",
        "log-out",
        "maximize-2",
        "menu",
        "message-square-text",
        "minimize-2",
        "monitor",
        "moon",
        "network",
        "panel-left",
        "play",
        "plus",
        "redo-2",
        "rotate-cw",
        "rows-2",
        "rows-3",
        "rows-4",
        "scroll-text",
        "search",
        "settings",
        "shield",
        "sliders-horizontal",
        "square",
        "sun",
        "terminal",
        "text-quote",
        "thumbs-down",
        "thumbs-up",
        "timer",
        "triangle-alert",
        "undo-2",
        "unfold-vertical",
        "users",
        "volume-2",
        "wrench",
        "x",
        "zap",
    ]
)


@register.simple_tag
@functools.lru_cache(maxsize=1024)  # a page has hundreds, of a few dozen kinds
def icon(name: str, size: int = 16, label: str = "") -> SafeString:
    """A reference to an icon of the page's sprite; decorative unless it has a label."""
    if name not in ICONS:
        raise template.TemplateSyntaxError(f"{name!r} is not in ICONS of logs/templatetags/ui.py")
    meaning = format_html('role="img" aria-label="{}"', label) if label else mark_safe('aria-hidden="true"')
    return format_html('<svg class="icon" width="{0}" height="{0}" {1}><use href="#i-{2}"/></svg>', size, meaning, name)


@register.simple_tag
@functools.cache
def icon_sprite() -> SafeString:
    """All icons as hidden symbols, once per page."""
    symbols = []
    for name in sorted(ICONS):
        drawing = lucide(name)
        inner = drawing[drawing.index(">") + 1 : drawing.rindex("</svg>")]
        symbols.append(f'<symbol id="i-{name}" viewBox="0 0 24 24">{inner.strip()}</symbol>')
    return mark_safe(f'<svg class="sprite" aria-hidden="true">{"".join(symbols)}</svg>')  # noqa: S308 (drawings of the package)


@register.simple_tag(takes_context=True)
def current_page(context: dict[str, Any], href: str) -> SafeString | str:
    """``aria-current="page"`` where the address shown lies under ``href``."""
    request = context.get("request")
    return mark_safe('aria-current="page"') if request and request.path.startswith(href) else ""


@register.simple_tag(takes_context=True, name="calls_url")
def calls_url_of(context: dict[str, Any]) -> str:
    """Where the reader's programs send their calls, without ``/v1``."""
    return calls_url(context["request"])


@register.filter
def initial(text: object) -> str:
    """The first letter or digit of a name, upper case, for a small mark beside it."""
    return next((letter.upper() for letter in str(text) if letter.isalnum()), "?")


STATE_ICONS = {"cache": "zap", "retry": "rotate-cw", "fallback": "git-branch", "loadbalance": "network"}


@register.simple_tag
def state_icon(group: str) -> SafeString:
    """The mark of one of the four states; 16 px, the text beside it says what it means."""
    return icon(STATE_ICONS[group])


@register.simple_tag
def copy_icon(size: int = 14) -> SafeString:
    """Two icons in one place: the sheet of "copy" and the tick that says "copied"."""
    return format_html('<span class="copy-icon">{}{}</span>', icon("copy", size), icon("check", size))


@register.simple_tag
def guide_text(text: str) -> SafeString:
    """A state's words with their ``{x}`` set as a variable."""
    before, brace, after = text.partition("{x}")
    return format_html("{}<var>x</var>{}", before, after) if brace else format_html("{}", text)


@register.filter
def milliseconds(moment: datetime) -> str:
    """The milliseconds of a time, three digits."""
    return f"{moment.microsecond // 1000:03d}"


@register.filter
def thousands(number: int) -> str:
    """``10,000``"""
    return f"{number:,}"


@register.filter
def is_long(text: str) -> bool:
    """Whether a text is folded behind "Show all": more than fits a screen's half."""
    return len(text) > 1600 or text.count("\n") > 24


@register.filter
def visible(text: object) -> SafeString:
    """Text with the characters marked that a page would hide."""
    return hidden_characters.mark(str(text))


@register.filter
def json_html(text: str, budget: DrawingBudget | None = None) -> SafeString:
    """Coloured JSON, within the budget of the card that it stands in."""
    return highlighting.json_to_html(text, budget or DrawingBudget())


@register.filter
def prose(text: str, budget: DrawingBudget) -> SafeString:
    """Formatted Markdown, within the budget of the card that it stands in; plain where that does not reach."""
    html = markdown.to_html(text, budget)
    if html is None:
        return format_html('<div class="plain">{}</div>', hidden_characters.mark(text))
    return format_html('<div class="prose">{}</div>', html)


@register.filter
def up_to(value: int, cap: int) -> str:
    """``1 log``, ``1,204 logs``, ``10,000+ logs`` where counting ended."""
    return f"{min(value, cap):,}{'+' if value > cap else ''} log{'' if value == 1 else 's'}"
