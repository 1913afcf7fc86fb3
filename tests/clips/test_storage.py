import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow.fs
import pytest

from affectgpt.clips.storage import (
    address_of,
    anchored,
    content_sha256,
    filesystem_of,
    join_uri,
    local_path,
    open_source,
    split_uri,
    stat_source,
    translated_errors,
)
from affectgpt.errors import ClipError
from tests.clips.web_server import Web, serve

CONTENT = os.urandom(1 << 20) * 6


def reason_of(uri: str) -> str:
    with pytest.raises(ClipError) as raised:
        stat_source(uri)
    return raised.value.reason


@pytest.fixture
def web() -> Iterator[Web]:
    with serve({"/a%20b%23.mp4": CONTENT, "/no-ranges.mp4": CONTENT, "/empty.mp4": b""}) as served:
        yield served


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("/data/a b#c%20?.mp4", "/data/a b#c%20?.mp4"),
        ("file:///data/a%20b%23.mp4", "/data/a b#.mp4"),
        ("file:///data/%E4%BD%A0.mp4", "/data/你.mp4"),
        ("file://localhost/data/你.mp4", "/data/你.mp4"),
        ("file:/data/x.mp4", "/data/x.mp4"),
        ("x.mp4", "x.mp4"),
    ],
)
def test_local_path(uri: str, path: str) -> None:
    assert local_path(uri) == Path(path)


def test_local_path_is_none_for_other_schemes() -> None:
    assert local_path("s3://bucket/key") is None
    assert local_path("https://host/x.mp4") is None


def test_file_uri_of_another_host_is_refused() -> None:
    assert reason_of("file://elsewhere/x.mp4") == "unsupported-uri"


@pytest.mark.parametrize(
    ("folder", "relative", "joined"),
    [
        ("/data", "a b/c#1.mp4", "/data/a b/c#1.mp4"),
        ("/data/x", "../y.mp4", "/data/y.mp4"),
        ("s3://bucket/p", "a b/c#1%.mp4", "s3://bucket/p/a%20b/c%231%25.mp4"),
        ("s3://bucket/p/", "./../y.mp4", "s3://bucket/y.mp4"),
        ("s3://bucket?scheme=http", "y.mp4", "s3://bucket/y.mp4?scheme=http"),
        ("https://host/p", "你.mp4", "https://host/p/%E4%BD%A0.mp4"),
    ],
)
def test_join_uri(folder: str, relative: str, joined: str) -> None:
    assert join_uri(folder, relative) == joined


@pytest.mark.parametrize(
    ("uri", "address"),
    [
        ("/in/what?.mp4", "/in/what?.mp4"),
        ("s3://bucket/a.mp4?endpoint_override=host:9000&scheme=http", "s3://bucket/a.mp4"),
        ("https://host/a.mp4?X-Amz-Date=1&X-Amz-Signature=2", "https://host/a.mp4"),
        ("https://host/a.mp4?sv=1&sig=2", "https://host/a.mp4"),
        ("https://host/get?file=a.mp4", "https://host/get?file=a.mp4"),
        ("https://host/a.mp4", "https://host/a.mp4"),
    ],
)
def test_address_of(uri: str, address: str) -> None:
    assert address_of(uri) == address


def test_split_uri() -> None:
    assert split_uri("/data/a b.mp4") == ("/data", "a b.mp4")
    assert split_uri("s3://bucket/p/a%20b.mp4?scheme=http") == ("s3://bucket/p?scheme=http", "a b.mp4")


def test_object_keys_survive_the_way_into_a_uri_and_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    filesystem, key = filesystem_of(join_uri("s3://bucket/folder", "a b#?%/你.mp4"))
    assert filesystem.type_name == "s3"
    assert key == "bucket/folder/a b#?%/你.mp4"


def test_filesystem_of_a_local_path_writes(tmp_path: Path) -> None:
    filesystem, path = filesystem_of(str(tmp_path / "out #1.txt"))
    assert isinstance(filesystem, pyarrow.fs.LocalFileSystem)
    with filesystem.open_output_stream(path) as stream:
        stream.write(b"written")
    assert (tmp_path / "out #1.txt").read_bytes() == b"written"


@pytest.mark.parametrize("name", ["plain.mp4", "with space.MP4", "你好 é#%3F?.mp4"])
def test_local_files_are_described_opened_and_hashed(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(CONTENT)
    for uri in (str(path), path.as_uri()):
        described = stat_source(uri)
        assert described.size_bytes == len(CONTENT)
        assert described.modified == str(path.stat().st_mtime_ns)
        assert content_sha256(uri) == hashlib.sha256(CONTENT).hexdigest()
        with open_source(uri) as stream:
            stream.seek(1000)
            assert stream.read(10) == CONTENT[1000:1010]


def test_what_is_no_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "link.mp4").symlink_to("gone.mp4")
    (tmp_path / "circle.mp4").symlink_to("circle.mp4")
    os.mkfifo(tmp_path / "pipe.mp4")
    assert reason_of(str(tmp_path / "missing.mp4")) == "not-found"
    assert reason_of(str(tmp_path / "empty.mp4" / "below.mp4")) == "not-found"
    assert reason_of(str(tmp_path / "folder.mp4")) == "is-a-directory"
    assert reason_of(str(tmp_path / "empty.mp4")) == "empty-file"
    assert reason_of(str(tmp_path / "circle.mp4")) == "not-found"
    assert reason_of(str(tmp_path / "pipe.mp4")) == "unsupported-uri"
    assert reason_of(str(tmp_path / ("x" * 300))) == "not-found"
    assert reason_of("nul\0.mp4") == "not-found"
    assert reason_of("") == "unsupported-uri"
    with pytest.raises(ClipError, match=r"link\.mp4 is a dangling symlink: its target gone\.mp4"):
        stat_source(str(tmp_path / "link.mp4"))


def test_symlinks_are_followed(tmp_path: Path) -> None:
    (tmp_path / "real.mp4").write_bytes(b"content")
    (tmp_path / "link.mp4").symlink_to("real.mp4")
    assert stat_source(str(tmp_path / "link.mp4")).size_bytes == 7


def test_unreadable_file() -> None:
    code = """
import os, sys
from affectgpt.clips.storage import stat_source
from affectgpt.errors import ClipError
if os.geteuid() == 0:
    os.setgid(65534), os.setuid(65534)
try:
    stat_source(sys.argv[1])
except ClipError as error:
    print(error)
"""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        path = Path(folder) / "locked.mp4"
        path.write_bytes(b"content")
        path.chmod(0)
        answer = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert answer.stdout.startswith(f"access-denied: {path} may not be read by user id")


@pytest.mark.parametrize("uri", ["ftp://host/x.mp4", "nonsense://x", "s3://bad bucket/x"])
def test_unsupported_uris(uri: str) -> None:
    assert reason_of(uri) == "unsupported-uri"


def test_unreachable_host() -> None:
    assert reason_of("http://127.0.0.1:9/x.mp4") == "unreachable"


def test_object_store_that_denies_names_the_credentials(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", web.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(ClipError, match=r"s3://secret/x\.mp4 may not be read .* check AWS_ACCESS_KEY_ID") as raised:
        stat_source("s3://secret/x.mp4")
    assert raised.value.reason == "access-denied"
    assert reason_of("s3://public/x.mp4") == "not-found"


def test_http_reads_ranges_and_not_the_whole(web: Web) -> None:
    uri = f"{web.url}/a b%23.mp4"
    assert stat_source(uri).size_bytes == len(CONTENT)
    assert stat_source(uri).modified == '"v1"'
    with open_source(uri) as stream:
        assert stream.seekable()
        stream.seek(-100, os.SEEK_END)
        assert stream.read(50) == CONTENT[-100:-50]
        stream.seek(10)
        assert stream.read(10) == CONTENT[10:20]
        stream.seek(-100, os.SEEK_END)
        assert stream.read(100) == CONTENT[-100:]
    assert len(web.ranges) == 2
    assert all(web.ranges)
    assert web.served_bytes == 2 << 20


def test_http_hash(web: Web) -> None:
    assert content_sha256(f"{web.url}/a%20b%23.mp4?signature=1%2B2") == hashlib.sha256(CONTENT).hexdigest()


def test_http_errors(web: Web) -> None:
    assert reason_of(f"{web.url}/missing.mp4") == "not-found"
    assert reason_of(f"{web.url}/empty.mp4") == "empty-file"
    assert reason_of(f"{web.url}/secret.mp4") == "access-denied"


def test_http_server_without_ranges_is_refused(web: Web) -> None:
    uri = f"{web.url}/no-ranges.mp4"
    with (
        pytest.raises(ClipError, match="answers no range requests; download"),
        translated_errors(uri),
        open_source(uri) as stream,
    ):
        stream.seek(2 << 20)
        stream.read(10)


def test_what_cannot_be_written_is_not_said_to_be_unreadable(tmp_path: Path) -> None:
    uri = str(tmp_path / "file" / "below")
    (tmp_path / "file").touch()
    with pytest.raises(ClipError) as refused, translated_errors(uri, writing=True):
        Path(uri).write_text("x")
    assert refused.value.reason == "unwritable"
    assert uri in refused.value.message and "Not a directory" in refused.value.message


def test_what_exists_on_this_machine_is_anchored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model").mkdir()
    monkeypatch.chdir(tmp_path)
    assert anchored("model") == anchored("./model/") == str(tmp_path / "model")
    for name in ("Qwen/Qwen3-8B", "s3://bucket/model", "nowhere"):
        assert anchored(name) == name
