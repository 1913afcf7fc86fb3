import itertools

import pytest

from affectgpt.evaluation.morphology import base_words


@pytest.mark.parametrize(
    ("form", "base"),
    [
        ("happily", "happy"),
        ("happiness", "happy"),
        ("worries", "worry"),
        ("worried", "worry"),
        ("worriedly", "worry"),
        ("hopes", "hope"),
        ("hoping", "hope"),
        ("hoped", "hope"),
        ("sobbing", "sob"),
        ("stressed", "stress"),
        ("gently", "gentle"),
        ("sadder", "sad"),
        ("angriest", "angry"),
        ("enthusiastically", "enthusiastic"),
        ("fully", "full"),
        ("kisses", "kiss"),
        ("humour", "humor"),
        ("apologising", "apologizing"),
        ("demoralised", "demoralized"),
    ],
)
def test_an_ending_is_undone(form: str, base: str) -> None:
    assert base in base_words(form)


def test_the_word_itself_comes_first_and_nothing_comes_twice() -> None:
    for form in ("calm", "worriedly", "sobbing", "is", ""):
        bases = list(base_words(form))
        assert bases[0] == form
        assert len(set(bases)) == len(bases)


def test_short_stems_stay_whole() -> None:
    for form in ("is", "bed", "king", "rest", "bus"):
        assert list(base_words(form)) == [form]


def test_a_word_without_end_is_soon_done() -> None:
    assert len(list(itertools.islice(base_words("ing" * 10_000), 1000))) < 1000
