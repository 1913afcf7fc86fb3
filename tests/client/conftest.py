"""A service without a cluster: the real HTTP application, behind a real server, over a model with canned answers."""

import logging
from collections.abc import Iterator
from pathlib import Path
from threading import Condition

import pytest

from tests.media import Sound, Video, write_media
from tests.serving.page.conftest import Served, serving_page

# The SHA-256 of "secret".
DIGEST = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"


class Log(logging.Handler):
    """What the service logs of the requests that have ended: the status of each."""

    def __init__(self) -> None:
        super().__init__()
        self.statuses: list[tuple[str, int]] = []
        self._more = Condition()

    def emit(self, record: logging.LogRecord) -> None:
        if "status" in record.__dict__:
            with self._more:
                self.statuses.append((record.__dict__["route"], record.__dict__["status"]))
                self._more.notify_all()

    def wait(self, status: int, count: int = 1) -> None:
        """Wait until so many requests for a description have ended with a status."""
        with self._more:
            assert self._more.wait_for(lambda: self.described().count(status) >= count, 60), self.statuses

    def described(self) -> list[int]:
        return [status for route, status in self.statuses if route == "/v1/describe"]


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip with all and its words beside it, one without video, what is no clip, and an empty file."""
    folder = tmp_path_factory.mktemp("clips")
    write_media(folder / "both.mp4", Video(), Sound())
    (folder / "both.srt").write_text("1\n00:00:00,000 --> 00:00:02,000\nGood morning.\n")
    write_media(folder / "voice.wav", sound=Sound(codec="pcm_s16le", seconds=1.3))
    (folder / "text.mp4").write_text("this is no film\n" * 100)
    (folder / "empty.mp4").touch()
    return folder


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AFFECTGPT_API_KEY", raising=False)


@pytest.fixture
def log() -> Iterator[Log]:
    handler, logger = Log(), logging.getLogger("ray.serve")
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving_page() as served:
        yield served


@pytest.fixture
def guarded(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A service that asks for the key "secret"."""
    monkeypatch.setenv("KEYS", f"{DIGEST} ann")
    with serving_page(keys={"environment": "KEYS"}) as served:
        yield served
