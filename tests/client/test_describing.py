"""``describe --server``: a folder of clips goes to a running service."""

import json
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from affectgpt.client.describing import ServerRequest, describe_by_server
from affectgpt.errors import JobError, StoppedError
from affectgpt.evaluation.tables import read_table
from affectgpt.inference.command import main
from affectgpt.inference.predictions import predictions_schema
from tests.client.conftest import Log
from tests.serving.page.canned_model import EN, ZH
from tests.serving.page.conftest import Served, serving_page


def rows_of(output: Path) -> dict[str, dict[str, Any]]:
    rows = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
    return {row["clip_id"]: row for row in rows}


def run(served: Served, source: Path, output: Path, *more: str) -> int:
    return main(["--server", served.url, "--input", str(source), "--output", str(output), *more])


def test_each_clip_of_a_folder_has_a_row_as_the_job_on_ray_writes_it(
    served: Served, clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "new" / "out.jsonl"
    assert run(served, clips, output) == 0
    rows = rows_of(output)
    assert set(rows) == {"both", "voice", "text", "empty"}
    assert all(list(row) == predictions_schema("en").names for row in rows.values())
    both, voice = rows["both"], rows["voice"]
    assert both["description_en"] == EN and both["labels"] == ["sad", "anxious", "grateful", "wistful"]
    assert (both["subtitle"], both["has_video"], both["has_audio"]) == ("Good morning.", True, True)
    assert (voice["subtitle"], voice["has_video"], voice["has_audio"]) == (None, False, True)
    assert both["uri"] == str(clips / "both.mp4") and both["error"] is None
    assert (rows["text"]["error"], rows["empty"]["error"]) == ("not-media", "empty-file")
    assert "the clip is not video or sound" in rows["text"]["message"] and rows["text"]["labels"] == []
    said = capsys.readouterr()
    assert "4 clips = 2 described + 2 failed" in said.out and "grateful 2" in said.out
    assert "the model affectgpt (8e72cc6e8e72)" in said.err and "described: 4 of 4 clips" in said.err
    assert read_table(str(output)).clip_ids


def test_a_manifest_tells_words_and_ids(served: Served, clips: Path, tmp_path: Path) -> None:
    manifest = tmp_path / "clips.csv"
    lines = ["uri,clip_id,subtitle,end_s", f"{clips}/both.mp4,one,你好,", f"{clips}/both.mp4,two,,1.0", ",,,"]
    manifest.write_text("\n".join(lines) + "\n", encoding="utf-8")
    output = tmp_path / "out.jsonl"
    command = ["--server", served.url, "--manifest", str(manifest), "--output", str(output), "--language", "zh"]
    assert main(command) == 0
    rows = rows_of(output)
    assert (rows["one"]["subtitle"], rows["one"]["description_zh"]) == ("你好", ZH)
    assert (rows["two"]["error"], rows["two"]["end_s"]) == ("span-not-sent", 1.0)
    assert [row["error"] for row in rows.values()].count("bad-manifest-row") == 1


def test_many_clips_go_through_a_service_that_takes_one_at_a_time(clips: Path, tmp_path: Path, log: Log) -> None:
    for number in range(12):
        shutil.copy(clips / "both.mp4", tmp_path / f"{number}.mp4")
    output = tmp_path / "out.jsonl"
    with serving_page(limits={"requests": 1}) as served:
        assert run(served, tmp_path, output, "--concurrency", "3", "--limit", "10") == 0
    assert len(rows_of(output)) == 10
    assert all(row["error"] is None for row in rows_of(output).values())
    log.wait(200, count=10)
    assert set(log.described()) <= {200, 429}


def test_a_key_comes_from_the_environment(
    guarded: Served, clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out.jsonl"
    assert run(guarded, clips / "both.mp4", output) == 2
    assert "put the key into AFFECTGPT_API_KEY" in capsys.readouterr().err
    assert not output.exists()
    monkeypatch.setenv("AFFECTGPT_API_KEY", "secret")
    assert run(guarded, clips / "both.mp4", output) == 0


def test_clips_that_all_fail_are_a_failure(
    served: Served, clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out.jsonl"
    assert run(served, clips / "text.mp4", output) == 1
    assert "1 of 1 clips could not be described:\n  1 x not-media, for example: text: " in capsys.readouterr().err
    assert list(rows_of(output)) == ["text"]


def test_too_many_of_many_are_a_failure(served: Served, clips: Path, tmp_path: Path) -> None:
    lines = [
        f"{clips}/{name}.mp4,{name}{number}" for name, count in (("both", 94), ("none", 6)) for number in range(count)
    ]
    manifest, output = tmp_path / "clips.csv", tmp_path / "out.jsonl"
    manifest.write_text("\n".join(["uri,clip_id", *lines]))
    with pytest.raises(JobError, match=r"6 of 100 clips could not be described:\n  6 x not-found"):
        describe_by_server(ServerRequest(served.url, None, str(manifest), str(output)))
    assert len(rows_of(output)) == 100


def test_a_service_that_is_lost_stops_the_job_and_the_rows_so_far_stay(clips: Path, tmp_path: Path, log: Log) -> None:
    lines = [f"{clips}/both.mp4,{number}" for number in range(300)]
    manifest, output = tmp_path / "clips.csv", tmp_path / "out.jsonl"
    manifest.write_text("\n".join(["uri,clip_id", *lines]))
    with ThreadPoolExecutor() as threads:
        with serving_page() as served:
            request = ServerRequest(served.url, None, str(manifest), str(output), concurrency=1)
            job = threads.submit(describe_by_server, request)
            log.wait(200, count=2)
        with pytest.raises(StoppedError, match=r"answers no more.* has the \d+ rows so far"):
            job.result(120)
    assert 0 < len(rows_of(output)) < 300


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"--server": "http://127.0.0.1:9"}, "cannot be reached"),
        ({"--server": "no url"}, "write it as http://host:8000"),
        ({"--input": "{tmp}/none"}, "{tmp}/none does not exist"),
        ({"--output": "{tmp}/out.csv"}, "name a .jsonl file of this machine"),
        ({"--output": "s3://bucket/out.jsonl"}, "output"),
        ({"--set": "workers.batch_size=1"}, "--set is for --model alone"),
        ({"--recipe": "laptop"}, "--recipe is for --model alone"),
    ],
)
def test_a_wrong_request_is_refused(
    served: Served,
    clips: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    changed: dict[str, str],
    expected: str,
) -> None:
    options = {"--server": served.url, "--input": str(clips), "--output": "{tmp}/out.jsonl"} | changed
    assert main([word.format(tmp=tmp_path) for pair in options.items() for word in pair]) == 2
    said = capsys.readouterr().err
    assert said.startswith("describe: ") and expected.format(tmp=tmp_path) in said
    assert list(tmp_path.iterdir()) == []


class _Other(BaseHTTPRequestHandler):
    """Some other server, which finds everything well."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>Welcome</html>")


def test_another_server_is_no_service(clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with HTTPServer(("127.0.0.1", 0), _Other) as other:
        thread = threading.Thread(target=other.serve_forever)
        thread.start()
        try:
            url = f"http://127.0.0.1:{other.server_port}"
            assert main(["--server", url, "--input", str(clips), "--output", f"{tmp_path}/out.jsonl"]) == 2
        finally:
            other.shutdown()
            thread.join()
    assert "does not answer as this client knows it" in capsys.readouterr().err
