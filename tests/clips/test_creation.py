from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from affectgpt.clips.creation import create_new
from affectgpt.errors import ClipError


def test_of_many_writers_one_wins(tmp_path: Path) -> None:
    for number in range(20):
        uri = str(tmp_path / "new folder" / f"{number}.json")
        with ThreadPoolExecutor(8) as writers:
            won = list(writers.map(lambda writer, uri=uri: create_new(uri, bytes([writer]) * 1000), range(8)))
        assert won.count(True) == 1
        assert Path(uri).read_bytes() == bytes([won.index(True)]) * 1000
    assert len(list((tmp_path / "new folder").iterdir())) == 20


def test_stores_without_conditions_are_named() -> None:
    with pytest.raises(ClipError, match="gs://bucket/file: this store cannot create"):
        create_new("gs://bucket/file", b"")


def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ClipError, match="file/new cannot be written"):
        create_new(str(tmp_path / "file" / "new"), b"")
