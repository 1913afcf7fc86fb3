"""The made voice has the pitch, the rate and the tone that it was asked for."""

import numpy as np
import pytest

from affectgpt.annotate.signal.prosody import measure_voice
from affectgpt.demo.sentences import CONTRARY, SENTENCES
from affectgpt.demo.voice import MANNERS, RATE, SHORTEST_S, Sound, Speaker, speak

MAN, WOMAN = Speaker(115.0, 1.0), Speaker(205.0, 1.16)
TEXT = "The parcel was delivered this morning."


def said(emotion: str, speaker: Speaker = MAN, text: str = TEXT, seed: int = 0) -> Sound:
    return speak(text, speaker, MANNERS[emotion], np.random.default_rng(seed))


@pytest.mark.parametrize("speaker", [MAN, WOMAN])
def test_calm_speech_has_the_pitch_of_the_speaker(speaker: Speaker) -> None:
    measured = measure_voice(said("neutral", speaker))
    assert measured["pitch_median_hz"] == pytest.approx(speaker.pitch_hz, rel=0.12)


def test_emotions_differ_as_they_should() -> None:
    measured = {emotion: measure_voice(said(emotion)) for emotion in MANNERS}
    calm = measured["neutral"]
    for lively in ("anger", "happiness", "fear", "surprise"):
        assert measured[lively]["pitch_median_hz"] > 1.3 * calm["pitch_median_hz"], lively
        assert measured[lively]["alpha_ratio_db"] > calm["alpha_ratio_db"], lively
        assert measured[lively]["level_dbfs"] > calm["level_dbfs"], lively
    for quiet in ("sadness", "boredom"):
        assert measured[quiet]["pitch_median_hz"] < calm["pitch_median_hz"], quiet
        assert measured[quiet]["syllables_per_s"] < calm["syllables_per_s"], quiet
        assert measured[quiet]["level_dbfs"] < calm["level_dbfs"], quiet
    assert measured["surprise"]["pitch_range_st"] > measured["fear"]["pitch_range_st"]
    assert measured["fear"]["jitter_percent"] > measured["happiness"]["jitter_percent"]
    assert measured["fear"]["syllables_per_s"] > calm["syllables_per_s"]


def test_every_sentence_lasts_two_to_four_seconds_in_every_manner_that_it_is_said_in() -> None:
    for emotion in MANNERS:
        for words in (emotion, CONTRARY[emotion]):
            for text in (text for sentences in SENTENCES[words].values() for text in sentences):
                seconds = len(said(emotion, text=text)) / RATE
                assert SHORTEST_S - 0.1 < seconds < 4.0, (emotion, text)


def test_a_sound_that_can_be_written() -> None:
    for emotion in MANNERS:
        sound = said(emotion, WOMAN)
        assert sound.dtype == np.float32
        assert sound.ndim == 1
        assert 0.01 < np.abs(sound).max() < 1.0
        assert np.abs(sound[: RATE // 10]).max() < 0.01 < np.abs(sound).max()


def test_the_same_seed_gives_the_same_sound_and_another_does_not() -> None:
    assert np.array_equal(said("anger"), said("anger"))
    assert not np.array_equal(said("anger"), said("anger", seed=1))


def test_a_text_that_says_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing to say"):
        said("neutral", text="...")
