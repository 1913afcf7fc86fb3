import os
import subprocess
import sys
from pathlib import Path

import pytest

from affectgpt.errors import RequestError
from affectgpt.recipes.loading import Section, load


class Threshold(Section):
    least: float = 0.5


class Settings(Section):
    frames: int = 8
    filter: Threshold | None = None


def test_a_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "mine.yml"
    file.write_text("# größer\nframes: 16\n", encoding="utf-8")
    assert load(Settings, "evaluate", str(file)).frames == 16
    assert load(Settings, "evaluate", str(file), ["frames=4"]).frames == 4


def refused(file: Path | str) -> str:
    with pytest.raises(RequestError) as raised:
        load(Settings, "evaluate", str(file))
    assert str(file) in str(raised.value)
    return str(raised.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert "there is no such file" in refused(tmp_path / "nowhere.yaml")
    assert "there is no such file" in refused(tmp_path / "nowhere" / "mine.yaml")
    (tmp_path / "file").write_text("")
    assert "there is no such file" in refused(tmp_path / "file" / "mine.yaml")
    assert "cannot be read: embedded null byte" in refused("\0.yaml")


def test_a_folder(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").mkdir()
    assert "it is a folder; name a file" in refused(tmp_path / "mine.yaml")


def test_a_file_that_is_no_utf_8(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_bytes("# größer\nframes: 16\n".encode("latin-1"))
    assert "no text in UTF-8 (byte 0xf6); save it as UTF-8" in refused(tmp_path / "mine.yaml")


def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    """Root reads everything, unless it gives up that capability."""
    code = """
import sys
from affectgpt.errors import RequestError
from affectgpt.recipes.loading import Section, load
try:
    load(Section, "evaluate", sys.argv[1])
except RequestError as error:
    print(error)
"""
    give_up = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    file = tmp_path / "folder" / "mine.yaml"
    file.parent.mkdir()
    file.write_text("frames: 16\n")
    for locked in (file, file.parent):
        locked.chmod(0)
        command = [*give_up, sys.executable, "-c", code, str(file)]
        answer = subprocess.run(command, capture_output=True, text=True, check=True)
        locked.chmod(0o755)
        assert answer.stdout == f"recipe {file}: cannot be read: Permission denied; change its permissions\n"


class Rates(Section):
    rate: float = 0.0
    name: str = ""


@pytest.mark.parametrize("text", ["1e-4", "1E-4", "1.0e-04", "0.1e-3", ".1e-3", "0.0001"])
def test_a_number_may_be_written_with_an_exponent(tmp_path: Path, text: str) -> None:
    assert load(Rates, "evaluate", _file(tmp_path, f"rate: {text}")).rate == pytest.approx(1e-4)
    assert load(Rates, "evaluate", _file(tmp_path, ""), [f"rate={text}"]).rate == pytest.approx(1e-4)


@pytest.mark.parametrize("text", ["1e", "e5", "1e5x", "v1e5", "'1e5'"])
def test_text_that_resembles_a_number_stays_text(tmp_path: Path, text: str) -> None:
    assert load(Rates, "evaluate", _file(tmp_path, f"name: {text}")).name == text.strip("'")


def _file(folder: Path, content: str) -> str:
    file = folder / "mine.yaml"
    file.write_text(content, encoding="utf-8")
    return str(file)


def test_keys_of_a_section_that_may_be_absent_are_listed(tmp_path: Path) -> None:
    empty = tmp_path / "empty.yaml"
    empty.touch()
    with pytest.raises(RequestError, match=r"filter.most: .*; known here: least"):
        load(Settings, "evaluate", str(empty), ["filter={most: 1}"])
    with pytest.raises(
        RequestError, match=r"filter: Input should be a section, with keys and values; known here: least"
    ):
        load(Settings, "evaluate", str(empty), ["filter=0.5"])
