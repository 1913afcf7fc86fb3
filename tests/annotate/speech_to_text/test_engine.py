import numpy as np
import pytest

from affectgpt.annotate.speech_to_text.engine import Transcript, is_silence, joined, windows
from affectgpt.annotate.speech_to_text.languages import tag_of_language
from affectgpt.clips.media import SAMPLE_RATE

RATE = SAMPLE_RATE


def noise(seconds: float) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 0.1, round(seconds * RATE)).astype(np.float32)


def test_short_sound_is_one_window() -> None:
    sound = noise(30)
    assert [len(part) for part in windows(sound)] == [len(sound)]
    assert [len(part) for part in windows(noise(0))] == [0]


def test_long_sound_is_cut_where_it_is_quiet_and_nothing_is_lost() -> None:
    sound = noise(70)
    sound[round(27.0 * RATE) : round(27.2 * RATE)] = 0
    sound[round(55.0 * RATE) : round(55.2 * RATE)] = 0
    parts = windows(sound)
    assert np.array_equal(np.concatenate(parts), sound)
    assert [pytest.approx(end / RATE, abs=0.2) for end in np.cumsum([len(part) for part in parts])] == [27.1, 55.1, 70]
    assert all(len(part) <= 30 * RATE for part in parts)


def test_windows_of_one_sound_make_one_transcript() -> None:
    parts = [
        (Transcript("one two", "en", 0.81), 30.0),
        (Transcript("", None, None), 9.0),
        (Transcript("three", "de", 0.25), 10.0),
    ]
    whole = joined(parts)
    assert (whole.text, whole.language) == ("one two three", "en")
    assert whole.confidence == pytest.approx(0.81**0.75 * 0.25**0.25)
    assert joined([(Transcript(""), 1.0)]) == Transcript("")
    assert joined([(Transcript("word", "en"), 1.0)]) == Transcript("word", "en", None)


def test_silence_is_what_a_model_takes_for_it_and_is_unsure_of_the_words() -> None:
    assert is_silence(no_speech=0.9, confidence=0.2)
    assert not is_silence(no_speech=0.9, confidence=0.5)
    assert not is_silence(no_speech=0.5, confidence=0.2)


@pytest.mark.parametrize(
    ("name", "tag"),
    [("english", "en"), ("Chinese", "zh"), ("de", "de"), ("yue", "yue"), ("klingon", None), (None, None)],
)
def test_languages_by_name_or_by_code(name: str | None, tag: str | None) -> None:
    assert tag_of_language(name) == tag
