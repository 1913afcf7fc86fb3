import json
from pathlib import Path

from affectgpt.evaluation.agreement.content import comparison_content
from affectgpt.evaluation.emotion_wheels import shipped_wheels
from affectgpt.evaluation.recipe import Recipe
from tests.evaluation.agreement.pairs import measured_pair


def test_figures_that_are_not_defined_are_null_in_the_json(tmp_path: Path) -> None:
    measured = measured_pair(tmp_path, {"a": ["table"]}, {"a": []}, description_en=None)
    sides = [measured.pair.first, measured.pair.second]
    report = json.loads(json.dumps(comparison_content(sides, [measured], Recipe(), shipped_wheels()), allow_nan=False))
    (pair,) = report["pairs"]
    assert pair["with_groups"] == 0 and pair["labels"]["level1"]["f_s"] == {"value": None, "interval": None}
    assert pair["alpha"]["value"] is None and pair["sentiment"]["clips"] == 0
    assert (
        pair["texts"]["description_en"]["only_first"] == 1 and pair["texts"]["description_en"]["words"]["first"] is None
    )
    assert pair["labels_per_clip"] == {"first": 1.0, "second": 0.0} and pair["out_of_vocabulary"]["first"] == 1.0
    assert report["datasets"][0]["steps"]["merge"][0]["model"] == "Qwen3-8B"
