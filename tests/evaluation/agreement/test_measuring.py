from pathlib import Path

import pytest

from tests.evaluation.agreement.pairs import measured_pair

FIRST = {"a": ["happy"], "b": ["sad", "angry"], "c": ["proud"]}


def test_data_sets_that_are_equal_agree_in_all(tmp_path: Path) -> None:
    found = measured_pair(tmp_path, FIRST, FIRST).estimates
    for name in (("level1", "f_s"), ("exact", "equal"), ("alpha", "level1"), ("sentiment", "kappa")):
        assert found[name].value == 1.0
    assert found["description_en", "similarity"].value == found["description_en", "length_ratio"].value == 1.0


def test_texts_are_measured_by_themselves(tmp_path: Path) -> None:
    measured = measured_pair(tmp_path, FIRST, FIRST, acoustic_clue=None, description_en="One word more than that.")
    assert measured.estimates["visual_clue", "similarity"].value == 1.0
    assert measured.estimates["acoustic_clue", "similarity"].value is None
    assert measured.estimates["acoustic_clue", "length_ratio"].value is None
    assert measured.estimates["description_en", "length_ratio"].value == pytest.approx(15 / (4 + 6 + 4))
    assert measured.unrelated["visual_clue"] == pytest.approx(2 * 5 / 12), "all but the name of the clip"
    assert measured.unrelated["acoustic_clue"] is None


def test_sentiments_are_counted_pair_by_pair(tmp_path: Path) -> None:
    measured = measured_pair(tmp_path, FIRST, {"a": ["sad"], "b": ["furious"], "c": ["table"]})
    assert measured.sentiments == (["positive", "negative", "positive"], ["negative", "negative", None])
    assert measured.sentiment_table.reshape(3, 3).tolist() == [[0, 0, 1], [0, 0, 0], [0, 0, 1]]


def test_one_clip_has_no_other_to_be_compared_with(tmp_path: Path) -> None:
    measured = measured_pair(tmp_path, {"a": ["happy"]}, {"a": ["joyful"]})
    assert measured.unrelated["description_en"] is None
    assert measured.estimates["alpha", "level1"].value is None, "nothing tells what chance would give"
