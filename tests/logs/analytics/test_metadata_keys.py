"""Declaring metadata keys, where forms come at once."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from logs.models import MetadataKey
from tests.factories import People
from tests.together import at_once

pytestmark = pytest.mark.django_db(transaction=True)  # several connections have to see what is stored


@pytest.mark.parametrize("keys", ["same", "different"])
def test_forms_that_come_at_once_are_told_what_the_others_did(
    keys: str, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MetadataKey, "MOST", 1)
    browsers = [Client() for _ in range(5)]
    for browser in browsers:
        browser.force_login(people.alice)
    page = reverse("metadata_keys", args=["acme"])

    def declare(number: int) -> int:
        return browsers[number].post(page, {"key": "env" if keys == "same" else f"key-{number}"}).status_code

    assert sorted(at_once(5, declare)) == [302, 422, 422, 422, 422]  # type: ignore[type-var]
    assert MetadataKey.objects.count() == 1
