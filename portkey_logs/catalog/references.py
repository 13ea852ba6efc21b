"""Slugs that lead nowhere: said when something is saved, for calls would fail."""

from __future__ import annotations

from portkey_logs.accounts.models import Workspace
from portkey_logs.catalog.models import Config, Prompt, VirtualKey
from portkey_logs.catalog.schema import Finding, Reference

_MODELS: dict[str, type[Config | Prompt | VirtualKey]] = {"config": Config, "prompt": Prompt, "virtual_key": VirtualKey}


def unknown(workspace: Workspace, references: list[Reference]) -> list[Finding]:
    """A warning for each reference to what is not, or no more, in use here; one query per kind."""
    findings = []
    for kind, model in _MODELS.items():
        wanted = [reference for reference in references if reference.kind == kind]
        if not wanted:
            continue
        slugs = {_slug(reference.slug) for reference in wanted}
        active = model.objects.in_workspace(workspace).active()
        known = set(active.filter(slug__in=slugs).values_list("slug", flat=True))
        findings += [
            Finding(reference.path, f"no {kind.replace('_', ' ')} {reference.slug!r} is in use in this workspace")
            for reference in wanted
            if _slug(reference.slug) not in known
        ]
    return findings


def _slug(text: str) -> str:
    return text.partition("@")[0] or text  # "pp-greet@3" names a version
