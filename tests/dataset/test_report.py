import base64
import dataclasses
import hashlib
import re
from pathlib import Path
from typing import Any

import av
import cv2
import jinja2
import numpy as np
import pytest

from affectgpt.dataset.report import charts, text
from affectgpt.dataset.report.examples import Example, RejectedClip
from affectgpt.dataset.report.pictures import film_strip
from affectgpt.dataset.report.render import render_report
from tests.browser import HOSTILE, Browser, Page
from tests.dataset.conftest import run, stage


@pytest.fixture
def example() -> Example:
    rng = np.random.default_rng(7)
    return Example(
        clip_id="talks/one",
        uri="/data/talks/one.mp4",
        duration_s=2.5,
        frames=np.full((8, 120, 160, 3), 90, np.uint8),
        sound=rng.normal(0, 0.1, 40_000).astype(np.float32),
        subtitle="I did not expect that.",
        language="en",
        visual_clue="One face; the mouth moves a lot.",
        acoustic_clue="A high, wide-ranging pitch.",
        description_en="The voice speaks for surprise.",
        description_zh="语气说明其感到惊讶。",
        labels=[("surprised", ("acoustic", "textual")), ("lively", ("visual",))],
        engines={"visual_clue": "signal", "merge": "openai", "labels": "signal"},
    )


def rejected(number: int, reason: str = "not-media", message: str = "It is text.") -> RejectedClip:
    return RejectedClip(f"bad/{number}", f"/data/bad/{number}.mp4", "rejected", "inspect", reason, message)


def test_a_report_of_what_goes_on_says_what_is_left_and_by_which_runs(report: dict[str, Any]) -> None:
    assert "has come" not in Page(render_report(report, [], [])).text
    runs = [run("1", annotated=11, is_published=False, host="<node>"), run("2", annotated=7, is_published=False)]
    so_far = {**report, "annotated": 18, "open": 30, "uninspected": 7, "runs": runs}
    shown = Page(render_report(so_far, [], [])).words
    assert "This is how far it has come" in shown and "7 sources have not been looked into yet." in shown
    assert "30 not decided yet" in shown
    assert "on <node> 21 s 11 0 no" in shown


@pytest.mark.parametrize(
    ("changes", "summary"),
    [
        ({}, "48 of 52 clips annotated in 21 s; 2 filtered, 2 rejected."),
        ({"filtered": 0, "rejected": 4}, "48 of 52 clips annotated in 21 s; 4 rejected."),
        ({"annotated": 52, "filtered": 0, "rejected": 0}, "52 of 52 clips annotated in 21 s."),
        (
            {"annotated_before": 30, "annotated_this_run": 18},
            "48 of 52 clips annotated: 30 before, and 18 in this run of 21 s; 2 filtered, 2 rejected.",
        ),
        ({"annotated": 18, "open": 30}, "18 of 52 clips annotated in 21 s; 2 filtered, 2 rejected, 30 open."),
        ({"inputs": 0, "annotated": 0, "filtered": 0, "rejected": 0}, "The input held no clips."),
        ({"inputs": 0, "annotated": 0, "filtered": 0, "rejected": 0, "uninspected": 9}, "No clip is known yet."),
        ({"annotated": 0, "filtered": 0, "rejected": 52}, "None of 52 clips annotated in 21 s; 52 rejected."),
    ],
)
def test_the_title_says_how_the_build_went(report: dict[str, Any], changes: dict[str, Any], summary: str) -> None:
    assert f"<h1>{summary}</h1>" in render_report({**report, **changes}, [], [])


def test_numbers_of_the_report_are_on_the_page(report: dict[str, Any], example: Example) -> None:
    shown = Page(render_report(report, [example], [])).words
    assert "The bottleneck is the visual clue stage: it took 69 % of the workers’ time, at 11 clips per second" in shown
    assert "35 distinct labels; these are the 30 most frequent" in shown
    assert "label 29" in shown and "label 30" not in shown
    assert "Shortest 0.8 s, median 2.9 s, longest 6.0 s." in shown
    assert "video + sound + subtitle" in shown
    assert "unknown" not in shown
    assert "frames: 8" in shown and "ray 2.60.0" in shown and "3 May 2026, 14:05 UTC" in shown


def test_an_example_shows_all_that_is_known_of_the_clip(report: dict[str, Any], example: Example) -> None:
    source = render_report(report, [example], [])
    page = Page(source)
    for known in (example.clip_id, example.uri, example.subtitle, example.visual_clue, example.acoustic_clue):
        assert known is not None and known in page.text
    assert f'lang="en">{example.description_en}<' in source
    assert f'lang="zh">{example.description_zh}<' in source
    assert [image["alt"] for image in page.attributes("img")] == [f"Frame {n} of 8" for n in (1, 3, 6, 8)]
    assert re.search(r"surprised</span>\s*<span[^>]*>acoustic, textual<", source)
    assert re.search(r"signal</b> visual clue, labels<", source) and re.search(r"openai</b> merge<", source)


def test_an_example_with_nothing_but_its_name_says_what_is_missing(report: dict[str, Any], example: Example) -> None:
    bare = dataclasses.replace(
        example,
        frames=np.zeros((0, 0, 0, 3), np.uint8),
        sound=np.zeros(0, np.float32),
        **dict.fromkeys(("duration_s", "subtitle", "language", "visual_clue", "acoustic_clue"), None),
        **dict.fromkeys(("description_en", "description_zh"), None),
        labels=[],
    )
    shown = Page(render_report(report, [bare], [])).text
    for missing in ("No picture", "No sound", "No subtitle", "No labels", "No description in English"):
        assert missing in shown


def test_a_build_that_annotated_nothing_has_a_report(empty_report: dict[str, Any]) -> None:
    shown = Page(render_report(empty_report, [], [rejected(1)])).words
    assert "None of 3 clips annotated" in shown
    assert "— clips per second" in shown and "— of clips in all" in shown
    for missing in ("No stage ran.", "No clip has a label.", "No durations are known.", "No clip was annotated"):
        assert missing in shown
    assert "bad/1 It is text. and 2 more" in shown


def test_a_build_that_rejected_nothing_says_so(report: dict[str, Any]) -> None:
    clean = {**report, "annotated": 52, "filtered": 0, "rejected": 0, "reasons": []}
    assert "Every clip was annotated." in render_report(clean, [], [])


def test_left_out_clips_are_grouped_by_reason_with_the_first_messages(report: dict[str, Any]) -> None:
    reasons = [
        {"outcome": "rejected", "stage": "decode", "reason": "timed-out", "count": 1},
        {"outcome": "rejected", "stage": "inspect", "reason": "not-media", "count": 1234},
    ]
    clips = [rejected(number, message=f"message {number}") for number in range(10)]
    shown = Page(render_report({**report, "reasons": reasons}, [], clips)).words
    assert "message 2 and 1,231 more" in shown and "message 3" not in shown
    assert shown.index("not-media at inspect 1,234") < shown.index("timed-out at decode 1")
    assert "/data/emer-coarse/rejected/*.parquet" in shown


def hostile_page(report: dict[str, Any], example: Example) -> str:
    clip = Example(
        clip_id=HOSTILE,
        uri="javascript:" + HOSTILE,
        duration_s=float("nan"),
        frames=example.frames,
        sound=example.sound,
        subtitle=HOSTILE * 20,
        language=HOSTILE,
        visual_clue="מ" * 3000,
        acoustic_clue="x" * 10_000,
        description_en=HOSTILE * 20,
        description_zh="很长" * 3000,
        labels=[(HOSTILE, (HOSTILE,))] * 40,
        engines={HOSTILE: HOSTILE},
    )
    report |= {
        "output": HOSTILE,
        "labels": [{"label": HOSTILE, "count": 3}],
        "languages": {HOSTILE: 48},
        "recipe": {HOSTILE: HOSTILE.replace("\ud800", "")},
        "versions": {HOSTILE: HOSTILE},
    }
    return render_report(report, [clip], [rejected(1, message=HOSTILE * 50)])


def test_text_from_clips_cannot_become_markup(report: dict[str, Any], example: Example) -> None:
    source = hostile_page(report, example)
    page = Page(source)
    assert "<script>alert(1)</script>" in page.text and "{{ 7 * 7 }}" in page.text
    assert not page.attributes("script")
    attributes = [name for _, attributes in page.elements for name in attributes]
    assert not [name for name in attributes if name.startswith("on") or name == "style"]
    targets = [value or "" for _, all_of in page.elements for name, value in all_of.items() if name in ("src", "href")]
    assert targets and all(target.startswith(("data:", "#")) for target in targets)
    assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", source)
    assert "␀␇" in source
    source.encode("utf-8")


def test_long_text_is_cut_and_the_whole_of_it_a_keystroke_away(report: dict[str, Any], example: Example) -> None:
    words = " ".join(f"word{number}" for number in range(1200))[:10_000]
    source = render_report(report, [dataclasses.replace(example, description_en=words)], [])
    head = re.search(r'<summary><span class="foreign head"[^>]*>(.*?)…</span>', source)
    assert head and words.startswith(head[1]) and 500 < len(head[1]) <= 600
    assert f">{words}</div>" in source
    assert "These are the first" not in source


def test_a_text_of_megabytes_does_not_swell_the_page(report: dict[str, Any], example: Example) -> None:
    source = render_report(report, [dataclasses.replace(example, subtitle="long " * 2_000_000)], [])
    assert len(source) < 100_000
    assert "These are the first 10,000 of 10,000,000 characters" in source


def test_a_missing_key_is_an_error(report: dict[str, Any]) -> None:
    del report["start_up_s"]
    with pytest.raises(jinja2.UndefinedError, match="start_up_s"):
        render_report(report, [], [])


def test_the_policy_allows_the_page_its_own_style_and_nothing_else(report: dict[str, Any]) -> None:
    source = render_report(report, [], [])
    style = re.search(r"<style>(.*?)</style>", source, re.DOTALL)
    policy = Page(source).attributes("meta")[1]["content"]
    assert style and policy
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:")


def test_twelve_examples_of_the_worst_pictures_stay_under_a_megabyte(report: dict[str, Any], example: Example) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (4, 360, 640, 3), dtype=np.uint8)
    source = render_report(report, [dataclasses.replace(example, frames=noise)] * 12, [])
    assert len(source.encode()) < 1_000_000


@pytest.mark.parametrize(
    ("height", "width", "shown"),
    [(288, 360, (200, 160)), (720, 1280, (284, 160)), (1280, 720, (90, 160)), (1, 1, (1, 1)), (4, 4000, (284, 1))],
)
def test_thumbnails_keep_their_shape_and_colours(height: int, width: int, shown: tuple[int, int]) -> None:
    frames = np.empty((2, height, width, 3), np.uint8)
    frames[:] = (200, 60, 20)
    strip = film_strip(frames)
    assert [(picture.width, picture.height) for picture in strip] == [shown] * 2
    jpeg = base64.b64decode(strip[0].uri.removeprefix("data:image/jpeg;base64,"))
    assert len(jpeg) <= 12_000
    decoded = cv2.cvtColor(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    assert decoded.shape == (shown[1], shown[0], 3)
    assert np.abs(decoded.reshape(-1, 3).mean(axis=0) - (200, 60, 20)).max() < 6


def test_a_film_strip_covers_the_clip_from_end_to_end() -> None:
    assert [picture.place for picture in film_strip(np.zeros((30, 8, 8, 3), np.uint8))] == [1, 11, 20, 30]
    assert [picture.place for picture in film_strip(np.zeros((3, 8, 8, 3), np.uint8))] == [1, 2, 3]
    assert film_strip(np.zeros((0, 0, 0, 3), np.uint8)) == []


def outline(sound: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The upper and the lower edge of a drawn waveform, as heights over the middle in [-50, 50]."""
    path = re.search(r'd="M(.*?)Z"', charts.waveform(sound.astype(np.float32), "sound"))
    assert path
    heights = np.array([50 - int(point.split()[1]) for point in path[1].split("L")])
    return heights[: len(heights) // 2], heights[len(heights) // 2 :][::-1]


def test_a_waveform_follows_the_sound() -> None:
    sound = np.sin(np.arange(32_000) * 0.3) * np.linspace(0, 0.5, 32_000)
    top, bottom = outline(sound)
    assert len(top) == 200
    np.testing.assert_allclose(top, np.linspace(0, 50, 200), atol=1.5)
    np.testing.assert_allclose(bottom, np.linspace(0, -50, 200), atol=2.5)


@pytest.mark.parametrize("sound", [np.zeros(16_000), np.full(16_000, 1e-5), np.zeros(1)])
def test_silence_is_drawn_flat(sound: np.ndarray) -> None:
    top, bottom = outline(sound)
    assert np.ptp(top) == np.ptp(bottom) == 0


def test_values_that_are_no_numbers_do_not_hide_the_rest_of_the_sound() -> None:
    sound = np.sin(np.arange(32_000) * 0.3)
    broken = sound.copy()
    broken[500] = np.nan
    np.testing.assert_array_equal(outline(broken)[0], outline(sound)[0])


def test_histogram_bars_are_as_high_as_their_counts() -> None:
    drawing = charts.histogram([0, 1, 2, 3], [10, 0, 5], "s")
    heights = [float(height) for height in re.findall(r'<rect class="fill".*?height="([\d.]+)"', drawing)]
    assert heights == [120, 60]
    assert ">10</text>" in drawing and ">3 s</text>" in drawing
    assert "most values, 10, lie between 0 and 1 s" in drawing


def test_parts_of_a_whole_fill_the_bar_and_small_ones_can_be_seen() -> None:
    drawing = charts.proportions([("annotated", 999_999), ("filtered", 0), ("rejected", 1)])
    widths = [float(width) for width in re.findall(r'x="[\d.]+%" width="([\d.]+)%"', drawing)]
    assert len(widths) == 2 and sum(widths) == pytest.approx(100) and widths[1] > 0.5
    assert 'aria-label="999,999 annotated, 1 rejected"' in drawing
    assert "no clips" in charts.proportions([("annotated", 0)])


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (None, "—"),
        (float("nan"), "—"),
        (0.0, "0.0 s"),
        (0.042, "0.042 s"),
        (7.94, "7.9 s"),
        (21.3, "21 s"),
        (59.7, "1 min 0 s"),
        (130.2, "2 min 10 s"),
        (3599.9, "1 h 0 min"),
        (36_000_000, "10,000 h 0 min"),
    ],
)
def test_durations_are_written_in_units_that_suit_them(seconds: float | None, written: str) -> None:
    assert text.duration(seconds) == written


def test_numbers_are_written_for_people() -> None:
    assert [text.number(value) for value in (None, 0, 0.0512, 3.64, 26.3, 1234.5)] == [
        "—", "0.0", "0.051", "3.6", "26", "1,234",
    ]  # fmt: skip
    assert [text.percent(share) for share in (None, 0, 0.004, 0.306, 1)] == ["—", "0 %", "< 1 %", "31 %", "100 %"]
    assert text.count(None) == "—" and text.count(12_345) == "12,345"


def real_clip(file: Path) -> tuple[np.ndarray, np.ndarray]:
    with av.open(file) as source:
        frames = [frame.to_ndarray(format="rgb24") for frame in source.decode(video=0)]
    with av.open(file) as source:
        resampler = av.AudioResampler("fltp", "mono", 16_000)
        sound = [part.to_ndarray()[0] for frame in source.decode(audio=0) for part in resampler.resample(frame)]
    return np.stack(frames[:: max(1, len(frames) // 8)]), np.concatenate(sound)


def test_a_browser_shows_the_report_of_real_clips(
    browser: Browser, shared_media: Path, tmp_path: Path, report: dict[str, Any], example: Example
) -> None:
    clips = [real_clip(file) for file in sorted((shared_media / "grid").glob("*.mpg"))[:3]]
    examples = [dataclasses.replace(example, frames=frames, sound=sound) for frames, sound in clips]
    source = render_report(report, examples, [rejected(1)])
    measured = browser.probe(source, 1200)
    assert measured["console"] == [] and measured["requests"] == []
    assert measured["styled"] == "1152px"
    assert len(measured["images"]) == 12
    assert all(width == 200 and height == 160 and shown > 80 for width, height, shown in measured["images"])
    picture = tmp_path / "report.png"
    assert browser.screenshot(source, picture, 1200, 2400) == []
    assert cv2.imread(str(picture)).shape == (2400, 1200, 3)
    assert len(np.unique(cv2.imread(str(picture)).reshape(-1, 3), axis=0)) > 100


@pytest.mark.parametrize("width", [390, 1200])
def test_no_text_makes_the_page_scroll_sideways(
    browser: Browser, report: dict[str, Any], example: Example, width: int
) -> None:
    measured = browser.probe(hostile_page(report, example), width)
    assert measured["width"] == width
    assert measured["overflowing"] == 0 and measured["overflowing_opened"] == 0
    assert measured["console"] == [] and measured["requests"] == []
    assert min(measured["charts"]) > 30


def test_a_browser_shows_a_report_of_nothing(browser: Browser, empty_report: dict[str, Any]) -> None:
    measured = browser.probe(render_report(empty_report, [], []), 390)
    assert measured["console"] == [] and measured["overflowing"] == 0


def test_what_models_read_and_wrote_is_shown(report: dict[str, Any]) -> None:
    assert "What the models read and wrote" not in render_report(report, [], [])
    merge = stage("merge", seconds=40.0, clips=48, clips_per_second=1.2, share=0.5, tokens_per_second=96.5)
    merge |= {"prompt_tokens": 12_345, "completion_tokens": 3_860, "busy_share": 0.93}
    page = render_report({**report, "stages": [*report["stages"], merge], "reused": {"visual_clue": 7}}, [], [])
    assert "What the models read and wrote" in page
    for shown in ("12,345", "3,860", "93", "Taken over from earlier runs: visual clue of 7 clips"):
        assert shown in page
