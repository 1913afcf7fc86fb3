"""Clips that requests name by ``s3://``, fetched from a real S3 server."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient

from affectgpt.serving.describer import Describer
from affectgpt.serving.http.app import create_app
from affectgpt.serving.service import Service
from affectgpt.serving.settings import read_settings
from tests.inference.trained import answer, save_trained
from tests.integration.s3_server import S3Server
from tests.media import Sound, Video, write_media
from tests.ports import free_port

LARGE_BYTES = 300_000


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_trained(tmp_path_factory.mktemp("trained") / "model")


@pytest.fixture(scope="module")
def store(s3: S3Server, tmp_path_factory: pytest.TempPathFactory) -> S3Server:
    """The server with a clip, a file that is too large, an empty one, and a bucket that is not meant for clips."""
    folder = tmp_path_factory.mktemp("objects")
    clip = write_media(folder / "both.mp4", Video(), Sound())
    (folder / "large.mp4").write_bytes(bytes(LARGE_BYTES))
    (folder / "empty.mp4").touch()
    s3.upload({f"served/{file.name}": file for file in folder.iterdir()})
    s3.client().create_bucket(Bucket="secrets")
    s3.client().upload_file(str(clip), "secrets", "both.mp4")
    return s3


@contextmanager
def serving(model: Path, **settings: Any) -> Iterator[Callable[[str], httpx2.Response]]:
    """Serve the model, and ask it about what a URI names."""
    allowed = {"fetching.schemes": ["s3"], "limits.body_bytes": LARGE_BYTES - 1, "generation.max_tokens": 24}
    read = read_settings({"model": str(model), **allowed, **settings})
    with TestClient(create_app(Service(read, Describer(read)), names_requests=True)) as client:
        yield lambda uri: client.post("/v1/describe", json={"uri": uri})


@pytest.fixture
def credentials(store: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the service are in its environment, as those of any client of AWS."""
    for name, value in store.environment().items():
        monkeypatch.setenv(name, value)


def refused(got: httpx2.Response) -> tuple[int, str]:
    return got.status_code, got.json()["error"]["type"]


@pytest.mark.usefixtures("credentials")
def test_objects_of_the_allowed_bucket_are_fetched_and_no_others(model: Path, store: S3Server) -> None:
    with serving(model, **{"fetching.hosts": [store.bucket]}) as ask:
        got = ask(f"s3://{store.bucket}/served/both.mp4")
        assert got.status_code == 200, got.text
        assert got.json()["description"] == answer(True, True)
        assert refused(ask(f"s3://{store.bucket}/served/nowhere.mp4")) == (404, "not-found")
        assert refused(ask(f"s3://{store.bucket}/served")) == (404, "not-found")
        assert refused(ask(f"s3://{store.bucket}/served/large.mp4")) == (413, "body-too-large")
        assert refused(ask(f"s3://{store.bucket}/served/empty.mp4")) == (422, "empty-file")
        assert refused(ask("s3://secrets/both.mp4")) == (403, "host-not-allowed")
        assert refused(ask(f"s3://{store.bucket}/served/both.mp4?endpoint_override=other")) == (403, "options-in-uri")
        assert refused(ask("https://example.org/both.mp4")) == (403, "scheme-not-allowed")


@pytest.mark.usefixtures("credentials")
def test_without_a_list_any_bucket_that_the_credentials_open_is_read(model: Path) -> None:
    with serving(model) as ask:
        assert ask("s3://secrets/both.mp4").json()["description"] == answer(True, True)
        assert refused(ask("s3://nowhere/both.mp4")) == (404, "not-found")


@pytest.mark.usefixtures("credentials")
def test_each_clip_of_a_batch_is_fetched(model: Path, store: S3Server) -> None:
    read = read_settings({"model": str(model), "fetching.schemes": ["s3"], "fetching.hosts": [store.bucket]})
    uris = [f"s3://{store.bucket}/served/both.mp4", f"s3://{store.bucket}/served/nowhere.mp4"]
    with TestClient(create_app(Service(read, Describer(read)))) as client:
        found = client.post("/v1/describe/batch", json={"uris": uris, "max_tokens": 24}).json()["outcomes"]
    assert found[0]["answer"]["description"] == answer(True, True)
    assert found[1]["error"]["type"] == "not-found"


@pytest.mark.usefixtures("credentials")
def test_a_store_that_refuses_or_is_gone_tells_clients_nothing_of_itself(
    model: Path, store: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = f"s3://{store.bucket}/served/both.mp4"
    with serving(model) as ask:
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
        got = ask(uri)
        assert refused(got) == (403, "access-denied")
        assert "AWS" not in got.text and store.endpoint not in got.text
        port = free_port()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        gone = ask(uri)
        assert refused(gone) == (422, "unreachable")
        assert str(port) not in gone.text
