import dataclasses
import json
import math

from affectgpt.training.report.content import Scores, TrainingReport
from tests.training.made_report import made_report


def test_report_json_holds_everything_but_the_metrics() -> None:
    made = made_report()
    content = json.loads(made.to_json())
    assert content.pop("job") == "train"
    assert set(content) == {field.name for field in dataclasses.fields(TrainingReport)} - {"metrics"}
    assert content["stages"][1]["data"] == {"fine": 0.8, "coarse": 0.2}
    assert content["scores"][1]["f_s_interval"] == [0.21, 0.39] and content["scores"][0]["after"] is None
    assert content["samples"][1]["reference_labels"] == ["高兴", "期待"] and "高兴" in made.to_json()
    assert content["left_out"][0]["first"][0]["clip_id"] == "talks/one"
    assert content["parts"][0]["trained"] == {"coarse": "full", "fine": "frozen"}


def test_figures_that_are_not_finite_are_null() -> None:
    made = made_report(scores=[Scores(None, 3, math.nan, 0.5, math.inf)], wall_s=math.nan)
    content = json.loads(made.to_json())
    assert content["wall_s"] is None
    assert [content["scores"][0][name] for name in ("accuracy_s", "recall_s", "f_s")] == [None, 0.5, None]


def test_parameters_are_those_of_the_last_stage_or_of_all_parts() -> None:
    made = made_report()
    assert made.parameters == 1_965_444 == made_report(stages=[]).parameters
