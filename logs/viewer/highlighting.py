"""Colours for code, in named languages and up to a length that each can bear.

Pygments' lexers are lists of regular expressions, many of them quadratic or cubic on hostile text. Between two matches
the card's budget is looked at; a match itself cannot be interrupted. So a lexer is in the list below only if none of
its matches was seen to take 30 ms within its bound, of 1,500 hostile texts for each.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO

from django.utils.safestring import SafeString
from pygments.formatters import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.lexers.data import JsonLexer

from logs.viewer import invisible_characters
from logs.viewer.drawing import DrawingBudget

MAX_CODE = 4_000  # characters: some 100 lines
MAX_JSON = 100_000  # its lexer is a loop over characters, not a list of regular expressions

_LANGUAGES = (
    "bash", "css", "csharp", "diff", "docker", "go", "html", "java", "javascript", "jsx", "kotlin", "lua", "php",
    "powershell", "python", "r", "ruby", "rust", "sql", "swift", "toml", "tsx", "typescript", "xml", "yaml",
)  # fmt: skip
# Quadratic within one match, in runs of spaces or signs: 4,000 characters take 0.4 to 1.7 s.
_SHORT_ONLY = {"c": 500, "cpp": 500, "ini": 1_000, "console": 1_000}


def _by_name() -> dict[str, tuple[Lexer, int]]:
    """Each allowed lexer with its bound, by all names that Pygments knows it by."""
    bounds = dict.fromkeys(_LANGUAGES, MAX_CODE) | _SHORT_ONLY
    lexers = [(get_lexer_by_name(name), bound) for name, bound in bounds.items()] + [(JsonLexer(), MAX_JSON)]
    return {alias: (lexer, bound) for lexer, bound in lexers for alias in lexer.aliases}


_LEXERS = _by_name()
_FORMATTER = HtmlFormatter(nowrap=True)


def code_to_html(code: str, language: str, budget: DrawingBudget) -> str | None:
    """Coloured code, escaped; None where the language is not among those, or the code is too long.

    Raises BudgetExhausted: to be called within ``budget.run``.
    """
    lexer, bound = _LEXERS.get(language.lower(), (None, 0))
    if lexer is None or len(code) > bound:
        return None
    html = StringIO()
    _FORMATTER.format(_tokens(lexer, code, budget), html)
    return html.getvalue()


def json_to_html(text: str, budget: DrawingBudget) -> SafeString:
    """Coloured JSON with hidden characters marked; uncoloured where it is long or the time is used up."""
    html = budget.run(lambda: code_to_html(text, "json", budget))
    return invisible_characters.mark(text) if html is None else invisible_characters.mark_html(html)


def _tokens(lexer: Lexer, code: str, budget: DrawingBudget) -> Iterator[tuple[object, str]]:
    for token in lexer.get_tokens(code):
        budget.check()
        yield token
