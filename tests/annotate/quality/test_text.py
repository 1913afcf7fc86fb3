"""Lengths, emotion words and agreement of texts whose answer is plain."""

import pytest

from affectgpt.annotate.quality.text import CHARACTERS_PER_WORD, clue_agreement, description_words, emotion_words
from affectgpt.annotate.sample import Clue, Evidence, Sample
from affectgpt.clips.clip import Clip


def described(en: str | None = None, zh: str | None = None) -> Sample:
    return Sample(Clip("clip", "clip.mp4"), description_en=en, description_zh=zh)


def with_clues(visual: Clue | None, acoustic: Clue | None) -> Sample:
    return Sample(Clip("clip", "clip.mp4"), visual=visual, acoustic=acoustic)


def test_words_are_counted_and_marks_are_not() -> None:
    assert description_words(described("It's a well-kept 3 m “wall” – he said, no?")) == 9
    assert description_words(described("", "")) is None
    assert description_words(described()) is None


def test_of_a_description_in_chinese_alone_the_characters_count() -> None:
    assert description_words(described(zh="说话人很高兴。")) == pytest.approx(6 / CHARACTERS_PER_WORD)
    assert description_words(described("Two words.", "说话人很高兴。")) == 2


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("She is happy, truly happy, and a little nervous.", 2),
        ("He is not angry.", 0),
        ("The speaker seems calm and neutral; the mouth moves.", 0),
        ("The speaker is furious.", 1),
    ],
)
def test_different_affirmed_emotion_words_are_counted(text: str, count: int) -> None:
    assert emotion_words(described(text)) == count


def test_emotion_words_are_counted_in_chinese_too() -> None:
    assert emotion_words(described(zh="说话人看起来很高兴，也有些紧张。")) == 2
    assert emotion_words(described(zh="说话人语气平淡。")) == 0
    assert emotion_words(described()) is None


def test_written_clues_agree_as_their_wording_does() -> None:
    glad, sad = Clue("She smiles happily and looks delighted."), Clue("He sobs, desperate and miserable.")
    plain = Clue("A man sits at a table.")
    assert clue_agreement(with_clues(glad, glad)) == 1
    assert clue_agreement(with_clues(plain, plain)) == 1
    apart, to_neutral = clue_agreement(with_clues(glad, sad)), clue_agreement(with_clues(glad, plain))
    assert apart is not None
    assert to_neutral is not None
    assert -1 <= apart < -0.5 < 0 < to_neutral < 0.5


def test_measured_clues_agree_as_their_evidence_does_whatever_their_wording() -> None:
    glad = Clue("No hate.", evidence=(Evidence("happiness", 1.0, "", ""),))
    sad = Clue("Great love.", evidence=(Evidence("sadness", 1.0, "", ""),))
    faint = Clue("Great love.", evidence=(Evidence("sadness", 0.1, "", ""),))
    nothing = Clue("A strong, wonderful picture.", measurements={"frames_count": 8.0})
    assert clue_agreement(with_clues(glad, sad)) == pytest.approx(-0.5)
    assert clue_agreement(with_clues(faint, nothing)) == pytest.approx(0.93)
    assert clue_agreement(with_clues(nothing, nothing)) == 1


def test_one_clue_alone_agrees_with_nothing() -> None:
    assert clue_agreement(with_clues(Clue("A man."), None)) is None
    assert clue_agreement(with_clues(None, Clue("A voice."))) is None
