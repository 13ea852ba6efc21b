"""Makes or updates a person and their membership."""

from __future__ import annotations

import sys
from getpass import getpass
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email, validate_slug
from django.db import transaction

from portkey_logs.accounts.bootstrap import ensure_member
from portkey_logs.accounts.models import Membership, User


class Command(BaseCommand):
    help = "Make a person, or update password and role of an existing one; makes the organisation where missing"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument(
            "--password",
            help="- reads it from a prompt or the standard input, so that it is in no list of processes; without the "
            "option a new person signs in by link (see sign_in_link)",
        )
        parser.add_argument("--org", default="default", help="slug of the organisation (default: %(default)s)")
        parser.add_argument("--role", choices=Membership.Role.values, default=Membership.Role.MEMBER.value)

    @transaction.atomic
    def handle(self, *args: Any, email: str, password: str | None, org: str, role: str, **options: Any) -> None:
        for value, validate in ((email, validate_email), (org, validate_slug)):
            try:
                validate(value)
            except ValidationError as error:
                raise CommandError(f"{value}: {' '.join(error.messages)}") from None
        if password == "-":  # noqa: S105 - where to read it from
            password = getpass("Password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
            if not password:
                raise CommandError("the password is empty")
        user = User.objects.filter(email=email.lower()).first() or User.objects.create_user(email)
        if password:
            user.set_password(password)
            user.save(update_fields=["password"])
        try:
            ensure_member(user, org, role)
        except ValueError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{user.email} is {role} of {org}")
