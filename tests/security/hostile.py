"""Texts that are slow, large or deep to draw: each takes a size in characters and gives about so many."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

Maker = Callable[[int], str]


def repeated(piece: str, end: str = "") -> Maker:
    return lambda size: piece * (size // len(piece)) + end


def fenced(language: str, piece: str, length: int = 1_200) -> Maker:
    """Code blocks of so many characters each, in a language."""
    block = f"```{language}\n{(piece * length)[:length]}\n```\n"
    return lambda size: block * max(size // len(block), 1)


def wide_tables(size: int) -> str:
    table = "|" + "a|" * 60 + "\n|" + "-|" * 60 + "\n" + "a\n" * 60 + "\n"
    return table * max(size // len(table), 1)


def one_wide_table(size: int) -> str:
    columns = size // 6
    return "|" + "a|" * columns + "\n|" + "-|" * columns + "\n" + "|a\n" * (size // 9)


def rising_backticks(size: int) -> str:
    return "".join("`" * length + "a" for length in range(1, int((2 * size) ** 0.5)))


def nested_lists(size: int) -> str:
    return "".join("  " * level + "- a\n" for level in range(int(size**0.5)))


def expanded_references(size: int) -> str:
    half = size // 2
    return f"[a]: http://example.org/{'x' * half}\n\n" + "[a]" * (half // 3)


MARKDOWN: dict[str, Maker] = {
    "wide tables": wide_tables,
    "one wide table": one_wide_table,
    "table of escaped bars": lambda size: "|a|\n|-|-|\n|" + "\\|" * (size // 2),
    "quotes": repeated(">"),
    "lazy quotes": lambda size: "> " * int(size**0.5) + "a\n" + "a\n" * (size // 2),
    "quotes of lists": repeated("> - "),
    "lists": repeated("- a\n"),
    "nested lists": nested_lists,
    "rules or lists": repeated("* ", "a"),
    "short paragraphs": repeated("a\n\n"),
    "headings": repeated("# a\n"),
    "underlined headings": repeated("a\n-\n"),
    "emphasis": repeated("*a **b "),
    "emphasis without end": repeated("_a__"),
    "stars around a letter": lambda size: "x" + "*" * (size // 2) + "y" + "*" * (size // 2),
    "strikes": repeated("a~~b"),
    "brackets": repeated("["),
    "brackets in brackets": lambda size: "[a" * (size // 4) + "]" * (size // 4),
    "pictures in pictures": lambda size: "![" * (size // 4) + "](a)" * (size // 8),
    "links without end": repeated("[a](<b"),
    "reference uses": lambda size: "[a]: /u\n\n" + "[a]" * (size // 3),
    "reference definitions": repeated('[a]: b\n"\n'),
    "expanded references": expanded_references,
    "backticks": repeated("`a"),
    "rising backticks": rising_backticks,
    "autolinks": repeated("<http://a>"),
    "open tags": repeated("<a "),
    "open sections": repeated("<![CDATA["),
    "entities": repeated("&"),
    "backslashes": repeated("\\"),
    "line breaks": repeated("a  \n"),
    "spaces": lambda size: "a" + " " * size + "b",
    "one long line": repeated("a"),
    "overrides": repeated("a\u202e"),
    "tags of Unicode": repeated("\U000e0061"),
    "joiners": repeated("\u0628\u200c"),
    "combining marks": repeated("a" + "\u0301" * 50),
    "terminal codes": repeated("\x1b[31mred\x1b[0m\r\n"),
    "events": repeated('data: {"choices":[{"delta":{"content":"\\u0000"}}]}\n\n'),
} | {
    f"{language} code": fenced(language, piece)
    for language, piece in (
        ("c", "\t"), ("cpp", " "), ("ini", "\t"), ("console", "@="), ("yaml", "@@"), ("typescript", "a."),
        ("javascript", "a."), ("java", "a a "), ("csharp", "a\n"), ("html", "&"), ("css", "#"), ("python", "?"),
        ("json", "1,"), ("sql", "::"), ("scala", "(a"), ("perl", "q{"), ("haskell", "a "), ("tcl", "{"),
        ("verilog", "a "), ("mathematica", "(*"), ("gherkin", "a "), ("no-such-language", "a"),
    )
}  # fmt: skip


def deep(size: int) -> str:
    return "[" * (size // 2) + "]" * (size // 2)


def deep_objects(size: int) -> str:
    levels = min(size // 6, 900)
    return '{"a":' * levels + "1" + "}" * levels


def wide_and_deep(size: int) -> str:
    """As deep as it is laid out, and wide there: each number stands behind 180 spaces."""
    return "[" * 90 + ",".join("1" * (size // 2)) + "]" * 90


JSON: dict[str, Maker] = {
    "empty objects": lambda size: "[" + "{}," * (size // 3) + "{}]",
    "numbers": lambda size: "[" + "1," * (size // 2) + "1]",
    "short keys": lambda size: json.dumps({f"{number:x}": 0 for number in range(size // 8)}),
    "one long string": lambda size: json.dumps("a" * size),
    "escapes": lambda size: '"' + "\\u202e" * (size // 6) + '"',
    "deep lists": deep,
    "deep objects": deep_objects,
    "wide and deep": wide_and_deep,
}


def documents(levels: int) -> list[Any]:
    content: Any = "end"
    for _ in range(levels):
        content = [{"type": "document", "source": {"type": "content", "content": content}}]
    return content  # type: ignore[no-any-return]


def results(levels: int) -> list[Any]:
    content: Any = "end"
    for _ in range(levels):
        content = [{"type": "tool_result", "tool_use_id": "a", "content": content}]
    return content  # type: ignore[no-any-return]


def chats(size: int) -> dict[str, dict[str, Any]]:
    """Requests of a chat, of about so many characters each."""
    user = lambda content: {"messages": [{"role": "user", "content": content}]}  # noqa: E731
    few = size // 40
    return {
        "many messages": {"messages": [{"role": "user", "content": "a"}] * few},
        "many parts": {
            "messages": [{"role": "user", "content": [{"type": "text", "text": "`a`"}] * 200}] * (few // 150)
        },
        "empty messages": {"messages": [{}] * (size // 3)},
        "numbers for messages": {"messages": [0] * (size // 2)},
        "many tools": {"messages": [], "tools": [{"function": {"name": "a"}}] * few},
        "empty tools": {"messages": [], "tools": [{}] * (size // 3)},
        "deep tools": {"messages": [], "tools": [json.loads(deep_objects(1_200))] * (size // 1_200)},
        "many calls": {
            "messages": [{"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "f"}}] * few}]
        },
        "JSON in calls": {
            "messages": [
                {
                    "role": "assistant",
                    "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": wide_and_deep(size)}}],
                }
            ]
        },
        "many settings": {"messages": []} | {f"setting{number}": "a" * 100 for number in range(size // 120)},
        "many sources": user([{"type": "text", "text": "a", "citations": [{"title": "a"}] * (few // 20)}] * 20),
        "documents in documents": user(documents(120)),
        "results in results": user(results(120)),
        "hidden names": {
            "messages": [{"role": "\u202e" * 400, "name": "\u00ad" * 400, "content": "a"}] * (size // 900)
        },
    }
