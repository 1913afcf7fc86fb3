import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from affectgpt.errors import RequestError
from affectgpt.evaluation.agreement.comparing import Request, compare_datasets
from affectgpt.evaluation.agreement.writing import check_output, clip_rows, write_comparison
from tests.evaluation.agreement.made_datasets import annotated, rejected, write_dataset


@pytest.fixture
def folders(tmp_path: Path) -> list[str]:
    first = [annotated("a", ["happy"]), annotated("b", ["table"])]
    second = [annotated("a", ["sad", "angry"]), annotated("b", ["chair"]), annotated("c", ["proud"])]
    return [
        str(write_dataset(tmp_path / "first", first, [rejected("c")])),
        str(write_dataset(tmp_path / "second", second)),
    ]


def test_each_clip_of_each_pair_has_a_row(folders: list[str]) -> None:
    compared, unknown, alone = clip_rows(compare_datasets(Request(folders)).pairs).to_pylist()
    assert (compared["first"], compared["second"], compared["clip_id"], compared["held_by"]) == (
        "first",
        "second",
        "a",
        "both",
    )
    assert compared["first_labels"] == ["happy"] and compared["second_labels"] == ["sad", "angry"]
    assert compared["distance"] == 1.0 and compared["level1.plutchik.relation"] == "disjoint"
    assert (compared["first_sentiment"], compared["second_sentiment"]) == ("positive", "negative")
    assert compared["visual_clue.f1"] == 1.0 and compared["description_en.second_words"] == 6
    assert unknown["distance"] is None and unknown["precision"] is None
    assert unknown["level1.plutchik.relation"] == "neither" and unknown["exact.relation"] == "disjoint"
    assert (alone["clip_id"], alone["held_by"], alone["outcome"], alone["error"]) == (
        "c",
        "second",
        "rejected",
        "undecodable",
    )
    assert alone["first_labels"] is None and alone["first"] == "first"


def test_an_output_holds_three_files_and_may_be_written_again(folders: list[str], tmp_path: Path) -> None:
    output = tmp_path / "out"
    comparison = compare_datasets(Request(folders))
    for _ in range(2):
        check_output(str(output))
        write_comparison(comparison, str(output))
    assert sorted(file.name for file in output.iterdir()) == ["clips.parquet", "comparison.html", "comparison.json"]
    assert json.loads((output / "comparison.json").read_text())["job"] == "compare-datasets"
    assert pq.read_metadata(output / "clips.parquet").num_rows == 3


def test_an_output_with_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "report.json").touch()
    with pytest.raises(RequestError, match="holds something else than a comparison of data sets"):
        check_output(str(tmp_path / "out"))
