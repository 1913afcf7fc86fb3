from pathlib import Path

import numpy as np
import pytest

from affectgpt.annotate.speech_to_text.engine import Speech
from affectgpt.annotate.speech_to_text.transformers import TransformersSpeech
from affectgpt.clips.media import SAMPLE_RATE
from affectgpt.errors import RequestError
from tests.annotate.language_model.tiny_models import tiny_chat
from tests.annotate.speech_to_text.tiny_whisper import LANGUAGES, tiny_whisper


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> TransformersSpeech:
    return TransformersSpeech(str(tiny_whisper(tmp_path_factory.mktemp("whisper"))), batch_size=3)


def tone(hertz: float, seconds: float = 0.5) -> np.ndarray:
    return np.sin(2 * np.pi * hertz * np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE).astype(np.float32)


def test_each_sound_has_words_a_language_and_a_confidence(engine: TransformersSpeech) -> None:
    low, high, german = engine.transcribe([Speech(tone(150)), Speech(tone(3000)), Speech(tone(150), "de-AT")])
    for one in (low, high, german):
        assert one.text and one.text == " ".join(one.text.split()) and "<|" not in one.text
        assert 0 < one.confidence < 1
    assert low.text != high.text
    assert low.language in LANGUAGES and german.language == "de"


def test_a_batch_says_what_each_says_alone(engine: TransformersSpeech) -> None:
    speeches = [
        Speech(tone(hertz), language) for hertz, language in ((150, None), (900, "zh"), (3000, "en"), (150, None))
    ]
    together = [one.text for one in engine.transcribe(speeches)]
    assert together == [engine.transcribe([speech])[0].text for speech in speeches]
    assert together[0] == together[3]


def test_long_sound_is_heard_to_its_end(engine: TransformersSpeech) -> None:
    first, second = tone(150, 30), tone(3000, 1)
    whole = engine.transcribe([Speech(np.concatenate([first, second]), "en")])[0]
    assert len(whole.text) > len(engine.transcribe([Speech(first, "en")])[0].text)
    assert engine.transcribe([Speech(np.zeros(0, np.float32))])[0].text == ""


def test_a_seed_draws_the_same_again(engine: TransformersSpeech) -> None:
    drawn = [Speech(tone(150), "en", 1.0, seed) for seed in (1, 1, 2)]
    one, same, other = (transcript.text for transcript in engine.transcribe(drawn))
    assert one == same != other


def test_a_language_that_the_model_does_not_know_is_found_out(engine: TransformersSpeech) -> None:
    assert engine.transcribe([Speech(tone(150), "fr")]) == engine.transcribe([Speech(tone(150))])


def test_a_model_of_english_alone(tmp_path: Path) -> None:
    engine = TransformersSpeech(str(tiny_whisper(tmp_path, multilingual=False)))
    [heard] = engine.transcribe([Speech(tone(150), "de")])
    assert heard.language == "en" and heard.text


def test_a_model_that_is_not_there_or_writes_no_speech_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"model .*nothing cannot be loaded.*name a model of the Whisper family"):
        TransformersSpeech(str(tmp_path / "nothing"))
    with pytest.raises(RequestError, match="it is a qwen3; name a model of the Whisper family"):
        TransformersSpeech(str(tiny_chat(tmp_path / "chat")))
