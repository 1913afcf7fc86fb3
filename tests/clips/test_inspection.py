import hashlib
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from affectgpt.clips.clip import Clip
from affectgpt.clips.inspection import VERSION, Inspection, check_unchanged, inspect_source
from affectgpt.clips.probing import SourceInfo
from affectgpt.clips.sources import Source, list_sources
from affectgpt.clips.spans import Cutting
from affectgpt.clips.storage import stat_source
from affectgpt.errors import ClipError
from tests.clips.test_probing import make
from tests.clips.web_server import serve


def directly(function: Callable[..., Any], *arguments: Any) -> Any:
    return function(*arguments)


def sound(path: Path, seconds: float) -> Path:
    samples = np.random.default_rng(0).integers(-3000, 3000, round(seconds * 8000), dtype=np.int16)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(samples.tobytes())
    return path


def reason_of(source: Source) -> str:
    with pytest.raises(ClipError) as raised:
        inspect_source(source, Cutting(), directly)
    return raised.value.reason


def test_a_source_that_was_replaced_or_removed_is_noticed(tmp_path: Path) -> None:
    path = sound(tmp_path / "hello.wav", 1.0)
    clip = Clip("hello", str(path), source_version=stat_source(str(path)).version)
    check_unchanged(clip)
    check_unchanged(Clip("hello", str(path)))
    sound(path, 2.0)
    with pytest.raises(ClipError, match="was replaced while the run went on; run the same command again") as changed:
        check_unchanged(clip)
    assert changed.value.reason == "source-changed"
    path.unlink()
    with pytest.raises(ClipError, match="does not exist"):
        check_unchanged(clip)


def test_inspection(tmp_path: Path) -> None:
    path = sound(tmp_path / "hello.wav", 3.0)
    (tmp_path / "hello.en.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nHello.\n")
    (source,) = list_sources(str(tmp_path))
    inspection = inspect_source(source, Cutting(), directly)
    assert inspection.content_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert inspection.version == stat_source(str(path)).version
    assert inspection.info == SourceInfo(3.0, False, True)
    (clip,) = inspection.clips
    assert (clip.clip_id, clip.uri, clip.start_s) == ("hello", str(path), None)
    assert (clip.subtitle, clip.subtitle_source, clip.language) == ("Hello.", "sidecar", "en")


def test_manifest_subtitle_leaves_the_sidecar_unread(tmp_path: Path) -> None:
    path = sound(tmp_path / "hello.wav", 3.0)
    (tmp_path / "hello.srt").write_text("no subtitle at all")
    assert reason_of(Source("hello", str(path))) == "unreadable-subtitle"
    (clip,) = inspect_source(Source("hello", str(path), subtitle="Hi"), Cutting(), directly).clips
    assert clip.subtitle == "Hi"


def test_long_source_becomes_windows(tmp_path: Path) -> None:
    path = sound(tmp_path / "long.wav", 32.0)
    clips = inspect_source(Source("long", str(path)), Cutting(), directly).clips
    assert [clip.clip_id for clip in clips] == [
        "long#t=0.000,10.000",
        "long#t=10.000,20.000",
        "long#t=20.000,30.000",
        "long#t=30.000,32.000",
    ]


def test_spans_of_one_file_are_probed_once_until_it_changes(tmp_path: Path) -> None:
    probed: list[str] = []

    def counting(function: Callable[..., Any], uri: str, *arguments: Any) -> Any:
        probed.append(uri)
        return function(uri, *arguments)

    path = sound(tmp_path / "x.wav", 3.0)
    first = inspect_source(Source("a", str(path), 0.0, 1.0), Cutting(), counting)
    second = inspect_source(Source("b", str(path), 1.0, 2.0), Cutting(), counting)
    assert len(probed) == 1
    assert first.content_sha256 == second.content_sha256
    sound(path, 4.0)
    third = inspect_source(Source("b", str(path), 1.0, 2.0), Cutting(), counting)
    assert len(probed) == 2
    assert third.content_sha256 != second.content_sha256


def test_spans_of_a_remote_file_are_known_by_its_version_and_little_of_it_is_read(tmp_path: Path) -> None:
    cues = [(float(second), second + 0.8, f"second {second}".encode()) for second in range(600)]
    made = {"seconds": 601.0, "sound": "pcm_s16le", "options": {"max_interleave_delta": "0"}}
    path = make(tmp_path / "long.mkv", texts=[("subrip", "eng", cues)], **made)
    (tmp_path / "bare").mkdir()
    bare = make(tmp_path / "bare" / "bare.mkv", **made)
    with serve({"/long.mkv": path.read_bytes(), "/bare.mkv": bare.read_bytes()}) as web:
        spans = [(float(start), start + 2.0) for start in range(100, 110)]

        def inspected(name: str, **facts: Any) -> list[Inspection]:
            sources = (Source(f"{name} {start}", f"{web.url}/{name}", start, end, **facts) for start, end in spans)
            return [inspect_source(source, Cutting(), directly) for source in sources]

        first, *others = inspected("long.mkv")
        assert [clip.subtitle for clip in first.clips] == ["second 100 second 101"]
        assert first.content_sha256.startswith(VERSION)
        assert {one.content_sha256 for one in others} == {first.content_sha256}
        assert [clip.language for clip in first.clips] == ["en"]
        before = web.served_bytes
        told = inspected("long.mkv", subtitle="Hello.")
        assert web.served_bytes == before, "the head is known by now, and the subtitle"
        assert [clip.subtitle for one in told for clip in one.clips] == ["Hello."] * len(spans)
        inspected("bare.mkv")
        assert web.served_bytes - before < 0.4 * bare.stat().st_size, "the head, once"
        assert reason_of(Source("late", f"{web.url}/long.mkv", 599.0, 700.0)) == "span-out-of-range"
        (whole,) = inspect_source(Source("whole", f"{web.url}/long.mkv", subtitle="All"), Cutting(), directly).clips
        assert whole.end_s is None
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert inspect_source(Source("here", str(path), 1.0, 2.0), Cutting(), directly).content_sha256 == digest


def test_unusable_sources(tmp_path: Path) -> None:
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "text.mp4").write_text("hello " * 1000)
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "gone.mp4").symlink_to("nowhere.mp4")
    sound(tmp_path / "short.wav", 1.0)
    sources = {source.source_id: source for source in list_sources(str(tmp_path))}
    assert sorted(sources) == ["empty", "folder", "gone", "short", "text"]
    assert reason_of(sources["empty"]) == "empty-file"
    assert reason_of(sources["folder"]) == "is-a-directory"
    assert reason_of(sources["gone"]) == "not-found"
    assert reason_of(sources["text"]) == "not-media"
    assert reason_of(Source("short", sources["short"].uri, 0.5, 9.0)) == "span-out-of-range"
    assert reason_of(Source("x", str(tmp_path / "missing.wav"))) == "not-found"
    assert reason_of(Source("x", "", problem=ClipError("bad-manifest-row", "row 1 has no uri"))) == "bad-manifest-row"


def test_real_media(shared_media: Path) -> None:
    sources = list(list_sources(str(shared_media)))
    assert len(sources) > 100
    assert all(source.problem is None for source in sources)
    videos = [source for source in sources if source.source_id.startswith("grid/")]
    for source in [*videos, *sources[:25]]:
        inspection = inspect_source(source, Cutting(), directly)
        (clip,) = inspection.clips
        assert clip.clip_id == source.source_id
        assert inspection.info.has_video == (source in videos)
        assert inspection.info.has_audio
