from pathlib import Path

import av
import pytest

from affectgpt.clips.clip import Clip
from affectgpt.clips.decoding import DecodeSettings, decode
from affectgpt.clips.media import Media
from affectgpt.errors import ClipError
from tests.media import Sound, Video, write_media

SOUNDS = {"wav": "pcm_s16le", "avi": "libmp3lame"}


def whole(folder: Path, container: str) -> bytes:
    """Give a file of three seconds, whose index, if it has one, is at its beginning."""
    video = None if container == "wav" else Video(frames=75)
    path = write_media(folder / f"whole.{container}", video, Sound(codec=SOUNDS.get(container, "aac"), seconds=3.0))
    if container in ("mp4", "mov"):
        fast = folder / f"fast.{container}"
        with av.open(str(path)) as source, av.open(str(fast), "w", options={"movflags": "+faststart"}) as target:
            streams = {stream.index: target.add_stream_from_template(stream) for stream in source.streams}
            for packet in source.demux():
                if packet.dts is not None:
                    packet.stream = streams[packet.stream_index]
                    target.mux(packet)
        path = fast
    return path.read_bytes()


def decoded(path: Path, end_s: float | None = None) -> Media:
    return decode(Clip("clip", str(path), None, end_s), DecodeSettings(frames=4))


@pytest.mark.parametrize("container", ["mp4", "mov", "mkv", "avi", "wav"])
def test_a_file_that_is_cut_off_is_refused_and_its_part_is_not(container: str, tmp_path: Path) -> None:
    content = whole(tmp_path, container)
    cut = tmp_path / f"cut.{container}"
    for share in (0.3, 0.6, 0.8):
        cut.write_bytes(content[: int(len(content) * share)])
        with pytest.raises(
            ClipError, match=r"is cut off after .* s of this clip are missing; copy it again"
        ) as refused:
            decoded(cut)
        assert refused.value.reason == "cut-off"
    assert decoded(cut, end_s=1.0).duration_s == pytest.approx(1.0, abs=0.1)
    for good in (content[:-20], content, content + b"\0" * 20):
        cut.write_bytes(good)
        assert decoded(cut).duration_s == pytest.approx(3.0, abs=0.1)


def test_a_length_that_nobody_could_write_is_none(tmp_path: Path) -> None:
    content = bytearray(whole(tmp_path, "wav"))
    for unknown in (b"\xff\xff\xff\xff", b"\0\0\0\0"):
        content[4:8] = unknown
        (tmp_path / "piped.wav").write_bytes(content)
        assert decoded(tmp_path / "piped.wav").duration_s == pytest.approx(3.0, abs=0.1)
    live = write_media(tmp_path / "whole.mkv", Video(frames=75), Sound(seconds=3.0)).read_bytes()
    segment = live.index(b"\x18\x53\x80\x67") + 4
    (tmp_path / "live.mkv").write_bytes(live[:segment] + b"\x01" + b"\xff" * 7 + live[segment + 8 : len(live) // 2])
    assert 0.5 < decoded(tmp_path / "live.mkv").duration_s < 2.5


def test_real_media_is_not_cut_off(shared_media: Path) -> None:
    files = [*sorted((shared_media / "grid").glob("*.mpg")), *sorted(shared_media.rglob("*.wav"))[:40]]
    assert files
    for file in files:
        assert decoded(file).duration_s > 0.1
