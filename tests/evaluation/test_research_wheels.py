import csv
from collections.abc import Sequence
from pathlib import Path

import openpyxl
import pytest

from affectgpt.errors import RequestError
from affectgpt.evaluation.research_wheels import read_research_wheels

WHEEL = [
    ("level1", "level2", "level3"),
    ("Glad", "Merry ", "jolly"),
    (None, None, "gay"),
    (None, "Calm", "still"),
    ("Sad", "Blue", "low"),
    (None, "Alone", "gay"),
]
SYNONYMS = [
    ("word_run1", "synonym_run1", "word_run2", "synonym_run2"),
    ("glad", "pleased, content", "Merry", "cheery"),
    ("sad", "content", "still", "quiet, pleased"),
]
FORMS = [
    ("name", "format"),
    ("glad", "glad,gladly"),
    ("pleased", "pleased,please"),
    ("content", "contented"),
    ("still", "please"),
]


def write_sheet(file: Path, rows: Sequence[Sequence[str | None]]) -> None:
    workbook = openpyxl.Workbook()
    for row in rows:
        workbook.active.append(row)  # type: ignore[union-attr]
    workbook.save(file)


def write_forms(file: Path, rows: Sequence[Sequence[str]]) -> None:
    with file.open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_sheet(tmp_path / "wheel1.xlsx", WHEEL)
    write_sheet(tmp_path / "synonym.xlsx", SYNONYMS)
    write_forms(tmp_path / "format.csv", FORMS)
    return tmp_path


def test_empty_cells_repeat_the_one_above(folder: Path) -> None:
    (wheel,) = read_research_wheels(str(folder)).wheels
    assert wheel.name == "wheel1"
    assert wheel.sectors == {"glad": ("merry", "calm"), "sad": ("blue", "alone")}
    assert wheel.places["level1"]["jolly"] == "glad"


def test_a_word_that_stands_twice_belongs_where_it_stands_last(folder: Path) -> None:
    (wheel,) = read_research_wheels(str(folder)).wheels
    assert wheel.places["level1"]["gay"] == "sad"
    assert wheel.places["level2"]["gay"] == "alone"


def test_an_inner_word_is_its_first_child_on_the_middle_ring(folder: Path) -> None:
    (wheel,) = read_research_wheels(str(folder)).wheels
    assert wheel.places["level2"]["glad"] == "calm"


def test_ties_break_by_the_alphabet(folder: Path) -> None:
    wheels = read_research_wheels(str(folder))
    assert wheels.base("please") == "pleased"
    assert wheels.word("content") == "glad"
    assert wheels.word("contented") == "glad"
    assert wheels.place("please", wheels.wheels[0], "level2") == "calm", "of glad and still, glad comes first"


def test_sizes(folder: Path) -> None:
    assert read_research_wheels(str(folder)).sizes == {"wheel_words": 10, "with_synonyms": 8, "surface_forms": 7}


def test_the_released_wheels(shared: Path) -> None:
    wheels = read_research_wheels(str(shared / "reference" / "emotion_wheel"))
    assert wheels.sizes == {"wheel_words": 253, "with_synonyms": 1255, "surface_forms": 7386}
    assert [wheel.name for wheel in wheels.wheels] == [f"wheel{number}" for number in range(1, 6)]


@pytest.mark.parametrize("missing", ["wheel1.xlsx", "synonym.xlsx", "format.csv"])
def test_a_missing_file_is_named(folder: Path, missing: str) -> None:
    (folder / missing).unlink()
    with pytest.raises(RequestError, match=missing):
        read_research_wheels(str(folder))


def test_a_gap_between_the_wheels(folder: Path) -> None:
    write_sheet(folder / "wheel3.xlsx", WHEEL)
    with pytest.raises(RequestError, match=r"without a gap; found: wheel1\.xlsx, wheel3\.xlsx"):
        read_research_wheels(str(folder))


@pytest.mark.parametrize("file", ["wheel1.xlsx", "synonym.xlsx", "format.csv"])
@pytest.mark.parametrize("content", [b"", b"\x00\xff\xfe\x00" * 300, b"PK\x03\x04 not a workbook"])
def test_a_damaged_file_is_named(folder: Path, file: str, content: bytes) -> None:
    (folder / file).write_bytes(content)
    with pytest.raises(RequestError, match=file):
        read_research_wheels(str(folder))


def test_other_columns(folder: Path) -> None:
    write_sheet(folder / "wheel1.xlsx", [("a", "b", "c"), ("d", "e", "f")])
    with pytest.raises(RequestError, match=r"wheel1.*level1, level2, level3"):
        read_research_wheels(str(folder))


def test_a_wheel_without_sectors(folder: Path) -> None:
    write_sheet(folder / "wheel1.xlsx", WHEEL[:1])
    with pytest.raises(RequestError, match="no sectors"):
        read_research_wheels(str(folder))


def test_files_of_different_releases(folder: Path) -> None:
    write_sheet(folder / "synonym.xlsx", [SYNONYMS[0], ("furious", "livid", None, None)])
    with pytest.raises(RequestError, match=r"'furious' is on none of the wheels"):
        read_research_wheels(str(folder))
    write_sheet(folder / "synonym.xlsx", SYNONYMS)
    write_forms(folder / "format.csv", [FORMS[0], ("livid", "lividly")])
    with pytest.raises(RequestError, match=r"'livid' is not in synonym\.xlsx"):
        read_research_wheels(str(folder))


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no such folder"):
        read_research_wheels(str(tmp_path / "nowhere"))
