"""Mustache as prompts use it; templates and variables come from strangers."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portkey_logs.catalog import templates
from portkey_logs.catalog.prompts import PromptSource, read_template, write_template
from portkey_logs.catalog.templates import TemplateError, names, render

CASES: list[tuple[str, dict[str, Any], str]] = [
    ("Hi {{name}}!", {"name": "Ada"}, "Hi Ada!"),
    ("Hi {{ name }}{{{name}}}{{&name}}", {"name": "<b>&"}, "Hi <b>&<b>&<b>&"),
    ("{{missing}}-{{a.b.c}}", {"a": {"b": {}}}, "-"),
    ("{{a.b}}", {"a": {"b": 1.5}}, "1.5"),
    ("{{n}} {{t}} {{l}} {{o}} {{z}}", {"n": 0, "t": True, "l": [1, "é"], "o": {}, "z": None}, '0 true [1, "é"] {} '),
    ("{{#l}}{{.}},{{/l}}", {"l": [1, 2]}, "1,2,"),
    ("{{#l}}{{n}}{{x}},{{/l}}", {"l": [{"n": 1}, {"n": 2}], "x": "!"}, "1!,2!,"),
    ("{{#yes}}a{{/yes}}{{#no}}b{{/no}}{{^no}}c{{/no}}{{^none}}d{{/none}}", {"yes": "x", "no": ""}, "acd"),
    ("{{#o}}{{k}}{{/o}}{{^o}}none{{/o}}", {"o": {}, "k": 1}, "1"),
    ("a\n{{#l}}\n- {{.}}\n{{/l}}\nb", {"l": [1, 2]}, "a\n- 1\n- 2\nb"),
    ("a\r\n  {{! note }}\r\nb", {}, "a\r\nb"),
    ("{{# a }}x{{/a }}", {"a": 1}, "x"),
    ("a {{#x}} b {{/x}} c", {"x": 1}, "a  b  c"),
    ('{"a": {"b": 1}} { {x} } {{', {}, '{"a": {"b": 1}} { {x} } {{'),
    ("{{x}}", {"x": "{{y}}", "y": "no second pass"}, "{{y}}"),
    ("", {}, ""),
]


@pytest.mark.parametrize(("template", "variables", "expected"), CASES)
def test_rendering(template: str, variables: dict[str, Any], expected: str) -> None:
    assert render(template, variables) == expected


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{#a}}x", "never closed"),
        ("a\nb{{/a}}", "line 2"),
        ("{{#a}}{{#b}}{{/a}}{{/b}}", "closes"),
        ("{{>partial}}", "partials"),
        ("{{=<% %>=}}", "delimiters"),
        ("{{1 + 2}}", "name"),
        ("{{}}", "name"),
        ("{{a..b}}", "name"),
        ("{{#a}}" * 30 + "{{/a}}" * 30, "inside each other"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(template: str, said: str) -> None:
    with pytest.raises(TemplateError, match=said):
        templates.parse(template)


def test_names_come_in_the_order_of_their_mention() -> None:
    assert names("{{b}}{{#a.x}}{{c}}{{.}}{{/a.x}}{{^d}}{{b}}{{/d}}{{! e }}") == ["b", "a", "c", "d"]


def test_a_variable_reaches_nothing_but_what_was_given() -> None:
    class Secret:
        text = "secret"

    for name in ("a.__class__", "a.text", "a.keys", "__builtins__", "a.0"):
        assert render(f"{{{{{name}}}}}", {"a": Secret() if name == "a.text" else ["x"]}) == ""


def test_loops_in_loops_end() -> None:
    many = list(range(1000))
    with pytest.raises(TemplateError, match="steps"):
        render("{{#l}}{{#l}}{{#l}}{{/l}}{{/l}}{{/l}}", {"l": many})
    with pytest.raises(TemplateError, match="longer"):
        render("{{#l}}{{t}}{{/l}}", {"l": many, "t": "x" * 10_000})


def test_loops_over_nothing_end() -> None:
    with pytest.raises(TemplateError, match="steps"):
        render("{{#a}}{{#a}}{{/a}}{{/a}}", {"a": [1] * 20_000})


@given(st.text(alphabet="{}#^/!&.ab \n\"'"), st.dictionaries(st.sampled_from("ab"), st.text() | st.lists(st.text())))
def test_any_text_renders_or_is_refused(template: str, variables: dict[str, Any]) -> None:
    try:
        mentioned = names(template)
    except TemplateError:
        return
    assert isinstance(render(template, variables), str)
    assert render(template, {}) == render(template, dict.fromkeys(mentioned))


# --- prompts -------------------------------------------------------------------------------------------------

CHAT = PromptSource(
    template=[
        {"role": "system", "content": "You are {{style}}."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "{{question}}"},
                {"type": "image_url", "image_url": {"url": "{{url}}"}},
            ],
        },
    ],
    model="gpt-4o",
    parameters={"temperature": 0.2},
    tools=[{"type": "function", "function": {"name": "f"}}],
    tool_choice="auto",
)


def test_the_body_of_a_chat() -> None:
    assert CHAT.variables() == ["style", "question", "url"]
    assert CHAT.endpoint == "/v1/chat/completions"
    body = CHAT.body({"style": "terse", "question": 'Why "x"?'}, {"temperature": 1, "stream": True})
    assert body == {
        "model": "gpt-4o",
        "messages": [
            {"role": "system", "content": "You are terse."},
            {
                "role": "user",
                "content": [{"type": "text", "text": 'Why "x"?'}, {"type": "image_url", "image_url": {"url": ""}}],
            },
        ],
        "temperature": 1,
        "tools": CHAT.tools,
        "tool_choice": "auto",
        "stream": True,
    }


def test_the_body_of_a_completion() -> None:
    prompt = PromptSource(template="Say {{what}}", model="gpt-3.5-turbo-instruct")
    assert prompt.endpoint == "/v1/completions"
    assert prompt.body({"what": "hi"}) == {"model": "gpt-3.5-turbo-instruct", "prompt": "Say hi"}


def test_json_with_variables_anywhere() -> None:
    string = '[{"role": "user", "content": "{{text}}"}{{#more}}, {{{more}}}{{/more}}]'
    prompt = PromptSource(template=read_template(string))
    assert prompt.is_chat
    assert prompt.body({"text": 'a "b"\n\\'}) == {"messages": [{"role": "user", "content": 'a "b"\n\\'}]}
    more = {"role": "assistant", "content": "ok"}
    assert prompt.body({"text": "a", "more": more})["messages"][1] == more
    with pytest.raises(TemplateError, match="no JSON"):
        prompt.body({"more": "not an object"})


def test_all_texts_of_a_prompt_have_one_bound() -> None:
    many = PromptSource(template=[{"role": "user", "content": "Hi {{text}}"}] * 100)
    with pytest.raises(TemplateError, match="longer"):
        many.body({"text": "x" * (templates.MAX_LENGTH // 50)})


@pytest.mark.parametrize("template", [CHAT.template, "Say {{x}}", "[{{{all}}}]"])
def test_templates_go_through_the_api_and_back(template: Any) -> None:
    assert read_template(write_template(template)) == template
