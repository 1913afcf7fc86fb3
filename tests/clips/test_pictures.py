"""Frames are compared with those of decoding everything, on every container and codec that can be made here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import inf
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from affectgpt.clips.clip import Clip
from affectgpt.clips.decoding import DecodeSettings, decode
from affectgpt.clips.sampling import choose_frames, fitted_size
from tests.media import Sound, Video, picture, read_number, write_media

# Encoding with several threads is not repeatable.
ONE_THREAD = {"threads": "1"}
CLOSED = {"g": "12", "bf": "2", "x264-params": "open-gop=0", **ONE_THREAD}
OPEN = {"g": "12", "bf": "3", "x264-params": "open-gop=1:bframes=3:b-pyramid=normal", **ONE_THREAD}
HEVC = {"x265-params": "log-level=none:keyint=12:open-gop=1:bframes=3:pools=none"}
SPANS = [(None, None), (0.9, 1.5), (1.61, None)]


@dataclass(frozen=True)
class Kind:
    suffix: str
    video: str
    sound: str
    options: Mapping[str, str] = field(default_factory=dict)
    pixel_format: str = "yuv420p"
    size: tuple[int, int] = (96, 64)
    rate: int = 48_000

    def write(self, folder: Path) -> Path:
        video = Video(self.video, options=self.options, pixel_format=self.pixel_format, size=self.size)
        layout = "stereo" if self.video == "dvvideo" else "mono"
        return write_media(folder / f"media.{self.suffix}", video, Sound(self.sound, rate=self.rate, layout=layout))


KINDS = {
    **{
        f"h264-closed.{suffix}": Kind(suffix, "libx264", "aac", CLOSED) for suffix in ("mp4", "mkv", "mov", "flv", "ts")
    },
    **{f"h264-open.{suffix}": Kind(suffix, "libx264", "aac", OPEN) for suffix in ("mp4", "mkv", "flv", "ts")},
    "h264-one-key-frame.ts": Kind("ts", "libx264", "aac", {"g": "250", "bf": "2", **ONE_THREAD}),
    "h264-all-key-frames.mp4": Kind("mp4", "libx264", "aac", {"g": "1", **ONE_THREAD}),
    "h264-intra-refresh.mp4": Kind(
        "mp4", "libx264", "aac", {"x264-params": "intra-refresh=1:keyint=12:bframes=0", **ONE_THREAD}
    ),
    "h264-10-bit.mkv": Kind("mkv", "libx264", "aac", OPEN, "yuv420p10le"),
    "h264-444.mkv": Kind("mkv", "libx264", "aac", OPEN, "yuv444p"),
    "h264-rgb.mkv": Kind("mkv", "libx264rgb", "aac", {"bf": "2"}, "rgb24"),
    "hevc.mp4": Kind("mp4", "libx265", "aac", HEVC),
    "hevc.ts": Kind("ts", "libx265", "aac", HEVC),
    "mpeg4.avi": Kind("avi", "mpeg4", "mp3", {"g": "12"}),
    "mpeg4-b.avi": Kind("avi", "mpeg4", "mp3", {"g": "12", "bf": "2"}),
    "mpeg4-b.mp4": Kind("mp4", "mpeg4", "aac", {"g": "12", "bf": "2"}),
    "mpeg1.mpg": Kind("mpg", "mpeg1video", "mp2", {"g": "12", "bf": "2"}),
    "mpeg2.mpg": Kind("mpg", "mpeg2video", "mp2", {"g": "12", "bf": "2"}),
    "mpeg2-interlaced.mpg": Kind("mpg", "mpeg2video", "mp2", {"g": "12", "bf": "2", "flags": "+ildct+ilme"}),
    "mpeg2.ts": Kind("ts", "mpeg2video", "mp2", {"g": "12", "bf": "2"}),
    "mjpeg.avi": Kind("avi", "mjpeg", "pcm_s16le", pixel_format="yuvj420p"),
    "flv1.flv": Kind("flv", "flv", "mp3", {"g": "12"}, rate=44_100),
    "vp8.webm": Kind("webm", "libvpx", "libopus", {"g": "20", "auto-alt-ref": "1", "lag-in-frames": "10"}),
    "vp9.webm": Kind("webm", "libvpx-vp9", "libopus", {"g": "20", "auto-alt-ref": "1", "lag-in-frames": "10"}),
    "av1.mp4": Kind("mp4", "libsvtav1", "aac", {"g": "20", "preset": "12", "svtav1-params": "lp=1"}),
    "ffv1-444.mkv": Kind("mkv", "ffv1", "flac", {"g": "12"}, "yuv444p"),
    "ffv1-gray.mkv": Kind("mkv", "ffv1", "flac", {"g": "12"}, "gray"),
    "ffv1-16-bit.mkv": Kind("mkv", "ffv1", "flac", {"g": "12"}, "gbrp16le"),
    "prores.mov": Kind("mov", "prores_ks", "pcm_s24le", pixel_format="yuv422p10le"),
    "png.mov": Kind("mov", "png", "pcm_s16le", pixel_format="rgb24"),
    "animation.mov": Kind("mov", "qtrle", "pcm_s16le", {"g": "12"}, "rgb24"),
    "raw.avi": Kind("avi", "rawvideo", "pcm_s16le", pixel_format="bgr24"),
    "dv.avi": Kind("avi", "dvvideo", "pcm_s16le", size=(720, 576)),
}


def decode_everything(path: Path, start_s: float, end_s: float, count: int) -> tuple[NDArray[np.uint8], list[float]]:
    """Decode all frames of a file in the plainest way and take the wanted ones."""
    with av.open(path) as container:
        stream = container.streams.video[0]
        origin_s = (container.start_time or 0) / av.time_base
        frames: list[VideoFrame] = list(container.decode(stream))
        times_s = [float(frame.pts * stream.time_base) - origin_s for frame in frames]
        until_s = times_s[-1] + float((frames[-1].duration or 3600) * stream.time_base)
        chosen = choose_frames(times_s, until_s, start_s, end_s, count)
        width, height = fitted_size(frames[0].width, frames[0].height, stream.sample_aspect_ratio, 224)
        pictures = [frames[number].reformat(width, height, "rgb24", interpolation="BILINEAR") for number in chosen]
        return np.stack([frame.to_ndarray() for frame in pictures]), [times_s[number] for number in chosen]


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_frames_are_those_of_decoding_everything(kind: Kind, tmp_path: Path) -> None:
    path = kind.write(tmp_path)
    for start_s, end_s in SPANS:
        media = decode(Clip("clip", str(path), start_s, end_s), DecodeSettings())
        expected, times_s = decode_everything(path, start_s or 0.0, end_s or inf, 8)
        np.testing.assert_array_equal(media.frames, expected)
        np.testing.assert_allclose(media.frame_times_s, np.maximum(np.array(times_s) - (start_s or 0.0), 0), atol=1e-6)
        assert media.frames_got == 8


@pytest.mark.parametrize("options", [CLOSED, OPEN, {"g": "12", "bf": "0"}], ids=["closed", "open", "no-b-frames"])
def test_h264_in_avi_which_stores_no_times_comes_in_the_order_of_display(
    options: dict[str, str], tmp_path: Path
) -> None:
    path = write_media(tmp_path / "media.avi", Video("libx264", options=options), None)
    media = decode(Clip("clip", str(path)), DecodeSettings())
    assert [read_number(frame) for frame in media.frames] == [3, 9, 15, 21, 28, 34, 40, 46]
    np.testing.assert_allclose(media.frame_times_s, [0.12, 0.36, 0.6, 0.84, 1.12, 1.36, 1.6, 1.84], atol=1e-6)


def test_frames_without_times_are_counted(tmp_path: Path) -> None:
    path = write_media(tmp_path / "media.h264", Video("libx264", options=CLOSED), None, container="h264")
    media = decode(Clip("clip", str(path)), DecodeSettings())
    assert [read_number(frame) for frame in media.frames] == [3, 9, 15, 21, 28, 34, 40, 46]


def test_h264_in_a_program_stream_which_stamps_few_frames(tmp_path: Path) -> None:
    path = write_media(tmp_path / "media.mpg", Video("libx264", options=CLOSED), Sound("mp2"))
    media = decode(Clip("clip", str(path), 0.5, 1.5), DecodeSettings())
    numbers = np.array([read_number(frame) for frame in media.frames])
    np.testing.assert_allclose(numbers, 12 + 25 * (np.arange(8) + 0.5) / 8, atol=1.5)


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_variable_frame_rate(suffix: str, tmp_path: Path) -> None:
    times_s = [*(number / 5 for number in range(10)), *(2 + number / 50 for number in range(100))]
    path = write_media(tmp_path / f"media.{suffix}", Video(frames=110, times_s=times_s), None)
    media = decode(Clip("clip", str(path)), DecodeSettings())
    numbers = [read_number(frame) for frame in media.frames]
    # How long the last frame stays is for each container to tell.
    np.testing.assert_allclose(numbers, [1, 3, 6, 8, 22, 47, 72, 97], atol=1)
    np.testing.assert_allclose(media.frame_times_s, [times_s[number] for number in numbers], atol=2e-3)


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("mirrored", [False, True])
def test_pictures_stand_upright(rotation: int, mirrored: bool, tmp_path: Path) -> None:
    still = Video("mjpeg", frames=1, pixel_format="yuvj420p", size=(96, 64))
    turned = Video("mjpeg", frames=1, pixel_format="yuvj420p", size=(96, 64), rotation=rotation, mirrored=mirrored)
    plain = decode(Clip("clip", str(write_media(tmp_path / "plain.mp4", still))), DecodeSettings()).frames
    media = decode(Clip("clip", str(write_media(tmp_path / "turned.mp4", turned))), DecodeSettings())
    expected = np.rot90(plain, rotation // 90, axes=(1, 2))
    np.testing.assert_array_equal(media.frames, expected[:, :, ::-1] if mirrored else expected)


def test_pixels_that_are_not_square(tmp_path: Path) -> None:
    path = write_media(tmp_path / "media.mp4", Video(size=(64, 96), pixel_aspect=Fraction(2)), None)
    assert decode(Clip("clip", str(path)), DecodeSettings()).frames.shape == (8, 224, 298, 3)


def test_colours_are_right(tmp_path: Path) -> None:
    path = write_media(tmp_path / "media.mkv", Video("ffv1", frames=1, pixel_format="bgr0", size=(224, 224)), None)
    (frame,) = decode(Clip("clip", str(path)), DecodeSettings()).frames
    np.testing.assert_array_equal(frame, picture(0, 224, 224))


def test_black_and_white_use_the_whole_range(tmp_path: Path) -> None:
    path = write_media(tmp_path / "media.mp4", Video(frames=256, options={"crf": "5"}), None)
    frames = decode(Clip("clip", str(path)), DecodeSettings()).frames
    assert np.percentile(frames, 0.5) <= 6
    assert np.percentile(frames, 99.5) >= 249


def test_pictures_with_a_palette_that_comes_once(tmp_path: Path) -> None:
    colours = np.random.default_rng(0).integers(0, 256, (256, 4), dtype=np.uint8)
    colours[:, 0] = 255
    indices = np.random.default_rng(1).integers(0, 256, (20, 32, 32), dtype=np.uint8)
    path = tmp_path / "media.avi"
    with av.open(path, "w") as output:
        stream = output.add_stream("rawvideo", rate=10, width=32, height=32, pix_fmt="pal8")
        for number, image in enumerate(indices):
            frame = VideoFrame.from_ndarray((image, colours), "pal8")
            frame.pts = number
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    media = decode(Clip("clip", str(path), 0.6, 1.6), DecodeSettings(frames=5, frame_size=32))
    np.testing.assert_array_equal(media.frames, colours[indices[[7, 9, 11, 13, 15]]][..., 1:])


def test_all_frames_have_one_size_where_the_stream_changes_its_own(tmp_path: Path) -> None:
    small = write_media(tmp_path / "small.ts", Video("mpeg2video", size=(96, 64)), None).read_bytes()
    large = write_media(tmp_path / "large.ts", Video("mpeg2video", size=(192, 128)), None).read_bytes()
    path = tmp_path / "media.ts"
    path.write_bytes(small + large)
    media = decode(Clip("clip", str(path)), DecodeSettings())
    assert media.frames.shape == (8, 224, 336, 3)
    assert [read_number(frame) for frame in media.frames] == [6, 18, 31, 43, 6, 18, 31, 43]
