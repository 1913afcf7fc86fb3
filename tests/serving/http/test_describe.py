import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.inference.trained import answer
from tests.media import Sound, Video, write_media
from tests.serving.conftest import Serving


def upload(client: TestClient, clip: Path, **fields: Any) -> Any:
    with clip.open("rb") as file:
        return client.post("/v1/describe", files={"file": (clip.name, file)}, data=fields)


def events(text: str) -> Iterator[tuple[str, dict]]:
    for block in text.strip().split("\n\n"):
        name, data = block.split("\n")
        yield name.removeprefix("event: "), json.loads(data.removeprefix("data: "))


def refused(got: Any) -> tuple[int, str]:
    error = got.json()["error"]
    assert set(error) == {"type", "message", "request_id"}
    assert error["request_id"] == got.headers["X-Request-Id"]
    return got.status_code, error["type"]


def test_an_uploaded_clip_is_described(client: TestClient, clips: Path) -> None:
    got = upload(client, clips / "both.mp4", subtitle="Good morning.")
    assert got.status_code == 200
    found = got.json()
    assert found["description"] == answer(True, True)
    assert found["labels"] == [{"label": "calm", "clues": []}]
    clip = found["clip"]
    assert clip.pop("duration_s") == pytest.approx(2.0, abs=0.1)
    assert clip.pop("frame_times_s") == pytest.approx([0.25, 0.75, 1.25, 1.75], abs=0.1)
    present = {"has_video": True, "has_audio": True, "seen": True, "heard": True}
    assert clip == {**present, "subtitle": "Good morning."}
    assert found["model"]["name"] == "affectgpt" and len(found["model"]["fingerprint"]) == 64
    assert found["model"]["trained_on"] == {}
    assert found["complete"] and found["tokens"]["description"] > 1
    assert set(found["seconds"]) == {"receive", "decode", "wait", "model", "total"}
    assert found["seconds"]["total"] >= found["seconds"]["model"] > 0
    assert found["request_id"] == got.headers["X-Request-Id"]


def test_a_clip_is_asked_about_in_another_language_and_briefly(client: TestClient, clips: Path) -> None:
    found = upload(client, clips / "voice.wav", language="zh").json()
    assert (found["description"], found["language"]) == (answer(False, True, "zh"), "zh")
    assert not found["clip"]["seen"]
    short = upload(client, clips / "voice.wav", max_tokens="2", question="How?", temperature="0.5").json()
    assert short["tokens"]["description"] <= 2


def test_a_description_is_streamed(client: TestClient, clips: Path) -> None:
    got = upload(client, clips / "both.mp4", stream="true")
    assert got.headers["Content-Type"].startswith("text/event-stream")
    (first, clip), *texts, (last, done) = events(got.text)
    assert (first, last) == ("clip", "done")
    assert {name for name, _ in texts} == {"text"}
    assert "".join(data["text"] for _, data in texts) == done["description"] == answer(True, True)
    assert clip == done["clip"]


@pytest.mark.parametrize("stream", ["false", "true"])
def test_a_clip_that_cannot_be_used_says_why_and_not_where_it_lay(
    client: TestClient, clips: Path, tmp_path: Path, stream: str
) -> None:
    got = upload(client, clips / "text.mp4", stream=stream)
    assert refused(got) == (415, "not-media")
    assert got.json()["error"]["message"].startswith("the clip is not video or sound")
    (tmp_path / "empty.mp4").touch()
    assert refused(upload(client, tmp_path / "empty.mp4", stream=stream)) == (422, "empty-file")


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"language": "de"}, "language"),
        ({"temperature": "-1"}, "temperature"),
        ({"max_tokens": "many"}, "max_tokens"),
        ({"max_tokens": "100000"}, "max_tokens 100000"),
        ({"question": " "}, "question"),
        ({"question": "?" * 1001}, "1001 characters"),
        ({"subtitle": "?" * 2001}, "2001 characters"),
        ({"captions": "Hello."}, "captions"),
    ],
)
def test_a_wrong_wish_is_named(client: TestClient, clips: Path, fields: dict[str, str], named: str) -> None:
    got = upload(client, clips / "both.mp4", **fields)
    assert refused(got)[0] == 422
    assert named in got.json()["error"]["message"]


def test_bodies_of_another_kind_are_refused(client: TestClient, clips: Path) -> None:
    assert refused(client.post("/v1/describe", content=b"{}")) == (415, "content-type")
    assert refused(client.post("/v1/describe", json={})) == (422, "bad-request")
    assert refused(client.post("/v1/describe", json={"uri": "file:///etc/passwd"})) == (403, "scheme-not-allowed")
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    assert refused(client.post("/v1/describe", content=b"no form", headers=form)) == (422, "bad-form")
    without_file = client.post("/v1/describe", files={"other": ("a.mp4", b"?")})
    assert refused(without_file) == (422, "no-file")
    bad_json = client.post("/v1/describe", content=b"{", headers={"Content-Type": "application/json"})
    assert refused(bad_json) == (422, "bad-request")
    assert bad_json.json()["error"]["message"].startswith("the body: Invalid JSON")


def test_each_limit_has_its_own_error(serving: Serving, clips: Path, tmp_path: Path) -> None:
    long = write_media(tmp_path / "long.mp4", Video(frames=75), Sound(seconds=3.0))
    limits = {"limits.duration_s": 2.5, "limits.pixels": 96 * 64, "limits.body_bytes": long.stat().st_size + 1000}
    with serving(**limits, **{"limits.batch_clips": 1, "limits.json_bytes": 100}) as client:
        assert upload(client, clips / "both.mp4").status_code == 200
        assert refused(upload(client, long)) == (422, "too-long")
        wide = write_media(tmp_path / "wide.mp4", Video(size=(128, 64), frames=5))
        assert refused(upload(client, wide)) == (422, "too-large")
        big = tmp_path / "big.mp4"
        big.write_bytes(bytes(long.stat().st_size + 1000))
        assert refused(upload(client, big)) == (413, "body-too-large")
        many = {"uris": ["https://a.org/1", "https://a.org/2"]}
        assert refused(client.post("/v1/describe/batch", json=many)) == (422, "too-many-clips")
        assert refused(client.post("/v1/describe", json={"uri": "?" * 100})) == (413, "body-too-large")

        def without_length() -> Iterator[bytes]:
            yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.mp4"\r\n\r\n'
            yield from (bytes(1000) for _ in range(1000))

        form = {"Content-Type": "multipart/form-data; boundary=x"}
        chunked = client.post("/v1/describe", content=without_length(), headers=form)
        assert refused(chunked) == (413, "body-too-large")


def test_a_request_that_takes_too_long_is_ended(serving: Serving, clips: Path) -> None:
    with serving(**{"limits.request_s": 1e-6}) as client:
        assert refused(upload(client, clips / "both.mp4")) == (504, "request-timeout")
    with serving(**{"limits.upload_s": 1e-9}) as client:
        assert refused(upload(client, clips / "both.mp4")) == (408, "upload-timeout")


def test_requests_are_let_in_by_their_key(serving: Serving, clips: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The SHA-256 of "secret".
    digest = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"
    monkeypatch.setenv("KEYS", f"{digest} ann")
    with serving(**{"keys.environment": "KEYS", "keys.requests_per_minute": 6.0}) as client:
        got = upload(client, clips / "both.mp4")
        assert refused(got) == (401, "no-key")
        assert got.headers["WWW-Authenticate"] == "Bearer"
        client.headers["Authorization"] = "Bearer secret"
        assert upload(client, clips / "both.mp4").status_code == 200
        again = upload(client, clips / "both.mp4")
        assert refused(again) == (429, "rate-limit")
        assert 1 <= int(again.headers["Retry-After"]) <= 10
        assert client.get("/healthz").status_code == client.get("/v1/models").status_code == 200


def test_each_clip_of_a_batch_has_an_outcome(client: TestClient) -> None:
    uris = ["file:///etc/passwd", "https://127.0.0.1/a.mp4"]
    found = client.post("/v1/describe/batch", json={"uris": uris, "language": "zh"}).json()
    assert [outcome["uri"] for outcome in found["outcomes"]] == uris
    assert [outcome["error"]["type"] for outcome in found["outcomes"]] == ["scheme-not-allowed", "address-not-allowed"]
    assert refused(client.post("/v1/describe/batch", json={"uris": []})) == (422, "bad-request")


def test_uploads_are_kept_only_where_that_is_wanted(
    serving: Serving, clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    with serving(keep_uploads=str(tmp_path / "kept")) as client:
        for name in ("both.mp4", "text.mp4"):
            upload(client, clips / name)
    kept = sorted(path.read_bytes() for path in (tmp_path / "kept").iterdir())
    assert kept == sorted((clips / name).read_bytes() for name in ("both.mp4", "text.mp4"))
    assert list((tmp_path / "temporary").iterdir()) == []
