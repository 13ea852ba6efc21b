"""Images, audio, moderations, reranking and what is not drawn, with bodies of the providers' API references."""

from __future__ import annotations

import pytest

from logs.viewer import conversation
from logs.viewer.conversation.others import about
from tests.logs.viewer.conversation.drawing import answer, lines, request
from tests.logs.viewer.pictures import base64_of, png, wav


def form(*fields: tuple[str, str | None, bytes]) -> bytes:
    body = b""
    for name, file_name, content in fields:
        file = f'; filename="{file_name}"' if file_name else ""
        kind = "Content-Type: application/octet-stream\r\n" if file_name else ""
        body += (
            f'--xyz\r\nContent-Disposition: form-data; name="{name}"{file}\r\n{kind}\r\n'.encode() + content + b"\r\n"
        )
    return body + b"--xyz--\r\n"


def test_generated_images() -> None:
    asked = request("image_generation", {"model": "gpt-image-1", "prompt": "A cat", "n": 2, "size": "1024x1024"})
    assert lines(asked) == ["prompt text A cat"]
    assert asked.params == [("model", "gpt-image-1"), ("n", "2"), ("size", "1024x1024")]
    made = [{"b64_json": base64_of(png(3, 2))}, {"url": "https://a.example/1.png", "revised_prompt": "A red cat"}]
    talk = answer("image_generation", {"created": 1, "data": made, "size": "1024x1024", "quality": "high"})
    assert lines(talk) == [
        "generated image image/png at /data/0/b64_json", "generated reasoning A red cat", "generated image https://a.example/1.png",
    ]  # fmt: skip
    assert talk.params == [("size", "1024x1024"), ("quality", "high")]


def test_pictures_to_edit_in_a_form() -> None:
    body = form(
        ("prompt", None, b"Add a hat"),
        ("image[]", "cat.png", png(3, 2)),
        ("mask", "m.svg", b"<svg/>"),
        ("n", None, b"1"),
    )
    talk = request("image_edit", None, octets=body)
    assert lines(talk) == [
        "prompt text Add a hat",
        "prompt image image/png at /1",
        "prompt file m.svg application/octet-stream · 6 bytes",
    ]
    assert talk.params == [("n", "1")]


def test_speech() -> None:
    asked = request("audio_speech", {"model": "tts-1", "voice": "alloy", "input": "Hello", "instructions": "Cheerful"})
    assert lines(asked) == ["input text Hello", "instructions text Cheerful"]
    assert lines(answer("audio_speech", None, octets=wav())) == ["speech audio audio/wav at"]
    assert lines(answer("audio_speech", {"audio": base64_of(wav())})) == ["speech audio audio/wav at /audio"]
    assert conversation.of_response("audio_speech", None, octets=b"<html>") is None


def test_transcription() -> None:
    body = form(("file", "call.wav", wav()), ("model", None, b"whisper-1"))
    assert lines(request("audio_transcription", None, octets=body)) == ["recording audio audio/wav at /0"]
    segments = [
        {"id": 0, "start": 0.0, "end": 3.32, "text": " The beach"},
        {"id": 1, "start": 3.32, "end": 8.5, "text": " was"},
    ]
    talk = answer(
        "audio_transcription", {"text": "The beach was", "language": "english", "duration": 8.5, "segments": segments}
    )
    assert lines(talk) == ["transcript text The beach was", "transcript table 0.00|3.32| The beach / 3.32|8.50| was"]
    assert talk.params == [("language", "english"), ("duration", "8.5")]
    plain = answer("audio_translation", None, octets=b"1\n00:00:00,000 --> 00:00:03,000\nHello\n")
    assert lines(plain)[0].startswith("transcript text 1")


def test_moderation_shows_the_flagged_first() -> None:
    result = {
        "flagged": True,
        "categories": {"sexual": False, "violence": True, "harassment": True},
        "category_scores": {"sexual": 0.00001, "violence": 0.97, "harassment": 0.57},
        "category_applied_input_types": {"violence": ["text", "image"]},
    }
    talk = answer("moderation", {"id": "modr-1", "results": [result]})
    assert lines(talk) == ["flagged scores !violence 0.9700, !harassment 0.5700", "flagged scores sexual 0.0000"]
    assert talk.messages[0].parts[0].scores[0].text == "in the text and image"
    several = answer("moderation", {"results": [result, {"flagged": False, "categories": {"sexual": False}}]})
    assert several.note == "1 of 2 flagged"
    assert lines(request("moderation", {"input": ["a", "b"]})) == ["input text a", "input text b"]


@pytest.mark.parametrize("name", ["results", "data"])
def test_reranking_joins_scores_with_documents(name: str) -> None:
    asked = {"query": "Capital?", "documents": ["Carson City", {"text": "Washington"}], "top_n": 2}
    found = [
        {"index": 1, "relevance_score": 0.999},
        {"index": 0, "relevance_score": 0.1},
        {"index": 7, "relevance_score": -3},
    ]
    talk = answer("rerank", {name: found}, asked=asked)
    scores = talk.messages[0].parts[0].scores
    assert [(score.label, score.shown, score.text, score.bar) for score in scores] == [
        ("document 1", "0.9990", "Washington", "0.9990"),
        ("document 0", "0.1000", "Carson City", "0.1000"),
        ("document 7", "-3.0000", "", "0.0000"),
    ]
    assert lines(request("rerank", asked)) == [
        "query text Capital?",
        "document text Carson City",
        "document text Washington",
    ]


def test_errors_and_other_endpoints_are_left_to_json() -> None:
    assert conversation.of_response("chat_completion", {"error": {"message": "no"}}) is None
    assert conversation.of_response("other", {"object": "list", "data": []}) is None
    assert conversation.of_request("other", {"input_file_id": "file-1"}) is None


def test_a_stored_prompts_answer_is_a_chat_by_its_own_words() -> None:
    said = {"object": "chat.completion", "choices": [{"message": {"role": "assistant", "content": "Hi"}}]}
    assert lines(answer("other", said)) == ["assistant text Hi"]


@pytest.mark.parametrize(
    ("path", "body", "sentence"),
    [
        ("/v1/models", {"object": "list", "data": [{}]}, "A list of 1 model that the provider offers."),
        ("/v1/files", {"object": "list", "data": [{}, {}]}, "A list of 2 files at the provider."),
        (
            "/v1/files/file-1",
            {"id": "file-1", "deleted": True},
            "The file that was uploaded to the provider was deleted.",
        ),
        ("/v1/batches", {"id": "batch_1"}, "A batch: many requests that the provider works off later."),
        ("/v1/assistants", {"id": "asst_1"}, "An assistant."),
        ("/v1/unheard-of", {}, ""),
        ("/v1/models", None, ""),
    ],
)
def test_a_sentence_says_what_a_json_is(path: str, body: object, sentence: str) -> None:
    assert about(path, body) == sentence
