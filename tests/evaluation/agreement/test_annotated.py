from pathlib import Path

import pyarrow.parquet as pq
import pytest

from affectgpt.errors import RequestError
from affectgpt.evaluation.agreement.annotated import LeftOutClip, read_dataset
from tests.evaluation.agreement.made_datasets import annotated, rejected, write_dataset


def test_labels_texts_origin_and_what_was_left_out_are_read(tmp_path: Path) -> None:
    row = annotated("a", ["Happy"], acoustic_clue=None, steps={"merge": {"model": "Qwen3-32B"}})
    found = read_dataset(str(write_dataset(tmp_path / "one", [row], [rejected("b")])), [])
    assert found.name == "one" and found.clips.labels == [["happy"]] and found.notes == []
    values = found.rows.to_pylist()[0]
    assert values["visual_clue"] == "A face is seen in a." and values["acoustic_clue"] is None
    assert values["merge.model"] == "Qwen3-32B" and values["labels.model"] == "Qwen3-8B"
    assert values["merge.revision"] is None and values["pipeline_version"] == "0.1.0"
    assert found.left_out == {"b": LeftOutClip("rejected", "decode", "undecodable")}
    assert found.outcomes == {"rejected": 1}


def test_two_data_sets_of_one_name_are_told_apart(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "one", [annotated("a", ["happy"])])
    assert read_dataset(str(folder), ["one"]).name == str(folder)


def test_a_build_that_has_not_ended_is_noted(tmp_path: Path) -> None:
    found = read_dataset(str(write_dataset(tmp_path / "one", [annotated("a", [])], is_whole=False)), [])
    assert len(found.notes) == 1 and "its build has not ended" in found.notes[0]


def test_provenance_of_earlier_versions_may_lack_fields(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "one", [annotated("a", ["happy"])])
    part = folder / "data" / "part-0.parquet"
    table = pq.read_table(part)
    provenance = [{"pipeline_version": "0.0.1", "merge": {"engine": "signal"}}]
    pq.write_table(table.drop(["provenance"]).append_column("provenance", [provenance]), part)
    values = read_dataset(str(folder), []).rows.to_pylist()[0]
    assert values["merge.engine"] == "signal" and values["merge.sampling"] is None and values["labels.engine"] is None


def test_what_is_no_data_set_is_refused(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "one", [annotated("a", ["happy"])])
    part = folder / "data" / "part-0.parquet"
    with pytest.raises(RequestError, match="is a file; give the folder of a data set"):
        read_dataset(str(part), [])
    with pytest.raises(RequestError, match="does not exist"):
        read_dataset(str(tmp_path / "nowhere"), [])
    pq.write_table(pq.read_table(part).drop(["visual_clue"]), part)
    with pytest.raises(RequestError, match=r"has no column visual_clue .*give one that build-dataset wrote"):
        read_dataset(str(folder), [])
    part.write_bytes(b"PAR1 cut off")
    with pytest.raises(RequestError, match="cannot be read"):
        read_dataset(str(folder), [])
