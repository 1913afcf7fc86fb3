from pathlib import Path

import pytest

from affectgpt.errors import RequestError
from affectgpt.evaluation.api import read_research_wheels, score_labels
from affectgpt.evaluation.tables import read_table


def test_labels_in_memory() -> None:
    blocks = score_labels({"a": ["Happy"], "b": ["sad"], "c": []}, {"a": ["joyful "], "b": ["angry", "sad"]})
    assert blocks["exact"]["precision_s"] == pytest.approx(0.25)
    assert blocks["level1"]["recall_s"] == 1
    assert blocks["level1"]["n"] == 2


def test_research_wheels(shared: Path) -> None:
    folder = shared / "reference"
    sides = [read_table(str(folder / "ov_merd" / name)) for name in ("ground_truth.csv", "example_predictions.csv")]
    references, predictions = (dict(zip(side.clip_ids, side.labels or (), strict=True)) for side in sides)
    blocks = score_labels(references, predictions, read_research_wheels(str(folder / "emotion_wheel")), resamples=100)
    assert f"{100 * blocks['level1']['f_s']:.2f}" == "55.37"


def test_nothing_in_common() -> None:
    with pytest.raises(RequestError, match="no clip is both"):
        score_labels({"a": ["happy"]}, {"b": ["happy"]})
