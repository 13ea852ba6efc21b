"""Markdown of prompts and answers as safe HTML. The text is hostile: raw HTML is shown as text, pictures become
links, code is coloured, and the result is sanitised once more by an allow-list.
"""

from __future__ import annotations

import nh3
from django.utils.safestring import SafeString
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from logs import visible

# Colouring and parsing are linear but slow: 100 KB take some 50 ms. Longer text is shown plain.
MAX_CHARACTERS = 100_000

_TAGS = {
    "a", "blockquote", "br", "code", "del", "div", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p",
    "pre", "s", "span", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
_ATTRIBUTES = {
    "a": {"href", "title", "target"},
    "code": {"class"},
    "div": {"class"},
    "pre": {"class"},
    "span": {"class"},
}
_FORMATTER = HtmlFormatter(nowrap=True)


def _coloured(code: str, language: str, _attributes: str) -> str:
    try:
        lexer = get_lexer_by_name(language) if language else None
    except ClassNotFound:
        lexer = None
    return str(highlight(code, lexer, _FORMATTER)) if lexer else ""


def _picture_as_link(self: RendererHTML, tokens: list[Token], index: int, *_: object) -> str:
    """Nothing remote loads by itself: a picture's address could carry data out, so it is only named."""
    address = str(tokens[index].attrs.get("src", ""))
    shown = nh3.clean_text(tokens[index].content or "image")
    return f'<a href="{nh3.clean_text(address)}">[image: {shown}]</a>'


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False, "highlight": _coloured})
    parser.enable(["table", "strikethrough"])
    parser.add_render_rule("image", _picture_as_link)
    return parser


_PARSER = _parser()


def to_html(text: str) -> SafeString | None:
    """Sanitised HTML with hidden characters marked; None where the text is too long to be worth it: show it plain."""
    if len(text) > MAX_CHARACTERS:
        return None
    try:
        html = _PARSER.render(text)
    except RecursionError:
        return None
    clean = nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        set_tag_attribute_values={"a": {"target": "_blank"}},
        link_rel="noopener noreferrer nofollow",
    )
    return visible.mark_html(clean)


def json_to_html(text: str) -> SafeString:
    """Coloured JSON text."""
    return visible.mark_html(str(highlight(text, get_lexer_by_name("json"), _FORMATTER)))  # pygments escapes
