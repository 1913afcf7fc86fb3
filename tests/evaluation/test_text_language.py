from collections import Counter

from affectgpt.evaluation.text_language import holds_chinese, language_of, languages_of


def test_languages() -> None:
    assert languages_of(["happy", "开心", "sehr froh", "sad 难过", "happy"]) == Counter(en=3, zh=2)
    assert languages_of([]) == Counter()


def test_the_language_of_a_description() -> None:
    assert language_of("He is sad 他") == "en"
    assert language_of("他很伤心，他说 OK。") == "zh"
    assert language_of("") == "en"


def test_a_chinese_character_anywhere() -> None:
    assert holds_chinese("very 开心")
    assert not holds_chinese("très heureux かな")
