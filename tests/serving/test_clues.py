import pytest

from affectgpt.serving.clues import clues_of

SAD = (
    "To the ear: the voice is much lower than usual (189 Hz, -9.5 semitones); soft and dark in timbre; taken alone, "
    "this suggests sadness. The subtitle reads “The cake is delicious!”; “delicious” speaks for happiness. "
    "All in all, the speaker seems sad and anxious."
)


def test_a_label_has_the_parts_of_the_text_that_name_what_is_perceived() -> None:
    clues = clues_of(SAD, ["sad", "happy", "anxious"], "en")
    assert [(clue.text, clue.sense) for clue in clues["happy"]] == [("“delicious” speaks for happiness.", "words")]
    (sad,) = clues["sad"]
    assert sad.sense == "voice"
    assert sad.text.startswith("To the ear: the voice") and sad.text.endswith("suggests sadness.")
    assert clues["anxious"] == []


def test_a_clue_lies_where_it_says() -> None:
    for found in clues_of(SAD, ["sad", "happy"], "en").values():
        for clue in found:
            assert SAD[clue.start : clue.end] == clue.text


@pytest.mark.parametrize(
    ("text", "label", "clue", "sense"),
    [
        ("画面中她在微笑，显得高兴。声音平稳。", "高兴", "画面中她在微笑，显得高兴。", "picture"),
        ("她皱着眉。听起来语速很慢，感到悲伤。", "悲伤", "听起来语速很慢，感到悲伤。", "voice"),
        ("“我没事”透露出悲伤。", "悲伤", "“我没事”透露出悲伤。", "words"),
    ],
)
def test_chinese_is_read_too(text: str, label: str, clue: str, sense: str) -> None:
    (found,) = clues_of(text, [label], "zh")[label]
    assert (found.text, found.sense) == (clue, sense)


def test_what_the_speaker_is_not_said_to_feel_is_no_clue() -> None:
    assert clues_of("Her face shows no anger. She is angry.", ["angry"], "en") == {"angry": []}
