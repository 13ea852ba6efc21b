"""``manage.py prepare``: bring a database and a data directory to the state that the processes expect."""

from __future__ import annotations

import json
import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

from portkey_logs.accounts import bootstrap


class Command(BaseCommand):
    help = (
        "Applies migrations, makes the owner and the first workspaces where they are missing. "
        "Prints one JSON object: owner, sign_in_path (with --show-link, until the owner has a password), "
        "api_key_file. "
        "May run again and again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--show-link",
            action="store_true",
            help="make a sign-in link for an owner without a password; whoever reads the output can use it",
        )

    def handle(self, *args: Any, show_link: bool, **options: Any) -> None:
        """Do all of it and print where to go from here."""
        call_command("migrate", interactive=False, verbosity=0)
        first = bootstrap.first_run()
        key_file = Path(settings.DATA_DIR) / "api_key"
        keep_key(key_file, first.demo_api_key)
        has_no_password = not first.owner.has_usable_password()
        result = {
            "owner": first.owner.email,
            "sign_in_path": bootstrap.sign_in_path(first.owner) if has_no_password and show_link else None,
            "api_key_file": str(key_file),
        }
        self.stdout.write(json.dumps(result))


def keep_key(path: Path, fresh: str | None) -> None:
    """Keep the demo workspace's API key in a file (0600); one whose text is lost is replaced."""
    key = fresh
    if key is None and not path.exists():
        key = bootstrap.renew_demo_key()
    if key is not None:
        unfinished = path.with_suffix(".new")
        unfinished.unlink(missing_ok=True)
        with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"{key}\n")
        unfinished.replace(path)
