"""The lexica are complete, consistent and inflected as English is."""

import pytest

from affectgpt.annotate.signal.emotions import EMOTIONS
from affectgpt.annotate.signal.lexicon import (
    INNOCENT,
    chinese_forms,
    emoji_forms,
    english_forms,
    inflections,
    simplified_characters,
)


def test_each_emotion_has_words_in_both_languages() -> None:
    assert {entry.emotion for entry in english_forms().values()} == {*EMOTIONS, INNOCENT}
    assert {entry.emotion for entry in chinese_forms().values()} == {*EMOTIONS, INNOCENT}
    assert len(english_forms()) >= 900
    assert len(chinese_forms()) >= 400
    assert len(emoji_forms()) >= 40


def test_entries_are_well_formed() -> None:
    for forms in (english_forms(), chinese_forms(), emoji_forms()):
        for form, entry in forms.items():
            assert form == form.strip().lower() and "  " not in form
            assert entry.part in "aqnvcx"
            assert entry.emotion == INNOCENT or 0 < entry.strength <= 1, form


def test_a_chinese_entry_always_has_its_english_meaning() -> None:
    for entry in chinese_forms().values():
        assert entry.gloss and entry.gloss.isascii(), entry.lemma


def test_an_english_label_word_has_a_chinese_one() -> None:
    labels = [entry for entry in english_forms().values() if entry.part == "a" and entry.gloss]
    assert len({entry.lemma for entry in labels}) > 200
    assert all(not entry.gloss.isascii() for entry in labels)


@pytest.mark.parametrize(
    ("lemma", "part", "expected"),
    [
        ("hate", "v", ("hates", "hated", "hating")),
        ("cry", "v", ("cries", "cried", "crying")),
        ("sob", "v", ("sobs", "sobbed", "sobbing")),
        ("scream", "v", ("screams", "screamed", "screaming")),
        ("tear", "n", ("tears",)),
        ("tragedy", "n", ("tragedies",)),
        ("angry", "a", ("angrily", "angrier", "angriest")),
        ("sad", "a", ("sadly", "sadder", "saddest")),
        ("horrible", "q", ("horribly",)),
        ("excited", "a", ("excitedly",)),
        ("fed up", "a", ()),
        ("wow", "x", ()),
    ],
)
def test_inflections(lemma: str, part: str, expected: tuple[str, ...]) -> None:
    assert inflections(lemma, part) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize("form", ["wept", "broke my heart", "terrifying", "happier", "disgustingly", "miseries"])
def test_inflected_forms_are_found(form: str) -> None:
    assert form in english_forms()


def test_common_words_without_a_feeling_are_left_out() -> None:
    for word in ("fine", "like", "please", "well", "kind", "blue", "miss", "content", "run"):
        assert word not in english_forms()


def test_traditional_characters_map_to_those_of_the_lexicon() -> None:
    assert "開心難過".translate(dict(simplified_characters())) == "开心难过"
