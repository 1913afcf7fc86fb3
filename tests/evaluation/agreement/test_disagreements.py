from pathlib import Path

from affectgpt.evaluation.agreement.disagreements import disagreements
from tests.evaluation.agreement.pairs import measured_pair

FIRST = {"same": ["happy"], "near": ["happy", "sad"], "far": ["sad"], "opposite": ["happy"]}
SECOND = {"same": ["joyful"], "near": ["happy"], "far": ["angry"], "opposite": ["sad"]}


def test_the_furthest_clips_come_first_and_equal_ones_never(tmp_path: Path) -> None:
    measured = measured_pair(tmp_path, FIRST, SECOND)
    shown = disagreements(measured, 10)
    assert [one.clip_id for one in shown] == ["opposite", "far", "near"]
    assert [one.clip_id for one in disagreements(measured, 1)] == ["opposite"]
    assert shown[0].distance == 1.0 and shown[0].similarity is not None


def test_labels_and_words_are_marked_by_whether_the_other_side_has_them(tmp_path: Path) -> None:
    near = disagreements(measured_pair(tmp_path, FIRST, SECOND), 10)[-1]
    first, second = near.sides
    assert [(chip.label, chip.state) for chip in first.labels] == [("happy", "hit"), ("sad", "missed")]
    assert [(chip.label, chip.state) for chip in second.labels] == [("happy", "hit")]
    marked = [(one.text, one.state) for one in first.texts["description_en"] if one.state]
    assert marked == [("happy", "hit"), ("sad", "missed")]
    assert first.texts["visual_clue"][0].text == "A face is seen in near." and first.name == "first"


def test_a_missing_text_is_shown_as_none(tmp_path: Path) -> None:
    shown = disagreements(measured_pair(tmp_path, FIRST, SECOND, description_en=None, visual_clue=None), 1)[0]
    assert shown.similarity is None and shown.sides[1].texts["visual_clue"] == []
    assert shown.sides[1].texts["description_en"] == []
