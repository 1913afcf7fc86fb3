from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from affectgpt.clips.decoding import DecodeSettings
from affectgpt.clips.isolation import IsolatedProcess
from affectgpt.errors import ClipError
from affectgpt.serving.contents import ContentLimits, Contents, read_contents
from affectgpt.serving.parcel import Parcel
from tests.media import Sound, Video, write_media

SETTINGS = DecodeSettings(frames=4, frame_size=32)
LIMITS = ContentLimits(duration_s=10.0, pixels=10**6)


@pytest.fixture
def parcel(tmp_path: Path) -> Parcel:
    return Parcel(tmp_path)


@pytest.fixture
def both(tmp_path: Path) -> Path:
    return write_media(tmp_path / "both.mp4", Video(), Sound())


def read(parcel: Parcel, subtitle: str | None = None, limits: ContentLimits = LIMITS) -> Contents:
    return read_contents("the clip", parcel, subtitle, SETTINGS, limits)


def reason(parcel: Parcel, limits: ContentLimits = LIMITS) -> str:
    with pytest.raises(ClipError) as caught:
        read(parcel, limits=limits)
    return caught.value.reason


@pytest.fixture(scope="module")
def isolated() -> Iterator[IsolatedProcess]:
    with IsolatedProcess() as process:
        yield process


def test_a_clip_is_read_in_one_call_to_another_process(parcel: Parcel, both: Path, isolated: IsolatedProcess) -> None:
    parcel.clip = both
    found = isolated.call(read_contents, "the clip", parcel, "Hello.", SETTINGS, LIMITS)
    assert found.media.frames.shape == (4, 32, 48, 3)
    assert found.media.duration_s == pytest.approx(2.0, abs=0.1)
    assert (found.media.has_video, found.media.has_audio, found.subtitle) == (True, True, "Hello.")


def test_a_subtitle_that_is_not_told_is_looked_for_in_the_clip_alone(parcel: Parcel, both: Path) -> None:
    parcel.clip = both
    both.with_suffix(".srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nNot of this request.\n")
    assert read(parcel).subtitle is None
    assert read(parcel, "").subtitle == ""


def test_pictures_and_sound_take_the_place_of_those_of_the_clip(parcel: Parcel, both: Path, tmp_path: Path) -> None:
    Image.new("RGB", (96, 64), (255, 0, 0)).save(tmp_path / "red.png")
    parcel.clip, parcel.pictures = both, [tmp_path / "red.png"]
    seen = read(parcel).media
    assert seen.frames.shape == (1, 32, 48, 3) and seen.frames[..., 0].min() > 250
    assert len(seen.sound) > 0 and seen.has_audio
    parcel.sound = write_media(tmp_path / "voice.wav", sound=Sound(codec="pcm_s16le", seconds=3.0))
    heard = read(parcel).media
    assert np.array_equal(heard.frames, seen.frames)
    assert len(heard.sound) / 16_000 == pytest.approx(3.0, abs=0.01)
    assert heard.duration_s == pytest.approx(3.0, abs=0.1)


def test_the_sound_of_a_silent_film_is_nothing(parcel: Parcel, tmp_path: Path) -> None:
    parcel.sound = write_media(tmp_path / "silent.mp4", Video(frames=30))
    assert len(read(parcel).media.sound) == 0


def test_what_exceeds_a_limit_is_refused(parcel: Parcel, both: Path) -> None:
    parcel.clip = both
    assert reason(parcel, ContentLimits(1.5, 10**6)) == "too-long"
    assert reason(parcel, ContentLimits(10.0, 96 * 64 - 1)) == "too-large"
    assert read(parcel, limits=ContentLimits(2.5, 96 * 64)).media.has_video


def test_a_clip_that_hides_its_length_is_refused_once_it_is_decoded(parcel: Parcel, tmp_path: Path) -> None:
    parcel.clip = write_media(tmp_path / "clip.h264", Video(frames=75), container="h264")
    assert reason(parcel, ContentLimits(1.5, 10**6)) == "too-long"


def test_a_file_that_is_no_clip_is_named(parcel: Parcel, tmp_path: Path) -> None:
    parcel.clip = tmp_path / "text.mp4"
    parcel.clip.write_text("this is no film\n" * 100)
    assert reason(parcel) == "not-media"
