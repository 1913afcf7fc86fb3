import pytest

from affectgpt.clips.clip import Clip
from affectgpt.clips.probing import SourceInfo
from affectgpt.clips.sources import Source
from affectgpt.clips.spans import Cutting, cut
from affectgpt.clips.subtitles import Cue, Sidecar
from affectgpt.errors import ClipError

SOURCE = Source("talk", "/data/talk.mp4")
CUTTING = Cutting(max_clip_s=30.0, window_s=10.0, min_clip_s=1.0)


def info(duration_s: float | None, *cues: Cue, language: str | None = None, sound: str | None = None) -> SourceInfo:
    return SourceInfo(duration_s, True, True, cues, language, sound)


def spans(clips: tuple[Clip, ...]) -> list[tuple[float | None, float | None, str | None]]:
    return [(clip.start_s, clip.end_s, clip.subtitle) for clip in clips]


def reason_of(source: Source, found: SourceInfo) -> str:
    with pytest.raises(ClipError) as raised:
        cut(source, found, None, CUTTING)
    return raised.value.reason


@pytest.mark.parametrize("duration_s", [None, 0.2, 30.0])
def test_short_source_is_one_clip(duration_s: float | None) -> None:
    assert cut(SOURCE, info(duration_s), None, CUTTING) == (Clip("talk", "/data/talk.mp4"),)


def test_subtitle_comes_from_manifest_then_sidecar_then_track() -> None:
    track = info(5.0, Cue(1.0, 2.0, "track"), language="fr", sound="de")
    sidecar = Sidecar((Cue(1.0, 2.0, "side"),), "en")
    manifest = Source("talk", "/data/talk.mp4", subtitle="table", language="es", speaker="Ann")
    (clip,) = cut(manifest, track, sidecar, CUTTING)
    assert (clip.subtitle, clip.subtitle_source, clip.language, clip.speaker) == ("table", "manifest", "es", "Ann")
    (clip,) = cut(SOURCE, track, sidecar, CUTTING)
    assert (clip.subtitle, clip.subtitle_source, clip.language) == ("side", "sidecar", "en")
    (clip,) = cut(SOURCE, track, None, CUTTING)
    assert (clip.subtitle, clip.subtitle_source, clip.language) == ("track", "embedded", "fr")
    (clip,) = cut(SOURCE, info(5.0, sound="de"), None, CUTTING)
    assert (clip.subtitle, clip.subtitle_source, clip.language) == (None, "none", "de")


def test_manifest_span_is_one_clip_with_the_text_of_the_span() -> None:
    source = Source("row-1", "/data/talk.mp4", start_s=100.0, end_s=160.0)
    found = info(7200.0, Cue(99.0, 100.5, "before"), Cue(101.0, 103.0, "one"), Cue(158.0, 161.0, "two"))
    (clip,) = cut(source, found, None, CUTTING)
    assert clip == Clip("row-1", "/data/talk.mp4", 100.0, 160.0, "one two", "embedded")


def test_manifest_subtitle_without_span_keeps_a_long_source_whole() -> None:
    source = Source("row-1", "/data/talk.mp4", subtitle="everything that is said")
    (clip,) = cut(source, info(95.0, Cue(1.0, 2.0, "track")), None, CUTTING)
    assert clip == Clip("row-1", "/data/talk.mp4", subtitle="everything that is said", subtitle_source="manifest")


@pytest.mark.parametrize(("start_s", "end_s"), [(2.0, 5.5), (5.0, None), (6.0, 7.0)])
def test_span_beyond_the_end_is_refused(start_s: float, end_s: float | None) -> None:
    assert reason_of(Source("x", "/x.mp4", start_s, end_s), info(5.0)) == "span-out-of-range"
    assert reason_of(Source("x", "/x.mp4", start_s, end_s, subtitle="said"), info(5.0)) == "span-out-of-range"


def test_span_may_end_with_the_rounding_of_the_length() -> None:
    assert len(cut(Source("x", "/x.mp4", 2.0, 5.04), info(5.0), None, CUTTING)) == 1


@pytest.mark.parametrize(
    ("duration_s", "ends"),
    [
        (35.0, [10.0, 20.0, 30.0, 35.0]),
        (40.0, [10.0, 20.0, 30.0, 40.0]),
        (40.9, [10.0, 20.0, 30.0, 40.9]),
        (41.0, [10.0, 20.0, 30.0, 40.0, 41.0]),
        (30.02, [10.0, 20.0, 30.02]),
    ],
)
def test_windows(duration_s: float, ends: list[float]) -> None:
    clips = cut(SOURCE, info(duration_s), None, CUTTING)
    assert [clip.end_s for clip in clips] == ends
    assert [clip.start_s for clip in clips] == [0.0, *ends[:-1]]
    assert clips[1].clip_id == f"talk#t=10.000,{ends[1]:.3f}"
    assert all(clip.subtitle is None and clip.subtitle_source == "none" for clip in clips)


def test_windows_where_windows_are_longer_than_the_source() -> None:
    clips = cut(SOURCE, info(35.0), None, Cutting(max_clip_s=30.0, window_s=60.0))
    assert spans(clips) == [(0.0, 35.0, None)]


def test_cues_are_joined_to_sentences() -> None:
    found = info(
        100.0,
        Cue(1.0, 3.0, "I never said"),
        Cue(3.1, 5.0, "that he did."),
        Cue(5.1, 7.0, "Really?"),
        Cue(20.0, 22.0, "After a pause"),
        Cue(23.0, 25.0, "and another"),
        Cue(30.0, 30.5, "No."),
        Cue(30.6, 32.0, "Never!"),
        Cue(40.0, 46.0, "A very long"),
        Cue(46.0, 52.0, "sentence."),
    )
    clips = cut(SOURCE, found, None, CUTTING)
    assert spans(clips) == [
        (1.0, 5.0, "I never said that he did."),
        (5.1, 7.0, "Really?"),
        (20.0, 22.0, "After a pause"),
        (23.0, 25.0, "and another"),
        (30.0, 32.0, "No. Never!"),
        (40.0, 46.0, "A very long"),
        (46.0, 52.0, "sentence."),
    ]
    assert clips[0].clip_id == "talk#t=1.000,5.000"
    assert {clip.subtitle_source for clip in clips} == {"embedded"}


def test_chinese_punctuation_ends_sentences() -> None:
    found = info(100.0, Cue(1.0, 3.0, "我很高兴。"), Cue(3.0, 5.0, "真的"), Cue(5.0, 7.0, "吗？”"), Cue(7.0, 9.0, "是"))
    assert [clip.subtitle for clip in cut(SOURCE, found, None, CUTTING)] == ["我很高兴。", "真的 吗？”", "是"]


def test_cues_of_one_moment_are_one_clip() -> None:
    found = info(100.0, Cue(1.0, 3.0, "Yes!"), Cue(1.0, 3.0, "No!"), Cue(1.5, 3.5, "Stop!"), Cue(3.4, 5.0, "Why?"))
    clips = cut(SOURCE, found, None, CUTTING)
    assert spans(clips) == [(1.0, 3.5, "Yes! No! Stop!"), (3.4, 5.0, "Why?")]


def test_cues_end_with_the_source() -> None:
    found = info(40.0, Cue(1.0, 2.0, "a"), Cue(38.0, 99.0, "b"), Cue(41.0, 42.0, "beyond"))
    assert spans(cut(SOURCE, found, None, CUTTING)) == [(1.0, 2.0, "a"), (38.0, 40.0, "b")]


def test_cues_beyond_the_source_alone_leave_windows() -> None:
    clips = cut(SOURCE, info(35.0, Cue(50.0, 51.0, "elsewhere")), None, CUTTING)
    assert len(clips) == 4
    assert all(clip.subtitle is None for clip in clips)


def test_ids_are_unique_and_carry_the_span() -> None:
    found = info(7200.0, *(Cue(i * 1.001, i * 1.001 + 0.9, "word.") for i in range(1000)))
    clips = cut(SOURCE, found, None, CUTTING)
    assert len({clip.clip_id for clip in clips}) == len(clips)
    assert all(clip.clip_id == f"talk#t={clip.start_s:.3f},{clip.end_s:.3f}" for clip in clips)


def test_subtitle_that_is_too_long_is_refused() -> None:
    assert reason_of(SOURCE, info(5.0, Cue(1.0, 2.0, "x" * 100_001))) == "subtitle-too-long"


def test_absurd_length_is_refused() -> None:
    assert reason_of(SOURCE, info(1e9)) == "implausible-duration"
