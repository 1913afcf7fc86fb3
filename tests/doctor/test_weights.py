"""Where a node finds weights: a folder, the cache of the hub's client, or the hub, asked by HEAD alone."""

import http.server
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from affectgpt.doctor.check import Node
from affectgpt.doctor.needs import Needs, Weights
from affectgpt.doctor.weights import Place, WeightsCheck

LOOK = """
import sys
from affectgpt.doctor.needs import Needs, Weights
from affectgpt.doctor.weights import WeightsCheck
weights = Weights(sys.argv[1], "abc")
place = WeightsCheck().look(Needs((), (), weights=(weights,)))[weights]
print(place.found or place.trouble)
"""


class Hub(http.server.ThreadingHTTPServer):
    """A hub that has one model and notes how it is asked."""

    asked: list[str]


class Answering(http.server.BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        self.server.asked.append(f"HEAD {self.path}")
        known = self.path == "/owner/known/resolve/abc/config.json"
        self.send_response(200 if known else 404)
        for name, value in {"ETag": '"1"', "X-Repo-Commit": "abc", "Content-Length": "2"}.items():
            self.send_header(name, value)
        if not known:
            self.send_header("X-Error-Code", "RepoNotFound")
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub(("127.0.0.1", 0), Answering) as server:
        server.asked = []
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield server
        server.shutdown()


def asked_hub(name: str, hub: Hub, cache: Path) -> str:
    """What a process says whose hub and cache are these; the hub's client reads the environment once."""
    environment = {"HF_ENDPOINT": f"http://127.0.0.1:{hub.server_port}", "HF_HOME": str(cache), "PATH": ""}
    command = [sys.executable, "-c", LOOK, name]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()


def test_a_model_on_the_hub_is_asked_for_by_head(hub: Hub, tmp_path: Path) -> None:
    assert asked_hub("owner/known", hub, tmp_path) == "on the hub, to be downloaded by each node"
    assert hub.asked == ["HEAD /owner/known/resolve/abc/config.json"]
    assert not list(tmp_path.rglob("*.json"))


def test_a_model_that_the_hub_does_not_have(hub: Hub, tmp_path: Path) -> None:
    assert asked_hub("owner/other", hub, tmp_path).startswith("the hub does not give it: 404")


def test_a_model_in_the_cache_is_not_asked_for(hub: Hub, tmp_path: Path) -> None:
    repository = tmp_path / "hub" / "models--owner--known"
    snapshot = repository / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("abc")
    (snapshot / "config.json").write_text("{}")
    assert asked_hub("owner/known", hub, tmp_path).startswith("on the hub"), "a configuration is no weights"
    (snapshot / "model.safetensors").write_text("")
    hub.asked.clear()
    assert asked_hub("owner/known", hub, tmp_path) == "in the cache"
    assert not hub.asked


@pytest.mark.parametrize(
    ("files", "place"),
    [
        (["config.json", "model.safetensors"], Place("a folder")),
        (["model.safetensors"], Place(None, "the folder has no config.json")),
        (["config.json"], Place(None, "the folder has no weights")),
        (None, Place(None, "there is no such folder")),
    ],
)
def test_a_folder_is_looked_into(files: list[str] | None, place: Place, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    for name in files or []:
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps({}))
    weights = Weights(str(folder))
    assert WeightsCheck().look(Needs((), (), weights=(weights,))) == {weights: place}


def test_nodes_without_a_model_are_named() -> None:
    weights = Weights("/models/writer")
    needs = Needs((), (), weights=(weights,))
    one, two = Node("one", "1", "a"), Node("two", "2", "b")
    seen = {one: {weights: Place("a folder")}, two: {weights: Place(None, "there is no such folder")}}
    [finding] = WeightsCheck().judge(needs, seen)
    assert (finding.state, finding.node) == ("failed", "two") and "same folder on each node" in finding.remedy
