import re
from pathlib import Path

import pytest

from affectgpt.errors import JobError, RequestError
from affectgpt.evaluation.output_folder import check_folder, write_folder

OURS = re.compile(r"clips\.parquet|more\.zip|report\.json")


def test_files_of_an_earlier_run_go_and_those_of_others_stay(tmp_path: Path) -> None:
    write_folder(str(tmp_path / "out"), {"clips.parquet": b"1", "more.zip": b"2", "report.json": b"3"}, OURS)
    check_folder(str(tmp_path / "out"), "a job", OURS)
    (tmp_path / "out" / "notes.txt").touch()
    write_folder(str(tmp_path / "out"), {"clips.parquet": b"4", "report.json": b"5"}, OURS)
    assert {file.name: file.read_bytes() for file in (tmp_path / "out").iterdir()} == {
        "clips.parquet": b"4",
        "report.json": b"5",
        "notes.txt": b"",
    }
    with pytest.raises(RequestError, match="holds something else than a job"):
        check_folder(str(tmp_path / "out"), "a job", OURS)


def test_the_file_that_says_that_all_is_there_is_missing_where_writing_fails(tmp_path: Path) -> None:
    (tmp_path / "clips.parquet.partial").mkdir()
    (tmp_path / "report.json").touch()
    with pytest.raises(JobError, match="mend that and run again"):
        write_folder(str(tmp_path), {"clips.parquet": b"1", "report.json": b"2"}, OURS)
    assert not (tmp_path / "report.json").exists()
