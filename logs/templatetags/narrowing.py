"""Template tags that lead from a value to the logs that have it."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from logs.explorer.filters.address import Address
from logs.explorer.query import MOST_CHARACTERS
from logs.templatetags.ui import icon

register = template.Library()


@register.simple_tag(takes_context=True)
def narrow(context: dict[str, Any], name: str, value: object, words: str = "") -> SafeString | str:
    """Two small links beside a value: to the logs that have it, and to those that do not.

    ``words`` say what it is; the value itself unless given. A value that is too long for a filter has no links, nor has
    a page whose own address is so long that each link would repeat kilobytes.
    """
    address: Address = context["address"]
    text = str(value)
    if not text or len(text) > MOST_CHARACTERS or address.is_long:
        return ""
    # A page of rows has few different values: each pair is made once for all of them. Every template that is
    # included has a dict of its own; the first is the page's.
    made: dict[tuple[str, str], SafeString] = context.render_context.dicts[0].setdefault("narrow", {})  # type: ignore[attr-defined]
    if (name, text) not in made:
        made[name, text] = format_html(
            '<span class="narrow"><a href="{}" data-push="list" aria-label="Only {}">{}</a>'
            '<a href="{}" data-push="list" aria-label="Without {}">{}</a></span>',
            address.only(name, text),
            words or text,
            icon("funnel-plus", 14),
            address.without(name, text),
            words or text,
            icon("funnel-x", 14),
        )
    return made[name, text]
