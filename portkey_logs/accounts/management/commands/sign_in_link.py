"""Prints a fresh one-time sign-in link."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from portkey_logs.accounts.bootstrap import sign_in_path
from portkey_logs.accounts.models import User


class Command(BaseCommand):
    help = "Print a link that signs a person in once, within 30 minutes"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument(
            "--base-url",
            default=settings.PUBLIC_URL or "http://localhost:8000",
            help="the address people use (default: %(default)s)",
        )

    def handle(self, *args: Any, email: str, base_url: str, **options: Any) -> None:
        user = User.objects.filter(email=email.lower(), is_active=True).first()
        if user is None:
            raise CommandError(f"there is no active person {email}")
        self.stdout.write(base_url.rstrip("/") + sign_in_path(user))
