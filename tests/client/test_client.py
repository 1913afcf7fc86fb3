"""A service is asked from Python."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from affectgpt.client import Answer, Client, FoundClip, ServiceError
from affectgpt.errors import ClipError, RequestError
from tests.client.conftest import Log
from tests.serving.page.canned_model import BREAKING, EN, ENDLESS, FACTS, FINGERPRINT, ZH
from tests.serving.page.conftest import Served, serving_page


@pytest.fixture
def client(served: Served) -> Client:
    return Client(served.url)


def test_a_clip_is_described(client: Client, clips: Path) -> None:
    answer = client.describe(clips / "both.mp4", subtitle="You lied to me!")
    assert answer.description == EN
    assert [label.label for label in answer.labels] == ["sad", "anxious", "grateful", "wistful"]
    assert answer.labels[1].clues[0].sense == "voice"
    assert answer.clip.seen and answer.clip.heard and answer.clip.subtitle == "You lied to me!"
    assert answer.model.fingerprint == FINGERPRINT and answer.model.trained_on == FACTS.trained_on
    assert answer.complete and answer.tokens.description == 60
    assert answer.seconds["total"] > 0


def test_words_beside_a_clip_are_sent_unless_others_are_told(client: Client, clips: Path) -> None:
    assert client.describe(str(clips / "both.mp4")).clip.subtitle == "Good morning."
    assert client.describe(str(clips / "both.mp4"), subtitle="").clip.subtitle is None


def test_all_wishes_are_told(client: Client, served: Served, clips: Path) -> None:
    wishes = {"question": "How is he?", "language": "zh", "max_tokens": 7, "temperature": 0.5}
    *_, answer = client.stream((clips / "voice.wav").as_uri(), **wishes)
    assert isinstance(answer, Answer) and answer.description == ZH
    query = served.model.queries[-1]
    assert (query.question, query.max_new_tokens, query.temperature) == ("How is he?", 7, 0.5)


def test_a_description_is_followed_while_it_is_written(client: Client, clips: Path) -> None:
    found, *texts, answer = client.stream(clips / "both.mp4")
    assert isinstance(found, FoundClip) and isinstance(answer, Answer)
    assert len(texts) > 2
    assert "".join(map(str, texts)) == answer.description == EN
    assert found == answer.clip


def test_the_model_stops_for_whoever_reads_no_more(client: Client, served: Served, clips: Path) -> None:
    served.model.left.clear()
    pieces = client.stream(clips / "both.mp4", question=ENDLESS)
    assert any(isinstance(piece, str) for piece in pieces)
    pieces.close()
    assert served.model.left.wait(60)


def test_refusals_are_told_as_the_service_says_them_and_not_tried_again(client: Client, clips: Path, log: Log) -> None:
    with pytest.raises(ServiceError, match="the clip is not video or sound") as refused:
        client.describe(clips / "text.mp4")
    assert (refused.value.status, refused.value.reason) == (415, "not-media")
    assert refused.value.request_id and refused.value.retry_after_s is None
    with pytest.raises(ServiceError, match="the question has 1001 characters"):
        client.describe(clips / "both.mp4", question="?" * 1001)
    log.wait(422)
    assert log.described() == [415, 422]


def test_an_error_in_mid_answer_is_told(client: Client, clips: Path) -> None:
    pieces = []
    with pytest.raises(ServiceError, match="the clip shows nothing") as refused:
        pieces += client.stream(clips / "both.mp4", question=BREAKING)
    assert refused.value.reason == "nothing-perceived" and refused.value.request_id


def test_what_cannot_be_read_is_not_sent(client: Client, clips: Path, log: Log) -> None:
    for name, reason in (("none.mp4", "not-found"), ("", "is-a-directory")):
        with pytest.raises(ClipError) as refused:
            client.describe(clips / name)
        assert refused.value.reason == reason
    client.describe(clips / "both.mp4")
    log.wait(200)
    assert log.described() == [200]


def test_a_busy_service_is_asked_again_when_it_says(clips: Path, log: Log) -> None:
    with serving_page(limits={"requests": 1}) as served, Client(served.url) as client:
        occupying = client.stream(clips / "both.mp4", question=ENDLESS)
        next(occupying)
        with Client(served.url, patience_s=0) as impatient, pytest.raises(ServiceError) as refused:
            impatient.describe(clips / "voice.wav")
        assert (refused.value.status, refused.value.retry_after_s) == (429, 1.0)
        with ThreadPoolExecutor() as threads:
            answer = threads.submit(client.describe, clips / "voice.wav")
            log.wait(429, count=2)
            occupying.close()
            assert answer.result().description == EN


def test_the_key_is_told_or_in_the_environment(guarded: Served, clips: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ServiceError, match="a key is needed") as refused:
        Client(guarded.url).model()
    assert refused.value.status == 401
    with pytest.raises(ServiceError, match="not known here"):
        Client(guarded.url, "wrong").describe(clips / "both.mp4")
    assert Client(guarded.url, "secret").describe(clips / "both.mp4").description == EN
    monkeypatch.setenv("AFFECTGPT_API_KEY", "secret\n")
    model = Client(guarded.url).model()
    assert (model.name, model.fingerprint, model.trained_on) == ("affectgpt", FINGERPRINT, FACTS.trained_on)


def test_a_service_that_is_not_there_says_so(clips: Path) -> None:
    with serving_page() as served:
        url = served.url
    client = Client(url)
    assert not client.is_alive()
    with pytest.raises(ServiceError, match="cannot be reached") as refused:
        client.describe(clips / "both.mp4")
    assert (refused.value.status, refused.value.reason) == (None, "unreachable")


@pytest.mark.parametrize("url", ["", "host:8000", "ftp://host", "http://", "http://host:port", "file:///a"])
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(RequestError, match=r"server .*write it as http://host:8000"):
        Client(url)


@pytest.mark.parametrize("key", ["a\nb", "schlüssel"])
def test_a_key_that_cannot_be_sent_is_refused(key: str) -> None:
    with pytest.raises(RequestError, match="the key"):
        Client("http://host:8000", key)


def test_a_client_needs_neither_ray_nor_a_model_nor_a_server() -> None:
    script = (
        "import sys, affectgpt.client, affectgpt.client.describing; "
        "print(sorted({'ray', 'torch', 'transformers', 'fastapi', 'starlette', 'uvicorn'} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
