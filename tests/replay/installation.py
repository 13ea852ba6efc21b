"""Real processes for replays: a provider that is told what to do, capture, and the gateway where a test wants it."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Provider:
    """Speaks the orders of the captures' own stub: ``/x/fail-2.code-500.key-a/v1/…``; ``hang`` and ``delay`` never
    answer, ``halfway`` waits in the middle of a stream until ``go_on``, ``strict`` refuses what is above ``LARGEST``."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.calls: list[tuple[str, str]] = []  # paths and bodies
        self.counts: Counter[str] = Counter()
        self.arrived = threading.Event()
        self.go_on = threading.Event()
        self.left_after: float | None = None  # seconds from the call until its caller was gone

    @property
    def bodies(self) -> list[str]:
        return [body for _, body in self.calls]

    def reset(self) -> None:
        self.calls.clear()
        self.counts.clear()
        self.arrived.clear()
        self.go_on.clear()
        self.left_after = None


@contextmanager
def provider() -> Iterator[Provider]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["content-length"]))
            it.calls.append((self.path, raw.decode()))
            it.counts[self.path] += 1
            orders = dict(order.partition("-")[::2] for order in self.path.split("/")[2].split("."))
            if "hang" in orders or "delay" in orders:
                return self._hang()
            if it.counts[self.path] <= int(orders.get("fail", 0)):
                wait = {"retry-after": orders["retryafter"]} if "retryafter" in orders else {}
                error = {"message": "stub error", "type": "stub"}
                return self._send(int(orders.get("code", 429)), {"error": error}, wait)
            if "strict" in orders and (problem := refusal(json.loads(raw))):
                return self._send(400, {"error": {"message": problem, "type": "invalid_request_error"}})
            if json.loads(raw).get("stream"):
                return self._stream(json.loads(raw), halfway="halfway" in orders)
            return self._send(200, answer(self.path, json.loads(raw)))

        def _send(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
            octets = json.dumps(body).encode()
            self.send_response(status)
            known = {"content-type": "application/json", "content-length": str(len(octets))}
            for name, value in (known | (headers or {})).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(octets)

        def _stream(self, asked: Any, *, halfway: bool) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.send_header("connection", "close")
            self.end_headers()
            base = {"id": "c-1", "object": "chat.completion.chunk", "model": asked.get("model")}
            for number, word in enumerate(WORDS):
                if halfway and number == len(WORDS) // 2:
                    it.go_on.wait(60)
                self._event(base | {"choices": [{"index": 0, "delta": {"content": word}, "finish_reason": None}]})
            self._event(base | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
            self._event(base | {"choices": [], "usage": USAGE})
            self.wfile.write(b"data: [DONE]\n\n")
            self.close_connection = True

        def _event(self, data: Any) -> None:
            self.wfile.write(f"data: {json.dumps(data)}\n\n".encode())

        def _hang(self) -> None:
            """Say nothing, and look when the caller goes."""
            began = time.monotonic()
            it.arrived.set()
            self.connection.recv(1)
            it.left_after = time.monotonic() - began
            self.close_connection = True

        def log_message(self, *args: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    it = Provider(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield it
    finally:
        server.shutdown()
        server.server_close()


LARGEST = {"temperature": 2, "top_logprobs": 20, "best_of": 20, "dimensions": 3072}
VECTORS = {"text-embedding-3-large": [0.8, 0.6]}  # 0.04 from that of any other model
WORDS = ["Hello", " from", " the", " stub", " …", "!"]
USAGE = {"prompt_tokens": 9, "completion_tokens": 6, "total_tokens": 15}


def refusal(asked: dict[str, Any]) -> str:
    """What a provider says to a number that is too large; "" where none is."""
    wrong = (name for name, largest in LARGEST.items() if asked.get(name, 0) > largest)
    return next((f"Invalid '{name}': above the maximum of {LARGEST[name]}." for name in wrong), "")


def answer(path: str, asked: dict[str, Any]) -> dict[str, Any]:
    model = asked.get("model")
    if path.endswith("/embeddings"):
        data = [{"object": "embedding", "index": 0, "embedding": VECTORS.get(str(model), [0.6, 0.8])}]
        return {"object": "list", "data": data, "model": model, "usage": {"prompt_tokens": 3, "total_tokens": 3}}
    if path.endswith("/messages"):
        content = [{"type": "text", "text": "".join(WORDS)}]
        base = {"id": "msg_1", "type": "message", "role": "assistant", "model": model, "content": content}
        return base | {"stop_reason": "end_turn", "usage": {"input_tokens": 9, "output_tokens": 6}}
    said: dict[str, Any] = {"text": "".join(WORDS)}
    if path.endswith("/chat/completions"):
        said = {"message": {"role": "assistant", "content": "".join(WORDS)}}
    choice = {"index": 0, "finish_reason": "stop", **said}
    return {"id": "c-1", "object": "chat.completion", "model": model, "choices": [choice], "usage": USAGE}
