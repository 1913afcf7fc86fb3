"""Reads the emotion wheels that the field's toolkit releases for research, so that published figures can be recomputed.

A folder has ``wheel1.xlsx``, ``wheel2.xlsx``, ... with columns level1 (inner sector), level2 (middle ring) and level3,
where an empty cell repeats the one above; ``synonym.xlsx`` with pairs of columns word_runN and synonym_runN; and
``format.csv`` with columns name and format, a base word and its surface forms. Source: the toolkit of arXiv 2501.16566.
"""

import csv
import re
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import openpyxl

from affectgpt.errors import RequestError
from affectgpt.evaluation.emotion_wheels import EmotionWheels, Wheel
from affectgpt.evaluation.label_lists import split_labels

_LEVELS: Final = ("level1", "level2", "level3")
_RUNS: Final = "word_run1, synonym_run1, word_run2, ..."
_WHEEL_FILE: Final = re.compile(r"wheel(\d+)\.xlsx")


def read_research_wheels(folder: str) -> EmotionWheels:
    """Read a folder of research wheels.

    Raises:
        RequestError: the folder or one of its files is missing, cannot be read, or is no such table.
    """
    root = Path(folder)
    try:
        if not root.is_dir():
            raise RequestError(f"the wheels {folder}: there is no such folder")
        numbered = {int(match[1]): file for file in root.iterdir() if (match := _WHEEL_FILE.fullmatch(file.name))}
    except OSError as error:
        raise _unreadable(root, error) from error
    if sorted(numbered) != list(range(1, len(numbered) + 1)) or not numbered:
        found = ", ".join(file.name for _, file in sorted(numbered.items())) or "none"
        raise RequestError(
            f"the wheels {folder}: wheel1.xlsx, wheel2.xlsx, ... are needed without a gap; found: {found}"
        )
    wheels = tuple(_read_wheel(file) for _, file in sorted(numbered.items()))
    drawn = {word for wheel in wheels for word in wheel.places["level1"]}
    words_of = _read_synonyms(root / "synonym.xlsx", drawn)
    bases_of = _read_forms(root / "format.csv", words_of)
    return EmotionWheels(
        source=str(folder),
        wheels=wheels,
        find_bases=lambda label: bases_of.get(label, ()),
        words_of=words_of.__getitem__,
        sizes={"wheel_words": len(drawn), "with_synonyms": len(words_of), "surface_forms": len(bases_of)},
    )


def _read_wheel(file: Path) -> Wheel:
    heading, rows = _sheet(file, ", ".join(_LEVELS))
    if tuple(heading[:3]) != _LEVELS:
        raise RequestError(f"{file}: its first row must name the columns {', '.join(_LEVELS)}")
    tree: dict[str, dict[str, list[str]]] = {}
    above: Sequence[str] = ("", "", "")
    for row in rows:
        above = [_clean(cell) or before for cell, before in zip(row[:3], above, strict=True)]
        inner, middle, outer = above
        tree.setdefault(inner, {}).setdefault(middle, []).append(outer)
    if not tree or not all(inner and middle for inner, middles in tree.items() for middle in middles):
        raise RequestError(f"{file}: no sectors found below the columns {', '.join(_LEVELS)}")
    sectors = {inner: tuple(middles) for inner, middles in tree.items()}
    # A word that a wheel has twice belongs where it stands last; published figures rest on that.
    inner_of: dict[str, str] = {}
    middle_of: dict[str, str] = {}
    for inner, middles in tree.items():
        inner_of[inner], middle_of[inner] = inner, min(middles)
        for middle, outers in middles.items():
            for word in (middle, *outers):
                inner_of[word], middle_of[word] = inner, middle
    return Wheel(file.stem, sectors, {"level1": inner_of, "level2": middle_of})


def _read_synonyms(file: Path, drawn: set[str]) -> Mapping[str, tuple[str, ...]]:
    """Give for each base word the wheel words that it is, or is a synonym of in any run, in alphabetical order."""
    heading, rows = _sheet(file, _RUNS)
    names = [_clean(cell) for cell in heading]
    runs = [
        (names.index(f"word_{run}"), names.index(f"synonym_{run}"))
        for run in (name.removeprefix("word_") for name in names if name.startswith("word_"))
        if f"synonym_{run}" in names
    ]
    if not runs:
        raise RequestError(f"{file}: its first row must name columns {_RUNS}")
    words_of: dict[str, set[str]] = {}
    for row in rows:
        for word_column, synonym_column in runs:
            word = _clean(row[word_column])
            if not word:
                continue
            if word not in drawn:
                raise RequestError(f"{file}: {word!r} is on none of the wheels beside it; take files of one release")
            for base in (word, *split_labels(_clean(row[synonym_column]))):
                words_of.setdefault(base.strip(), set()).add(word)
    return {base: tuple(sorted(words)) for base, words in words_of.items()}


def _read_forms(file: Path, words_of: Mapping[str, object]) -> Mapping[str, tuple[str, ...]]:
    """Give for each surface form its base words."""
    bases_of: dict[str, set[str]] = {}
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, strict=True)
            if not {"name", "format"} <= set(reader.fieldnames or ()):
                raise RequestError(f"{file}: its first row must name the columns name and format")
            for row in reader:
                base = row["name"]
                if base not in words_of:
                    raise RequestError(f"{file}: {base!r} is not in synonym.xlsx beside it; take files of one release")
                for form in (base, *split_labels(row["format"] or "")):
                    bases_of.setdefault(form, set()).add(base)
    except FileNotFoundError:
        raise _missing(file) from None
    except OSError as error:
        raise _unreadable(file, error) from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise RequestError(f"{file}: not readable as CSV in UTF-8: {error}") from error
    return {form: tuple(sorted(bases)) for form, bases in bases_of.items()}


def _sheet(file: Path, columns: str) -> tuple[Sequence[Any], Sequence[Sequence[Any]]]:
    """Read the heading of a workbook's first sheet and its rows, none of them shorter than the heading."""
    try:
        with closing(openpyxl.load_workbook(file, read_only=True, data_only=True)) as workbook:
            sheets = workbook.worksheets
            rows = list(sheets[0].iter_rows(values_only=True)) if sheets else []
    except FileNotFoundError:
        raise _missing(file) from None
    except (PermissionError, IsADirectoryError) as error:
        raise _unreadable(file, error) from error
    # A damaged part makes openpyxl fail in any way: it does not check what it reads.
    except Exception as error:
        raise RequestError(f"{file}: not readable as an Excel workbook: {error}; copy the file again") from error
    if not rows:
        raise RequestError(f"{file}: it has no sheet with cells; its first one is to have the columns {columns}")
    heading, *below = rows
    return heading, [(*row, *(None,) * (len(heading) - len(row))) for row in below]


def _missing(file: Path) -> RequestError:
    return RequestError(
        f"the wheels {file.parent} lack {file.name}; their folder has wheel1.xlsx, ..., synonym.xlsx and format.csv"
    )


def _unreadable(path: Path, error: OSError) -> RequestError:
    return RequestError(
        f"{path}: cannot be read: {error.strerror}; change the permissions, or copy the wheels of the release again"
    )


def _clean(cell: object) -> str:
    return cell.lower().strip() if isinstance(cell, str) else ""
