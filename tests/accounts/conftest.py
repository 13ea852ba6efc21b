from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import Client

from portkey_logs.accounts.models import User

SignIn = Callable[[User | AnonymousUser], Client]


@pytest.fixture
def browser_of() -> SignIn:
    """A fresh browser in which the person is signed in."""

    def make(user: User | AnonymousUser) -> Client:
        client = Client()
        if user.is_authenticated:
            client.force_login(user)
        return client

    return make
