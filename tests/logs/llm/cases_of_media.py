"""Images and audio."""

from __future__ import annotations

from tests.logs.llm.provider_bodies import IMAGE, OK, OPENAI, PICTURE, REFERENCE, SOUND, TRANSCRIPT, Case

CASES = [
    Case(
        "image",
        REFERENCE + "images/create",
        OPENAI + "/v1/images/generations",
        IMAGE,
        OK
        | {
            "request_type": "image_generation",
            "model": "gpt-image-1",
            "input_tokens": 50,
            "output_tokens": 50,
            "total_tokens": 100,
            "cost_cents": (10 * 5 + 40 * 10 + 50 * 40) / 10_000,
            "has": "i",
        },
        request={"model": "gpt-image-1", "prompt": "A baby sea otter", "n": 1, "size": "1024x1024"},
    ),
    Case(
        "an image without tokens has no price",
        REFERENCE + "images/create",
        OPENAI + "/v1/images/generations",
        {"created": 1589478378, "data": [{"url": "https://…"}, {"url": "https://…"}]},
        OK | {"requested_model": "dall-e-3", "tokens_origin": "missing", "cost_cents": None, "has": "i"},
        request={"model": "dall-e-3", "prompt": "A baby sea otter"},
    ),
    Case(
        "how much of the output was image is not said",
        REFERENCE + "images/create",
        OPENAI + "/v1/images/generations",
        IMAGE,
        OK | {"total_tokens": 100, "cost_cents": None},
        request={"model": "gpt-image-1.5", "prompt": "A baby sea otter"},
    ),
    Case(
        "image edit",
        REFERENCE + "images/createEdit",
        OPENAI + "/v1/images/edits",
        IMAGE,
        OK | {"request_type": "image_edit", "model": "gpt-image-1", "total_tokens": 100, "has": "i"},
        request=[PICTURE, ("model", "gpt-image-1"), ("prompt", "A gift basket"), ("n", "1"), ("size", "1024x1024")],
    ),
    Case(
        "image refused",
        REFERENCE + "images/create",
        OPENAI + "/v1/images/generations",
        {
            "error": {
                "code": "moderation_blocked",
                "message": "Your request was rejected by the safety system.",
                "param": None,
                "type": "image_generation_user_error",
            }
        },
        {
            "is_success": False,
            "error_type": "image_generation_user_error",
            "error_code": "moderation_blocked",
            "has": "",
        },
        request={"model": "gpt-image-1", "prompt": "…"},
        status=400,
    ),
    Case(
        "speech",
        REFERENCE + "audio/createSpeech",
        OPENAI + "/v1/audio/speech",
        b"ID3\x04\x00\xff\xfb\x90" + bytes(100),
        OK
        | {
            "request_type": "audio_speech",
            "model": "tts-1",
            "tokens_origin": "missing",
            "cost_cents": None,
            "has": "a",
        },
        request={"model": "tts-1", "input": "The quick brown fox", "voice": "alloy"},
        content_type="audio/mpeg",
    ),
    Case(
        "speech error",
        REFERENCE + "audio/createSpeech",
        OPENAI + "/v1/audio/speech",
        {"error": {"message": "Invalid voice", "type": "invalid_request_error", "param": "voice", "code": None}},
        {"is_success": False, "error_type": "invalid_request_error", "error_message": "Invalid voice", "has": ""},
        request={"model": "tts-1", "input": "x", "voice": "nobody"},
        status=400,
    ),
    Case(
        "transcription",
        REFERENCE + "audio/createTranscription",
        OPENAI + "/v1/audio/transcriptions",
        TRANSCRIPT,
        OK
        | {
            "request_type": "audio_transcription",
            "model": "gpt-4o-transcribe",
            "input_tokens": 14,
            "output_tokens": 45,
            "total_tokens": 59,
            "input_audio_tokens": 10,
            "cost_cents": (4 * 2.5 + 10 * 6 + 45 * 10) / 10_000,
            "has": "a",
        },
        request=[SOUND, ("model", "gpt-4o-transcribe")],
    ),
    Case(
        "transcription, verbose, billed by its length",
        REFERENCE + "audio/verbose-json-object",
        OPENAI + "/v1/audio/transcriptions",
        {
            "task": "transcribe",
            "language": "english",
            "duration": 8.470000267028809,
            "text": "The beach was a popular spot.",
            "segments": [{"id": 0, "start": 0.0, "end": 3.3, "text": " The beach was a popular spot."}],
            "usage": {"type": "duration", "seconds": 9},
        },
        OK | {"model": "whisper-1", "total_tokens": None, "cost_cents": 9 * 0.006 / 60 * 100, "has": "a"},
        request=[("model", "whisper-1"), ("response_format", "verbose_json"), SOUND],
    ),
    Case(
        "transcription as subtitles",
        REFERENCE + "audio/createTranscription",
        OPENAI + "/v1/audio/transcriptions",
        "1\n00:00:00,000 --> 00:00:03,320\nThe beach was a popular spot.\n",
        OK | {"model": "whisper-1", "tokens_origin": "missing", "cost_cents": None, "has": "a"},
        request=[SOUND, ("model", "whisper-1"), ("response_format", "srt")],
        content_type="text/plain; charset=utf-8",
    ),
    Case(
        "translation",
        REFERENCE + "audio/createTranslation",
        OPENAI + "/v1/audio/translations",
        {"text": "Hello, my name is Wolfgang."},
        OK | {"request_type": "audio_translation", "model": "whisper-1", "has": "a"},
        request=[SOUND, ("model", "whisper-1")],
    ),
    Case(
        "transcription error",
        REFERENCE + "audio/createTranscription",
        OPENAI + "/v1/audio/transcriptions",
        {"error": {"message": "Invalid file format.", "type": "invalid_request_error", "param": None, "code": None}},
        {"is_success": False, "error_message": "Invalid file format.", "requested_model": "whisper-1"},
        request=[SOUND, ("model", "whisper-1")],
        status=400,
    ),
]
