"""The service as a whole: on Ray Serve, over HTTP, with a trained model, and with clients of all kinds."""

import asyncio
import base64
import hashlib
import json
import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import openai
import psutil
import pytest
import ray
from PIL import Image
from ray import serve

from affectgpt.serving.application import build
from tests.inference.trained import answer, save_trained
from tests.media import Sound, Video, write_media

TOKENS = "24"
REQUESTS = 6
STARTED_WITHIN_S = 240.0
KEY = "a key of one who may ask"
MAY_ASK = {"Authorization": f"Bearer {KEY}"}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_trained(tmp_path_factory.mktemp("trained") / "model")


@pytest.fixture(scope="module")
def settings(model: Path) -> dict[str, Any]:
    limits = {"requests": REQUESTS, "body_bytes": 1_000_000}
    file = model.with_name("keys")
    file.write_text(f"{hashlib.sha256(KEY.encode()).hexdigest()}  ann\n")
    keys = {"file": str(file), "requests_per_minute": 1e6, "concurrency": 1000}
    return {"model": str(model), "generation": {"max_tokens": 24}, "limits": limits, "keys": keys}


@pytest.fixture(scope="module")
def url(settings: dict[str, Any]) -> Iterator[str]:
    """A service on a cluster of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    ray.init(address="local", num_cpus=4, include_dashboard=False, log_to_driver=False, logging_level="warning")
    try:
        serve.start(http_options={"host": "127.0.0.1", "port": port})
        serve.run(build(settings), name="affectgpt", route_prefix="/")
        yield f"http://127.0.0.1:{port}"
    finally:
        serve.shutdown()
        ray.shutdown()


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    write_media(folder / "both.mp4", Video(), Sound())
    write_media(folder / "voice.wav", sound=Sound(codec="pcm_s16le", seconds=1.3))
    Image.new("RGB", (96, 64), (127, 127, 127)).save(folder / "grey.png")
    whole = (folder / "both.mp4").read_bytes()
    (folder / "half.mp4").write_bytes(whole[: len(whole) // 2])
    (folder / "text.mp4").write_text("this is no film\n" * 100)
    (folder / "empty.mp4").touch()
    return folder


def post(client: httpx2.Client, clip: Path, **fields: str) -> httpx2.Response:
    return client.post("/v1/describe", files={"file": (clip.name, clip.read_bytes())}, data=fields)


async def post_many(url: str, clips: list[Path], **fields: str) -> list[httpx2.Response]:
    async with httpx2.AsyncClient(base_url=url, headers=MAY_ASK, timeout=60.0) as client:
        files = [{"file": (clip.name, clip.read_bytes())} for clip in clips]
        return await asyncio.gather(*(client.post("/v1/describe", files=file, data=fields) for file in files))


def await_answer(client: httpx2.Client, clip: Path) -> httpx2.Response:
    """Ask until the service has room and a worker."""
    until = time.monotonic() + STARTED_WITHIN_S
    while True:
        got = post(client, clip)
        if got.status_code not in {429, 503} or time.monotonic() > until:
            return got
        time.sleep(0.2)


@pytest.fixture
def client(url: str) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=url, headers=MAY_ASK, timeout=60.0) as client:
        yield client


def test_a_clip_is_described_and_the_answer_has_one_id(client: httpx2.Client, clips: Path) -> None:
    assert client.get("/healthz").json() == {"status": "alive"}
    got = post(client, clips / "both.mp4")
    assert got.json()["description"] == answer(True, True)
    assert got.headers.get_list("X-Request-Id") == [got.json()["request_id"]]
    ready = client.get("/readyz").json()
    assert ready["fingerprint"] == got.json()["model"]["fingerprint"]


def test_a_description_is_streamed_while_it_is_written(client: httpx2.Client, clips: Path) -> None:
    files = {"file": ("both.mp4", (clips / "both.mp4").read_bytes())}
    with client.stream("POST", "/v1/describe", files=files, data={"stream": "true"}) as got:
        lines = [line for line in got.iter_lines() if line]
    assert lines[0] == "event: clip" and lines[-2] == "event: done"
    assert json.loads(lines[-1].removeprefix("data: "))["description"] == answer(True, True)


def test_nobody_asks_without_a_key(url: str, clips: Path) -> None:
    with httpx2.Client(base_url=url, timeout=60.0) as stranger:
        got = post(stranger, clips / "both.mp4")
        assert (got.status_code, got.headers["WWW-Authenticate"]) == (401, "Bearer")
        stranger.headers["Authorization"] = "Bearer another"
        assert post(stranger, clips / "both.mp4").json()["error"]["type"] == "unknown-key"
    with openai.OpenAI(base_url=f"{url}/v1", api_key="none") as chat, pytest.raises(openai.AuthenticationError):
        chat.models.list()


def test_clients_of_openai_work_as_they_are(url: str, clips: Path) -> None:
    voice, grey, both = (
        base64.b64encode((clips / name).read_bytes()).decode() for name in ("voice.wav", "grey.png", "both.mp4")
    )
    sound = {"type": "input_audio", "input_audio": {"data": voice, "format": "wav"}}
    picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{grey}"}}
    video = {"type": "video_url", "video_url": {"url": f"data:video/mp4;base64,{both}"}}
    asked: list[tuple[list[Any], str]] = [
        ([sound], answer(False, True)),
        ([picture], answer(True, False)),
        ([picture, sound], answer(True, True)),
        ([video], answer(True, True)),
    ]
    with openai.OpenAI(base_url=f"{url}/v1", api_key=KEY) as chat:
        (name,) = [model.id for model in chat.models.list()]
        for parts, wanted in asked:
            messages: list[Any] = [{"role": "user", "content": parts}]
            told = chat.chat.completions.create(model=name, messages=messages)
            assert told.choices[0].message.content == wanted
            chunks = list(chat.chat.completions.create(model=name, messages=messages, stream=True))
            assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == wanted
        with pytest.raises(openai.NotFoundError, match="the model gpt-4 is not served here"):
            chat.chat.completions.create(model="gpt-4", messages=messages)


def test_many_clients_get_their_own_answers_or_are_told_to_come_again(url: str, clips: Path) -> None:
    wanted = [clips / ("both.mp4" if number % 2 else "voice.wav") for number in range(6 * REQUESTS)]
    got = asyncio.run(post_many(url, wanted))
    assert {one.status_code for one in got} == {200, 429}
    for clip, one in zip(wanted, got, strict=True):
        if one.status_code == 200:
            assert one.json()["description"] == answer(clip.suffix == ".mp4", True)
        else:
            assert '"queue-full"' in one.text, (one.text, one.headers)
            assert one.headers["Retry-After"] == "1"
    few = asyncio.run(post_many(url, wanted[:REQUESTS]))
    assert [one.status_code for one in few] == [200] * REQUESTS


def test_bad_clips_cost_nobody_else_anything(url: str, clips: Path) -> None:
    names = ["half.mp4", "both.mp4", "text.mp4", "empty.mp4", "voice.wav"]
    half, both, text, empty, voice = asyncio.run(post_many(url, [clips / name for name in names]))
    assert both.json()["labels"][0]["label"] == "calm"
    assert voice.json()["labels"][0]["label"] == "sad"
    assert (text.status_code, empty.status_code) == (415, 422)
    assert half.status_code in {200, 415, 422}


def test_hostile_requests_are_refused(client: httpx2.Client) -> None:
    for uri in ("file:///etc/passwd", "https://169.254.169.254/", "https://localhost:8265/"):
        got = client.post("/v1/describe", json={"uri": uri})
        assert (got.status_code, set(got.json()["error"])) == (403, {"type", "message", "request_id"})
    large = {"file": ("large.mp4", bytes(2_000_000))}
    assert client.post("/v1/describe", files=large).status_code == 413


def test_a_client_that_hangs_up_frees_its_place(client: httpx2.Client, url: str, clips: Path) -> None:
    files = {"file": ("both.mp4", (clips / "both.mp4").read_bytes())}
    endless = {"stream": "true", "max_tokens": "400", "temperature": "50"}
    for _ in range(2 * REQUESTS):
        with (
            httpx2.Client(base_url=url, headers=MAY_ASK, timeout=60.0) as leaving,
            leaving.stream("POST", "/v1/describe", files=files, data=endless) as got,
        ):
            assert got.status_code in {200, 429}
            next(got.iter_lines())
    assert await_answer(client, clips / "both.mp4").status_code == 200


def test_prometheus_is_told_of_it(client: httpx2.Client, clips: Path) -> None:
    post(client, clips / "both.mp4")
    (node,) = ray.nodes()
    wanted = ("affectgpt_requests_total", "affectgpt_step_seconds_bucket", "affectgpt_tokens_total")
    until = time.monotonic() + STARTED_WITHIN_S
    told = ""
    while not all(name in told for name in wanted) and time.monotonic() < until:
        told = httpx2.get(f"http://{node['NodeManagerAddress']}:{node['MetricsExportPort']}/metrics").text
        time.sleep(0.5)
    assert all(name in told for name in wanted)
    assert 'route="/v1/describe"' in told


def test_a_lost_model_worker_costs_no_more_than_its_requests(client: httpx2.Client, url: str, clips: Path) -> None:
    async def scene() -> list[httpx2.Response]:
        asked = asyncio.create_task(post_many(url, [clips / "both.mp4"] * REQUESTS))
        await asyncio.sleep(0.05)
        for process in psutil.Process().children(recursive=True):
            if "ServeReplica:affectgpt:Describer" in " ".join(process.cmdline()):
                process.kill()
        return await asked

    got = asyncio.run(scene())
    assert {one.status_code for one in got} <= {200, 503}
    assert all("Retry-After" in one.headers for one in got if one.status_code == 503)
    assert await_answer(client, clips / "both.mp4").json()["description"] == answer(True, True)


def test_another_model_takes_over_without_a_failed_request(
    client: httpx2.Client, settings: dict[str, Any], clips: Path, tmp_path: Path
) -> None:
    copy = shutil.copytree(settings["model"], tmp_path / "model")
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps({**config, "name_or_path": "another"}))
    before = post(client, clips / "both.mp4").json()["model"]["fingerprint"]
    another = serve.RunTarget(build({**settings, "model": str(copy)}), name="affectgpt", route_prefix="/")
    serve.run_many([another], wait_for_applications_running=False)
    until = time.monotonic() + STARTED_WITHIN_S
    seen = {before}
    while len(seen) == 1 and time.monotonic() < until:
        got = post(client, clips / "both.mp4")
        assert got.status_code == 200, got.text
        seen.add(got.json()["model"]["fingerprint"])
    assert len(seen) == 2
