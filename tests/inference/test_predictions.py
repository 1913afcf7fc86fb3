from pathlib import Path

import pyarrow as pa
import pytest

from affectgpt.errors import RequestError
from affectgpt.evaluation.tables import read_table
from affectgpt.inference.predictions import check_output, predictions_schema, write_predictions

SUFFIXES = (".parquet", ".csv", ".jsonl")


def predictions(language: str = "en") -> pa.Table:
    """A clip with everything that is hard to write, and one that failed."""
    rows = [
        {
            "clip_id": 'sub folder/好, "1"',
            "uri": "/a/b.mp4",
            "start_s": 0.5,
            "has_video": True,
            "has_audio": False,
            "subtitle": 'one\ntwo, "three"',
            f"description_{language}": 'She seems "sad",\nand 悲伤; l\'amour.' if language == "en" else "她很悲伤。",
            "labels": ["sad", "can't cope"] if language == "en" else ["悲伤"],
        },
        {"clip_id": "x", "uri": "/a/x.mp4", "labels": [], "error": "not-media", "message": "/a/x.mp4 is, no film"},
    ]
    return pa.Table.from_pylist(rows, predictions_schema(language))


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_evaluate_reads_what_was_written(tmp_path: Path, suffix: str, language: str) -> None:
    table = predictions(language)
    output = str(tmp_path / f"predictions{suffix}")
    check_output(output)
    write_predictions(table, output)
    read = read_table(output)
    assert read.clip_ids == table["clip_id"].to_pylist()
    assert read.labels == table["labels"].to_pylist()
    assert read.descriptions is not None
    assert read.descriptions[0] == table[f"description_{language}"][0].as_py()
    assert not read.descriptions[1]
    assert read.description_language == language


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_earlier_table_is_replaced_and_nothing_is_left_beside_it(tmp_path: Path, suffix: str) -> None:
    output = tmp_path / "new folder" / f"predictions{suffix}"
    check_output(str(output))
    write_predictions(predictions(), str(output))
    write_predictions(predictions().slice(1), output.as_uri())
    assert read_table(str(output)).clip_ids == ["x"]
    assert [file.name for file in output.parent.iterdir()] == [output.name]


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("{tmp}/predictions", "ends in none of .parquet .csv .jsonl"),
        ("{tmp}/predictions.xlsx", "ends in none of"),
        ("{tmp}/folder.csv", "it is a folder"),
        ("/proc/none/predictions.csv", "cannot be written"),
        ("https://example.com/predictions.csv", "neither listed nor written to"),
    ],
)
def test_an_output_that_cannot_be_is_refused(tmp_path: Path, output: str, message: str) -> None:
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(RequestError, match=message):
        check_output(output.format(tmp=tmp_path))
    assert [file.name for file in tmp_path.iterdir()] == ["folder.csv"]
