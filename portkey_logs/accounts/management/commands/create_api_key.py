"""Makes an API key and prints it, alone, on stdout."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portkey_logs.accounts.models import ApiKey, Workspace


class Command(BaseCommand):
    help = "Make an API key for a workspace and print it; it cannot be shown again"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--workspace", required=True, help="slug of the workspace")
        parser.add_argument("--name", required=True, help="where the key is used")
        parser.add_argument(
            "--scope",
            action="append",
            choices=ApiKey.SCOPES,
            help=f"may be given several times (default: {', '.join(ApiKey.DEFAULT_SCOPES)} alone)",
        )
        parser.add_argument("--config", default="", help="slug of the config of calls that bring none")

    def handle(
        self, *args: Any, workspace: str, name: str, scope: list[str] | None, config: str, **options: Any
    ) -> None:
        place = Workspace.objects.filter(slug=workspace).first()
        if place is None:
            raise CommandError(f"there is no workspace {workspace}")
        if not 0 < len(name) <= 100:
            raise CommandError("the name needs 1 to 100 characters")
        scopes = tuple(scope or ApiKey.DEFAULT_SCOPES)
        self.stdout.write(ApiKey.issue(place, name, scopes=scopes, default_config=config)[1])
