import pickle
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from affectgpt.clips.probing import cues_of_part, probe
from affectgpt.clips.subtitles import Cue
from affectgpt.errors import ClipError

RATE = 25
ASS_HEADER = b"""[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour
Style: Default,Arial,16,&Hffffff

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""


def make(
    path: Path,
    *,
    seconds: float = 2.0,
    video: str | None = "mpeg4",
    sound: str | None = "mp2",
    start_s: float = 0.0,
    texts: Sequence[tuple[str, str, list[tuple[float, float, bytes]]]] = (),
    sound_language: str | None = None,
    options: dict[str, str] | None = None,
) -> Path:
    """Write a small file: grey pictures, noise, and text tracks as (codec, language, [(start, end, payload)])."""
    with av.open(str(path), "w", options=options or {}) as container:
        pictures = None
        if video is not None:
            pictures = container.add_stream(video, rate=RATE)
            pictures.width, pictures.height = 64, 48
            pictures.pix_fmt = {"mjpeg": "yuvj420p", "png": "rgb24"}.get(video, "yuv420p")
        voice = container.add_stream(sound, rate=16000, layout="mono") if sound is not None else None
        if voice is not None and sound_language is not None:
            voice.metadata["language"] = sound_language
        tracks = []
        for codec, language, cues in texts:
            track = container.add_stream(codec)
            track.time_base = Fraction(1, 1000)
            track.codec_context.subtitle_header = ASS_HEADER
            track.metadata["language"] = language
            tracks.append((track, cues))
        if pictures is not None:
            for i in range(round(seconds * RATE)):
                grey = np.full((48, 64, 3), i % 200, np.uint8)
                frame = av.VideoFrame.from_ndarray(grey, format="rgb24").reformat(format=pictures.pix_fmt)
                frame.pts = i + round(start_s * RATE)
                container.mux(pictures.encode(frame))
            container.mux(pictures.encode())
        if voice is not None:
            noise = np.random.default_rng(0).integers(-3000, 3000, (1, round(seconds * 16000)), dtype=np.int16)
            for begin in range(0, noise.shape[1], 1000):
                chunk = av.AudioFrame.from_ndarray(noise[:, begin : begin + 1000], format="s16", layout="mono")
                chunk.rate, chunk.pts = 16000, begin + round(start_s * 16000)
                container.mux(voice.encode(chunk))
            container.mux(voice.encode())
        for track, cues in tracks:
            for begin_s, end_s, payload in cues:
                packet = av.Packet(payload)
                packet.stream, packet.time_base = track, Fraction(1, 1000)
                packet.pts = packet.dts = round((begin_s + start_s) * 1000)
                packet.duration = round((end_s - begin_s) * 1000)
                container.mux(packet)
    return path


def read_so_far() -> int:
    return int(Path("/proc/self/io").read_text().split()[1])


def reason_of(path: Path) -> str:
    with pytest.raises(ClipError) as raised:
        probe(str(path))
    assert str(path) in raised.value.message
    return raised.value.reason


@pytest.mark.parametrize(
    ("name", "video", "sound", "options"),
    [
        ("x.mp4", "mpeg4", "aac", {}),
        ("fragmented.mp4", "mpeg4", "aac", {"movflags": "frag_keyframe+empty_moov"}),
        ("x.MOV", "mpeg4", "aac", {}),
        ("x.mkv", "libx264", "mp2", {}),
        ("x.avi", "mpeg4", "mp2", {}),
        ("x.webm", "libvpx", "libopus", {}),
        ("live.webm", "libvpx", "libopus", {"live": "1"}),
        ("x.mpg", "mpeg1video", "mp2", {}),
        ("x.ts", "mpeg2video", "mp2", {}),
        ("x.flv", "flv", "aac", {}),
        ("silent.ts", "mpeg2video", None, {}),
        ("x.wav", None, "pcm_s16le", {}),
        ("x.flac", None, "flac", {}),
        ("x.mp3", None, "libmp3lame", {}),
        ("no-header.mp3", None, "libmp3lame", {"write_xing": "0"}),
        ("x.ogg", None, "libopus", {}),
        ("x.m4a", None, "aac", {}),
    ],
)
def test_containers(tmp_path: Path, name: str, video: str | None, sound: str | None, options: dict[str, str]) -> None:
    info = probe(str(make(tmp_path / name, video=video, sound=sound, options=options)))
    assert info.duration_s == pytest.approx(2.0, abs=0.15)
    assert info.has_video == (video is not None)
    assert info.has_audio == (sound is not None)
    assert info.embedded_cues == ()
    assert pickle.loads(pickle.dumps(info)) == info


@pytest.mark.parametrize("name", ["x.mkv", "x.ts", "x.mp4", "x.mov"])
@pytest.mark.parametrize("seconds", [2.0, 12.0])
def test_time_begins_with_the_first_time_stamp(tmp_path: Path, name: str, seconds: float) -> None:
    info = probe(str(make(tmp_path / name, seconds=seconds, start_s=5.0)))
    assert info.duration_s == pytest.approx(seconds, abs=0.15)


@pytest.mark.parametrize("counts_from_zero", [False, True])
def test_the_length_of_a_late_mp4_is_that_of_its_streams(tmp_path: Path, counts_from_zero: bool) -> None:
    path = make(tmp_path / "x.mp4", seconds=12.0, start_s=5.0)
    content = bytearray(path.read_bytes())
    place = content.index(b"mvhd") + 20
    assert int.from_bytes(content[place - 4 : place]) == 1000
    content[place : place + 4] = (17_000 if counts_from_zero else 12_000).to_bytes(4)
    path.write_bytes(content)
    assert probe(str(path)).duration_s == pytest.approx(12.0, abs=0.15)


def test_frames_are_counted_to_their_end_in_real_clips(shared_media: Path) -> None:
    clips = sorted((shared_media / "grid").glob("*.mpg"))
    assert clips
    for clip in clips:
        with av.open(str(clip)) as container:
            frames = sum(1 for _ in container.decode(video=0))
        info = probe(str(clip))
        assert info.duration_s == pytest.approx(frames / 25, abs=0.04)
        assert info.has_video
        assert info.has_audio


def test_real_speech(shared_media: Path) -> None:
    info = probe(str(min((shared_media / "emodb").glob("*.flac"))))
    assert info.duration_s == pytest.approx(2.0)
    assert info.has_audio
    assert not info.has_video


def test_marked_cover_is_no_video(tmp_path: Path) -> None:
    png = tmp_path / "cover.png"
    make(png, seconds=1 / RATE, video="png", sound=None)
    path = tmp_path / "song.m4a"
    with av.open(str(path), "w", format="mp4") as container, av.open(str(png)) as cover:
        voice = container.add_stream("aac", rate=16000, layout="mono")
        picture = container.add_stream_from_template(cover.streams.video[0])
        picture.disposition = av.stream.Disposition.attached_pic
        packet = next(p for p in cover.demux() if p.size)
        packet.stream, packet.pts, packet.dts = picture, 0, 0
        container.mux(packet)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 16000), np.int16), format="s16", layout="mono")
        frame.rate, frame.pts = 16000, 0
        container.mux(voice.encode(frame))
        container.mux(voice.encode())
    info = probe(str(path))
    assert info.has_audio
    assert not info.has_video


@pytest.mark.parametrize("name", ["cover.mp4", "cover.mkv"])
def test_one_picture_beside_sound_is_no_video(tmp_path: Path, name: str) -> None:
    sound = make(tmp_path / "sound.wav", video=None, sound="pcm_s16le")
    path = make(tmp_path / name, seconds=1 / RATE, video="mjpeg", sound="aac")
    assert not probe(str(path)).has_video
    assert probe(str(make(tmp_path / name, video="mjpeg", sound="aac"))).has_video
    assert probe(str(make(tmp_path / name, seconds=1 / RATE, video="mjpeg", sound=None))).has_video
    assert not probe(str(sound)).has_video


def mov_text(text: str) -> bytes:
    encoded = text.encode()
    return len(encoded).to_bytes(2, "big") + encoded


@pytest.mark.parametrize(
    ("name", "codec", "payloads"),
    [
        ("x.mkv", "subrip", [b"<i>Hello</i>\r\nthere.", "再见".encode()]),
        ("x.mkv", "ass", [rb"0,0,Default,,0,0,0,,{\an8}Hello\Nthere.", "1,0,Default,,0,0,0,,再见".encode()]),
        ("x.webm", "webvtt", [b"<v Ann>Hello\nthere.", "再见".encode()]),
        ("x.mp4", "mov_text", [mov_text("Hello\nthere."), mov_text("再见")]),
    ],
)
@pytest.mark.parametrize("start_s", [0.0, 5.0])
def test_embedded_subtitles(tmp_path: Path, name: str, codec: str, payloads: list[bytes], start_s: float) -> None:
    cues = [(0.2, 0.9, payloads[0]), (1.0, 1.8, payloads[1])]
    video, sound = ("libvpx", "libopus") if name.endswith("webm") else ("mpeg4", "aac")
    path = make(tmp_path / name, video=video, sound=sound, start_s=start_s, texts=[(codec, "chi", cues)])
    info = probe(str(path))
    assert [cue.text for cue in info.embedded_cues] == ["Hello there.", "再见"]
    assert [(c.start_s, c.end_s) for c in info.embedded_cues] == [
        (pytest.approx(0.2, abs=0.07), pytest.approx(0.9, abs=0.07)),
        (pytest.approx(1.0, abs=0.07), pytest.approx(1.8, abs=0.07)),
    ]
    assert info.embedded_language == "zh"
    assert info.duration_s == pytest.approx(2.0, abs=0.15)


def test_text_track_in_the_language_of_the_sound_is_taken(tmp_path: Path) -> None:
    texts = [("subrip", "fre", [(0.2, 0.9, b"Bonjour")]), ("subrip", "ger", [(0.2, 0.9, b"Guten Tag")])]
    german = probe(str(make(tmp_path / "x.mkv", texts=texts, sound_language="deu")))
    assert (german.audio_language, german.embedded_language) == ("de", "de")
    assert german.embedded_cues[0].text == "Guten Tag"
    unknown = probe(str(make(tmp_path / "y.mkv", texts=texts, sound_language="und")))
    assert (unknown.audio_language, unknown.embedded_language) == (None, "fr")


def test_live_recording_with_subtitles_has_length_and_cues(tmp_path: Path) -> None:
    texts = [("webvtt", "eng", [(0.2, 0.9, b"Hello")])]
    path = make(tmp_path / "x.webm", video="libvpx", sound="libopus", texts=texts, options={"live": "1"})
    info = probe(str(path))
    assert info.duration_s == pytest.approx(2.0, abs=0.15)
    assert info.embedded_cues == (Cue(pytest.approx(0.2, abs=0.02), pytest.approx(0.9, abs=0.02), "Hello"),)


@pytest.mark.parametrize(
    ("name", "codec", "payload"), [("x.mkv", "subrip", lambda text: text.encode()), ("x.mov", "mov_text", mov_text)]
)
def test_of_a_part_its_cues_are_read_and_little_else(
    tmp_path: Path, name: str, codec: str, payload: Callable[[str], bytes]
) -> None:
    cues = [(float(second), second + 0.8, payload(f"second {second}")) for second in range(600)]
    texts = [(codec, "eng", cues)]
    interleaved = {"max_interleave_delta": "0"}
    path = make(tmp_path / name, seconds=601.0, sound="pcm_s16le", texts=texts, start_s=5.0, options=interleaved)
    before = read_so_far()
    head = probe(str(path), head_only=True)
    cues_in_part = cues_of_part(str(path), 300.5, 302.2)
    assert read_so_far() - before < 0.6 * path.stat().st_size
    assert [cue.text for cue in cues_in_part] == ["second 300", "second 301", "second 302"]
    assert cues_in_part[0].start_s == pytest.approx(300.0, abs=0.1)
    assert (head.duration_s, head.embedded_language) == (pytest.approx(601.0, abs=0.1), "en")
    assert (head.has_text_track, head.embedded_cues) == (True, ())
    assert len(probe(str(path)).embedded_cues) == 600


@pytest.mark.parametrize(("name", "video", "sound"), [("x.ts", "mpeg2video", "mp2"), ("x.mp3", None, "libmp3lame")])
def test_the_length_of_what_does_not_hold_it_is_found_without_its_cues(
    tmp_path: Path, name: str, video: str | None, sound: str
) -> None:
    path = str(make(tmp_path / name, seconds=12.0, video=video, sound=sound, start_s=5.0))
    assert probe(path, head_only=True).duration_s == pytest.approx(12.0, abs=0.15)
    assert probe(path).duration_s == pytest.approx(12.0, abs=0.15)


def test_the_length_of_fragments_that_begin_late_is_theirs(tmp_path: Path) -> None:
    """As of a recording that joins a live stream: the initialisation segment, and some of the media segments."""
    settings = {"hls_segment_type": "fmp4", "hls_time": "4", "hls_list_size": "0"}
    make(tmp_path / "x.m3u8", seconds=40.0, video="libx264", sound="aac", options=settings)
    segments = sorted(tmp_path.glob("x*.m4s"), key=lambda file: int(file.stem[1:]))
    assert len(segments) > 3
    path = tmp_path / "late.mp4"
    path.write_bytes(b"".join(file.read_bytes() for file in (tmp_path / "init.mp4", *segments[-2:])))
    with av.open(str(path)) as container:
        frames = sum(1 for _ in container.decode(video=0))
    assert 0 < frames < 40 * RATE
    for head_only in (False, True):
        assert probe(str(path), head_only).duration_s == pytest.approx(frames / RATE, abs=0.15)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty-file"),
        (b"plain text\n" * 200, "not-media"),
        (bytes(range(256)) * 50, "not-media"),
        (b"#EXTM3U\n#EXTINF:3,\nother.ts\n#EXT-X-ENDLIST\n", "not-media"),
        (b"ffconcat version 1.0\nfile other.mp4\n", "not-media"),
        (b"1\n00:00:00,000 --> 00:00:02,000\nHello\n", "not-media"),
    ],
)
def test_what_is_no_media_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    make(tmp_path / "other.mp4")
    path = tmp_path / "x.mp4"
    path.write_bytes(content)
    assert reason_of(path) == reason


def test_text_alone_has_no_streams(tmp_path: Path) -> None:
    path = make(tmp_path / "x.mkv", video=None, sound=None, texts=[("subrip", "eng", [(0.0, 1.0, b"Hello")])])
    assert reason_of(path) == "no-streams"


def test_missing_file(tmp_path: Path) -> None:
    assert reason_of(tmp_path / "missing.mp4") == "not-found"


@pytest.mark.parametrize("name", ["x.mp4", "x.mkv", "x.ts", "x.avi", "x.mp3"])
def test_truncated_anywhere_is_described_or_refused(tmp_path: Path, name: str) -> None:
    video = None if name.endswith("mp3") else "mpeg4"
    content = make(tmp_path / name, video=video, sound="libmp3lame").read_bytes()
    for tenth in range(1, 10):
        path = tmp_path / f"{tenth}-{name}"
        path.write_bytes(content[: len(content) * tenth // 10])
        try:
            info = probe(str(path))
        except ClipError as error:
            assert error.reason in {"not-media", "no-streams", "zero-duration"}
        else:
            assert info.has_video or info.has_audio


@pytest.mark.parametrize("name", ["with: colon.mp4", "per%d cent.mp4", "a#b?c.mp4", "concat:x.mp4", "你好 é.mp4"])
def test_names_are_taken_literally(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path / "x.mp4").rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert probe(name).has_video
    assert probe((tmp_path / name).as_uri()).has_video
