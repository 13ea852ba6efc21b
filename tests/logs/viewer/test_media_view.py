"""The view of pictures and sounds: who may see them, and that it serves nothing else."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from tests.factories import People
from tests.logs.explorer.test_views import sign_in
from tests.logs.viewer.pictures import base64_of, data_uri, png, wav

pytestmark = pytest.mark.usefixtures("inline_writer")

PICTURE = png(3, 2)
BODY = {
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "image_url", "image_url": {"url": data_uri(PICTURE, "text/html")}},
                {"type": "image_url", "image_url": {"url": data_uri(b"<svg onload='alert(1)'/>", "image/png")}},
                {"type": "text", "text": base64_of(b"<html><script>alert(1)</script>")},
                {"type": "input_audio", "input_audio": {"data": base64_of(wav()), "format": "wav"}},
            ],
        }
    ],
    "a/b~c": base64_of(PICTURE),
}
AT_PICTURE = "/messages/0/content/0/image_url/url"
FORM = (
    b'--xyz\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n'
    b'--xyz\r\nContent-Disposition: form-data; name="file"; filename="a.html"\r\nContent-Type: text/html\r\n\r\n'
    + wav()
    + b"\r\n--xyz--\r\n"
)


def address(id: object, at: str = AT_PICTURE, side: str = "request", workspace: str = "acme") -> str:
    return f"/w/{workspace}/logs/{id}/media/{side}/?at={at}"


@pytest.fixture
def log_id(store: Any) -> Any:
    (record,) = store(
        {"request_body": json.dumps(BODY).encode(), "response_body": wav(), "request_type": "audio_speech"}
    )
    return record.id


@pytest.mark.parametrize("name", ["alice", "bob"])
def test_the_organisation_sees_a_picture_as_what_its_bytes_are(
    name: str, client: Client, people: People, log_id: Any
) -> None:
    answer = sign_in(client, name).get(address(log_id))
    assert (answer.status_code, answer.content) == (200, PICTURE)
    assert answer["Content-Type"] == "image/png"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Disposition"].startswith("inline;")
    assert "no-store" in answer["Cache-Control"]
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    policy = answer["Content-Security-Policy"]
    assert "sandbox" in policy
    assert "default-src 'none'" in policy
    assert "script" not in policy


def test_nobody_else_does(client: Client, people: People, log_id: Any) -> None:
    assert client.get(address(log_id))["Location"].startswith("/accounts/login/")
    sign_in(client, "charlie")
    assert client.get(address(log_id)).status_code == 404
    assert client.get(address(log_id, workspace="elsewhere")).status_code == 404
    sign_in(client, "alice")
    assert client.get(address(uuid4())).status_code == 404
    assert client.post(address(log_id)).status_code == 405


@pytest.mark.parametrize(
    "at",
    ["", "/", "/messages", "/messages/0/content/1/image_url/url", "/messages/0/content/2/text", "/messages/9", "/messages/-1",
     "/messages/0/role", "/messages/0/content/0/image_url/url/0", "/a~1b~0c/x", "messages", "/messages/²", "/" * 5000, "%00"],
)  # fmt: skip
def test_nothing_but_pictures_and_sounds_is_found(at: str, client: Client, people: People, log_id: Any) -> None:
    assert sign_in(client, "alice").get(address(log_id, at)).status_code == 404


def test_sounds_uploads_and_odd_names(client: Client, people: People, log_id: Any, store: Any) -> None:
    sign_in(client, "alice")
    assert client.get(address(log_id, "/messages/0/content/3/input_audio/data"))["Content-Type"] == "audio/wav"
    assert client.get(address(log_id, "", side="response")).content == wav()
    assert client.get(address(log_id, "/a~1b~0c")).content == PICTURE
    (upload,) = store({"request_type": "audio_transcription", "request_body": FORM})
    assert client.get(address(upload.id, "/1")).content == wav()
    for at in ("/0", "/2", "/x"):
        assert client.get(address(upload.id, at)).status_code == 404


@pytest.mark.parametrize(
    ("wanted", "status", "part"),
    [
        ("bytes=0-3", 206, slice(0, 4)),
        ("bytes=4-", 206, slice(4, None)),
        ("bytes=-5", 206, slice(-5, None)),
        ("bytes=0-999999", 206, slice(None)),
        ("bytes=999999-", 416, slice(0, 0)),
        ("bytes=0-1,3-4", 200, slice(None)),
        ("bytes=-", 200, slice(None)),
        ("lines=0-1", 200, slice(None)),
    ],
)
def test_players_may_ask_for_a_part(
    wanted: str, status: int, part: slice, client: Client, people: People, log_id: Any
) -> None:
    answer = sign_in(client, "alice").get(address(log_id), headers={"Range": wanted})
    assert (answer.status_code, answer.content) == (status, PICTURE[part])


def test_the_page_names_the_picture_and_does_not_carry_it(client: Client, people: People, store: Any) -> None:
    large = png(640, 480) + bytes(2_000_000)
    body = {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": data_uri(large)}}]}]}
    (record,) = store({"request_body": json.dumps(body).encode()})
    page = sign_in(client, "alice").get(f"/w/acme/logs/{record.id}/").content.decode()
    assert len(page) < 100_000
    assert f'src="{address(record.id)}"' in page
    assert "640 × 480 pixels" in page
    answer = client.get(address(record.id) + "&download")
    assert answer["Content-Disposition"] == f'attachment; filename="{record.id}-request.png"'


def test_rows_say_that_a_log_has_images_audio_or_tools(client: Client, people: People, store: Any) -> None:
    store({"has_images": True, "has_tools": True}, {"has_audio": True}, {})
    page = sign_in(client, "alice").get("/w/acme/logs/").content.decode()
    assert [page.count(f'aria-label="with {what}"') for what in ("images", "audio", "tools")] == [1, 1, 1]
