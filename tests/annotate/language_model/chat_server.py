"""A small HTTP server that answers as a test tells it to, for what a healthy endpoint never shows."""

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# Clients that are told how long to wait before they ask again wait no longer.
SOON = {"Retry-After-Ms": "1"}


@dataclass(frozen=True)
class Answer:
    """What is sent back; ``status`` 0 hangs up without a word, and ``pause_s`` passes after each byte of the body."""

    body: str
    status: int = 200
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    pause_s: float = 0.0


HANG_UP = Answer("", status=0)


def says(text: str, finish_reason: str = "stop") -> Answer:
    """A chat completion with this text."""
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": finish_reason}
    usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    return Answer(json.dumps({"id": "1", "object": "chat.completion", "choices": [choice], "usage": usage}))


def fails(status: int, message: str, code: str | None = None) -> Answer:
    """An error in the form of OpenAI's API, to be asked again soon."""
    error = {"message": message, "type": "error", "code": code}
    return Answer(json.dumps({"error": error}), status, headers=SOON)


def lists(*models: str) -> Answer:
    """A list of models."""
    return Answer(json.dumps({"object": "list", "data": [{"id": model, "object": "model"} for model in models]}))


Chat = Callable[[dict[str, Any]], Answer]


@dataclass
class ChatServer:
    """A server below ``base_url``, and what it has been asked.

    Attributes:
        base_url: where the API is.
        chat: answers the body of a chat request; tests may exchange it.
        models: answers the question for models.
        asked: the bodies of the chat requests, in the order in which they came.
        authorizations: the header Authorization of each of them.
    """

    base_url: str
    chat: Chat
    models: Answer
    asked: list[dict[str, Any]] = field(default_factory=list)
    authorizations: list[str | None] = field(default_factory=list)

    def users(self) -> list[str]:
        """What the users said in the chat requests."""
        return [user_of(body) for body in self.asked]


def user_of(body: dict[str, Any]) -> str:
    """What the user says in a chat request, without pictures and sound."""
    content = body["messages"][1]["content"]
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def media_of(body: dict[str, Any]) -> list[str]:
    """The kinds of what a chat request shows or plays, in order."""
    content = body["messages"][1]["content"]
    return [] if isinstance(content, str) else [part["type"] for part in content if part["type"] != "text"]


def echo(body: dict[str, Any]) -> Answer:
    """Answer with what the user said."""
    return says(f"you said {user_of(body)}")


class _Server(ThreadingHTTPServer):
    # Connections that come at once wait for their turn.
    request_queue_size = 128
    daemon_threads = True


@contextmanager
def serve(chat: Chat = echo, models: Answer | None = None) -> Iterator[ChatServer]:
    """Run a server on the loopback."""
    state = ChatServer("", chat, models or lists("tiny"))
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self.send(state.models if self.path == "/v1/models" else fails(404, "Not Found"))

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path != "/v1/chat/completions":
                self.send(Answer('{"detail": "Not Found"}', 404))
                return
            with lock:
                state.asked.append(body)
                state.authorizations.append(self.headers["Authorization"])
            self.send(state.chat(body))

        def send(self, answer: Answer) -> None:
            if answer.status == 0:
                self.close_connection = True
                return
            content = answer.body.encode()
            self.send_response(answer.status)
            for name, value in {"Content-Type": answer.content_type, **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if not answer.pause_s:
                self.wfile.write(content)
                return
            # Who waits no longer hangs up.
            with contextlib.suppress(ConnectionError):
                for byte in content:
                    self.wfile.write(bytes([byte]))
                    time.sleep(answer.pause_s)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with _Server(("127.0.0.1", 0), Handler) as server:
        state.base_url = f"http://127.0.0.1:{server.server_port}/v1"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield state
        finally:
            server.shutdown()
            thread.join()
