import csv
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import openpyxl
import pytest
from openpyxl.chart import BarChart, Reference

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


def rewrite(workbook: Path, part: str, change: Callable[[str], str]) -> None:
    """Change the text of one part of a workbook."""
    with zipfile.ZipFile(workbook) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    changed = change(parts[part].decode())
    assert changed.encode() != parts[part]
    with zipfile.ZipFile(workbook, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, changed if name == part else content)


@pytest.mark.parametrize("name", ["wheel1.xlsx", "synonym.xlsx"])
def test_cells_that_a_short_row_lacks_are_empty(folder: Path, name: str) -> None:
    rows = {"wheel1.xlsx": WHEEL, "synonym.xlsx": SYNONYMS}[name]
    write_sheet(folder / name, [*rows, ("Sad", None, None), ()])
    expected = read_research_wheels(str(folder))
    # Without the size of the sheet, rows end at their last cell.
    rewrite(folder / name, "xl/worksheets/sheet1.xml", lambda text: re.sub("<dimension [^>]*>", "", text))
    found = read_research_wheels(str(folder))
    assert [wheel.places for wheel in found.wheels] == [wheel.places for wheel in expected.wheels]
    assert found.sizes == expected.sizes
    assert found.word("pleased") == expected.word("pleased") == "glad"


def test_short_rows_of_surface_forms(folder: Path) -> None:
    with (folder / "format.csv").open("a") as stream:
        stream.write("merry\n\n")
    assert read_research_wheels(str(folder)).base("merry") == "merry"


@pytest.mark.parametrize("file", ["wheel1.xlsx", "synonym.xlsx"])
@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("xl/worksheets/sheet1.xml", lambda text: text[: len(text) // 2]),
        ("xl/workbook.xml", lambda text: text[: len(text) // 2]),
        ("xl/worksheets/sheet1.xml", lambda text: re.sub('"inlineStr"><is>.*?</is>', '"s"><v>9999</v>', text)),
        ("xl/worksheets/sheet1.xml", lambda text: text.replace('r="A1"', 'r="A"')),
        ("xl/styles.xml", lambda text: re.sub(' fontId="[^"]*"', ' fontId="x"', text)),
    ],
    ids=["sheet cut off", "workbook cut off", "no such text", "no such cell", "style"],
)
def test_a_damaged_part_of_a_workbook(folder: Path, file: str, part: str, change: Callable[[str], str]) -> None:
    rewrite(folder / file, part, change)
    with pytest.raises(RequestError, match=rf"{file}: not readable as an Excel workbook.*copy the file again"):
        read_research_wheels(str(folder))


def test_a_workbook_with_a_chart_alone(folder: Path) -> None:
    workbook = openpyxl.Workbook()
    chart = BarChart()
    chart.add_data(Reference(workbook.worksheets[0], min_col=1, min_row=1))
    workbook.create_chartsheet().add_chart(chart)
    workbook.remove(workbook.worksheets[0])
    workbook.save(folder / "wheel1.xlsx")
    with pytest.raises(RequestError, match=r"wheel1\.xlsx: it has no sheet with cells; .*level1, level2, level3"):
        read_research_wheels(str(folder))


@pytest.mark.parametrize("file", ["wheel1.xlsx", "synonym.xlsx", "format.csv"])
def test_a_folder_in_place_of_a_file(folder: Path, file: str) -> None:
    (folder / file).unlink()
    (folder / file).mkdir()
    with pytest.raises(RequestError, match=rf"{file}: .*Is a directory"):
        read_research_wheels(str(folder))


@pytest.mark.parametrize("locked", ["", "wheel1.xlsx", "format.csv"])
def test_what_may_not_be_read(folder: Path, locked: str) -> None:
    """Root reads everything, unless it gives up that capability."""
    code = """
import sys
from affectgpt.errors import RequestError
from affectgpt.evaluation.research_wheels import read_research_wheels
try:
    read_research_wheels(sys.argv[1])
except RequestError as error:
    print(error)
"""
    give_up = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    (folder / locked).chmod(0)
    command = [*give_up, sys.executable, "-c", code, str(folder)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    folder.chmod(0o755)
    assert answer.stdout.startswith(f"{folder / locked}: cannot be read")
    assert "Permission denied" in answer.stdout and "change the permissions" in answer.stdout


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no such folder"):
        read_research_wheels(str(tmp_path / "nowhere"))
