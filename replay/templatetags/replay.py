"""Template tags of the replay pages."""

from __future__ import annotations

from collections.abc import Iterable

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from logs.viewer import invisible_characters
from portkey_logs.lib.diff import Stretch

register = template.Library()

_HTML = {"added": "<ins>{}</ins>", "removed": "<del>{}</del>", "gap": '<span class="gap">{}</span>'}


@register.simple_tag
def stretches(found: Iterable[Stretch]) -> SafeString:
    """A text with what was added and removed in it; no space is added, as it is shown as it stands."""
    marked = (format_html(_HTML.get(each.kind, "{}"), invisible_characters.mark(each.text)) for each in found)
    return mark_safe("".join(marked))  # noqa: S308  each piece is escaped
