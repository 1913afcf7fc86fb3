"""A served model without a cluster: the application over a model worker in this process."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from affectgpt.serving.describer import Describer
from affectgpt.serving.http.app import create_app
from affectgpt.serving.service import Service
from affectgpt.serving.settings import read_settings
from tests.inference.trained import save_trained
from tests.media import Sound, Video, write_media

TOKENS = 24

Serving = Callable[..., AbstractContextManager[TestClient]]


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_trained(tmp_path_factory.mktemp("served") / "model")


@pytest.fixture(scope="session")
def serving(model: Path) -> Serving:
    """Serve the model with some settings."""

    @contextmanager
    def served(**settings: Any) -> Iterator[TestClient]:
        read = read_settings({"model": str(model), "generation.max_tokens": TOKENS, **settings})
        with TestClient(create_app(Service(read, Describer(read)), names_requests=True)) as client:
            yield client

    return served


@pytest.fixture(scope="module")
def client(serving: Serving) -> Iterator[TestClient]:
    """The service with the settings of its recipe."""
    with serving() as client:
        yield client


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip with all, one without sound, one without video, and what is no clip."""
    folder = tmp_path_factory.mktemp("clips")
    write_media(folder / "both.mp4", Video(), Sound())
    write_media(folder / "silent.mp4", Video(frames=30))
    write_media(folder / "voice.wav", sound=Sound(codec="pcm_s16le", seconds=1.3))
    (folder / "text.mp4").write_text("this is no film\n" * 100)
    return folder
