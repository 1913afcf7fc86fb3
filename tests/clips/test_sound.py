from pathlib import Path

import av
import numpy as np
import pytest
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

from affectgpt.clips.clip import Clip
from affectgpt.clips.decoding import DecodeSettings, decode
from affectgpt.clips.media import SAMPLE_RATE
from tests.media import Sound, Video, tone, write_media

NO_FRAMES = DecodeSettings(frames=1)
KINDS = {
    "wav": Sound("pcm_s16le"),
    "flac": Sound("flac", layout="stereo"),
    "mp3": Sound("libmp3lame", layout="stereo"),
    "m4a": Sound("aac"),
    "ogg": Sound("libopus", rate=48_000),
    "mka": Sound("ac3", layout="5.1", rate=48_000),
}


def sound_of(path: Path, start_s: float | None = None, end_s: float | None = None) -> NDArray[np.float32]:
    return decode(Clip("clip", str(path), start_s, end_s), NO_FRAMES).sound


def decode_everything(path: Path) -> NDArray[np.float32]:
    """Decode all sound of a file in the plainest way, from its first sample on."""
    resampler = AudioResampler("fltp", "mono", SAMPLE_RATE, options={"rematrix_maxval": "1"})
    pieces = []
    with av.open(path) as container:
        for frame in container.decode(audio=0):
            frame.pts = None
            pieces += resampler.resample(frame)
        pieces += resampler.resample(None)
    return np.concatenate([piece.to_ndarray()[0] for piece in pieces])


def lag(sound: NDArray[np.float32], reference: NDArray[np.float32]) -> int:
    """By how many samples a sound comes later than another one."""
    size = 1 << (len(sound) + len(reference)).bit_length()
    correlation = np.fft.irfft(np.fft.rfft(sound, size) * np.conj(np.fft.rfft(reference, size)))
    best = int(correlation.argmax())
    return best if best < size // 2 else best - size


@pytest.mark.parametrize("suffix", KINDS)
def test_sound_is_that_of_decoding_everything(suffix: str, tmp_path: Path) -> None:
    path = write_media(tmp_path / f"media.{suffix}", None, KINDS[suffix])
    media = decode(Clip("clip", str(path)), DecodeSettings())
    np.testing.assert_allclose(media.sound, decode_everything(path), atol=1e-6)
    assert media.sound.dtype == np.float32
    assert (media.frames_got, media.frames_expected) == (0, 8)
    assert (media.has_video, media.has_audio) == (False, True)
    assert media.duration_s == pytest.approx(2.0, abs=0.05)


@pytest.mark.parametrize("suffix", KINDS)
def test_a_span_of_sound_is_a_slice_of_the_whole(suffix: str, tmp_path: Path) -> None:
    path = write_media(tmp_path / f"media.{suffix}", None, KINDS[suffix])
    part, whole = sound_of(path, 0.75, 1.5), sound_of(path)
    assert len(part) == 12_000
    # Matroska stamps packets to the millisecond.
    late = lag(part, whole[12_000:24_000])
    assert abs(late) <= 8
    np.testing.assert_allclose(part[400:-400], whole[12_400 - late : 23_600 - late], atol=0.05)


@pytest.mark.parametrize("layout", ["mono", "stereo", "2.1", "quad", "5.1", "7.1"])
def test_mixing_channels_keeps_the_level(layout: str, tmp_path: Path) -> None:
    path = write_media(tmp_path / "media.flac", None, Sound("flac", layout=layout))
    assert np.abs(sound_of(path)).max() == pytest.approx(1 / 3, abs=0.01)


@pytest.mark.parametrize(
    ("suffix", "codec"), [("mp4", "aac"), ("mkv", "aac"), ("ts", "mp2"), ("flv", "aac"), ("mpg", "mp2")]
)
def test_sound_that_begins_later_follows_silence(suffix: str, codec: str, tmp_path: Path) -> None:
    path = write_media(tmp_path / f"media.{suffix}", Video(), Sound(codec, seconds=1.0, start_s=1.0))
    sound = sound_of(path)
    assert not sound[:15_500].any()
    assert abs(lag(sound, tone(1.0, SAMPLE_RATE)) - 16_000) < 400


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts", "flv", "mov"])
def test_time_zero_is_where_the_container_starts(suffix: str, tmp_path: Path) -> None:
    path = write_media(tmp_path / f"media.{suffix}", Video(start_s=10.0), Sound(start_s=10.0))
    media = decode(Clip("clip", str(path)), DecodeSettings())
    assert media.duration_s == pytest.approx(2.0, abs=0.05)
    assert media.frames_got == 8
    assert media.frame_times_s[0] == pytest.approx(0.12, abs=0.03)
    assert abs(lag(media.sound, tone(2.0, SAMPLE_RATE))) < 400


@pytest.mark.parametrize(("suffix", "codec"), [("mkv", "flac"), ("ts", "mp2"), ("mp4", "aac")])
def test_a_gap_is_silent_and_what_follows_keeps_its_time(suffix: str, codec: str, tmp_path: Path) -> None:
    path = write_media(tmp_path / f"media.{suffix}", Video(), Sound(codec, gaps_s=[(0.8, 0.5)]))
    sound = sound_of(path)
    assert not sound[14_500:20_000].any()
    assert abs(lag(sound[20_800:], tone(2.0, SAMPLE_RATE)[20_800:])) < 400


def test_sound_is_never_longer_than_the_span(tmp_path: Path) -> None:
    path = write_media(tmp_path / "media.mp4", Video(), Sound())
    assert len(sound_of(path, 0.3, 1.1)) == 12_800
    assert len(sound_of(path, None, 0.7)) == 11_200


def test_a_span_begins_in_silence_where_the_sound_begins_inside_it(tmp_path: Path) -> None:
    path = write_media(tmp_path / "media.mkv", Video(frames=150), Sound("flac", start_s=4.0))
    sound = sound_of(path, 3.0, 5.0)
    assert len(sound) == 32_000
    assert not sound[:15_900].any()
    assert sound[16_100:].any()


@pytest.mark.parametrize("channels", [2, 3, 5, 12])
def test_channels_without_names_weigh_the_same(channels: int, tmp_path: Path) -> None:
    samples = np.zeros((16_000, channels), np.float32)
    samples[:, -1] = 0.5
    path = _write_nameless_wav(tmp_path / "media.wav", samples)
    np.testing.assert_allclose(sound_of(path), np.full(16_000, 0.5 / channels), atol=1e-3)


def test_a_change_of_rate_and_channels_in_mid_stream(tmp_path: Path) -> None:
    mono = write_media(tmp_path / "mono.mp3", None, Sound("libmp3lame", seconds=1.0), options={"write_xing": "0"})
    stereo_sound = Sound("libmp3lame", seconds=1.0, rate=48_000, layout="stereo")
    stereo = write_media(tmp_path / "stereo.mp3", None, stereo_sound, options={"write_xing": "0", "id3v2_version": "0"})
    path = tmp_path / "media.mp3"
    path.write_bytes(mono.read_bytes() + stereo.read_bytes())
    sound = sound_of(path)
    assert len(sound) / SAMPLE_RATE == pytest.approx(2.1, abs=0.1)
    assert abs(lag(sound[: len(sound) // 2], tone(1.0, SAMPLE_RATE))) < 1200
    assert abs(lag(sound[len(sound) // 2 :], tone(1.0, SAMPLE_RATE))) < 1200


def test_samples_beyond_full_scale_are_limited(tmp_path: Path) -> None:
    path = _write_float_wav(tmp_path / "media.wav", np.full(16_000, 3.0, np.float32))
    assert sound_of(path).max() == 1.0


def _write_float_wav(path: Path, samples: NDArray[np.float32]) -> Path:
    with av.open(path, "w") as output:
        stream = output.add_stream("pcm_f32le", rate=SAMPLE_RATE, layout="mono")
        frame = AudioFrame.from_ndarray(samples[np.newaxis], "flt", "mono")
        frame.sample_rate = SAMPLE_RATE
        output.mux([*stream.encode(frame), *stream.encode(None)])
    return path


def _write_nameless_wav(path: Path, samples: NDArray[np.float32]) -> Path:
    """Write 16-bit PCM in the extensible format with an empty channel mask."""
    channels = samples.shape[1]
    data = (samples * 32_767).astype("<i2").tobytes()
    block = 2 * channels
    form = b"".join(
        value.to_bytes(size, "little")
        for value, size in (
            *((0xFFFE, 2), (channels, 2), (SAMPLE_RATE, 4), (SAMPLE_RATE * block, 4), (block, 2), (16, 2)),
            *((22, 2), (16, 2), (0, 4)),
        )
    ) + bytes.fromhex("0100000000001000800000aa00389b71")
    chunks = b"WAVEfmt " + len(form).to_bytes(4, "little") + form + b"data" + len(data).to_bytes(4, "little") + data
    path.write_bytes(b"RIFF" + len(chunks).to_bytes(4, "little") + chunks)
    return path
