from pathlib import Path

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame

from affectgpt.clips.clip import Clip
from affectgpt.clips.decoding import DecodeSettings, decode
from affectgpt.clips.demuxing import open_demuxer
from affectgpt.clips.media import Media
from affectgpt.errors import ClipError
from tests.media import Sound, Video, picture, read_number, tone, write_media

KEY_FRAMES = {"g": "25", "bf": "2"}


def media_of(path: Path, start_s: float | None = None, end_s: float | None = None) -> Media:
    return decode(Clip("clip", str(path), start_s, end_s), DecodeSettings())


def reason_of(path: Path, start_s: float | None = None, end_s: float | None = None) -> str:
    with pytest.raises(ClipError) as refused:
        media_of(path, start_s, end_s)
    assert str(path) in refused.value.message
    return refused.value.reason


@pytest.mark.parametrize(
    ("suffix", "video", "sound"),
    [
        ("mp4", Video(frames=200, options=KEY_FRAMES), Sound(seconds=8.0, rate=16_000)),
        ("mkv", Video(frames=200, options=KEY_FRAMES), Sound(seconds=8.0, rate=16_000)),
        ("ts", Video(frames=200, options=KEY_FRAMES), Sound(seconds=8.0, rate=16_000)),
        ("mpg", Video("mpeg2video", frames=200, options=KEY_FRAMES), Sound("mp2", seconds=8.0, rate=48_000)),
        ("avi", Video("mpeg4", frames=200, options={"g": "25"}), Sound("pcm_s16le", seconds=8.0, rate=16_000)),
        ("wav", None, Sound("pcm_s16le", seconds=8.0, rate=16_000)),
        ("ogg", None, Sound("libopus", seconds=8.0, rate=48_000)),
        ("m4a", None, Sound(seconds=8.0, rate=16_000)),
    ],
)
def test_a_span_of_a_long_source_takes_few_packets(
    suffix: str, video: Video | None, sound: Sound, tmp_path: Path
) -> None:
    """As long as two hours, but coarser, so that it is quickly made: 240 times 8 s are 32 minutes."""

    def packets(path: Path, start_s: float) -> int:
        with open_demuxer(str(path)) as demuxer:
            return sum(1 for _ in demuxer.read(start_s, start_s + 5.0))

    short = packets(write_media(tmp_path / f"short.{suffix}", video, sound, repeats=2), 4.0)
    long = write_media(tmp_path / f"long.{suffix}", video, sound, repeats=240)
    for start_s in (4.0, 1000.0, 1912.0):
        assert 0 < packets(long, start_s) < 3 * short


def test_cover_art_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "media.mp3"
    with av.open(path, "w") as output:
        speech = output.add_stream("libmp3lame", rate=16_000, layout="mono")
        cover = output.add_stream("mjpeg", width=64, height=64, pix_fmt="yuvj420p")
        cover.disposition = av.stream.Disposition.attached_pic
        frame = VideoFrame.from_ndarray(picture(1, 64, 64), "rgb24").reformat(format="yuvj420p")
        sound = av.AudioFrame.from_ndarray(tone(1.0, 16_000)[np.newaxis], "fltp", "mono")
        sound.sample_rate = 16_000
        output.mux([*cover.encode(frame), *cover.encode(None)])
        output.mux([*speech.encode(sound), *speech.encode(None)])
    media = media_of(path)
    assert (media.has_video, media.frames_got, media.has_audio) == (False, 0, True)
    assert media.duration_s == pytest.approx(1.0, abs=0.1)


def test_time_stamps_that_jump_backwards_go_on(tmp_path: Path) -> None:
    """Two recordings with the same clock, one behind the other, as broken-off and resumed captures are."""
    recording = write_media(tmp_path / "one.ts", Video(), Sound("mp2")).read_bytes()
    path = tmp_path / "two.ts"
    path.write_bytes(recording + recording)
    media = media_of(path)
    assert [read_number(frame) for frame in media.frames] == [6, 18, 31, 43, 6, 18, 31, 43]
    assert media.duration_s == pytest.approx(4.0, abs=0.2)
    assert np.all(np.diff(media.frame_times_s) > 0)


@pytest.mark.parametrize("video_first", [False, True])
def test_a_stream_that_begins_much_later_than_the_other_is_found(video_first: bool, tmp_path: Path) -> None:
    video = Video("mpeg2video", frames=300 if video_first else 50, start_s=0.0 if video_first else 10.0)
    sound = Sound("mp2", seconds=2.0 if video_first else 12.0, start_s=10.0 if video_first else 0.0)
    media = media_of(write_media(tmp_path / "media.mpg", video, sound))
    assert (media.has_video, media.has_audio, media.frames_got) == (True, True, 8)
    assert media.duration_s == pytest.approx(12.0, abs=0.1)
    assert (media.frame_times_s[0] > 9.9) != video_first


@pytest.mark.parametrize("content", ["#EXTM3U\n#EXTINF:2,\n{film}\n", "ffconcat version 1.0\nfile {film}\n"])
def test_a_playlist_does_not_open_other_files(content: str, tmp_path: Path) -> None:
    film = write_media(tmp_path / "film.mp4", Video())
    path = tmp_path / "playlist.mp4"
    path.write_text(content.format(film=film))
    assert reason_of(path) == "not-media"


def test_a_picture_is_no_video(tmp_path: Path) -> None:
    path = write_media(tmp_path / "picture.mp4", Video("png", frames=1, pixel_format="rgb24"), container="image2")
    assert reason_of(path) == "not-media"


def test_subtitles_alone_are_no_media(tmp_path: Path) -> None:
    path = tmp_path / "media.mkv"
    with av.open(path, "w") as output:
        stream = output.add_stream("subrip")
        stream.codec_context.subtitle_header = b"[Script Info]\n[V4+ Styles]\n[Events]\n"
        packet = av.Packet(b"words")
        packet.stream, packet.pts, packet.dts, packet.duration = stream, 0, 0, 1000
        output.mux(packet)
    assert reason_of(path) == "no-streams"


def test_pictures_beyond_measure_are_refused(tmp_path: Path) -> None:
    video = Video("ffv1", frames=1, size=(17_000, 16), pixel_format="gray")
    assert reason_of(write_media(tmp_path / "media.mkv", video)) == "too-large"


def test_streams_without_content_have_no_duration(tmp_path: Path) -> None:
    path = tmp_path / "media.mp4"
    with av.open(path, "w", options={"movflags": "frag_keyframe+empty_moov"}) as output:
        stream = output.add_stream("libx264", rate=25, width=64, height=64, pix_fmt="yuv420p")
        stream.codec_context.open()
        output.start_encoding()
    assert reason_of(path) == "zero-duration"


@pytest.mark.parametrize(
    ("start_s", "end_s"), [(-1.0, 2.0), (2.0, 1.0), (1.0, 1.0), (float("nan"), 2.0), (1e300, None), (50.0, 55.0)]
)
def test_spans_that_hold_nothing(start_s: float, end_s: float | None, tmp_path: Path) -> None:
    assert reason_of(write_media(tmp_path / "media.mp4", Video(), Sound()), start_s, end_s) == "span-out-of-range"


@pytest.mark.parametrize(("damaged", "reason"), [(0, "undecodable-video"), (1, "undecodable-sound")])
def test_a_stream_of_which_nothing_can_be_decoded_is_named(damaged: int, reason: str, tmp_path: Path) -> None:
    whole = write_media(tmp_path / "whole.mkv", Video(), Sound())
    path = tmp_path / "damaged.mkv"
    with av.open(whole) as source, av.open(path, "w") as output:
        streams = [output.add_stream_from_template(stream) for stream in source.streams]
        for packet in source.demux():
            if packet.dts is None and not packet.size:
                continue
            copy = av.Packet(b"\x55" * packet.size if packet.stream_index == damaged else bytes(packet))
            copy.pts, copy.dts, copy.is_keyframe = packet.pts, packet.dts, packet.is_keyframe
            copy.stream, copy.time_base = streams[packet.stream_index], packet.time_base
            output.mux(copy)
    assert reason_of(path) == reason
