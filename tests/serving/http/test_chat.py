import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from tests.inference.trained import answer
from tests.serving.conftest import TOKENS


@pytest.fixture(scope="module")
def chat(client: TestClient) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url="http://testserver/v1", api_key="none", http_client=client, max_retries=0) as chat:
        yield chat


def base64_of(content: bytes) -> str:
    return base64.b64encode(content).decode()


def video(clip: Path) -> dict[str, Any]:
    return {"type": "video_url", "video_url": {"url": f"data:video/mp4;base64,{base64_of(clip.read_bytes())}"}}


def sound(clip: Path) -> dict[str, Any]:
    data = {"data": base64_of(clip.read_bytes()), "format": clip.suffix[1:]}
    return {"type": "input_audio", "input_audio": data}


def picture() -> dict[str, Any]:
    file = io.BytesIO()
    Image.new("RGB", (64, 48), (200, 100, 50)).save(file, "PNG")
    return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{base64_of(file.getvalue())}"}}


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def ask(chat: openai.OpenAI, *parts: dict[str, Any], **options: Any) -> Any:
    asked: Any = [{"role": "user", "content": list(parts)}]
    return chat.chat.completions.create(**{"model": "affectgpt", "max_tokens": TOKENS, "messages": asked, **options})


def test_a_clip_is_described(chat: openai.OpenAI, clips: Path) -> None:
    said = ask(chat, video(clips / "both.mp4"))
    (choice,) = said.choices
    assert (choice.message.role, choice.message.content) == ("assistant", answer(True, True))
    assert choice.finish_reason == "stop"
    assert said.usage.total_tokens == said.usage.prompt_tokens + said.usage.completion_tokens
    assert said.model == "affectgpt" and said.id.startswith("chatcmpl-")


def test_pictures_and_sounds_are_put_together(chat: openai.OpenAI, clips: Path) -> None:
    assert ask(chat, sound(clips / "voice.wav")).choices[0].message.content == answer(False, True)
    in_chinese = ask(chat, sound(clips / "voice.wav"), extra_body={"language": "zh"})
    assert in_chinese.choices[0].message.content == answer(False, True, "zh")
    silent = ask(chat, video(clips / "silent.mp4")).usage.prompt_tokens
    assert ask(chat, picture(), picture()).usage.prompt_tokens == silent
    assert ask(chat, video(clips / "silent.mp4"), sound(clips / "voice.wav")).usage.prompt_tokens > silent


def test_a_question_is_asked(chat: openai.OpenAI, clips: Path) -> None:
    usual, own = ask(chat, video(clips / "both.mp4")), ask(chat, text("How?"), video(clips / "both.mp4"))
    assert own.usage.prompt_tokens < usual.usage.prompt_tokens
    subtitled = ask(chat, text("How?"), video(clips / "both.mp4"), extra_body={"subtitle": "Good morning."})
    assert subtitled.usage.prompt_tokens > own.usage.prompt_tokens
    short = ask(chat, video(clips / "both.mp4"), max_completion_tokens=2)
    assert short.choices[0].finish_reason == "length"


def test_an_answer_is_streamed(chat: openai.OpenAI, clips: Path) -> None:
    chunks = list(ask(chat, video(clips / "both.mp4"), stream=True, stream_options={"include_usage": True}))
    *said, usage = chunks
    assert usage.choices == [] and usage.usage.completion_tokens > 1
    assert "".join(chunk.choices[0].delta.content or "" for chunk in said) == answer(True, True)
    assert [chunk.choices[0].finish_reason for chunk in said][-2:] == [None, "stop"]
    assert len({chunk.id for chunk in chunks}) == 1


def test_the_models_are_listed(chat: openai.OpenAI) -> None:
    (listed,) = chat.models.list()
    assert listed == chat.models.retrieve("affectgpt")
    assert listed.id == "affectgpt" and listed.created > 1_700_000_000


@pytest.mark.parametrize(
    ("parts", "options", "error", "code"),
    [
        ([text("Hello?")], {}, openai.UnprocessableEntityError, "no-clip"),
        ([picture()], {"model": "gpt-4"}, openai.NotFoundError, "model_not_found"),
        ([picture()], {"n": 2}, openai.UnprocessableEntityError, "bad-request"),
        ([picture()], {"max_tokens": 10_000}, openai.UnprocessableEntityError, "too-many-tokens"),
        ([picture()] * 17, {}, openai.UnprocessableEntityError, "too-many-frames"),
        (
            [{"type": "video_url", "video_url": {"url": "http://169.254.169.254/"}}],
            {},
            openai.PermissionDeniedError,
            "scheme-not-allowed",
        ),
        (
            [{"type": "video_url", "video_url": {"url": "data:video/mp4;base64,no base64"}}],
            {},
            openai.UnprocessableEntityError,
            "bad-base64",
        ),
        (
            [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}],
            {},
            openai.APIStatusError,
            "not-media",
        ),
    ],
)
def test_errors_are_those_of_the_protocol(
    chat: openai.OpenAI, parts: list[Any], options: dict[str, Any], error: type[openai.APIStatusError], code: str
) -> None:
    with pytest.raises(error) as caught:
        ask(chat, *parts, **options)
    assert caught.value.code == code
    assert isinstance(caught.value.body, dict) and caught.value.body["request_id"] == caught.value.request_id


def test_several_clips_are_too_many(chat: openai.OpenAI, clips: Path) -> None:
    with pytest.raises(openai.UnprocessableEntityError, match="more than one video_url"):
        ask(chat, video(clips / "both.mp4"), video(clips / "silent.mp4"))
