"""The page is used as a person uses it: by mouse, keyboard and screen reader, on a phone and on a desk."""

import json
from pathlib import Path

import pytest

from tests.media import Sound, Video, write_media
from tests.serving.page.canned_model import BREAKING, EN, ENDLESS, FINGERPRINT, ZH
from tests.serving.page.conftest import Served, serving_page
from tests.serving.page.driven_browser import DrivenBrowser

DONE = "document.querySelector('#progress').textContent.startsWith('Done')"
FAILED = "document.querySelector('#error').textContent"
WIDTHS = (360, 1280)


def describe(page: DrivenBrowser, clip: Path, question: str = "", until: str = DONE) -> None:
    page.choose("#file", clip)
    page.run(f"document.querySelector('#question').value = {json.dumps(question)}")
    page.click("#describe")
    page.wait(until)


def test_a_clip_is_described_beside_its_picture_and_sound(page: DrivenBrowser, served: Served, clips: Path) -> None:
    describe(page, clips / "both.mp4")
    assert page.text("#description") == EN
    assert page.run("[...document.querySelectorAll('#labels .chip')].map(e => e.textContent)") == [
        "sad",
        "anxious",
        "grateful",
        "wistful",
    ]
    marks = page.run("[...document.querySelectorAll('mark')].map(e => [e.className, e.textContent])")
    assert marks == [
        ["picture", "the face looks sad."],
        ["voice", "The voice is low and slow, which sounds sad too, with an anxious tremor in its tone."],
        ["words", "🎭 The words “thank you so much” are grateful."],
    ]
    page.wait("document.querySelectorAll('.strip canvas').length === 4")
    page.wait("document.querySelector('.waveform .sound')")
    assert page.run("document.querySelectorAll('.waveform .moment').length") == 4
    assert page.run("player.videoWidth") == 96
    assert "4 frames seen" in page.text("#facts") and FINGERPRINT[:12] in page.text("#facts")
    assert page.run("[...document.querySelectorAll('#seconds th')].map(e => e.textContent)")[-1] == "in all"
    page.click(".strip li:nth-child(3) button")
    page.wait("Math.abs(player.currentTime - 1.25) < 0.1")
    assert page.complaints == []
    loaded = page.run("performance.getEntriesByType('resource').map(e => e.name)")
    assert [name for name in loaded if not name.startswith((served.url, f"blob:{served.url}"))] == []


def test_the_emotions_have_their_places_on_each_wheel(page: DrivenBrowser, clips: Path) -> None:
    describe(page, clips / "both.mp4")
    page.wait("document.querySelector('#wheel svg')")
    assert "anxious at apprehension (fear)" in page.text("#places")
    for wheel, sectors in {"willcox": 7, "parrott": 7, "geneva": 5, "plutchik": 9}.items():
        page.run(
            f"document.querySelector('#wheel-name').value = '{wheel}';"
            "document.querySelector('#wheel-name').dispatchEvent(new Event('change'))"
        )
        assert page.run("document.querySelectorAll('#wheel g').length") == sectors
        assert page.run("document.querySelectorAll('#wheel .found').length") > 0
    page.click("#labels li:nth-child(2) .chip")
    assert page.run("[...document.querySelectorAll('.part.chosen title')].map(e => e.textContent)") == ["apprehension"]
    assert page.run("[...document.querySelectorAll('mark')].map(e => e.className)") == ["voice"]
    assert page.run("document.querySelector('#timeline').className") == "voice"
    page.click("#labels li:nth-child(2) .chip")
    assert page.run("document.querySelectorAll('mark').length") == 3


def test_a_dropped_sound_is_described_in_chinese_with_what_is_said(
    page: DrivenBrowser, served: Served, clips: Path
) -> None:
    page.drop("#drop", clips / "voice.wav")
    page.click("input[value=zh]")
    page.run("document.querySelector('#subtitle').value = ' 非常感谢 '")
    page.click("#describe")
    page.wait(DONE)
    assert (page.text("#description"), page.run("document.querySelector('#description').lang")) == (ZH, "zh")
    assert served.model.queries[-1].read.clip.subtitle == "非常感谢"
    assert page.text("#timeline .subtitle q") == "非常感谢"
    assert page.run("document.querySelectorAll('.strip').length") == 0
    assert "none in the clip" in page.text("#facts")
    assert page.run("document.querySelector('#incomplete').checkVisibility()")
    assert "焦虑 at apprehension (fear)" in page.text("#places")


@pytest.mark.parametrize("kind", ["video", "voice"])
def test_a_recording_is_described(page: DrivenBrowser, kind: str) -> None:
    page.click(f"#record-{kind}")
    page.wait("parseFloat(document.querySelector('#stop').textContent.match(/[0-9]+/)) >= 1")
    page.click("#stop")
    page.click("#describe")
    page.wait(DONE)
    assert page.text("#description") == EN
    assert page.text("#clip-name").startswith("recording-")
    assert page.run("document.querySelectorAll('.strip').length") == (1 if kind == "video" else 0)


def test_a_request_is_cancelled_and_the_model_stops(page: DrivenBrowser, served: Served, clips: Path) -> None:
    served.model.left.clear()
    describe(page, clips / "both.mp4", ENDLESS, "document.querySelector('#description').textContent.length > 20")
    assert page.run("document.activeElement.id") == "cancel"
    page.click("#cancel")
    page.wait_for(lambda: served.model.left.wait(0.05), "the model has stopped")
    assert page.text("#progress") == "Cancelled."
    assert page.text("#error") == ""
    describe(page, clips / "both.mp4")
    assert page.text("#description") == EN


def test_another_clip_takes_the_place_of_one_that_is_described(
    page: DrivenBrowser, served: Served, clips: Path
) -> None:
    served.model.left.clear()
    describe(page, clips / "both.mp4", ENDLESS, "document.querySelector('#description').textContent.length > 20")
    page.choose("#file", clips / "voice.wav")
    page.wait_for(lambda: served.model.left.wait(0.05), "the model has stopped")
    assert page.text("#description") == ""
    describe(page, clips / "voice.wav")
    assert page.run("document.querySelectorAll('#visited li').length") == 1


@pytest.mark.parametrize(
    ("name", "question", "message", "kind"),
    [
        ("text.mp4", "", "the clip is not video or sound", "not-media"),
        ("both.mp4", "?" * 1001, "the question has 1001 characters", "question-too-long"),
        ("both.mp4", BREAKING, "the clip shows nothing and says nothing", "nothing-perceived"),
    ],
)
def test_errors_are_shown_as_the_service_says_them(
    page: DrivenBrowser, clips: Path, name: str, question: str, message: str, kind: str
) -> None:
    describe(page, clips / name, question, FAILED)
    assert page.text("#error").startswith(message)
    assert f"{kind}, request " in page.text("#error")
    assert page.run("!document.querySelector('#describe').disabled")
    assert page.run("document.querySelector('#unplayable').checkVisibility()") == (name == "text.mp4")


def test_a_key_is_asked_for_where_the_service_wants_one(
    driven: DrivenBrowser, clips: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The SHA-256 of "secret".
    digest = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"
    monkeypatch.setenv("KEYS", f"{digest} ann")
    with serving_page(keys={"environment": "KEYS"}) as served:
        driven.open(served.url)
        describe(driven, clips / "both.mp4", until=FAILED)
        assert "no-key" in driven.text("#error")
        driven.wait("document.activeElement.id === 'key'")
        driven.type("secret")
        driven.press("Enter")
        driven.wait(DONE)
        assert driven.text("#error") == ""
        assert driven.run("[localStorage.length, sessionStorage.length, document.cookie]") == [0, 0, ""]


def test_a_visit_is_remembered_until_the_page_is_closed(page: DrivenBrowser, served: Served, clips: Path) -> None:
    describe(page, clips / "both.mp4")
    page.click("input[value=zh]")
    describe(page, clips / "voice.wav")
    assert page.text("#visited li:nth-child(2) b") == "both.mp4"
    page.click("#visited li:nth-child(2) button")
    assert page.text("#description") == EN
    assert page.text("#clip-name").startswith("both.mp4")
    page.wait("document.querySelectorAll('.strip canvas').length === 4")
    page.open(served.url)
    assert not page.run("document.querySelector('#history').checkVisibility()")


def test_the_keyboard_alone_is_enough(page: DrivenBrowser, clips: Path) -> None:
    page.choose("#file", clips / "both.mp4")
    page.wait("!document.querySelector('#describe').disabled")

    def tab_to(identity: str) -> None:
        for _ in range(40):
            page.press("Tab")
            if page.run(f"document.activeElement.matches({json.dumps(identity)})"):
                return
        raise AssertionError(f"{identity} is not reached by the tabulator key")

    for identity in ("#file", "#record-video", "#record-voice", "input[name=language]", "summary"):
        tab_to(identity)
    page.press(" ")
    tab_to("#question")
    page.type("How does she feel?")
    tab_to("#describe")
    page.press("Enter")
    page.wait(DONE)
    tab_to(".chip")
    page.press("Enter")
    assert page.run("document.activeElement.ariaPressed") == "true"
    tab_to("#wheel-name")
    tab_to("#visited button")


def test_a_screen_reader_is_told_everything_by_name(page: DrivenBrowser, clips: Path) -> None:
    page.run(
        "window.told = []; new MutationObserver(() => told.push(document.querySelector('#spoken').textContent))"
        ".observe(document.querySelector('#spoken'), {childList: true})"
    )
    page.run("document.querySelector('details').open = true")
    describe(page, clips / "both.mp4")
    page.wait("document.querySelector('#wheel svg') && document.querySelector('.strip')")
    told = [text.strip() for text in page.run("told") if text.strip()]
    assert " ".join(told) == EN and all(text.endswith(".") for text in told)
    known = page.spoken()
    wanted = {"button", "textbox", "radio", "combobox", "img", "image", "link", "table", "heading"}
    assert wanted & {role for role, _ in known} >= {"button", "radio", "combobox", "table", "heading"}
    assert [role for role, name in known if role in wanted and not name] == []
    names = {name for _, name in known}
    assert {"Go to the frame at 0.24 s", "What is said in the clip", "Frames that the model saw"} <= names
    assert any(name.startswith("Emotion wheel Plutchik: sad at sadness, anxious at") for name in names)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("dark", [False, True])
def test_nothing_is_wider_than_the_screen_and_all_can_be_read(
    driven: DrivenBrowser, served: Served, clips: Path, tmp_path: Path, width: int, dark: bool
) -> None:
    driven.open(served.url, width, dark=dark, still=True)
    long_name = write_media(tmp_path / f"{'w' * 100}.mp4", Video(), Sound())
    describe(driven, long_name)
    driven.wait("document.querySelector('#wheel svg')")
    assert driven.run("document.documentElement.scrollWidth") == width
    colours = "[document.body, document.querySelector('.panel'), document.querySelector('#description')]"
    page, panel, text = driven.run(f"{colours}.map((e, i) => getComputedStyle(e)[i < 2 ? 'backgroundColor' : 'color'])")
    assert _brightness(page) < _brightness(text) if dark else _brightness(page) > _brightness(text)
    assert abs(_brightness(panel) - _brightness(text)) > 150
    small = driven.run(
        "[...document.querySelectorAll('button, select, .button, summary')].filter(e => e.checkVisibility())"
        ".filter(e => e.getBoundingClientRect().height < 24).map(e => e.outerHTML)"
    )
    assert small == []
    assert driven.complaints == []


def test_nothing_moves_where_that_is_not_wanted(driven: DrivenBrowser, served: Served, clips: Path) -> None:
    writing = "document.querySelector('#description').textContent.length > 20"
    cursor = "getComputedStyle(document.querySelector('#description'), '::after').animationName"
    for still, name in ((False, "blink"), (True, "none")):
        driven.open(served.url, still=still)
        describe(driven, clips / "both.mp4", ENDLESS, writing)
        assert driven.run(cursor) == name


def _brightness(colour: str) -> float:
    channels = [float(channel) for channel in colour.removeprefix("rgb(").removesuffix(")").split(",")]
    return sum(channels) / 3
