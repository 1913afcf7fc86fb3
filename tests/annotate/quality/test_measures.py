"""The registry: every measure by its name, and only what is asked for."""

import numpy as np
import pytest

from affectgpt.annotate.quality.measures import MEASURES, measure
from affectgpt.annotate.sample import Sample
from affectgpt.clips.clip import Clip
from affectgpt.clips.media import Media

EMPTY = Media(
    frames=np.zeros((0, 8, 8, 3), np.uint8),
    frame_times_s=np.zeros(0),
    frames_expected=8,
    sound=np.zeros(0, np.float32),
    duration_s=0.0,
    has_video=False,
    has_audio=False,
)
SAMPLE = Sample(Clip("clip", "clip.mp4"), description_en="She is happy.", subtitle_confidence=0.75)


def test_what_is_asked_for_is_measured() -> None:
    assert measure(SAMPLE, ["description_words", "subtitle_confidence"]) == {
        "description_words": 3.0,
        "subtitle_confidence": 0.75,
    }
    assert measure(SAMPLE, []) == {}


def test_what_cannot_be_measured_is_absent() -> None:
    assert measure(Sample(Clip("clip", "clip.mp4"), EMPTY), list(MEASURES)) == {}


def test_measures_that_need_no_media_do_without() -> None:
    names = [name for name, each in MEASURES.items() if not each.needs_media]
    assert set(measure(SAMPLE, names)) == {"description_words", "emotion_words", "subtitle_confidence"}


def test_each_measure_has_its_own_name() -> None:
    assert all(name == each.name for name, each in MEASURES.items())


def test_an_unknown_measure_is_refused() -> None:
    with pytest.raises(KeyError, match="beauty"):
        measure(SAMPLE, ["beauty"])
