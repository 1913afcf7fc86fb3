"""What a node may read and write, on real folders; nothing is left behind."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from affectgpt.doctor.check import Node
from affectgpt.doctor.needs import Needs
from affectgpt.doctor.storage import Access, StorageCheck, marked_output

NODE = Node("one", "1", "a")


def looked(inputs: Sequence[Path | str] = (), output: Path | None = None, check: StorageCheck | None = None) -> Access:
    needs = Needs((), (), inputs=tuple(map(str, inputs)), output=None if output is None else str(output))
    return (check or StorageCheck()).look(needs)


def test_an_output_that_is_not_there_is_not_there_afterwards(tmp_path: Path) -> None:
    assert looked(output=tmp_path / "a" / "b") == Access()
    assert not list(tmp_path.iterdir())


def test_what_is_in_an_output_stays(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    assert looked(output=tmp_path) == Access()
    assert [file.name for file in tmp_path.iterdir()] == ["mine"]


def test_an_output_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "cannot be written" in looked(output=tmp_path / "file" / "in").unwritten


def test_names_that_are_not_utf8_do_no_harm(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / os.fsdecode(b"bad\xff.mpg")).write_bytes(b"x")
    assert looked([folder]).unread == {}


def test_inputs_are_read(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "clip.mp4").write_bytes(b"clip")
    assert looked([tmp_path, tmp_path / "deep" / "er" / "clip.mp4", f"{tmp_path}/deep/*/*.mp4"]) == Access()


@pytest.mark.parametrize(("name", "said"), [("missing", "does not exist"), ("empty", "holds no file")])
def test_inputs_that_cannot_be_read(name: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    [trouble] = looked([tmp_path / name]).unread.values()
    assert said in trouble


def test_a_node_that_has_another_folder_there_is_told_apart(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    there.mkdir()
    needs = Needs((), (), output=str(here))
    with marked_output(needs) as check:
        assert looked(output=here, check=check).shared
        other = looked(output=there, check=check)
        assert not other.shared
    assert not here.exists()
    [finding] = StorageCheck().judge(needs, {NODE: other})
    assert finding.state == "failed" and "another folder" in finding.found and "all nodes share" in finding.remedy
