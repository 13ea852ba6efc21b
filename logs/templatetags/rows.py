"""The cells of the list, drawn as often as they differ."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, cast

from django import template
from django.template import Context
from django.template.loader import get_template
from django.utils.safestring import SafeString

from logs.explorer.columns import Cell
from logs.explorer.presentation import Row

register = template.Library()


@register.simple_tag(takes_context=True)
def cell(context: Context) -> SafeString:
    """The ``cell`` of the ``row`` that the context has."""
    row: Row = context["row"]
    cell: Cell = context["cell"]
    # The page's own; every template that is included has a dict of its own behind it.
    page = cast(dict[Hashable, Any], context.render_context.dicts[0])
    draw = page.get(cell.column.template)
    if draw is None:
        draw = page[cell.column.template] = get_template(cell.column.template).template  # type: ignore[attr-defined]
    if cell.column.same is None:
        return cast(SafeString, draw.render(context))
    key = (cell.column.name, cell.is_off, cell.column.same(row))
    if key not in page:
        page[key] = draw.render(context)
    return cast(SafeString, page[key])
