"""What is written can be read back: pictures, sound, text track and times."""

import wave
from pathlib import Path

import av
import numpy as np
import pytest

from affectgpt.clips.subtitles import parse_srt
from affectgpt.demo.recording import write_mp4, write_srt, write_wav

RATE = 16_000
FRAMES = [np.full((48, 64, 3), (10 * i, 120, 200), np.uint8) for i in range(20)]
TONE = (0.5 * np.sin(2 * np.pi * 440 * np.arange(RATE * 4 // 5) / RATE)).astype(np.float32)


def test_pictures_and_sound(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    write_mp4(path, iter(FRAMES), 25, TONE, RATE, None)
    with av.open(str(path)) as container:
        assert [(stream.type, stream.codec_context.name) for stream in container.streams] == [
            ("video", "h264"),
            ("audio", "aac"),
        ]
        pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
        assert len(pictures) == len(FRAMES)
        assert [picture.mean(axis=(0, 1))[0] for picture in pictures] == pytest.approx(range(0, 200, 10), abs=6)
        container.seek(0)
        sound = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    assert len(sound) / RATE == pytest.approx(0.8, abs=0.1)
    assert np.sqrt(np.mean(sound**2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.15)


def test_without_sound_and_with_a_text_track(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    write_mp4(path, iter(FRAMES), 25, None, RATE, "你好, hello")
    with av.open(str(path)) as container:
        assert [stream.type for stream in container.streams] == ["video", "subtitle"]
        [packet] = [packet for packet in container.demux(subtitles=0) if packet.size]
        assert bytes(packet)[2:].decode() == "你好, hello"
        assert packet.duration * packet.time_base == pytest.approx(0.8, abs=0.01)


def test_wav(tmp_path: Path) -> None:
    write_wav(tmp_path / "clip.wav", TONE, RATE)
    with wave.open(str(tmp_path / "clip.wav")) as file:
        assert (file.getnchannels(), file.getframerate(), file.getnframes()) == (1, RATE, len(TONE))
        read = np.frombuffer(file.readframes(len(TONE)), "<i2") / 32767
    assert read == pytest.approx(TONE, abs=1e-4)


def test_srt(tmp_path: Path) -> None:
    write_srt(tmp_path / "clip.srt", "Wait... what?", 2.345)
    [cue] = parse_srt((tmp_path / "clip.srt").read_text(encoding="utf-8"))
    assert (cue.start_s, cue.text) == (0.0, "Wait... what?")
    assert cue.end_s == pytest.approx(2.345)
