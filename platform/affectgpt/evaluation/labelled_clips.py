"""One side of an evaluation: the labels of its clips, read from a column or out of descriptions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from affectgpt.errors import RequestError
from affectgpt.evaluation.sentiment import sentiment_of_value
from affectgpt.evaluation.tables import ColumnNames, LabelTable
from affectgpt.evaluation.text_language import Language, holds_chinese, language_of, languages_of
from affectgpt.evaluation.vocabulary import Sentiment, find_label

Extractor = Callable[[Sequence[str], Language], list[list[str]]]
"""Reads the labels out of descriptions in one language."""


@dataclass(frozen=True, slots=True)
class LabelledClips:
    """The clips of one table with their labels; every list has one value per clip.

    Attributes:
        table: what was read.
        kind: whether the labels stood in a column or were extracted from descriptions.
        labels: lower-cased and stripped, as the field's toolkit compares them.
        languages: how many labels there are in each language.
        sentiments: the sentiments of a column, or None without such a column.
        notes: what a reader of the results should know of how the table was read.
    """

    table: LabelTable
    kind: Literal["labels", "descriptions"]
    labels: list[list[str]]
    languages: Mapping[str, int]
    sentiments: list[Sentiment | None] | None
    notes: list[str]


def label_clips(table: LabelTable, columns: ColumnNames, extract: Extractor, english_only: bool) -> LabelledClips:
    """Take the labels of a table, or extract them where it has descriptions only.

    Args:
        table: references or predictions.
        columns: the columns that the user named; a column of descriptions named without one of labels is read even
            where the table has labels.
        extract: the extractor; descriptions of both languages may stand side by side.
        english_only: whether the wheels know English labels alone; labels extracted from Chinese descriptions are then
            given by the English name of the emotion that they stand for.

    Raises:
        RequestError: a column of sentiment that the user named holds something else.
    """
    wants_descriptions = columns.description is not None and columns.labels is None
    if table.labels is not None and not wants_descriptions:
        kind: Literal["labels", "descriptions"] = "labels"
        labels = table.labels
    else:
        kind = "descriptions"
        labels = _extracted([text or "" for text in table.descriptions or ()], extract)
        if english_only:
            labels = [[_in_english(label) for label in of_clip] for of_clip in labels]
    clean = [[label.lower().strip() for label in of_clip] for of_clip in labels]
    languages = languages_of(label for of_clip in clean for label in of_clip)
    sentiments, notes = _sentiments(table, is_named=columns.sentiment is not None)
    return LabelledClips(table, kind, clean, languages, sentiments, [*table.notes, *notes])


def _extracted(texts: Sequence[str], extract: Extractor) -> list[list[str]]:
    labels: list[list[str]] = [[] for _ in texts]
    languages = [language_of(text) for text in texts]
    for language in get_args(Language):
        rows = [row for row, one in enumerate(languages) if one == language]
        if rows:
            for row, found in zip(rows, extract([texts[row] for row in rows], language), strict=True):
                labels[row] = found
    return labels


def _in_english(label: str) -> str:
    word = find_label(label) if holds_chinese(label) else None
    return label if word is None else word.emotion.name


def _sentiments(table: LabelTable, is_named: bool) -> tuple[list[Sentiment | None] | None, list[str]]:
    if table.sentiment is None:
        return None, []
    try:
        rows = zip(table.clip_ids, table.sentiment, strict=True)
        return [sentiment_of_value(value, f"clip {clip_id} of {table.source}") for clip_id, value in rows], []
    except RequestError as error:
        if is_named:
            raise
        return None, [f"the column of sentiment is not read: {error}"]
