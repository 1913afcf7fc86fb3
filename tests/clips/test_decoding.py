"""Frames are checked against a plain decode of everything, by the numbers that the test's pictures carry."""

import contextlib
import random
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from affectgpt.clips.clip import Clip
from affectgpt.clips.decoding import DecodeSettings, decode
from affectgpt.clips.isolation import IsolatedProcess
from affectgpt.clips.media import SAMPLE_RATE, Media
from affectgpt.clips.probing import probe
from affectgpt.clips.sampling import choose_frames
from affectgpt.errors import ClipError
from tests.media import Sound, Video, read_number, tone, write_media

EIGHT = DecodeSettings(frames=8, frame_size=64)
VIDEOS = {
    "mp4": Video(options={"bf": "3", "g": "12"}),
    "mkv": Video(options={"bf": "2", "g": "250"}),
    "mov": Video(codec="mpeg4"),
    "avi": Video(codec="mpeg4", options={"bf": "2"}),
    "webm": Video(codec="libvpx-vp9", options={"deadline": "realtime", "cpu-used": "8"}),
    "mpg": Video(codec="mpeg1video", options={"bf": "2", "g": "12"}),
    "flv": Video(codec="flv"),
    "ts": Video(options={"bf": "2", "g": "12"}),
}
SOUNDS = {"webm": "libopus", "mpg": "mp2", "flv": "aac", "avi": "mp3"}


def media_of(path: Path, start_s: float | None = None, end_s: float | None = None) -> Media:
    return decode(Clip("clip", str(path), start_s, end_s), EIGHT)


def numbers(media: Media) -> list[int]:
    return [read_number(frame) for frame in media.frames]


def shown(path: Path, start_s: float = 0.0, end_s: float = float("inf")) -> list[int]:
    """The numbers of the pictures that should be chosen, by decoding the whole file."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        zero = (container.start_time or 0) / av.time_base
        frames = [(float(frame.time) - zero, frame) for frame in container.decode(stream)]
    times = [time_s for time_s, _ in frames]
    last = frames[-1][1]
    until_s = times[-1] + float((last.duration or 0) * last.time_base)
    chosen = choose_frames(times, until_s, start_s, end_s, EIGHT.frames)
    return [read_number(frames[index][1].to_ndarray(format="rgb24")) for index in chosen]


@pytest.mark.parametrize("container", sorted(VIDEOS))
def test_every_container_gives_the_frames_of_a_full_decode(container: str, tmp_path: Path) -> None:
    sound = Sound(codec=SOUNDS.get(container, "aac"), rate=48_000 if container == "webm" else 44_100)
    path = write_media(tmp_path / f"clip.{container}", VIDEOS[container], sound)
    media = media_of(path)
    assert numbers(media) == shown(path)
    assert media.frames_got == media.frames_expected == 8
    assert (media.has_video, media.has_audio) == (True, True)
    assert media.frames.shape == (8, 64, 96, 3)
    assert np.all(np.diff(media.frame_times_s) > 0)
    assert media.duration_s == pytest.approx(2.0, abs=0.12)
    assert media.sound.dtype == np.float32
    assert len(media.sound) / SAMPLE_RATE == pytest.approx(2.0, abs=0.12)


@pytest.mark.parametrize(
    "options",
    [
        {"bf": "0", "g": "1"},
        {"bf": "3", "g": "250", "b-pyramid": "normal"},
        {"bf": "3", "g": "12", "x264-params": "open-gop=1"},
        {"bf": "16", "g": "50", "x264-params": "open-gop=1:b-adapt=2"},
    ],
)
@pytest.mark.parametrize("container", ["mp4", "mkv", "ts"])
def test_every_group_of_pictures(options: dict[str, str], container: str, tmp_path: Path) -> None:
    path = write_media(tmp_path / f"clip.{container}", Video(frames=75, options=options))
    assert numbers(media_of(path)) == shown(path)
    assert numbers(media_of(path, 1.0, 2.0)) == shown(path, 1.0, 2.0)


def test_variable_frame_rate(tmp_path: Path) -> None:
    times = [0.0, 0.01, 0.02, 0.03, 0.5, 0.52, 1.0, 1.5, 1.51, 1.52, 1.9, 2.0]
    path = write_media(tmp_path / "clip.mp4", Video(frames=len(times), times_s=times))
    assert numbers(media_of(path)) == shown(path)


@pytest.mark.parametrize(("rotation", "shape"), [(90, (96, 64)), (180, (64, 96)), (270, (96, 64))])
def test_rotation_flags(rotation: int, shape: tuple[int, int], tmp_path: Path) -> None:
    upright = media_of(write_media(tmp_path / "upright.mp4", Video()))
    turned = media_of(write_media(tmp_path / "turned.mp4", Video(rotation=rotation)))
    assert turned.frames.shape[1:3] == shape
    expected = np.rot90(upright.frames, rotation // 90, axes=(1, 2))
    assert np.abs(turned.frames.astype(int) - expected).mean() < 8


def test_wide_pixels_are_made_square(tmp_path: Path) -> None:
    path = write_media(tmp_path / "clip.mp4", Video(size=(64, 64), pixel_aspect=Fraction(3, 2)))
    assert media_of(path).frames.shape[1:3] == (64, 96)


@pytest.mark.parametrize(
    ("codec", "pixel_format"),
    [("libx264", "yuv444p"), ("libx264", "yuv420p10le"), ("ffv1", "gray"), ("ffv1", "bgr0"), ("mjpeg", "yuvj422p")],
)
def test_odd_pixel_formats(codec: str, pixel_format: str, tmp_path: Path) -> None:
    path = write_media(tmp_path / "clip.mkv", Video(codec=codec, pixel_format=pixel_format))
    assert numbers(media_of(path)) == shown(path)


@pytest.mark.parametrize(
    ("suffix", "codec"), [("wav", "pcm_s16le"), ("flac", "flac"), ("mp3", "mp3"), ("m4a", "aac"), ("ogg", "libopus")]
)
def test_sound_alone(suffix: str, codec: str, tmp_path: Path) -> None:
    path = write_media(tmp_path / f"clip.{suffix}", sound=Sound(codec=codec, rate=48_000, layout="stereo"))
    media = media_of(path)
    assert (media.has_video, media.has_audio, media.frames_got) == (False, True, 0)
    expected = tone(2.0, SAMPLE_RATE)
    heard = media.sound[: len(expected)]
    assert len(media.sound) == pytest.approx(len(expected), abs=0.06 * SAMPLE_RATE)
    spectra = [np.abs(np.fft.rfft(one[8_000:16_000])) for one in (heard, expected)]
    assert np.argmax(spectra[0]) == pytest.approx(np.argmax(spectra[1]), abs=30)
    assert np.std(heard[4000:-4000]) == pytest.approx(np.std(expected), rel=0.1)


@pytest.mark.parametrize("layout", ["mono", "stereo", "quad", "5.1"])
def test_channels_become_one(layout: str, tmp_path: Path) -> None:
    path = write_media(tmp_path / "clip.flac", sound=Sound(codec="flac", layout=layout))
    assert media_of(path).sound.ndim == 1


def test_video_alone(tmp_path: Path) -> None:
    media = media_of(write_media(tmp_path / "clip.mp4", Video()))
    assert (media.has_audio, len(media.sound)) == (False, 0)
    assert media.duration_s == pytest.approx(2.0, abs=0.05)


def test_sound_that_begins_later_is_led_in_by_silence(tmp_path: Path) -> None:
    path = write_media(tmp_path / "clip.mkv", Video(frames=75), Sound(codec="flac", seconds=2.0, start_s=1.0))
    media = media_of(path)
    assert not media.sound[: int(0.95 * SAMPLE_RATE)].any()
    assert np.abs(media.sound[int(1.05 * SAMPLE_RATE) :]).max() > 0.2
    assert len(media.sound) / SAMPLE_RATE == pytest.approx(3.0, abs=0.06)


def test_gaps_in_the_sound_become_silence(tmp_path: Path) -> None:
    path = write_media(tmp_path / "clip.mkv", sound=Sound(codec="flac", seconds=3.0, gaps_s=[(1.0, 1.0)]))
    media = media_of(path)
    assert len(media.sound) / SAMPLE_RATE == pytest.approx(3.0, abs=0.1)
    assert np.abs(media.sound[int(1.3 * SAMPLE_RATE) : int(1.7 * SAMPLE_RATE)]).max() < 1e-3


@pytest.mark.parametrize("container", ["mkv", "ts", "mp4"])
def test_a_time_line_that_begins_late(container: str, tmp_path: Path) -> None:
    path = write_media(tmp_path / f"clip.{container}", Video(start_s=10.0), Sound(start_s=10.0))
    media = media_of(path)
    assert numbers(media) == shown(path)
    assert media.frame_times_s[0] < 0.3
    assert media.duration_s == pytest.approx(2.0, abs=0.15)


@pytest.mark.parametrize("container", ["mp4", "mkv", "ts", "mpg"])
def test_spans(container: str, tmp_path: Path) -> None:
    video = Video(frames=250, codec="mpeg1video" if container == "mpg" else "libx264", options={"g": "25"})
    path = write_media(tmp_path / f"long.{container}", video, Sound(codec=SOUNDS.get(container, "aac"), seconds=10.0))
    for start_s, end_s in ((0.0, 2.0), (3.3, 5.1), (8.5, 10.0)):
        media = media_of(path, start_s, end_s)
        assert numbers(media) == shown(path, start_s, end_s)
        assert media.duration_s == pytest.approx(end_s - start_s, abs=0.12)
        assert len(media.sound) / SAMPLE_RATE == pytest.approx(end_s - start_s, abs=0.12)
    with pytest.raises(ClipError, match=r"long\."):
        media_of(path, 100.0, 101.0)


@pytest.mark.parametrize("place", [10.0, 1800.0, 3590.0])
def test_a_span_of_a_long_source_reads_little_of_it(place: float, tmp_path: Path) -> None:
    """What is read of an hour is at most three times what is read of ten seconds."""
    video, sound = Video(frames=250, options={"g": "25"}), Sound(seconds=10.0)
    short = write_media(tmp_path / "short.mkv", video, sound)
    long = write_media(tmp_path / "long.mkv", video, sound, repeats=360)

    def bytes_read(path: Path, start_s: float) -> int:
        before = _read_so_far()
        media = media_of(path, start_s, start_s + 5.0)
        assert media.frames_got == 8
        return _read_so_far() - before

    assert long.stat().st_size > 100 * short.stat().st_size
    assert bytes_read(long, place) < 3 * bytes_read(short, 5.0)


def _read_so_far() -> int:
    return int(Path("/proc/self/io").read_text().split()[1])


def test_fewer_frames_than_asked_for(tmp_path: Path) -> None:
    media = media_of(write_media(tmp_path / "clip.mp4", Video(frames=3)))
    assert (media.frames_got, media.frames_expected) == (3, 8)
    assert numbers(media) == [0, 1, 2]


@pytest.mark.parametrize(("size", "shape"), [((2, 2), (64, 64)), ((16, 640), (128, 4)), ((7680, 4320), (64, 114))])
def test_tiny_long_and_huge_pictures(size: tuple[int, int], shape: tuple[int, int], tmp_path: Path) -> None:
    video = Video(codec="mpeg4" if size[0] > 4096 else "libx264", frames=2, size=size)
    media = media_of(write_media(tmp_path / "clip.mp4", video))
    assert media.frames.shape == (2, *shape, 3)


def test_one_pixel(tmp_path: Path) -> None:
    path = write_media(tmp_path / "clip.mkv", Video(codec="ffv1", pixel_format="bgr0", size=(1, 1), frames=2))
    assert media_of(path).frames.shape == (2, 64, 64, 3)


@pytest.mark.parametrize("container", ["mp4", "mkv", "mpg", "ts"])
def test_truncated_at_every_tenth(container: str, tmp_path: Path) -> None:
    """A file that ends early gives what it holds, or the reason why it gives nothing; never anything else."""
    codec = "mpeg1video" if container == "mpg" else "libx264"
    sound = Sound(codec=SOUNDS.get(container, "aac"))
    content = write_media(tmp_path / f"whole.{container}", Video(codec=codec), sound).read_bytes()
    cut = tmp_path / f"cut.{container}"
    whole, given = 0, []
    for tenth in range(1, 10):
        cut.write_bytes(content[: len(content) * tenth // 10])
        try:
            media = media_of(cut)
        except ClipError as error:
            assert str(cut) in error.message
            given.append(False)
        else:
            assert media.frames_got or len(media.sound)
            assert media.frames_got <= media.frames_expected
            given.append(True)
            whole += media.frames_got == media.frames_expected
    if container != "mp4":  # an mp4 has its index at the end
        assert given[-1]
        assert whole


@pytest.mark.parametrize(
    ("content", "reason"), [(b"", "empty-file"), (b"no film at all\n" * 500, "not-media"), (bytes(5000), "not-media")]
)
def test_what_is_no_media(content: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    with pytest.raises(ClipError) as refused:
        media_of(path)
    assert refused.value.reason == reason
    assert str(path) in refused.value.message


@pytest.mark.parametrize("container", ["ts", "mpg"])
def test_bytes_that_are_wrong_in_the_middle(container: str, tmp_path: Path) -> None:
    """Damage can name streams that are not there; each damaged file is decoded or refused, never an error of ours."""
    codec = "mpeg1video" if container == "mpg" else "libx264"
    content = write_media(
        tmp_path / f"whole.{container}", Video(codec=codec), Sound(codec=SOUNDS.get(container, "aac"))
    ).read_bytes()
    path = tmp_path / f"damaged.{container}"
    with IsolatedProcess(timeout_s=30.0) as isolated:
        for seed in range(40):
            chance = random.Random(seed)
            damaged = bytearray(content)
            for _ in range(chance.choice([200, len(damaged) // 50])):
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
            path.write_bytes(damaged)
            for function, argument in ((probe, (str(path),)), (decode, (Clip("clip", str(path)), EIGHT))):
                with contextlib.suppress(ClipError):
                    isolated.call(function, *argument)


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(ClipError) as refused:
        media_of(tmp_path / "nowhere.mp4")
    assert refused.value.reason == "not-found"


def test_real_talking_heads(shared_media: Path) -> None:
    for path in sorted((shared_media / "grid").glob("*.mpg")):
        media = decode(Clip("clip", str(path)), DecodeSettings())
        with av.open(str(path)) as container:
            frames = [frame.to_ndarray(format="rgb24", width=280, height=224) for frame in container.decode(video=0)]
        assert len(frames) == 75
        assert media.frames.shape[0] == 8
        if media.frames.shape[1:3] == (224, 280):
            middles = [int((part + 0.5) / 8 * 75) for part in range(8)]
            for frame, middle in zip(media.frames, middles, strict=True):
                distances = [np.abs(frame.astype(int) - other).mean() for other in frames]
                assert abs(int(np.argmin(distances)) - middle) <= 1
        assert len(media.sound) / SAMPLE_RATE == pytest.approx(3.0, abs=0.06)


def test_real_speech(shared_media: Path) -> None:
    for path in sorted((shared_media / "emodb").glob("*.flac"))[:40]:
        media = decode(Clip("clip", str(path)), DecodeSettings())
        assert (media.has_video, media.frames_got) == (False, 0)
        assert len(media.sound) == 2 * SAMPLE_RATE
