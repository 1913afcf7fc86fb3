"""Samples are tried by mouse and keyboard, on a phone and on a desk."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.media import Video, write_media
from tests.serving.page.canned_model import EN
from tests.serving.page.conftest import Served, serving_page
from tests.serving.page.driven_browser import DrivenBrowser
from tests.serving.page.test_page import DONE, WIDTHS

SAID = "The cake is delicious!"
NAMES = ["both & more.mp4", "silent.mp4", "text.mp4", "voice.wav"]
SUBTITLE = "document.querySelector('#subtitle').value"


@pytest.fixture(scope="module")
def offering(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service with samples, one of which no browser can play."""
    folder = tmp_path_factory.mktemp("samples")
    for name in NAMES:
        shutil.copy(clips / name.replace(" & more", ""), folder / name)
    (folder / "both & more.srt").write_text(f"1\n00:00:00,000 --> 00:00:02,000\n{SAID}\n")
    with serving_page(samples=str(folder)) as served:
        yield served


def sample(number: int) -> str:
    return f"#sample-list li:nth-child({number}) button"


@pytest.fixture
def page(driven: DrivenBrowser, offering: Served) -> Iterator[DrivenBrowser]:
    driven.open(offering.url)
    driven.wait("document.querySelectorAll('#sample-list button').length === 4")
    yield driven
    # The service ends when nobody reads of it any more.
    driven.open("about:blank")


def test_a_sample_is_described_as_if_it_were_dropped(page: DrivenBrowser, offering: Served) -> None:
    page.wait("document.querySelectorAll('#sample-list video.seen').length === 2")
    assert page.run("[...document.querySelectorAll('#sample-list button')].map(e => e.textContent)") == NAMES
    page.click(sample(1))
    page.wait("document.activeElement.id === 'describe'")
    assert page.text("#clip-name").startswith("both & more.mp4, 0.0")
    page.click("#describe")
    page.wait(DONE)
    assert page.text("#description") == EN
    assert offering.model.queries[-1].read.clip.subtitle == page.text("#timeline .subtitle q") == SAID
    page.wait("document.querySelectorAll('.strip canvas').length === 4")
    assert page.text("#visited b") == "both & more.mp4"
    assert page.complaints == []


def test_what_is_said_in_a_sample_is_not_said_in_the_next_clip(page: DrivenBrowser, clips: Path) -> None:
    page.click(sample(1))
    page.wait(f"{SUBTITLE} === {json.dumps(SAID)}")
    page.click(sample(4))
    page.wait(f"{SUBTITLE} === ''")
    page.click(sample(1))
    page.wait(f"{SUBTITLE} === {json.dumps(SAID)}")
    page.choose("#file", clips / "silent.mp4")
    page.wait(f"{SUBTITLE} === ''")


def test_what_somebody_has_written_is_kept(page: DrivenBrowser) -> None:
    page.run(f"{SUBTITLE} = 'My own words.'")
    page.click(sample(1))
    page.wait("document.activeElement.id === 'describe'")
    page.click(sample(4))
    page.wait("document.querySelector('#clip-name').textContent.startsWith('voice.wav,')")
    assert page.run(SUBTITLE) == "My own words."


def test_samples_are_reached_and_chosen_by_the_keyboard(page: DrivenBrowser) -> None:
    reached = []
    for _ in range(12):
        page.press("Tab")
        reached.append(page.run("document.activeElement.closest('#sample-list') && document.activeElement.textContent"))
    assert [name for name in reached if name] == NAMES
    page.run(f"document.querySelector({json.dumps(sample(4))}).focus()")
    page.press("Enter")
    page.wait("document.activeElement.id === 'describe'")
    page.press("Enter")
    page.wait(DONE)
    assert page.text("#visited b") == "voice.wav"
    spoken = page.spoken()
    assert {("button", "voice.wav"), ("list", "Or one of these")} <= set(spoken), spoken


def test_a_sample_that_is_gone_says_so(page: DrivenBrowser, offering: Served, tmp_path: Path) -> None:
    page.run(f"document.querySelector({json.dumps(sample(2))}).click()")
    page.wait("document.querySelector('#clip-name').textContent.startsWith('silent.mp4,')")
    folder = tmp_path / "samples"
    folder.mkdir()
    gone = write_media(folder / "gone.mp4", Video())
    with serving_page(samples=str(folder)) as served:
        page.open(served.url)
        page.wait("document.querySelector('#sample-list video.seen')")
        gone.unlink()
        page.click(sample(1))
        page.wait("document.querySelector('#error').textContent.includes('there is no sample gone.mp4')")
        page.open("about:blank")


def test_no_sample_is_chosen_while_something_is_recorded(page: DrivenBrowser) -> None:
    page.click("#record-voice")
    page.wait("document.querySelector('#samples').inert")
    page.click("#stop")
    page.wait("!document.querySelector('#samples').inert")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("dark", [False, True])
def test_samples_fit_the_screen(driven: DrivenBrowser, clips: Path, tmp_path: Path, width: int, dark: bool) -> None:
    folder = tmp_path / "samples"
    folder.mkdir()
    for number in range(12):
        shutil.copy(clips / "both.mp4", folder / f"{'clip' if number else 'w' * 80}-{number:03d}.mp4")
    with serving_page(samples=str(folder)) as served:
        driven.open(served.url, width, dark=dark)
        driven.wait("document.querySelector('#sample-list video.seen')")
        assert driven.run("document.documentElement.scrollWidth") == width
        heights = driven.run(
            "[...document.querySelectorAll('#sample-list button')].map(e => e.getBoundingClientRect().height)"
        )
        assert len(heights) == 12 and min(heights) == max(heights) > 44
        assert driven.run("document.querySelector('#sample-list').scrollWidth > 12 * 100")
        assert driven.complaints == []
        driven.open("about:blank")
