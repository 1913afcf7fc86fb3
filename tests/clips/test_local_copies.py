from pathlib import Path

import pytest

from affectgpt.clips.local_copies import local_folder
from affectgpt.clips.storage import filesystem_of


def write(uri: str, content: bytes) -> None:
    filesystem, path = filesystem_of(uri)
    filesystem.create_dir(path.rpartition("/")[0], recursive=True)
    with filesystem.open_output_stream(path) as stream:
        stream.write(content)


def test_a_folder_of_this_machine_is_given_itself(tmp_path: Path) -> None:
    for uri in (str(tmp_path), tmp_path.as_uri()):
        with local_folder(uri) as folder:
            assert folder == tmp_path
    assert tmp_path.exists()


def test_a_remote_folder_is_copied_with_what_lies_deeper_for_as_long_as_it_is_used() -> None:
    root = "mock://store/copied/model"
    write(f"{root}/config.json", b"{}")
    write(f"{root}/more/deep/words.txt", b"calm")
    write("mock://store/copied/beside.txt", b"no part of it")
    with local_folder(root) as folder:
        files = {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
        assert files == {"config.json": b"{}", "more/deep/words.txt": b"calm"}
    assert not folder.exists()


def test_a_copy_is_removed_when_its_use_fails() -> None:
    write("mock://store/failing/config.json", b"{}")
    with pytest.raises(ZeroDivisionError), local_folder("mock://store/failing") as folder:
        assert 1 // len([*folder.iterdir()][1:])
    assert not folder.exists()


def test_a_remote_folder_that_is_not_there() -> None:
    with pytest.raises(OSError, match="nowhere"), local_folder("mock://store/nowhere"):
        pass
