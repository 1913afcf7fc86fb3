import logging
import shutil
from importlib import resources
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from affectgpt.errors import RequestError
from affectgpt.serving.settings import read_settings
from tests.serving.conftest import Serving


@pytest.fixture(scope="module")
def names() -> list[str]:
    folder = resources.files("affectgpt.serving") / "page"
    names = [file.name for file in folder.iterdir() if file.is_file()] if folder.is_dir() else []
    if "index.html" not in names:
        pytest.skip("the package was installed without its page")
    return names


def test_the_page_and_its_files_load_nothing_from_elsewhere(client: TestClient, names: list[str]) -> None:
    index = client.get("/")
    assert index.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'self'" in index.headers["Content-Security-Policy"]
    kinds = {name: client.get(f"/page/{name}").headers["Content-Type"] for name in names}
    for name, kind in kinds.items():
        assert kind != "application/octet-stream", name
    assert all(kind.startswith("text/javascript") for name, kind in kinds.items() if name.endswith(".js"))


def test_without_a_folder_of_samples_there_are_none(client: TestClient) -> None:
    assert client.get("/page/samples.json").json() == []
    assert client.get("/page/samples/both.mp4").status_code == 404


@pytest.fixture
def samples(clips: Path, tmp_path: Path) -> Path:
    """A folder with two clips to offer, and with all that must not be offered."""
    folder = tmp_path / "samples"
    (folder / "below").mkdir(parents=True)
    (folder / "named.mp4").mkdir()
    for name in ("both.mp4", "voice.wav", ".hidden.mp4", "below/deep.mp4", "../outside.mp4"):
        shutil.copy(clips / ("voice.wav" if name == "voice.wav" else "both.mp4"), folder / name)
    (folder / "both.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nSo <b>good</b>!\n")
    (folder / "secret.txt").write_text("secret")
    (folder / "link.mp4").symlink_to(folder.parent / "outside.mp4")
    return folder


def test_samples_are_the_clips_of_their_folder_and_nothing_else(serving: Serving, samples: Path) -> None:
    with serving(samples=str(samples)) as client:
        listed = client.get("/page/samples.json")
        assert listed.json() == [
            {"name": "both.mp4", "subtitle": "So good!"},
            {"name": "voice.wav", "subtitle": None},
        ]
        got = client.get("/page/samples/both.mp4")
        assert (got.content, got.headers["Content-Type"]) == ((samples / "both.mp4").read_bytes(), "video/mp4")
        part = client.get("/page/samples/both.mp4", headers={"Range": "bytes=10-19"})
        assert (part.status_code, part.content) == (206, got.content[10:20])
        for name in (
            "both.srt",
            "secret.txt",
            "link.mp4",
            ".hidden.mp4",
            "named.mp4",
            "below",
            "below/deep.mp4",
            "below%2Fdeep.mp4",
            "%2e%2e%2Foutside.mp4",
            "..%2Foutside.mp4",
            "%2Fetc%2Fpasswd",
            "",
        ):
            assert client.get(f"/page/samples/{name}").status_code == 404, name


def test_a_broken_subtitle_file_costs_a_sample_its_subtitle_alone(
    serving: Serving, samples: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (samples / "both.srt").write_text("no cues at all")
    # The loggers of Ray Serve keep what they log to themselves.
    with serving(samples=str(samples)) as client, caplog.at_level(logging.WARNING, "ray.serve"):
        logging.getLogger("ray.serve").addHandler(caplog.handler)
        listed = client.get("/page/samples.json").json()
        logging.getLogger("ray.serve").removeHandler(caplog.handler)
    assert listed[0] == {"name": "both.mp4", "subtitle": None}
    assert "offered without its subtitle: unreadable-subtitle" in caplog.text


def test_a_folder_of_samples_that_is_not_there_is_refused(model: Path, samples: Path) -> None:
    with pytest.raises(RequestError, match="samples: Path does not point to a directory"):
        read_settings({"model": str(model), "samples": str(samples / "nowhere")})
