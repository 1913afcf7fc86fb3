"""One side of an evaluation: the labels of its clips, read from a column or out of descriptions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from affectgpt.evaluation.tables import ColumnNames, LabelTable, Language, languages_of
from affectgpt.evaluation.vocabulary import find_label

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
    """

    table: LabelTable
    kind: Literal["labels", "descriptions"]
    labels: list[list[str]]
    languages: Mapping[str, int]


def label_clips(table: LabelTable, columns: ColumnNames, extract: Extractor, english_only: bool) -> LabelledClips:
    """Take the labels of a table, or extract them where it has descriptions only.

    Args:
        table: references or predictions.
        columns: the columns that the user named; a column of descriptions named without one of labels is read even
            where the table has labels.
        extract: the extractor.
        english_only: whether the wheels know English labels alone; labels extracted from Chinese descriptions are then
            given by the English name of the emotion that they stand for.
    """
    wants_descriptions = columns.description is not None and columns.labels is None
    if table.labels is not None and not wants_descriptions:
        kind: Literal["labels", "descriptions"] = "labels"
        labels = table.labels
    else:
        kind = "descriptions"
        labels = extract([text or "" for text in table.descriptions or ()], table.description_language or "en")
        if english_only:
            labels = [[_in_english(label) for label in of_clip] for of_clip in labels]
    clean = [[label.lower().strip() for label in of_clip] for of_clip in labels]
    return LabelledClips(table, kind, clean, languages_of(label for of_clip in clean for label in of_clip))


def _in_english(label: str) -> str:
    word = find_label(label)
    return label if word is None or label.isascii() else word.emotion.name
