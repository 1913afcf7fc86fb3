"""What stands in the cells of a table of references or predictions: ids, label lists, single labels, texts."""

import math
import re
from collections.abc import Sequence
from typing import Any, NoReturn

from affectgpt.clips.sources import MAX_ID_CHARS, id_problem, printable
from affectgpt.errors import RequestError
from affectgpt.evaluation.label_lists import split_labels

_MISSING_TEXTS = frozenset({"", "nan", "<na>", "none", "null"})
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)
_LIST_SIGNS = re.compile(r"""[\[\]",，、；;|\r\n]|^'|'$|^\(.*\)$|^\{.*\}$""")


def clip_ids(column: str, cells: Sequence[Any]) -> list[str]:
    """Read ids, text or whole numbers, without the blanks around them.

    Args:
        column: what to call the column in messages, for example ``column name of the table a.csv``.
        cells: its cells; rows are numbered from 1, the headings not counted.

    Raises:
        RequestError: an id is empty, too long, does not print, is neither text nor whole number, or stands in two rows.
    """
    ids = [_clip_id(column, number, cell) for number, cell in enumerate(cells, start=1)]
    first_rows: dict[str, int] = {}
    for number, clip_id in enumerate(ids, start=1):
        first = first_rows.setdefault(clip_id, number)
        if first != number:
            raise RequestError(
                f"row {number}, {column}: it has the same id {clip_id} as row {first}; keep one row for each clip"
            )
    return ids


def label_lists(column: str, cells: Sequence[Any], split_apostrophes: bool) -> tuple[list[list[str]], list[str]]:
    """Read a list of labels from each cell: real lists of text as they are, text as ``split_labels`` does.

    Args:
        column: what to call the column in messages.
        cells: its cells. A missing one (None, NaN, blank, or ``nan``, ``none``, ``null`` alone) is an empty list.
        split_apostrophes: as in ``split_labels``.

    Returns:
        The labels of each cell as written, and notes on what was missing, dropped or looks cut off.

    Raises:
        RequestError: a cell or a value in a list is a number or an object.
    """
    lists: list[list[str]] = []
    missing: list[int] = []
    with_empty: list[int] = []
    cut_off: list[int] = []
    known: dict[str, list[str]] = {}
    for number, cell in enumerate(cells, start=1):
        if _is_missing(cell):
            missing.append(number)
            lists.append([])
        elif isinstance(cell, str):
            if cell not in known:
                known[cell] = split_labels(_checked(column, number, cell), split_apostrophes)
            if cell.lstrip().startswith("[") != cell.rstrip().endswith("]"):
                cut_off.append(number)
            lists.append(list(known[cell]))
        elif isinstance(cell, list):
            values = [value for value in cell if not _is_empty(value)]
            if len(values) < len(cell):
                with_empty.append(number)
            lists.append([_label(column, number, value) for value in values])
        else:
            _refuse(column, number, cell, "a list of emotion words")
    return lists, [
        *_note(column, "without labels (empty cells)", missing),
        *_note(column, "with empty values among the labels, which were dropped", with_empty),
        *_note(column, "with a bracket at one end alone (cut off?)", cut_off),
    ]


def are_numbers(cells: Sequence[Any]) -> bool:
    """Whether a column holds numbers alone, as numbers, as text or in lists, and at least one."""
    seen = False
    for cell in cells:
        if _is_missing(cell):
            continue
        values = cell if isinstance(cell, list) else split_labels(cell) if isinstance(cell, str) else [cell]
        for value in values:
            if isinstance(value, str) and not _NUMBER.fullmatch(value.strip()):
                return False
            if not isinstance(value, str | int | float):
                return False
            seen = True
    return seen


def single_labels(cells: Sequence[Any]) -> list[str | None] | None:
    """Read one label per cell, or give None where a cell is no text or looks like a list."""
    if all(_is_missing(cell) or (isinstance(cell, str) and not _LIST_SIGNS.search(cell.strip())) for cell in cells):
        return [None if _is_missing(cell) else cell.strip() for cell in cells]
    return None


def texts(column: str, cells: Sequence[Any]) -> list[str | None]:
    """Read descriptions as they are written; missing and blank cells are None.

    Raises:
        RequestError: a cell is no text.
    """
    found: list[str | None] = []
    for number, cell in enumerate(cells, start=1):
        if _is_missing(cell):
            found.append(None)
        elif isinstance(cell, str):
            found.append(_checked(column, number, cell))
        else:
            _refuse(column, number, cell, "a description")
    return found


def sentiments(column: str, cells: Sequence[Any]) -> list[str | float | None]:
    """Read sentiments: numbers, also where they are written as text, as float; words without blanks around them.

    Raises:
        RequestError: a cell is neither text nor a finite number.
    """
    found: list[str | float | None] = []
    for number, cell in enumerate(cells, start=1):
        if _is_missing(cell):
            found.append(None)
        elif isinstance(cell, str):
            word = _checked(column, number, cell).strip()
            found.append(float(word) if _NUMBER.fullmatch(word) else word)
        elif isinstance(cell, int | float) and not isinstance(cell, bool) and math.isfinite(cell):
            found.append(float(cell))
        else:
            _refuse(column, number, cell, "a number or one of positive, negative and neutral")
    return found


def _clip_id(column: str, number: int, cell: Any) -> str:
    if _is_empty(cell):
        raise RequestError(f"row {number}, {column}: the id is empty; give each row the id of its clip")
    if isinstance(cell, bool) or not isinstance(cell, str | int):
        _refuse(column, number, cell, "the id of a clip as text")
    clip_id = str(cell).strip()
    # Asking about each character of each id would take longer than reading them.
    problem = None if len(clip_id) <= MAX_ID_CHARS and clip_id.isprintable() else id_problem(clip_id)
    if problem is not None:
        raise RequestError(f"row {number}, {column}: {problem.message}")
    return clip_id


def _label(column: str, number: int, value: Any) -> str:
    if not isinstance(value, str):
        _refuse(column, number, value, "emotion words alone in the list")
    return _checked(column, number, value).strip()


def _is_empty(value: Any) -> bool:
    if isinstance(value, str):
        return not value.strip()
    return value is None or (isinstance(value, float) and math.isnan(value))


def _is_missing(cell: Any) -> bool:
    """Whether a cell holds nothing; libraries write a missing value as the name that it has in them."""
    return _is_empty(cell) or (isinstance(cell, str) and cell.strip().lower() in _MISSING_TEXTS)


def _checked(column: str, number: int, text: str) -> str:
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise RequestError(
            f"row {number}, {column}: the text is no valid Unicode (half of a character); correct the row"
        )
    return text


def _refuse(column: str, number: int, value: Any, wanted: str) -> NoReturn:
    kind = "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__
    shown = printable(repr(value))
    raise RequestError(
        f"row {number}, {column}: it holds the {kind} {shown[:80]}; give {wanted}, or name another column by the "
        "option for it"
    )


def _note(column: str, what: str, rows: Sequence[int]) -> list[str]:
    if not rows:
        return []
    return [f"{column}: {len(rows)} {'row' if len(rows) == 1 else 'rows'} {what}; the first is row {rows[0]}"]
