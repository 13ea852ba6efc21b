"""Markdown of prompts and answers as safe HTML. The text is hostile: raw HTML is shown as text, pictures become
links, code is coloured, and the result is sanitised once more by an allow-list.

The parser is pure Python and takes its time for hostile text, so two rules of our own stand before its others: they
change nothing and look at the budget. What is done between two of them is bounded: tables by their cells, paragraphs
by their length.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import nh3
from django.utils.html import escape
from django.utils.safestring import SafeString
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_block import StateBlock, table
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from logs.viewer import invisible_characters
from logs.viewer.drawing import BudgetExhausted, DrawingBudget
from logs.viewer.highlighting import code_to_html

MAX_CHARACTERS = 100_000  # of one text: the densest Markdown of this length takes 0.25 s
# Cells of all tables of one text; a row may be one "|" and still be as wide as its head. 2,000 are 100 KB of HTML.
MAX_CELLS = 2_000
# Of one paragraph, heading or cell: pairing its signs cannot be interrupted and takes up to 50 ms for so many.
MAX_PARAGRAPH = 20_000
# Of the addresses of all links of one text: a definition of 50 KB may be referred to 10,000 times.
MAX_ADDRESSES = 200_000

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
_BUDGET, _CELLS, _ADDRESSES = "budget", "cells", "addresses"  # of the parser's environment: what one text is drawn with


def _look_at_time_in_block(state: StateBlock, *_: object) -> bool:
    state.env[_BUDGET].check()
    return False


def _look_at_time_in_line(state: StateInline, _silent: bool) -> bool:
    state.env[_BUDGET].check()
    return False


def _bounded_paragraphs(state: StateCore) -> None:
    """What stands within paragraphs; a very long one is text as it is."""
    for token in state.tokens:
        if token.type != "inline":
            continue
        state.env[_BUDGET].check()
        token.children = []
        if len(token.content) > MAX_PARAGRAPH:
            token.children.append(Token("text", "", 0, content=token.content))
        else:
            state.md.inline.parse(token.content, state.md, state.env, token.children)


def _bounded_table(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """A table, unless the text then had more than MAX_CELLS cells: such lines are a paragraph."""
    cells = 0
    if not silent and start + 1 < end:
        delimiters = state.src[state.bMarks[start + 1] : state.eMarks[start + 1]]
        if "-" in delimiters and not delimiters.strip("|-: \t>"):
            last = min(end, start + MAX_CELLS)
            rows = next((line for line in range(start, last) if state.isEmpty(line)), last) - start
            cells = (delimiters.count("|") + 1) * rows
    if state.env[_CELLS] + cells > MAX_CELLS or not table(state, start, end, silent):
        return False
    state.env[_CELLS] += cells
    return True


def _code_block(_self: RendererHTML, tokens: Sequence[Token], index: int, _options: object, env: dict[str, Any]) -> str:
    code, language = tokens[index].content, (tokens[index].info.split() or [""])[0]
    html = code_to_html(code, language, env[_BUDGET]) if language else None
    css = f' class="language-{escape(language)}"' if language else ""
    return f"<pre><code{css}>{escape(code) if html is None else html}</code></pre>\n"


def _link(self: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: dict[str, Any]) -> str:
    _count_addresses(tokens[index], env)
    return self.renderToken(tokens, index, options, env)


def _count_addresses(token: Token, env: dict[str, Any]) -> None:
    env[_ADDRESSES] += sum(len(str(value)) for value in token.attrs.values())
    if env[_ADDRESSES] > MAX_ADDRESSES:
        raise BudgetExhausted


def _picture_as_link(
    _self: RendererHTML, tokens: Sequence[Token], index: int, _options: object, env: dict[str, Any]
) -> str:
    """Nothing remote loads by itself: a picture's address could carry data out, so it is only named."""
    _count_addresses(tokens[index], env)
    address = str(tokens[index].attrs.get("src", ""))
    shown = nh3.clean_text(tokens[index].content or "image")
    return f'<a href="{nh3.clean_text(address)}">[image: {shown}]</a>'


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False})
    parser.enable(["table", "strikethrough"])
    parser.core.ruler.at("inline", _bounded_paragraphs)
    parser.block.ruler.at("table", _bounded_table, {"alt": ["paragraph", "reference"]})
    # In every chain of rules: those that look for a block's end ("alt") go through all lines of the block.
    every: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote", "list"]}
    parser.block.ruler.before("table", "time", _look_at_time_in_block, every)
    parser.inline.ruler.before("text", "time", _look_at_time_in_line)
    parser.add_render_rule("image", _picture_as_link)
    parser.add_render_rule("link_open", _link)
    parser.add_render_rule("fence", _code_block)
    return parser


_PARSER = _parser()


def to_html(text: str, budget: DrawingBudget) -> SafeString | None:
    """Sanitised HTML with hidden characters marked; None where the text is to be shown plain: it is too long, or the
    time is used up."""
    if len(text) > MAX_CHARACTERS:
        return None
    return budget.run(lambda: _to_html(text, budget))


def _to_html(text: str, budget: DrawingBudget) -> SafeString | None:
    try:
        html = _PARSER.render(text, {_BUDGET: budget, _CELLS: 0, _ADDRESSES: 0})
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
    return invisible_characters.mark_html(clean)
