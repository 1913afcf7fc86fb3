from pathlib import Path

import pytest

from affectgpt.clips.subtitles import Cue, Sidecar, parse_srt, parse_vtt, sidecar_cues, text_in_span
from affectgpt.errors import ClipError

SRT = "1\n00:00:01,000 --> 00:00:02,500\nHello there.\n\n2\n00:00:03,000 --> 00:00:04,000\nBye.\n"
CUES = (Cue(1.0, 2.5, "Hello there."), Cue(3.0, 4.0, "Bye."))


@pytest.mark.parametrize(
    "text",
    [
        SRT,
        "\ufeff" + SRT.replace("\n", "\r\n"),
        SRT.replace("\n", "\r"),
        SRT.replace(",", "."),
        SRT.replace("00:00:0", "00:0"),
        SRT.replace("1\n0", "0").replace("2\n0", "0"),
        SRT.replace("\n\n2", "\n2"),
        SRT.replace("Hello there.", "<i>Hello</i> {\\an8}<font color='red'>there.</font>"),
        SRT.replace("Hello there.", "Hello\n\nthere."),
        SRT.replace("00:00:02,500", "00:00:02,500  X1:40 X2:600"),
    ],
)
def test_srt(text: str) -> None:
    assert parse_srt(text) == CUES


def test_srt_keeps_numbers_that_are_spoken() -> None:
    text = "00:00:01,000 --> 00:00:02,000\n1984\n\n00:00:03,000 --> 00:00:04,000\nA < B & C -> D\n"
    assert [cue.text for cue in parse_srt(text)] == ["1984", "A < B & C -> D"]


def test_vtt() -> None:
    text = (
        "WEBVTT - a title\nKind: captions\n\nNOTE\n00 a remark\n\nSTYLE\n::cue { color: red }\n\n"
        "intro\n00:01.000 --> 00:02.500 align:start position:0%\n<v Ann>Hello <c.big>there</c>.\n\n"
        "NOTE another\n\n01:00:03.000 --> 01:00:04.000\nB&amp;B <00:01.500>again\n"
    )
    assert parse_vtt(text) == (Cue(1.0, 2.5, "Hello there."), Cue(3603.0, 3604.0, "B&B again"))


def test_rolling_captions_are_said_once() -> None:
    text = (
        "WEBVTT\n\n00:00.000 --> 00:02.000\n \nso<00:00.500><c> this</c>\n\n"
        "00:02.000 --> 00:02.010\nso this\n \n\n"
        "00:02.010 --> 00:04.000\nso this\nis it\n\n"
        "00:04.000 --> 00:06.000\nis it\nthe end\n\n"
        "00:08.000 --> 00:09.000\nthe end\n"
    )
    assert parse_vtt(text) == (
        Cue(0.0, 2.01, "so this"),
        Cue(2.01, 4.0, "is it"),
        Cue(4.0, 6.0, "the end"),
        Cue(8.0, 9.0, "the end"),
    )


def test_cues_are_sorted_and_useless_ones_dropped() -> None:
    text = (
        "00:00:05,000 --> 00:00:06,000\nlater\n\n00:00:01,000 --> 00:00:02,000\nsooner\n\n"
        "00:00:03,000 --> 00:00:03,000\nno length\n\n00:00:03,000 --> 00:00:04,000\n<i> </i>\n"
    )
    assert [cue.text for cue in parse_srt(text)] == ["sooner", "later"]
    assert parse_srt("") == ()


def test_text_in_span() -> None:
    assert text_in_span(CUES, None, None) == "Hello there. Bye."
    assert text_in_span(CUES, 0.0, 3.0) == "Hello there."
    assert text_in_span(CUES, 3.0, None) == "Bye."
    assert text_in_span(CUES, 2.5, 3.0) is None
    halves = [text_in_span(CUES, 0.0, 1.75), text_in_span(CUES, 1.75, 3.5)]
    assert halves == [None, "Hello there."]


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("talk.srt", None),
        ("talk.SRT", None),
        ("TALK.srt", None),
        ("talk.en.srt", "en"),
        ("talk.eng.srt", "en"),
        ("talk.zh_hans.srt", "zh-Hans"),
        ("talk.pt-BR.srt", "pt-BR"),
    ],
)
def test_sidecar_names(tmp_path: Path, name: str, language: str | None) -> None:
    (tmp_path / name).write_text(SRT)
    assert sidecar_cues(str(tmp_path / "talk.mp4")) == Sidecar(CUES, language)
    assert sidecar_cues((tmp_path / "talk.mp4").as_uri()) == Sidecar(CUES, language)


def test_other_files_are_no_sidecars(tmp_path: Path) -> None:
    for name in ("talk2.srt", "talk.final.srt", "talk.mp4.txt", ".talk.srt"):
        (tmp_path / name).write_text(SRT)
    assert sidecar_cues(str(tmp_path / "talk.mp4")) is None


def test_new_sidecars_are_seen(tmp_path: Path) -> None:
    assert sidecar_cues(str(tmp_path / "talk.mp4")) is None
    (tmp_path / "talk.srt").write_text(SRT)
    assert sidecar_cues(str(tmp_path / "talk.mp4")) is not None


def test_best_sidecar(tmp_path: Path) -> None:
    def language_of(spoken: str | None) -> str | None:
        sidecar = sidecar_cues(str(tmp_path / "talk.mp4"), spoken)
        assert sidecar is not None
        return sidecar.language

    for name in ("talk.en.srt", "talk.de.vtt"):
        (tmp_path / name).write_text(SRT)
    assert language_of(None) == "de"
    assert language_of("en") == "en"
    assert language_of("en-GB") == "en"
    (tmp_path / "talk.vtt").write_text(SRT)
    assert language_of("en") is None


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_chinese_encodings(tmp_path: Path, encoding: str) -> None:
    text = SRT.replace("Hello there.", "我很高兴，真的。").replace("Bye.", "再见 bye")
    (tmp_path / "talk.srt").write_bytes(text.encode(encoding))
    sidecar = sidecar_cues(str(tmp_path / "talk.mp4"))
    assert sidecar is not None
    assert [cue.text for cue in sidecar.cues] == ["我很高兴，真的。", "再见 bye"]


@pytest.mark.parametrize("said", ["Où étés-vous né ? Ça va, Noël…", "Größe über Äpfel – «ja»", "¿Qué? ¡Sí! “señor”"])
def test_western_encoding(tmp_path: Path, said: str) -> None:
    (tmp_path / "talk.srt").write_bytes(SRT.replace("Hello there.", said).encode("cp1252"))
    sidecar = sidecar_cues(str(tmp_path / "talk.mp4"))
    assert sidecar is not None
    assert sidecar.cues[0].text == said


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf", b"WEBVTT\n"])
def test_sidecar_that_says_nothing_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "talk.srt").write_bytes(content)
    assert sidecar_cues(str(tmp_path / "talk.mp4")) is None


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<html>404</html>", "unreadable-subtitle"),
        (SRT.encode("utf-16-le"), "unreadable-subtitle"),
        (SRT.encode() + b"\x81\x8d\x8f", "unreadable-subtitle"),
        (SRT.encode() + b"x" * 10_000_000, "subtitle-too-long"),
    ],
)
def test_bad_sidecars_are_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "talk.srt").write_bytes(content)
    with pytest.raises(ClipError, match=r"talk\.srt") as raised:
        sidecar_cues(str(tmp_path / "talk.mp4"))
    assert raised.value.reason == reason


def test_dangling_sidecar_is_refused(tmp_path: Path) -> None:
    (tmp_path / "talk.srt").symlink_to("gone.srt")
    with pytest.raises(ClipError, match="dangling symlink"):
        sidecar_cues(str(tmp_path / "talk.mp4"))
