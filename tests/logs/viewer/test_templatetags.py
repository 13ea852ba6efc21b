"""The template tags of the interface."""

from types import SimpleNamespace
from typing import cast

import pytest
from django.template import Context, Template, TemplateSyntaxError
from django.test import RequestFactory

from logs.templatetags import tree, ui
from logs.viewer import json_tree
from logs.viewer.body_cards import SideView


def html_of(document: str) -> str:
    side = SimpleNamespace(
        tree=json_tree.build(document.encode()),
        hit=None,
        node_url="/node/",
        download_url="/raw",
        address=lambda **params: "/body/",
    )
    return tree.json_tree(cast(SideView, side))


def test_the_tree_escapes_keys_values_and_previews() -> None:
    html = html_of('{"<b>": "<script>alert(1)</script>", "deep": {"<i>": ["<u>"]}}')
    assert "<script>" not in html
    assert "<b>" not in html
    assert "<i>" not in html
    assert "<u>" not in html
    assert "&lt;script&gt;" in html


def test_the_tree_keeps_repeated_keys_and_the_spelling_of_numbers() -> None:
    html = html_of('{"a": 1.0, "a": 1e400}')
    assert html.count('<span class="k">a</span>') == 2
    assert '<span class="number">1.0</span>' in html
    assert '<span class="number">1e400</span>' in html


def test_empty_containers_have_nothing_to_unfold() -> None:
    html = html_of('{"none": {}, "nil": []}')
    assert html.count("<details") == 1  # the root
    assert "{}" in html
    assert "[]" in html


def test_of_a_long_node_the_first_members_are_drawn_and_the_rest_is_fetched() -> None:
    long = "[" + ",".join(["0"] * (json_tree.NODE_BUDGET + 1)) + "]"
    html = html_of(f'{{"first": 1, "long": {long}}}')
    assert f'hx-get="/node/?at=%2F1&amp;from={json_tree.SLICE}&amp;of=after"' in html
    assert html.count('<span class="number">0</span>') == json_tree.SLICE


def test_every_icon_is_in_the_sprite_and_others_are_refused() -> None:
    sprite = ui.icon_sprite()
    assert all(f'id="i-{name}"' in sprite for name in ui.ICONS)
    assert 'href="#i-zap"' in ui.icon("zap")
    with pytest.raises(TemplateSyntaxError):
        ui.icon("no-such-icon")


def test_an_icon_with_a_label_is_told_and_one_without_is_decoration() -> None:
    assert 'role="img" aria-label="a &lt; b"' in ui.icon("zap", 16, "a < b")
    assert 'aria-hidden="true"' in ui.icon("zap")


@pytest.mark.parametrize(("path", "current"), [("/w/a/logs/1/", True), ("/w/a/keys/", False)])
def test_the_navigation_marks_the_page_shown(path: str, current: bool) -> None:
    template = Template('{% load ui %}<a {% current_page "/w/a/logs/" %}>Logs</a>')
    html = template.render(Context({"request": RequestFactory().get(path)}))
    assert ('aria-current="page"' in html) == current


def test_a_state_with_a_number_shows_it_as_a_variable() -> None:
    assert ui.guide_text("Retry Success on {x} Tries") == "Retry Success on <var>x</var> Tries"
    assert ui.guide_text("Cache <Hit>") == "Cache &lt;Hit&gt;"
