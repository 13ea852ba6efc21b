"""The button: in the row, in the panel, and in JSON, with the same words everywhere."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from logs.record import LogRecord
from tests.factories import People, make_key

ENDPOINT = "The endpoint is not /chat/completions, /completions or /embeddings."
NO_KEY = "No credential is known for openai. Choose a virtual key to go on."


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"provider": "demo"}, {"allowed": True, "reason": None, "needs_key": False}),
        ({}, {"allowed": True, "reason": NO_KEY, "needs_key": True}),
        ({"request_type": "image_generation"}, {"allowed": False, "reason": ENDPOINT, "needs_key": False}),
    ],
)
def test_page_and_json_say_the_same(
    store: Callable[..., list[LogRecord]], alice: Client, changes: dict[str, Any], verdict: dict[str, Any]
) -> None:
    (record,) = store(changes)
    (item,) = alice.get("/w/acme/logs.json").json()["data"]
    assert item["replay"] == verdict
    assert alice.get(f"/w/acme/logs/{record.id}.json").json()["log"]["replay"] == verdict
    for address in ("/w/acme/logs/", f"/w/acme/logs/{record.id}/"):
        html = alice.get(address).content.decode()
        buttons = re.findall(r'<(a|button)[^>]*data-action="replay"[^>]*>', html)
        assert set(buttons) == {"a" if verdict["allowed"] else "button"}
        assert (f"/w/acme/playground/?log={record.id}" in html) is verdict["allowed"]
        assert ('data-action="replay" disabled' in html) is not verdict["allowed"]
        if verdict["reason"]:
            described = re.findall(r'data-action="replay"[^>]*aria-describedby="([^"]+)"', html)
            assert described
            assert all(f'id="{id}">{verdict["reason"]}</span>' in html for id in described)


def test_an_api_key_is_told_what_it_may_do(
    store: Callable[..., list[LogRecord]], people: People, client: Client
) -> None:
    store({"provider": "demo"})
    for scopes, allowed in ((("logs.view", "logs.write"), True), (("logs.view",), False)):
        key = make_key(people.workspace, scopes=scopes)[1]
        (item,) = client.get("/v1/logs", headers={"x-portkey-api-key": key}).json()["data"]
        assert item["replay"]["allowed"] is allowed
