"""What services answer that no server at hand does; a real server is asked in tests/integration."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import numpy as np
import pytest

from affectgpt.annotate.speech_to_text.engine import Speech, Transcript
from affectgpt.annotate.speech_to_text.openai import OpenAISpeech
from affectgpt.errors import JobError, RequestError

SOUND = np.zeros(16_000, np.float32)
Respond = Callable[[bytes], tuple[int, dict[str, object]]]


@contextmanager
def serve(respond: Respond) -> Iterator[tuple[str, list[bytes]]]:
    asked: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            asked.append(body)
            status, answer = respond(body)
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1", asked
        finally:
            server.shutdown()
            thread.join()


def segment(logarithm: float, silence: float = 0.01) -> dict[str, object]:
    return {"text": "...", "start": 0, "end": 1, "avg_logprob": logarithm, "no_speech_prob": silence}


def heard(answer: dict[str, object], status: int = 200, speech: Speech | None = None) -> tuple[Transcript, list[bytes]]:
    with serve(lambda body: (status, answer)) as (url, asked):
        [transcript] = OpenAISpeech(url, "whisper-1", max_retries=0).transcribe([speech or Speech(SOUND)])
    return transcript, asked


def test_a_transcript_has_language_and_confidence() -> None:
    answer = {"text": " Hello\n there. ", "language": "english", "segments": [segment(-0.1), segment(-0.3)]}
    transcript, asked = heard(answer)
    assert (transcript.text, transcript.language) == ("Hello there.", "en")
    assert transcript.confidence == pytest.approx(np.exp(-0.2))
    assert len(asked) == 1 and b"RIFF" in asked[0] and b'name="language"' not in asked[0]


def test_a_known_language_is_told() -> None:
    _, asked = heard({"text": "Hallo."}, speech=Speech(SOUND, "de-AT"))
    assert b'name="language"\r\n\r\nde\r\n' in asked[0]


def test_silence_is_no_speech() -> None:
    transcript, _ = heard({"text": "Thank you.", "language": "english", "segments": [segment(-1.5, silence=0.9)]})
    assert transcript == Transcript("")


def test_words_that_are_lost_with_the_time_stamps_are_asked_for_without() -> None:
    def respond(body: bytes) -> tuple[int, dict[str, object]]:
        return 200, {"text": "" if b"verbose_json" in body else "Hello.", "segments": []}

    with serve(respond) as (url, asked):
        assert OpenAISpeech(url, "m", max_retries=0).transcribe([Speech(SOUND)]) == [Transcript("Hello.")]
    assert len(asked) == 2


def test_failures_say_what_to_do() -> None:
    with pytest.raises(JobError, match="failed, also when asked again"):
        heard({"error": {"message": "out of memory"}}, 500)
    with pytest.raises(RequestError, match="wants an API key"):
        heard({"error": {"message": "no key"}}, 401)
    with pytest.raises(RequestError, match="is no OpenAI-compatible API"):
        heard({"what": "is this"})
