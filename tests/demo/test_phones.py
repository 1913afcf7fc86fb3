"""The rough reading of a text keeps its rhythm: syllables, stresses and pauses."""

import pytest

from affectgpt.demo.phones import Phone, phones
from affectgpt.demo.sentences import CONTRARY, SENTENCES
from affectgpt.demo.voice import MANNERS


def read(text: str, pause_s: float = 0.2) -> list[Phone]:
    return list(phones(text, pause_s))


def vowels(text: str) -> int:
    """Runs of full voicing: syllables."""
    voiced = [phone.voicing == 1.0 for phone in read(text)]
    return sum(now and not before for before, now in zip([False, *voiced], voiced, strict=False))


@pytest.mark.parametrize(
    ("text", "syllables"), [("table", 2), ("stone", 1), ("morning", 2), ("cheese", 1), ("day", 1), ("火车", 2)]
)
def test_syllables(text: str, syllables: int) -> None:
    assert vowels(text) == syllables


def test_a_pause_at_a_comma_and_a_longer_one_between_sentences() -> None:
    pauses = [phone.seconds for phone in read("Yes, no. Yes.") if phone.voicing == 0 and phone.hiss == 0]
    assert [seconds for seconds in pauses if seconds > 0.1] == [0.2, 0.4]


def test_only_longer_words_are_stressed_and_only_once() -> None:
    assert not any(phone.stressed for phone in read("it is he"))
    assert [phone.stressed for phone in read("banana") if phone.voicing == 1.0] == [True, False, False]


def test_a_chinese_character_always_sounds_the_same() -> None:
    once, twice = read("好"), read("好好")
    assert twice == once * 2
    assert read("好") != read("火")


def test_nothing_is_said_where_nothing_can_be_read() -> None:
    assert read("") == []
    assert read("123 %") == []


def test_every_sentence_can_be_read_and_every_emotion_has_sentences() -> None:
    assert SENTENCES.keys() == CONTRARY.keys() == MANNERS.keys()
    for emotion, languages in SENTENCES.items():
        assert CONTRARY[emotion] != emotion
        for sentences in languages.values():
            assert len(set(sentences)) == len(sentences)
            assert all(3 < vowels(sentence) < 16 for sentence in sentences), emotion
