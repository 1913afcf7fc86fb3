import dataclasses
import itertools
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from affectgpt.annotate.language_model.endpoint import find_endpoint
from affectgpt.annotate.language_model.engine import TextReply, TextRequest
from affectgpt.annotate.language_model.media import frame_data_url, sound_base64
from affectgpt.annotate.language_model.openai import OpenAIEngine
from affectgpt.errors import JobError, RequestError
from tests.annotate.language_model.chat_server import (
    HANG_UP,
    Answer,
    Chat,
    ChatServer,
    echo,
    fails,
    lists,
    says,
    serve,
    user_of,
)

SCHEMA = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
KEY = "sk-never-to-be-seen"
PAGE = Answer("<!doctype html><title>Welcome</title>", content_type="text/html")


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with serve() as running:
        yield running


def ask(text: str, schema: dict[str, Any] | None = None) -> TextRequest:
    return TextRequest("be brief", text, schema, 50)


def in_turn(*answers: Answer) -> Chat:
    """Give one answer after the other, and the last one from then on."""
    left = list(answers)
    return lambda body: left.pop(0) if len(left) > 1 else left[0]


def refused(server: ChatServer, request: TextRequest | None = None, **options: Any) -> str:
    """The message of the RequestError that a request ends in."""
    with pytest.raises(RequestError) as raised:
        OpenAIEngine(server.base_url, "tiny", **options).generate([request or ask("a")])
    assert server.base_url in str(raised.value)
    return str(raised.value)


def test_what_is_sent_and_what_comes_back(server: ChatServer) -> None:
    [reply, _] = OpenAIEngine(server.base_url, "tiny").generate([ask("one"), ask("two", SCHEMA)])
    assert reply == TextReply("you said one", "stop", prompt_tokens=7, completion_tokens=3)
    free, constrained = sorted(server.asked, key=user_of)
    assert free == {
        "model": "tiny",
        "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "one"}],
        "temperature": 0,
        "max_tokens": 50,
    }
    assert constrained["response_format"]["type"] == "json_schema"
    assert constrained["response_format"]["json_schema"]["schema"] == SCHEMA
    assert constrained["response_format"]["json_schema"]["strict"] is True


def test_pictures_and_sound_come_before_the_text_and_sampling_along(server: ChatServer) -> None:
    frame, sound = np.zeros((4, 6, 3), np.uint8), np.zeros(160, np.float32)
    request = TextRequest("look", "what is it?", None, 50, (frame, frame), sound, temperature=0.7, seed=3)
    [reply] = OpenAIEngine(server.base_url, "tiny").generate([request])
    assert reply.text == "you said what is it?"
    [asked] = server.asked
    assert (asked["temperature"], asked["seed"]) == (0.7, 3)
    first, second, heard, text = asked["messages"][1]["content"]
    assert first == second == {"type": "image_url", "image_url": {"url": frame_data_url(frame)}}
    assert heard == {"type": "input_audio", "input_audio": {"data": sound_base64(sound), "format": "wav"}}
    assert text == {"type": "text", "text": "what is it?"}


def test_replies_keep_the_order_of_the_requests_and_are_handed_over_as_they_come(server: ChatServer) -> None:
    last_was_asked = threading.Event()

    def first_comes_last(body: dict[str, Any]) -> Answer:
        if user_of(body) == "2":
            last_was_asked.set()
        elif user_of(body) == "0":
            assert last_was_asked.wait(30)
        return echo(body)

    server.chat = first_comes_last
    came: list[tuple[int, str]] = []
    engine = OpenAIEngine(server.base_url, "tiny", concurrency=2)
    replies = engine.generate([ask(str(n)) for n in range(3)], lambda index, reply: came.append((index, reply.text)))
    assert [reply.text for reply in replies] == ["you said 0", "you said 1", "you said 2"]
    assert sorted(came) == [(0, "you said 0"), (1, "you said 1"), (2, "you said 2")]
    assert came[0] == (1, "you said 1")


def test_as_many_requests_as_allowed_are_under_way_at_a_time(server: ChatServer) -> None:
    together = threading.Barrier(4)
    under_way, most, lock = 0, 0, threading.Lock()

    def wait_for_three_others(body: dict[str, Any]) -> Answer:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        together.wait(30)
        with lock:
            under_way -= 1
        return echo(body)

    server.chat = wait_for_three_others
    OpenAIEngine(server.base_url, "tiny", concurrency=4).generate([ask(str(n)) for n in range(12)])
    assert most == 4


def test_sigterm_is_never_lost_among_the_connections(server: ChatServer) -> None:
    """It comes at another moment each time, while many requests are under way."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    def chat_until(last: int) -> Chat:
        asked = itertools.count()

        def chat(body: dict[str, Any]) -> Answer:
            if next(asked) == last:
                os.kill(os.getpid(), signal.SIGTERM)
            return echo(body)

        return chat

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        for last in range(30):
            server.chat = chat_until(last)
            with pytest.raises(KeyboardInterrupt):
                OpenAIEngine(server.base_url, "tiny", max_retries=0).generate([ask(str(n)) for n in range(last + 200)])
            assert signal.getsignal(signal.SIGTERM) is interrupt
    finally:
        signal.signal(signal.SIGTERM, before)


def test_no_request_asks_nothing(server: ChatServer) -> None:
    assert OpenAIEngine(server.base_url, "tiny").generate([]) == []
    assert server.asked == []


@pytest.mark.parametrize("trouble", [fails(429, "slow down"), fails(500, "oops"), fails(503, "warming up"), HANG_UP])
def test_passing_trouble_is_asked_again(server: ChatServer, trouble: Answer) -> None:
    server.chat = in_turn(trouble, says("here"))
    [reply] = OpenAIEngine(server.base_url, "tiny", max_retries=1).generate([ask("a")])
    assert reply.text == "here"
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (fails(429, "quota exceeded"), "too many requests.*quota exceeded.*wait"),
        (fails(500, "out of memory"), "failed.*out of memory.*log"),
        (HANG_UP, "lost on the way"),
    ],
)
def test_lasting_trouble_on_the_way_fails_the_job_and_keeps_what_came(
    server: ChatServer, trouble: Answer, said: str
) -> None:
    server.chat = in_turn(says("one"), says("two"), trouble)
    came: list[str] = []
    engine = OpenAIEngine(server.base_url, "tiny", concurrency=1, max_retries=1)
    with pytest.raises(JobError, match=f"{server.base_url}.*{said}.*same command continues"):
        engine.generate([ask(str(n)) for n in range(5)], lambda index, reply: came.append(reply.text))
    assert came == ["one", "two"]
    assert len(server.asked) == 4


def test_an_endpoint_that_never_answers_fails_the_job(server: ChatServer) -> None:
    done = threading.Event()

    def never(body: dict[str, Any]) -> Answer:
        done.wait(30)
        return HANG_UP

    server.chat = never
    with pytest.raises(JobError, match="did not answer in time"):
        OpenAIEngine(server.base_url, "tiny", timeout_s=0.3, max_retries=0).generate([ask("a")])
    done.set()


def test_an_endpoint_that_never_comes_to_an_end_fails_the_job(server: ChatServer) -> None:
    slow = dataclasses.replace(says("slowly"), pause_s=0.1)
    server.chat, server.models = in_turn(slow), slow
    with pytest.raises(JobError, match="did not answer in time, also when asked again"):
        OpenAIEngine(server.base_url, "tiny", timeout_s=0.5, max_retries=1).generate([ask("a")])
    assert len(server.asked) == 2
    with pytest.raises(JobError, match="did not answer in time"):
        OpenAIEngine(server.base_url, timeout_s=0.5, max_retries=0)


def test_time_is_counted_anew_when_asked_again(server: ChatServer) -> None:
    server.chat = in_turn(dataclasses.replace(says("slowly"), pause_s=0.1), says("here"))
    [reply] = OpenAIEngine(server.base_url, "tiny", timeout_s=2, max_retries=1).generate([ask("a")])
    assert reply.text == "here"


def test_nobody_there() -> None:
    with serve() as server:
        pass
    assert "cannot be reached" in refused(server, max_retries=0)
    with pytest.raises(JobError, match=r"lost on the way.*same command continues"):
        OpenAIEngine(server.base_url, "tiny", max_retries=0, has_answered=True).generate([ask("a")])
    with pytest.raises(RequestError, match=r"cannot be reached.*start the server"):
        OpenAIEngine(server.base_url, max_retries=0)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (PAGE, "an HTML page"),
        (Answer(PAGE.body, 404, PAGE.content_type), "an HTML page"),
        (Answer(PAGE.body, 405, PAGE.content_type), "an HTML page"),
        (Answer('{"result": "hello"}'), '{"result": "hello"}'),
        (Answer('{"choices": []}'), '{"choices": []}'),
        (Answer("{"), "this: {"),
        (Answer(""), "(nothing)"),
    ],
)
def test_a_server_of_another_kind(server: ChatServer, answer: Answer, said: str) -> None:
    server.chat = lambda body: answer
    server.models = answer
    for message in (refused(server), refused_without_model(server)):
        assert "no OpenAI-compatible API" in message
        assert said in message
        assert "/v1" in message


def refused_without_model(server: ChatServer) -> str:
    with pytest.raises(RequestError) as raised:
        OpenAIEngine(server.base_url)
    return str(raised.value)


def test_a_url_that_lacks_its_end(server: ChatServer) -> None:
    with pytest.raises(RequestError, match=r"no OpenAI-compatible API.*usually ends in /v1"):
        OpenAIEngine(server.base_url.removesuffix("/v1"), "tiny").generate([ask("a")])


def test_a_model_that_is_not_there(server: ChatServer) -> None:
    server.chat = lambda body: fails(404, "no such model")
    server.models = lists("small", "large")
    assert "has no model 'tiny'; it has: large, small" in refused(server)


def test_a_model_without_structured_output(server: ChatServer) -> None:
    server.chat = lambda body: fails(400, "'response_format' is not supported with this model")
    message = refused(server, ask("a", SCHEMA))
    assert "JSON schema" in message and "is not supported with this model" in message and "structured output" in message


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (
            "unsupported_parameter",
            "'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        ),
        ("unsupported_value", "'temperature' does not support 0 with this model. Only the default (1) is supported."),
    ],
)
def test_a_model_that_cannot_be_asked_as_ours_are(server: ChatServer, code: str, said: str) -> None:
    server.chat = lambda body: fails(400, said, code)
    message = refused(server)
    assert said in message and "use a model that takes max_tokens and a temperature of 0" in message
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "said", ["At most 0 image(s) may be provided in one prompt.", "tiny is not a multimodal model"]
)
def test_a_model_that_takes_no_pictures(server: ChatServer, said: str) -> None:
    server.chat = lambda body: fails(400, said)
    message = refused(server)
    assert "refused pictures or sound" in message and said in message and "use a model" in message


def test_half_an_emoji_does_no_harm(server: ChatServer) -> None:
    text = r"\ud83d\ude00 a\ud83d b\ude00 \\ud83d"
    server.chat = lambda body: Answer(
        f'{{"choices": [{{"message": {{"content": "{text}"}}, "finish_reason": "stop"}}]}}'
    )
    [reply] = OpenAIEngine(server.base_url, "tiny").generate([ask("a")])
    assert reply.text == "😀 a\ufffd b\ufffd \\ud83d"


def test_a_request_that_a_service_filters_is_declined(server: ChatServer) -> None:
    server.chat = lambda body: fails(400, "the prompt was filtered", "content_filter")
    assert OpenAIEngine(server.base_url, "tiny").generate([ask("a")]) == [TextReply("", "refusal")]


def test_another_refusal_is_quoted(server: ChatServer) -> None:
    server.chat = lambda body: fails(400, "maximum context length is 10 tokens")
    assert "refused a request" in refused(server) and "maximum context length is 10 tokens" in refused(server)
    assert len(server.asked) == 2


def test_the_only_model_is_taken() -> None:
    with serve(models=lists("tiny")) as server:
        assert OpenAIEngine(server.base_url).identity["model"] == "tiny"
    for models, said in ((lists("small", "large"), "2 models.*large, small"), (lists(), "0 models")):
        with serve(models=models) as server, pytest.raises(RequestError, match=said):
            OpenAIEngine(server.base_url)


def test_checking_asks_for_the_models_and_nothing_else(server: ChatServer) -> None:
    OpenAIEngine(server.base_url, "tiny").check()
    for models, said in (
        (lists("small", "large"), "has no model 'tiny'; it has: large, small"),
        (fails(401, "no"), "wants an API key"),
        (Answer("{}"), "is no OpenAI-compatible API"),
    ):
        server.models = models
        with pytest.raises(RequestError, match=said):
            OpenAIEngine(server.base_url, "tiny").check()
    server.models = fails(503, "warming up")
    with pytest.raises(JobError, match=r"failed, also when asked again.*warming up"):
        OpenAIEngine(server.base_url, "tiny", max_retries=0).check()
    assert server.asked == []


def test_a_refusal_of_the_model_is_no_answer(server: ChatServer) -> None:
    choice = '{"index": 0, "message": {"content": null, "refusal": "I would rather not"}, "finish_reason": "stop"}'
    server.chat = lambda body: Answer(f'{{"choices": [{choice}]}}')
    assert OpenAIEngine(server.base_url, "tiny").generate([ask("a")]) == [TextReply("", "refusal")]


def test_where_the_key_comes_from(server: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "key"
    file.write_text("from-file\n")
    OpenAIEngine(server.base_url, "tiny").generate([ask("a")])
    monkeypatch.setenv("OPENAI_API_KEY", "from-environment")
    OpenAIEngine(server.base_url, "tiny").generate([ask("a")])
    OpenAIEngine(server.base_url, "tiny", api_key_file=file).generate([ask("a")])
    OpenAIEngine(server.base_url, "tiny", "from-argument", api_key_file=file).generate([ask("a")])
    keys = [f"Bearer {key}" for key in ("from-environment", "from-file", "from-argument")]
    assert server.authorizations[1:] == keys
    assert server.authorizations[0] == "Bearer EMPTY"


@pytest.mark.parametrize("status", [401, 403])
def test_a_wrong_key_is_named_by_its_source_alone(
    server: ChatServer, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.chat = lambda body: fails(status, f"bad key {KEY}")
    assert "wants an API key" in refused(server) and "OPENAI_API_KEY" in refused(server)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    message = refused(server)
    assert "refused the API key from OPENAI_API_KEY" in message and "bad key (the key)" in message


def test_a_key_that_is_revoked_on_the_way_stops_the_job(server: ChatServer) -> None:
    engine = OpenAIEngine(server.base_url, "tiny", KEY)
    engine.generate([ask("a")])
    server.chat = in_turn(fails(401, "revoked"))
    with pytest.raises(JobError, match=r"refused the API key from the argument api_key: .*the same command continues"):
        engine.generate([ask("a")])


def test_the_key_is_shown_nowhere(server: ChatServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    engine = OpenAIEngine(server.base_url, "tiny", KEY)
    engine.generate([ask("a")])
    for chat in (fails(401, KEY), fails(400, KEY), fails(422, KEY), fails(404, KEY), Answer(KEY)):
        server.chat = in_turn(chat)
        with pytest.raises((RequestError, JobError)) as raised:
            engine.generate([ask("a")])
        assert raised.value.__cause__ is None and raised.value.__suppress_context__
        assert KEY not in str(raised.value)
    shown = f"{engine!r} {find_endpoint(server.base_url, KEY, None)!r} {dict(engine.identity)} {caplog.text}"
    assert "/v1" in shown
    assert KEY not in shown


def test_keys_that_cannot_be(tmp_path: Path) -> None:
    url = "http://localhost:8000/v1"
    for key in ("two words", "schlüssel", "a\nb"):
        with pytest.raises(RequestError, match="argument api_key cannot be an API key") as raised:
            OpenAIEngine(url, "tiny", key)
        assert key not in str(raised.value)
    with pytest.raises(RequestError, match=r"missing: the API key cannot be read: No such file"):
        OpenAIEngine(url, "tiny", api_key_file=tmp_path / "missing")
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe")
    with pytest.raises(RequestError, match="it is no text"):
        OpenAIEngine(url, "tiny", api_key_file=binary)


@pytest.mark.parametrize(
    "url", ["", "localhost:8000/v1", "ftp://host/v1", "http:///v1", "http://[::1/v1", "http://a:x/"]
)
def test_urls_that_cannot_be(url: str) -> None:
    with pytest.raises(RequestError, match="is no URL of an API"):
        OpenAIEngine(url, "tiny")


@pytest.mark.parametrize("url", ["http://me:secret@host/v1", "http://host/v1?key=secret", "http://host/v1#secret"])
def test_urls_that_hold_secrets(url: str) -> None:
    with pytest.raises(RequestError, match="OPENAI_API_KEY") as raised:
        OpenAIEngine(url, "tiny")
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("option", [{"concurrency": 0}, {"timeout_s": 0}, {"max_retries": -1}])
def test_options_that_cannot_be(option: dict[str, Any]) -> None:
    with pytest.raises(RequestError, match=next(iter(option))):
        OpenAIEngine("http://localhost:8000/v1", "tiny", **option)


def test_an_engine_says_what_makes_its_replies_comparable() -> None:
    engine = OpenAIEngine("http://localhost:8000/v1/", "tiny")
    assert engine.identity == {"engine": "openai", "endpoint": "http://localhost:8000/v1", "model": "tiny"}
