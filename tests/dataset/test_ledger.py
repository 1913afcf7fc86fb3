from pathlib import Path

import pytest

from affectgpt.dataset.ledger import Folder, Ledger
from affectgpt.dataset.schema import OUTCOMES
from tests.dataset import rows


def test_parts_that_were_not_committed_are_dropped_and_all_others_stay(tmp_path: Path) -> None:
    ledger = Ledger(Folder.at(str(tmp_path)))
    ledger.drop_uncommitted()
    ledger.outcomes.write_table([rows.outcomes(rows.outcome("1"))], OUTCOMES)
    ledger.outcomes.write_bytes("abc_000001-0.parquet", b"PAR1 and no more")
    ledger.outcomes.done.write_bytes("abc_000001.pending.parquet", b"")
    ledger.outcomes.done.write_bytes("abc_000000.parquet", b"committed")
    ledger.clips.write_bytes("abc_000001-0.parquet", b"of another folder")
    assert [info.base_name for info in ledger.outcomes.files()] == ["000000.parquet"], "others are not seen before that"
    assert "abc_000001-0.parquet" in ledger.outcomes.names()
    ledger.drop_uncommitted()
    assert [info.base_name for info in ledger.outcomes.files()] == ["000000.parquet"]
    assert ledger.outcomes.names() == {"000000.parquet"}
    assert [info.base_name for info in ledger.outcomes.done.files()] == ["abc_000000.parquet"]
    assert [info.base_name for info in ledger.clips.files()] == ["abc_000001-0.parquet"]
    assert [batch["work_id"][0].as_py() for batch in ledger.outcomes.read_batches(["work_id"], OUTCOMES)] == ["1"]


def test_a_folder_that_can_be_written_is_as_it_was_afterwards(tmp_path: Path) -> None:
    Folder.at(str(tmp_path / "new")).check_writable()
    assert not (tmp_path / "new").exists()
    (tmp_path / "old").mkdir()
    Folder.at(str(tmp_path / "old")).check_writable()
    assert list((tmp_path / "old").iterdir()) == []


def test_a_folder_is_removed_only_if_nothing_is_in_it(tmp_path: Path) -> None:
    folder = Folder.at(str(tmp_path / "out"))
    folder.write_text("claim", "mine")
    folder.remove_if_empty()
    assert folder.read_text("claim") == "mine"
    folder.delete("claim")
    for _ in range(2):
        folder.remove_if_empty()
        assert not (tmp_path / "out").exists()


def test_what_cannot_be_written_leaves_no_half(tmp_path: Path) -> None:
    folder = Folder.at(str(tmp_path))
    (tmp_path / "name").mkdir()
    with pytest.raises(OSError):
        folder.write_text("name", "a folder is in its place")
    assert folder.names() == {"name"}
