from pathlib import Path

import pytest
from pydantic import ValidationError

from affectgpt.annotate.language_model.engine import TextRequest
from affectgpt.annotate.language_model.models import OpenAIModel, check_model, engine_of
from affectgpt.errors import RequestError
from tests.annotate.language_model.chat_server import fails, lists, serve


def model(base_url: str, **settings: object) -> OpenAIModel:
    return OpenAIModel.model_validate({"engine": "openai", "model": "tiny", "base_url": base_url, **settings})


def test_an_engine_asks_as_its_section_says(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("from-file")
    with serve() as server:
        section = model(server.base_url, api_key_file=str(key))
        [reply] = engine_of(section).generate([TextRequest("s", "hello", None, 9)])
    assert reply.text == "you said hello"
    assert server.authorizations == ["Bearer from-file"]
    assert engine_of(section) is engine_of(model(server.base_url, api_key_file=str(key)))


def test_a_model_that_is_there_is_found_without_a_question() -> None:
    with serve() as server:
        check_model(model(server.base_url))
    assert server.asked == []


def test_a_model_that_cannot_be_asked_is_refused(tmp_path: Path) -> None:
    with serve(models=lists("large")) as server, pytest.raises(RequestError, match=r"has no model 'tiny'.*large"):
        check_model(model(server.base_url))
    with serve(models=fails(401, "no")) as server, pytest.raises(RequestError, match="wants an API key"):
        check_model(model(server.base_url))
    with pytest.raises(RequestError, match=r"cannot be reached.*start the server"):
        check_model(model(server.base_url, max_retries=0))
    with pytest.raises(RequestError, match=r"missing: the API key cannot be read"):
        check_model(model(server.base_url, api_key_file=str(tmp_path / "missing")))


def test_where_and_how_a_model_is_asked_decides_no_content() -> None:
    one = model("http://one/v1", concurrency=2, timeout_s=1.0, max_retries=0, api_key_file="a")
    assert one.content() == model("http://two/v1").content()
    for changed in ({"model": "large"}, {"revision": "abc"}, {"max_tokens": 99}):
        assert model("http://one/v1", **changed).content() != one.content()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"base_url": "localhost:8000"}, "is no URL of an API"),
        ({"base_url": "http://me:secret@host/v1"}, "a key belongs in OPENAI_API_KEY"),
        ({"api_key": "secret"}, "Extra inputs are not permitted"),
        ({"engine": "gpt"}, "Input should be 'openai'"),
        ({"model": ""}, "at least 1 character"),
        ({"concurrency": 0}, "greater than or equal to 1"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        model(**{"base_url": "http://host/v1", **settings})
