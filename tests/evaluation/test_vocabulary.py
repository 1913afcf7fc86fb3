from collections import Counter

import pytest

from affectgpt.evaluation import vocabulary
from affectgpt.evaluation.emotion_wheels import shipped_wheels
from affectgpt.evaluation.vocabulary import chinese_words, emotions, english_words, find_label, named_in, table_rows


def emotion(label: str) -> str | None:
    word = find_label(label)
    return None if word is None else word.emotion.name


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("happily", "happy"),
        ("happiness", "happy"),
        ("Annoyed", "annoyed"),
        ("being anxious", "anxious"),
        ("very angry", "angry"),
        ("a little sad", "sad"),
        ("pleasantly surprised", "surprised"),
        ("joyful surprise", "surprised"),
        ("sense of humor", "amused"),
        ("fear of failure", "afraid"),
        ("self-blame", "guilty"),
        ("self blame", "guilty"),
        ("lighthearted", "happy"),
        ("humour", "amused"),
        ("ｈａｐｐｙ", "happy"),
        ("unhappiness", "sad"),
        ("dissatisfaction", "disappointed"),
        ("开心", "happy"),
        ("非常开心", "happy"),
        ("有点生气", "angry"),
        ("愤怒的", "angry"),
        ("悲伤情绪", "sad"),
        ("不开心", "sad"),
        ("激动的心情", "excited"),
        ("爱", "loving"),
        ("surprised (positive)", "surprised"),
        ("生气勃勃", "energetic"),
        ("憤怒", "angry"),
        ("非常開心", "happy"),
    ],
)
def test_labels_in_many_shapes(label: str, expected: str) -> None:
    assert emotion(label) == expected


@pytest.mark.parametrize(
    "label",
    [
        "not happy",
        "no longer angry",
        "un-excited",
        "lack of confidence",
        "low confidence",
        "isn't sad",
        "不太开心",
        "不是很开心",
        "没有自信",
    ],
)
def test_what_is_denied_names_no_emotion(label: str) -> None:
    assert find_label(label) is None


@pytest.mark.parametrize(
    "label",
    [
        "",
        "table",
        "123",
        "!?",
        "()",
        "witness",
        "likely",
        "chilling",
        "伤感情",
        "桌子",
        "mixed feelings",
        "的",
        "explain",
        "suggestion",
    ],
)
def test_what_names_no_emotion(label: str) -> None:
    assert find_label(label) is None


def test_a_single_character_counts_alone_but_not_inside_a_word() -> None:
    assert emotion("气") == "angry"
    assert find_label("语气词") is None


def test_a_label_of_many_characters_is_soon_done() -> None:
    assert find_label("很" * 50_000) is None
    assert emotion("很" * 50_000 + "开心") == "happy"
    assert emotion("very " * 20_000 + "happy") == "happy"


def test_the_longest_phrase_is_named_once() -> None:
    named = [(first, behind, word.base) for first, behind, word in named_in(["he", "is", "fed", "up", "and", "sad"])]
    assert named == [(2, 4, "fed up"), (5, 6, "sad")]


def test_no_form_stands_twice_and_each_emotion_has_words_in_both_languages() -> None:
    forms: Counter[str] = Counter()
    for name, _, *_, english, chinese in table_rows("emotions.tsv"):
        families = [family.split("/") for family in english.split(", ")] + [[form] for form in chinese.split(", ")]
        written = [vocabulary._plain(form) for family in families for form in family]
        assert all(written), name
        forms.update(written)
        assert english and chinese, name
    assert [form for form, count in forms.items() if count > 1] == []


def test_each_listed_form_is_found() -> None:
    for form, word in {**english_words(), **chinese_words()}.items():
        assert find_label(form) == word, form


def test_each_place_is_on_its_wheel() -> None:
    sectors = {wheel.name: wheel.sectors for wheel in shipped_wheels().wheels}
    for one in emotions():
        for wheel, place in one.places.items():
            assert any(place in middle for middle in sectors[wheel].values()), (one.name, wheel, place)


def test_the_name_of_each_emotion_is_one_of_its_words() -> None:
    for one in emotions():
        assert emotion(one.name) == one.name


def test_how_much_the_vocabulary_covers() -> None:
    assert len(english_words()) > 2000
    assert len(chinese_words()) > 1000
