"""The demo's question to its service: the command that is shown gives the answer that is shown."""

import json
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from affectgpt.demo.serving import Question, ask, free_port
from affectgpt.errors import JobError
from tests.media import Sound, Video, write_media
from tests.serving.page.canned_model import EN
from tests.serving.page.conftest import Served, serving_page

SAID = 'So; it\'s "you", <again>!'


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving_page() as served:
        yield served


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_media(tmp_path_factory.mktemp("a folder") / "it's.mp4", Video(), Sound())


def shown(text: str) -> tuple[str, dict]:
    command, _, answer = text.removeprefix("$ ").partition("\n")
    return command, json.loads(answer[answer.index("{") :])


def test_the_command_that_is_shown_can_be_pasted(
    served: Served, clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ask(served.url.rstrip("/"), Question(clip, SAID))
    command, answer = shown(capsys.readouterr().out)
    assert (answer["description"], answer["clip"]["subtitle"]) == (EN, SAID)
    pasted = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert json.loads(pasted.stdout)["description"] == EN
    assert json.loads(pasted.stdout)["clip"] == answer["clip"]


def test_without_curl_python_asks_the_same(
    served: Served, clip: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(served.url.rstrip("/"), Question(clip, SAID))
    by_curl = shown(capsys.readouterr().out)
    monkeypatch.setenv("PATH", "")
    ask(served.url.rstrip("/"), Question(clip, SAID))
    said = capsys.readouterr().out
    by_python = shown(said)
    assert by_python[0] == by_curl[0] and "(curl is not installed" in said
    differing = {"seconds", "request_id"}
    assert by_python[1].keys() == by_curl[1].keys()
    assert {name: by_python[1][name] for name in by_curl[1] if name not in differing} == {
        name: value for name, value in by_curl[1].items() if name not in differing
    }


@pytest.mark.parametrize("path", [None, ""])
def test_no_answer_is_a_failure(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str | None
) -> None:
    if path is not None:
        monkeypatch.setenv("PATH", path)
    text = tmp_path / "text.mp4"
    text.write_text("this is no film\n" * 100)
    with pytest.raises(JobError, match="not video or sound"):
        ask(served.url.rstrip("/"), Question(text, ""))
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    with pytest.raises(JobError, match="no answer"):
        ask(f"http://127.0.0.1:{port}", Question(text, ""))


def test_a_port_that_is_taken_is_passed_over() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert port < free_port(port) < port + 100
    assert free_port(port) == port
