"""What a page would hide is shown, and ordinary writing stays as it is."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logs.viewer import highlighting, invisible_characters, markdown
from logs.viewer.drawing import DrawingBudget


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\u202eb", "a⟦U+202E⟧b"),
        ("pay\u200bpal", "pay⟦U+200B⟧pal"),
        ("\x00\x1b[31m", "⟦U+0000⟧⟦U+001B⟧[31m"),
        ("\u2066x\u2069", "⟦U+2066⟧x⟦U+2069⟧"),
        ("a\u00adb\ufeff", "a⟦U+00AD⟧b⟦U+FEFF⟧"),
        ("hi\U000e0041\U000e0042", "hi⟦U+E0041⟧⟦U+E0042⟧"),
        ("x\ufe01\U000e0101", "x⟦U+FE01⟧⟦U+E0101⟧"),
        ("a\u200db", "a⟦U+200D⟧b"),
        ("\ufe0f", "⟦U+FE0F⟧"),
        ("\u2028", "⟦U+2028⟧"),
    ],
)
def test_hidden_characters_are_shown(text: str, shown: str) -> None:
    assert invisible_characters.plain(text) == shown
    assert re.sub("<[^>]*>", "", invisible_characters.mark(text)) == shown
    assert 'class="ctrl"' in invisible_characters.mark(text)


@pytest.mark.parametrize(
    "text",
    [
        "tab\tand\r\nlines",
        "👨\u200d👩\u200d👧",
        "❤\ufe0f",
        "1\ufe0f\u20e3",
        "می\u200cخواهم",
        "क्\u200dष",
        "schön",
        "שלום",
        "日本",
    ],
)
def test_ordinary_writing_stays(text: str) -> None:
    assert invisible_characters.mark(text) == text
    assert invisible_characters.plain(text) == text


def test_markup_is_escaped_and_attributes_are_left_alone() -> None:
    assert invisible_characters.mark("<b>\u202e") == (
        '&lt;b&gt;<span class="ctrl" title="right-to-left override">⟦U+202E⟧</span>'
    )
    html = '<code class="a\u202e>">x\u202ey</code>'
    assert invisible_characters.mark_html(html).startswith('<code class="a\u202e>">x<span class="ctrl"')


def test_prose_and_code_show_them() -> None:
    for text in ("*a\u202eb*", "`a\u202eb`", "```python\na\u202eb\n```", "a&#x202e;b"):
        html = markdown.to_html(text, DrawingBudget())
        assert html is not None
        assert "\u202e" not in html
        assert "⟦U+202E⟧" in html
    assert "⟦U+200B⟧" in highlighting.json_to_html('{"a": "b\u200b"}', DrawingBudget())


@given(st.text(st.characters(categories=["Cf", "Cc", "Lu", "Po"]), max_size=30))
def test_no_override_survives(text: str) -> None:
    shown = re.sub("<[^>]*>", "", invisible_characters.mark(text))
    left = {
        character for character in shown if unicodedata.bidirectional(character) in {"RLO", "LRO", "RLE", "LRE", "PDF"}
    }
    assert not left
