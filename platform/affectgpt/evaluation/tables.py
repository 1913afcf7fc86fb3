"""Tables of references and predictions: who they speak of, and the labels or descriptions that they give."""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath

from affectgpt.clips.sources import printable
from affectgpt.clips.storage import split_uri
from affectgpt.errors import RequestError
from affectgpt.evaluation.cells import are_numbers, clip_ids, label_lists, sentiments, single_labels, texts
from affectgpt.evaluation.raw_columns import Columns, parts_sha256, read_columns, table_parts
from affectgpt.evaluation.text_language import Language, language_of

_IDS = ("clip_id", "name", "names", "filename", "filenames", "id", "video_id")
_SINGLE_LABELS = ("emotions", "emotion", "label")
_LABELS = ("openset", "labels", "ov_labels", "emotions_openset", "fileitems", *_SINGLE_LABELS)
_DESCRIPTIONS: dict[str, Language | None] = {
    "description_en": "en",
    "english": "en",
    "description": None,
    "reason": None,
    "reasons": None,
    "text": None,
    "description_zh": "zh",
    "chinese": "zh",
}
"""Columns of descriptions, the first that is there being taken, with their language where the name tells it."""
_SENTIMENTS = ("sentiment", "valence")


@dataclass(frozen=True, slots=True)
class ColumnNames:
    """Names of columns that a user gives outright; None is for a column that is found by its usual name.

    ``options`` is how the command's options for them begin, for messages; without it they are described.
    """

    clip_id: str | None = None
    labels: str | None = None
    description: str | None = None
    basic: str | None = None
    sentiment: str | None = None
    options: str | None = None

    def option(self, column: str) -> str:
        """Say how a column is named: by which option, or by what."""
        return f"the option for the column of {column}" if self.options is None else f"{self.options}{column}"


@dataclass(frozen=True)
class LabelTable:
    """A table of references or predictions; every list has one value per clip, in the order of the table.

    Attributes:
        source: the path or URI that was read.
        name: a short name for tables, the file's without its suffix or the folder's.
        clip_ids: unique and never empty.
        labels: open-vocabulary labels as they are written, or None without such a column.
        descriptions: or None without such a column.
        description_language: language of most descriptions; None without any.
        basic: the one basic label of each clip, or None without such a column.
        sentiment: a word, a number or nothing, or None without such a column.
        sha256: of the file; for a folder, of its parts' digests, sorted and joined by line feeds.
        notes: what a reader of the results should know of how the table was read.
    """

    source: str
    name: str
    clip_ids: list[str]
    labels: list[list[str]] | None
    descriptions: list[str | None] | None
    description_language: Language | None
    basic: list[str | None] | None
    sentiment: list[str | float | None] | None
    sha256: str
    notes: list[str]


def read_table(
    uri: str,
    columns: ColumnNames | None = None,
    language: Language | None = None,
    split_apostrophes: bool = False,
    with_truth: bool = True,
    with_descriptions: bool = True,
) -> LabelTable:
    """Read references or predictions.

    Columns are found by name in any case of letters: ids by ``clip_id``, ``name(s)``, ``filename(s)``, ``id`` or
    ``video_id``; labels by ``openset``, ``labels``, ``ov_labels``, ``emotions_openset`` or ``fileitems``, else by
    ``emotion(s)`` or ``label``, which are the basic label too where every cell holds one word or phrase; descriptions
    by ``description_en``, ``english``, ``description``, ``reason(s)``, ``description_zh`` or ``chinese``; sentiment by
    ``sentiment`` or ``valence``.

    Args:
        uri: a CSV or TSV file in UTF-8, Parquet, JSON Lines, an NPZ file with arrays of text, or a folder that
            build-dataset wrote.
        columns: names of columns outright.
        language: of the descriptions to read; None takes English ones where there are both. A table that has labels
            and descriptions in the other language alone is read without descriptions.
        split_apostrophes: as in ``split_labels``.
        with_truth: whether columns of basic labels and of sentiment are read, which only the truth needs.
        with_descriptions: whether descriptions are read from a table that has labels.

    Raises:
        RequestError: the table cannot be read, has no rows, no ids, or neither labels nor descriptions; an id is empty
            or stands there twice; a cell holds what cannot be labels.
    """
    parts = table_parts(uri)
    choices: list[_Choice] = []

    def choose_columns(names: Sequence[str]) -> list[str]:
        choice = _choose(uri, names, columns or ColumnNames(), language)
        choice = choice if with_truth else replace(choice, basic=None, sentiment=None)
        choices.append(choice if with_descriptions or choice.labels is None else replace(choice, description=None))
        return choices[0].all()

    raw = read_columns(parts, choose_columns)
    choice = choices[0]
    ids = clip_ids(choice.called(choice.clip_id), raw[choice.clip_id])
    descriptions, description_language, notes = _descriptions(choice, raw, language)
    labels, label_notes = _labels(choice, raw, split_apostrophes, has_descriptions=descriptions is not None)
    if labels is None and descriptions is None:
        raise choice.lacks(f"neither labels nor descriptions in the language {language}", choice.either)
    basic, basic_notes = _basic(choice, raw)
    return LabelTable(
        source=uri,
        name=_short_name(uri, is_folder=parts != [uri]),
        clip_ids=ids,
        labels=labels,
        descriptions=descriptions,
        description_language=description_language,
        basic=basic,
        sentiment=sentiments(choice.called(choice.sentiment), raw[choice.sentiment]) if choice.sentiment else None,
        sha256=_sha256(parts, is_folder=parts != [uri]),
        notes=[*label_notes, *basic_notes, *notes],
    )


def free_name(table: LabelTable, taken: Collection[str]) -> str:
    """Give a table a name of its own: short, else its place, else its place with a number."""
    names = (table.name, table.source, *(f"{table.source} ({number})" for number in range(2, len(taken) + 3)))
    return next(name for name in names if name not in taken)


@dataclass(frozen=True, slots=True)
class _Choice:
    """Which columns of a table are read as what, and which of them the user named."""

    uri: str
    names: Sequence[str]
    wanted: ColumnNames
    clip_id: str
    labels: str | None
    description: str | None
    basic: str | None
    sentiment: str | None

    def all(self) -> list[str]:
        chosen = (self.clip_id, self.labels, self.description, self.basic, self.sentiment)
        return [name for name in dict.fromkeys(chosen) if name is not None]

    @property
    def either(self) -> str:
        return _either(self.wanted)

    def other_labels(self) -> list[str]:
        """Note other columns that are called as labels are: whoever has two should know which was read."""
        others = [name for name in self.names if _usual(name) in _LABELS and name not in {self.labels, self.basic}]
        if self.wanted.labels is not None or not others:
            return []
        listed = ", ".join(printable(name) for name in others)
        return [f"{self.called(self.labels or '')} is read, not {listed}"]

    def called(self, name: str) -> str:
        return f"column {printable(name)} of the table {self.uri}"

    def lacks(self, what: str, remedy: str) -> RequestError:
        return _lacking(self.uri, self.names, what, remedy)


def _choose(uri: str, names: Sequence[str], wanted: ColumnNames, language: Language | None) -> _Choice:
    languages = (language, None) if language else ("en", None, "zh")
    described = [name for one in languages for name, its in _DESCRIPTIONS.items() if its == one]

    def find(name: str | None, usual: Sequence[str]) -> str | None:
        return _find(uri, names, usual) if name is None else _find_named(uri, names, name)

    clip_id = find(wanted.clip_id, _IDS)
    if clip_id is None:
        raise _lacking(uri, names, "no column with the ids of the clips", wanted.option("id"))
    labels, description = find(wanted.labels, _LABELS), find(wanted.description, described)
    if labels is None and description is None:
        in_language = {"en": " in English", "zh": " in Chinese", None: ""}[language]
        raise _lacking(uri, names, f"neither a column of labels nor one of descriptions{in_language}", _either(wanted))
    basic, sentiment = find(wanted.basic, _SINGLE_LABELS), find(wanted.sentiment, _SENTIMENTS)
    return _Choice(uri, names, wanted, clip_id, labels, description, basic, sentiment)


def _either(wanted: ColumnNames) -> str:
    return f"{wanted.option('labels')} or {wanted.option('description')}"


def _find(uri: str, names: Sequence[str], usual: Sequence[str]) -> str | None:
    """Find the first of some usual names, in any case of letters, with blanks and hyphens for underscores."""
    written = {_usual(name): name for name in reversed(names)}
    found = next((written[name] for name in usual if name in written), None)
    if found is not None and list(names).count(found) > 1:
        raise RequestError(f"the table {uri} has the column {printable(found)} twice; keep one")
    return found


def _usual(name: str) -> str:
    return "_".join(name.strip().lower().replace("-", " ").split())


def _find_named(uri: str, names: Sequence[str], name: str) -> str:
    """Find the column that the user named, as it is written where it is there, else in any case of letters."""
    found = _find(uri, [one for one in names if one == name] or names, [_usual(name)])
    if found is None:
        raise _lacking(uri, names, f"no column {printable(name)}", "one of these names")
    return found


def _lacking(uri: str, names: Sequence[str], what: str, remedy: str) -> RequestError:
    listed = ", ".join(printable(name) for name in names[:30])
    return RequestError(
        f"the table {uri} has {what} (its columns: {listed}); name one with {remedy}, and see that it is a table of "
        "references or predictions"
    )


def _labels(
    choice: _Choice, raw: Columns, split_apostrophes: bool, has_descriptions: bool
) -> tuple[list[list[str]] | None, list[str]]:
    if choice.labels is None:
        return None, []
    column, cells = choice.called(choice.labels), raw[choice.labels]
    if not are_numbers(cells):
        lists, notes = label_lists(column, cells, split_apostrophes)
        return lists, [*notes, *choice.other_labels()]
    numbers = f"{column} holds numbers alone, no emotion words"
    if has_descriptions and choice.wanted.labels is None:
        return None, [f"{numbers}; it is not read"]
    raise RequestError(
        f"{numbers}; write the words that they stand for, or name another with {choice.wanted.option('labels')}"
    )


def _basic(choice: _Choice, raw: Columns) -> tuple[list[str | None] | None, list[str]]:
    if choice.basic is None:
        return None, []
    column, cells = choice.called(choice.basic), raw[choice.basic]
    found = None if are_numbers(cells) else single_labels(cells)
    if found is not None:
        return found, []
    if choice.wanted.basic is not None:
        raise RequestError(
            f"{column} is to hold one basic label in each cell, and holds lists or numbers; name another"
        )
    return None, [] if choice.basic == choice.labels else [f"{column} holds no single labels; it is not read"]


def _descriptions(
    choice: _Choice, raw: Columns, language: Language | None
) -> tuple[list[str | None] | None, Language | None, list[str]]:
    """Read the descriptions, unless they turn out to be in another language than the one that is asked for."""
    if choice.description is None:
        return None, None, []
    column = choice.called(choice.description)
    descriptions = texts(column, raw[choice.description])
    found = _DESCRIPTIONS.get(choice.description.strip().lower()) or _language_of(descriptions)
    if found is None or language in {None, found} or choice.wanted.description is not None:
        return descriptions, found, []
    return None, None, [f"{column} is in the language {found}, not {language}; it is not read"]


def _language_of(descriptions: Iterable[str | None]) -> Language | None:
    """Tell the language of most descriptions."""
    counts = Counter(language_of(text) for text in descriptions if text and text.strip())
    return counts.most_common(1)[0][0] if counts else None


def _short_name(uri: str, is_folder: bool) -> str:
    name = split_uri(uri)[1]
    return name if is_folder else PurePath(name).stem


def _sha256(parts: Sequence[str], is_folder: bool) -> str:
    digests = parts_sha256(parts)
    return hashlib.sha256("\n".join(sorted(digests)).encode()).hexdigest() if is_folder else digests[0]
