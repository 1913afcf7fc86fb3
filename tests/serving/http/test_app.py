from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from affectgpt.serving.describer import Describer
from affectgpt.serving.exchange import ModelFacts, Told
from affectgpt.serving.http.app import create_app
from affectgpt.serving.service import Service
from affectgpt.serving.settings import read_settings
from tests.serving.conftest import Serving


def test_it_is_alive_and_ready(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "alive"}
    ready = client.get("/readyz").json()
    assert (ready["status"], ready["model"], len(ready["fingerprint"])) == ("ready", "affectgpt", 64)


def test_the_documentation_needs_no_other_host(client: TestClient) -> None:
    docs = client.get("/docs")
    assert docs.status_code == 200
    for path in ("/v1/describe", "/v1/describe/batch", "/v1/chat/completions", "/v1/models", "/healthz", "/readyz"):
        assert f"<code>{path}</code>" in docs.text
    assert "http://" not in docs.text and "<script" not in docs.text
    schema = client.get("/openapi.json").json()
    form = schema["paths"]["/v1/describe"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert form["required"] == ["file"] and "subtitle" in form["properties"]


def test_what_is_not_there_is_an_error_like_any_other(client: TestClient) -> None:
    got = client.get("/nowhere")
    assert (got.status_code, got.json()["error"]["type"]) == (404, "not-found")
    assert client.get("/v1/describe").status_code == 405
    for name in ("nothing.js", "..%2Fsettings.py", "%2Fetc%2Fpasswd"):
        assert client.get(f"/page/{name}").status_code == 404


def test_the_id_that_a_client_gives_is_kept(client: TestClient) -> None:
    got = client.get("/nowhere", headers={"X-Request-Id": "mine"})
    assert got.headers["X-Request-Id"] == got.json()["error"]["request_id"] == "mine"


def test_pages_of_other_hosts_may_ask_only_where_that_is_wanted(serving: Serving, client: TestClient) -> None:
    origin = {"Origin": "https://a.org"}
    assert "Access-Control-Allow-Origin" not in client.get("/healthz", headers=origin).headers
    with serving(cors_origins=["https://a.org"]) as open_client:
        headers = open_client.get("/healthz", headers=origin).headers
        assert headers["Access-Control-Allow-Origin"] == "https://a.org"


class Broken(Describer):
    """A model whose worker has a fault of its own."""

    def __init__(self) -> None:
        pass

    async def facts(self) -> ModelFacts:
        raise KeyError("a secret of the machine")

    async def describe(self, query: object) -> Told:
        raise AssertionError


def test_a_fault_of_the_service_says_nothing_of_its_inside(
    model: Path, clips: Path, caplog: pytest.LogCaptureFixture
) -> None:
    service = Service(read_settings({"model": str(model)}), Broken())
    with TestClient(create_app(service, names_requests=True)) as client, (clips / "both.mp4").open("rb") as clip:
        got = client.post("/v1/describe", files={"file": ("both.mp4", clip)}, data={"subtitle": "private words"})
    assert (got.status_code, got.json()["error"]["type"]) == (500, "internal-error")
    assert got.headers["X-Request-Id"] == got.json()["error"]["request_id"]
    assert "secret" not in got.text
    assert "private words" not in caplog.text
